//! Quantiles of a distribution of which some bins may be hidden.

use optelsom_codebook::{Axis, AxisValue, Bin, Probability};

use super::ProtectError;
use crate::cell::{Bounds, CellValue};
use crate::decimal::Decimal;

const MILLION: i128 = 1_000_000;

/// The bin that holds the quantile among rows with a value: the first one up to which at least p of them lie.
///
/// Hidden when fewer than k rows have a value, when its bin holds fewer than k, or when other counts in the hidden bins,
/// from 1 to k − 1 each, could put the quantile elsewhere: then it would tell something of them.
pub(super) fn quantile(
    axis: &Axis,
    counts: &[i64],
    probability: Probability,
    k: i64,
    decimals: u32,
) -> Result<CellValue, ProtectError> {
    let mut bins = Vec::with_capacity(counts.len());
    for (code, &count) in axis.codes().iter().zip(counts) {
        let AxisValue::Bin(bin) = code.value() else { return Err(ProtectError::Shape) };
        if bin != Bin::Missing {
            bins.push((bin, count));
        }
    }
    let counts: Vec<i64> = bins.iter().map(|&(_, count)| count).collect();
    match holder(&counts, probability, k) {
        Holder::NoValues => Ok(CellValue::NotApplicable),
        Holder::Hidden => Ok(CellValue::HiddenTooFew),
        Holder::Bin(at) => {
            let bounds = bins.get(at).and_then(|&(bin, _)| bounds(bin, decimals)).ok_or(ProtectError::Shape)?;
            Ok(CellValue::Within(bounds))
        }
    }
}

fn bounds(bin: Bin, decimals: u32) -> Option<Bounds> {
    let edge = |scaled| Decimal::from_scaled(scaled, decimals);
    match bin {
        Bin::Below { upper } => edge(upper).map(Bounds::Below),
        Bin::Between { lower, upper } => Some(Bounds::Between(edge(lower)?, edge(upper)?)),
        Bin::Above { lower } => edge(lower).map(Bounds::From),
        Bin::Missing => None,
    }
}

/// Where the quantile lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    NoValues,
    Hidden,
    Bin(usize),
}

fn holder(counts: &[i64], probability: Probability, k: i64) -> Holder {
    let total: i128 = counts.iter().map(|&count| i128::from(count)).sum();
    if total == 0 {
        return Holder::NoValues;
    }
    let true_count = |_: usize, count: i64| count;
    let Some(at) = (0..counts.len()).find(|&at| reaches(counts, at, probability, true_count)) else {
        return Holder::NoValues;
    };
    if total < i128::from(k) || counts.get(at).is_none_or(|&count| count < k) {
        return Holder::Hidden;
    }
    // More below moves it down, more above moves it up: the two extremes stand for all other counts.
    let hidden = |count: i64| 0 < count && count < k;
    let highest = |bin: usize, count: i64| {
        if !hidden(count) {
            count
        } else if bin <= at {
            1
        } else {
            k - 1
        }
    };
    let lowest = |bin: usize, count: i64| {
        if !hidden(count) {
            count
        } else if bin < at {
            k - 1
        } else {
            1
        }
    };
    let never_higher = reaches(counts, at, probability, highest);
    let never_lower = at.checked_sub(1).is_none_or(|before| !reaches(counts, before, probability, lowest));
    if never_higher && never_lower { Holder::Bin(at) } else { Holder::Hidden }
}

/// Whether at least p of all rows lie in the bins up to `at`, if bins held what `count` says.
fn reaches(counts: &[i64], at: usize, probability: Probability, count: impl Fn(usize, i64) -> i64) -> bool {
    let p = i128::from(probability.millionths());
    let (mut below, mut total) = (0_i128, 0_i128);
    for (bin, &true_count) in counts.iter().enumerate() {
        let count = i128::from(count(bin, true_count));
        total += count;
        if bin <= at {
            below += count;
        }
    }
    below * MILLION >= p * total && below > 0
}

#[cfg(test)]
mod tests;
