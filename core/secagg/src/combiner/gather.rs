//! Gather: until all suppliers in scope are ready, or the deadline makes do with fewer. And what follows when an attempt
//! has failed before its certificate: the next one, with fresh keys, without those named or silent.

use optelsom_codebook::{EditionId, RefusalReason, SupplierId, Timestamp};
use optelsom_ledger::Signature;

use super::{AbandonReason, Absence, Combiner, Effect, Kept, Outcome, Phase, Policy, Readiness, Stage, Standing, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, AttemptFault, answer};
use crate::question::Question;

/// After so many attempts that failed by it, a supplier is done without.
const FAILURES: u32 = 16;

/// What becomes of a supplier by which an attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may say ready again.
    Again,
    /// The next attempts are made without it.
    Out,
}

/// Until when suppliers are waited for: the policy's deadline, but so that a round still fits in before the query
/// expires, and at least half of the query's time.
pub(super) fn deadline(question: &Question, policy: &Policy) -> Timestamp {
    let entry = &question.signed().entry;
    let (asked, expires) = (entry.asked_at.as_millis(), entry.expires_at.as_millis());
    let round = policy.phase_timeout_ms.saturating_mul(4);
    let half = asked.saturating_add(expires.saturating_sub(asked) / 2);
    let latest = Timestamp::from_millis(expires.saturating_sub(round).max(half));
    policy.deadline.min(latest)
}

impl Combiner {
    pub(super) fn ready(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        edition: &EditionId,
        signature: &Signature,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let (id, scope) = (self.question.id(), self.question.scope());
        answer::verify_ready(signature, &id, scope, from, edition).map_err(by_supplier)?;
        if *edition != self.question.signed().entry.edition {
            return Err(by_supplier(FaultKind::CardsDiffer));
        }
        self.becomes(step, from, Readiness::Ready);
        Ok(())
    }

    pub(super) fn refused(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        reason: RefusalReason,
        signature: &Signature,
    ) -> Result<(), Fault> {
        let (id, scope) = (self.question.id(), self.question.scope());
        answer::verify_refused(signature, &id, scope, from, reason)
            .map_err(|what| Party::Supplier(from.clone()).did(what))?;
        self.becomes(step, from, Readiness::Refused(reason));
        Ok(())
    }

    fn becomes(&mut self, step: &mut Step, supplier: &SupplierId, readiness: Readiness) {
        if let Some(standing) = self.suppliers.get_mut(supplier) {
            if standing.readiness == readiness || standing.readiness == Readiness::Excluded {
                return;
            }
            standing.readiness = readiness;
            if matches!(self.phase, Phase::Gathering { .. }) {
                self.progress(step);
                self.begin_if_gathered(step);
            }
        }
    }

    pub(super) fn gathering(&self) -> Stage {
        let refused = self.suppliers.iter().filter_map(|(supplier, standing)| match standing.readiness {
            Readiness::Refused(reason) => Some((supplier.clone(), reason)),
            Readiness::Asked | Readiness::Ready | Readiness::Excluded => None,
        });
        Stage::Gathering {
            ready: self.count(Readiness::Ready),
            refused: refused.collect(),
            asked: self.suppliers.len(),
        }
    }

    fn count(&self, readiness: Readiness) -> usize {
        self.suppliers.values().filter(|standing| standing.readiness == readiness).count()
    }

    fn missing(&self) -> Vec<(SupplierId, Absence)> {
        let absent = |(supplier, standing): (&SupplierId, &Standing)| {
            let absence = match standing.readiness {
                Readiness::Ready => return None,
                Readiness::Asked => Absence::Silent,
                Readiness::Refused(reason) => Absence::Refused(reason),
                Readiness::Excluded => Absence::Excluded,
            };
            Some((supplier.clone(), absence))
        };
        self.suppliers.iter().filter_map(absent).collect()
    }

    /// The fewest suppliers the total may be of.
    pub(super) fn least(&self) -> usize {
        let asked = usize::try_from(self.question.signed().entry.min_suppliers).unwrap_or(usize::MAX);
        asked.max(self.policy.least_participants).max(self.question.scope().least_participants())
    }

    /// Begins an attempt when nobody is waited for any more, or gives up when too few can come.
    pub(super) fn begin_if_gathered(&mut self, step: &mut Step) {
        let Phase::Gathering { until } = self.phase else { return };
        let (ready, pending, needed) = (self.count(Readiness::Ready), self.count(Readiness::Asked), self.least());
        let late = step.now >= until;
        let reason = if step.now >= self.question.signed().entry.expires_at {
            Some(AbandonReason::Expired)
        } else if ready + pending < needed || (late && ready < needed) {
            Some(AbandonReason::TooFewSuppliers { ready, needed, missing: self.missing() })
        } else {
            None
        };
        match reason {
            Some(reason) => self.end(step, Outcome::Abandoned { reason }),
            None if pending == 0 || late => self.begin(step),
            None => {}
        }
    }

