//! Submit: the table masked, committed to, and sent once; the self-mask dealt in shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use curve25519_dalek::Scalar;
use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::Signature;
use zeroize::Zeroizing;

use super::pair::Paired;
use super::{Data, Engaged, Phase, Step};
use crate::commitment::blind;
use crate::entropy::{Draws, Entropy};
use crate::fault::{Fault, FaultKind, Party};
use crate::mask::{Context, MaskError, MaskSeed, Sign, mask_blinding, mask_column};
use crate::messages::{
    Attempt, ColumnHeader, Disagreement, Encapsulation, EncryptedShare, Participants, SubmissionHeader, SupplierMessage,
};
use crate::pairwise::{PairContext, PairSecret};
use crate::round::Round;
use crate::rules::Rule;
use crate::secret::{SelfMask, Share};
use crate::shamir;
use crate::supplier::SupplierConfig;
use crate::table::{MaskedTable, PreparedTable, TableDigest};

/// A node that has submitted, and keeps what it sent to send it again byte for byte.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) paired: Paired,
    pub(super) received: Arc<[Encapsulation]>,
    pub(super) made: Submission,
}

/// A submission as it leaves, with the self-mask that stays.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) header: SubmissionHeader,
    pub(super) shares: Vec<EncryptedShare>,
    pub(super) table: Arc<MaskedTable>,
    pub(super) self_mask: SelfMask,
}

impl Engaged {
    pub(super) fn exchange(
        &mut self,
        step: &mut Step<'_>,
        attempt: Attempt,
        encapsulations: Arc<[Encapsulation]>,
        entropy: &Entropy,
    ) -> Result<(), Fault> {
        let Some(paired) = self.phase.paired().filter(|paired| paired.joined.attempt == attempt) else {
            return match self.phase.joined() {
                Some(joined) if joined.attempt == attempt => {
                    Err(Party::Coordinator.did(FaultKind::NotDue { message: "exchange" }))
                }
                _ => self.without_keys(step, attempt, "exchange"),
            };
        };
        if let Phase::AwaitsCertify(submitted) = &self.phase {
            if submitted.received == encapsulations {
                submitted.send(step);
                return Ok(());
            }
            if step.has(Rule::SubmitsOncePerAttempt) {
                return Err(Party::Coordinator.did(FaultKind::TwoStatements { statement: "encapsulation" }));
            }
        }
        let Some(secrets) = self.decapsulate(step, paired, &encapsulations)? else { return Ok(()) };
        let Data::Ready(table) = &self.data else {
            return Err(Party::ThisHost.did(FaultKind::Table("it is gone")));
        };
        let round = *self.verifier(step, attempt).round();
        let maker = Maker {
            config: step.config,
            round: &round,
            attempt,
            participants: &paired.participants,
            secrets: &secrets,
            threshold: self.question.scope().recovery_threshold(),
            draws: self.draws(step, &round, entropy),
        };
        let made = maker.submission(table).map_err(|_| Party::ThisHost.did(FaultKind::Cipher))?;
        if let Some(mut paired) = self.phase.take_paired() {
            paired.secrets = secrets;
            let submitted = Submitted { paired, received: encapsulations, made };
            submitted.send(step);
            self.phase = Phase::AwaitsCertify(submitted);
        }
        Ok(())
    }

    /// The secrets with all peers: those that this node encapsulated, and those that it decapsulates now. None if a
    /// peer's ciphertext is no good, of which the coordinator has been told.
    fn decapsulate(
        &self,
        step: &mut Step<'_>,
        paired: &Paired,
        encapsulations: &[Encapsulation],
    ) -> Result<Option<BTreeMap<SupplierId, PairSecret>>, Fault> {
        let config = step.config;
        let (attempt, participants) = (paired.joined.attempt, &paired.participants);
        let verifier = self.verifier(step, attempt);
        let lower = paired.cards.iter().filter(|card| card.card().supplier < config.supplier);
        let senders = encapsulations.iter().map(|encapsulation| &encapsulation.from);
        let each = senders.eq(lower.clone().map(|card| &card.card().supplier));
        if !each || encapsulations.iter().any(|encapsulation| encapsulation.to != config.supplier) {
            return Err(Party::Coordinator.did(FaultKind::NotOneEach { what: "encapsulation" }));
        }
        let own_card = paired.joined.card.clone().verify(&verifier).map_err(|what| Party::ThisHost.did(what))?;
        let mut secrets = paired.secrets.clone();
        for (card, encapsulation) in lower.zip(encapsulations) {
            let valid = encapsulation.verify(&verifier, participants, &own_card.digest());
            valid.map_err(|what| Party::Coordinator.did(what))?;
            let (round, rules) = (verifier.round(), config.rules);
            let context = PairContext { round, participants, lower: card, higher: &own_card, rules };
            let peer = &card.card().supplier;
            let Some(secret) = PairSecret::decapsulate(&paired.joined.key, &encapsulation.ciphertext, &context) else {
                step.disagrees(attempt, peer, Disagreement::Encapsulation);
                step.effects.push(super::Effect::Reject(
                    Party::Supplier(peer.clone()).did(FaultKind::Encapsulation(peer.clone())),
                ));
                return Ok(None);
            };
            secrets.insert(peer.clone(), secret);
        }
        Ok(Some(secrets))
    }
}

