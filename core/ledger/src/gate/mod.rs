//! No log, no answer: what a node checks before it joins a round, in this order. 1. the leaf, recomputed from the
//! plaintext query; 2. requester's and approver's signatures, expiry; 3. the log's signature and origin; 4. the
//! inclusion proof; 5. the cosignatures; 6. consistency with its own last checkpoint; 7. the query not final or void
//! here; 8. its agreement; 9. λ, roster and checkpoint in all that the round signs. The guard against differencing
//! ([`crate::guard`]) follows when an attempt is to be made final.

mod error;

use optelsom_codebook::{Hash256, QueryId, Timestamp};

use crate::entry::{Approval, ApprovalRule, AuthorisationError, ReasonCode, verify_approval};
use crate::note::{Committee, LogVerifier, SignedCheckpoint};
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::query::{QueryEntry, SignedQuery};
use crate::roster::{Roster, Scope};
use crate::witness::WitnessRecord;

pub use error::{GateError, HistoryError, Over, QuestionError, RoundError};

/// What the coordinator shows a node. Nothing of it is believed.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// What the coordinator calls the query.
    pub lambda: QueryId,
    /// The canonical query document, in the clear.
    pub document: &'a [u8],
    /// The query's entry and its requester's signature.
    pub query: &'a SignedQuery,
    /// The second person's signature.
    pub approval: Option<&'a Approval>,
    /// Where the entry stands in the log.
    pub index: u64,
    /// That it stands there.
    pub inclusion: &'a InclusionProof,
    /// The checkpoint with its cosignatures, as a signed note.
    pub checkpoint: &'a [u8],
    /// That the checkpoint continues the node's last one.
    pub consistency: &'a ConsistencyProof,
    /// What the keys and signatures of the round are to bind.
    pub round: Binding,
}

/// What the keys, signatures and cards of a round bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// λ.
    pub query: QueryId,
    /// Hash of the roster.
    pub roster: Hash256,
    /// Digest of the checkpoint, [`SignedCheckpoint::digest`].
    pub checkpoint: Hash256,
}

/// What this node's operator goes by.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Who may ask and answer.
    pub roster: &'a Roster,
    /// Whether queries need a second person.
    pub approvals: ApprovalRule,
    /// The log's origin and key.
    pub log: &'a LogVerifier,
    /// The witnesses that were accepted.
    pub committee: &'a Committee,
}

/// What this node remembers.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    /// Its last checkpoint.
    pub record: &'a WitnessRecord,
    /// Whether it has signed a final statement or a void for the query.
    pub over: Option<Over>,
}

/// A query that may be answered, once what was learnt is durable.
#[derive(Debug)]
#[must_use = "store the record, then call `stored`"]
pub struct Passed<A> {
    record: WitnessRecord,
    entered: Entered<A>,
}

/// A query that may be answered.
#[derive(Debug)]
pub struct Entered<A> {
    /// What the round's keys, signatures and cards bind.
    pub binding: Binding,
    /// The suppliers asked, and the numbers that follow.
    pub scope: Scope,
    /// Where the query stands in the log.
    pub index: u64,
    /// What the agreement said.
    pub admitted: A,
}

impl<A> Passed<A> {
    /// The node's new last checkpoint: durable before anything is sent, and with it what the agreement admitted.
    pub fn record(&self) -> &WitnessRecord {
        &self.record
    }

    /// The query, and what the agreement admitted, to be stored together with the record.
    pub fn entered(&self) -> &Entered<A> {
        &self.entered
    }

    /// All of it is durable.
    pub fn stored(self) -> Entered<A> {
        self.entered
    }
}

