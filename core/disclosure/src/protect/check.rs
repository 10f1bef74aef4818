//! Totals that no data can have are found before anything is made of them.

use optelsom_codebook::{Block, Column, Measure, Plan};

use super::ProtectError;

/// The columns of one measure, where the plan has them.
struct Moments<'t> {
    minimum: i64,
    maximum: i64,
    bound: u64,
    present: &'t [i64],
    sum: Option<&'t [i64]>,
    squares: Option<&'t [i64]>,
}

/// Checks, cell by cell, that counts are counts and that sums can be sums of so many values within their bounds.
pub(super) fn consistent(plan: &Plan, columns: &[Vec<i64>]) -> Result<(), ProtectError> {
    let find = |wanted: Column| {
        let at = plan.columns().iter().position(|column| *column == wanted)?;
        columns.get(at).map(Vec::as_slice)
    };
    let count = find(Column::Count).ok_or(ProtectError::Shape)?;
    if count.iter().any(|&count| count < 0) {
        return Err(ProtectError::Contradiction("a count below zero"));
    }
    adds_up(plan, columns)?;
    suppliers(plan, columns)?;
    for (measure, definition) in plan.dataset().measures().iter().enumerate() {
        let present = find(Column::Present { measure });
        if present.is_some_and(|present| present.iter().zip(count).any(|(&n, &count)| n < 0 || n > count)) {
            return Err(ProtectError::Contradiction("more values than rows"));
        }
        let (sum, squares) = (find(Column::Sum { measure }), find(Column::SumOfSquares { measure }));
        Moments::new(definition, present.unwrap_or(count), sum, squares).consistent()?;
    }
    Ok(())
}

/// The columns whose parts add up: a supplier with rows in two cells is still one.
fn additive<'c>(plan: &'c Plan, columns: &'c [Vec<i64>]) -> impl Iterator<Item = &'c Vec<i64>> {
    let columns = plan.columns().iter().zip(columns);
    columns.filter(|(column, _)| column.follows_from().is_none()).map(|(_, cells)| cells)
}

/// Checks that who is counted has something there, and that what is there was counted by somebody.
fn suppliers(plan: &Plan, columns: &[Vec<i64>]) -> Result<(), ProtectError> {
    for (column, suppliers) in plan.columns().iter().zip(columns) {
        let Some(source) = column.follows_from() else { continue };
        let source = plan.columns().iter().position(|column| *column == source).and_then(|at| columns.get(at));
        let counts = source.ok_or(ProtectError::Shape)?;
        if suppliers.iter().zip(counts).any(|(&n, &count)| n < 0 || n > count || (n == 0) != (count == 0)) {
            return Err(ProtectError::Contradiction("more suppliers than they counted, or fewer"));
        }
    }
    Ok(())
}

/// Checks that a total over single-valued axes is the sum of its parts, in every column.
fn adds_up(plan: &Plan, columns: &[Vec<i64>]) -> Result<(), ProtectError> {
    let single = |axis: &usize| plan.axes().get(*axis).is_some_and(|axis| !axis.multiple());
    for (at, coarse) in plan.blocks().iter().enumerate() {
        let is_total_of = |fine: &&Block| {
            fine.axes_told().len() > coarse.axes_told().len()
                && coarse.axes_told().iter().all(|axis| fine.axes_told().contains(axis))
                && fine.axes_told().iter().filter(|axis| !coarse.axes_told().contains(axis)).all(single)
        };
        for fine in plan.blocks().iter().filter(is_total_of) {
            for column in additive(plan, columns) {
                let mut left: Vec<i128> = column
                    .get(coarse.cells())
                    .ok_or(ProtectError::Shape)?
                    .iter()
                    .map(|&total| i128::from(total))
                    .collect();
                for cell in fine.cells() {
                    let total = plan.project(cell, at).ok_or(ProtectError::Shape)? - coarse.offset();
                    let part = column.get(cell).ok_or(ProtectError::Shape)?;
                    *left.get_mut(total).ok_or(ProtectError::Shape)? -= i128::from(*part);
                }
                if left.iter().any(|&left| left != 0) {
                    return Err(ProtectError::Contradiction("parts that do not add up to their total"));
                }
            }
        }
    }
    Ok(())
}

impl<'t> Moments<'t> {
    fn new(measure: &Measure, present: &'t [i64], sum: Option<&'t [i64]>, squares: Option<&'t [i64]>) -> Self {
        let (minimum, maximum, bound) = (measure.minimum(), measure.maximum(), measure.bound());
        Self { minimum, maximum, bound, present, sum, squares }
    }

    fn consistent(&self) -> Result<(), ProtectError> {
        let within = |(&n, &sum): (&i64, &i64)| {
            let (n, sum) = (i128::from(n), i128::from(sum));
            n * i128::from(self.minimum) <= sum && sum <= n * i128::from(self.maximum)
        };
        if let Some(sum) = self.sum
            && !self.present.iter().zip(sum).all(within)
        {
            return Err(ProtectError::Contradiction("a sum beyond its bounds"));
        }
        // n·Σx² ≥ (Σx)² holds for all numbers (Cauchy and Schwarz). Each side is below 2^126.
        let possible = |((&n, &sum), &squares): ((&i64, &i64), &i64)| {
            let (n, sum, squares) = (i128::from(n), i128::from(sum), i128::from(squares));
            let most = i128::from(self.bound).pow(2).saturating_mul(n);
            (0..=most).contains(&squares) && n * squares >= sum * sum
        };
        if let (Some(sum), Some(squares)) = (self.sum, self.squares)
            && !self.present.iter().zip(sum).zip(squares).all(possible)
        {
            return Err(ProtectError::Contradiction("a sum of squares that does not fit its sum"));
        }
        Ok(())
    }
}
