//! The two kinds of secret that an opening is about.

use std::fmt;

use curve25519_dalek::Scalar;
use optelsom_codebook::{Hash256, SupplierId};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::round::Round;

macro_rules! secret_scalar {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes 32 bytes as they came; whether they are what was committed to is seen later.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes, for the wire and the durable record only.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            pub(crate) fn from_scalar(scalar: &Scalar) -> Self {
                Self(scalar.to_bytes())
            }

            /// The scalar, if the bytes are one in canonical form.
            pub(crate) fn scalar(&self) -> Option<Scalar> {
                Scalar::from_canonical_bytes(self.0).into()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(secret)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_scalar!(
    /// b: the self-mask of a supplier's table in one attempt, a scalar mod ℓ. Leaves its supplier only when the query
    /// is finalised. Zeroised when dropped, never printed, compared in constant time.
    SelfMask
);

secret_scalar!(
    /// A Shamir share of another supplier's self-mask. Zeroised when dropped, never printed, compared in constant time.
    Share
);

impl SelfMask {
    /// SHA-256 commitment. It needs no salt: a self-mask is a uniform scalar, which nobody can guess.
    pub fn commitment(&self, round: &Round, dealer: &SupplierId) -> Hash256 {
        round.statement("self-mask commitment").text(dealer.as_str()).bytes(&self.0).digest()
    }
}

impl Share {
    /// SHA-256 commitment. It needs no salt: a share alone is a uniform scalar, which nobody can guess.
    pub fn commitment(&self, round: &Round, dealer: &SupplierId, holder: &SupplierId) -> Hash256 {
        round.statement("share commitment").text(dealer.as_str()).text(holder.as_str()).bytes(&self.0).digest()
    }
}

/// Compares what was derived from secrets, in constant time.
pub(crate) fn same(one: &Hash256, other: &Hash256) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use optelsom_codebook::QueryId;

    use super::*;
    use crate::entropy::Entropy;
    use crate::mask::{MaskSeed, Sign};
    use crate::messages::Attempt;
    use crate::table::{Bound, LocalTable};

    #[test]
    fn nothing_secret_is_printed() {
        let secret = [0xa5; 32];
        let table = LocalTable::new(2, vec![vec![165, 165]], Bound::for_suppliers(5)).ok();
        let printed = format!(
            "{:?} {:?} {:?} {:?} {table:?}",
            SelfMask::from_bytes(secret),
            Share::from_bytes(secret),
            Entropy::new(secret),
            MaskSeed::new(secret, Sign::Plus),
        );
        assert!(!printed.contains("165") && !printed.contains("a5"), "{printed}");
    }

    #[test]
    fn commitments_bind_who_and_when() {
        let round = |attempt| Round { attempt, ..Round::UNBOUND };
        let second = Attempt::FIRST.next().unwrap_or(Attempt::FIRST);
        let name = |text: &str| SupplierId::try_from(text);
        let (Ok(a), Ok(b)) = (name("a"), name("b")) else { return };
        let share = Share::from_bytes([1; 32]);
        let commitment = share.commitment(&round(Attempt::FIRST), &a, &b);
        assert!(same(&commitment, &share.commitment(&round(Attempt::FIRST), &a, &b)));
        assert!(!same(&commitment, &share.commitment(&round(Attempt::FIRST), &b, &a)));
        assert!(!same(&commitment, &share.commitment(&round(second), &a, &b)));
        let other = Round { query: QueryId::from_bytes([1; 32]), ..Round::UNBOUND };
        assert!(!same(&commitment, &share.commitment(&other, &a, &b)));
    }
}
