//! Certify: this node holds, durably, what it needs to open the attempt, and agrees what the attempt is.

use optelsom_codebook::SupplierId;

use super::record::PreparedRecord;
use super::submit::Submitted;
use super::{Effect, Engaged, Phase, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, Disagreement, RelayedHeader, RelayedShare, Statement, SupplierMessage};
use crate::round::Verifier;
use crate::rules::Rule;
use crate::secret::{Share, same};

impl Engaged {
    pub(super) fn certify(
        &mut self,
        step: &mut Step<'_>,
        attempt: Attempt,
        headers: &[RelayedHeader],
        shares: &[RelayedShare],
    ) -> Result<(), Fault> {
        if let Some(prepared) = self.record.prepared.get(&attempt) {
            let round = *self.verifier(step, attempt).round();
            let own = step.config.supplier.clone();
            let prepared = prepared.statement.sign_prepared(&step.config.identity, &round, own);
            step.send(SupplierMessage::Prepared { attempt, prepared });
            return Ok(());
        }
        let Phase::AwaitsCertify(submitted) = &self.phase else {
            return self.not_submitted(step, attempt);
        };
        if submitted.paired.joined.attempt != attempt {
            return self.without_keys(step, attempt, "certify");
        }
        let verifier = self.verifier(step, attempt);
        if let Err(disagreement) = submitted.check_headers(step, &verifier, headers) {
            return disagreement.report(step, attempt);
        }
        let shares = match submitted.open_shares(step, &verifier, headers, shares) {
            Ok(shares) => shares,
            Err(disagreement) => return disagreement.report(step, attempt),
        };
        let round = *verifier.round();
        let digests = headers.iter().map(|header| (header.supplier.clone(), header.digest(&round))).collect();
        let statement = Statement { participants: submitted.paired.participants.clone(), digests };
        let own = step.config.supplier.clone();
        let prepared = statement.sign_prepared(&step.config.identity, &round, own);
        let record = PreparedRecord { statement, self_mask: submitted.made.self_mask.clone(), shares };
        self.record.prepared.insert(attempt, record);
        // What is prepared is in the record; pairwise keys are needed no longer.
        self.phase = Phase::Idle;
        step.persist(&self.record);
        step.send(SupplierMessage::Prepared { attempt, prepared });
        Ok(())
    }

    fn not_submitted(&self, step: &mut Step<'_>, attempt: Attempt) -> Result<(), Fault> {
        match self.phase.joined() {
            Some(joined) if joined.attempt == attempt => {
                Err(Party::Coordinator.did(FaultKind::NotDue { message: "certify" }))
            }
            _ => self.without_keys(step, attempt, "certify"),
        }
    }
}

/// Why a node does not certify.
enum Objection {
    /// The coordinator's doing alone.
    Relay(FaultKind),
    /// With this peer.
    Peer { peer: SupplierId, over: Disagreement, fault: Box<Fault> },
}

impl Objection {
    fn report(self, step: &mut Step<'_>, attempt: Attempt) -> Result<(), Fault> {
        match self {
            Self::Relay(what) => Err(Party::Coordinator.did(what)),
            Self::Peer { peer, over, fault } => {
                step.disagrees(attempt, &peer, over);
                step.effects.push(Effect::Reject(*fault));
                Ok(())
            }
        }
    }
}

impl Submitted {
    /// One valid header of each participant, of the form that is due, and this node's own as it was sent.
    fn check_headers(
        &self,
        step: &Step<'_>,
        verifier: &Verifier<'_>,
        headers: &[RelayedHeader],
    ) -> Result<(), Objection> {
        let (participants, sent) = (&self.paired.participants, self.made.header.relayed());
        if !headers.iter().map(|header| &header.supplier).eq(participants.suppliers()) {
            return Err(Objection::Relay(FaultKind::NotOneEach { what: "header" }));
        }
        for header in headers {
            header.verify(verifier).map_err(Objection::Relay)?;
            let own = header.supplier == step.config.supplier;
            if own && step.has(Rule::DigestsAsSent) && *header != sent {
                return Err(Objection::Relay(FaultKind::NotAsSent));
            }
            let bad_form = header.form_for(participants, sent.columns.len());
            if let Some(detail) = bad_form.filter(|_| !own && step.has(Rule::DigestsAsSent)) {
                let peer = header.supplier.clone();
                let fault = Box::new(Party::Supplier(peer.clone()).did(FaultKind::Header { of: peer.clone(), detail }));
                return Err(Objection::Peer { peer, over: Disagreement::Header, fault });
            }
        }
        Ok(())
    }

    /// The share that each peer dealt to this node, opened and checked against its commitment.
    fn open_shares(
        &self,
        step: &Step<'_>,
        verifier: &Verifier<'_>,
        headers: &[RelayedHeader],
        shares: &[RelayedShare],
    ) -> Result<Vec<(SupplierId, Share)>, Objection> {
        let (own, participants) = (&step.config.supplier, &self.paired.participants);
        let from_each = shares.iter().map(|relayed| &relayed.share.from).eq(participants.peers_of(own));
        let one_each = from_each && shares.iter().all(|relayed| relayed.share.to == *own);
        if !one_each {
            return Err(Objection::Relay(FaultKind::NotOneEach { what: "share" }));
        }
        let mut opened = Vec::with_capacity(shares.len());
        for (header, relayed) in headers.iter().filter(|header| header.supplier != *own).zip(shares) {
            let peer = &relayed.share.from;
            // The coordinator has seen all leaves under the root that the dealer signed, so a path that does not lead
            // there is the coordinator's doing.
            if !relayed.stands_in(header, participants, own) {
                return Err(Objection::Relay(FaultKind::ShareChanged(peer.clone())));
            }
            let secret = self.paired.secrets.get(peer);
            let share = secret.and_then(|secret| secret.open(verifier.round(), peer, own, &relayed.share.sealed));
            let fits = |share: &Share| same(&relayed.commitment, &share.commitment(verifier.round(), peer, own));
            match share.filter(|share| !step.has(Rule::ShareCommitments) || (share.scalar().is_some() && fits(share))) {
                Some(share) => opened.push((peer.clone(), share)),
                None => {
                    let between = vec![own.clone(), peer.clone()];
                    let fault = Box::new(Party::Unattributable { between }.did(FaultKind::Share(peer.clone())));
                    return Err(Objection::Peer { peer: peer.clone(), over: Disagreement::Share, fault });
                }
            }
        }
        Ok(opened)
    }
}
