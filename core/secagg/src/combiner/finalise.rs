//! Finalise: the scope's one decision about the query, final or void. A quorum for one makes the other impossible.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};

use super::{
    AbandonReason, Answers, Combiner, Kept, Opening, Outcome, Phase, Policy, SpentReason, Stage, Step, VoidReason,
};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, Certificate, CoordinatorMessage, FinalVote, RelayedHeader, VoidCertificate, VoidVote};
use crate::question::Question;

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

/// What is certified, while its participants are being written into the log.
#[derive(Debug)]
pub(super) struct Logging {
    pub(super) certified: Arc<Certified>,
    /// Nobody votes before they stand there; so after this the query is given up.
    pub(super) until: Timestamp,
}

impl Logging {
    /// While the query lasts, and the time of one step at least.
    pub(super) fn until(question: &Question, policy: &Policy, now: Timestamp) -> Timestamp {
        question.signed().entry.expires_at.max(now.plus_millis(policy.phase_timeout_ms))
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
    /// Whose guards refuse.
    refusers: BTreeSet<SupplierId>,
}

/// What voters are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Final,
    Void(VoidReason),
}

impl Deciding {
    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Option<CoordinatorMessage> {
        if self.finals.contains_key(supplier) || self.voids.contains_key(supplier) {
            return None;
        }
        Some(match self.ask {
            Ask::Final => CoordinatorMessage::Finalise { certificate: Arc::clone(&self.certified.certificate) },
            Ask::Void(_) => CoordinatorMessage::Void,
        })
    }

    pub(super) fn stage(&self, of: usize) -> Stage {
        let attempt = self.certified.certificate.attempt;
        match self.ask {
            Ask::Final => Stage::Finalising(Answers { attempt, answered: self.finals.len(), of }),
            Ask::Void(_) => Stage::Voiding(Answers { attempt, answered: self.voids.len(), of }),
        }
    }
}

impl Combiner {
    pub(super) fn participants_logged(&mut self, step: &mut Step) -> Result<(), Fault> {
        let Phase::Logging(Logging { certified, .. }) = &self.phase else {
            return Err(Party::ThisHost.did(FaultKind::OutOfTurn("no participants are being logged")));
        };
        let certified = Arc::clone(certified);
        self.decide(step, certified, Ask::Final);
        Ok(())
    }

    fn decide(&mut self, step: &mut Step, certified: Arc<Certified>, ask: Ask) {
        let certificate = &certified.certificate;
        let digest = certificate.statement().digest(self.verifier(certificate.attempt).round());
        let (finals, voids, refusers) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        self.phase = Phase::Deciding(Deciding { certified, digest, ask, finals, voids, refusers });
        self.progress(step);
        self.send_owed(step);
    }

    /// Only while no final statement is known.
    pub(super) fn ask_void(&mut self, step: &mut Step) -> Result<(), Fault> {
        match &mut self.phase {
            Phase::Logging(Logging { certified, .. }) => {
                let certified = Arc::clone(certified);
                self.decide(step, certified, Ask::Void(VoidReason::Operators));
                Ok(())
            }
            Phase::Deciding(deciding) if deciding.finals.is_empty() => {
                if deciding.ask == Ask::Final {
                    deciding.ask = Ask::Void(VoidReason::Operators);
                }
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
        deciding.refusers.remove(from);
        deciding.finals.insert(from.clone(), vote);
        self.progress(step);
        self.decided(step);
        Ok(())
    }

    /// A voter's guard refuses the certified set. Once no quorum can make it final any more, it is declared void, so that
    /// later queries need not be compared with it; or given up, where somebody has voted for it all the same.
    pub(super) fn guard_refuses(&mut self, step: &mut Step, from: &SupplierId, attempt: Attempt) {
        let scope = self.question.scope();
        let (voters, quorum) = (scope.members().len(), scope.quorum());
        let Phase::Deciding(deciding) = &mut self.phase else { return };
        let voted = deciding.finals.contains_key(from) || deciding.voids.contains_key(from);
        if deciding.certified.certificate.attempt != attempt || deciding.ask != Ask::Final || voted {
            return;
        }
        deciding.refusers.insert(from.clone());
        if voters - deciding.refusers.len() >= quorum {
            return;
        }
        if deciding.finals.is_empty() {
            deciding.ask = Ask::Void(VoidReason::Guard);
            self.progress(step);
            return self.send_owed(step);
        }
        let names: Vec<_> = deciding.refusers.iter().map(SupplierId::as_str).collect();
        let why = format!("the guards of {} refuse its suppliers", names.join(", "));
        self.end(step, Outcome::Abandoned { reason: AbandonReason::Guard { why } });
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
            let why = if let Ask::Void(why) = deciding.ask { why } else { VoidReason::Operators };
            self.end(step, Outcome::Void { certificate, why });
        } else if self.suppliers.keys().all(|voter| {
            let Phase::Deciding(deciding) = &self.phase else { return false };
            deciding.finals.contains_key(voter) || deciding.voids.contains_key(voter)
        }) {
            self.end(step, Outcome::Spent { reason: SpentReason::SplitVotes });
        }
    }
}
