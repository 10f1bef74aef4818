//! Why nothing was frozen.

use super::complaint::Complaints;
use crate::edition::EditionError;
use crate::source::SourceError;

/// Why nothing was frozen. For the supplier's own operator alone: it may repeat values of records.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Values stand for nothing.
    #[error("{0}")]
    Complaints(Box<Complaints>),
    /// The edition cannot be kept.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// A variable with several values has too many different combinations of them.
    #[error(
        "variable `{variable}` has more than {limit} different combinations of codes: bind fewer codes, or map more values to one"
    )]
    TooManySets {
        /// The variable.
        variable: String,
        /// How many there may be.
        limit: usize,
    },
}
