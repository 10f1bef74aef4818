//! The SQL that questions are written in, as far as the parser sees it.

use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// Whether a question can use this name bare, so that `to_sql` never needs quotes.
pub(crate) fn is_askable_name(name: &str) -> bool {
    if name == EDITION {
        return false;
    }
    let question =
        format!("SELECT {name}, SUM({name}) FROM {name} WHERE {name} IN ('x') AND {name} = 1 GROUP BY {name}");
    Parser::parse_sql(&GenericDialect {}, &question).is_ok_and(|parsed| {
        let written: Vec<String> = parsed.iter().map(ToString::to_string).collect();
        written == [question]
    })
}

/// The word in `WHERE edition = '2024-12'`, which no variable may take.
pub(crate) const EDITION: &str = "edition";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_no_names() {
        for name in ["group", "edition", "from", "not", "all", "rollup", "where", "having"] {
            assert!(!is_askable_name(name), "{name}");
        }
        for name in ["year", "form", "minor", "outcome", "stage", "victims", "sex", "territory", "duration_days"] {
            assert!(is_askable_name(name), "{name}");
        }
    }
}
