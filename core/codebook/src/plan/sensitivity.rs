//! How much one row can change what a plan adds up: what noise has to hide.

use super::{Axis, Block, Column, Plan, PlanError};
use crate::dataset::Measure;

/// The largest scale of noise, Δ/ε in units of the column: beyond it a share of noise might not fit the bound that keeps the
/// sum of a few thousand participants from wrapping. Within it that has a probability below 2^-180 in each cell.
const MOST_SCALE: u64 = 1 << 44;

impl Plan {
    /// Δ: the most that one row can change a column by, over all cells of all blocks together (L1). A row counts in one cell
    /// of each block, or in several along a multiple-valued variable, and adds at most the column's bound to each.
    pub fn sensitivity(&self, column: &Column) -> u64 {
        cells_of_a_row(self.blocks(), self.axes()).saturating_mul(column.row_bound(self))
    }

    /// Checks that the noise, if any is asked for, fits a sum.
    pub(super) fn check_noise(&self) -> Result<(), PlanError> {
        let Some(epsilon) = self.query.epsilon() else { return Ok(()) };
        for column in &self.columns {
            let parts = (self.columns.len() as u64).saturating_mul(1000);
            let scale = self.sensitivity(column).saturating_mul(parts) / u64::from(epsilon.thousandths());
            if scale > MOST_SCALE {
                let measure = column.measure().and_then(|at| self.dataset().measures().get(at)).map(Measure::name);
                let figure = measure.map_or_else(|| "count".to_owned(), |name| format!("sum_{name}"));
                return Err(PlanError::TooMuchNoise { figure });
            }
        }
        Ok(())
    }
}

/// The most cells that one row counts in.
fn cells_of_a_row(blocks: &[Block], axes: &[Axis]) -> u64 {
    let of_block = |block: &Block| {
        let of_axis = block.axes().iter().filter_map(|&axis| axes.get(axis)).map(Axis::most_positions_of_a_row);
        of_axis.fold(1_u64, u64::saturating_mul)
    };
    blocks.iter().map(of_block).fold(0, u64::saturating_add)
}
