//! The supplier's machine: one per query at each node.
//!
//! One file per step: gate, join, pair, submit, certify, finalise, open, void.

mod certify;
mod config;
mod finalise;
mod gate;
mod join;
mod open;
mod pair;
mod record;
mod rehearsal;
mod submit;
mod void;

use std::sync::Arc;

use optelsom_codebook::{RefusalReason, SupplierId, Timestamp};

use crate::entropy::Entropy;
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, AttemptFault, CoordinatorMessage, Disagreement, SupplierMessage};
use crate::outbox::Outbox;
use crate::question::{Question, RestoreError};
use crate::round::Verifier;
use crate::rules::Rule;
use crate::table::{MaskedTable, PreparedTable};

pub use config::SupplierConfig;
use join::Joined;
use pair::Paired;
pub use record::SupplierRecord;
pub use rehearsal::{Rehearsal, rehearse};
use submit::Submitted;

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

/// The supplier's machine for one query.
#[derive(Debug)]
pub struct Supplier {
    config: Arc<SupplierConfig>,
    state: State,
    outbox: Outbox<Effect>,
}

#[derive(Debug)]
enum State {
    AwaitsQuestion,
    Engaged(Box<Engaged>),
}

impl Supplier {
    /// A machine that has not been asked anything.
    pub fn new(config: Arc<SupplierConfig>) -> Self {
        Self { config, state: State::AwaitsQuestion, outbox: Outbox::default() }
    }

    /// A machine that goes on from the last durable record. It has no table: [`Effect::Compute`] comes again when the
    /// coordinator asks again.
    ///
    /// # Errors
    /// When the roster has changed since.
    pub fn restore(config: Arc<SupplierConfig>, record: SupplierRecord) -> Result<Self, RestoreError> {
        let question = Question::standing(&config.roster, record.question.clone())?;
        let state = State::Engaged(Box::new(Engaged::new(question, record)));
        Ok(Self { config, state, outbox: Outbox::default() })
    }

    /// Whether the query has ended here, so that the machine may be put away (its last record may not).
    pub fn ended(&self) -> bool {
        matches!(&self.state, State::Engaged(engaged) if engaged.record.ended)
    }

    /// Takes one step. Total: whatever comes, nothing panics, and what is refused changes nothing but yields
    /// [`Effect::Reject`].
    pub fn handle(mut self, now: Timestamp, input: Input) -> (Self, Vec<Effect>) {
        let config = Arc::clone(&self.config);
        let mut step = Step { config: &config, now, outbox: &mut self.outbox, effects: Vec::new() };
        let done = match &mut self.state {
            State::AwaitsQuestion => match input {
                Input::Message { message: CoordinatorMessage::Ask { query }, .. } => {
                    gate::ask(&mut step, query).map(|engaged| self.state = State::Engaged(Box::new(engaged)))
                }
                Input::Message { .. } => Err(Party::Coordinator.did(FaultKind::NotAdmitted)),
                _ => Err(Party::ThisHost.did(FaultKind::OutOfTurn("nothing has been asked yet"))),
            },
            State::Engaged(engaged) => engaged.take(&mut step, input),
        };
        if let Err(fault) = done {
            step.effects.push(Effect::Reject(fault));
        }
        let effects = step.effects;
        (self, effects)
    }
}

/// What one step works with besides the state.
struct Step<'a> {
    config: &'a SupplierConfig,
    now: Timestamp,
    outbox: &'a mut Outbox<Effect>,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn send(&mut self, message: SupplierMessage) {
        self.outbox.send(Effect::Send(message), &mut self.effects);
    }

    fn send_table(&mut self, table: Arc<MaskedTable>) {
        self.outbox.send(Effect::SendTable { attempt: table.attempt(), table }, &mut self.effects);
    }

    /// Whatever is sent after this waits until the record is durable.
    fn persist(&mut self, record: &SupplierRecord) {
        self.effects.push(Effect::Persist(record.clone()));
        self.outbox.persisting();
    }

    fn cannot_continue(&mut self, attempt: Attempt, cause: AttemptFault) {
        self.send(SupplierMessage::CannotContinue { attempt, cause });
    }

    fn disagrees(&mut self, attempt: Attempt, peer: &SupplierId, over: Disagreement) {
        self.cannot_continue(attempt, AttemptFault::DisagreesWith { peer: peer.clone(), over });
    }

    fn has(&self, rule: Rule) -> bool {
        self.config.rules.has(rule)
    }
}

/// A machine that has admitted its question.
#[derive(Debug)]
struct Engaged {
    question: Question,
    record: SupplierRecord,
    data: Data,
    phase: Phase,
    /// Where the rule of fresh keys is switched off: what all attempts draw from.
    stale: Option<Entropy>,
}

/// The supplier's own table.
#[derive(Debug)]
enum Data {
    Uncounted,
    Counting,
    Ready(PreparedTable),
    Refused(RefusalReason),
}

