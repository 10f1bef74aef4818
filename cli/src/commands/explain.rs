//! `optelsom explain`.

use optelsom_codebook::Plan;
use optelsom_disclosure::Policy;

use super::{Session, codebook_file, print};
use crate::arguments::ExplainArguments;
use crate::asking::{self, Asking, Wishes};
use crate::clock::now;
use crate::explain::{suppliers, write_guard, write_overlaps, write_plan, write_suppliers};
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
    let before = federation.before(asking.plan.query(), &asking.scope).await?;
    write_guard(&mut out, before.refused.as_deref(), lang).map_err(Failure::Output)?;
    write_overlaps(&mut out, &before.overlaps, lang).map_err(Failure::Output)?;
    print(&out)
}
