//! The protected table: headings, and for each row the codes of its axes and what each figure says.

use std::collections::HashMap;

use optelsom_codebook::{Label, OutputKind, Plan};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cell::{CellValue, Status};
use crate::decimal::Decimal;
use crate::note::Note;

/// An axis of the table: a variable, or the bins of a histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisHeading {
    /// The name in questions and files.
    pub name: String,
    /// The name for people.
    pub label: Label,
    /// Whether a row of the data may count at several places of the axis, so that they do not add up.
    pub multiple: bool,
    /// The axis of the table that shows the groups in which the places lie, if there is one: the next coarser level of the
    /// same variable. A row with a place here has one there as well, that of its `parent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<String>,
    /// The places of the axis in order: their codes and what these mean.
    pub places: Vec<PlaceHeading>,
}

/// One place of an axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceHeading {
    /// The code in files; unique on its axis.
    pub code: String,
    /// The code of its group on the axis of `parents`, where the heading names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What it means.
    pub label: Label,
}

/// What kind of figure it is. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureKind {
    /// How many.
    Count,
    /// A sum of a measure.
    Sum,
    /// A mean of a measure.
    Mean,
    /// A variance of a measure.
    Variance,
    /// A standard deviation of a measure.
    StandardDeviation,
    /// A part of a margin, as a fraction of 1.
    Share,
    /// The bin that holds a quantile; only this kind has bounds in place of a value.
    Quantile,
}

impl From<&OutputKind> for FigureKind {
    fn from(kind: &OutputKind) -> Self {
        match kind {
            OutputKind::Count { .. } => Self::Count,
            OutputKind::Sum { .. } | OutputKind::NoisedSum { .. } => Self::Sum,
            OutputKind::Mean { .. } => Self::Mean,
            OutputKind::Variance { .. } => Self::Variance,
            OutputKind::StandardDeviation { .. } => Self::StandardDeviation,
            OutputKind::Share { .. } => Self::Share,
            OutputKind::Quantile { .. } => Self::Quantile,
        }
    }
}

/// What a column of figures says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureHeading {
    /// The name in files, such as `mean_duration_days`.
    pub name: String,
    /// Its kind.
    pub kind: FigureKind,
    /// The name for people.
    pub label: Label,
    /// What it is counted or measured in; empty for a share.
    pub unit: Label,
    /// The digits after the point to which it is rounded.
    pub decimals: u32,
    /// What a count is rounded to a multiple of, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounded_to: Option<u64>,
    /// How far it may lie from the truth, where noise was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<FigureNoise>,
}

/// How far a figure with noise may lie from the truth, when all participants have added their shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureNoise {
    /// The standard deviation of the noise, rounded up.
    pub standard_deviation: Decimal,
    /// In 95 of 100 cells, at least, figure and truth lie no farther apart than this.
    pub half_width: Decimal,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    places: Vec<Option<u32>>,
    figures: Vec<CellValue>,
}

impl Row {
    pub(crate) fn new(places: Vec<Option<u32>>, figures: Vec<CellValue>) -> Self {
        Self { places, figures }
    }

    /// Per axis the position of its place; `None` is the total over the axis.
    pub fn places(&self) -> &[Option<u32>] {
        &self.places
    }

    /// Per figure heading, what it says here.
    pub fn figures(&self) -> &[CellValue] {
        &self.figures
    }
}

/// What figures rest on, where it cannot be read off them: how many rows there are, or how many with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// The measure whose values were counted; none where all rows were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// For each cell of the groupings that figures are made of, in the order of the plan.
    pub counts: Vec<CellValue>,
}

/// A table in which every cell carries a value or a reason. What is hidden in it is nowhere in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedTable {
    axes: Vec<AxisHeading>,
    figures: Vec<FigureHeading>,
    rows: Vec<Row>,
    bases: Vec<Base>,
}

impl ProtectedTable {
    pub(crate) fn new(axes: Vec<AxisHeading>, figures: Vec<FigureHeading>, rows: Vec<Row>) -> Self {
        Self { axes, figures, rows, bases: Vec::new() }
    }

