//! The combiner's machine: one per query at the coordinator.
//!
//! One file per step: gather, join, pair, submit, certify, finalise, open, check.

use std::fmt;
use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, RefusalReason, SupplierId, Timestamp};
use optelsom_disclosure::Totals;
use optelsom_ledger::canonical::CanonicalError;
use optelsom_ledger::{Roster, SignedQuery};
use zeroize::{Zeroize, Zeroizing};

use crate::fault::Fault;
use crate::generators::Generators;
use crate::messages::{
    Attempt, CoordinatorMessage, FinalCertificate, Participants, SubmissionHeader, SupplierMessage, VoidCertificate,
};
use crate::rules::Rules;

/// What all queries of a coordinator have in common.
#[derive(Clone, Debug)]
pub struct CombinerConfig {
    /// The roster in force.
    pub roster: Arc<Roster>,
    /// Shared between the machines, since making them takes time.
    pub generators: Generators,
    /// The log's checkpoint that cards shall name; all zero while there is no log.
    pub checkpoint: Hash256,
    /// All of them.
    pub rules: Rules,
}

/// The form of every supplier's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many columns there are.
    pub columns: usize,
    /// m: how many cells each has.
    pub cells: usize,
}

/// How long the combiner waits, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Until when it waits for all suppliers in scope; then it makes do with those that are ready. Brought forward where
    /// it would leave no time for a round before the query expires.
    pub deadline: Timestamp,
    /// How long a step may take before it goes on without the silent ones, in milliseconds.
    pub phase_timeout_ms: u64,
    /// After how long a request without answer is repeated, in milliseconds.
    pub resend_ms: u64,
    /// How few suppliers the total may be of; at least what the query says.
    pub least_participants: usize,
}

/// What comes to the combiner's machine.
#[derive(Debug)]
pub enum Input {
    /// The first input of a new or restored machine.
    Started,
    /// A message of a supplier, which the host has authenticated.
    Message {
        /// Who sent it.
        from: SupplierId,
        /// The message.
        message: SupplierMessage,
    },
    /// A supplier is connected (again): it is sent what it owes an answer to.
    Back(SupplierId),
    /// A supplier's connection is gone.
    Lost(SupplierId),
    /// The moment of an [`Effect::WakeAt`] has come. One that comes early or twice does no harm.
    Woken,
    /// Answer to [`Effect::Persist`] and [`Effect::Opened`], one each, in order: what they say is durable.
    Persisted,
    /// Answer to [`Effect::LogParticipants`]; a host without a log gives it at once.
    ParticipantsLogged,
    /// The operators have decided that the query be declared void.
    AskVoid,
    /// Give the query up: abandons it before it is certified, asks for void after.
    Cancel {
        /// A key id, for the reason.
        by: String,
    },
}

/// What the combiner's machine wants done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Send this to a supplier. If it is not connected, forget it: [`Input::Back`] has it sent again.
    Send {
        /// To whom.
        to: SupplierId,
        /// The message.
        message: CoordinatorMessage,
    },
    /// Make this record durable, then answer with [`Input::Persisted`].
    Persist(CombinerRecord),
    /// Write into the log who takes part, then answer with [`Input::ParticipantsLogged`]. May come again after a
    /// restart, the same.
    LogParticipants {
        /// α.
        attempt: Attempt,
        /// P.
        participants: Participants,
        /// The digest of the certificate.
        certificate: Hash256,
    },
    /// Give [`Input::Woken`] at this moment.
    WakeAt(Timestamp),
    /// Something was refused; it has changed nothing.
    Reject(Fault),
    /// Where the round stands.
    Progress(Stage),
    /// The total. Protect it, and make the outcome AND this record durable in ONE transaction, then answer with
    /// [`Input::Persisted`]: so a crash leaves either both, or neither and the same total is opened once more; never
    /// a total that is lost, nor one that is released twice.
    Opened {
        /// The totals.
        totals: Totals,
        /// What the proof of the release is made from.
        evidence: Box<Evidence>,
        /// The record that says that it was opened.
        record: CombinerRecord,
    },
    /// The query has ended; its record says so already. Comes again after a restart.
    Ended(Outcome),
}

