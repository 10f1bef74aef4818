//! `optelsom query`.

use std::io::{IsTerminal, Write, stderr, stdin};

use optelsom_codebook::{Lang, QueryId, Timestamp};
use optelsom_disclosure::Release;
use optelsom_ledger::query::CLOCK_TOLERANCE_MS;
use optelsom_proto::key_file::read_identity;
use optelsom_proto::output::complain;
use optelsom_proto::wire::Asked;

use super::Session;
use super::verify::Delivery;
use crate::arguments::QueryArguments;
use crate::asking::{self, Asking, Wishes};
use crate::clock::{now, random};
use crate::failure::Failure;
use crate::federation::{Federation, Moment, Wanted};
use crate::progress::Progress;
use crate::question;
use crate::words::words;

pub(super) async fn run(session: Session<'_>, arguments: &QueryArguments) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let delivery = Delivery::prepare(session, &arguments.output)?;
    let lang = session.lang(Some(&configuration));
    let text = question::read(&arguments.question.question)?;
    let key = read_identity(&configuration.identity)?;
    let mut federation = Federation::open(&configuration).await?;
    let catalogue = federation.catalogue().await?;
    let query = question::with_noise(asking::read(&catalogue, &text)?, arguments.epsilon)?;
    let facts = federation.facts(&catalogue, query.dataset().name()).await?;
    let wishes = Wishes {
        purpose: arguments.purpose.as_deref().or(configuration.purpose.as_deref()),
        scope: &arguments.scope,
        at_least: arguments.at_least,
    };
    let asking = Asking::prepare(&catalogue, query, &facts, wishes)?;
    let now = now()?;
    clocks_agree(now, catalogue.clock)?;
    let signed = asking.sign(&catalogue, &key, arguments.deadline, now, random()?)?;
    if asking.accepts_incomplete() {
        confirm(&asking.consequences(lang), arguments.yes, lang)?;
    }
    let id = signed.entry.id();
    let asked = Asked::new(signed, asking.query.canonical_bytes())?;
    let progress = Progress::new(lang);
    let tell = |moment: &Moment| progress.tell(moment);
    let release = federation.see_through(&configuration, Wanted::Asked(&asked), lang, tell).await?;
    drop(progress);
    belongs(&release, id, &asking)?;
    delivery.deliver(&configuration, &release, lang).await.inspect_err(|_| complain(kept(id, lang)))
}

/// The coordinator keeps the table, whatever became of it here.
fn kept(id: QueryId, lang: Lang) -> String {
    match lang {
        Lang::Nl => format!("De tabel is bewaard: `optelsom fetch {}` haalt haar opnieuw.", id.short()),
        Lang::En => format!("The table is kept: `optelsom fetch {}` brings it again.", id.short()),
    }
}

/// A release of another query, codebook or policy is no answer to this one.
fn belongs(release: &Release, id: QueryId, asking: &Asking) -> Result<(), Failure> {
    let same = release.query() == id
        && release.edition() == &asking.edition
        && release.codebook().hash == asking.query.codebook()
        && release.question() == asking.query.to_sql();
    if same { Ok(()) } else { Err(Failure::Answer("it released the table of another question".to_owned())) }
}

fn clocks_agree(here: Timestamp, there: Timestamp) -> Result<(), Failure> {
    let off = here.since(there).max(there.since(here));
    if off.as_millis() <= u128::from(CLOCK_TOLERANCE_MS) {
        return Ok(());
    }
    Err(Failure::Machine(format!(
        "its clock says {here}, the coordinator's {there}: they differ by {} minutes; set the one that is off",
        off.as_secs() / 60
    )))
}

/// Says what follows, and goes on only with a yes.
fn confirm(consequences: &str, yes: bool, lang: Lang) -> Result<(), Failure> {
    complain(consequences);
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::Usage("nobody is there to answer; give --yes to accept this".to_owned()));
    }
    write!(stderr(), "{}", words(lang, "Doorgaan? [j/N] ", "Go on? [y/N] ")).map_err(Failure::Output)?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|cause| Failure::Machine(cause.to_string()))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" | "j" | "ja" => Ok(()),
        _ => Err(Failure::Usage(words(lang, "niet gevraagd", "not asked").to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_named() {
        let at = Timestamp::from_millis;
        assert!(clocks_agree(at(CLOCK_TOLERANCE_MS), at(0)).is_ok());
        let failure = clocks_agree(at(0), at(20 * 60 * 1000)).unwrap_err();
        assert!(failure.to_string().contains("differ by 20 minutes"), "{failure}");
    }
}
