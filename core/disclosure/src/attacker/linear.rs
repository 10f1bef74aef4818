//! The narrowest interval of one cell, by linear programming over the cells that it depends on.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use thiserror::Error;

use super::Attack;

/// The solver's answers are exact to less than this.
const TOLERANCE: f64 = 1e-5;

/// The narrowest interval of a count: whole numbers, both ends included; `None` where it is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least it can be.
    pub lower: i64,
    /// The most it can be.
    pub upper: Option<i64>,
}

/// What was found out of a row.
pub(super) struct Solved {
    pub(super) interval: Interval,
    /// Whether the solver's answer for an end is one of counts: whole numbers, all of them, so that nobody can rule it out
    /// by looking for whole numbers alone.
    lower_is_whole: bool,
    upper_is_whole: bool,
}

impl Solved {
    /// Whether two tables in whole numbers are so far apart, of which the true one may be one.
    pub(super) fn is_as_wide_as(&self, width: i64, truth: i64) -> bool {
        let Interval { lower, upper } = self.interval;
        let below = if self.lower_is_whole { lower } else { truth };
        let above = if self.upper_is_whole { upper } else { Some(truth) };
        above.is_none_or(|above| above - below >= width)
    }
}

impl Interval {
    /// Whether its ends are at least so far apart.
    pub fn is_as_wide_as(self, width: i64) -> bool {
        self.upper.is_none_or(|upper| upper - self.lower >= width)
    }
}

/// Nothing fits what is shown, or the solver failed: nothing follows from it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the table contradicts itself, or cannot be solved: this is a bug")]
pub struct Inconsistent;

/// One end of an interval as the solver found it.
struct End {
    value: f64,
    in_whole_numbers: bool,
}

/// Cells that depend on each other, and what binds them.
pub(super) struct Component {
    pub(super) unknowns: BTreeSet<u32>,
    equations: BTreeSet<u32>,
}

impl Attack {
    /// All unknown cells that a change of this row can reach.
    pub(super) fn component(&self, row: usize) -> Component {
        let mut component = Component { unknowns: BTreeSet::new(), equations: BTreeSet::new() };
        let mut waiting: Vec<u32> = u32::try_from(row).into_iter().collect();
        while let Some(cell) = waiting.pop() {
            let unknown = self.cells.get(cell as usize).is_some_and(|known| known.value().is_none());
            if !unknown || !component.unknowns.insert(cell) {
                continue;
            }
            for &at in self.touching.get(cell as usize).into_iter().flatten() {
                if component.equations.insert(at) {
                    let terms = self.equations.get(at as usize).into_iter().flat_map(|equation| &equation.terms);
                    waiting.extend(terms.map(|&(other, _)| other));
                }
            }
        }
        component
    }

    pub(super) fn solve(&self, component: &Component, row: usize) -> Result<Solved, Inconsistent> {
        let known = self.cells.get(row).ok_or(Inconsistent)?;
        if let Some(value) = known.value() {
            let interval = Interval { lower: value, upper: Some(value) };
            return Ok(Solved { interval, lower_is_whole: true, upper_is_whole: true });
        }
        let lower = self.extreme(component, row, OptimizationDirection::Minimize)?.ok_or(Inconsistent)?;
        let upper = self.extreme(component, row, OptimizationDirection::Maximize)?;
        let interval = Interval {
            lower: whole((lower.value - TOLERANCE).ceil())?,
            upper: upper.as_ref().map(|upper| whole((upper.value + TOLERANCE).floor())).transpose()?,
        };
        let upper_is_whole = upper.is_none_or(|upper| upper.in_whole_numbers);
        Ok(Solved { interval, lower_is_whole: lower.in_whole_numbers, upper_is_whole })
    }

    /// The least or the most that the row can be; `None` if there is no such bound.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn extreme(
        &self,
        component: &Component,
        row: usize,
        direction: OptimizationDirection,
    ) -> Result<Option<End>, Inconsistent> {
        let mut problem = Problem::new(direction);
        let mut variables = BTreeMap::new();
        for &cell in &component.unknowns {
            let known = self.cells.get(cell as usize).ok_or(Inconsistent)?;
            let range = (known.lower as f64, known.upper.map_or(f64::INFINITY, |upper| upper as f64));
            let wanted = f64::from(u8::from(cell as usize == row));
            variables.insert(cell, problem.add_var(wanted, range));
        }
        for &at in &component.equations {
            let equation = self.equations.get(at as usize).ok_or(Inconsistent)?;
            let mut constant = 0;
            let mut terms = Vec::new();
            for &(cell, sign) in &equation.terms {
                match variables.get(&cell) {
                    Some(&variable) => terms.push((variable, f64::from(sign))),
                    None => {
                        let value = self.cells.get(cell as usize).and_then(|known| known.value());
                        constant += i64::from(sign) * value.ok_or(Inconsistent)?;
                    }
                }
            }
            let operator = if equation.exact { ComparisonOp::Eq } else { ComparisonOp::Ge };
            problem.add_constraint(terms.as_slice(), operator, -constant as f64);
        }
        match problem.solve() {
            Ok(outcome) => {
                let solution = outcome.into_solution().map_err(|_| Inconsistent)?;
                let is_whole = |variable: &Variable| {
                    let value = solution.var_value(*variable);
                    (value - value.round()).abs() < TOLERANCE
                };
                let in_whole_numbers = variables.values().all(is_whole);
                Ok(Some(End { value: solution.objective(), in_whole_numbers }))
            }
            Err(microlp::Error::Unbounded) => Ok(None),
            Err(_) => Err(Inconsistent),
        }
    }
}

/// A whole number that the solver gave.
#[allow(clippy::cast_possible_truncation)] // within the range that is checked
fn whole(number: f64) -> Result<i64, Inconsistent> {
    if number.abs() < 9.0e15 { Ok(number as i64) } else { Err(Inconsistent) }
}
