//! How long to wait before dialling again.

use std::time::Duration;

/// The first wait is shorter than this.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(60);

/// Doubles the longest possible wait at each failure, and draws the wait evenly from up to there, so that those who lost
/// the coordinator together do not come back together.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// The next wait, by a random number.
    #[must_use]
    pub fn next(&mut self, random: u32) -> Duration {
        let longest = self.0;
        self.0 = (self.0 * 2).min(LONGEST);
        longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// A connection stood: start over.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_over_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.next(u32::MAX).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        backoff.succeeded();
        assert_eq!(backoff.next(u32::MAX), FIRST);
        assert_eq!(backoff.next(0), Duration::ZERO);
    }
}
