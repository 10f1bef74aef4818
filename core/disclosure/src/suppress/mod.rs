//! Which further cells are hidden, so that those with too few cannot be worked out from the others.
//!
//! For each hidden cell there must be another table, equal in all that is shown and possible by all that the statuses
//! say, in which it counts `width` more or fewer. Such a table is the true one with a *move*: rows added at one place of the
//! table and taken away at others, or added to the totals as well, so that only hidden cells change. The search hides what
//! the cheapest move needs; the moves are handed to the attacker as proofs.

mod grid;
mod loosen;
mod moves;
mod search;
mod withheld;

use optelsom_codebook::Plan;

use grid::Grid;
use search::{Order, Search};

/// What becomes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is shown.
    Open,
    /// It is hidden for its own sake.
    TooFew,
    /// It is hidden for the sake of the suppliers that contributed to it.
    TooFewSuppliers,
    /// It is hidden since one row makes up too much of it.
    Dominated,
    /// It is hidden for the sake of others.
    Protects,
    /// It is hidden with its whole grouping, which nothing is worked out of.
    Withheld,
}

/// What is to be protected, and what the statuses tell about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Fewer than this, but more than none, are too few.
    pub(crate) k: i64,
    /// How far apart the ends of what can be known of a hidden cell have to be.
    pub(crate) width: i64,
    /// The least that *too few* may stand for.
    pub(crate) least_few: i64,
    /// The least that *protects others* may stand for.
    pub(crate) least_other: i64,
}

/// Of a cell that is hidden for the sake of suppliers at least one part in so many of the true count has to stay open.
const PART_OF_A_SUPPLIERS_COUNT: i64 = 10;

impl Rule {
    /// How far apart the ends of what can be known of a cell have to be. What one supplier counted may be large, and is
    /// not hidden by a few rows more or fewer.
    pub(crate) fn width_of(&self, mark: Mark, count: i64) -> i64 {
        match mark {
            Mark::TooFewSuppliers => {
                let part = count / PART_OF_A_SUPPLIERS_COUNT + i64::from(count % PART_OF_A_SUPPLIERS_COUNT > 0);
                self.width.max(part)
            }
            _ => self.width,
        }
    }
}

/// Where that differs from cell to cell, as for sums: between nought and which ceiling a hidden cell lies, as everybody
/// knows, and how far apart the ends of what can be known of it have to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranges<'t> {
    /// Per cell of the plan.
    pub(crate) ceilings: &'t [i64],
    /// Per cell of the plan; of a cell with nought nothing is to be protected.
    pub(crate) widths: &'t [i64],
}

impl Ranges<'_> {
    fn admits(&self, cell: usize, value: i64) -> bool {
        self.ceilings.get(cell).is_some_and(|&ceiling| (0..=ceiling).contains(&value))
    }
}

/// A change from the true table to another possible one: cells of the plan, and by how much.
pub(crate) type Move = Vec<(usize, i64)>;

/// A choice of cells to hide, with the moves that prove it.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// Per cell of the plan.
    pub(crate) marks: Vec<Mark>,
    pub(crate) moves: Vec<Move>,
}

/// The cells of a plan of which one column is protected.
pub(crate) struct Suppression<'t> {
    grid: Grid,
    values: &'t [i64],
    rule: Rule,
    ranges: Option<Ranges<'t>>,
}

impl<'t> Suppression<'t> {
    /// Over these blocks of the plan; the others are never shown.
    pub(crate) fn new(plan: &Plan, published: &[usize], values: &'t [i64], rule: Rule) -> Self {
        Self { grid: Grid::new(plan, published), values, rule, ranges: None }
    }

    /// Hidden cells lie in these ranges, whatever their statuses say.
    pub(crate) fn within(mut self, ranges: Ranges<'t>) -> Self {
        self.ranges = Some(ranges);
        self
    }

    /// Everybody knows these cells, so hiding them protects nothing.
    pub(crate) fn with_known(mut self, cells: &std::collections::BTreeSet<usize>) -> Self {
        self.grid.known.clone_from(cells);
        self
    }

    /// The safe and coarse patterns, given the cells that are hidden anyhow: all margins withheld, everything withheld.
    pub(crate) fn coarse<'s>(&'s self, given: &'s [Mark]) -> impl Iterator<Item = Pattern> + 's {
        let margins = std::iter::once_with(|| withheld::margins(self, given));
        let everything = std::iter::once_with(|| withheld::everything(self, given));
        margins.chain(everything)
    }

    /// The pattern that hides the fewest cells, and of those the fewest rows, among those that the search finds. Where it
    /// found no move for every cell the attacker has the last word.
    pub(crate) fn best(&self, given: &[Mark]) -> Option<Pattern> {
        let hidden = given.iter().filter(|mark| **mark != Mark::Open).count();
        let orders: &[Order] = if hidden <= search::MOST_FOR_SEVERAL_ORDERS { &Order::ALL } else { &Order::ALL[..1] };
        let found = orders.iter().map(|&order| {
            let mut search = Search::new(self, given);
            search.run(order);
            search.improve();
            search
        });
        found.min_by_key(|search| (search.unmoved(), search.cost())).map(Search::into_pattern)
    }

    /// One pass in the order of the cells, and no second thought: what the search is measured against.
    #[cfg(test)]
    pub(crate) fn baseline(&self, given: &[Mark]) -> Option<Pattern> {
        let mut search = Search::new(self, given);
        search.run(Order::AsTheyStand);
        (search.unmoved() == 0).then(|| search.into_pattern())
    }
}

#[cfg(test)]
mod tests;
