//! How far a noised figure may lie from the truth: said to readers, never used to draw noise.

use std::num::NonZeroU64;

use super::Rate;

/// The half of a 95 % interval in standard deviations, rounded up: −ln(0.05)/√2 for the two-sided exponential distribution,
/// and less for sums of more shares, which come nearer to the normal distribution's 1.96.
const STANDARD_DEVIATIONS: f64 = 2.12;

/// How far a noised figure may lie from the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    hundredths: i64,
    half_width: i64,
}

impl Spread {
    /// That of the noise that so many participants add, if each adds its share. Its variance is
    /// 2·(participants/h)·α/(1−α)², with α/(1−α)² = 1/(e^γ + e^(−γ) − 2).
    ///
    /// Adding, multiplying, dividing and the square root are exact to the last bit everywhere (IEEE 754), so everybody
    /// computes the same.
    pub(super) fn new(rate: Rate, honest: NonZeroU64, participants: u64) -> Self {
        let gamma = rate.over() as f64 / rate.under() as f64;
        // e^γ + e^(−γ) − 2 = 2·Σ γ^(2i)/(2i)!, from i = 1; for γ of at most 10, nothing is left beyond i = 40.
        let (mut term, mut sum) = (2.0, 0.0);
        for i in 1_u32..=40 {
            term *= gamma * gamma / f64::from(2 * i * (2 * i - 1));
            sum += term;
        }
        let variance = 2.0 * participants as f64 / honest.get() as f64 / sum;
        let deviation = variance.sqrt();
        Self { hundredths: whole(100.0 * deviation), half_width: whole(STANDARD_DEVIATIONS * deviation) }
    }

    /// The standard deviation, in hundredths of the column's own unit, rounded up.
    pub fn hundredths(self) -> i64 {
        self.hundredths
    }

    /// With a probability of at least 95 %, figure and truth lie no farther apart than this, in the column's own unit.
    pub fn half_width(self) -> i64 {
        self.half_width
    }
}

/// The next whole number up; the largest there is for what is beyond it.
#[expect(clippy::cast_possible_truncation, reason = "it saturates, as it should")]
fn whole(number: f64) -> i64 {
    number.ceil() as i64
}
