//! Open: the participants' self-masks; for one that has vanished, from the shares of others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};

use super::finalise::Certified;
use super::{Answers, Combiner, Effect, Outcome, Phase, SpentReason, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{Attempt, CoordinatorMessage, FinalCertificate, FinalVote, RelayedHeader};
use crate::round::Verifier;
use crate::rules::Rule;
use crate::secret::{SelfMask, Share, same};
use crate::shamir;

#[derive(Debug)]
pub(super) struct Opening {
    pub(super) certificate: Arc<FinalCertificate>,
    pub(super) certified: Arc<Certified>,
    pub(super) until: Timestamp,
    /// Those who vanished are done without.
    pub(super) recovering: bool,
    self_masks: BTreeMap<SupplierId, SelfMask>,
    /// By dealer, then by holder.
    shares: BTreeMap<SupplierId, BTreeMap<SupplierId, Share>>,
    /// Dealers whose shares give no self-mask that fits.
    inconsistent: BTreeSet<SupplierId>,
}

impl Opening {
    pub(super) fn new(certified: Arc<Certified>, votes: Vec<FinalVote>, until: Timestamp) -> Self {
        Self {
            certificate: Arc::new(FinalCertificate { certificate: Arc::clone(&certified.certificate), votes }),
            certified,
            until,
            recovering: false,
            self_masks: BTreeMap::new(),
            shares: BTreeMap::new(),
            inconsistent: BTreeSet::new(),
        }
    }

    pub(super) fn attempt(&self) -> Attempt {
        self.certificate.certificate.attempt
    }

    /// Whose self-masks are missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = &SupplierId> {
        self.certificate.certificate.participants.suppliers().filter(|s| !self.self_masks.contains_key(*s))
    }

    pub(super) fn self_masks(&self) -> impl Iterator<Item = &SelfMask> {
        self.self_masks.values()
    }

    pub(super) fn answers(&self) -> Answers {
        let of = self.certificate.certificate.participants.len();
        Answers { attempt: self.attempt(), answered: self.self_masks.len(), of }
    }

    pub(super) fn owed_by(&self, supplier: &SupplierId) -> Vec<CoordinatorMessage> {
        if !self.certificate.certificate.participants.contains(supplier) {
            return Vec::new();
        }
        let mut owed = Vec::new();
        if !self.self_masks.contains_key(supplier) {
            owed.push(CoordinatorMessage::Open { certificate: Arc::clone(&self.certificate) });
        }
        let owes =
            |dealer: &SupplierId| dealer != supplier && self.wants_shares_of(dealer) && !self.holds(dealer, supplier);
        let of: Vec<_> = self.missing().filter(|dealer| owes(dealer)).cloned().collect();
        if self.recovering && !of.is_empty() {
            owed.push(CoordinatorMessage::RecoverShares { certificate: Arc::clone(&self.certificate), of });
        }
        owed
    }

    fn header(&self, supplier: &SupplierId) -> Option<&RelayedHeader> {
        self.certified.headers.get(self.certified.certificate.participants.position(supplier)?)
    }

    /// What this dealer committed to as the share of this holder.
    fn share_commitment(&self, dealer: &SupplierId, holder: &SupplierId) -> Option<Hash256> {
        let participants = &self.certified.certificate.participants;
        let place = participants.peers_of(dealer).position(|peer| peer == holder)?;
        self.certified.share_commitments.get(participants.position(dealer)?)?.get(place).copied()
    }

    /// Whether the bytes are the self-mask that this participant committed to.
    fn fits(&self, verifier: &Verifier<'_>, supplier: &SupplierId, self_mask: &SelfMask) -> bool {
        let commitment = self_mask.commitment(verifier.round(), supplier);
        let committed = self.header(supplier).map(|header| header.self_mask_commitment);
        let fits = committed.is_some_and(|committed| same(&committed, &commitment));
        self_mask.scalar().is_some() && (fits || !verifier.rules().has(Rule::SelfMaskCommitments))
    }

    /// Whether a share of this dealer's self-mask is still of use: it is missing, and its shares belong together.
    fn wants_shares_of(&self, dealer: &SupplierId) -> bool {
        !self.self_masks.contains_key(dealer) && !self.inconsistent.contains(dealer)
    }

    fn holds(&self, dealer: &SupplierId, holder: &SupplierId) -> bool {
        self.shares.get(dealer).is_some_and(|shares| shares.contains_key(holder))
    }

    /// Brings back a self-mask from the shares held, if they give the one that was committed to.
    fn reassemble(&self, verifier: &Verifier<'_>, dealer: &SupplierId) -> Option<SelfMask> {
        let participants = &self.certificate.certificate.participants;
        let held = self.shares.get(dealer)?;
        let points: Vec<_> =
            held.iter().filter_map(|(holder, share)| Some((participants.position(holder)?, share.scalar()?))).collect();
        let self_mask = SelfMask::from_scalar(&shamir::reassemble(&points));
        self.fits(verifier, dealer, &self_mask).then_some(self_mask)
    }
}

