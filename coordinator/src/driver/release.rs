//! From opened totals to the release: the only way that totals take.

use std::collections::BTreeSet;

use optelsom_codebook::{Plan, SupplierId, Timestamp};
use optelsom_disclosure::{
    Absence, History, HistoryError, Noise, Policy, ProtectError, ProtectedTable, Release, ReleaseError, RoundFacts,
    Totals, protect_after, protect_noised,
};
use optelsom_ledger::QueryEntry;
use optelsom_secagg::Entropy;
use optelsom_secagg::combiner::Evidence;
use optelsom_secagg::release_proof::{Protection, ReleaseProof, Statement, claims};
use prost::bytes::Bytes;
use thiserror::Error;

use crate::shared::Shared;

/// Why opened totals cannot be released.
#[derive(Debug, Error)]
pub enum NoRelease {
    /// They contradict each other, or the plan.
    #[error("the opened totals cannot be protected: {0}; nothing is released")]
    Protect(#[from] ProtectError),
    /// Nobody can tell what it would give away.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A bug.
    #[error("the release cannot be put together: {0}")]
    Release(#[from] ReleaseError),
    /// What was opened is not what the table says: a bug.
    #[error("the release cannot be proved: {0}; nothing is released")]
    Proof(String),
    /// The system.
    #[error("the operating system gives no random bytes: {0}; nothing is released")]
    Random(String),
    /// A bug.
    #[error("protecting the table has failed")]
    Failed,
}

/// A release with all that goes with it.
pub struct Made {
    /// The release.
    pub release: Release,
    /// As its document.
    pub document: Bytes,
    /// Fresh random bytes, without which the digest in the log could be guessed from.
    pub salt: [u8; 32],
    /// That what is shown is the sum of what was committed to: the proofs of all columns.
    pub proof: Vec<u8>,
    /// What the participants committed to and signed.
    pub commitments: Vec<u8>,
}

impl Made {
    /// What is shown beside the document, by file name.
    pub fn files(&self) -> Vec<(&'static str, &[u8])> {
        vec![("salt", &self.salt), ("proof", &self.proof), ("commitments", &self.commitments)]
    }
}

/// Protects totals, also against what was released before of the edition, or takes them as they are where the participants
/// have added noise; writes the release document, and proves it.
pub fn make(
    shared: &Shared,
    (plan, noise): (&Plan, Option<&Noise>),
    policy: &Policy,
    totals: Totals,
    (facts, evidence): (RoundFacts, &Evidence),
    history: &History,
) -> Result<Made, NoRelease> {
    let mut random = [[0; 32]; 2];
    getrandom::fill(random.as_flattened_mut()).map_err(|cause| NoRelease::Random(cause.to_string()))?;
    let [salt, entropy] = random;
    let table = match noise {
        Some(noise) => protect_noised(plan, noise, facts.taking_part.len() as u64, totals)?,
        None => protect_after(plan, policy, totals, &history.before(facts.taking_part.clone()))?,
    };
    let release = Release::new(&shared.codebook, plan, policy, facts, table)?;
    let proof = prove(shared, plan, policy, evidence, release.table(), &Entropy::new(entropy))?;
    let document = release.to_json()?.into();
    Ok(Made { release, document, salt, proof, commitments: evidence.submissions().to_bytes() })
}

/// One proof for each column of which something is shown.
fn prove(
    shared: &Shared,
    plan: &Plan,
    policy: &Policy,
    evidence: &Evidence,
    table: &ProtectedTable,
    entropy: &Entropy,
) -> Result<Vec<u8>, NoRelease> {
    let unproved = |cause: String| NoRelease::Proof(cause);
    // The codebook's own rules, as that of rounding, hold too.
    let policy = policy.with_codebook(plan.dataset()).map_err(|cause| unproved(cause.to_string()))?;
    let protection = Protection::of(&policy);
    let commitments = evidence.commitments().map_err(|cause| unproved(cause.to_string()))?;
    let claims = claims(plan, &protection, table).map_err(|cause| unproved(cause.to_string()))?;
    let mut proofs = Vec::with_capacity(claims.len());
    for (column, claims) in claims.into_iter().enumerate() {
        let statement = Statement::new(&commitments, &plan.hash(), &protection, column, claims)
            .map_err(|cause| unproved(cause.to_string()))?;
        let prove = || evidence.witness().prove(&statement, &shared.generators, entropy);
        let proof = (!statement.says_nothing()).then(prove).transpose();
        proofs.push(proof.map_err(|cause| unproved(cause.to_string()))?);
    }
    Ok(ReleaseProof::file(&proofs))
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
