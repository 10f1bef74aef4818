//! Names in a database that can do nothing but name.

use std::fmt;

/// A name that is not plain enough to be put into a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no plain name for a {kind}: use letters, digits and _, not a digit first; make a view with such names", text.escape_debug())]
pub struct IdentifierError {
    text: String,
    kind: &'static str,
}

/// The name of a column, schema or view: `[A-Za-z_][A-Za-z0-9_]*`, at most 63 characters as PostgreSQL keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier(String);

impl Identifier {
    /// Takes a plain name.
    ///
    /// # Errors
    /// When it holds anything but ASCII letters, digits and `_`, begins with a digit, is empty or too long.
    pub fn new(text: &str, kind: &'static str) -> Result<Self, IdentifierError> {
        let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let plain = text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if first && plain { Ok(Self(text.to_owned())) } else { Err(IdentifierError { text: text.to_owned(), kind }) }
    }
}

/// Quoted, so that the name is taken as it is written.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// A table or view, perhaps in a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    schema: Option<Identifier>,
    name: Identifier,
}

impl View {
    /// Takes `view` or `schema.view`.
    ///
    /// # Errors
    /// When a part is no plain name.
    pub fn new(text: &str) -> Result<Self, IdentifierError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(Identifier::new(schema, "schema")?), name),
            None => (None, text),
        };
        Ok(Self { schema, name: Identifier::new(name, "view")? })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        assert_eq!(View::new("optelsom.meldingen_2024").unwrap().to_string(), "\"optelsom\".\"meldingen_2024\"");
        for bad in ["", "a b", "a\"b", "a;drop table x", "1a", "a.b.c", "a.", ".a", "é", &"a".repeat(64)] {
            assert!(View::new(bad).is_err(), "{bad}");
        }
    }
}
