//! Finalise: the scope's one decision about the query, final or void. A quorum for one makes the other impossible.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId};

use super::{Answers, Combiner, Kept, Opening, Outcome, Phase, SpentReason, Stage, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, Certificate, CoordinatorMessage, FinalVote, RelayedHeader, VoidCertificate, VoidVote};

/// What is certified, and what is needed to open it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Certified {
    pub(super) certificate: Arc<Certificate>,
    /// By the participants' names.
    pub(super) headers: Vec<RelayedHeader>,
    /// For each participant, by name: its commitments to the shares of its peers, by theirs. What the headers sign for.
    pub(super) share_commitments: Vec<Vec<Hash256>>,
    /// The sum of the masked tables: the total under all self-masks.
    pub(super) sum: Vec<u64>,
}

impl fmt::Debug for Certified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certified(attempt {})", self.certificate.attempt)
    }
}

#[derive(Debug)]
pub(super) struct Deciding {
    certified: Arc<Certified>,
    /// Of the statement that is voted on.
    digest: Hash256,
    ask: Ask,
    finals: BTreeMap<SupplierId, FinalVote>,
    voids: BTreeMap<SupplierId, VoidVote>,
}

/// What voters are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Final,
    Void,
}

impl Deciding {
    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Option<CoordinatorMessage> {
        if self.finals.contains_key(supplier) || self.voids.contains_key(supplier) {
            return None;
        }
        Some(match self.ask {
            Ask::Final => CoordinatorMessage::Finalise { certificate: Arc::clone(&self.certified.certificate) },
            Ask::Void => CoordinatorMessage::Void,
        })
    }

    pub(super) fn stage(&self, of: usize) -> Stage {
        let attempt = self.certified.certificate.attempt;
        match self.ask {
            Ask::Final => Stage::Finalising(Answers { attempt, answered: self.finals.len(), of }),
            Ask::Void => Stage::Voiding(Answers { attempt, answered: self.voids.len(), of }),
        }
    }
}

impl Combiner {
    pub(super) fn participants_logged(&mut self, step: &mut Step) -> Result<(), Fault> {
        let Phase::Logging(certified) = &self.phase else {
            return Err(Party::ThisHost.did(FaultKind::OutOfTurn("no participants are being logged")));
        };
        let certified = Arc::clone(certified);
        self.decide(step, certified, Ask::Final);
        Ok(())
    }

    fn decide(&mut self, step: &mut Step, certified: Arc<Certified>, ask: Ask) {
        let certificate = &certified.certificate;
        let digest = certificate.statement().digest(self.verifier(certificate.attempt).round());
        let (finals, voids) = (BTreeMap::new(), BTreeMap::new());
        self.phase = Phase::Deciding(Deciding { certified, digest, ask, finals, voids });
        self.progress(step);
        self.send_owed(step);
    }

    /// Only while no final statement is known.
    pub(super) fn ask_void(&mut self, step: &mut Step) -> Result<(), Fault> {
        match &mut self.phase {
            Phase::Logging(certified) => {
                let certified = Arc::clone(certified);
                self.decide(step, certified, Ask::Void);
                Ok(())
            }
            Phase::Deciding(deciding) if deciding.finals.is_empty() => {
                deciding.ask = Ask::Void;
                self.progress(step);
                self.send_owed(step);
                Ok(())
            }
            Phase::Deciding(Deciding { certified, .. }) => {
                Err(Party::ThisHost.did(FaultKind::FinalStands(certified.certificate.attempt)))
            }
            Phase::Opening(opening) => Err(Party::ThisHost.did(FaultKind::FinalStands(opening.attempt()))),
            Phase::Ended(_) => Err(Party::ThisHost.did(FaultKind::AlreadyEnded)),
            _ => Err(Party::ThisHost.did(FaultKind::OutOfTurn("nothing is certified yet; cancel the query instead"))),
        }
    }

    pub(super) fn final_vote(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        vote: FinalVote,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Deciding(deciding) = &self.phase else { return Ok(()) };
        if vote.supplier != *from {
            return Err(by_supplier(FaultKind::SpeaksForAnother(vote.supplier)));
        }
        if deciding.certified.certificate.attempt != attempt {
            return Err(by_supplier(FaultKind::FinalStands(attempt)));
        }
        vote.verify(&verifier, &deciding.digest).map_err(by_supplier)?;
        let Phase::Deciding(deciding) = &mut self.phase else { return Ok(()) };
        deciding.finals.insert(from.clone(), vote);
        self.progress(step);
        self.decided(step);
        Ok(())
    }

    pub(super) fn void_vote(&mut self, step: &mut Step, from: &SupplierId, vote: VoidVote) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        if !matches!(self.phase, Phase::Deciding(_)) {
            return Ok(());
        }
        if vote.supplier != *from {
            return Err(by_supplier(FaultKind::SpeaksForAnother(vote.supplier)));
        }
        vote.verify(&self.question.id(), self.question.scope()).map_err(by_supplier)?;
        let Phase::Deciding(deciding) = &mut self.phase else { return Ok(()) };
        deciding.voids.insert(from.clone(), vote);
        self.progress(step);
        self.decided(step);
        Ok(())
    }

    /// Goes on when a quorum has decided, or can decide no more.
    fn decided(&mut self, step: &mut Step) {
        let quorum = self.question.scope().quorum();
        let Phase::Deciding(deciding) = &mut self.phase else { return };
        if deciding.finals.len() >= quorum {
            let votes: Vec<_> = std::mem::take(&mut deciding.finals).into_values().collect();
            let certified = Arc::clone(&deciding.certified);
            self.persist(step, Kept::Final(Arc::clone(&certified), votes.clone()));
            let until = step.now.plus_millis(self.policy.phase_timeout_ms);
            self.phase = Phase::Opening(Box::new(Opening::new(certified, votes, until)));
            self.progress(step);
            self.send_owed(step);
        } else if deciding.voids.len() >= quorum {
            let votes = std::mem::take(&mut deciding.voids).into_values().collect();
            let certificate = VoidCertificate { query: self.question.id(), votes };
            self.end(step, Outcome::Void { certificate });
        } else if self.suppliers.keys().all(|voter| {
            let Phase::Deciding(deciding) = &self.phase else { return false };
            deciding.finals.contains_key(voter) || deciding.voids.contains_key(voter)
        }) {
            self.end(step, Outcome::Spent { reason: SpentReason::SplitVotes });
        }
    }
}