    fn begin(&mut self, step: &mut Step) {
        let next = self.attempt.map_or(Some(Attempt::FIRST), Attempt::next);
        let Some(attempt) = next else {
            return self.end(step, Outcome::Abandoned { reason: AbandonReason::AttemptsUsedUp });
        };
        self.attempt = Some(attempt);
        self.suppliers.values_mut().for_each(|standing| standing.faulted = false);
        let ready = self.suppliers.iter().filter(|(_, standing)| standing.readiness == Readiness::Ready);
        let asked = ready.map(|(supplier, _)| supplier.clone()).collect();
        // No attempt's number is ever used twice: it is durable before anybody joins.
        self.persist(step, Kept::Begun);
        self.enter_joining(step, attempt, asked);
    }

    /// The attempt has failed by these; on to the next one.
    pub(super) fn fail(&mut self, step: &mut Step, by: Vec<(SupplierId, Fate)>) {
        for (supplier, fate) in by {
            if let Some(standing) = self.suppliers.get_mut(&supplier) {
                standing.failures += 1;
                let out = fate == Fate::Out || standing.failures >= FAILURES;
                if !matches!(standing.readiness, Readiness::Refused(_)) {
                    standing.readiness = if out { Readiness::Excluded } else { Readiness::Asked };
                }
            }
        }
        // Even after the deadline, who has only stumbled gets the time of one step to be back.
        let grace = step.now.plus_millis(self.policy.phase_timeout_ms);
        self.phase = Phase::Gathering { until: deadline(&self.question, &self.policy).max(grace) };
        self.send_owed(step);
        self.progress(step);
        self.begin_if_gathered(step);
    }

    /// Those who have not answered in this step, with what becomes of them.
    pub(super) fn silent(&self) -> Vec<(SupplierId, Fate)> {
        let lineup: Vec<&SupplierId> = match &self.phase {
            Phase::Joining(joining) => joining.silent().collect(),
            Phase::Pairing(pairing) => pairing.silent().collect(),
            Phase::Submitting(submitting) => submitting.silent().collect(),
            Phase::Certifying(certifying) => certifying.silent().collect(),
            _ => Vec::new(),
        };
        let faulted = |supplier: &SupplierId| self.suppliers.get(supplier).is_some_and(|standing| standing.faulted);
        let fate = |supplier: &SupplierId| if faulted(supplier) { Fate::Out } else { Fate::Again };
        lineup.into_iter().map(|supplier| (supplier.clone(), fate(supplier))).collect()
    }

    /// A participant cannot go on with the attempt. Before its certificate that ends the attempt.
    pub(super) fn cannot_continue(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        cause: AttemptFault,
    ) -> Result<(), Fault> {
        if cause == AttemptFault::GuardRefuses {
            self.guard_refuses(step, from, attempt);
            return Ok(());
        }
        // Whoever has answered in this step already has said this earlier, and it was overtaken.
        let awaited = self.attempt == Some(attempt) && self.silent().iter().any(|(supplier, _)| supplier == from);
        if !awaited {
            return Ok(());
        }
        match cause {
            AttemptFault::KeysLost | AttemptFault::NotReady => self.fail(step, vec![(from.clone(), Fate::Again)]),
            AttemptFault::RefusesParticipants => self.fail(step, vec![(from.clone(), Fate::Out)]),
            AttemptFault::GuardRefuses => {}
            AttemptFault::DisagreesWith { peer, .. } => {
                if peer == *from || !self.lineup().contains(&peer) {
                    return Err(Party::Supplier(from.clone()).did(FaultKind::NotInScope(peer)));
                }
                // One of the two goes: the first time the other, the second time the one who disagrees again, so that
                // nobody can push out more than one.
                let again = self.suppliers.get(from).is_some_and(|standing| standing.accuser);
                if let Some(standing) = self.suppliers.get_mut(from) {
                    standing.accuser = true;
                }
                let between = vec![from.clone(), peer.clone()];
                let fault = Party::Unattributable { between }.did(FaultKind::Disagreement);
                step.effects.push(Effect::Reject(fault));
                self.fail(step, vec![(if again { from.clone() } else { peer }, Fate::Out)]);
            }
        }
        Ok(())
    }

    /// Who takes part in the attempt under way.
    fn lineup(&self) -> Vec<SupplierId> {
        match &self.phase {
            Phase::Pairing(pairing) => pairing.lineup.participants.suppliers().cloned().collect(),
            Phase::Submitting(submitting) => submitting.lineup.participants.suppliers().cloned().collect(),
            Phase::Certifying(certifying) => certifying.lineup.participants.suppliers().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
