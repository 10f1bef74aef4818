//! The supplier's machine: one per query at each node.
//!
//! One file per step: [`gate`], [`join`], [`pair`], [`submit`], [`certify`], [`finalise`], [`open`], [`void`].

mod config;
mod record;

use std::sync::Arc;

use optelsom_codebook::{QueryId, RefusalReason, Timestamp};
use optelsom_ledger::{Scope, SignedQuery};
use thiserror::Error;

use crate::entropy::Entropy;
use crate::fault::Fault;
use crate::messages::{Attempt, CoordinatorMessage, SupplierMessage};
use crate::outbox::Outbox;
use crate::table::{MaskedTable, PreparedTable};

pub use config::SupplierConfig;
pub use record::SupplierRecord;
pub(crate) use record::read_question;

/// What comes to a supplier's machine.
#[derive(Debug)]
pub enum Input {
    /// A message of the coordinator, with fresh randomness in case that it is needed.
    Message {
        /// The message.
        message: CoordinatorMessage,
        /// 32 fresh bytes, for this message only.
        entropy: Entropy,
    },
    /// Answer to [`Effect::Compute`]: the table is counted.
    TableReady(PreparedTable),
    /// Answer to [`Effect::Compute`]: the supplier does not give its data.
    TableRefused(RefusalReason),
    /// Answer to [`Effect::Persist`], one each, in order: the record is durable.
    Persisted,
}

/// What a supplier's machine wants done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// The gate is passed: ask the agreement, and count the table for this query; answer with [`Input::TableReady`] or
    /// [`Input::TableRefused`]. May come again after a restart.
    Compute(Box<Question>),
    /// Make this record durable, then answer with [`Input::Persisted`]. A host that cannot gives no answer, and starts
    /// the machine again from the last durable record.
    Persist(SupplierRecord),
    /// Send this to the coordinator.
    Send(SupplierMessage),
    /// Send this table to the coordinator, in chunks (see [`MaskedTable::chunks`]), after what was sent before.
    SendTable {
        /// α.
        attempt: Attempt,
        /// The table.
        table: Arc<MaskedTable>,
    },
    /// Something was refused; it has changed nothing. For the log and the operator.
    Reject(Fault),
}

/// An admitted question, with what follows from the roster.
#[derive(Clone, Debug)]
pub struct Question {
    signed: SignedQuery,
    id: QueryId,
    scope: Scope,
}

impl Question {
    /// The entry with its requester's signature.
    pub fn signed(&self) -> &SignedQuery {
        &self.signed
    }

    /// λ.
    pub fn id(&self) -> QueryId {
        self.id
    }

    /// The suppliers asked.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Why a record cannot be gone on from.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RestoreError {
    /// The roster has changed since.
    #[error(
        "the record belongs to another roster than the one in force; its query can only be ended under the old one"
    )]
    OtherRoster,
    /// The record's scope is none of this roster.
    #[error("the record names a scope that the roster does not have")]
    Scope,
}

/// The supplier's machine for one query.
#[derive(Debug)]
pub struct Supplier {
    config: Arc<SupplierConfig>,
    outbox: Outbox<Effect>,
}

impl Supplier {
    /// A machine that has not been asked anything.
    pub fn new(config: Arc<SupplierConfig>) -> Self {
        Self { config, outbox: Outbox::default() }
    }

    /// A machine that goes on from the last durable record. It has no table: [`Effect::Compute`] comes again when the
    /// coordinator asks again.
    ///
    /// # Errors
    /// When the roster has changed since.
    pub fn restore(config: Arc<SupplierConfig>, record: SupplierRecord) -> Result<Self, RestoreError> {
        if record.question.entry.roster != config.roster.hash() {
            return Err(RestoreError::OtherRoster);
        }
        Ok(Self::new(config))
    }

    /// Takes one step. Total: whatever comes, nothing panics, and what is refused changes nothing but yields
    /// [`Effect::Reject`].
    pub fn handle(mut self, now: Timestamp, input: Input) -> (Self, Vec<Effect>) {
        let _ = (now, &self.config);
        let mut effects = Vec::new();
        if matches!(input, Input::Persisted) {
            self.outbox.persisted(&mut effects);
        }
        (self, effects)
    }
}
