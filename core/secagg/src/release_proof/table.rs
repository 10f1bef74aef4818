//! What a protected table claims of the columns of its plan.

use optelsom_codebook::{Axis, AxisCode, Label, Lang, Output, OutputKind, Plan};
use optelsom_disclosure::{AxisHeading, CellValue, FigureHeading, FigureKind, ProtectedTable};
use thiserror::Error;

use super::claim::{CellClaim, Protection};

/// A table that is none of this plan's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClaimsError {
    /// The axes are others.
    #[error(
        "the axes of the table, or their codes, are not those of its question: it belongs to another query or was changed"
    )]
    Axes,
    /// The figures are others.
    #[error("the table shows other figures than its question asks for: it belongs to another query or was changed")]
    Figures,
    /// The rows are others.
    #[error("row {0} of the table is not the one that its question has there: rows were added, removed or moved")]
    Row(usize),
    /// A figure is not as its kind has it.
    #[error("row {row} of the table: `{figure}` cannot be such a figure; the table was changed")]
    Figure {
        /// Which row, from 1.
        row: usize,
        /// The figure's name.
        figure: String,
    },
    /// Two figures of a row contradict each other.
    #[error("row {0} of the table: two of its figures say different things of the same total; the table was changed")]
    Contradiction(usize),
}

/// What the table says of each cell of each column of its plan, exactly: the counts and sums that it shows, the counts that
/// it has rounded, and those that it hides as too few. Everything else is [`CellClaim::Hidden`]: cells that are not shown,
/// hidden for other reasons, or seen only through a mean, a variance, a share or a quantile, which are computed from
/// totals that are not shown. So is what `protection` has too many values for to be proved.
///
/// The protection has to be that of the policy which the query's entry names.
///
/// # Errors
/// When the table is not one of this plan.
pub fn claims(
    plan: &Plan,
    protection: &Protection,
    table: &ProtectedTable,
) -> Result<Vec<Vec<CellClaim>>, ClaimsError> {
    check_headings(plan, table)?;
    let axes = table.axes().len();
    let shown = plan.blocks().iter().filter(|block| block.shown());
    let cells: Vec<usize> = shown.flat_map(|block| block.cells()).collect();
    if cells.len() != table.rows().len() {
        return Err(ClaimsError::Row(cells.len().min(table.rows().len()) + 1));
    }
    let columns = vec![vec![CellClaim::Hidden; plan.cell_count()]; plan.columns().len()];
    let mut claims = Claims { plan, protection, columns };
    for ((number, row), cell) in (1..).zip(table.rows()).zip(cells) {
        let mut places = plan.cell(cell).ok_or(ClaimsError::Row(number))?.positions;
        places.truncate(axes);
        if places != row.places() || row.figures().len() != plan.outputs().len() {
            return Err(ClaimsError::Row(number));
        }
        // Counts first: what is hidden of a sum means something else beside a count.
        for counts in [true, false] {
            let figures = plan.outputs().iter().zip(row.figures());
            for (output, value) in figures.filter(|(output, _)| is_count(output) == counts) {
                claims.add(number, cell, output, value)?;
            }
        }
    }
    Ok(claims.columns)
}

fn is_count(output: &Output) -> bool {
    matches!(output.kind(), OutputKind::Count { .. })
}

/// Names, labels and codes are what gives figures their meaning: with two of them exchanged, every figure would be right
/// and the table wrong.
fn check_headings(plan: &Plan, table: &ProtectedTable) -> Result<(), ClaimsError> {
    let axes = plan.axes().iter().take(plan.query().axes().len());
    let same_axis = |(axis, heading): (&Axis, &AxisHeading)| {
        let parent = |at: u32| plan.parent_of(axis, at).map(AxisCode::code);
        let codes = (0..).zip(axis.codes()).map(|(at, code)| (code.code(), code.label(), parent(at)));
        let places = heading.places.iter().map(|place| (place.code.as_str(), &place.label, place.parent.as_deref()));
        axis.name() == heading.name
            && *axis.label() == heading.label
            && axis.multiple() == heading.multiple
            && plan.parents_of(axis).map(Axis::name) == heading.parents.as_deref()
            && codes.eq(places)
    };
    if axes.len() != table.axes().len() || !axes.zip(table.axes()).all(same_axis) {
        return Err(ClaimsError::Axes);
    }
    let same_figure = |(output, heading): (&Output, &FigureHeading)| {
        let both = |text: fn(&Output, Lang) -> &str| Label::new(text(output, Lang::Nl), text(output, Lang::En));
        output.name() == heading.name
            && FigureKind::from(output.kind()) == heading.kind
            && both(Output::label) == heading.label
            && both(Output::unit) == heading.unit
            && output.decimals() == heading.decimals
    };
    if plan.outputs().len() != table.figures().len() || !plan.outputs().iter().zip(table.figures()).all(same_figure) {
        return Err(ClaimsError::Figures);
    }
    Ok(())
}

