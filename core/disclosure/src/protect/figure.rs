//! One figure of one cell: exact, rounded once, hidden with what it rests on.

use optelsom_codebook::{Output, OutputKind, Plan};

use super::ProtectError;
use super::hide::{Hidden, shown_as};
use super::quantile::quantile;
use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::suppress::Mark;

/// The totals of a plan, opened.
pub(super) struct Opened<'t> {
    pub(super) plan: &'t Plan,
    pub(super) columns: &'t [Vec<i64>],
    /// k: more than none and fewer than this are hidden.
    pub(super) k: i64,
    /// What counts are rounded to a multiple of.
    pub(super) rounding: Option<i64>,
    pub(super) hidden: &'t Hidden,
}

/// What a measure's figures are made of, in one cell.
struct Values {
    present: i64,
    sum: i128,
}

impl Opened<'_> {
    /// What this figure says of this cell, which stands in block `block`.
    pub(super) fn figure(&self, output: &Output, block: usize, cell: usize) -> Result<CellValue, ProtectError> {
        let count = self.at(0, cell)?;
        if let Some(hidden) = self.hidden.rows(cell) {
            return Ok(hidden);
        }
        match output.kind() {
            OutputKind::Count { .. } => Ok(self.count(count)),
            OutputKind::Sum { measure, column, present } => {
                let scale = self.scale(*measure, 1)?;
                self.of_values(output, *measure, cell, *column, *present, |values| Some((values.sum, scale)))
            }
            OutputKind::NoisedSum { .. } => Err(ProtectError::Noised),
            OutputKind::Mean { measure, sum, present } => {
                let scale = self.scale(*measure, 1)?;
                self.of_values(output, *measure, cell, *sum, *present, |values| {
                    Some((values.sum, i128::from(values.present).checked_mul(scale)?))
                })
            }
            OutputKind::Variance { measure, sum, squares, present, population }
            | OutputKind::StandardDeviation { measure, sum, squares, present, population } => {
                let scale = self.scale(*measure, 2)?;
                let squares = i128::from(self.at(*squares, cell)?);
                self.of_values(output, *measure, cell, *sum, *present, |values| {
                    variance(values, squares, scale, *population)
                })
            }
            OutputKind::Share { margins, .. } => self.share(output, count, margins, block, cell),
            OutputKind::Quantile { measure, axis, probability, distributions, .. } => {
                let distribution = distributions.get(block).copied().flatten().ok_or(ProtectError::Shape)?;
                let cells = self.plan.along(cell, distribution, *axis).ok_or(ProtectError::Shape)?;
                let counts = cells.into_iter().map(|cell| self.at(0, cell)).collect::<Result<Vec<_>, _>>()?;
                let axis = self.plan.axes().get(*axis).ok_or(ProtectError::Shape)?;
                let measure = self.plan.dataset().measures().get(*measure).ok_or(ProtectError::Shape)?;
                quantile(axis, &counts, *probability, self.k, measure.decimals())
            }
        }
    }

    /// What the cells of these blocks say of a column of counts.
    pub(super) fn counts(
        &self,
        blocks: &[usize],
        column: usize,
        marks: &[Mark],
    ) -> Result<Vec<CellValue>, ProtectError> {
        let cells = blocks.iter().filter_map(|&at| self.plan.blocks().get(at)).flat_map(|block| block.cells());
        let of_cell = |cell: usize| {
            let count = self.at(column, cell)?;
            Ok(shown_as(marks.get(cell).copied()).unwrap_or_else(|| self.count(count)))
        };
        cells.map(of_cell).collect()
    }

    fn count(&self, count: i64) -> CellValue {
        match self.rounding {
            _ if count == 0 => CellValue::TrueZero(Decimal::whole(0)),
            Some(_) => CellValue::Rounded(Decimal::whole(self.rounded(count))),
            None => CellValue::Shown(Decimal::whole(count)),
        }
    }

    fn at(&self, column: usize, cell: usize) -> Result<i64, ProtectError> {
        self.columns.get(column).and_then(|column| column.get(cell)).copied().ok_or(ProtectError::Shape)
    }

    /// The nearest multiple of the base, half a base up.
    fn rounded(&self, count: i64) -> i64 {
        self.rounding.map_or(count, |base| count.saturating_add(base / 2) / base * base)
    }

    /// 10^(decimals · power) of a measure.
    fn scale(&self, measure: usize, power: u32) -> Result<i128, ProtectError> {
        let measure = self.plan.dataset().measures().get(measure).ok_or(ProtectError::Shape)?;
        10_i128.checked_pow(measure.decimals() * power).ok_or(ProtectError::Shape)
    }

    /// A figure of a measure's values, given as a ratio; of its root for a standard deviation.
    fn of_values(
        &self,
        output: &Output,
        measure: usize,
        cell: usize,
        sum: usize,
        present: usize,
        ratio: impl FnOnce(&Values) -> Option<(i128, i128)>,
    ) -> Result<CellValue, ProtectError> {
        let values = Values { present: self.at(present, cell)?, sum: i128::from(self.at(sum, cell)?) };
        if let Some(hidden) = self.hidden.values(measure, cell) {
            return Ok(hidden);
        }
        let is_sum = matches!(output.kind(), OutputKind::Sum { .. });
        if values.present == 0 {
            // The sum over no rows is nought; over rows whose values nobody knows it is not known.
            let no_rows = self.at(0, cell)? == 0;
            let zero = Decimal::from_scaled(0, output.decimals()).filter(|_| is_sum && no_rows);
            return Ok(zero.map_or(CellValue::NotApplicable, CellValue::TrueZero));
        }
        let round = match output.kind() {
            OutputKind::StandardDeviation { .. } => Decimal::root_of_ratio,
            _ => Decimal::ratio,
        };
        ratio(&values)
            .and_then(|(numerator, denominator)| round(numerator, denominator, output.decimals()))
            .map(CellValue::Shown)
            .ok_or_else(|| ProtectError::TooLarge(output.name().to_owned()))
    }

    fn share(
        &self,
        output: &Output,
        count: i64,
        margins: &[Option<usize>],
        block: usize,
        cell: usize,
    ) -> Result<CellValue, ProtectError> {
        let margin = margins.get(block).copied().flatten().ok_or(ProtectError::Shape)?;
        let margin = self.plan.project(cell, margin).ok_or(ProtectError::Shape)?;
        if let Some(hidden) = self.hidden.rows(margin) {
            return Ok(hidden);
        }
        // A share of exact counts would undo the rounding.
        let (count, margin) = (self.rounded(count), self.rounded(self.at(0, margin)?));
        if margin == 0 {
            return Ok(CellValue::NotApplicable);
        }
        let share = Decimal::ratio(i128::from(count), i128::from(margin), output.decimals());
        let share = share.ok_or_else(|| ProtectError::TooLarge(output.name().to_owned()))?;
        Ok(if count == 0 { CellValue::TrueZero(share) } else { CellValue::Shown(share) })
    }
}

/// (n·Σx² − (Σx)²) / (n·(n − 1)), or n² below the line for a population. `squares` is scaled by 10^(2·decimals), as is
/// the square of the sum.
fn variance(values: &Values, squares: i128, scale: i128, population: bool) -> Option<(i128, i128)> {
    let n = i128::from(values.present);
    let numerator = n.checked_mul(squares)?.checked_sub(values.sum.checked_mul(values.sum)?)?;
    let divisor = if population { n } else { n - 1 };
    Some((numerator, n.checked_mul(divisor)?.checked_mul(scale)?))
}
