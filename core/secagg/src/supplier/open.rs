//! Open: a self-mask, or shares of one, for the one attempt that a quorum has made final.

use optelsom_codebook::SupplierId;

use super::record::{PreparedRecord, Vote};
use super::{Engaged, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, FinalCertificate, SupplierMessage};
use crate::rules::Rule;

impl Engaged {
    pub(super) fn open(&mut self, step: &mut Step<'_>, certificate: &FinalCertificate) -> Result<(), Fault> {
        self.may_open(step, certificate)?;
        for (attempt, prepared) in self.opened_by(step, certificate)? {
            step.send(SupplierMessage::Opening { attempt, self_mask: prepared.self_mask });
        }
        Ok(())
    }

    pub(super) fn recover_shares(
        &mut self,
        step: &mut Step<'_>,
        certificate: &FinalCertificate,
        of: &[SupplierId],
    ) -> Result<(), Fault> {
        self.may_open(step, certificate)?;
        if let Some(prepared) = self.record.prepared.get(&certificate.certificate.attempt) {
            let held = |dealer: &SupplierId| prepared.shares.iter().any(|(of, _)| of == dealer);
            if let Some(unknown) = of.iter().find(|dealer| !held(dealer)) {
                return Err(Party::Coordinator.did(FaultKind::NoShare(unknown.clone())));
            }
        }
        for (attempt, prepared) in self.opened_by(step, certificate)? {
            let shares = prepared.shares.iter().filter(|(dealer, _)| of.contains(dealer)).cloned().collect();
            step.send(SupplierMessage::RecoveredShares { attempt, shares });
        }
        Ok(())
    }

    /// Whether a final certificate stands behind it, and nothing that this node has said stands against it.
    fn may_open(&self, step: &Step<'_>, certificate: &FinalCertificate) -> Result<(), Fault> {
        if step.has(Rule::OpenOnlyWithFinalCertificate) {
            certificate
                .verify(&self.verifier(step, certificate.certificate.attempt))
                .map_err(|what| Party::Coordinator.did(what))?;
        }
        if self.record.vote == Vote::Void && step.has(Rule::VoidExcludesOpening) {
            return Err(Party::Coordinator.did(FaultKind::VoidStands));
        }
        Ok(())
    }

    /// What may be opened: what this node prepared of that attempt, and of no other. That it was opened is durable
    /// before anything of it leaves.
    fn opened_by(
        &mut self,
        step: &mut Step<'_>,
        certificate: &FinalCertificate,
    ) -> Result<Vec<(Attempt, PreparedRecord)>, Fault> {
        let attempt = certificate.certificate.attempt;
        if !step.has(Rule::OpenOnlyThatAttempt) {
            return Ok(self.record.prepared.iter().map(|(attempt, record)| (*attempt, record.clone())).collect());
        }
        if let Some(opened) = self.record.opened.filter(|opened| *opened != attempt) {
            return Err(Party::Coordinator.did(FaultKind::FinalStands(opened)));
        }
        if let Vote::Final { attempt: voted, .. } = self.record.vote
            && voted != attempt
            && step.has(Rule::OneFinalPerQuery)
        {
            return Err(Party::Coordinator.did(FaultKind::FinalStands(voted)));
        }
        let Some(prepared) = self.record.prepared.get(&attempt).cloned() else {
            let own = &step.config.supplier;
            let asked = certificate.certificate.participants.contains(own);
            let what = if asked { FaultKind::NotPrepared } else { FaultKind::NoParticipant };
            return Err(Party::Coordinator.did(what));
        };
        let statement = certificate.certificate.statement();
        if step.has(Rule::OpenOnlyWithFinalCertificate) && prepared.statement != statement {
            return Err(Party::Coordinator.did(FaultKind::NotPrepared));
        }
        if self.record.opened.is_none() {
            let digest = statement.digest(self.verifier(step, attempt).round());
            self.record.opened = Some(attempt);
            if self.record.vote == Vote::None {
                // A quorum has spoken: this voter can only agree, and never declare the query void.
                self.record.vote = Vote::Final { attempt, digest };
            }
            step.persist(&self.record);
        }
        Ok(vec![(attempt, prepared)])
    }
}
