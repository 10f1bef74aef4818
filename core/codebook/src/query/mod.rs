//! The question: one canonical document, read from SQL or from JSON.

mod build;
mod contradiction;
mod dialect;
mod document;
mod epsilon;
mod error;
mod figure;
mod filter;
mod lookup;
mod sql;
mod write;

use std::sync::Arc;

pub(crate) use build::quantile_axis;
pub(crate) use dialect::is_askable_name;
pub use epsilon::{Epsilon, NotAnEpsilon, PrivacyBudget};
pub use error::QueryError;
pub(crate) use figure::with_coarser_levels;
pub use figure::{Detail, Figure, GroupAxis, Histogram, Probability};
pub use filter::RowFilter;

use crate::codebook::Codebook;
use crate::dataset::Dataset;
use crate::encoding::Encoder;
use crate::ids::{EditionId, Hash256};
use crate::label::Label;

/// The longest question in SQL, in bytes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The longest query document in JSON, in bytes. Ranges of codes are written out there.
pub const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// The most axes that one question can have, histograms included.
pub const MAX_AXES: usize = 8;
/// How deeply conditions may be nested.
const MAX_DEPTH: usize = 32;
/// The most edges of one histogram.
const MAX_EDGES: usize = 1000;

/// A question that the codebook can answer, in the one form in which it is hashed, logged and planned.
///
/// Two texts that ask the same have the same document as far as normal form goes; the order of the axes and of the
/// figures is the analyst's own and is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    codebook: Hash256,
    dataset: Arc<Dataset>,
    edition: Option<EditionId>,
    select: Vec<Figure>,
    axes: Vec<GroupAxis>,
    sets: Vec<Vec<usize>>,
    filter: RowFilter,
    epsilon: Option<Epsilon>,
}

impl Query {
    /// Reads a question in the strict subset of SQL that can be answered.
    ///
    /// # Errors
    /// What cannot be asked, and the nearest thing that can.
    pub fn from_sql(codebook: &Codebook, sql: &str) -> Result<Self, QueryError> {
        sql::read(codebook, sql)
    }

    /// Reads a query document in JSON, as [`Query::canonical_json`] writes it; not necessarily in normal form.
    ///
    /// # Errors
    /// What cannot be asked, and the nearest thing that can.
    pub fn from_json(codebook: &Codebook, json: &str) -> Result<Self, QueryError> {
        document::read(codebook, json)
    }

    /// The canonical document as JSON: what is hashed and logged. Reading it gives this query again.
    pub fn canonical_json(&self) -> String {
        document::write(self)
    }

    /// The bytes of [`Query::canonical_json`].
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.canonical_json().into_bytes()
    }

    /// The same document, indented for people.
    pub fn pretty_json(&self) -> String {
        document::write_pretty(self)
    }

    /// The question as SQL, which reads back as this query.
    pub fn to_sql(&self) -> String {
        write::sql(self)
    }

    /// The digest of the canonical document together with the codebook's hash.
    pub fn hash(&self) -> Hash256 {
        let mut encoder = Encoder::new("query");
        encoder.bytes(self.codebook.as_bytes());
        encoder.bytes(&self.canonical_bytes());
        encoder.hash()
    }

    /// The hash of the codebook that it was read with.
    pub fn codebook(&self) -> Hash256 {
        self.codebook
    }

    /// The dataset asked.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The edition asked; the latest if `None`.
    pub fn edition(&self) -> Option<&EditionId> {
        self.edition.as_ref()
    }

    /// The same question of this edition.
    #[must_use]
    pub fn with_edition(mut self, edition: EditionId) -> Self {
        self.edition = Some(edition);
        self
    }

    /// The ε of the noise that is asked for in place of hiding, if it is.
    pub fn epsilon(&self) -> Option<Epsilon> {
        self.epsilon
    }

    /// The same question, answered with noise in place of hiding.
    ///
    /// # Errors
    /// When it asks for a figure that cannot be had with noise.
    pub fn with_epsilon(mut self, epsilon: Epsilon) -> Result<Self, QueryError> {
        build::check_noise(&self.select)?;
        self.epsilon = Some(epsilon);
        Ok(self)
    }

    /// The figures asked of each cell, in the analyst's order; at least one, each once.
    pub fn select(&self) -> &[Figure] {
        &self.select
    }

    /// What rows are broken down by, in the analyst's order.
    pub fn axes(&self) -> &[GroupAxis] {
        &self.axes
    }

    /// What the axis at this place is called, unless it is a histogram: as its variable, and where several levels of that
    /// are asked by its level as well.
    pub(crate) fn axis_words(&self, place: usize) -> Option<(String, Label)> {
        let GroupAxis::Variable(index, detail) = self.axes.get(place)? else { return None };
        let variable = self.dataset.variables().get(*index)?;
        let (name, label) = (variable.name(), variable.label());
        let of_variable = self.axes.iter().filter(|axis| matches!(axis, GroupAxis::Variable(at, _) if at == index));
        Some(match detail {
            Detail::Level(level) if of_variable.count() > 1 => (
                format!("{name}_level_{level}"),
                Label::new(format!("{} (niveau {level})", label.nl), format!("{} (level {level})", label.en)),
            ),
            _ => (name.to_owned(), label.clone()),
        })
    }

    /// The grouping sets shown, as sorted positions of axes; finest first, each once, at least one.
    pub fn grouping_sets(&self) -> &[Vec<usize>] {
        &self.sets
    }

    /// Which rows count, in normal form.
    pub fn filter(&self) -> &RowFilter {
        &self.filter
    }
}

impl serde::Serialize for Query {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document::QueryDocument::of(self).serialize(serializer)
    }
}
