//! Pedersen commitments to columns: C = Σ_j x_j G_j + r H.

use curve25519_dalek::traits::Identity;
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::Zeroizing;

use crate::generators::blinding_generator;

/// Σ_j x_j G_j, in a time that depends on the figures: cells that are zero cost nothing, small ones little.
///
/// Pippenger's buckets over windows of the magnitudes. A count column has one or two windows, against the 32 of a full
/// scalar, which is what makes it cheap. Bases beyond the figures are not used.
pub fn sum_of_multiples(figures: &[i64], bases: &[RistrettoPoint]) -> RistrettoPoint {
    let terms = figures.iter().zip(bases).filter(|(figure, _)| **figure != 0);
    let (count, magnitudes) =
        terms.clone().fold((0_usize, 0_u64), |(n, all), (figure, _)| (n + 1, all | figure.unsigned_abs()));
    let bits = u64::BITS - magnitudes.leading_zeros();
    let width = window_width(count, bits);
    let mut buckets = Zeroizing::new(vec![RistrettoPoint::identity(); 1 << width]);
    let mut sum = RistrettoPoint::identity();
    for window in (0..bits.div_ceil(width)).rev() {
        for _ in 0..width {
            sum = sum + sum;
        }
        buckets.fill(RistrettoPoint::identity());
        for (figure, base) in terms.clone() {
            let digit = (figure.unsigned_abs() >> (window * width)) & ((1 << width) - 1);
            if let Some(bucket) = usize::try_from(digit).ok().filter(|d| *d > 0).and_then(|d| buckets.get_mut(d)) {
                if *figure < 0 { *bucket -= base } else { *bucket += base }
            }
        }
        sum += weighted_sum(&buckets);
    }
    sum
}

/// The width in bits, from 1 to 14, for which adding into buckets and summing the buckets up cost least together.
fn window_width(terms: usize, bits: u32) -> u32 {
    let cost = |width: &u32| bits.div_ceil(*width) as usize * (terms + (2 << width));
    (1..=14).min_by_key(cost).unwrap_or(1)
}

/// Σ_d d·bucket_d, by running sums from the top.
fn weighted_sum(buckets: &[RistrettoPoint]) -> RistrettoPoint {
    let mut running = RistrettoPoint::identity();
    let mut sum = RistrettoPoint::identity();
    for bucket in buckets.iter().skip(1).rev() {
        running += bucket;
        sum += running;
    }
    sum
}

/// Blinds the point of a column: the commitment.
pub fn blind(point: &RistrettoPoint, blinding: &Scalar) -> RistrettoPoint {
    point + blinding_generator() * blinding
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::generators::Generators;

    fn plain(figures: &[i64], bases: &[RistrettoPoint]) -> RistrettoPoint {
        let scalar = |figure: &i64| {
            let magnitude = Scalar::from(figure.unsigned_abs());
            if *figure < 0 { -magnitude } else { magnitude }
        };
        figures.iter().zip(bases).map(|(figure, base)| base * scalar(figure)).sum()
    }

    fn figure() -> impl Strategy<Value = i64> {
        prop_oneof![Just(0), -9_i64..10, Just(i64::MAX), Just(i64::MIN), any::<i64>(), 0_i64..100_000]
    }

    proptest! {
        #[test]
        fn is_the_plain_sum(figures in prop::collection::vec(figure(), 0..40)) {
            let bases = Generators::with_capacity(40).first(40);
            prop_assert_eq!(sum_of_multiples(&figures, &bases), plain(&figures, &bases));
        }
    }

    #[test]
    fn commitments_add_up() {
        let bases = Generators::default().first(3);
        let (r, s) = (Scalar::from(77_u64), -Scalar::from(5_u64));
        let one = blind(&sum_of_multiples(&[1, -2, 3], &bases), &r);
        let other = blind(&sum_of_multiples(&[10, 20, -30], &bases), &s);
        assert_eq!(one + other, blind(&sum_of_multiples(&[11, 18, -27], &bases), &(r + s)));
        assert_ne!(one, blind(&sum_of_multiples(&[1, -2, 4], &bases), &r));
    }

    #[test]
    fn generators_are_the_same_however_the_table_grew() {
        let grown = Generators::with_capacity(2);
        let few = grown.first(3);
        let many = Generators::with_capacity(9).first(0);
        assert_eq!(few[..], many[..3]);
        assert!(!many.contains(&crate::generators::blinding_generator()));
    }
}
