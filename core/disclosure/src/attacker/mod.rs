//! The attacker: what anybody can work out of a table that is shown.
//!
//! It reads the published table alone and shares no code with the part that hides. It knows what the public knows: the
//! margins of single-valued axes are the sums of their parts, and so are the sub-totals of groups; of a multiple-valued
//! axis each part is at most the total, and the total at most the sum of the parts; *hidden: too few* means from 1 to
//! k − 1; *hidden: protects others* means k or more, unless all margins are withheld, which says nothing. Sub-totals that
//! two groupings have in common bind them to each other, even where they are not in the table.

mod candidate;
mod equations;
mod linear;
mod published;

use std::collections::BTreeSet;

pub use linear::{Inconsistent, Interval};

use crate::table::ProtectedTable;
use equations::Equation;
use published::Published;
pub(crate) use published::{known, withheld};

/// More unknowns than this in one linear program are not tried before a release: the table is hidden more coarsely.
const MOST_UNKNOWNS: usize = 400;

/// More rows than this are not solved for one after the other.
const MOST_SOLVED: usize = 1000;

/// What the hidden cells of a table count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Rows: the statuses say in which range a hidden count lies.
    Rows,
    /// Rows with a value of a measure: too few of them, or of the rows; there may be none.
    Values,
}

/// What is known of one cell: from `lower` to `upper`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) lower: i64,
    pub(crate) upper: Option<i64>,
}

impl Known {
    pub(crate) fn value(self) -> Option<i64> {
        (self.upper == Some(self.lower)).then_some(self.lower)
    }

    fn admits(self, value: i64) -> bool {
        self.lower <= value && self.upper.is_none_or(|upper| value <= upper)
    }
}

/// All that is known about the counts of one table.
#[derive(Clone, Debug)]
pub struct Attack {
    /// The rows of the table in order, then sub-totals that are not in it.
    cells: Vec<Known>,
    /// Which rows of the table are hidden, other than in margins that are withheld whole.
    hidden: Vec<usize>,
    shown: usize,
    rows: usize,
    equations: Vec<Equation>,
    /// For each cell the equations that it stands in.
    touching: Vec<Vec<u32>>,
}

impl Attack {
    /// What the first count of this table tells, where fewer than `k` are too few. `None` if the table has no counts, or
    /// holds a part of a grouping only.
    pub fn on(table: &ProtectedTable, k: u64, counting: Counting) -> Option<Self> {
        let published = Published::read(table, i64::try_from(k).ok()?, counting)?;
        let withheld = published.withheld.clone();
        let (cells, equations) = published.equations();
        let mut touching = vec![Vec::new(); cells.len()];
        for (equation, at) in equations.iter().zip(0_u32..) {
            for &(cell, _) in &equation.terms {
                touching.get_mut(cell as usize)?.push(at);
            }
        }
        let rows = table.rows().len();
        let unknown = |row: &usize| cells.get(*row).is_some_and(|known| known.value().is_none());
        let unknown: Vec<usize> = (0..rows).filter(unknown).collect();
        let shown = rows - unknown.len();
        let hidden = unknown.into_iter().filter(|row| !withheld.contains(row)).collect();
        Some(Self { cells, hidden, shown, rows, equations, touching })
    }

    /// The same for figures of which other things are known than the statuses of counts tell, as sums: what is hidden
    /// lies between nought and the ceiling of its row.
    #[must_use]
    pub fn below(mut self, ceilings: &[i64]) -> Self {
        let exact: Vec<bool> = self.cells.iter().map(|known| known.value().is_some()).collect();
        for ((known, exact), &ceiling) in self.cells.iter_mut().zip(exact).zip(ceilings) {
            if !exact {
                *known = Known { lower: 0, upper: Some(ceiling) };
            }
        }
        let cells = &self.cells;
        self.hidden.retain(|&row| cells.get(row).is_some_and(|known| known.value().is_none()));
        self
    }

    /// The rows whose count is hidden, except those of margins that are withheld whole: these say no more than their
    /// parts do.
    pub fn hidden(&self) -> &[usize] {
        &self.hidden
    }

    /// The narrowest interval of a row's count that follows from everything shown.
    ///
    /// # Errors
    /// When no counts at all fit what is shown.
    pub fn interval(&self, row: usize) -> Result<Interval, Inconsistent> {
        self.solve(&self.component(row), row).map(|solved| solved.interval)
    }

    /// The rows whose hidden count can be narrowed to less than its width between its ends, as far as they are not known
    /// to be `safe`, and no more than `most` of them; `widths` has one for each row. `None` for other rows than the table's.
    ///
    /// `truth` and `alternatives` (changes to the truth, row by row) are offered as proofs: if both fit all that is
    /// shown, nobody can tell which of them is true. Each is checked here; what they do not prove is solved. What is too
    /// much to be solved, or not solved in whole numbers, counts as narrowed.
    pub(crate) fn opened(
        &self,
        truth: &[i64],
        alternatives: &[Vec<(usize, i64)>],
        widths: &[i64],
        safe: &BTreeSet<usize>,
        most: usize,
    ) -> Option<Vec<usize>> {
        let proven = self.proven(truth, alternatives, widths)?;
        let open = self.hidden.iter().copied().filter(|row| proven.get(*row) != Some(&true) && !safe.contains(row));
        let open: Vec<usize> = open.collect();
        if open.len() > MOST_SOLVED {
            return Some(open.into_iter().take(most).collect());
        }
        let is_wide = |row: &usize| {
            let component = self.component(*row);
            component.unknowns.len() <= MOST_UNKNOWNS
                && self.solve(&component, *row).is_ok_and(|solved| {
                    widths
                        .get(*row)
                        .zip(truth.get(*row))
                        .is_some_and(|(&width, &truth)| solved.is_as_wide_as(width, truth))
                })
        };
        Some(open.into_iter().filter(|row| !is_wide(row)).take(most).collect())
    }

    /// As [`Attack::opened`], by proofs alone: in whole numbers, however large. What is not proved counts as opened,
    /// unless nothing of it is to be protected.
    pub(crate) fn unproven(
        &self,
        truth: &[i64],
        alternatives: &[Vec<(usize, i64)>],
        widths: &[i64],
    ) -> Option<Vec<usize>> {
        let proven = self.proven(truth, alternatives, widths)?;
        let open = self.hidden.iter().copied().filter(|&row| proven.get(row) != Some(&true));
        Some(open.filter(|&row| widths.get(row) != Some(&0)).collect())
    }

    /// The rows of which the alternatives prove that they cannot be narrowed down; `None` for other rows than the table's.
    fn proven(&self, truth: &[i64], alternatives: &[Vec<(usize, i64)>], widths: &[i64]) -> Option<Vec<bool>> {
        if self.shown == 0 && self.cells.iter().all(|known| known.lower == 0) {
            return Some(vec![true; self.rows]);
        }
        if widths.len() != self.rows {
            return None;
        }
        let mut proven = vec![false; self.rows];
        if let Some(candidate) = self.candidate(truth) {
            for change in alternatives.iter().filter(|change| self.fits(&candidate, change)) {
                for &(row, by) in change {
                    if widths.get(row).is_some_and(|&width| by.abs() >= width)
                        && let Some(proven) = proven.get_mut(row)
                    {
                        *proven = true;
                    }
                }
            }
        }
        Some(proven)
    }
}

#[cfg(test)]
mod tests;
