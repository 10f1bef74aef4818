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

/// So many sets of shares are tried before a dealer is said to have dealt inconsistently.
const TRIES: usize = 4096;

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
        let held = |dealer: &SupplierId| self.shares.get(dealer).is_some_and(|shares| shares.contains_key(supplier));
        let of: Vec<_> = self.missing().filter(|dealer| *dealer != supplier && !held(dealer)).cloned().collect();
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

    /// Brings back a self-mask from any `threshold` of the shares that fits its commitment.
    fn reassemble(&self, verifier: &Verifier<'_>, dealer: &SupplierId, threshold: usize) -> Option<SelfMask> {
        let participants = &self.certificate.certificate.participants;
        let held = self.shares.get(dealer)?;
        let points: Vec<_> =
            held.iter().filter_map(|(holder, share)| Some((participants.position(holder)?, share.scalar()?))).collect();
        Choices::new(points.len(), threshold)
            .take(TRIES)
            .map(|choice| choice.iter().filter_map(|place| points.get(*place).copied()).collect::<Vec<_>>())
            .map(|chosen| SelfMask::from_scalar(&shamir::reassemble(&chosen)))
            .find(|self_mask| self.fits(verifier, dealer, self_mask))
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
        // Shares are all there and give nothing that fits: only the dealer itself could open it, and has had its time.
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
            if let Phase::Opening(opening) = &mut self.phase {
                opening.shares.entry(dealer.clone()).or_default().insert(from.clone(), share);
            }
            self.try_to_reassemble(step, attempt, &dealer);
        }
        Ok(())
    }

    fn try_to_reassemble(&mut self, step: &mut Step, attempt: Attempt, dealer: &SupplierId) {
        let threshold = self.question.scope().recovery_threshold();
        let Phase::Opening(opening) = &self.phase else { return };
        let held = opening.shares.get(dealer).map_or(0, BTreeMap::len);
        if opening.self_masks.contains_key(dealer) || held < threshold {
            return;
        }
        if let Some(self_mask) = opening.reassemble(&self.verifier(attempt), dealer, threshold) {
            return self.has_self_mask(step, dealer.clone(), self_mask);
        }
        let all = held + 1 == opening.certificate.certificate.participants.len();
        let Phase::Opening(opening) = &mut self.phase else { return };
        // Every share fits its commitment, so it is the dealer who dealt what does not belong together.
        if all && opening.inconsistent.insert(dealer.clone()) {
            step.effects.push(Effect::Reject(Party::Supplier(dealer.clone()).did(FaultKind::InconsistentDealing)));
        }
    }
}

/// The ways to choose so many of so many, in lexical order.
struct Choices {
    next: Option<Vec<usize>>,
    of: usize,
}

impl Choices {
    fn new(of: usize, choose: usize) -> Self {
        Self { next: (choose <= of).then(|| (0..choose).collect()), of }
    }
}

impl Iterator for Choices {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let choose = current.len();
        // The last place that can still move on, and all after it close behind.
        let movable = current.iter().enumerate().rposition(|(index, place)| *place < self.of - choose + index);
        self.next = movable.and_then(|index| {
            let from = current.get(index)? + 1;
            let head = current.iter().take(index).copied();
            Some(head.chain(from..from + choose - index).collect())
        });
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::Choices;

    #[test]
    fn all_choices_once() {
        let choices: Vec<_> = Choices::new(4, 2).collect();
        assert_eq!(choices, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!(Choices::new(3, 3).count(), 1);
        assert_eq!(Choices::new(2, 3).count(), 0);
        assert_eq!(Choices::new(9, 4).count(), 126);
    }
}
