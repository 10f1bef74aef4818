//! Numbers as agencies write them, held as integers.

use std::fmt;

/// What is wrong with a text that should be a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberProblem {
    /// Not digits with an optional sign and decimals.
    NotANumber,
    /// More decimals than the measure keeps; nothing is rounded.
    TooPrecise,
    /// Outside what the measure allows; nothing is clipped.
    OutOfBounds,
    /// Nothing, for a measure that every row must have.
    Absent,
}

impl fmt::Display for NumberProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a number as the binding says that they are written",
            Self::TooPrecise => "more decimals than the measure keeps",
            Self::OutOfBounds => "outside the measure's bounds",
            Self::Absent => "no value, and the measure is not optional",
        })
    }
}

/// How the numbers of one column are written, and how they become the measure's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    pub(super) decimal: u8,
    pub(super) thousands: Option<u8>,
    /// Digits after the point that the result keeps, less those by which the column is already scaled. May be negative.
    pub(super) shift: i32,
}

impl NumberFormat {
    /// Reads a number scaled by the measure's decimals; exactly or not at all.
    ///
    /// # Errors
    /// When it is no number, or keeps more decimals than the measure.
    pub fn read(self, text: &[u8]) -> Result<i64, NumberProblem> {
        let text = text.trim_ascii();
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let point = digits.iter().position(|&byte| byte == self.decimal);
        let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
        let fraction = fraction.get(1..).unwrap_or_default();
        if whole.is_empty() || (point.is_some() && fraction.is_empty()) || !fraction.iter().all(u8::is_ascii_digit) {
            return Err(NumberProblem::NotANumber);
        }
        let zeros = fraction.iter().rev().take_while(|&&digit| digit == b'0').count();
        let fraction = fraction.get(..fraction.len() - zeros).unwrap_or_default();
        let mut magnitude = fraction.iter().try_fold(self.whole(whole)?, |value, &digit| push(value, digit))?;
        let places = i32::try_from(fraction.len()).map_err(|_| NumberProblem::TooPrecise)?;
        for _ in 0..self.shift.saturating_sub(places) {
            magnitude = push(magnitude, b'0')?;
        }
        for _ in 0..places.saturating_sub(self.shift) {
            if magnitude % 10 != 0 {
                return Err(NumberProblem::TooPrecise);
            }
            magnitude /= 10;
        }
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// The digits before the point; separators only between groups of three.
    fn whole(self, digits: &[u8]) -> Result<i64, NumberProblem> {
        let Some(separator) = self.thousands.filter(|separator| digits.contains(separator)) else {
            return digits.iter().try_fold(0, |value, &digit| push(value, digit));
        };
        let mut value = 0;
        for (position, group) in digits.split(|&byte| byte == separator).enumerate() {
            let proper = if position == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
            if !proper {
                return Err(NumberProblem::NotANumber);
            }
            value = group.iter().try_fold(value, |value, &digit| push(value, digit))?;
        }
        Ok(value)
    }
}

fn push(value: i64, digit: u8) -> Result<i64, NumberProblem> {
    if !digit.is_ascii_digit() {
        return Err(NumberProblem::NotANumber);
    }
    let digit = i64::from(digit - b'0');
    // Every measure's bounds lie far within 63 bits.
    value.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or(NumberProblem::OutOfBounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DUTCH: NumberFormat = NumberFormat { decimal: b',', thousands: Some(b'.'), shift: 2 };
    const PLAIN: NumberFormat = NumberFormat { decimal: b'.', thousands: None, shift: 2 };

    #[test]
    fn reads_exactly_or_not_at_all() {
        assert_eq!(DUTCH.read(b" 1.234.567,5 "), Ok(123_456_750));
        assert_eq!(DUTCH.read(b"-0,050"), Ok(-5));
        assert_eq!(DUTCH.read(b"12,345"), Err(NumberProblem::TooPrecise));
        for bad in ["", "-", ",5", "5,", "1.23", "1.2345", ".123", "1.234.", "1,2,3", "1e3", "12 345", "NaN"] {
            assert_eq!(DUTCH.read(bad.as_bytes()), Err(NumberProblem::NotANumber), "{bad}");
        }
        assert_eq!(PLAIN.read(b"1,5"), Err(NumberProblem::NotANumber));
        assert_eq!(PLAIN.read(b"99999999999999999999"), Err(NumberProblem::OutOfBounds));
    }

    #[test]
    fn a_scale_moves_the_point_without_rounding() {
        let cents = NumberFormat { shift: 0, ..PLAIN };
        assert_eq!(cents.read(b"12345"), Ok(12_345));
        let thousandths = NumberFormat { shift: -1, ..PLAIN };
        assert_eq!(thousandths.read(b"120"), Ok(12));
        assert_eq!(thousandths.read(b"125"), Err(NumberProblem::TooPrecise));
    }

    proptest! {
        #[test]
        fn reads_what_the_codebook_writes(value in -(1i64 << 50)..(1 << 50)) {
            prop_assert_eq!(PLAIN.read(optelsom_codebook::format_decimal(value, 2).as_bytes()), Ok(value));
        }

        #[test]
        fn never_panics(text in ".{0,20}", shift in -9i32..=15) {
            let _ = NumberFormat { shift, ..DUTCH }.read(text.as_bytes());
        }
    }
}
