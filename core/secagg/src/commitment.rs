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
