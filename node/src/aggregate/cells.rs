//! The cells that a row counts in.

use optelsom_codebook::{Axis, AxisKind, Block, NO_POSITION, Plan};

use super::{AggregateError, Needs};
use crate::edition::{Edition, EditionRows};

/// A distance that leads out of every block, however many of them are added. Plans have far fewer cells and axes.
const NOWHERE: u32 = 1 << 27;
/// The most axes whose distances may be added without passing 32 bits.
const MAX_AXES: usize = 16;

/// The cells of the rows of a piece.
pub(super) enum Found<'f> {
    /// For each row its one cell; the one behind the last for a row that belongs nowhere.
    OneEach(&'f [u32]),
    /// Rows and cells, a row as often as it has cells.
    Pairs(&'f [(u32, u32)]),
}

/// Finds the cells of one block.
pub(super) struct CellFinder {
    nowhere: u32,
    singles: Vec<Single>,
    several: Vec<Several>,
    of_rows: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    targets: Vec<u32>,
}

/// An axis on which a row has one position.
enum Single {
    /// Every code is shown, in its order: the distance is a multiple of the code.
    Whole { column: usize, stride: u32 },
    /// The distance for each code.
    Codes { column: usize, distances: Vec<u32> },
    /// Bins of a measure.
    Bins { column: usize, axis: Axis, stride: u32 },
}

/// An axis on which a row has any number of positions: the distances for each set of codes.
struct Several {
    column: usize,
    distances: Vec<Vec<u32>>,
}

impl CellFinder {
    pub(super) fn new(plan: &Plan, block: &Block, edition: &Edition, needs: &Needs) -> Result<Self, AggregateError> {
        let nowhere = u32::try_from(block.len()).ok().filter(|len| *len < NOWHERE);
        let nowhere =
            nowhere.filter(|_| block.axes().len() <= MAX_AXES).ok_or(AggregateError::Bug("a block too large"))?;
        let mut finder = Self {
            nowhere,
            singles: Vec::new(),
            several: Vec::new(),
            of_rows: Vec::new(),
            pairs: Vec::new(),
            targets: Vec::new(),
        };
        for (&at, stride) in block.axes().iter().zip(block.strides()) {
            let axis = plan.axes().get(at).ok_or(AggregateError::Bug("a block with an axis that is not there"))?;
            let stride = u32::try_from(stride).map_err(|_| AggregateError::Bug("a block too large"))?;
            finder.add_axis(axis, stride, edition, needs)?;
        }
        Ok(finder)
    }

    fn add_axis(&mut self, axis: &Axis, stride: u32, edition: &Edition, needs: &Needs) -> Result<(), AggregateError> {
        let distance = |position: u32| if position == NO_POSITION { None } else { Some(position * stride) };
        match axis.kind() {
            AxisKind::Histogram { measure, .. } => {
                self.singles.push(Single::Bins { column: needs.measure(*measure)?, axis: axis.clone(), stride });
            }
            AxisKind::Variable { variable } if axis.multiple() => {
                let column = needs.variable(*variable)?;
                let held = needs.wanted.variables.get(column).and_then(|held| edition.sets(*held));
                let sets = held.ok_or(AggregateError::Bug("a multiple-valued variable without sets"))?;
                let of_set = |set: &Vec<u16>| {
                    let positions = axis.positions_of(set.iter().copied()).into_iter();
                    positions.filter_map(distance).collect()
                };
                self.several.push(Several { column, distances: sets.iter().map(of_set).collect() });
            }
            AxisKind::Variable { variable } => {
                let column = needs.variable(*variable)?;
                let whole = axis.lookup().iter().zip(0..).all(|(&position, code)| position == code);
                self.singles.push(if whole {
                    Single::Whole { column, stride }
                } else {
                    let distances = axis.lookup().iter().map(|&position| distance(position).unwrap_or(NOWHERE));
                    Single::Codes { column, distances: distances.collect() }
                });
            }
        }
        Ok(())
    }

    /// Finds the cells of a piece's rows; those that do not pass have none.
    pub(super) fn find(&mut self, piece: &EditionRows, passes: Option<&[bool]>) -> Found<'_> {
        self.of_rows.clear();
        self.of_rows.resize(piece.rows, 0);
        for single in &self.singles {
            single.add_distances(piece, &mut self.of_rows);
        }
        let nowhere = self.nowhere;
        if let Some(passes) = passes {
            for (cell, &passes) in self.of_rows.iter_mut().zip(passes) {
                *cell = if passes { *cell } else { nowhere };
            }
        }
        for cell in &mut self.of_rows {
            *cell = (*cell).min(nowhere);
        }
        if self.several.is_empty() {
            return Found::OneEach(&self.of_rows);
        }
        self.pair(piece);
        Found::Pairs(&self.pairs)
    }

    /// Lays out every row's cells on the axes with several positions.
    fn pair(&mut self, piece: &EditionRows) {
        self.pairs.clear();
        let of = |several: &Several, row: usize| {
            let set = piece.codes.get(several.column).and_then(|sets| sets.get(row));
            set.and_then(|&set| usize::try_from(set).ok())
        };
        for ((row, &base), number) in self.of_rows.iter().enumerate().zip(0u32..) {
            if base == self.nowhere {
                continue;
            }
            self.targets.clear();
            self.targets.push(base);
            for several in &self.several {
                let distances =
                    of(several, row).and_then(|set| several.distances.get(set)).map_or(&[][..], Vec::as_slice);
                let before = self.targets.len();
                for at in 0..before {
                    let from = self.targets.get(at).copied().unwrap_or(self.nowhere);
                    self.targets.extend(distances.iter().map(|distance| from + distance));
                }
                self.targets.drain(..before);
            }
            self.pairs.extend(self.targets.iter().map(|&cell| (number, cell)));
        }
    }
}

impl Single {
    fn add_distances(&self, piece: &EditionRows, cells: &mut [u32]) {
        match self {
            Self::Whole { column, stride } => {
                let Some(codes) = piece.codes.get(*column) else { return };
                for (cell, &code) in cells.iter_mut().zip(codes) {
                    *cell += code.cast_unsigned() * stride;
                }
            }
            Self::Codes { column, distances } => {
                let Some(codes) = piece.codes.get(*column) else { return };
                for (cell, &code) in cells.iter_mut().zip(codes) {
                    *cell += distances.get(code.cast_unsigned() as usize).copied().unwrap_or(NOWHERE);
                }
            }
            Self::Bins { column, axis, stride } => {
                let (Some(values), Some(present)) = (piece.values.get(*column), piece.present.get(*column)) else {
                    return;
                };
                for (row, (cell, &value)) in cells.iter_mut().zip(values).enumerate() {
                    let there = present.get(row).is_none_or(|level| *level != 0);
                    let bin = axis.bin_of(there.then_some(value));
                    *cell += bin.map_or(NOWHERE, |bin| bin * stride);
                }
            }
        }
    }
}
