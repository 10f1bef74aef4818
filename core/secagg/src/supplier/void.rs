//! Void: a voter that has signed no final statement declares, for ever, that it will not.

use super::record::Vote;
use super::{Engaged, Phase, Step};
use crate::fault::Fault;
use crate::messages::{FinalVote, SupplierMessage, VoidVote};
use crate::rules::Rule;

impl Engaged {
    pub(super) fn void(&mut self, step: &mut Step<'_>) -> Result<(), Fault> {
        let config = step.config;
        match self.record.vote {
            Vote::Final { attempt, digest } if step.has(Rule::FinalExcludesVoid) => {
                let round = *self.verifier(step, attempt).round();
                let vote = FinalVote::sign(&config.identity, &round, &digest, config.supplier.clone());
                step.send(SupplierMessage::Final { attempt, vote });
                return Ok(());
            }
            Vote::None => {
                self.record.vote = Vote::Void;
                self.phase = Phase::Idle;
                step.persist(&self.record);
            }
            Vote::Void | Vote::Final { .. } => {}
        }
        let vote =
            VoidVote::sign(&config.identity, &self.question.id(), &config.roster.hash(), config.supplier.clone());
        step.send(SupplierMessage::Void { vote });
        Ok(())
    }
}
