//! Certify: everybody is shown all submissions' headers and gets its shares, and signs that it is prepared.

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};

use super::finalise::{Certified, Logging};
use super::pair::Lineup;
use super::{Answers, Combiner, Effect, Kept, Phase, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{
    Attempt, Certificate, CoordinatorMessage, Dealt, EncryptedShare, Prepared, RelayedHeader, RelayedShare, Statement,
};

#[derive(Debug)]
pub(super) struct Certifying {
    pub(super) lineup: Lineup,
    pub(super) until: Timestamp,
    statement: Statement,
    digest: Hash256,
    headers: Arc<[RelayedHeader]>,
    /// By dealer: what it dealt, and the sealed shares by their holders' names.
    dealt: Vec<(SupplierId, Dealt, Vec<EncryptedShare>)>,
    sum: Vec<u64>,
    prepared: BTreeMap<SupplierId, Prepared>,
}

impl Certifying {
    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Option<CoordinatorMessage> {
        let owes = self.silent().any(|silent| silent == supplier);
        owes.then(|| {
            let (attempt, headers) = (self.lineup.attempt, Arc::clone(&self.headers));
            CoordinatorMessage::Certify { attempt, headers, shares: self.shares_for(supplier) }
        })
    }

    /// What each peer dealt to this participant, with the path to what the peer signed.
    fn shares_for(&self, holder: &SupplierId) -> Vec<RelayedShare> {
        let peers = self.dealt.iter().filter(|(dealer, ..)| dealer != holder);
        let relayed = peers.filter_map(|(_, dealt, shares)| {
            let place = shares.binary_search_by(|share| share.to.cmp(holder)).ok()?;
            dealt.relay(place, shares.get(place)?.clone())
        });
        relayed.collect()
    }

    pub(super) fn silent(&self) -> impl Iterator<Item = &SupplierId> {
        self.lineup.participants.suppliers().filter(|supplier| !self.prepared.contains_key(*supplier))
    }

    pub(super) fn answers(&self) -> Answers {
        let of = self.lineup.participants.len();
        Answers { attempt: self.lineup.attempt, answered: self.prepared.len(), of }
    }
}

impl Combiner {
    pub(super) fn enter_certifying(&mut self, step: &mut Step) {
        let Some(submissions) = self.leave_submitting() else { return };
        let round = *self.verifier(submissions.lineup.attempt).round();
        let participants = submissions.lineup.participants.clone();
        let headers: Arc<[_]> = submissions.submissions.iter().map(|(header, _)| header.relayed()).collect();
        let dealt = submissions.submissions.into_iter().map(|(header, shares)| {
            let dealt = Dealt::of(&header);
            (header.supplier, dealt, shares)
        });
        let digests = headers.iter().map(|header| (header.supplier.clone(), header.digest(&round))).collect();
        let statement = Statement { participants, digests };
        self.phase = Phase::Certifying(Certifying {
            lineup: submissions.lineup,
            until: step.now.plus_millis(self.policy.phase_timeout_ms),
            digest: statement.digest(&round),
            statement,
            headers,
            dealt: dealt.collect(),
            sum: submissions.sum,
            prepared: BTreeMap::new(),
        });
        self.progress(step);
        self.send_owed(step);
    }

    pub(super) fn prepared(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        prepared: Prepared,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Certifying(certifying) = &self.phase else { return Ok(()) };
        if certifying.lineup.attempt != attempt || !certifying.lineup.participants.contains(from) {
            return Ok(());
        }
        if prepared.supplier != *from {
            return Err(by_supplier(FaultKind::SpeaksForAnother(prepared.supplier)));
        }
        prepared.verify(&verifier, &certifying.digest).map_err(by_supplier)?;
        let Phase::Certifying(certifying) = &mut self.phase else { return Ok(()) };
        certifying.prepared.insert(from.clone(), prepared);
        let complete = certifying.silent().next().is_none();
        self.progress(step);
        if complete {
            self.certified(step);
        }
        Ok(())
    }

    /// All are prepared: from here on there is no other attempt.
    fn certified(&mut self, step: &mut Step) {
        let Phase::Certifying(certifying) = &mut self.phase else { return };
        let Statement { participants, digests } = certifying.statement.clone();
        let signatures = std::mem::take(&mut certifying.prepared).into_values().collect();
        let certificate = Certificate { attempt: certifying.lineup.attempt, participants, digests, signatures };
        let dealt = std::mem::take(&mut certifying.dealt).into_iter();
        let certified = Arc::new(Certified {
            certificate: Arc::new(certificate),
            headers: certifying.headers.to_vec(),
            share_commitments: dealt.map(|(_, dealt, _)| dealt.into_commitments()).collect(),
            sum: std::mem::take(&mut certifying.sum),
        });
        let until = Logging::until(&self.question, &self.policy, step.now);
        self.phase = Phase::Logging(Logging { certified: Arc::clone(&certified), until });
        self.persist(step, Kept::Certified(Arc::clone(&certified)));
        self.log_participants(step, &certified);
    }

    /// Has the participants written into the log, before anybody votes.
    pub(super) fn log_participants(&mut self, step: &mut Step, certified: &Certified) {
        let certificate = &certified.certificate;
        let round = *self.verifier(certificate.attempt).round();
        let effect = Effect::LogParticipants {
            attempt: certificate.attempt,
            participants: certificate.participants.clone(),
            submissions: certificate.statement().submissions(&round),
            certificate: certificate.digest(&round),
        };
        self.outbox.send(effect, &mut step.effects);
    }
}
