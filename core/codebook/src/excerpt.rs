//! Foreign text in messages.

/// How many characters of foreign text a message repeats.
const LONGEST: usize = 60;

/// Foreign text, shortened and without control characters, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().take(LONGEST) {
        match c {
            '\'' | '"' | '\\' => short.push(c),
            other => short.extend(other.escape_debug()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_harmless() {
        assert_eq!(excerpt("it's\n\u{202e}x"), "it's\\n\\u{202e}x");
        assert_eq!(excerpt(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
    }
}
