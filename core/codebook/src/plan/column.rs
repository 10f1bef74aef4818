//! Columns: what is added up in each cell.

use super::Plan;
use crate::dataset::{Dataset, Measure};

/// What each row adds to its cells. Column 0 of every plan without noise is [`Column::Count`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// One.
    Count,
    /// One if the row has a value of the measure.
    Present {
        /// The measure's position in the dataset.
        measure: usize,
    },
    /// The row's value, scaled by 10^decimals; nothing if it has none.
    Sum {
        /// The measure's position in the dataset.
        measure: usize,
    },
    /// The square of that, scaled by 10^(2·decimals).
    SumOfSquares {
        /// The measure's position in the dataset.
        measure: usize,
    },
    /// Each supplier adds one, if it has any row there, or any row with a value of the measure. Opened for disclosure
    /// control alone and never released.
    Suppliers {
        /// The measure's position in the dataset.
        measure: Option<usize>,
    },
}

impl Column {
    /// The largest absolute value that one row can add; at most 2^62.
    pub fn row_bound(&self, plan: &Plan) -> u64 {
        let bound = |measure: &usize| plan.dataset().measures().get(*measure).map_or(0, Measure::bound);
        match self {
            Self::Count | Self::Present { .. } | Self::Suppliers { .. } => 1,
            Self::Sum { measure } => bound(measure),
            Self::SumOfSquares { measure } => bound(measure).saturating_mul(bound(measure)),
        }
    }

    /// The word for what is added up, in hashes and files.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Present { .. } => "present",
            Self::Sum { .. } => "sum",
            Self::SumOfSquares { .. } => "sum-of-squares",
            Self::Suppliers { measure: None } => "suppliers",
            Self::Suppliers { measure: Some(_) } => "suppliers-of-measure",
        }
    }

    /// The measure's position in the dataset.
    pub fn measure(&self) -> Option<usize> {
        match self {
            Self::Count => None,
            Self::Present { measure } | Self::Sum { measure } | Self::SumOfSquares { measure } => Some(*measure),
            Self::Suppliers { measure } => *measure,
        }
    }

    /// The column from which each supplier computes this one, cell by cell, rather than from its rows.
    pub fn follows_from(&self) -> Option<Self> {
        match *self {
            Self::Suppliers { measure: None } => Some(Self::Count),
            Self::Suppliers { measure: Some(measure) } => Some(Self::Present { measure }),
            _ => None,
        }
    }
}

/// The columns of a plan while they are gathered.
pub(super) struct Columns<'d> {
    dataset: &'d Dataset,
    columns: Vec<Column>,
}

impl<'d> Columns<'d> {
    pub(super) fn new(dataset: &'d Dataset) -> Self {
        Self { dataset, columns: vec![Column::Count] }
    }

    /// Of a plan with noise: only what is asked is added up, since each column takes its part of ε.
    pub(super) fn none(dataset: &'d Dataset) -> Self {
        Self { dataset, columns: Vec::new() }
    }

    /// The columns that were asked for, and no others.
    pub(super) fn into_asked(self) -> Vec<Column> {
        self.columns
    }

    /// The position of the column, which is added if it is new.
    pub(super) fn place(&mut self, column: Column) -> usize {
        self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    /// The column that counts the rows with a value: all rows where every row has one.
    pub(super) fn present(&mut self, measure: usize) -> usize {
        match self.dataset.measures().get(measure).is_some_and(Measure::optional) {
            true => self.place(Column::Present { measure }),
            false => self.place(Column::Count),
        }
    }

    /// The columns, with those that disclosure control needs beside the figures.
    pub(super) fn into_vec(mut self) -> Vec<Column> {
        let asked = self.columns.clone();
        if self.dataset.dominance_percent().is_some() {
            for column in &asked {
                if let Column::Sum { measure } = *column {
                    self.place(Column::SumOfSquares { measure });
                }
            }
        }
        if self.dataset.minimum_suppliers() > 1 {
            self.place(Column::Suppliers { measure: None });
            for column in &asked {
                if let Column::Present { measure } = *column {
                    self.place(Column::Suppliers { measure: Some(measure) });
                }
            }
        }
        self.columns
    }
}
