//! Fiat and Shamir's challenges: SHA-512 over canonical bytes, reduced to a scalar as RFC 9496, section 4.4 has it.

use curve25519_dalek::Scalar;
use optelsom_ledger::canonical::Writer;
use sha2::{Digest, Sha512};

use super::proof::{EncodedPoint, Membership};
use super::statement::Statement;

/// The challenge, and what it was drawn from.
pub(super) struct Challenge {
    pub(super) scalar: Scalar,
    pub(super) digest: [u8; 64],
}

impl Challenge {
    /// Drawn from the statement and everything that the prover has announced.
    pub(super) fn new(statement: &Statement, announcement: &EncodedPoint, coefficients: [&[EncodedPoint]; 2]) -> Self {
        let writer = Writer::new("release proof challenge").bytes(statement.digest()).bytes(announcement.as_bytes());
        let writer = coefficients.iter().fold(writer, |w, points| w.list(points, |w, point| w.bytes(point.as_bytes())));
        let digest: [u8; 64] = Sha512::digest(writer.finish()).into();
        Self { scalar: Scalar::from_bytes_mod_order_wide(&digest), digest }
    }

    /// The weight by which the verifier adds its equations up: drawn from the challenge and from all responses.
    pub(super) fn weight(&self, memberships: &[Option<Membership>; 2], blinding: &Scalar, cells: &[Scalar]) -> Scalar {
        let blindings: Vec<_> = memberships.iter().flatten().map(|membership| &membership.blinding).collect();
        let mut flat = Vec::with_capacity(cells.len() * 32);
        cells.iter().for_each(|response| flat.extend_from_slice(response.as_bytes()));
        let bytes = Writer::with_capacity("release proof weight", flat.len() + 512)
            .bytes(&self.digest)
            .list(&blindings, |w, blinding| w.bytes(blinding.as_bytes()))
            .bytes(blinding.as_bytes())
            .bytes(&flat)
            .finish();
        Scalar::from_bytes_mod_order_wide(&Sha512::digest(bytes).into())
    }
}
