//! Where a query stands, as those who asked are told.

use optelsom_codebook::{Lang, SupplierId, Timestamp};
use optelsom_proto::v1;
use optelsom_secagg::combiner::{AbandonReason, Absence, Answers, Outcome, SpentReason, Stage, VoidReason};
use optelsom_secagg::messages::RoundOutcome;
use prost::bytes::Bytes;

use crate::store::StoredOutcome;

/// Where a query stands. Whoever follows it sees the latest, not each.
#[derive(Clone, Debug, Default)]
pub struct QueryState {
    /// The latest progress.
    pub progress: Option<v1::Progress>,
    /// It has ended, and how is stored.
    pub ended: bool,
    /// Its release, once it is stored: for those who follow, as soon as the log has it.
    pub release: Option<Bytes>,
}

/// A stage as it travels.
pub fn progress(stage: &Stage, refusals: Vec<v1::Refusal>, at: Timestamp) -> v1::Progress {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (kind, attempt, done, of) = match stage {
        Stage::Gathering { ready, asked, .. } => (v1::Stage::Gathering, 0, *ready, *asked),
        Stage::Joining(answers) => counted(v1::Stage::Joining, answers),
        Stage::Pairing(answers) => counted(v1::Stage::Pairing, answers),
        Stage::Submitting(answers) => counted(v1::Stage::Submitting, answers),
        Stage::Certifying(answers) => counted(v1::Stage::Certifying, answers),
        Stage::Finalising(answers) => counted(v1::Stage::Finalising, answers),
        Stage::Voiding(answers) => counted(v1::Stage::Voiding, answers),
        Stage::Opening(answers) => counted(v1::Stage::Opening, answers),
    };
    v1::Progress { stage: kind.into(), attempt, done: count(done), of: count(of), refusals, at: at.as_millis() }
}

fn counted(kind: v1::Stage, answers: &Answers) -> (v1::Stage, u32, usize, usize) {
    (kind, answers.attempt.number(), answers.answered, answers.of)
}

/// An outcome in words, as it is stored and told.
pub fn stored(outcome: &Outcome) -> StoredOutcome {
    let (outcome, reason) = match outcome {
        Outcome::Opened => (RoundOutcome::Opened, String::new()),
        Outcome::Abandoned { reason } => (RoundOutcome::Abandoned, abandoned(reason)),
        Outcome::Void { certificate, why } => (RoundOutcome::Void, void(certificate.votes.len(), *why)),
        Outcome::Spent { reason } => (RoundOutcome::Spent, spent(reason)),
    };
    StoredOutcome { outcome, reason }
}

fn void(voters: usize, why: VoidReason) -> String {
    let why = match why {
        VoidReason::Operators => "",
        VoidReason::Guard => "the suppliers' guards refuse it, since the total would give suppliers away: ",
    };
    format!("{why}{voters} voters have declared the query void; it can never be opened")
}

fn abandoned(reason: &AbandonReason) -> String {
    match reason {
        AbandonReason::TooFewSuppliers { ready, needed, missing } => too_few(*ready, *needed, missing),
        AbandonReason::AttemptsUsedUp => "too many attempts have failed; ask again".into(),
        AbandonReason::Expired => "the query expired before its round was done; ask again with a later deadline".into(),
        AbandonReason::NotLogged => {
            "the query expired before enough witnesses of the log had seen who takes part; see \
                                     that the suppliers are connected, then ask again"
                .into()
        }
        AbandonReason::Guard { why } => format!("the total would give suppliers away: {why}; nothing was opened"),
        AbandonReason::Cancelled { by } => format!("it was cancelled by {by}"),
    }
}

/// Who was missing, why, and what helps: who is silent may yet come, who refuses will not.
fn too_few(ready: usize, needed: usize, missing: &[(SupplierId, Absence)]) -> String {
    let asked = ready + missing.len();
    let silent: Vec<&str> = missing
        .iter()
        .filter(|(_, absence)| *absence == Absence::Silent)
        .map(|(supplier, _)| supplier.as_str())
        .collect();
    let gone: Vec<String> = missing
        .iter()
        .filter_map(|(supplier, absence)| match absence {
            Absence::Silent => None,
            Absence::Refused(reason) => Some(format!("{supplier} refuses: {} ({reason})", reason.explain(Lang::En))),
            Absence::Excluded => Some(format!("{supplier} has failed in this query's attempts")),
        })
        .collect();
    let because = if gone.is_empty() { String::new() } else { format!("; {}", gone.join("; ")) };
    if ready + silent.len() < needed {
        return format!(
            "{needed} of the {asked} suppliers asked are needed, and so many cannot come any more{because}; ask what they \
             have agreed to and hold, which `optelsom explain` tells beforehand, or accept fewer with --at-least"
        );
    }
    format!(
        "when the time for it was over, {ready} of the {asked} suppliers asked were ready, and {needed} are needed; no \
         answer from {}{because}; see that they are connected and ask again, with a later --deadline, or accept fewer with \
         --at-least",
        silent.join(", ")
    )
}

fn spent(reason: &SpentReason) -> String {
    match reason {
        SpentReason::SumMismatch => "the sum does not match what the suppliers committed to: one of them, and nobody \
                                     can say which, masked another table; nothing is released"
            .into(),
        SpentReason::SplitVotes => {
            "the votes are split between final and void, so that neither can hold; nothing is released".into()
        }
        SpentReason::SelfMasksLost { of } => {
            let names: Vec<_> = of.iter().map(ToString::to_string).collect();
            format!("what was needed to open the total is lost at {}; nothing is released", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_codebook::RefusalReason;

    use super::*;

    #[test]
    fn who_is_missing_is_named_with_what_helps() {
        let supplier = |name: &str| name.parse::<SupplierId>().unwrap();
        let missing = vec![
            (supplier("courts"), Absence::Refused(RefusalReason::OutsidePeriod)),
            (supplier("police"), Absence::Silent),
            (supplier("shelters"), Absence::Excluded),
        ];
        let told = |needed| abandoned(&AbandonReason::TooFewSuppliers { ready: 3, needed, missing: missing.clone() });
        let why = "courts refuses: the question asks years outside the agreement (outside-period); shelters has failed in \
                   this query's attempts";
        let impossible = told(6);
        assert!(impossible.starts_with(&format!(
            "6 of the 6 suppliers asked are needed, and so many cannot come any more; {why}; ask what"
        )));
        let late = told(4);
        assert!(late.starts_with(&format!(
            "when the time for it was over, 3 of the 6 suppliers asked were ready, and 4 are needed; no answer from police; \
             {why}; see that"
        )));
    }
}
