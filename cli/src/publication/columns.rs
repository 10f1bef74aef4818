//! A release as one flat table: which columns, under which names.

use std::collections::BTreeSet;

use optelsom_disclosure::{FigureKind, ProtectedTable};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The code on this axis; none for the total.
    Code(usize),
    /// What that code means.
    Label(usize),
    /// The value of this figure.
    Value(usize),
    /// The lower bound of this figure, inclusive: of a quantile, or of the interval of a figure with noise.
    Lower(usize),
    /// The upper bound of this figure: of a quantile, exclusive; of the interval of a figure with noise, inclusive.
    Upper(usize),
    /// The status of this figure.
    Status(usize),
    /// The same in every row: the constant at this place.
    Constant(usize),
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; no two columns have the same.
    pub name: String,
    /// What it holds.
    pub content: Content,
}

/// The columns: codes and labels of each axis, value and status of each figure, then the constants of these names.
pub fn columns(table: &ProtectedTable, constants: &[&str]) -> Vec<Column> {
    let mut columns = Columns { names: BTreeSet::new(), columns: Vec::new() };
    for (place, axis) in table.axes().iter().enumerate() {
        columns.push(axis.name.clone(), Content::Code(place));
        columns.push(format!("{} label", axis.name), Content::Label(place));
    }
    for (place, figure) in table.figures().iter().enumerate() {
        if figure.kind != FigureKind::Quantile {
            columns.push(figure.name.clone(), Content::Value(place));
        }
        if figure.kind == FigureKind::Quantile || figure.noise.is_some() {
            columns.push(format!("{} lower", figure.name), Content::Lower(place));
            columns.push(format!("{} upper", figure.name), Content::Upper(place));
        }
        columns.push(format!("{} status", figure.name), Content::Status(place));
    }
    for (place, name) in constants.iter().enumerate() {
        columns.push((*name).to_owned(), Content::Constant(place));
    }
    columns.columns
}

struct Columns {
    names: BTreeSet<String>,
    columns: Vec<Column>,
}

impl Columns {
    /// The first of a name keeps it; a second one is called `name 2`.
    fn push(&mut self, name: String, content: Content) {
        let mut unique = name.clone();
        let mut number = 2_u64;
        while !self.names.insert(unique.clone()) {
            unique = format!("{name} {number}");
            number += 1;
        }
        self.columns.push(Column { name: unique, content });
    }
}
