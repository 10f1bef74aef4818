//! The search for a pattern: hidden cell by hidden cell the cheapest move, then back over what was not needed.

use std::collections::BTreeSet;

use super::grid::Grid;
use super::moves::Cost;
use super::{Mark, Move, Pattern, Ranges, Rule, Suppression};

/// With more hidden cells than this one order is tried, and nothing is taken back.
pub(super) const MOST_FOR_SEVERAL_ORDERS: usize = 250;

/// In which order cells are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    AsTheyStand,
    Shuffled,
    ShuffledBackwards,
    Backwards,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::AsTheyStand, Self::Shuffled, Self::ShuffledBackwards, Self::Backwards];
}

/// A pattern in the making.
#[derive(Clone, Debug)]
pub(super) struct Search<'s> {
    pub(super) grid: &'s Grid,
    pub(super) values: &'s [i64],
    pub(super) rule: Rule,
    pub(super) ranges: Option<Ranges<'s>>,
    pub(super) marks: Vec<Mark>,
    /// How far the bounds of multiple-valued axes are from being reached.
    pub(super) slack: Vec<i64>,
    /// A cell that is not to be hidden.
    pub(super) spared: Option<usize>,
    moves: Vec<Move>,
    /// How many moves prove each cell.
    proofs: Vec<u32>,
    /// Cells that this search has hidden.
    added: Vec<usize>,
    /// Cells that no single move changes far enough; whether several together do is for the attacker to find out.
    unmoved: BTreeSet<usize>,
}

impl<'s> Search<'s> {
    pub(super) fn new(suppression: &'s Suppression<'_>, given: &[Mark]) -> Self {
        let Suppression { grid, values, rule, ranges } = suppression;
        Self {
            grid,
            values,
            rule: *rule,
            ranges: *ranges,
            marks: given.to_vec(),
            slack: grid.slack(values),
            spared: None,
            moves: Vec::new(),
            proofs: vec![0; grid.cells],
            added: Vec::new(),
            unmoved: BTreeSet::new(),
        }
    }

    /// Protects all that is hidden so far, as far as single moves do.
    pub(super) fn run(&mut self, order: Order) {
        let published = self.grid.blocks.iter().flat_map(|block| block.offset..block.offset + block.len);
        let mut waiting: Vec<usize> = published.filter(|&cell| self.mark(cell) != Mark::Open).collect();
        if matches!(order, Order::Shuffled | Order::ShuffledBackwards) {
            waiting.sort_by_key(|&cell| self.grid.preference(cell));
        }
        if matches!(order, Order::Backwards | Order::ShuffledBackwards) {
            waiting.reverse();
        }
        for cell in waiting {
            if self.proofs.get(cell) == Some(&0) && self.width(cell) > 0 {
                match self.cheapest(cell, None) {
                    Some((_, change)) => self.apply(change),
                    None => drop(self.unmoved.insert(cell)),
                }
            }
        }
    }

    /// How many cells no single move changes far enough.
    pub(super) fn unmoved(&self) -> usize {
        self.unmoved.len()
    }

    /// How far this cell has to be open.
    pub(super) fn width(&self, cell: usize) -> i64 {
        if let Some(ranges) = &self.ranges {
            return ranges.widths.get(cell).copied().unwrap_or(0);
        }
        self.rule.width_of(self.mark(cell), self.values.get(cell).copied().unwrap_or(0))
    }

    fn mark(&self, cell: usize) -> Mark {
        self.marks.get(cell).copied().unwrap_or(Mark::Open)
    }

    fn apply(&mut self, change: Move) {
        for &(cell, by) in &change {
            let proves = by.abs() >= self.width(cell);
            if let Some(proofs) = self.proofs.get_mut(cell).filter(|_| proves) {
                *proofs += 1;
            }
            if let Some(mark) = self.marks.get_mut(cell).filter(|mark| **mark == Mark::Open) {
                *mark = Mark::Protects;
                self.added.push(cell);
            }
        }
        self.moves.push(change);
    }

    /// Opens again what can be opened, or trades it for something cheaper.
    pub(super) fn improve(&mut self) {
        if self.added.len() > MOST_FOR_SEVERAL_ORDERS {
            return;
        }
        let mut added = self.added.clone();
        added.sort_by_key(|&cell| std::cmp::Reverse(self.grid.preference(cell)));
        for cell in added {
            let before = self.cost();
            if let Some(without) = self.without(cell)
                && without.cost() < before
            {
                *self = without;
            }
        }
    }

    /// The pattern with this cell open, and others hidden where they have to be.
    fn without(&self, cell: usize) -> Option<Self> {
        let mut search = self.clone();
        if !search.added.contains(&cell) {
            return None;
        }
        search.spared = Some(cell);
        search.open(cell);
        // What is no longer part of any move is not needed, or has to be proven anew.
        let given: Vec<usize> = search.unproven();
        for orphan in given {
            if search.proofs.get(orphan) != Some(&0) {
                continue;
            }
            if search.added.contains(&orphan) {
                search.open(orphan);
            } else {
                let (_, change) = search.cheapest(orphan, None)?;
                search.apply(change);
            }
        }
        search.spared = None;
        search.unproven().is_empty().then_some(search)
    }

    fn open(&mut self, cell: usize) {
        if let Some(mark) = self.marks.get_mut(cell) {
            *mark = Mark::Open;
        }
        self.added.retain(|&added| added != cell);
        let (gone, kept) = std::mem::take(&mut self.moves)
            .into_iter()
            .partition(|change: &Move| change.iter().any(|&(at, _)| at == cell));
        self.moves = kept;
        for (at, by) in Vec::<Move>::into_iter(gone).flatten() {
            let proved = by.abs() >= self.width(at);
            if let Some(proofs) = self.proofs.get_mut(at).filter(|_| proved) {
                *proofs -= 1;
            }
        }
    }

    /// Hidden cells without a proof; those that this search hid come first.
    fn unproven(&self) -> Vec<usize> {
        let published = self.grid.blocks.iter().flat_map(|block| block.offset..block.offset + block.len);
        let is_unproven = |cell: &usize| {
            self.mark(*cell) != Mark::Open
                && self.proofs.get(*cell) == Some(&0)
                && self.width(*cell) > 0
                && !self.unmoved.contains(cell)
        };
        let unproven = published.filter(is_unproven);
        let (mut first, then): (Vec<usize>, Vec<usize>) = unproven.partition(|cell| self.added.contains(cell));
        first.extend(then);
        first
    }

    /// What was hidden beside what was given.
    pub(super) fn cost(&self) -> Cost {
        (self.added.len(), self.added.iter().map(|&cell| self.grid.preference(cell)).sum())
    }

    pub(super) fn into_pattern(self) -> Pattern {
        Pattern { marks: self.marks, moves: self.moves }
    }
}
