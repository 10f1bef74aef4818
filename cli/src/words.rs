//! Words in the analyst's language.

use optelsom_codebook::Lang;

/// The Dutch or the English words.
pub const fn words<'a>(lang: Lang, nl: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Nl => nl,
        Lang::En => en,
    }
}

/// A number as people read it in this language: thousands set apart, decimals after point or comma.
///
/// `plain` is a decimal as files have it: digits, with an optional minus sign and point.
pub fn grouped(lang: Lang, plain: &str) -> String {
    let (thousands, point) = match lang {
        Lang::Nl => ('.', ','),
        Lang::En => (',', '.'),
    };
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(Lang::En, "1234567.50"), "1,234,567.50");
        assert_eq!(grouped(Lang::Nl, "-1234.5"), "-1.234,5");
        assert_eq!(grouped(Lang::En, "999"), "999");
        assert_eq!(grouped(Lang::Nl, "0"), "0");
    }
}
