//! What prover and verifier have in common: figures as scalars, and the polynomials of set membership.

use curve25519_dalek::Scalar;
use subtle::{Choice, ConditionallyNegatable};
use zeroize::Zeroizing;

/// A figure in [−2^63, 2^63) as a scalar modulo ℓ, in constant time.
pub(super) fn lift(figure: i64) -> Scalar {
    let mut scalar = Scalar::from(figure.unsigned_abs());
    scalar.conditional_negate(Choice::from(u8::from(figure < 0)));
    scalar
}

/// Π_s (z − s·c), given the products s·c.
pub(super) fn product(response: &Scalar, roots: &[Scalar]) -> Scalar {
    roots.iter().fold(Scalar::ONE, |product, root| product * (response - root))
}

/// Π_s (t + (e − s)·X) for all s of the set: the coefficients of X^0 … X^(n−1), in constant time. That of X^n, which is
/// Π_s (e − s), is left out: it is zero exactly where e is one of the set.
pub(super) fn coefficients(nonce: &Scalar, value: i64, set: &[i64]) -> Zeroizing<Vec<Scalar>> {
    let mut polynomial = Zeroizing::new(vec![Scalar::ZERO; set.len() + 1]);
    if let Some(constant) = polynomial.first_mut() {
        *constant = Scalar::ONE;
    }
    let value = Zeroizing::new(lift(value));
    for member in set {
        let distance = Zeroizing::new(*value - lift(*member));
        let mut lower = Zeroizing::new(Scalar::ZERO);
        for coefficient in polynomial.iter_mut() {
            let this = Zeroizing::new(*coefficient);
            *coefficient = *this * nonce + *lower * *distance;
            *lower = *this;
        }
    }
    polynomial.truncate(set.len());
    polynomial
}

/// x, x², x³, …
pub(super) fn powers(of: Scalar) -> impl Iterator<Item = Scalar> {
    std::iter::successors(Some(of), move |power| Some(power * of))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lifting_is_the_integers(a in any::<i64>(), b in any::<i64>()) {
            let difference = i128::from(a) - i128::from(b);
            let magnitude = Scalar::from(difference.unsigned_abs());
            prop_assert_eq!(lift(a) - lift(b), if difference < 0 { -magnitude } else { magnitude });
        }

        #[test]
        fn members_have_the_polynomial_that_the_verifier_computes(
            nonce in any::<u64>(), x in any::<u64>(), member in 0_usize..6, offset in -9_i64..9,
        ) {
            let set: Vec<i64> = (0..6).map(|i| offset + i * i).collect();
            let (nonce, x, value) = (Scalar::from(nonce), Scalar::from(x), set[member]);
            let evaluated = coefficients(&nonce, value, &set).iter().rev().fold(Scalar::ZERO, |sum, c| sum * x + c);
            let roots: Vec<Scalar> = set.iter().map(|s| lift(*s) * x).collect();
            prop_assert_eq!(evaluated, product(&(nonce + lift(value) * x), &roots));
        }
    }
}
