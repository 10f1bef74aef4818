//! Why a question cannot be asked.

use crate::ids::IdError;

/// Why a question cannot be asked, and what can be asked instead. The analyst is at fault; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is too long.
    #[error("the question has {bytes} bytes; at most {limit} are read")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// Conditions are nested too deeply, or there are too many of them.
    #[error("the question has more than {limit} {what}; ask it in parts")]
    TooComplex {
        /// What there are too many of.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// Not SQL.
    #[error("not SQL: {0}; ask like SELECT year, COUNT(*) FROM victims WHERE year = 2024 GROUP BY year")]
    Syntax(String),
    /// SQL, but not of the kind that can be answered.
    #[error("{what} cannot be asked; {instead}")]
    NotAllowed {
        /// What stands in the question.
        what: String,
        /// What can stand there.
        instead: String,
    },
    /// A name that the codebook doesn't have.
    #[error("no {kind} `{name}`{place}; {instead}")]
    Unknown {
        /// `dataset`, `variable`, `measure` or `code`.
        kind: &'static str,
        /// The name as it was written.
        name: String,
        /// Where it was looked for, such as " in `victims`".
        place: String,
        /// The nearest name, or what there is.
        instead: String,
    },
    /// An edition's name that cannot be one.
    #[error(transparent)]
    Edition(#[from] IdError),
    /// The filter contradicts itself.
    #[error("no row can match the conditions; look for codes that exclude each other")]
    NothingMatches,
    /// Not a query document in JSON.
    #[error("not a query document: {0}; `optelsom explain` prints one that can serve as an example")]
    Document(String),
}

impl QueryError {
    pub(crate) fn not_allowed(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::NotAllowed { what: what.into(), instead: instead.into() }
    }
}
