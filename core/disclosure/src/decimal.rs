//! Exact decimals: what a released figure is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The most digits after the point that a figure has.
pub const MAX_DECIMALS: u32 = 18;

/// A decimal with a fixed number of digits after the point. Serialised as text (`"12.50"`), since most readers of JSON
/// take numbers for binary floating point.
///
/// Two decimals are equal when value and digits are: `1.5` and `1.50` say different things about precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    scaled: i128,
    decimals: u32,
}

/// A text that is not a decimal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a decimal: write digits with an optional minus sign, and a point followed by at most 18 digits")]
pub struct NotADecimal;

impl Decimal {
    /// A whole number.
    pub fn whole(value: i64) -> Self {
        Self { scaled: i128::from(value), decimals: 0 }
    }

    /// `scaled` / 10^`decimals`. More than [`MAX_DECIMALS`] digits are none of this type's.
    pub fn from_scaled(scaled: i64, decimals: u32) -> Option<Self> {
        (decimals <= MAX_DECIMALS).then_some(Self { scaled: i128::from(scaled), decimals })
    }

    /// `numerator` / `denominator`, rounded to so many digits, half away from zero. `None` where the denominator is not
    /// positive or the result needs more than 127 bits.
    pub fn ratio(numerator: i128, denominator: i128, decimals: u32) -> Option<Self> {
        let (quotient, remainder) = long_division(numerator.unsigned_abs(), denominator, decimals)?;
        // Half or more of the denominator: up.
        let round_up = remainder >= denominator.unsigned_abs() - remainder;
        let rounded = quotient.checked_add(u128::from(round_up))?;
        let magnitude = i128::try_from(rounded).ok()?;
        Some(Self { scaled: if numerator < 0 { -magnitude } else { magnitude }, decimals })
    }

    /// The square root of `numerator` / `denominator`, rounded to so many digits, half away from zero. `None` as for
    /// [`Decimal::ratio`], and where the numerator is negative.
    pub fn root_of_ratio(numerator: i128, denominator: i128, decimals: u32) -> Option<Self> {
        let numerator = u128::try_from(numerator).ok()?;
        // ⌊√(4q)⌋ = ⌊2√q⌋, so that half of one more than it is √q rounded.
        let (quotient, _) = long_division(numerator.checked_mul(4)?, denominator, decimals.checked_mul(2)?)?;
        let rounded = quotient.isqrt().checked_add(1)? / 2;
        Some(Self { scaled: i128::try_from(rounded).ok()?, decimals })
    }

    /// Another number with as many digits after the point.
    pub(crate) fn with_scaled(self, scaled: i128) -> Self {
        Self { scaled, ..self }
    }

    /// The digits after the point.
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// The value times 10^decimals.
    pub fn scaled(&self) -> i128 {
        self.scaled
    }
}

/// ⌊numerator · 10^decimals / denominator⌋ and the remainder, digit by digit, so that no product overflows.
fn long_division(numerator: u128, denominator: i128, decimals: u32) -> Option<(u128, u128)> {
    let denominator = u128::try_from(denominator).ok().filter(|&positive| positive > 0)?;
    if decimals > 2 * MAX_DECIMALS {
        return None;
    }
    let (mut quotient, mut remainder) = (numerator / denominator, numerator % denominator);
    for _ in 0..decimals {
        remainder = remainder.checked_mul(10)?;
        quotient = quotient.checked_mul(10)?.checked_add(remainder / denominator)?;
        remainder %= denominator;
    }
    Some((quotient, remainder))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.decimals == 0 {
            return fmt::Display::fmt(&self.scaled, f);
        }
        let sign = if self.scaled < 0 { "-" } else { "" };
        let places = self.decimals as usize;
        let digits = format!("{:0>width$}", self.scaled.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let decimals = u32::try_from(fraction.len()).map_err(|_| NotADecimal)?;
        let ends_in_point = text.ends_with('.');
        let all_digits = digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || ends_in_point || decimals > MAX_DECIMALS || !all_digits {
            return Err(NotADecimal);
        }
        let scaled: i128 = format!("{whole}{fraction}").parse().map_err(|_| NotADecimal)?;
        Ok(Self { scaled, decimals })
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn ratio(numerator: i128, denominator: i128, decimals: u32) -> String {
        Decimal::ratio(numerator, denominator, decimals).unwrap().to_string()
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!(ratio(1, 2, 0), "1");
        assert_eq!(ratio(-1, 2, 0), "-1");
        assert_eq!(ratio(1, 3, 2), "0.33");
        assert_eq!(ratio(2, 3, 2), "0.67");
        assert_eq!(ratio(-125, 1000, 2), "-0.13");
        assert_eq!(ratio(0, 7, 1), "0.0");
        assert_eq!(ratio(7, 1, 0), "7");
        assert_eq!(Decimal::ratio(1, 0, 0), None);
        assert_eq!(Decimal::ratio(1, -2, 0), None);
    }

    #[test]
    fn takes_roots() {
        let root = |n, d, places| Decimal::root_of_ratio(n, d, places).map(|root| root.to_string());
        assert_eq!(root(2, 1, 4).as_deref(), Some("1.4142"));
        assert_eq!(root(1, 4, 0).as_deref(), Some("1"));
        assert_eq!(root(9, 4, 1).as_deref(), Some("1.5"));
        assert_eq!(root(0, 5, 2).as_deref(), Some("0.00"));
        assert_eq!(root(-1, 5, 2), None);
    }

    #[test]
    fn large_numbers_stay_exact() {
        assert_eq!(ratio(i128::from(i64::MAX), 1, 2), "9223372036854775807.00");
        assert_eq!(ratio(1 << 120, (1 << 120) - 1, 6), "1.000000");
        assert_eq!(Decimal::ratio(i128::MAX, 1, 1), None);
    }

    #[test]
    fn refuses_other_texts() {
        for bad in ["", "-", ".5", "5.", "1e3", "1,5", "+1", "1.2.3", "--1", "1.0000000000000000000"] {
            assert_eq!(bad.parse::<Decimal>(), Err(NotADecimal), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(scaled: i64, decimals in 0..=MAX_DECIMALS) {
            let decimal = Decimal::from_scaled(scaled, decimals).unwrap();
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }

        #[test]
        fn a_ratio_is_never_off_by_more_than_half(numerator in -(1i128 << 90)..1 << 90, denominator in 1i128..1 << 60) {
            let rounded = Decimal::ratio(numerator, denominator, 2).unwrap().scaled();
            let twice_off = (2 * (rounded * denominator - numerator * 100)).abs();
            prop_assert!(twice_off <= denominator);
        }

        #[test]
        fn a_root_is_never_off_by_more_than_half(numerator in 0i128..1 << 60, denominator in 1i128..1 << 30) {
            let root = Decimal::root_of_ratio(numerator, denominator, 2).unwrap().scaled();
            // (root - 1/2)² <= 10^4 n/d < (root + 1/2)², times 4d.
            let target = 40_000 * numerator;
            prop_assert!((2 * root - 1).pow(2) * denominator <= target || root == 0);
            prop_assert!(target < (2 * root + 1).pow(2) * denominator);
        }
    }
}
