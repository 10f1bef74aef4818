//! The secret that two participants share for one attempt, by X-Wing (X25519 and ML-KEM-768).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::canonical::Writer;
use x_wing::{DecapsulationKeyRejectNonContrib, Decapsulator, EncapsulationKey, KeyExport, TryDecapsulate};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::entropy::{Draws, expand};
use crate::mask::{MaskSeed, Sign};
use crate::messages::{CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES, Participants, VerifiedCard};
use crate::round::Round;
use crate::rules::{Rule, Rules};
use crate::secret::Share;

/// A participant's fresh X-Wing key pair for one attempt. Lives in memory only, zeroised when dropped.
pub(crate) struct AttemptKey(DecapsulationKeyRejectNonContrib);

impl AttemptKey {
    pub(crate) fn generate(draws: &Draws<'_>) -> Self {
        let seed = draws.draw::<32>("x-wing key", 0);
        Self(DecapsulationKeyRejectNonContrib::from(*seed))
    }

    pub(crate) fn public_key(&self) -> Box<[u8; PUBLIC_KEY_BYTES]> {
        Box::new(self.0.encapsulation_key().to_bytes().0)
    }
}

impl fmt::Debug for AttemptKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AttemptKey(secret)")
    }
}

/// Whether these bytes are an X-Wing public key.
pub(crate) fn is_public_key(bytes: &[u8; PUBLIC_KEY_BYTES]) -> bool {
    EncapsulationKey::try_from(&bytes[..]).is_ok()
}

/// What a pairwise secret is bound to, besides the ciphertext.
pub(crate) struct PairContext<'a> {
    pub(crate) round: &'a Round,
    pub(crate) participants: &'a Participants,
    pub(crate) lower: &'a VerifiedCard,
    pub(crate) higher: &'a VerifiedCard,
    pub(crate) rules: Rules,
}

/// K_ij, from which mask key and relay keys are derived. Known to its two ends alone; zeroised when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PairSecret([u8; 32]);

impl PairSecret {
    /// A secret with nobody, for a rehearsal.
    pub(crate) fn rehearsed(draws: &Draws<'_>, index: usize) -> Self {
        Self(*draws.draw::<32>("rehearsed pair", index))
    }

    /// K_ij = HKDF-SHA-256(X-Wing secret; both cards, ciphertext, hash of P).
    fn derive(shared: &[u8], ciphertext: &[u8], context: &PairContext<'_>) -> Self {
        let bound = context
            .round
            .statement("pair")
            .bytes(context.lower.digest().as_bytes())
            .bytes(context.higher.digest().as_bytes())
            .bytes(Hash256::of(ciphertext).as_bytes())
            .bytes(context.participants.hash().as_bytes());
        let loose = Writer::new("pair");
        let info = if context.rules.has(Rule::FreshKeysPerAttempt) { bound } else { loose };
        let mut secret = Self([0; 32]);
        expand(shared, &info.finish(), &mut secret.0);
        secret
    }

    /// The lower end's part: a ciphertext to the card of the higher. None if the card's key is unusable.
    pub(crate) fn encapsulate(
        draws: &Draws<'_>,
        index: usize,
        context: &PairContext<'_>,
    ) -> Option<(Self, Box<[u8; CIPHERTEXT_BYTES]>)> {
        let key = EncapsulationKey::try_from(&context.higher.card().public_key[..]).ok()?;
        let randomness = draws.draw::<64>("encapsulation", index);
        let (ciphertext, mut shared) = key.encapsulate_deterministic(&(*randomness).into());
        let secret = Self::derive(&shared, &ciphertext, context);
        shared.zeroize();
        Some((secret, Box::new(ciphertext.0)))
    }

    /// The higher end's part. None if the ciphertext gives no secret.
    pub(crate) fn decapsulate(
        key: &AttemptKey,
        ciphertext: &[u8; CIPHERTEXT_BYTES],
        context: &PairContext<'_>,
    ) -> Option<Self> {
        let mut shared = key.0.try_decapsulate(&(*ciphertext).into()).ok()?;
        let secret = Self::derive(&shared, ciphertext, context);
        shared.zeroize();
        Some(secret)
    }

    /// k_ij, with the sign that it has for this end.
    pub(crate) fn mask_seed(&self, sign: Sign) -> MaskSeed {
        let mut key = Zeroizing::new([0; 32]);
        expand(&self.0, &Writer::new("mask key").finish(), &mut key);
        MaskSeed::new(*key, sign)
    }

    /// e_ij: one key for each direction, used once, so that the nonce may be constant.
    fn relay_key(&self, from: &SupplierId, to: &SupplierId) -> Option<LessSafeKey> {
        let mut key = Zeroizing::new([0; 32]);
        let info = Writer::new("relay key").text(from.as_str()).text(to.as_str()).finish();
        expand(&self.0, &info, &mut key);
        UnboundKey::new(&AES_256_GCM, &key[..]).ok().map(LessSafeKey::new)
    }

    /// Seals the one share that goes this way.
    pub(crate) fn seal(&self, round: &Round, from: &SupplierId, to: &SupplierId, share: &Share) -> Option<Vec<u8>> {
        let mut sealed = Vec::with_capacity(48);
        sealed.extend_from_slice(share.as_bytes());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let key = self.relay_key(from, to)?;
        key.seal_in_place_append_tag(nonce, associated(round, from, to), &mut sealed).ok()?;
        Some(sealed)
    }

    /// Opens the one share that came this way. None if it was not sealed by the other end.
    pub(crate) fn open(&self, round: &Round, from: &SupplierId, to: &SupplierId, sealed: &[u8]) -> Option<Share> {
        let mut opened = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let key = self.relay_key(from, to)?;
        let share = key.open_in_place(nonce, associated(round, from, to), &mut opened[..]).ok()?;
        <[u8; 32]>::try_from(&*share).ok().map(Share::from_bytes)
    }
}

impl fmt::Debug for PairSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PairSecret(secret)")
    }
}

fn associated(round: &Round, from: &SupplierId, to: &SupplierId) -> Aad<Vec<u8>> {
    Aad::from(round.statement("sealed share").text(from.as_str()).text(to.as_str()).finish())
}