/// Goes through the nine steps in their order; the first that refuses decides. `agreement` is asked only once all
/// before it has passed.
///
/// # Errors
/// The step that refused, and why.
pub fn pass<A>(
    evidence: &Evidence<'_>,
    trust: &Trust<'_>,
    memory: &Memory<'_>,
    now: Timestamp,
    agreement: impl FnOnce(&QueryEntry, &Scope) -> Result<A, ReasonCode>,
) -> Result<Passed<A>, GateError> {
    let leaf = leaf_of_plaintext(evidence)?;
    let scope = on_whose_word(evidence, trust, now)?;
    let checkpoint = signed_by_log(evidence, trust)?;
    stands_in_log(evidence, &checkpoint, leaf)?;
    seen_by_witnesses(trust, &checkpoint)?;
    let record = continues_own_record(evidence, memory, &checkpoint)?;
    not_over(memory)?;
    let admitted = agreed(evidence, &scope, agreement)?;
    let binding = bound_into_round(evidence, &scope, &checkpoint)?;
    Ok(Passed { record, entered: Entered { binding, scope, index: evidence.index, admitted } })
}

/// Step 1.
fn leaf_of_plaintext(evidence: &Evidence<'_>) -> Result<Hash256, QuestionError> {
    let entry = &evidence.query.entry;
    let found = Hash256::of(evidence.document);
    if found != entry.query {
        return Err(QuestionError::Document { found, named: entry.query });
    }
    let found = entry.id();
    if found != evidence.lambda {
        return Err(QuestionError::Leaf { found, named: evidence.lambda });
    }
    Ok(Hash256::from_bytes(*found.as_bytes()))
}

/// Step 2.
fn on_whose_word(evidence: &Evidence<'_>, trust: &Trust<'_>, now: Timestamp) -> Result<Scope, GateError> {
    let word = |error| GateError::Word(error);
    let scope = evidence.query.verify(trust.roster, now).map_err(|cause| word(AuthorisationError::Query(cause)))?;
    verify_approval(evidence.query, evidence.approval, trust.approvals, trust.roster)
        .map_err(|cause| word(AuthorisationError::Approval(cause)))?;
    Ok(scope)
}

/// Step 3.
fn signed_by_log(evidence: &Evidence<'_>, trust: &Trust<'_>) -> Result<SignedCheckpoint, GateError> {
    SignedCheckpoint::parse(evidence.checkpoint, trust.log).map_err(GateError::Log)
}

/// Step 4.
fn stands_in_log(evidence: &Evidence<'_>, checkpoint: &SignedCheckpoint, leaf: Hash256) -> Result<(), GateError> {
    evidence.inclusion.verify(checkpoint.head(), evidence.index, leaf).map_err(GateError::Inclusion)
}

/// Step 5.
fn seen_by_witnesses(trust: &Trust<'_>, checkpoint: &SignedCheckpoint) -> Result<(), GateError> {
    trust.committee.check(checkpoint).map(|_| ()).map_err(GateError::Witnesses)
}

/// Step 6.
fn continues_own_record(
    evidence: &Evidence<'_>,
    memory: &Memory<'_>,
    checkpoint: &SignedCheckpoint,
) -> Result<WitnessRecord, HistoryError> {
    let record = memory.record;
    if record.origin() != checkpoint.origin() {
        return Err(HistoryError::OtherLog(record.origin().clone()));
    }
    Ok(record.advance(checkpoint, evidence.consistency)?)
}

/// Step 7.
fn not_over(memory: &Memory<'_>) -> Result<(), GateError> {
    memory.over.map_or(Ok(()), |over| Err(GateError::Over(over)))
}

/// Step 8.
fn agreed<A>(
    evidence: &Evidence<'_>,
    scope: &Scope,
    agreement: impl FnOnce(&QueryEntry, &Scope) -> Result<A, ReasonCode>,
) -> Result<A, GateError> {
    agreement(&evidence.query.entry, scope).map_err(GateError::Agreement)
}

/// Step 9.
fn bound_into_round(
    evidence: &Evidence<'_>,
    scope: &Scope,
    checkpoint: &SignedCheckpoint,
) -> Result<Binding, RoundError> {
    let round = evidence.round;
    let wanted = Binding { query: evidence.lambda, roster: scope.roster(), checkpoint: checkpoint.digest() };
    if round.query != wanted.query {
        return Err(RoundError::Query(round.query));
    }
    if round.roster != wanted.roster {
        return Err(RoundError::Roster(round.roster));
    }
    if round.checkpoint != wanted.checkpoint {
        return Err(RoundError::Checkpoint(round.checkpoint));
    }
    Ok(wanted)
}
