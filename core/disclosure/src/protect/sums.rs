//! How closely a hidden sum may become known: not to less than so many percent of it.
//!
//! A sum of n values, each from the measure's minimum to its maximum, lies between n times the one and n times the other;
//! what is shown beside it narrows that down. Less n times the minimum, sums are as counts are: never below nought, and
//! their parts add up in the same way. So the same search finds what has to be hidden, and the same attacker checks it.
//! Both take it that everybody knows how many values a hidden sum is made of, whether that is shown or not.

use optelsom_codebook::{Column, Plan};

use super::ProtectError;
use super::hide::find;
use crate::policy::Policy;
use crate::suppress::Ranges;

/// Beyond this, sums are not looked at: none of the measure is shown beside a hidden one.
const LARGEST: i128 = 1 << 50;

/// The sums of one measure, less what they are at the least.
pub(super) struct Sums {
    /// Per cell of the plan.
    pub(super) above_least: Vec<i64>,
    ceilings: Vec<i64>,
    widths: Vec<i64>,
}

impl Sums {
    /// The sums of a measure of which so many values are `present`; none where there are no sums, or they are too large to
    /// be looked at.
    pub(super) fn new(
        plan: &Plan,
        policy: &Policy,
        columns: &[Vec<i64>],
        (measure, present): (usize, &[i64]),
    ) -> Result<Option<Self>, ProtectError> {
        let definition = plan.dataset().measures().get(measure).ok_or(ProtectError::Shape)?;
        let sums = find(plan, columns, Column::Sum { measure }).ok_or(ProtectError::Shape)?;
        let (least, most) = (i128::from(definition.minimum()), i128::from(definition.maximum()));
        let percent = u128::from(policy.protection_percent());
        let mut made = Self { above_least: Vec::new(), ceilings: Vec::new(), widths: Vec::new() };
        for (&sum, &values) in sums.iter().zip(present) {
            let ceiling = i128::from(values) * (most - least);
            if ceiling > LARGEST {
                return Ok(None);
            }
            let part = (u128::from(sum.unsigned_abs()) * percent).div_ceil(100).max(1);
            // More than half of what is possible at all cannot be asked for in every place.
            let width = i128::try_from(part).unwrap_or(i128::MAX).min(ceiling / 2);
            let whole = |number: i128| i64::try_from(number).map_err(|_| ProtectError::Shape);
            made.above_least.push(whole(i128::from(sum) - i128::from(values) * least)?);
            made.ceilings.push(whole(ceiling)?);
            made.widths.push(whole(width)?);
        }
        Ok(Some(made))
    }

    pub(super) fn ranges(&self) -> Ranges<'_> {
        Ranges { ceilings: &self.ceilings, widths: &self.widths }
    }
}

#[cfg(test)]
mod tests;
