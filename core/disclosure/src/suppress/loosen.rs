//! What else is hidden for cells that the attacker opens all the same.

use super::grid::Block;
use super::moves::cell_at;
use super::{Mark, Suppression};

impl Suppression<'_> {
    /// Hides one more cell for each of these: of those beside it, above it and below it the one with the fewest rows. Less is
    /// known of all cells then. `false` where there is nothing left to hide.
    pub(crate) fn loosen(&self, marks: &mut [Mark], opened: &[usize]) -> bool {
        let before = marks.to_vec();
        for &cell in opened {
            let around = self.around(cell);
            // What was hidden for another one may do for this one.
            let changed = around.iter().any(|&other| before.get(other) != marks.get(other));
            let cheapest = around.into_iter().filter(|&other| self.can_be_hidden(marks, other));
            let cheapest = cheapest.min_by_key(|&other| (self.values.get(other).copied(), other));
            if let Some(mark) = cheapest.filter(|_| !changed).and_then(|other| marks.get_mut(other)) {
                *mark = Mark::Protects;
            }
        }
        before != *marks
    }

    fn can_be_hidden(&self, marks: &[Mark], cell: usize) -> bool {
        let has_rows = self.values.get(cell).is_some_and(|&value| value > 0 && value >= self.rule.least_other);
        has_rows && marks.get(cell) == Some(&Mark::Open) && !self.grid.known.contains(&cell)
    }

    /// The cells that stand in an equation with this one: totals, parts, and the other parts of its totals along one axis.
    fn around(&self, cell: usize) -> Vec<usize> {
        let Some(block) = self.grid.block_of(cell) else { return Vec::new() };
        let positions = self.grid.positions(block, cell);
        let mut around = Vec::new();
        for other in &self.grid.blocks {
            match (other.mask & block.mask == other.mask, other.mask & block.mask == block.mask) {
                (true, true) => around.extend(self.along(block, &positions)),
                (true, false) => around.push(cell_at(other, &positions)),
                (false, true) => around.extend(self.below(block, &positions, other)),
                (false, false) => {}
            }
        }
        around
    }

    fn along<'p>(&'p self, block: &'p Block, positions: &'p [usize]) -> impl Iterator<Item = usize> + 'p {
        block.axes.iter().flat_map(move |&axis| {
            let length = self.grid.lengths.get(axis).copied().unwrap_or(0);
            let here = positions.get(axis).copied();
            (0..length).filter(move |&position| Some(position) != here).map(move |position| {
                let mut other = positions.to_vec();
                self.grid.set(&mut other, axis, position);
                cell_at(block, &other)
            })
        })
    }

    /// The cells of a finer block of which this one is the total.
    fn below<'p>(
        &'p self,
        block: &'p Block,
        positions: &'p [usize],
        finer: &'p Block,
    ) -> impl Iterator<Item = usize> + 'p {
        (finer.offset..finer.offset + finer.len).filter(move |&part| {
            let of_part = self.grid.positions(finer, part);
            let told = positions.iter().zip(&of_part).enumerate().filter(|(axis, _)| block.mask & (1 << axis) != 0);
            told.into_iter().all(|(_, (one, other))| one == other)
        })
    }
}
