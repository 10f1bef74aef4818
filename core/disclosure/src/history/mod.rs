//! What was published before: a table is protected against what can be worked out of it together with earlier ones.
//!
//! Releases about the same edition of a dataset speak of the same rows. Each table's cells are sums over *atoms*, parts of
//! the population that no table looks into, so all tables together are one system of equations, whatever their filters,
//! groupings and sets of suppliers are. What follows from it is found by linear programming. Where a new table would let
//! anybody narrow down a hidden cell, or the difference of two cells that counts too few, more of the new table is hidden;
//! what was published before cannot be hidden again. Where that does not help, the table is refused, and the release that
//! it collides with is named.
//!
//! Another edition is another state of the suppliers' files. Its rows are not those of this one, so no equation binds the
//! two, and nothing is promised of what their difference tells.

mod check;
mod earlier;
mod model;
mod overlap;
mod solve;
mod space;

use std::collections::BTreeSet;
use std::sync::Arc;

use optelsom_codebook::{Codebook, EditionId, QueryId, SupplierId};
use thiserror::Error;

use crate::release::{Release, ReleaseError};
pub(crate) use check::{Beside, Proposed, Watch};
use earlier::Earlier;
pub use overlap::{Overlap, OverlapKind};

/// The tables are too large, or look at too many things at once, to be looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TooLarge;

/// How much is looked at together.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The most atoms of all regions.
    atoms: usize,
    /// The most unknowns of one linear program.
    unknowns: usize,
    /// How much is spent on one table, in squares of the unknowns of its linear programs.
    work: usize,
}

impl Limits {
    /// At most about half a minute.
    const USUAL: Self = Self { atoms: 400_000, unknowns: 1500, work: 200_000_000 };
}

/// Why the history of releases cannot be read. Nothing may be released then.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// A document that is no release.
    #[error("release {0} of those made before cannot be read: {1}; nothing is released until it can be")]
    Document(usize, #[source] ReleaseError),
    /// One that does not say what it was about.
    #[error(
        "the release of query {query} cannot be read again: {cause}; nothing of its edition is released until it can be"
    )]
    Release {
        /// Which.
        query: QueryId,
        /// Why.
        cause: String,
    },
}

/// The releases made before a new table about one edition of a dataset, all of them, and who takes part in the new one.
#[derive(Clone, Debug)]
pub struct History {
    taking_part: BTreeSet<SupplierId>,
    earlier: Vec<Arc<Earlier>>,
    limits: Limits,
}

impl History {
    /// Before the first release of an edition.
    pub fn none(taking_part: BTreeSet<SupplierId>) -> Self {
        Self { taking_part, earlier: Vec::new(), limits: Limits::USUAL }
    }

    /// Reads the release documents made before; those about other datasets and editions are left out.
    ///
    /// # Errors
    /// When one is no release, or one about this edition does not fit the codebook: then nothing may be released, since
    /// nobody can tell what a new table would give away.
    pub fn read<D: AsRef<[u8]>>(
        codebook: &Codebook,
        dataset: &str,
        edition: &EditionId,
        taking_part: BTreeSet<SupplierId>,
        documents: impl IntoIterator<Item = D>,
    ) -> Result<Self, HistoryError> {
        let mut history = Self::none(taking_part);
        for (document, number) in documents.into_iter().zip(1..) {
            let release =
                Release::from_json(document.as_ref()).map_err(|cause| HistoryError::Document(number, cause))?;
            if release.dataset() == dataset && release.edition() == edition {
                history.add(codebook, &release)?;
            }
        }
        Ok(history)
    }

    /// Adds a release about the same edition, which was made after the others. One with noise is left out: its figures are
    /// in no equation with others, and what they tell is bounded by the budget that it was charged to.
    ///
    /// # Errors
    /// As [`History::read`].
    pub fn add(&mut self, codebook: &Codebook, release: &Release) -> Result<(), HistoryError> {
        if release.is_noised() {
            return Ok(());
        }
        self.earlier.push(Arc::new(Earlier::read(codebook, release)?));
        Ok(())
    }

    /// The same releases, before a table in which these suppliers take part.
    #[must_use]
    pub fn before(&self, taking_part: BTreeSet<SupplierId>) -> Self {
        Self { taking_part, ..self.clone() }
    }

    /// How many releases of the edition were made before.
    pub fn len(&self) -> usize {
        self.earlier.len()
    }

    /// Whether none was made before.
    pub fn is_empty(&self) -> bool {
        self.earlier.is_empty()
    }
}

#[cfg(test)]
mod tests;
