//! What a question asks of each cell.

use super::error::QueryError;
use crate::dataset::Variable;
use crate::decimal::{DecimalError, format_decimal_short, parse_decimal};

/// A figure asked of each cell. Measures are given by their position in the dataset, axes by theirs in the query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// `COUNT(*)`: how many rows.
    Count,
    /// `SUM(x)` over the rows that have a value.
    Sum {
        /// The measure's position in the dataset.
        measure: usize,
    },
    /// `AVG(x)`: the mean over the rows that have a value.
    Mean {
        /// The measure's position in the dataset.
        measure: usize,
    },
    /// `VAR(x)`: the sample variance (n − 1), or `VAR_POP(x)`: that of the population (n).
    Variance {
        /// The measure's position in the dataset.
        measure: usize,
        /// Whether to divide by n instead of n − 1.
        population: bool,
    },
    /// `STDDEV(x)` or `STDDEV_POP(x)`: the square root of the variance.
    StandardDeviation {
        /// The measure's position in the dataset.
        measure: usize,
        /// Whether to divide by n instead of n − 1.
        population: bool,
    },
    /// `SHARE(COUNT(*), a, b)`: the count divided by that of the margin which keeps only the axes a and b.
    /// Along a multiple-valued variable shares add up to more than 1.
    Share {
        /// Positions of the axes that the margin keeps, sorted; none of them for the grand total.
        within: Vec<usize>,
    },
    /// `QUANTILE(x, p, edges…)`: the bin that holds the quantile. Its bounds are the precision.
    Quantile {
        /// The bins in which it is looked for.
        histogram: Histogram,
        /// Which quantile.
        probability: Probability,
    },
}

impl Figure {
    /// The position of the measure that the figure is about.
    pub fn measure(&self) -> Option<usize> {
        match self {
            Self::Count | Self::Share { .. } => None,
            Self::Sum { measure }
            | Self::Mean { measure }
            | Self::Variance { measure, .. }
            | Self::StandardDeviation { measure, .. } => Some(*measure),
            Self::Quantile { histogram, .. } => Some(histogram.measure),
        }
    }
}

/// Bins of a measure: below the first edge, `[e0, e1)` …, from the last edge on, and missing where that can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Histogram {
    pub(crate) measure: usize,
    pub(crate) edges: Vec<i64>,
}

impl Histogram {
    /// The measure's position in the dataset.
    pub fn measure(&self) -> usize {
        self.measure
    }

    /// The edges, ascending, scaled by 10^decimals of the measure; at least two.
    pub fn edges(&self) -> &[i64] {
        &self.edges
    }
}

/// What rows are broken down by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupAxis {
    /// A variable, by its position in the dataset, and which of its codes and groups.
    Variable(usize, Detail),
    /// Bins of a measure.
    Histogram(Histogram),
}

/// Which codes or groups of a variable an axis shows. Levels count from 1, the coarsest; a code on a coarser level than
/// the one asked stands for itself, so that every row has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// The codes that records carry.
    Codes,
    /// `LEVEL(x, 1)`: the groups of one level, which is not the finest.
    Level(u8),
}

impl GroupAxis {
    /// Whether this is a coarser level of the same variable: then the places of `other` lie within its own.
    pub(crate) fn is_coarser_level_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Variable(one, Detail::Level(coarse)), Self::Variable(two, detail)) if one == two => match detail {
                Detail::Codes => true,
                Detail::Level(level) => coarse < level,
            },
            _ => false,
        }
    }
}

/// A set of axes and all coarser levels of these: what rows broken down by the one are broken down by anyhow.
pub(crate) fn with_coarser_levels(axes: &[GroupAxis], set: &[usize]) -> Vec<usize> {
    let told = |(at, axis): &(usize, &GroupAxis)| {
        set.contains(at) || set.iter().filter_map(|&finer| axes.get(finer)).any(|finer| axis.is_coarser_level_of(finer))
    };
    axes.iter().enumerate().filter(told).map(|(at, _)| at).collect()
}

impl Detail {
    /// One level of a variable in normal form.
    pub(super) fn level(variable: &Variable, level: u8) -> Result<Self, QueryError> {
        let levels = variable.list().levels();
        if (1..=levels).contains(&level) {
            return Ok(if level == levels { Self::Codes } else { Self::Level(level) });
        }
        let name = variable.name();
        let instead = match levels {
            1 => format!("its codes lie in no groups; write GROUP BY {name}"),
            levels => format!("there are {levels}, of which 1 is the coarsest, as in LEVEL({name}, 1)"),
        };
        Err(QueryError::not_allowed(format!("level {level} of `{name}`"), instead))
    }
}

/// Which quantile: above 0 and below 1, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

impl Probability {
    const DECIMALS: u32 = 6;

    /// Reads `0.5`; at most six decimals.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, DecimalError> {
        let millionths = parse_decimal(text, Self::DECIMALS)?;
        Ok(u32::try_from(millionths).ok().filter(|p| (1..1_000_000).contains(p)).map(Self))
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Probability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format_decimal_short(i64::from(self.0), Self::DECIMALS))
    }
}
