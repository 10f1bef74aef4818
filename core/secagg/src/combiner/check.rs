//! Check: the masks come off, and the total has to fit the sum of the commitments before it is believed.

use std::sync::Arc;

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_disclosure::Totals;
use zeroize::Zeroizing;

use super::finalise::Certified;
use super::{Combiner, Effect, Evidence, Kept, Outcome, Phase, SpentReason, Step};
use crate::commitment::{blind, sums_of_multiples};
use crate::fault::{FaultKind, Party};
use crate::mask::{Context, MaskSeed, Sign, mask_blinding, mask_column};
use crate::messages::Attempt;
use crate::release_proof::ProofWitness;
use crate::rules::Rule;

/// T and R of each column.
struct Opened {
    totals: Zeroizing<Vec<Vec<i64>>>,
    blindings: Vec<[u8; 32]>,
}

impl Combiner {
    pub(super) fn check(&mut self, step: &mut Step) {
        let Phase::Opening(opening) = &self.phase else { return };
        let seeds: Vec<_> = opening.self_masks().map(|mask| MaskSeed::new(*mask.as_bytes(), Sign::Minus)).collect();
        let (certified, certificate) = (Arc::clone(&opening.certified), Arc::clone(&opening.certificate));
        match self.unmask(&certified, &seeds, opening.attempt()) {
            Some(Opened { mut totals, blindings }) => {
                let headers = certified.headers.clone();
                let round = *self.verifier(opening.attempt()).round();
                let witness = ProofWitness::new(totals.to_vec(), blindings);
                let evidence = Evidence { query: self.question.id(), certificate, headers, round, witness };
                let opened = Effect::Opened {
                    totals: Totals::new(std::mem::take(&mut *totals)),
                    evidence: Box::new(evidence),
                    record: self.record(Kept::Ended(Outcome::Opened)),
                };
                self.outbox.send(opened, &mut step.effects);
                self.outbox.persisting();
                self.over(step, Outcome::Opened);
            }
            None => {
                let between = certified.certificate.participants.suppliers().cloned().collect();
                let fault = Party::Unattributable { between }.did(FaultKind::SumMismatch);
                step.effects.push(Effect::Reject(fault));
                self.end(step, Outcome::Spent { reason: SpentReason::SumMismatch });
            }
        }
    }

    /// T and R, if Commit(T, R) = Σ C_i in every column.
    fn unmask(&self, certified: &Certified, seeds: &[MaskSeed], attempt: Attempt) -> Option<Opened> {
        let verifier = self.verifier(attempt);
        let context = Context { round: verifier.round(), rules: self.config.rules };
        let bases = self.config.generators.first(self.shape.cells);
        let cells = self.shape.cells;
        let mut totals = Zeroizing::new(Vec::new());
        for column in 0..self.shape.columns {
            let start = column.checked_mul(cells)?;
            let mut words = Zeroizing::new(certified.sum.get(start..start.checked_add(cells)?)?.to_vec());
            mask_column(&context, seeds, column, &mut words).ok()?;
            totals.push(words.iter().map(|word| word.cast_signed()).collect::<Vec<i64>>());
        }
        let columns: Vec<&[i64]> = totals.iter().map(Vec::as_slice).collect();
        let mut blindings = Vec::new();
        for (column, point) in sums_of_multiples(&columns, &bases).iter().enumerate() {
            let (masked, commitments) = column_sums(certified, column)?;
            let blinding = mask_blinding(&context, seeds, column, &masked);
            blindings.push(blinding.to_bytes());
            if blind(point, &blinding) != commitments && self.config.rules.has(Rule::CommitmentCheck) {
                return None;
            }
        }
        Some(Opened { totals, blindings })
    }
}

/// Σ ρ_i and Σ C_i of one column.
fn column_sums(certified: &Certified, column: usize) -> Option<(Scalar, RistrettoPoint)> {
    certified.headers.iter().try_fold((Scalar::ZERO, RistrettoPoint::default()), |(blindings, points), header| {
        let header = header.columns.get(column)?;
        let blinding: Option<Scalar> = Scalar::from_canonical_bytes(header.masked_blinding).into();
        Some((blindings + blinding?, points + CompressedRistretto(header.commitment).decompress()?))
    })
}