    pub(crate) fn with_bases(mut self, bases: Vec<Base>) -> Self {
        self.bases = bases;
        self
    }

    /// The same table where a supplier that was asked took no part: a nought is no true one then, since it may have rows
    /// there. Nothing is given away: nobody else had any.
    pub(crate) fn of_an_incomplete_total(mut self) -> Self {
        let nought = |cell: &&mut CellValue| cell.status() == Status::TrueZero;
        for cell in self.rows.iter_mut().flat_map(|row| &mut row.figures).filter(nought) {
            *cell = CellValue::SupplierAbsent;
        }
        self
    }

    /// What the figures rest on, where that is not among them: against these counts later tables are protected.
    pub fn bases(&self) -> &[Base] {
        &self.bases
    }

    /// The axes in the order of the question.
    pub fn axes(&self) -> &[AxisHeading] {
        &self.axes
    }

    /// The figures in the order of the question.
    pub fn figures(&self) -> &[FigureHeading] {
        &self.figures
    }

    /// The rows, finest first, totals after.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Per axis the place of a row of this table; `None` is the total.
    pub fn places<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = Option<&'a PlaceHeading>> + 'a {
        self.axes.iter().zip(&row.places).map(|(axis, place)| axis.places.get((*place)? as usize))
    }

    /// What its reader has to know, as far as it follows from the plan and from what is hidden.
    pub(crate) fn notes(&self, plan: &Plan) -> Vec<Note> {
        let mut notes = Vec::new();
        for axis in plan.axes().iter().take(self.axes.len()).filter(|axis| axis.multiple()) {
            let (variable, label) = (axis.name().to_owned(), axis.label().clone());
            if !axis.shows_all() {
                notes.push(Note::OtherCodesNotShown { variable: variable.clone(), label: label.clone() });
            }
            notes.push(Note::MultipleValued { variable, label });
        }
        let nothing = [Status::TrueZero, Status::NotApplicable, Status::NotCollected, Status::SupplierAbsent];
        if self.rows.iter().flat_map(Row::figures).all(|cell| nothing.contains(&cell.status())) {
            notes.push(Note::NothingCounted);
        }
        let any = |status: Status| self.rows.iter().flat_map(Row::figures).any(|cell| cell.status() == status);
        if any(Status::Rounded) {
            notes.push(Note::Rounded);
        }
        if let Some(epsilon) = plan.query().epsilon() {
            notes.push(Note::Noised { epsilon: epsilon.to_string(), unit: plan.dataset().unit().code().to_owned() });
        }
        if any(Status::HiddenUnchecked) {
            notes.push(Note::GroupingsWithheld);
        }
        notes
    }
}

#[derive(Serialize)]
struct RowWriting<'a> {
    codes: CodesWriting<'a>,
    figures: &'a [CellValue],
}

/// The codes of a row's places.
struct CodesWriting<'a>(&'a ProtectedTable, &'a Row);

impl Serialize for CodesWriting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(table, row) = self;
        serializer.collect_seq(table.places(row).map(|place| place.map(|heading| heading.code.as_str())))
    }
}

/// Writes row by row, since a table may have a million of them.
struct RowsWriting<'a>(&'a ProtectedTable);

impl Serialize for RowsWriting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0.rows.iter().map(|row| RowWriting { codes: CodesWriting(self.0, row), figures: &row.figures }),
        )
    }
}

impl Serialize for ProtectedTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("ProtectedTable", 3 + usize::from(!self.bases.is_empty()))?;
        table.serialize_field("axes", &self.axes)?;
        table.serialize_field("figures", &self.figures)?;
        table.serialize_field("rows", &RowsWriting(self))?;
        if !self.bases.is_empty() {
            table.serialize_field("bases", &self.bases)?;
        }
        table.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowReading {
    codes: Vec<Option<String>>,
    figures: Vec<CellValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableReading {
    axes: Vec<AxisHeading>,
    figures: Vec<FigureHeading>,
    rows: Vec<RowReading>,
    #[serde(default)]
    bases: Vec<Base>,
}

impl<'de> Deserialize<'de> for ProtectedTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TableReading::deserialize(deserializer)?.into_table().map_err(serde::de::Error::custom)
    }
}

