//! What an edition says of itself: `manifest.json`.

use optelsom_codebook::{CodeIndex, EditionId, Hash256, SupplierId, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the folder's form.
const FORM: u32 = 1;

/// What an edition says of itself. It counts the supplier's own records, so it stays with the supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    form: u32,
    origin: Origin,
    summary: Summary,
    extract: ExtractFacts,
}

/// Where an edition comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Whose records they are.
    pub supplier: SupplierId,
    /// The dataset.
    pub dataset: String,
    /// The edition.
    pub edition: EditionId,
    /// The codebook's version.
    pub codebook_version: String,
    /// The codebook's digest.
    pub codebook: Hash256,
    /// The kind of source.
    pub source: String,
    /// The first and last year held in full, if the binding says so.
    pub years: Option<(i32, i32)>,
    /// When it was frozen.
    pub frozen_at: Timestamp,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// How many rows.
    pub rows: u64,
    /// Each variable that is held.
    pub variables: Vec<VariableSummary>,
    /// Each measure that is held.
    pub measures: Vec<MeasureSummary>,
}

/// How a variable's values became codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSummary {
    /// The variable.
    pub name: String,
    /// Rows whose values stand for codes.
    pub mapped: u64,
    /// Rows without a value, which got the missing code.
    pub missing: u64,
    /// Rows with a value that stands for no code and got the one named for such values.
    pub otherwise: u64,
    /// For a multiple-valued variable the different sets of codes; the extract holds their numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sets: Option<Vec<Vec<CodeIndex>>>,
}

/// How many rows have a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureSummary {
    /// The measure.
    pub name: String,
    /// Rows with a value.
    pub present: u64,
    /// Rows without.
    pub missing: u64,
}

/// By what the extract is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractFacts {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash256,
}

impl VariableSummary {
    /// A variable of which no row was read yet.
    pub fn new(name: String) -> Self {
        Self { name, mapped: 0, missing: 0, otherwise: 0, sets: None }
    }

    /// Counts one row.
    pub fn count(&mut self, missing: bool, otherwise: bool) {
        match (missing, otherwise) {
            (_, true) => self.otherwise += 1,
            (true, false) => self.missing += 1,
            (false, false) => self.mapped += 1,
        }
    }

    /// Says which sets of codes there are.
    pub fn set_sets(&mut self, sets: Vec<Vec<CodeIndex>>) {
        self.sets = Some(sets);
    }
}

impl MeasureSummary {
    /// A measure of which no row was read yet.
    pub fn new(name: String) -> Self {
        Self { name, present: 0, missing: 0 }
    }

    /// Counts one row.
    pub fn count(&mut self, present: bool) {
        let counter = if present { &mut self.present } else { &mut self.missing };
        *counter += 1;
    }
}

impl Manifest {
    pub(crate) fn new(origin: Origin, summary: Summary, extract: ExtractFacts) -> Self {
        Self { form: FORM, origin, summary, extract }
    }

    /// Whether this program knows the folder's form.
    pub(super) fn is_known(&self) -> bool {
        self.form == FORM
    }

    /// Where the edition comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What was read.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// By what the extract is known.
    pub fn extract(&self) -> &ExtractFacts {
        &self.extract
    }
}
