//! The combiner's machine: one per query at the coordinator.
//!
//! One file per step: gather, join, pair, submit, certify, finalise, open, check.

mod certify;
mod check;
mod finalise;
mod gather;
mod interface;
mod join;
mod open;
mod pair;
mod record;
mod stage;
mod submit;

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::{RefusalReason, SupplierId, Timestamp};
use optelsom_ledger::SignedQuery;

use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, CoordinatorMessage, SupplierMessage};
use crate::outbox::Outbox;
use crate::question::{Question, RestoreError};
use crate::round::Verifier;

use certify::Certifying;
use finalise::{Deciding, Logging};
use join::{Guarding, Joining};
use open::Opening;
use pair::Pairing;
use record::Kept;
use submit::Submitting;

pub use interface::{CombinerConfig, Effect, Input, Policy, Shape};
pub use record::{CombinerRecord, Sum};
pub use stage::{AbandonReason, Absence, Answers, Evidence, Outcome, SpentReason, Stage, VoidReason};

/// The combiner's machine for one query.
#[derive(Debug)]
pub struct Combiner {
    config: CombinerConfig,
    question: Question,
    shape: Shape,
    policy: Policy,
    suppliers: BTreeMap<SupplierId, Standing>,
    /// The last attempt begun.
    attempt: Option<Attempt>,
    phase: Phase,
    outbox: Outbox<Effect>,
    resend_at: Timestamp,
    wake_at: Option<Timestamp>,
}

/// What the combiner knows of one supplier.
#[derive(Clone, Debug)]
struct Standing {
    readiness: Readiness,
    /// It has disagreed with another before.
    accuser: bool,
    /// It has sent something bad in this attempt.
    faulted: bool,
    /// How many attempts have failed by its silence or inability.
    failures: u32,
    lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    /// Its answer is awaited.
    Asked,
    /// Its table is counted.
    Ready,
    /// It does not give its data.
    Refused(RefusalReason),
    /// Attempts are made without it from now on.
    Excluded,
}

/// What the machine awaits.
#[derive(Debug)]
enum Phase {
    /// Suppliers to be ready, no longer than until then.
    Gathering {
        until: Timestamp,
    },
    Joining(Joining),
    Guarding(Guarding),
    Pairing(Pairing),
    Submitting(Submitting),
    Certifying(Certifying),
    /// That the log has the participants.
    Logging(Logging),
    Deciding(Deciding),
    Opening(Box<Opening>),
    Ended(Outcome),
}

