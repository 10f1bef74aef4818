//! From opened totals to the release: the only way that totals take.

use std::collections::BTreeSet;

use optelsom_codebook::{Codebook, Plan, SupplierId, Timestamp};
use optelsom_disclosure::{Absence, Policy, ProtectError, Release, ReleaseError, RoundFacts, Totals, protect};
use optelsom_ledger::QueryEntry;
use optelsom_secagg::combiner::Evidence;
use thiserror::Error;

/// Why opened totals cannot be released.
#[derive(Debug, Error)]
pub enum NoRelease {
    /// They contradict each other, or the plan.
    #[error("the opened totals cannot be protected: {0}; nothing is released")]
    Protect(#[from] ProtectError),
    /// A bug.
    #[error("the release cannot be put together: {0}")]
    Release(#[from] ReleaseError),
}

/// Protects totals and writes the release document.
pub fn make(
    codebook: &Codebook,
    plan: &Plan,
    policy: &Policy,
    totals: Totals,
    facts: RoundFacts,
) -> Result<Vec<u8>, NoRelease> {
    let table = protect(plan, policy, totals)?;
    Ok(Release::new(codebook, plan, policy, facts, table)?.to_json()?)
}

/// What is known of the round.
pub fn facts(
    entry: &QueryEntry,
    evidence: &Evidence,
    refusals: &[(SupplierId, String)],
    ready: &BTreeSet<SupplierId>,
    now: Timestamp,
) -> RoundFacts {
    let taking_part: BTreeSet<_> = evidence.certificate.certificate.participants.suppliers().cloned().collect();
    let refused = refusals.iter().map(|(who, code)| (who.clone(), Absence::Refused { code: code.clone() }));
    let lost = ready.difference(&taking_part).map(|who| (who.clone(), Absence::Lost));
    RoundFacts {
        query: entry.id(),
        edition: entry.edition.clone(),
        purpose: entry.purpose.clone(),
        asked_at: entry.asked_at,
        released_at: now,
        asked: entry.scope.iter().cloned().collect(),
        absences: refused.chain(lost).collect(),
        taking_part,
    }
}
