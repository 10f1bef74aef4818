//! The cells of one column of one block, being added to.

use zeroize::Zeroizing;

use super::Addition;
use super::cells::Found;

/// One column of one block, with a last cell for rows that belong nowhere.
pub(super) enum Sums {
    /// All rows together cannot exceed 63 bits.
    Narrow(Zeroizing<Vec<i64>>),
    /// They could, so there is room for any number of them.
    Wide(Zeroizing<Vec<i128>>),
}

impl Sums {
    /// Zeros for `cells` cells, to which `rows` rows add at most `row_bound` each.
    pub(super) fn new(cells: usize, row_bound: u64, rows: u64) -> Self {
        let largest = u128::from(row_bound) * u128::from(rows);
        if largest <= i64::MAX as u128 {
            Self::Narrow(Zeroizing::new(vec![0; cells + 1]))
        } else {
            Self::Wide(Zeroizing::new(vec![0; cells + 1]))
        }
    }

    /// Adds a piece's rows to the cells that were found for them.
    pub(super) fn add(&mut self, found: &Found<'_>, addition: &Addition<'_>) {
        match self {
            Self::Narrow(cells) => add_all(cells, found, addition, |cell, value| *cell += value),
            Self::Wide(cells) => add_all(cells, found, addition, |cell, value| *cell += i128::from(value)),
        }
    }

    /// The cells, without the last; `Err` with the first that does not fit.
    pub(super) fn into_cells(self) -> Result<Zeroizing<Vec<i64>>, usize> {
        match self {
            Self::Narrow(mut cells) => {
                cells.pop();
                Ok(cells)
            }
            Self::Wide(cells) => {
                let count = cells.len().saturating_sub(1);
                let mut narrow = Zeroizing::new(Vec::with_capacity(count));
                for (at, &cell) in cells.iter().take(count).enumerate() {
                    narrow.push(i64::try_from(cell).map_err(|_| at)?);
                }
                Ok(narrow)
            }
        }
    }
}

fn add_all<T>(cells: &mut [T], found: &Found<'_>, addition: &Addition<'_>, mut add: impl FnMut(&mut T, i64)) {
    match addition {
        Addition::One | Addition::Present([]) => add_each(cells, found, |_| Some(1), &mut add),
        Addition::Present(levels) => {
            add_each(cells, found, |row| levels.get(row).map(|level| i64::from(*level)), &mut add);
        }
        Addition::Value(values) => add_each(cells, found, |row| values.get(row).copied(), &mut add),
        // A plan with squares has made sure that one fits.
        Addition::Square(values) => add_each(cells, found, |row| values.get(row).map(|value| value * value), &mut add),
    }
}

fn add_each<T>(
    cells: &mut [T],
    found: &Found<'_>,
    value: impl Fn(usize) -> Option<i64>,
    add: &mut impl FnMut(&mut T, i64),
) {
    let mut add_one = |row: usize, cell: u32| {
        if let (Some(cell), Some(value)) = (cells.get_mut(cell as usize), value(row)) {
            add(cell, value);
        }
    };
    match found {
        Found::OneEach(of_rows) => of_rows.iter().enumerate().for_each(|(row, &cell)| add_one(row, cell)),
        Found::Pairs(pairs) => pairs.iter().for_each(|&(row, cell)| add_one(row as usize, cell)),
    }
}
