//! The p% rule: no row may be guessed from a sum, by whoever knows the second largest, to within p percent.
//!
//! A sum T is safe when all rows but the two largest, x₁ and x₂, make up at least p percent of x₁. Nobody knows x₁ and x₂
//! of all suppliers together. What is opened is Q, the sum of the squares, and for any rows x₁ ≤ √Q and x₁ + x₂ ≤ √(2Q).
//! So a sum with T − √(2Q) ≥ p/100 · √Q is safe for certain, and any other is hidden. The largest row may turn out to be
//! smaller than feared: then more is hidden than the rule asks, and never less.

use optelsom_codebook::{Column, Plan};

use super::ProtectError;
use super::hide::find;
use crate::policy::Policy;
use crate::suppress::Mark;

/// Marks the open cells of which one row may make up too much of a measure's sum.
pub(super) fn mark(
    plan: &Plan,
    policy: &Policy,
    columns: &[Vec<i64>],
    measure: usize,
    marks: &mut [Mark],
) -> Result<(), ProtectError> {
    let Some(percent) = policy.dominance_percent() else { return Ok(()) };
    let squares = find(plan, columns, Column::SumOfSquares { measure }).ok_or(ProtectError::Shape)?;
    let sums = find(plan, columns, Column::Sum { measure }).ok_or(ProtectError::Shape)?;
    for ((mark, &sum), &squares) in marks.iter_mut().zip(sums).zip(squares) {
        if *mark == Mark::Open && squares > 0 && !is_safe(sum, squares, percent) {
            *mark = Mark::Dominated;
        }
    }
    Ok(())
}

/// |T| − √(2Q) ≥ p/100 · √Q, in whole numbers and rounded to the safe side.
fn is_safe(sum: i64, squares: i64, percent: u64) -> bool {
    let (total, squares) = (u128::from(sum.unsigned_abs()), u128::from(squares.unsigned_abs()));
    // √Q times 10⁴, rounded up: below 2^46, so that no product overflows.
    let root = |number: u128| (number * 100_000_000).isqrt() + 1;
    total * 1_000_000 >= root(2 * squares) * 100 + root(squares) * u128::from(percent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn safe(values: &[i64], percent: u64) -> bool {
        is_safe(values.iter().sum(), values.iter().map(|value| value * value).sum(), percent)
    }

    #[test]
    fn what_one_row_dominates_is_not_safe() {
        assert!(!safe(&[100], 10));
        assert!(!safe(&[100, 90], 10));
        assert!(!safe(&[100, 1, 1, 1, 1, 1, 1, 1, 1, 1], 10));
        assert!(!safe(&[60, 35, 1, 1, 1, 1, 1], 10));
        assert!(safe(&[10; 10], 10));
        assert!(safe(&[50].iter().copied().chain([1; 50]).collect::<Vec<_>>(), 10));
    }

    proptest! {
        /// Never safe where the rule itself says that it is not.
        #[test]
        fn as_strict_as_the_rule(mut values in prop::collection::vec(0_i64..1 << 20, 1..40), percent in 1_u64..=100) {
            let total: i64 = values.iter().sum();
            values.sort_unstable_by(|a, b| b.cmp(a));
            let (first, second) = (values[0], values.get(1).copied().unwrap_or(0));
            let breaks = i128::from(total - first - second) * 100 < i128::from(first) * i128::from(percent);
            prop_assert!(!breaks || first == 0 || !safe(&values, percent));
        }
    }
}
