//! Why an edition gives no table.

use optelsom_codebook::EditionId;
use optelsom_secagg::OutOfBounds;

use crate::edition::EditionError;
use crate::held::NotHeld;

/// Why an edition gives no table. Names places and names, never figures.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// The edition is another than the query's.
    #[error("edition {edition} of `{dataset}` is not what the query asks; open the right one")]
    OtherEdition {
        /// The edition's dataset.
        dataset: String,
        /// The edition.
        edition: EditionId,
    },
    /// The edition was frozen under another codebook than the query was written under.
    #[error(
        "the edition was frozen under another codebook than the query was written under; freeze one under the codebook in force"
    )]
    OtherCodebook,
    /// The edition does not hold what is asked.
    #[error(transparent)]
    NotHeld(#[from] NotHeld),
    /// The edition cannot be read.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// A figure is beyond what can be added up.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// A mistake in this program.
    #[error("a mistake in this program, please report it: {0}")]
    Bug(&'static str),
}