/// Where the latest attempt stands that this node has joined. What is prepared is in the record instead.
#[derive(Debug)]
enum Phase {
    Idle,
    AwaitsPair(Joined),
    AwaitsExchange(Paired),
    AwaitsCertify(Submitted),
}

impl Phase {
    fn joined(&self) -> Option<&Joined> {
        match self {
            Self::Idle => None,
            Self::AwaitsPair(joined) => Some(joined),
            Self::AwaitsExchange(paired) => Some(&paired.joined),
            Self::AwaitsCertify(submitted) => Some(&submitted.paired.joined),
        }
    }

    fn paired(&self) -> Option<&Paired> {
        match self {
            Self::Idle | Self::AwaitsPair(_) => None,
            Self::AwaitsExchange(paired) => Some(paired),
            Self::AwaitsCertify(submitted) => Some(&submitted.paired),
        }
    }

    fn take_joined(&mut self) -> Option<Joined> {
        match std::mem::replace(self, Self::Idle) {
            Self::Idle => None,
            Self::AwaitsPair(joined) => Some(joined),
            Self::AwaitsExchange(paired) => Some(paired.joined),
            Self::AwaitsCertify(submitted) => Some(submitted.paired.joined),
        }
    }

    fn take_paired(&mut self) -> Option<Paired> {
        match std::mem::replace(self, Self::Idle) {
            Self::AwaitsExchange(paired) => Some(paired),
            Self::AwaitsCertify(submitted) => Some(submitted.paired),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Engaged {
    fn new(question: Question, record: SupplierRecord) -> Self {
        Self { question, record, data: Data::Uncounted, phase: Phase::Idle, stale: None }
    }

    fn take(&mut self, step: &mut Step<'_>, input: Input) -> Result<(), Fault> {
        match input {
            Input::Persisted if step.outbox.persisted(&mut step.effects) => Ok(()),
            Input::Persisted => Err(Party::ThisHost.did(FaultKind::OutOfTurn("no record is being persisted"))),
            Input::TableReady(table) => self.table_ready(step, table),
            Input::TableRefused(reason) => self.table_refused(step, reason),
            Input::Message { message: CoordinatorMessage::Ask { query }, .. } => self.asked_again(step, &query),
            Input::Message { message: CoordinatorMessage::Ended { .. }, .. } => {
                self.end(step);
                Ok(())
            }
            Input::Message { .. } if self.record.ended => Err(Party::Coordinator.did(FaultKind::AlreadyEnded)),
            Input::Message { message, entropy } => self.message(step, message, &entropy),
        }
    }

    fn message(&mut self, step: &mut Step<'_>, message: CoordinatorMessage, entropy: &Entropy) -> Result<(), Fault> {
        match message {
            CoordinatorMessage::Ask { .. } | CoordinatorMessage::Ended { .. } => Ok(()),
            CoordinatorMessage::Join { attempt, checkpoint } => self.join(step, attempt, checkpoint, entropy),
            CoordinatorMessage::Pair { attempt, cards } => self.pair(step, attempt, &cards, entropy),
            CoordinatorMessage::Exchange { attempt, encapsulations } => {
                self.exchange(step, attempt, encapsulations, entropy)
            }
            CoordinatorMessage::Certify { attempt, headers, shares } => self.certify(step, attempt, &headers, &shares),
            CoordinatorMessage::Finalise { certificate } => self.finalise(step, &certificate),
            CoordinatorMessage::Open { certificate } => self.open(step, &certificate),
            CoordinatorMessage::RecoverShares { certificate, of } => self.recover_shares(step, &certificate, &of),
            CoordinatorMessage::Void => self.void(step),
        }
    }

    /// What statements of this attempt are checked and signed with.
    fn verifier(&self, step: &Step<'_>, attempt: Attempt) -> Verifier<'_> {
        Verifier::new(self.question.id(), attempt, self.question.scope(), step.config.rules)
    }

    /// The fewest participants there may be: what the query says, and never fewer than the setting allows.
    fn least_participants(&self) -> usize {
        let asked = usize::try_from(self.question.signed().entry.min_suppliers).unwrap_or(usize::MAX);
        asked.max(self.question.scope().least_participants())
    }

    /// Answers a message for an attempt that this machine holds no keys of.
    fn without_keys(&self, step: &mut Step<'_>, attempt: Attempt, message: &'static str) -> Result<(), Fault> {
        match self.record.joined {
            // An attempt that is past, or prepared already: the message is a late one.
            Some(joined) if attempt < joined || self.record.prepared.contains_key(&attempt) => Ok(()),
            Some(joined) if attempt == joined && self.phase.joined().is_none() => {
                step.cannot_continue(attempt, AttemptFault::KeysLost);
                Ok(())
            }
            _ => Err(Party::Coordinator.did(FaultKind::NotDue { message })),
        }
    }

    /// The query has ended: its secrets go, its promises stay.
    fn end(&mut self, step: &mut Step<'_>) {
        if !self.record.ended {
            self.record.ended = true;
            self.record.prepared.clear();
            self.data = Data::Uncounted;
            self.phase = Phase::Idle;
            step.persist(&self.record);
        }
    }
}
