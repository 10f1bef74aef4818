//! Editions: a dataset as it was at one moment, in codes and numbers, in the node's own folder. Once frozen it never
//! changes.

mod batch;
mod error;
mod extract;
mod manifest;
mod reader;
mod store;

pub use batch::{BATCH_ROWS, Batch};
pub use error::EditionError;
pub use manifest::{ExtractFacts, Manifest, MeasureSummary, Origin, Summary, VariableSummary};
pub use reader::{Edition, EditionRows, Wanted};
pub use store::{Draft, EditionStore};

/// The columns of an extract: first the variables, then the measures and whether each is optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The variables' names.
    pub variables: Vec<String>,
    /// The measures' names, and whether a row may have none.
    pub measures: Vec<(String, bool)>,
}