impl Combiner {
    pub(super) fn self_mask(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        self_mask: SelfMask,
    ) -> Result<(), Fault> {
        let by_supplier = |what| Party::Supplier(from.clone()).did(what);
        let verifier = self.verifier(attempt);
        let Phase::Opening(opening) = &self.phase else { return Ok(()) };
        let takes_part = opening.certificate.certificate.participants.contains(from);
        if opening.attempt() != attempt || !takes_part || opening.self_masks.contains_key(from) {
            return Ok(());
        }
        if !opening.fits(&verifier, from, &self_mask) {
            return Err(by_supplier(FaultKind::SelfMask));
        }
        self.has_self_mask(step, from.clone(), self_mask);
        Ok(())
    }

    fn has_self_mask(&mut self, step: &mut Step, of: SupplierId, self_mask: SelfMask) {
        let Phase::Opening(opening) = &mut self.phase else { return };
        opening.self_masks.insert(of, self_mask);
        let complete = opening.missing().next().is_none();
        self.progress(step);
        if complete {
            self.check(step);
        } else {
            self.recover_if_due(step);
        }
    }

    /// Asks for the shares of those who have vanished: when the time is over, or when nobody else is awaited.
    pub(super) fn recover_if_due(&mut self, step: &mut Step) {
        let Phase::Opening(opening) = &self.phase else { return };
        let lost = |supplier: &SupplierId| self.suppliers.get(supplier).is_some_and(|standing| standing.lost);
        let due = step.now >= opening.until || opening.missing().all(lost);
        if due && !opening.recovering {
            if let Phase::Opening(opening) = &mut self.phase {
                opening.recovering = true;
            }
            return self.send_owed(step);
        }
        // The shares give nothing that fits: only the dealer itself could open it, and has had its time.
        let hopeless: Vec<_> =
            opening.missing().filter(|dealer| opening.inconsistent.contains(*dealer)).cloned().collect();
        if !hopeless.is_empty() && step.now >= opening.until.max(self.question.signed().entry.expires_at) {
            self.end(step, Outcome::Spent { reason: SpentReason::SelfMasksLost { of: hopeless } });
        }
    }

    pub(super) fn shares(
        &mut self,
        step: &mut Step,
        from: &SupplierId,
        attempt: Attempt,
        shares: Vec<(SupplierId, Share)>,
    ) -> Result<(), Fault> {
        let verifier = self.verifier(attempt);
        let Phase::Opening(opening) = &self.phase else { return Ok(()) };
        if opening.attempt() != attempt || !opening.certificate.certificate.participants.contains(from) {
            return Ok(());
        }
        let mut good = Vec::new();
        for (dealer, share) in shares {
            if !opening.wants_shares_of(&dealer) || opening.holds(&dealer, from) {
                continue;
            }
            let commitment = share.commitment(verifier.round(), &dealer, from);
            let committed = opening.share_commitment(&dealer, from);
            let fits = committed.is_some_and(|committed| same(&committed, &commitment));
            let wanted = opening.header(&dealer).is_some() && dealer != *from;
            if !wanted || share.scalar().is_none() || (!fits && verifier.rules().has(Rule::ShareCommitments)) {
                return Err(Party::Supplier(from.clone()).did(FaultKind::Share(dealer)));
            }
            good.push((dealer, share));
        }
        for (dealer, share) in good {
            self.share(step, from, attempt, dealer, share);
        }
        Ok(())
    }

    /// Takes a share that fits its commitment, and tries the first so many that bring a self-mask back: once. Shares that
    /// fit their commitments are what their dealer dealt. If it dealt as it should, any so many give its self-mask; if these
    /// do not, it is the dealer's doing, and to look for others that do would only let it say how long everybody waits.
    fn share(&mut self, step: &mut Step, from: &SupplierId, attempt: Attempt, dealer: SupplierId, share: Share) {
        let threshold = self.question.scope().recovery_threshold();
        let Phase::Opening(opening) = &mut self.phase else { return };
        if !opening.wants_shares_of(&dealer) {
            return;
        }
        let held = opening.shares.entry(dealer.clone()).or_default();
        held.insert(from.clone(), share);
        if held.len() < threshold {
            return;
        }
        let Phase::Opening(opening) = &self.phase else { return };
        if let Some(self_mask) = opening.reassemble(&self.verifier(attempt), &dealer) {
            return self.has_self_mask(step, dealer, self_mask);
        }
        let Phase::Opening(opening) = &mut self.phase else { return };
        opening.inconsistent.insert(dealer.clone());
        step.effects.push(Effect::Reject(Party::Supplier(dealer).did(FaultKind::InconsistentDealing)));
    }
}
