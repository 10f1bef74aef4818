//! Join: a fresh key for this attempt, on a signed card.

use std::cmp::Ordering;

use optelsom_codebook::Hash256;

use super::record::Vote;
use super::{Data, Engaged, Phase, Step};
use crate::entropy::{Draws, Entropy};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, AttemptFault, Card, SupplierMessage};
use crate::pairwise::AttemptKey;
use crate::round::Round;
use crate::rules::Rule;

/// A node that has sent its card.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) attempt: Attempt,
    pub(super) key: AttemptKey,
    pub(super) card: Card,
}

impl Engaged {
    pub(super) fn join(
        &mut self,
        step: &mut Step<'_>,
        attempt: Attempt,
        checkpoint: Hash256,
        entropy: &Entropy,
    ) -> Result<(), Fault> {
        self.may_join(step)?;
        match self.record.joined.map_or(Ordering::Greater, |joined| attempt.cmp(&joined)) {
            Ordering::Less => return Ok(()),
            Ordering::Equal if step.has(Rule::JoinsOncePerAttempt) => {
                return self.joined_before(step, attempt, checkpoint);
            }
            Ordering::Equal | Ordering::Greater => {}
        }
        if !matches!(self.data, Data::Ready(_)) {
            step.cannot_continue(attempt, AttemptFault::NotReady);
            return Ok(());
        }
        if step.now >= self.question.signed().entry.expires_at {
            return Err(Party::Coordinator.did(FaultKind::Expired));
        }
        self.keep_stale(step, entropy);
        let round = *self.verifier(step, attempt).round();
        let key = AttemptKey::generate(&self.draws(step, &round, entropy));
        let (config, edition) = (step.config, self.question.signed().entry.edition.clone());
        let card = Card::sign(&config.identity, &round, config.supplier.clone(), key.public_key(), checkpoint, edition);
        self.record.joined = Some(attempt);
        step.persist(&self.record);
        step.send(SupplierMessage::Card { attempt, card: card.clone() });
        self.phase = Phase::AwaitsPair(Joined { attempt, key, card });
        Ok(())
    }

    /// Once there is a vote, no other attempt can come to anything.
    fn may_join(&self, step: &Step<'_>) -> Result<(), Fault> {
        match self.record.vote {
            Vote::Final { attempt, .. } if step.has(Rule::OneFinalPerQuery) => {
                Err(Party::Coordinator.did(FaultKind::FinalStands(attempt)))
            }
            Vote::Void if step.has(Rule::VoidExcludesFinal) => Err(Party::Coordinator.did(FaultKind::VoidStands)),
            _ => Ok(()),
        }
    }

    fn joined_before(&self, step: &mut Step<'_>, attempt: Attempt, checkpoint: Hash256) -> Result<(), Fault> {
        match self.phase.joined() {
            Some(joined) if joined.card.checkpoint == checkpoint => {
                step.send(SupplierMessage::Card { attempt, card: joined.card.clone() });
                Ok(())
            }
            Some(_) => Err(Party::Coordinator.did(FaultKind::TwoStatements { statement: "checkpoint" })),
            None => self.without_keys(step, attempt, "join"),
        }
    }

    /// Where the rule of fresh keys is switched off, all attempts draw from what the first one brought.
    fn keep_stale(&mut self, step: &Step<'_>, entropy: &Entropy) {
        if !step.has(Rule::FreshKeysPerAttempt) && self.stale.is_none() {
            self.stale = Some(entropy.again());
        }
    }

    pub(super) fn draws<'a>(&'a self, step: &Step<'_>, round: &'a Round, entropy: &'a Entropy) -> Draws<'a> {
        match &self.stale {
            Some(stale) if !step.has(Rule::FreshKeysPerAttempt) => Draws::new(stale, &Round::UNBOUND),
            _ => Draws::new(entropy, round),
        }
    }
}
