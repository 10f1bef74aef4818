//! Pedersen commitments to columns: C = Σ_j x_j G_j + r H.

use curve25519_dalek::traits::Identity;
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::Zeroizing;

use crate::generators::blinding_generator;

/// Σ_j x_j G_j for each column x, in a time that depends on the figures: cells that are zero cost nothing, small ones
/// little. Bases beyond the figures are not used.
///
/// Columns of small figures share their buckets, so that each base is added once for all of them: a bucket for every
/// combination of figures, and each column's own buckets are sums of these.
pub fn sums_of_multiples(columns: &[&[i64]], bases: &[RistrettoPoint]) -> Vec<RistrettoPoint> {
    let mut sums = Vec::with_capacity(columns.len());
    let mut rest = columns;
    while let [first, ..] = rest {
        let together = (2..=rest.len()).take_while(|&count| is_cheaper_together(&rest[..count])).last();
        match together {
            Some(count) => sums.extend(joint_sums(&rest[..count], bases)),
            None => sums.push(sum_of_multiples(first, bases)),
        }
        rest = &rest[together.unwrap_or(1)..];
    }
    sums
}

/// [`sums_of_multiples`] of one column.
///
/// Pippenger's buckets over windows of the magnitudes. A count column has one or two windows, against the 32 of a full
/// scalar, which is what makes it cheap.
pub fn sum_of_multiples(figures: &[i64], bases: &[RistrettoPoint]) -> RistrettoPoint {
    let terms = figures.iter().zip(bases).filter(|(figure, _)| **figure != 0);
    let Extent { terms: count, bits, .. } = Extent::of(figures);
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

/// How many figures of a column are not zero, and how large they are.
struct Extent {
    terms: usize,
    /// Of the largest magnitude.
    bits: u32,
    negative: bool,
}

impl Extent {
    fn of(figures: &[i64]) -> Self {
        let (mut terms, mut magnitudes, mut negative) = (0, 0, false);
        for figure in figures {
            terms += usize::from(*figure != 0);
            magnitudes |= figure.unsigned_abs();
            negative |= *figure < 0;
        }
        Self { terms, bits: u64::BITS - u64::leading_zeros(magnitudes), negative }
    }

    /// How many points are added for this column alone.
    fn additions(&self) -> usize {
        additions(self.terms, self.bits, window_width(self.terms, self.bits))
    }
}

/// Whether sharing buckets takes fewer additions than each column for itself.
fn is_cheaper_together(columns: &[&[i64]]) -> bool {
    let extents: Vec<_> = columns.iter().map(|column| Extent::of(column)).collect();
    let bits: u32 = extents.iter().map(|extent| extent.bits).sum();
    // Of a column that is more than zero in cells where another is not, all terms are counted again.
    let terms = extents.iter().map(|extent| extent.terms).max().unwrap_or(0);
    let shared = || terms + columns.len() * (1 << bits) + extents.iter().map(|extent| 2 << extent.bits).sum::<usize>();
    let negative = extents.iter().any(|extent| extent.negative);
    !negative && bits <= WIDEST && shared() < extents.iter().map(Extent::additions).sum()
}

/// Each column's sum, of figures that are not negative and together have at most [`WIDEST`] bits.
fn joint_sums(columns: &[&[i64]], bases: &[RistrettoPoint]) -> Vec<RistrettoPoint> {
    let widths: Vec<u32> = columns.iter().map(|column| Extent::of(column).bits).collect();
    let mut buckets = Zeroizing::new(vec![RistrettoPoint::identity(); 1 << widths.iter().sum::<u32>()]);
    for (cell, base) in bases.iter().enumerate() {
        let figures = columns.iter().map(|column| column.get(cell).map_or(0, |figure| figure.unsigned_abs()));
        let combination = figures.zip(&widths).fold(0, |before, (figure, width)| (before << width) | figure);
        if let Some(bucket) = usize::try_from(combination).ok().filter(|c| *c > 0).and_then(|c| buckets.get_mut(c)) {
            *bucket += base;
        }
    }
    let mut below: u32 = widths.iter().sum();
    let own = |width: &u32| {
        below -= width;
        let mut own = Zeroizing::new(vec![RistrettoPoint::identity(); 1 << width]);
        for (combination, bucket) in buckets.iter().enumerate() {
            let figure = (combination >> below) & ((1 << width) - 1);
            if let Some(sum) = own.get_mut(figure).filter(|_| figure > 0) {
                *sum += bucket;
            }
        }
        weighted_sum(&own)
    };
    widths.iter().map(own).collect()
}

/// The widest windows that are tried, in bits: their buckets fit a processor's cache.
const WIDEST: u32 = 14;

/// The width in bits for which adding into buckets and summing the buckets up cost least together.
fn window_width(terms: usize, bits: u32) -> u32 {
    (1..=WIDEST).min_by_key(|width| additions(terms, bits, *width)).unwrap_or(1)
}

/// How many points are added with windows of this width.
fn additions(terms: usize, bits: u32, width: u32) -> usize {
    bits.div_ceil(width) as usize * (terms + (2 << width))
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

        #[test]
        fn columns_together_are_the_plain_sums(
            cells in prop::collection::vec((0_i64..9, 0_i64..4, figure(), 0_i64..2, 0_i64..2), 0..200),
        ) {
            let bases = Generators::with_capacity(200).first(200);
            let column = |of: fn(&(i64, i64, i64, i64, i64)) -> i64| cells.iter().map(of).collect::<Vec<_>>();
            let columns = [column(|c| c.0), column(|c| c.1), column(|c| c.2), column(|c| c.3), column(|c| c.4)];
            let columns: Vec<&[i64]> = columns.iter().map(Vec::as_slice).collect();
            let each: Vec<_> = columns.iter().map(|column| plain(column, &bases)).collect();
            prop_assert_eq!(sums_of_multiples(&columns, &bases), each);
        }
    }

    #[test]
    fn small_figures_are_added_together_and_large_or_negative_ones_apart() {
        let (small, few) = (vec![5; 5000], vec![3; 5000]);
        assert!(is_cheaper_together(&[&small, &few]));
        assert!(!is_cheaper_together(&[&small, &vec![-3; 5000]]));
        assert!(!is_cheaper_together(&[&small, &vec![1 << 13; 5000]]));
        assert!(!is_cheaper_together(&[&[5, 3], &[3, 1]]));
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