impl TableReading {
    fn into_table(self) -> Result<ProtectedTable, String> {
        let positions = self.axes.iter().map(positions).collect::<Result<Vec<_>, _>>()?;
        self.axes.iter().try_for_each(|axis| check_parents(axis, &self.axes, &positions))?;
        let rows = self
            .rows
            .into_iter()
            .enumerate()
            .map(|(number, row)| {
                row.into_row(&positions, &self.figures).map_err(|cause| format!("row {}: {cause}", number + 1))
            })
            .collect::<Result<Vec<_>, _>>()?;
        drop(positions);
        Ok(ProtectedTable { axes: self.axes, figures: self.figures, rows, bases: self.bases })
    }
}

/// Every place has a parent if the axis says where, and none otherwise.
fn check_parents(axis: &AxisHeading, axes: &[AxisHeading], positions: &[HashMap<&str, u32>]) -> Result<(), String> {
    let above = axis.parents.as_ref().map(|name| {
        let place = axes.iter().position(|other| other.name == *name && other.name != axis.name);
        place.and_then(|place| positions.get(place)).ok_or(format!("axis `{}` has its groups on no axis", axis.name))
    });
    let above = above.transpose()?;
    let fits = |place: &PlaceHeading| match (&place.parent, above) {
        (Some(parent), Some(above)) => above.contains_key(parent.as_str()),
        (None, None) => true,
        _ => false,
    };
    match axis.places.iter().find(|place| !fits(place)) {
        Some(place) => Err(format!("`{}` of axis `{}` lies in no group of the table", place.code, axis.name)),
        None => Ok(()),
    }
}

fn positions(axis: &AxisHeading) -> Result<HashMap<&str, u32>, String> {
    let positions: HashMap<&str, u32> =
        axis.places.iter().zip(0..).map(|(place, i)| (place.code.as_str(), i)).collect();
    if positions.len() == axis.places.len() {
        Ok(positions)
    } else {
        Err(format!("axis `{}` names a code twice", axis.name))
    }
}

impl RowReading {
    fn into_row(self, axes: &[HashMap<&str, u32>], figures: &[FigureHeading]) -> Result<Row, String> {
        if self.codes.len() != axes.len() || self.figures.len() != figures.len() {
            return Err("it has not one code per axis and one cell per figure".to_owned());
        }
        let place = |(code, axis): (&Option<String>, &HashMap<&str, u32>)| match code {
            None => Ok(None),
            Some(code) => {
                axis.get(code.as_str()).copied().map(Some).ok_or_else(|| format!("no axis has code `{code}`"))
            }
        };
        let places = self.codes.iter().zip(axes).map(place).collect::<Result<_, _>>()?;
        let rounded_as_declared = |(cell, heading): (&CellValue, &FigureHeading)| {
            cell.value().is_none_or(|value| value.decimals() == heading.decimals)
        };
        if !self.figures.iter().zip(figures).all(rounded_as_declared) {
            return Err("a value has another number of digits after the point than its heading".to_owned());
        }
        let noised_as_declared = |(cell, heading): (&CellValue, &FigureHeading)| match (cell, &heading.noise) {
            (CellValue::Noised(estimate), Some(noise)) => estimate.half_width() == Some(noise.half_width),
            (CellValue::Noised(_), None) | (_, Some(_)) => false,
            (_, None) => true,
        };
        if !self.figures.iter().zip(figures).all(noised_as_declared) {
            return Err("a figure with noise that its heading knows nothing of, or the other way round".to_owned());
        }
        let bounds_of_a_quantile = |(cell, heading): (&CellValue, &FigureHeading)| match cell {
            CellValue::Within(_) => heading.kind == FigureKind::Quantile,
            CellValue::Shown(_) | CellValue::TrueZero(_) | CellValue::Rounded(_) | CellValue::Noised(_) => {
                heading.kind != FigureKind::Quantile
            }
            _ => true,
        };
        if !self.figures.iter().zip(figures).all(bounds_of_a_quantile) {
            return Err("a quantile without bounds, or bounds of another figure".to_owned());
        }
        Ok(Row { places, figures: self.figures })
    }
}