impl Submitted {
    fn send(&self, step: &mut Step<'_>) {
        let (header, shares) = (self.made.header.clone(), self.made.shares.clone());
        step.send(SupplierMessage::Submission { attempt: self.paired.joined.attempt, header, shares });
        step.send_table(Arc::clone(&self.made.table));
    }
}

/// Commitments to the shares that were dealt, and the shares, sealed.
type Dealt = (Vec<(SupplierId, Hash256)>, Vec<EncryptedShare>);

/// All that a submission is made from, but the table.
pub(super) struct Maker<'a> {
    pub(super) config: &'a SupplierConfig,
    pub(super) round: &'a Round,
    pub(super) attempt: Attempt,
    pub(super) participants: &'a Participants,
    pub(super) secrets: &'a BTreeMap<SupplierId, PairSecret>,
    pub(super) threshold: usize,
    pub(super) draws: Draws<'a>,
}

impl Maker<'_> {
    pub(super) fn submission(&self, table: &PreparedTable) -> Result<Submission, MaskError> {
        let own = &self.config.supplier;
        let coefficients: Vec<_> =
            (0..self.threshold.max(1)).map(|index| self.draws.scalar("self-mask", index)).collect();
        let secret = coefficients.first().ok_or(MaskError)?;
        let self_mask = SelfMask::from_scalar(secret);
        let (masked, columns) = self.mask(table, &self_mask)?;
        let (share_commitments, shares) = self.deal(&coefficients)?;
        let sealed_shares = shares.iter().map(|share| (share.to.clone(), share.digest())).collect();
        let mut digest = TableDigest::new();
        digest.update(masked.words());
        let header = SubmissionHeader {
            supplier: own.clone(),
            participants: self.participants.hash(),
            table_digest: digest.finish(),
            columns,
            self_mask_commitment: self_mask.commitment(self.round, own),
            share_commitments,
            sealed_shares,
            signature: Signature::from_bytes([0; 64]),
        };
        let header = header.sign(&self.config.identity, self.round);
        Ok(Submission { header, shares, table: Arc::new(masked), self_mask })
    }

    /// y = x + PRG(b) + Σ_{j>i} PRG(k_ij) − Σ_{j<i} PRG(k_ij), and the blindings likewise.
    fn mask(&self, table: &PreparedTable, own: &SelfMask) -> Result<(MaskedTable, Vec<ColumnHeader>), MaskError> {
        let mut seeds = vec![MaskSeed::new(*own.as_bytes(), Sign::Plus)];
        for peer in self.participants.peers_of(&self.config.supplier) {
            let sign = if *peer > self.config.supplier { Sign::Plus } else { Sign::Minus };
            // With no secret there is no mask, so nothing may leave.
            seeds.push(self.secrets.get(peer).ok_or(MaskError)?.mask_seed(sign));
        }
        let context = Context { round: self.round, rules: self.config.rules };
        let cells = table.table().cells();
        let mut words = Vec::with_capacity(cells * table.table().column_count());
        let mut headers = Vec::with_capacity(table.points().len());
        for (column, (figures, point)) in table.table().columns().iter().zip(table.points()).enumerate() {
            let start = words.len();
            words.extend(figures.iter().map(|figure| figure.cast_unsigned()));
            mask_column(&context, &seeds, column, words.get_mut(start..).ok_or(MaskError)?)?;
            let blinding = self.draws.scalar("blinding", column);
            let masked_blinding = mask_blinding(&context, &seeds, column, &blinding).to_bytes();
            let commitment = blind(point, &blinding).compress().to_bytes();
            headers.push(ColumnHeader { masked_blinding, commitment });
        }
        Ok((MaskedTable::new(self.attempt, words), headers))
    }

    /// A share of the self-mask for each peer: committed to, and sealed.
    fn deal(&self, coefficients: &[Zeroizing<Scalar>]) -> Result<Dealt, MaskError> {
        let own = &self.config.supplier;
        let (mut commitments, mut shares) = (Vec::new(), Vec::new());
        for peer in self.participants.peers_of(own) {
            let place = self.participants.position(peer).ok_or(MaskError)?;
            let share = Share::from_scalar(&shamir::deal(coefficients, place));
            commitments.push((peer.clone(), share.commitment(self.round, own, peer)));
            let secret = self.secrets.get(peer).ok_or(MaskError)?;
            let sealed = secret.seal(self.round, own, peer, &share).ok_or(MaskError)?;
            shares.push(EncryptedShare { from: own.clone(), to: peer.clone(), sealed });
        }
        Ok((commitments, shares))
    }
}
