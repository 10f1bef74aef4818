//! Counts that might be the true ones, checked against all that is shown. Whole numbers, no rounding.

use std::collections::BTreeMap;

use super::Attack;

/// Counts that fit everything shown.
pub(super) struct Candidate {
    values: Vec<i64>,
    /// What the terms of each equation add up to.
    sums: Vec<i64>,
}

impl Attack {
    /// The counts of all rows, if they fit what is shown.
    pub(super) fn candidate(&self, rows: &[i64]) -> Option<Candidate> {
        if rows.len() != self.rows {
            return None;
        }
        let mut values: Vec<Option<i64>> = rows.iter().copied().map(Some).collect();
        values.resize(self.cells.len(), None);
        // Sub-totals that are not shown follow from their parts.
        while self.fill(&mut values) {}
        let values = values.into_iter().collect::<Option<Vec<i64>>>()?;
        let sums = self.equations.iter().map(|equation| {
            let terms = equation.terms.iter();
            terms.map(|&(cell, sign)| i64::from(sign) * values.get(cell as usize).copied().unwrap_or(0)).sum()
        });
        let sums: Vec<i64> = sums.collect();
        let fits = self.cells.iter().zip(&values).all(|(known, &value)| known.admits(value));
        let adds_up = self.equations.iter().zip(&sums).all(|(equation, &sum)| equation.holds(sum));
        (fits && adds_up).then_some(Candidate { values, sums })
    }

    /// Fills in totals whose parts are all known; whether there were any.
    fn fill(&self, values: &mut [Option<i64>]) -> bool {
        let mut filled = false;
        for equation in self.equations.iter().filter(|equation| equation.exact) {
            let Some((&(total, _), parts)) = equation.terms.split_first() else { continue };
            if values.get(total as usize).is_some_and(Option::is_none) {
                let parts = parts.iter().map(|&(cell, _)| values.get(cell as usize).copied().flatten());
                let sum = parts.sum::<Option<i64>>();
                filled |= sum.is_some();
                if let Some(slot) = values.get_mut(total as usize) {
                    *slot = sum;
                }
            }
        }
        filled
    }

    /// Whether the candidate with these changes, row by row, fits as well.
    pub(super) fn fits(&self, candidate: &Candidate, change: &[(usize, i64)]) -> bool {
        let mut moved: BTreeMap<u32, i64> = BTreeMap::new();
        let mut changed: BTreeMap<usize, i64> = BTreeMap::new();
        for &(row, by) in change {
            *changed.entry(row).or_default() += by;
        }
        if changed.len() != change.len() {
            return false;
        }
        for (&row, &by) in &changed {
            let (Some(known), Some(value), Some(touching)) =
                (self.cells.get(row), candidate.values.get(row), self.touching.get(row))
            else {
                return false;
            };
            if row >= self.rows || !known.admits(value + by) {
                return false;
            }
            for &at in touching {
                let equation = self.equations.get(at as usize);
                let sign = equation.and_then(|equation| equation.sign_of(row));
                *moved.entry(at).or_default() += by * i64::from(sign.unwrap_or(0));
            }
        }
        moved.iter().all(|(&at, &by)| {
            let equation = self.equations.get(at as usize);
            let sum = candidate.sums.get(at as usize);
            equation.zip(sum).is_some_and(|(equation, sum)| equation.holds(sum + by))
        })
    }
}

impl super::Equation {
    fn holds(&self, sum: i64) -> bool {
        if self.exact { sum == 0 } else { sum >= 0 }
    }

    /// The total stands first, the parts after it all have the other sign.
    fn sign_of(&self, cell: usize) -> Option<i8> {
        let &(total, sign) = self.terms.first()?;
        Some(if total as usize == cell { sign } else { -sign })
    }
}
