//! The built-in codebook.

use crate::codebook::{Codebook, CodebookErrors};

/// The text of the built-in codebook: trafficking in human beings in the Netherlands, victims and suspects. It is also
/// the example to change.
pub const BUILTIN_TOML: &str = include_str!("builtin/trafficking.toml");

impl Codebook {
    /// The built-in codebook.
    ///
    /// # Errors
    /// None in a released version: the text is part of the program, and a test reads it.
    pub fn builtin() -> Result<Self, CodebookErrors> {
        Self::parse(BUILTIN_TOML)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::label::Lang;

    #[test]
    fn the_built_in_codebook_is_whole() {
        let codebook = Codebook::builtin().unwrap_or_else(|errors| unreachable!("{errors}"));
        assert_eq!(codebook.name(Lang::Nl), "Mensenhandel in Nederland");
        let victims = codebook.dataset("victims").unwrap();
        assert_eq!(victims.period(), "year");
        assert_eq!(victims.measure("damages").unwrap().maximum(), 1_000_000_000);
        assert!(victims.variable("form").unwrap().multiple());
        assert!(victims.variables().iter().all(|v| v.name() == "year" || v.list().missing().is_some()));
    }

    /// Queries, editions and agreements are bound to this digest: a change of content needs a new version.
    #[test]
    fn its_digest_is_pinned() {
        insta::assert_snapshot!(Codebook::builtin().unwrap().hash(), @"e3822de5986f7b7ae9e18df064778e36f352fcb0e2d6434b814e1165e29205a5");
    }
}
