//! Fixed-point decimals as people write them, held as integers.

/// A text that is not a decimal of so many places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with an optional sign and point.
    #[error("not a number: write digits with an optional sign and a point, as in -12.5")]
    NotANumber,
    /// More places after the point than the measure keeps; nothing is rounded.
    #[error("more than {0} digits after the point")]
    TooPrecise(u32),
    /// Beyond 64 bits.
    #[error("too large a number")]
    TooLarge,
}

/// Reads `text` as a number scaled by 10^`decimals`: `"12.5"` with 2 decimals is 1250.
///
/// Exact: digits beyond `decimals` are an error unless they are zeros.
pub fn parse_decimal(text: &str, decimals: u32) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let point_without_digits = digits.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_without_digits || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    let places = u32::try_from(fraction.len()).map_err(|_| DecimalError::TooPrecise(decimals))?;
    let padding = decimals.checked_sub(places).ok_or(DecimalError::TooPrecise(decimals))?;
    let mut value: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding as usize)) {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        let signed = if negative { -digit } else { digit };
        value = value.checked_mul(10).and_then(|v| v.checked_add(signed)).ok_or(DecimalError::TooLarge)?;
    }
    Ok(value)
}

/// Writes a number scaled by 10^`decimals`, with exactly that many places: 1250 with 2 decimals is `12.50`.
pub fn format_decimal(value: i64, decimals: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The shortest way to write it: no zeros after the last digit that counts.
pub(crate) fn format_decimal_short(value: i64, decimals: u32) -> String {
    let text = format_decimal(value, decimals);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_exactly_or_not_at_all() {
        assert_eq!(parse_decimal("12.5", 2), Ok(1250));
        assert_eq!(parse_decimal("-0.010", 2), Ok(-1));
        assert_eq!(parse_decimal("+7", 0), Ok(7));
        assert_eq!(parse_decimal("7.001", 2), Err(DecimalError::TooPrecise(2)));
        assert_eq!(parse_decimal("9223372036854775808", 0), Err(DecimalError::TooLarge));
        assert_eq!(parse_decimal("-9223372036854775808", 0), Ok(i64::MIN));
        for bad in ["", "-", ".5", "5.", "1e3", "1,5", "٣", "1.2.3", "--1"] {
            assert_eq!(parse_decimal(bad, 3), Err(DecimalError::NotANumber), "{bad}");
        }
        assert_eq!(format_decimal_short(1250, 2), "12.5");
        assert_eq!(format_decimal_short(-500, 2), "-5");
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(value: i64, decimals in 0u32..=6) {
            prop_assert_eq!(parse_decimal(&format_decimal(value, decimals), decimals), Ok(value));
            prop_assert_eq!(parse_decimal(&format_decimal_short(value, decimals), decimals), Ok(value));
        }
    }
}
