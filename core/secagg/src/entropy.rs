//! Fresh randomness, which the host brings with every message: the machines never ask the operating system.

use std::fmt;

use curve25519_dalek::Scalar;
use hkdf::Hkdf;
use optelsom_ledger::canonical::Writer;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::round::Round;

/// 32 bytes from the operating system's source of randomness, used for one message and no other. Zeroised when
/// dropped, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Entropy([u8; 32]);

impl Entropy {
    /// Takes 32 fresh, uniform bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn again(&self) -> Self {
        Self(self.0)
    }
}

/// Draws for one message of one round.
#[derive(Clone, Copy)]
pub(crate) struct Draws<'a> {
    entropy: &'a Entropy,
    round: &'a Round,
}

impl<'a> Draws<'a> {
    /// Binds the entropy to the round as well: a host that repeats itself across rounds does not give away keys.
    pub(crate) fn new(entropy: &'a Entropy, round: &'a Round) -> Self {
        Self { entropy, round }
    }

    /// Draws `N` uniform bytes, others for each label and index (HKDF-SHA-256, RFC 5869).
    pub(crate) fn draw<const N: usize>(&self, label: &str, index: usize) -> Zeroizing<[u8; N]> {
        let info = self.round.statement("entropy").text(label).number(index as u64).finish();
        let mut drawn = Zeroizing::new([0; N]);
        expand(&self.entropy.0, &info, &mut drawn);
        drawn
    }

    /// Draws a scalar; 64 bytes reduced, so uniform for all that matters.
    pub(crate) fn scalar(&self, label: &str, index: usize) -> Zeroizing<Scalar> {
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&self.draw(label, index)))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Entropy(secret)")
    }
}

/// HKDF-SHA-256 (RFC 5869) of a uniform key.
pub(crate) fn expand<const N: usize>(key: &[u8], info: &[u8], output: &mut [u8; N]) {
    const { assert!(N <= 255 * 32, "HKDF gives no more") };
    let salt = Writer::new("hkdf").finish();
    let expanded = Hkdf::<Sha256>::new(Some(&salt), key).expand(info, output);
    debug_assert!(expanded.is_ok(), "the length was checked when this was compiled");
}