/// Where a round stands: suppliers, never anything that they counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for suppliers to be ready.
    Gathering {
        /// Their tables are counted.
        ready: usize,
        /// They do not give their data, and why.
        refused: Vec<(SupplierId, RefusalReason)>,
        /// All that were asked.
        asked: usize,
    },
    /// Suppliers join.
    Joining(Answers),
    /// They make pairwise secrets.
    Pairing(Answers),
    /// They submit.
    Submitting(Answers),
    /// They certify.
    Certifying(Answers),
    /// The scope votes.
    Finalising(Answers),
    /// The scope declares the query void.
    Voiding(Answers),
    /// Self-masks come in.
    Opening(Answers),
}

/// How many have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// α.
    pub attempt: Attempt,
    /// Have answered.
    pub answered: usize,
    /// Have to answer.
    pub of: usize,
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The total was opened.
    Opened,
    /// Given up before anything was certified.
    Abandoned {
        /// Why.
        reason: AbandonReason,
    },
    /// Declared void by a quorum.
    Void {
        /// The quorum's votes.
        certificate: VoidCertificate,
    },
    /// Certified or final, but not to be opened. Nothing was released, and nothing of the query may ever be opened.
    Spent {
        /// Why.
        reason: SpentReason,
    },
}

/// Why a query was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbandonReason {
    /// Too few suppliers were ready at the deadline, or could still become so.
    TooFewSuppliers {
        /// Ready.
        ready: usize,
        /// How many were needed.
        needed: usize,
    },
    /// The query expired.
    Expired,
    /// Somebody cancelled it.
    Cancelled {
        /// Who.
        by: String,
    },
}

/// Why a certified query is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpentReason {
    /// The sum does not match the commitments; nobody can be named.
    SumMismatch,
    /// Votes are split between final and void; neither can reach a quorum.
    SplitVotes,
    /// The self-masks of these suppliers can neither be had nor recovered.
    SelfMasksLost {
        /// Whose.
        of: Vec<SupplierId>,
    },
}

/// What the proof of a release is made from.
pub struct Evidence {
    /// λ.
    pub query: QueryId,
    /// The participants' and voters' signatures.
    pub certificate: FinalCertificate,
    /// The signed commitments of all participants.
    pub headers: Vec<SubmissionHeader>,
    /// R per column: as secret as a hidden cell.
    blindings: Vec<[u8; 32]>,
}

impl Evidence {
    /// R of each column, a scalar mod ℓ: as secret as a hidden cell, for the proof's prover only.
    pub fn blindings(&self) -> &[[u8; 32]] {
        &self.blindings
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        self.blindings.zeroize();
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Evidence").field("query", &self.query).finish_non_exhaustive()
    }
}

/// What a combiner's machine must know again after a crash. The host stores its bytes under the query's id, whole,
/// replacing the one before.
#[derive(Clone, PartialEq, Eq)]
pub struct CombinerRecord {
    question: SignedQuery,
}

impl CombinerRecord {
    /// The query that it is about.
    pub fn question(&self) -> &SignedQuery {
        &self.question
    }

    /// The record as bytes, for the host's store.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.question.entry.to_bytes())
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When the bytes are not what [`CombinerRecord::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let mut reader = optelsom_ledger::canonical::Reader::new(bytes, "combiner record")?;
        Ok(Self { question: crate::supplier::read_question(&mut reader)? })
    }
}

impl fmt::Debug for CombinerRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CombinerRecord").finish_non_exhaustive()
    }
}

/// The combiner's machine for one query.
#[derive(Debug)]
pub struct Combiner {
    config: CombinerConfig,
}

impl Combiner {
    /// A machine for a query that the coordinator has accepted. The first input is [`Input::Started`].
    ///
    /// # Errors
    /// When the query does not fit the roster.
    pub fn new(
        config: CombinerConfig,
        question: SignedQuery,
        shape: Shape,
        policy: Policy,
    ) -> Result<Self, crate::supplier::RestoreError> {
        let _ = (question, shape, policy);
        Ok(Self { config })
    }

    /// A machine that goes on from the last durable record. The first input is [`Input::Started`].
    ///
    /// # Errors
    /// When the roster has changed since.
    pub fn restore(config: CombinerConfig, record: CombinerRecord) -> Result<Self, crate::supplier::RestoreError> {
        let _ = record;
        Ok(Self { config })
    }

    /// Takes one step. Total: whatever comes, nothing panics, and what is refused changes nothing but yields
    /// [`Effect::Reject`].
    pub fn handle(self, now: Timestamp, input: Input) -> (Self, Vec<Effect>) {
        let _ = (now, input, &self.config);
        (self, Vec::new())
    }
}
