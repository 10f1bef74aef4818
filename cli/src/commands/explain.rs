//! `optelsom explain`.

use optelsom_codebook::{Lang, Plan, SupplierId};
use optelsom_disclosure::Policy;

use super::{Session, codebook_file, print};
use crate::arguments::ExplainArguments;
use crate::asking::{self, Asking, Wishes};
use crate::clock::now;
use crate::explain::{Supplier, suppliers, write_guard, write_overlaps, write_plan, write_suppliers, write_unbound};
use crate::failure::Failure;
use crate::federation::Federation;
use crate::question;

pub(super) async fn run(session: Session<'_>, arguments: &ExplainArguments) -> Result<(), Failure> {
    let text = question::read(&arguments.question.question)?;
    let mut out = Vec::new();
    if let Some(path) = &arguments.codebook {
        let codebook = codebook_file(path)?;
        let query = question::with_noise(question::parse(&codebook, &text)?, arguments.epsilon)?;
        if arguments.document {
            return print(format!("{}\n", query.canonical_json()).as_bytes());
        }
        let plan = Plan::new(&codebook, &query)?;
        let policy = Policy::for_dataset(plan.dataset())?;
        write_plan(&mut out, &plan, &policy, session.lang(None)).map_err(Failure::Output)?;
        return print(&out);
    }
    let configuration = session.configuration()?;
    let lang = session.lang(Some(&configuration));
    let mut federation = Federation::open(&configuration).await?;
    let catalogue = federation.catalogue().await?;
    let query = question::with_noise(asking::read(&catalogue, &text)?, arguments.epsilon)?;
    if arguments.document {
        return print(format!("{}\n", query.canonical_json()).as_bytes());
    }
    let facts = federation.facts(&catalogue, query.dataset().name()).await?;
    let wishes = Wishes {
        purpose: arguments.purpose.as_deref().or(configuration.purpose.as_deref()),
        scope: &arguments.scope,
        at_least: arguments.at_least,
    };
    let asking = Asking::prepare(&catalogue, query, &facts, wishes)?;
    let suppliers = suppliers(&catalogue.codebook, &asking, &facts, now()?);
    write_plan(&mut out, &asking.plan, &asking.policy, lang).map_err(Failure::Output)?;
    write_suppliers(&mut out, &asking, &suppliers, lang).map_err(Failure::Output)?;
    before(&mut federation, &asking, &suppliers, lang, &mut out).await?;
    print(&out)
}

/// What earlier totals and releases mean for this one: of all that are asked, and of those that would take part where
/// fewer are accepted.
async fn before(
    federation: &mut Federation,
    asking: &Asking,
    suppliers: &[Supplier],
    lang: Lang,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let query = asking.plan.query();
    if query.epsilon().is_some() {
        return write_unbound(out, lang).map_err(Failure::Output);
    }
    let all = asking.scope.members().iter().map(|member| &member.supplier);
    let before = federation.before(query, all).await?;
    write_guard(out, None, before.refused.as_deref(), lang).map_err(Failure::Output)?;
    let willing: Vec<&SupplierId> = suppliers.iter().filter(|s| s.would_take_part()).map(|s| &s.supplier).collect();
    let fewer = willing.len() < asking.scope.members().len() && willing.len() as u64 >= asking.min_suppliers;
    if asking.accepts_incomplete() && fewer {
        let of = willing.len();
        let refused = federation.before(query, willing).await?.refused;
        write_guard(out, Some(of), refused.as_deref(), lang).map_err(Failure::Output)?;
    }
    write_overlaps(out, &before.overlaps, lang).map_err(Failure::Output)
}
