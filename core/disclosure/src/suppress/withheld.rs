//! The safe and coarse ways, for when no pattern is found or the attacker opens it.

use super::grid::{Axes, Grid};
use super::moves::cell_at;
use super::{Mark, Move, Pattern, Suppression};

/// All margins are withheld, zeros among them; the finest blocks show what is given.
pub(super) fn margins(suppression: &Suppression<'_>, given: &[Mark]) -> Pattern {
    let Suppression { grid, values, rule, ranges } = suppression;
    let mut marks = given.to_vec();
    let is_top = |at: usize| grid.tops.iter().any(|top| top.block == at);
    for (_, block) in grid.blocks.iter().enumerate().filter(|(at, _)| !is_top(*at)) {
        if let Some(marks) = marks.get_mut(block.offset..block.offset + block.len) {
            marks.fill(Mark::Protects);
        }
    }
    let moves = grid.tops.iter().flat_map(|top| {
        let Some(finest) = grid.blocks.get(top.block) else { return Vec::new() };
        let hidden = (finest.offset..finest.offset + finest.len)
            .filter(|&cell| given.get(cell).is_some_and(|mark| *mark != Mark::Open));
        let to_margins = hidden.flat_map(|cell| {
            let positions = grid.positions(finest, cell);
            let mark = given.get(cell).copied().unwrap_or(Mark::Open);
            let value = values.get(cell).copied().unwrap_or(0);
            let (width, rises) = match ranges {
                Some(ranges) => {
                    let width = ranges.widths.get(cell).copied().unwrap_or(0);
                    (width, ranges.admits(cell, value + width))
                }
                None => {
                    let width = rule.width_of(mark, value);
                    (width, mark != Mark::TooFew || value + width < rule.k)
                }
            };
            let by = if rises { width } else { -width };
            [0, grid.multiple & finest.mask].map(|still| moved(grid, &top.parts, &positions, still, by))
        });
        to_margins.collect()
    });
    Pattern { moves: moves.collect(), marks }
}

/// Rows are added at one place; the blocks with all axes of `still` change.
fn moved(grid: &Grid, parts: &[usize], positions: &[usize], still: Axes, by: i64) -> Move {
    let blocks = parts.iter().filter_map(|&part| grid.blocks.get(part));
    blocks.filter(|block| block.mask & still == still).map(|block| (cell_at(block, positions), by)).collect()
}

/// Nothing is shown.
pub(super) fn everything(suppression: &Suppression<'_>, given: &[Mark]) -> Pattern {
    let Suppression { grid, rule, .. } = suppression;
    let mut marks = given.to_vec();
    for block in &grid.blocks {
        for mark in marks.iter_mut().skip(block.offset).take(block.len) {
            // Where *too few* says nothing of the least there may be, it can stay.
            if rule.least_few > 0 || *mark == Mark::Open {
                *mark = Mark::Protects;
            }
        }
    }
    Pattern { marks, moves: Vec::new() }
}
