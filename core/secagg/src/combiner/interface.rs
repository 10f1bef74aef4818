//! What comes to the combiner's machine, and what it wants done.

use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};
use optelsom_disclosure::Totals;
use optelsom_ledger::Roster;

use super::{CombinerRecord, Evidence, Outcome, Stage};
use crate::fault::Fault;
use crate::generators::Generators;
use crate::messages::{Attempt, CoordinatorMessage, Participants, SupplierMessage};
use crate::rules::Rules;

/// What all queries of a coordinator have in common.
#[derive(Clone, Debug)]
pub struct CombinerConfig {
    /// The roster in force.
    pub roster: Arc<Roster>,
    /// Shared between the machines, since making them takes time.
    pub generators: Generators,
    /// The log's checkpoint that cards shall name: the one that the nodes' gates are shown.
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
    /// Answer to [`Effect::AskGuard`]: these suppliers may be added up.
    GuardPassed,
    /// Answer to [`Effect::AskGuard`]: their total would give some of them away, together with earlier ones.
    GuardRefused {
        /// In words, for whoever asked.
        why: String,
    },
    /// Answer to [`Effect::LogParticipants`]: it stands in the log, under a checkpoint that enough witnesses have seen.
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
    /// Ask the guard against differencing whether these may be added up; answer with [`Input::GuardPassed`] or
    /// [`Input::GuardRefused`]. The nodes ask theirs for themselves, at Finalise; that the coordinator does it before
    /// Pair spares everybody a round that would come to nothing.
    AskGuard {
        /// Who has joined.
        suppliers: Vec<SupplierId>,
    },
    /// Write into the log who takes part, then answer with [`Input::ParticipantsLogged`]. May come again after a
    /// restart, the same.
    LogParticipants {
        /// α.
        attempt: Attempt,
        /// P.
        participants: Participants,
        /// The digest of what they have submitted: with their names it is what a final vote is about.
        submissions: Hash256,
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