struct Claims<'p> {
    plan: &'p Plan,
    protection: &'p Protection,
    columns: Vec<Vec<CellClaim>>,
}

impl Claims<'_> {
    fn add(&mut self, row: usize, cell: usize, output: &Output, value: &CellValue) -> Result<(), ClaimsError> {
        let wrong = || ClaimsError::Figure { row, figure: output.name().to_owned() };
        // With noise asked for every figure has it, and without none.
        if self.plan.query().epsilon().is_some() != matches!(value, CellValue::Noised(_)) {
            return Err(wrong());
        }
        match (output.kind(), value) {
            (OutputKind::Count { column }, CellValue::HiddenTooFew) => self.few(row, *column, cell),
            (OutputKind::Sum { present, .. }, CellValue::HiddenTooFew) => {
                // Hidden for the few rows there are, or for the few that have a value: only where one is known not to
                // be so, it is the other.
                let rows_shown = matches!(self.at(0, cell), Some(CellClaim::Shown(_) | CellClaim::Rounded { .. }));
                if *present == 0 || rows_shown { self.few(row, *present, cell) } else { Ok(()) }
            }
            (OutputKind::Count { column }, CellValue::Shown(_) | CellValue::TrueZero(_) | CellValue::Noised(_)) => {
                let total = whole(value, 0).ok_or_else(wrong)?;
                self.say(row, *column, cell, CellClaim::Shown(total))
            }
            // Those who took part have nothing there, whatever the reason.
            (
                OutputKind::Count { column } | OutputKind::Sum { column, .. },
                CellValue::SupplierAbsent | CellValue::NotCollected,
            ) => self.say(row, *column, cell, CellClaim::Shown(0)),
            (OutputKind::Sum { measure, column, .. }, CellValue::Shown(_) | CellValue::TrueZero(_))
            | (OutputKind::NoisedSum { measure, column }, CellValue::Noised(_)) => {
                let measure = self.plan.dataset().measures().get(*measure).ok_or_else(wrong)?;
                let total = whole(value, measure.decimals()).ok_or_else(wrong)?;
                self.say(row, *column, cell, CellClaim::Shown(total))
            }
            (OutputKind::Count { column }, CellValue::Rounded(_)) => {
                let value = whole(value, 0).ok_or_else(wrong)?;
                // A base beyond what can be proved leaves the cell as if it were hidden.
                let proved = self.protection.rounding().is_some();
                if proved { self.say(row, *column, cell, CellClaim::Rounded { value }) } else { Ok(()) }
            }
            (OutputKind::Count { .. } | OutputKind::Sum { .. }, CellValue::Within(_) | CellValue::Rounded(_)) => {
                Err(wrong())
            }
            _ => Ok(()),
        }
    }

    fn at(&self, column: usize, cell: usize) -> Option<CellClaim> {
        self.columns.get(column).and_then(|column| column.get(cell)).copied()
    }

    fn few(&mut self, row: usize, column: usize, cell: usize) -> Result<(), ClaimsError> {
        if self.protection.proves_too_few() { self.say(row, column, cell, CellClaim::TooFew) } else { Ok(()) }
    }

    fn say(&mut self, row: usize, column: usize, cell: usize, claim: CellClaim) -> Result<(), ClaimsError> {
        let place = self.columns.get_mut(column).and_then(|column| column.get_mut(cell));
        let place = place.ok_or(ClaimsError::Row(row))?;
        if *place != CellClaim::Hidden && *place != claim {
            return Err(ClaimsError::Contradiction(row));
        }
        *place = claim;
        Ok(())
    }
}

/// The total that a figure of so many decimals shows.
fn whole(value: &CellValue, decimals: u32) -> Option<i64> {
    let value = value.value().filter(|value| value.decimals() == decimals)?;
    i64::try_from(value.scaled()).ok()
}
