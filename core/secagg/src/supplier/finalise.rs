//! Finalise: one final statement per query, for ever. Every voter of the scope has a voice, also one that refused its
//! data.
//!
//! The guard against differencing across queries reads the log, so it stands before the machine: a host brings this
//! message here only once the participants stand in the log and [`optelsom_ledger::guard`] has let them pass.

use super::record::Vote;
use super::{Engaged, Phase, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Certificate, FinalVote, SupplierMessage};
use crate::rules::Rule;

impl Engaged {
    pub(super) fn finalise(&mut self, step: &mut Step<'_>, certificate: &Certificate) -> Result<(), Fault> {
        let attempt = certificate.attempt;
        let verifier = self.verifier(step, attempt);
        certificate.verify(&verifier).map_err(|what| Party::Coordinator.did(what))?;
        let statement = certificate.statement();
        let (participants, least) = (statement.participants.len(), self.least_participants());
        if step.has(Rule::LeastParticipants) && participants < least {
            return Err(Party::Coordinator.did(FaultKind::TooFewParticipants { participants, least }));
        }
        let prepared = self.record.prepared.get(&attempt);
        if statement.participants.contains(&step.config.supplier) && prepared.map(|p| &p.statement) != Some(&statement)
        {
            return Err(Party::Coordinator.did(FaultKind::NotPrepared));
        }
        let round = *verifier.round();
        let digest = statement.digest(&round);
        let vote = Vote::Final { attempt, digest };
        match self.record.vote {
            standing if standing == vote => {}
            Vote::Final { attempt, .. } if step.has(Rule::OneFinalPerQuery) => {
                return Err(Party::Coordinator.did(FaultKind::FinalStands(attempt)));
            }
            Vote::Void if step.has(Rule::VoidExcludesFinal) => {
                self.void(step)?;
                return Err(Party::Coordinator.did(FaultKind::VoidStands));
            }
            Vote::None | Vote::Final { .. } | Vote::Void => {
                self.record.vote = vote;
                // No other attempt can come to anything now.
                if step.has(Rule::OneFinalPerQuery) {
                    self.phase = Phase::Idle;
                }
                step.persist(&self.record);
            }
        }
        let vote = FinalVote::sign(&step.config.identity, &round, &digest, step.config.supplier.clone());
        step.send(SupplierMessage::Final { attempt, vote });
        Ok(())
    }
}
