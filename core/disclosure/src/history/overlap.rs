//! What can be said of a table and those made before without knowing what it counts: where they overlap.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Plan, QueryId};

use super::History;
use super::check::Beside;
use crate::protect::{ProtectError, published};

/// A release made before, and what it has to do with a table that is not made yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The release's query.
    pub query: QueryId,
    /// How the two overlap.
    pub kind: OverlapKind,
}

/// How a table overlaps with a release made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlapKind {
    /// It asks the same of the same suppliers, and will say the same.
    Same,
    /// So many cells of the one would be known to hold cells of the other: the rest of each would be known as well. Where
    /// that is too few, more is hidden, or the table is refused.
    Differences {
        /// How many.
        cells: usize,
        /// Whether other suppliers took part.
        other_suppliers: bool,
    },
    /// Together they may be too much to be checked: then groupings are withheld, or the table is refused.
    TooMuch,
}

impl History {
    /// The releases that a table of this plan would overlap with, if these suppliers take part, in the order in which they
    /// were made.
    ///
    /// # Errors
    /// When a release does not fit its own plan, which is a bug.
    pub fn overlaps(&self, plan: &Plan) -> Result<Vec<Overlap>, ProtectError> {
        let blocks = published(plan);
        let asks_the_same =
            |earlier: &&std::sync::Arc<super::Earlier>| earlier.same(plan, &blocks, &self.taking_part, None).is_some();
        if let Some(same) = self.earlier.iter().find(asks_the_same) {
            return Ok(vec![Overlap { query: same.query, kind: OverlapKind::Same }]);
        }
        let differences = match self.beside(plan, &blocks, None) {
            Ok(Some(Beside::Watched(watch))) => watch.differences(),
            Ok(Some(Beside::Same(_)) | None) => BTreeMap::new(),
            Err(ProtectError::TooMuchBefore(query)) => {
                return Ok(vec![Overlap { query, kind: OverlapKind::TooMuch }]);
            }
            Err(cause) => return Err(cause),
        };
        let mut told = BTreeSet::new();
        let overlaps = self.earlier.iter().filter_map(|earlier| {
            let cells = *differences.get(&earlier.query).filter(|_| told.insert(earlier.query))?;
            let other_suppliers = earlier.suppliers != self.taking_part;
            Some(Overlap { query: earlier.query, kind: OverlapKind::Differences { cells, other_suppliers } })
        });
        Ok(overlaps.collect())
    }
}
