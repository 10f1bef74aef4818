//! Text that a spreadsheet takes for a formula, made harmless.

use std::borrow::Cow;

/// Text as a CSV cell: where a spreadsheet would compute it, an apostrophe goes before it.
///
/// A formula begins with `=`, `+`, `-`, `@` (or their full-width forms), and a leading tab or line end is dropped before
/// looking. Text that begins with apostrophes followed by one of these gets one more, so that taking one away always gives
/// the text back; `'s-Gravenhage` stays as it is. Numbers of ours are numbers, and do not come here.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if looks_like_a_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a spreadsheet might compute text that begins so.
pub fn looks_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader does to have the text back.
    fn plain(cell: &str) -> &str {
        match cell.strip_prefix('\'') {
            Some(text) if looks_like_a_formula(text.trim_start_matches('\'')) => text,
            _ => cell,
        }
    }

    #[test]
    fn formulas_become_text() {
        for formula in ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1"] {
            assert_eq!(neutral(formula), format!("'{formula}"));
        }
        for text in ["", "'s-Gravenhage", "onbekend", "0-11", "a=b", "'"] {
            assert_eq!(neutral(text), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_computed(text in "['=+@ab\t-]{0,6}") {
            let cell = neutral(&text);
            prop_assert!(!looks_like_a_formula(&cell));
            prop_assert_eq!(plain(&cell), &text);
        }
    }
}
