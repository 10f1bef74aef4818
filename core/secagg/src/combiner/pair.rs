//! Pair: everybody is shown who takes part, and encapsulates to those with a higher name.

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::{SupplierId, Timestamp};

use super::gather::Fate;
use super::{Answers, Combiner, Phase, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, Card, CoordinatorMessage, Encapsulation, Participants, VerifiedCard};

/// Who takes part in an attempt, from Pair to its certificate.
#[derive(Debug)]
pub(super) struct Lineup {
    pub(super) attempt: Attempt,
    pub(super) participants: Participants,
    cards: Arc<[Card]>,
}

#[derive(Debug)]
pub(super) struct Pairing {
    pub(super) lineup: Lineup,
    pub(super) until: Timestamp,
    received: BTreeMap<SupplierId, Vec<Encapsulation>>,
}

impl Pairing {
    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Option<CoordinatorMessage> {
        let owes = self.silent().any(|silent| silent == supplier);
        owes.then(|| CoordinatorMessage::Pair { attempt: self.lineup.attempt, cards: Arc::clone(&self.lineup.cards) })
    }

    pub(super) fn silent(&self) -> impl Iterator<Item = &SupplierId> {
        self.lineup.participants.suppliers().filter(|supplier| !self.received.contains_key(*supplier))
    }

    pub(super) fn answers(&self) -> Answers {
        let of = self.lineup.participants.len();
        Answers { attempt: self.lineup.attempt, answered: self.received.len(), of }
    }
}

impl Combiner {
    pub(super) fn enter_pairing(&mut self, step: &mut Step, attempt: Attempt, cards: Vec<VerifiedCard>) {
        let entries = cards.iter().map(|card| (card.card().supplier.clone(), card.digest())).collect();
        let cards: Arc<[_]> = cards.into_iter().map(|card| card.card().clone()).collect();
        let Ok(participants) = Participants::new(entries) else {
            // Cards come out of a map by name, so this does not happen; if it did, nobody would be at fault.
            let again = cards.iter().map(|card| (card.supplier.clone(), Fate::Again)).collect();
            return self.fail(step, again);
        };
        let lineup = Lineup { attempt, participants, cards };
        let until = step.now.plus_millis(self.policy.phase_timeout_ms);
        self.phase = Phase::Pairing(Pairing { lineup, until, received: BTreeMap::new() });
        self.progress(step);
        self.send_owed(step);
    }

    pub(super) fn encapsulations(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        encapsulations: Vec<Encapsulation>,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Pairing(pairing) = &self.phase else { return Ok(()) };
        let participants = &pairing.lineup.participants;
        if pairing.lineup.attempt != attempt || !participants.contains(from) {
            return Ok(());
        }
        // What has come before, repeated: nothing is to be checked again.
        if pairing.received.get(from) == Some(&encapsulations) {
            return Ok(());
        }
        let higher = participants.peers_of(from).filter(|peer| *peer > from);
        let higher: Vec<_> = higher.filter_map(|peer| Some((peer, participants.card(peer)?))).collect();
        if !encapsulations.iter().map(|e| &e.to).eq(higher.iter().map(|(peer, _)| *peer)) {
            return Err(by_supplier(FaultKind::NotOneEach { what: "encapsulation" }));
        }
        for (encapsulation, (_, card)) in encapsulations.iter().zip(&higher) {
            if encapsulation.from != *from {
                return Err(by_supplier(FaultKind::SpeaksForAnother(encapsulation.from.clone())));
            }
            encapsulation.verify(&verifier, participants, card).map_err(by_supplier)?;
        }
        if pairing.received.contains_key(from) {
            return Err(by_supplier(FaultKind::TwoStatements { statement: "encapsulation" }));
        }
        let Phase::Pairing(pairing) = &mut self.phase else { return Ok(()) };
        pairing.received.insert(from.clone(), encapsulations);
        let complete = pairing.silent().next().is_none();
        self.progress(step);
        if complete {
            self.enter_submitting(step);
        }
        Ok(())
    }

    /// Leaves this step with what it has brought: the lineup, and the encapsulations by who sent them.
    pub(super) fn leave_pairing(&mut self) -> Option<(Lineup, Vec<Encapsulation>)> {
        let until = Timestamp::from_millis(0);
        match std::mem::replace(&mut self.phase, Phase::Gathering { until }) {
            Phase::Pairing(pairing) => Some((pairing.lineup, pairing.received.into_values().flatten().collect())),
            other => {
                self.phase = other;
                None
            }
        }
    }
}
