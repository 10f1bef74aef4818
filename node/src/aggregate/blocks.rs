//! Which blocks are counted, and how the others follow from them.

use optelsom_codebook::{Block, Column, Plan};
use optelsom_secagg::OutOfBounds;
use zeroize::Zeroizing;

use super::AggregateError;
use super::sums::Sums;

/// Where the cells of a block come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// From the rows.
    Counted,
    /// From another block, by adding over the axes that this one leaves out. Each row has one position on those, so it
    /// is added once.
    Derived { from: usize },
}

/// The way to each block. Rows with several positions on an axis would be added more than once over it, so a block
/// follows only from one that has the same multiple-valued axes; of those from the smallest.
pub(super) fn routes(plan: &Plan) -> Vec<Route> {
    let multiple = |block: &Block| -> Vec<usize> {
        let is_multiple = |axis: &&usize| plan.axes().get(**axis).is_some_and(|axis| axis.multiple());
        block.axes().iter().filter(is_multiple).copied().collect()
    };
    let blocks = plan.blocks();
    let route = |block: &Block| {
        let finer = blocks.iter().enumerate().filter(|(_, other)| {
            other.axes().len() > block.axes().len()
                && block.axes().iter().all(|axis| other.axes().contains(axis))
                && multiple(other) == multiple(block)
        });
        match finer.min_by_key(|(_, other)| other.len()) {
            Some((from, _)) => Route::Derived { from },
            None => Route::Counted,
        }
    };
    blocks.iter().map(route).collect()
}

/// All columns of all blocks, in the plan's order of cells.
pub(super) fn assemble(
    plan: &Plan,
    routes: &[Route],
    counted: Vec<Vec<Sums>>,
) -> Result<Vec<Vec<i64>>, AggregateError> {
    let mut columns = Zeroizing::new(Vec::with_capacity(plan.columns().len()));
    let mut by_column: Vec<Vec<Sums>> = super::counted(plan).map(|_| Vec::new()).collect();
    for block in counted {
        by_column.iter_mut().zip(block).for_each(|(column, sums)| column.push(sums));
    }
    let mut by_column = by_column.into_iter();
    for (column, kind) in plan.columns().iter().enumerate() {
        if let Some(source) = kind.follows_from() {
            let cells =
                presence(plan, &columns, source).ok_or(AggregateError::Bug("a column that follows from none"))?;
            columns.push(cells);
            continue;
        }
        let sums = by_column.next().ok_or(AggregateError::Bug("a column that was not counted"))?;
        // Until the table takes them over, the figures are wiped when an error lets go of them.
        let mut cells = Zeroizing::new(vec![0; plan.cell_count()]);
        let too_large = |cell| AggregateError::OutOfBounds(OutOfBounds::Cell { column, cell });
        let mut sums = sums.into_iter();
        for (block, _) in plan.blocks().iter().zip(routes).filter(|(_, route)| **route == Route::Counted) {
            let found = sums.next().ok_or(AggregateError::Bug("a block that was not counted"))?;
            let found = found.into_cells().map_err(|at| too_large(block.offset() + at))?;
            if let Some(place) = cells.get_mut(block.cells()).filter(|place| place.len() == found.len()) {
                place.copy_from_slice(&found);
            }
        }
        // Finest first, so what a block is derived from is there before it.
        for (at, route) in routes.iter().enumerate() {
            if let Route::Derived { from } = route {
                derive(plan, &mut cells, *from, at).map_err(too_large)?;
            }
        }
        columns.push(std::mem::take(&mut *cells));
    }
    Ok(std::mem::take(&mut *columns))
}

/// One in each cell in which this supplier has anything. A total over cells is no sum of these: the supplier is one.
fn presence(plan: &Plan, columns: &[Vec<i64>], source: Column) -> Option<Vec<i64>> {
    let at = plan.columns().iter().position(|column| *column == source)?;
    Some(columns.get(at)?.iter().map(|&count| i64::from(count != 0)).collect())
}

/// Adds the cells of one block to those of a coarser one; `Err` with the cell that overflows.
fn derive(plan: &Plan, cells: &mut [i64], from: usize, to: usize) -> Result<(), usize> {
    let (Some(finer), Some(coarser)) = (plan.blocks().get(from), plan.blocks().get(to)) else { return Ok(()) };
    // The distance in the coarser block for one step on each of the finer block's axes.
    let strides: Vec<usize> = finer
        .axes()
        .iter()
        .map(|axis| {
            let place = coarser.axes().iter().position(|kept| kept == axis);
            place.and_then(|place| coarser.strides().get(place).copied()).unwrap_or(0)
        })
        .collect();
    let mut positions = vec![0usize; strides.len()];
    let mut target = coarser.offset();
    for source in finer.cells() {
        let value = cells.get(source).copied().unwrap_or(0);
        if let Some(cell) = cells.get_mut(target) {
            *cell = cell.checked_add(value).ok_or(target)?;
        }
        // Step to the next cell: the last axis is the quickest.
        for ((position, &radix), &stride) in positions.iter_mut().zip(finer.radices()).zip(&strides).rev() {
            *position += 1;
            target += stride;
            if *position < radix {
                break;
            }
            target -= stride * radix;
            *position = 0;
        }
    }
    Ok(())
}