/// What one step works with besides the machine.
struct Step {
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Combiner {
    /// A machine for a query that the coordinator has accepted. The first input is [`Input::Started`]. It is not
    /// checked once more that the query may be asked: that was done when it was accepted.
    ///
    /// # Errors
    /// When the query does not fit the roster.
    pub fn new(
        config: CombinerConfig,
        question: SignedQuery,
        shape: Shape,
        policy: Policy,
    ) -> Result<Self, RestoreError> {
        Self::restore(config, CombinerRecord { question, shape, policy, attempt: None, kept: Kept::Begun })
    }

    /// A machine that goes on from the last durable record. The first input is [`Input::Started`].
    ///
    /// # Errors
    /// When the roster has changed since.
    pub fn restore(config: CombinerConfig, record: CombinerRecord) -> Result<Self, RestoreError> {
        let CombinerRecord { question, shape, policy, attempt, kept } = record;
        let question = Question::standing(&config.roster, question)?;
        let asked = Standing { readiness: Readiness::Asked, accuser: false, faulted: false, failures: 0, lost: false };
        let members = question.scope().members().iter();
        let suppliers = members.map(|member| (member.supplier.clone(), asked.clone())).collect();
        let start = Timestamp::from_millis(0);
        let phase = match kept {
            Kept::Begun => Phase::Gathering { until: gather::deadline(&question, &policy) },
            Kept::Certified(certified) => Phase::Logging(Logging { certified, until: start }),
            Kept::Final(certified, votes) => Phase::Opening(Box::new(Opening::new(certified, votes, start))),
            Kept::Ended(outcome) => Phase::Ended(outcome),
        };
        let outbox = Outbox::default();
        Ok(Self { config, question, shape, policy, suppliers, attempt, phase, outbox, resend_at: start, wake_at: None })
    }

    /// How the query ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Takes one step. Total: whatever comes, nothing panics, and what is refused changes nothing but yields
    /// [`Effect::Reject`].
    pub fn handle(mut self, now: Timestamp, input: Input) -> (Self, Vec<Effect>) {
        let mut step = Step { now, effects: Vec::new() };
        if let Err(fault) = self.take(&mut step, input) {
            step.effects.push(Effect::Reject(fault));
        }
        self.schedule(&mut step);
        (self, step.effects)
    }

    fn take(&mut self, step: &mut Step, input: Input) -> Result<(), Fault> {
        match input {
            Input::Started => {
                self.started(step);
                Ok(())
            }
            Input::Message { from, message } => {
                let done = self.message(step, &from, message);
                if let (Err(Fault { party: Party::Supplier(by), .. }), Some(standing)) =
                    (&done, self.suppliers.get_mut(&from))
                {
                    standing.faulted |= *by == from;
                }
                done
            }
            Input::Back(supplier) => {
                self.back(step, &supplier);
                Ok(())
            }
            Input::Lost(supplier) => {
                if let Some(standing) = self.suppliers.get_mut(&supplier) {
                    standing.lost = true;
                }
                self.recover_if_due(step);
                Ok(())
            }
            Input::Woken => {
                self.woken(step);
                Ok(())
            }
            Input::Persisted if self.outbox.persisted(&mut step.effects) => Ok(()),
            Input::Persisted => Err(Party::ThisHost.did(FaultKind::OutOfTurn("no record is being persisted"))),
            Input::GuardPassed => self.guard_passed(step),
            Input::GuardRefused { why } => self.guard_refused(step, why),
            Input::ParticipantsLogged => self.participants_logged(step),
            Input::AskVoid => self.ask_void(step),
            Input::Cancel { by } => self.cancel(step, by),
        }
    }

    fn message(&mut self, step: &mut Step, from: &SupplierId, message: SupplierMessage) -> Result<(), Fault> {
        if !self.suppliers.contains_key(from) {
            return Err(Party::Supplier(from.clone()).did(FaultKind::NotInScope(from.clone())));
        }
        match message {
            SupplierMessage::Ready { edition, signature } => self.ready(step, from, &edition, &signature),
            SupplierMessage::Refused { reason, signature } => self.refused(step, from, reason, &signature),
            SupplierMessage::Card { attempt, card } => self.card(step, from, attempt, card),
            SupplierMessage::Encapsulations { attempt, encapsulations } => {
                self.encapsulations(step, from, attempt, encapsulations)
            }
            SupplierMessage::Submission { attempt, header, shares } => {
                self.submission(step, from, attempt, header, shares)
            }
            SupplierMessage::Chunk(chunk) => self.chunk(step, from, &chunk),
            SupplierMessage::Prepared { attempt, prepared } => self.prepared(step, from, attempt, prepared),
            SupplierMessage::Final { attempt, vote } => self.final_vote(step, from, attempt, vote),
            SupplierMessage::Void { vote } => self.void_vote(step, from, vote),
            SupplierMessage::Opening { attempt, self_mask } => self.self_mask(step, from, attempt, self_mask),
            SupplierMessage::RecoveredShares { attempt, shares } => self.shares(step, from, attempt, shares),
            SupplierMessage::CannotContinue { attempt, cause } => self.cannot_continue(step, from, attempt, cause),
        }
    }

    fn started(&mut self, step: &mut Step) {
        self.resend_at = step.now.plus_millis(self.policy.resend_ms);
        match &mut self.phase {
            Phase::Logging(logging) => {
                logging.until = Logging::until(&self.question, &self.policy, step.now);
                let certified = Arc::clone(&logging.certified);
                self.log_participants(step, &certified);
            }
            Phase::Opening(opening) => opening.until = step.now.plus_millis(self.policy.phase_timeout_ms),
            Phase::Ended(outcome) => {
                let outcome = outcome.clone();
                self.outbox.send(Effect::Ended(outcome), &mut step.effects);
            }
            _ => {}
        }
        self.send_owed(step);
        self.begin_if_gathered(step);
    }

    fn back(&mut self, step: &mut Step, supplier: &SupplierId) {
        if let Some(standing) = self.suppliers.get_mut(supplier) {
            standing.lost = false;
            self.send_owed_by(step, supplier);
        }
    }

    fn woken(&mut self, step: &mut Step) {
        self.wake_at = None;
        if step.now >= self.resend_at && !matches!(self.phase, Phase::Ended(_)) {
            self.resend_at = step.now.plus_millis(self.policy.resend_ms);
            self.resend(step);
        }
        match &self.phase {
            Phase::Gathering { .. } => self.begin_if_gathered(step),
            Phase::Joining(joining) if step.now >= joining.until => self.joining_timed_out(step),
            Phase::Pairing(Pairing { until, .. })
            | Phase::Submitting(Submitting { until, .. })
            | Phase::Certifying(Certifying { until, .. })
                if step.now >= *until =>
            {
                let silent = self.silent();
                self.fail(step, silent);
            }
            Phase::Logging(logging) if step.now >= logging.until => {
                self.end(step, Outcome::Abandoned { reason: AbandonReason::NotLogged });
            }
            Phase::Opening(_) => self.recover_if_due(step),
            _ => {}
        }
    }

    /// Asks to be woken at the next moment that matters.
    fn schedule(&mut self, step: &mut Step) {
        let next = match &self.phase {
            Phase::Ended(_) => return,
            Phase::Gathering { until } | Phase::Logging(Logging { until, .. }) => self.resend_at.min(*until),
            Phase::Joining(Joining { until, .. })
            | Phase::Pairing(Pairing { until, .. })
            | Phase::Submitting(Submitting { until, .. })
            | Phase::Certifying(Certifying { until, .. }) => self.resend_at.min(*until),
            Phase::Opening(opening) if !opening.recovering => self.resend_at.min(opening.until),
            Phase::Guarding(_) | Phase::Deciding(_) | Phase::Opening(_) => self.resend_at,
        };
        if self.wake_at != Some(next) {
            self.wake_at = Some(next);
            step.effects.push(Effect::WakeAt(next));
        }
    }

    fn send(&mut self, step: &mut Step, to: &SupplierId, message: CoordinatorMessage) {
        self.outbox.send(Effect::Send { to: to.clone(), message }, &mut step.effects);
    }

    fn send_owed_by(&mut self, step: &mut Step, supplier: &SupplierId) {
        for message in self.owed_by(supplier) {
            self.send(step, supplier, message);
        }
    }

    /// Sends every supplier what it owes an answer to.
    fn send_owed(&mut self, step: &mut Step) {
        let all: Vec<_> = self.suppliers.keys().cloned().collect();
        for supplier in &all {
            self.send_owed_by(step, supplier);
        }
    }

    fn resend(&mut self, step: &mut Step) {
        let moving = match &mut self.phase {
            Phase::Submitting(submitting) => submitting.take_moving(),
            _ => Vec::new(),
        };
        let still: Vec<_> = self.suppliers.keys().filter(|supplier| !moving.contains(supplier)).cloned().collect();
        for supplier in &still {
            self.send_owed_by(step, supplier);
        }
    }

    /// The requests that this supplier has not answered.
    fn owed_by(&self, supplier: &SupplierId) -> Vec<CoordinatorMessage> {
        let ask = || CoordinatorMessage::Ask { query: self.question.signed().clone() };
        let asked = self.suppliers.get(supplier).is_some_and(|standing| standing.readiness == Readiness::Asked);
        let owed = match &self.phase {
            Phase::Gathering { .. } | Phase::Guarding(_) | Phase::Logging(_) => None,
            Phase::Joining(joining) => joining.owed_by(supplier, self.config.checkpoint),
            Phase::Pairing(pairing) => pairing.owed_by(supplier),
            Phase::Submitting(submitting) => submitting.owed_by(supplier),
            Phase::Certifying(certifying) => certifying.owed_by(supplier),
            Phase::Deciding(deciding) => {
                // A voter may never have been asked, or have lost what it knew.
                return deciding.owed_by(supplier).map_or_else(Vec::new, |message| vec![ask(), message]);
            }
            Phase::Opening(opening) => return opening.owed_by(supplier),
            Phase::Ended(outcome) => return vec![CoordinatorMessage::Ended { outcome: outcome.told() }],
        };
        if asked { vec![ask()] } else { owed.into_iter().collect() }
    }

    fn progress(&mut self, step: &mut Step) {
        let stage = match &self.phase {
            Phase::Gathering { .. } => self.gathering(),
            Phase::Joining(joining) => Stage::Joining(joining.answers()),
            Phase::Pairing(pairing) => Stage::Pairing(pairing.answers()),
            Phase::Submitting(submitting) => Stage::Submitting(submitting.answers()),
            Phase::Certifying(certifying) => Stage::Certifying(certifying.answers()),
            Phase::Deciding(deciding) => deciding.stage(self.question.scope().quorum()),
            Phase::Opening(opening) => Stage::Opening(opening.answers()),
            Phase::Guarding(_) | Phase::Logging(_) | Phase::Ended(_) => return,
        };
        step.effects.push(Effect::Progress(stage));
    }

    fn record(&self, kept: Kept) -> CombinerRecord {
        CombinerRecord {
            question: self.question.signed().clone(),
            shape: self.shape,
            policy: self.policy,
            attempt: self.attempt,
            kept,
        }
    }

    /// Whatever is sent after this waits until the record is durable.
    fn persist(&mut self, step: &mut Step, kept: Kept) {
        step.effects.push(Effect::Persist(self.record(kept)));
        self.outbox.persisting();
    }

    fn verifier(&self, attempt: Attempt) -> Verifier<'_> {
        Verifier::new(self.question.id(), attempt, self.question.scope(), self.config.rules)
    }

    /// Ends the query, durably first.
    fn end(&mut self, step: &mut Step, outcome: Outcome) {
        self.persist(step, Kept::Ended(outcome.clone()));
        self.over(step, outcome);
    }

    /// Tells everybody that it has ended, as soon as that is durable.
    fn over(&mut self, step: &mut Step, outcome: Outcome) {
        self.phase = Phase::Ended(outcome.clone());
        self.outbox.send(Effect::Ended(outcome), &mut step.effects);
        self.send_owed(step);
    }

    fn cancel(&mut self, step: &mut Step, by: String) -> Result<(), Fault> {
        match &self.phase {
            Phase::Logging(_) | Phase::Deciding(_) => self.ask_void(step),
            Phase::Opening(opening) => {
                let of = opening.missing().cloned().collect();
                self.end(step, Outcome::Spent { reason: SpentReason::SelfMasksLost { of } });
                Ok(())
            }
            Phase::Ended(_) => Err(Party::ThisHost.did(FaultKind::AlreadyEnded)),
            _ => {
                self.end(step, Outcome::Abandoned { reason: AbandonReason::Cancelled { by } });
                Ok(())
            }
        }
    }
}
