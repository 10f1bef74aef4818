//! What else is hidden for cells that the attacker opens all the same.

use super::grid::Block;
use super::moves::cell_at;
use super::{Mark, Suppression};

impl Suppression<'_> {
    /// Hides one more cell for each of these: of those beside it, above it and below it the one that is rather
    /// hidden than others. Less is
    /// known of all cells then. `false` where there is nothing left to hide.
    pub(crate) fn loosen(&self, marks: &mut [Mark], opened: &[usize]) -> bool {
        let before = marks.to_vec();
        for &cell in opened {
            let around = self.around(cell);
            // What was hidden for another one may do for this one.
            let changed = around.iter().any(|&other| before.get(other) != marks.get(other));
            if changed {
                continue;
            }
            let candidates = around.into_iter().filter(|&other| self.can_be_hidden(marks, other));
            // One that stands alone in a line would be opened in its turn.
            let rank = |&other: &usize| (self.grid.parts(other), self.alone(marks, other), self.grid.preference(other));
            let chosen = candidates.min_by_key(rank);
            if let Some(mark) = chosen.and_then(|other| marks.get_mut(other)) {
                *mark = Mark::Protects;
            }
        }
        before != *marks
    }

    fn can_be_hidden(&self, marks: &[Mark], cell: usize) -> bool {
        let has_rows = self.values.get(cell).is_some_and(|&value| value > 0 && value >= self.rule.least_other);
        has_rows && marks.get(cell) == Some(&Mark::Open) && !self.grid.known.contains(&cell)
    }

    /// Along how many axes everything but this cell is shown.
    fn alone(&self, marks: &[Mark], cell: usize) -> usize {
        let Some(block) = self.grid.block_of(cell) else { return 0 };
        let positions = self.grid.positions(block, cell);
        let is_open = |other: usize| marks.get(other) == Some(&Mark::Open);
        let axes = block.axes.iter().filter(|&&axis| {
            let total = self.grid.blocks.iter().find(|other| other.mask == block.mask & !(1 << axis));
            let total = total.map(|total| cell_at(total, &positions));
            total.is_none_or(is_open) && self.along_axis(block, &positions, axis).all(is_open)
        });
        axes.count()
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
        block.axes.iter().flat_map(move |&axis| self.along_axis(block, positions, axis))
    }

    fn along_axis<'p>(
        &'p self,
        block: &'p Block,
        positions: &'p [usize],
        axis: usize,
    ) -> impl Iterator<Item = usize> + 'p {
        let length = self.grid.lengths.get(axis).copied().unwrap_or(0);
        let here = positions.get(axis).copied();
        (0..length).filter(move |&position| Some(position) != here).map(move |position| {
            let mut other = positions.to_vec();
            self.grid.set(&mut other, axis, position);
            cell_at(block, &other)
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
