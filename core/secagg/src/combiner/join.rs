//! Join: a card of each ready supplier.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, SupplierId, Timestamp};

use super::gather::Fate;
use super::{AbandonReason, Answers, Combiner, Effect, Outcome, Phase, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, Card, CoordinatorMessage, VerifiedCard};
use crate::pairwise::is_public_key;

#[derive(Debug)]
pub(super) struct Joining {
    pub(super) attempt: Attempt,
    pub(super) until: Timestamp,
    asked: BTreeSet<SupplierId>,
    cards: BTreeMap<SupplierId, VerifiedCard>,
}

/// Those who have joined, while the guard is asked about them.
#[derive(Debug)]
pub(super) struct Guarding {
    attempt: Attempt,
    cards: Vec<VerifiedCard>,
}

impl Joining {
    pub(super) fn owed_by(&self, supplier: &SupplierId, checkpoint: Hash256) -> Option<CoordinatorMessage> {
        let owes = self.silent().any(|silent| silent == supplier);
        owes.then_some(CoordinatorMessage::Join { attempt: self.attempt, checkpoint })
    }

    pub(super) fn silent(&self) -> impl Iterator<Item = &SupplierId> {
        self.asked.iter().filter(|supplier| !self.cards.contains_key(*supplier))
    }

    pub(super) fn answers(&self) -> Answers {
        Answers { attempt: self.attempt, answered: self.cards.len(), of: self.asked.len() }
    }
}

impl Combiner {
    pub(super) fn enter_joining(&mut self, step: &mut Step, attempt: Attempt, asked: BTreeSet<SupplierId>) {
        let until = step.now.plus_millis(self.policy.phase_timeout_ms);
        self.phase = Phase::Joining(Joining { attempt, until, asked, cards: BTreeMap::new() });
        self.progress(step);
        self.send_owed(step);
    }

    pub(super) fn card(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        card: Card,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Joining(joining) = &self.phase else { return Ok(()) };
        if joining.attempt != attempt || !joining.asked.contains(from) {
            return Ok(());
        }
        if card.supplier != *from {
            return Err(by_supplier(FaultKind::SpeaksForAnother(card.supplier)));
        }
        let card = card.verify(&verifier).map_err(by_supplier)?;
        if let Some(earlier) = joining.cards.get(from) {
            let same = earlier.digest() == card.digest();
            return if same { Ok(()) } else { Err(by_supplier(FaultKind::TwoStatements { statement: "card" })) };
        }
        let edition = &self.question.signed().entry.edition;
        if card.card().checkpoint != self.config.checkpoint || card.card().edition != *edition {
            return Err(by_supplier(FaultKind::CardsDiffer));
        }
        if !is_public_key(&card.card().public_key) {
            return Err(by_supplier(FaultKind::PublicKey(from.clone())));
        }
        let Phase::Joining(joining) = &mut self.phase else { return Ok(()) };
        joining.cards.insert(from.clone(), card);
        let complete = joining.silent().next().is_none();
        self.progress(step);
        if complete {
            self.pair_those_who_joined(step);
        }
        Ok(())
    }

    /// Who has not joined in time is done without, if the deadline is past and the others are enough; else it is waited
    /// for again.
    pub(super) fn joining_timed_out(&mut self, step: &mut Step) {
        let late = step.now >= super::gather::deadline(&self.question, &self.policy);
        let silent = self.silent();
        match &self.phase {
            Phase::Joining(joining) if late && joining.cards.len() >= self.least() => {
                for (supplier, fate) in silent {
                    if let Some(standing) = self.suppliers.get_mut(&supplier) {
                        let out = fate == Fate::Out;
                        standing.readiness = if out { super::Readiness::Excluded } else { super::Readiness::Asked };
                    }
                }
                self.pair_those_who_joined(step);
            }
            _ => self.fail(step, silent),
        }
    }

    /// Has the guard asked first.
    fn pair_those_who_joined(&mut self, step: &mut Step) {
        let Phase::Joining(joining) = &mut self.phase else { return };
        let cards = std::mem::take(&mut joining.cards);
        let suppliers = cards.keys().cloned().collect();
        let guarding = Guarding { attempt: joining.attempt, cards: cards.into_values().collect() };
        self.phase = Phase::Guarding(guarding);
        step.effects.push(Effect::AskGuard { suppliers });
    }

    pub(super) fn guard_passed(&mut self, step: &mut Step) -> Result<(), Fault> {
        let Guarding { attempt, cards } = self.leave_guarding()?;
        self.enter_pairing(step, attempt, cards);
        Ok(())
    }

    /// Another attempt would meet the same: the set of suppliers is what is refused.
    pub(super) fn guard_refused(&mut self, step: &mut Step, why: String) -> Result<(), Fault> {
        self.leave_guarding()?;
        self.end(step, Outcome::Abandoned { reason: AbandonReason::Guard { why } });
        Ok(())
    }

    fn leave_guarding(&mut self) -> Result<Guarding, Fault> {
        match &mut self.phase {
            Phase::Guarding(guarding) => {
                Ok(Guarding { attempt: guarding.attempt, cards: std::mem::take(&mut guarding.cards) })
            }
            _ => Err(Party::ThisHost.did(FaultKind::OutOfTurn("the guard is not being asked"))),
        }
    }
}
