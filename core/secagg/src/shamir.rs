//! Shamir's secret sharing over the scalars of Ristretto.

use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

/// The share for the participant at this place of P (from 0) of the polynomial with these coefficients, of which the
/// first is the secret: its value at place + 1.
pub(crate) fn deal(coefficients: &[Zeroizing<Scalar>], place: usize) -> Zeroizing<Scalar> {
    let at = point(place);
    let value = coefficients.iter().rev().fold(Scalar::ZERO, |sum, coefficient| sum * at + **coefficient);
    Zeroizing::new(value)
}

/// The secret, from shares of different places; as many as the polynomial has coefficients.
pub(crate) fn reassemble(shares: &[(usize, Scalar)]) -> Zeroizing<Scalar> {
    let terms = shares.iter().map(|(place, share)| {
        let at = point(*place);
        let others = shares.iter().filter(|(other, _)| other != place).map(|(other, _)| point(*other));
        let (above, below) = others.fold((Scalar::ONE, Scalar::ONE), |(a, b), other| (a * other, b * (other - at)));
        share * above * below.invert()
    });
    Zeroizing::new(terms.sum())
}

fn point(place: usize) -> Scalar {
    Scalar::from(place as u64 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_many_shares_as_coefficients_bring_back_the_secret(
            seeds in prop::collection::vec(any::<[u8; 32]>(), 1..5),
            first in 0_usize..4,
            step in 1_usize..3,
        ) {
            let coefficients: Vec<_> =
                seeds.iter().map(|seed| Zeroizing::new(Scalar::from_bytes_mod_order(*seed))).collect();
            let places = (0..seeds.len()).map(|index| first + index * step);
            let shares: Vec<_> = places.map(|place| (place, *deal(&coefficients, place))).collect();
            prop_assert_eq!(*reassemble(&shares), *coefficients[0]);
            // One too few give another one.
            if *coefficients[coefficients.len() - 1] != Scalar::ZERO && shares.len() > 1 {
                prop_assert_ne!(*reassemble(&shares[1..]), *coefficients[0]);
            }
        }
    }
}
