//! The opened totals of one query, before protection.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The national totals of a query's cells, column by column, as the secure sum opened them.
///
/// It cannot be printed, serialised or read from outside this crate: the only way on is protection. Zeroised when
/// dropped. Tests that know the truth may ask whether it is the same.
#[derive(PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Totals(Vec<Vec<i64>>);

impl Totals {
    /// Takes opened columns, each with one total per cell of the plan.
    pub fn new(columns: Vec<Vec<i64>>) -> Self {
        Self(columns)
    }

    pub(crate) fn columns(&self) -> &[Vec<i64>] {
        &self.0
    }
}

impl fmt::Debug for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Totals(not to be shown)")
    }
}
