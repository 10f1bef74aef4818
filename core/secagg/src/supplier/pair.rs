//! Pair: one list of participants per attempt, and a secret with each of them.

use std::collections::BTreeMap;

use optelsom_codebook::SupplierId;

use super::join::Joined;
use super::{Engaged, Phase, Step};
use crate::entropy::Entropy;
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{
    Attempt, AttemptFault, Card, Disagreement, Encapsulation, Participants, SupplierMessage, VerifiedCard,
};
use crate::pairwise::{PairContext, PairSecret};
use crate::round::Round;
use crate::rules::Rule;

/// A node that knows its participants, and has the secrets that it encapsulated itself.
#[derive(Debug)]
pub(super) struct Paired {
    pub(super) joined: Joined,
    pub(super) participants: Participants,
    pub(super) cards: Vec<VerifiedCard>,
    pub(super) secrets: BTreeMap<SupplierId, PairSecret>,
    pub(super) encapsulations: Vec<Encapsulation>,
}

impl Engaged {
    pub(super) fn pair(
        &mut self,
        step: &mut Step<'_>,
        attempt: Attempt,
        cards: &[Card],
        entropy: &Entropy,
    ) -> Result<(), Fault> {
        let Some(joined) = self.phase.joined().filter(|joined| joined.attempt == attempt) else {
            return self.without_keys(step, attempt, "pair");
        };
        let round = *self.verifier(step, attempt).round();
        let own_card = joined.card.digest(&round);
        let cards = self.verified(step, attempt, cards)?;
        let entries = cards.iter().map(|card| (card.card().supplier.clone(), card.digest())).collect();
        let participants =
            Participants::new(entries).map_err(|_| Party::Coordinator.did(FaultKind::ParticipantsUnsorted))?;
        if let Some(paired) = self.phase.paired() {
            if paired.participants == participants {
                let encapsulations = paired.encapsulations.clone();
                step.send(SupplierMessage::Encapsulations { attempt, encapsulations });
                return Ok(());
            }
            if step.has(Rule::OneParticipantListPerAttempt) {
                return Err(Party::Coordinator.did(FaultKind::OtherParticipants));
            }
        }
        let itself = participants.card(&step.config.supplier) == Some(own_card);
        if step.has(Rule::ParticipantsIncludeSelf) && !itself {
            return Err(Party::Coordinator.did(FaultKind::WithoutSelf));
        }
        if let Err(fault) = self.enough(step, &participants) {
            step.cannot_continue(attempt, AttemptFault::RefusesParticipants);
            return Err(fault);
        }
        self.same_ground(step, &cards)?;
        self.encapsulate(step, &round, participants, cards, entropy)
    }

    /// Checks every card's signature; two different ones of one supplier convict it.
    fn verified(&self, step: &Step<'_>, attempt: Attempt, cards: &[Card]) -> Result<Vec<VerifiedCard>, Fault> {
        let verifier = self.verifier(step, attempt);
        let mut verified: Vec<VerifiedCard> = Vec::with_capacity(cards.len().min(4096));
        for card in cards {
            let card = card.clone().verify(&verifier).map_err(|what| Party::Coordinator.did(what))?;
            let supplier = &card.card().supplier;
            if verified.iter().any(|other| other.card().supplier == *supplier && other.digest() != card.digest()) {
                return Err(Party::Supplier(supplier.clone()).did(FaultKind::TwoStatements { statement: "card" }));
            }
            verified.push(card);
        }
        Ok(verified)
    }

    /// Not below the rules of the setting: so many participants, and so many of them accepted as real.
    pub(super) fn enough(&self, step: &Step<'_>, participants: &Participants) -> Result<(), Fault> {
        let (count, least) = (participants.len(), self.least_participants());
        if step.has(Rule::LeastParticipants) && count < least {
            let what = FaultKind::TooFewParticipants { participants: count, least };
            return Err(Party::Coordinator.did(what));
        }
        let accepted = participants.peers_of(&step.config.supplier).filter(|peer| step.config.accepts(peer)).count();
        let least = self.question.scope().collusion() + 1;
        if step.has(Rule::AcceptedPeers) && accepted < least {
            return Err(Party::Coordinator.did(FaultKind::TooFewAccepted { accepted, least }));
        }
        Ok(())
    }

    fn same_ground(&self, step: &Step<'_>, cards: &[VerifiedCard]) -> Result<(), Fault> {
        let edition = &self.question.signed().entry.edition;
        let checkpoint = cards.first().map(|card| card.card().checkpoint);
        let same = |card: &VerifiedCard| Some(card.card().checkpoint) == checkpoint && card.card().edition == *edition;
        if step.has(Rule::SameCheckpointAndEdition) && !cards.iter().all(same) {
            return Err(Party::Coordinator.did(FaultKind::CardsDiffer));
        }
        Ok(())
    }

    /// A ciphertext for each participant with a higher name than this one's.
    fn encapsulate(
        &mut self,
        step: &mut Step<'_>,
        round: &Round,
        participants: Participants,
        cards: Vec<VerifiedCard>,
        entropy: &Entropy,
    ) -> Result<(), Fault> {
        let config = step.config;
        let Some(joined) = self.phase.joined() else { return Ok(()) };
        let attempt = joined.attempt;
        // This node's own card as it knows it: with the rule whole it is the one on the list.
        let lower = joined.card.clone().verify(&self.verifier(step, attempt));
        let lower = lower.map_err(|what| Party::ThisHost.did(what))?;
        let draws = self.draws(step, round, entropy);
        let (mut secrets, mut encapsulations) = (BTreeMap::new(), Vec::new());
        for (index, higher) in cards.iter().enumerate().filter(|(_, c)| c.card().supplier > config.supplier) {
            let peer = &higher.card().supplier;
            let context =
                PairContext { round, participants: &participants, lower: &lower, higher, rules: config.rules };
            let Some((secret, ciphertext)) = PairSecret::encapsulate(&draws, index, &context) else {
                step.disagrees(attempt, peer, Disagreement::Card);
                return Err(Party::Supplier(peer.clone()).did(FaultKind::PublicKey(peer.clone())));
            };
            let from = config.supplier.clone();
            encapsulations.push(Encapsulation::sign(&config.identity, round, &participants, from, higher, ciphertext));
            secrets.insert(peer.clone(), secret);
        }
        step.send(SupplierMessage::Encapsulations { attempt, encapsulations: encapsulations.clone() });
        if let Some(joined) = self.phase.take_joined() {
            self.phase = Phase::AwaitsExchange(Paired { joined, participants, cards, secrets, encapsulations });
        }
        Ok(())
    }
}
