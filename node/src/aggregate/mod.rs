//! Counting: one pass over an edition gives the table that answers one query.
//!
//! The plan fixes the cells beforehand, so a row's codes give the index of its cell by mixed radix and no hash table is
//! needed. Blocks are counted directly or, where only single-valued axes are left out, derived from a finer one.

mod blocks;
mod cells;
mod error;
mod filter;
mod sums;

use optelsom_codebook::{Admitted, AxisKind, Column, Plan};
use optelsom_secagg::{Bound, LocalTable};

pub use error::AggregateError;

use crate::edition::{Edition, EditionRows, Wanted};
use crate::held::Held;
use blocks::{Route, routes};
use cells::CellFinder;
use filter::Filter;
use sums::Sums;

/// Counts what an admitted query asks of an edition.
///
/// # Errors
/// When the edition is of another dataset, does not hold a variable, measure or year, or is damaged; or when a figure is
/// beyond `bound`, in which case nothing of it is kept.
pub fn aggregate(admitted: &Admitted, edition: &Edition, bound: Bound) -> Result<LocalTable, AggregateError> {
    let plan = admitted.plan();
    check_edition(plan, edition)?;
    let needs = Needs::of(plan, edition)?;
    let routes = routes(plan);
    let rows = edition.manifest().summary().rows;
    let mut counters = Vec::new();
    for (block, route) in plan.blocks().iter().zip(&routes) {
        if let Route::Counted = route {
            counters.push(BlockCounter {
                cells: CellFinder::new(plan, block, edition, &needs)?,
                sums: counted(plan).map(|column| Sums::new(block.len(), column.row_bound(plan), rows)).collect(),
            });
        }
    }
    let mut filter = Filter::new(plan, edition, &needs)?;
    edition.read(&needs.wanted, |piece| -> Result<(), AggregateError> {
        let passes = filter.passes(piece);
        let additions = needs.additions(plan, piece);
        counters.iter_mut().for_each(|counter| counter.add(piece, passes, &additions));
        Ok(())
    })?;
    let columns = blocks::assemble(plan, &routes, counters.into_iter().map(|counter| counter.sums).collect())?;
    Ok(LocalTable::new(plan.cell_count(), columns, bound)?)
}

/// The columns that rows are added to; the others follow from them.
fn counted(plan: &Plan) -> impl Iterator<Item = &Column> {
    plan.columns().iter().filter(|column| column.follows_from().is_none())
}

fn check_edition(plan: &Plan, edition: &Edition) -> Result<(), AggregateError> {
    let origin = edition.manifest().origin();
    let asked = plan.query().edition();
    if origin.codebook != plan.query().codebook() {
        return Err(AggregateError::OtherCodebook);
    }
    if origin.dataset != plan.dataset().name() || asked.is_some_and(|asked| *asked != origin.edition) {
        return Err(AggregateError::OtherEdition { dataset: origin.dataset.clone(), edition: origin.edition.clone() });
    }
    Ok(Held::by_edition(edition.manifest()).covers(plan)?)
}

/// One block that is counted directly.
struct BlockCounter {
    cells: CellFinder,
    sums: Vec<Sums>,
}

impl BlockCounter {
    fn add(&mut self, piece: &EditionRows, passes: Option<&[bool]>, additions: &[Addition<'_>]) {
        let found = self.cells.find(piece, passes);
        for (sums, addition) in self.sums.iter_mut().zip(additions) {
            sums.add(&found, addition);
        }
    }
}

/// What each row adds to one column.
pub(crate) enum Addition<'p> {
    /// One.
    One,
    /// Whether it has a value; every row has one where this is empty.
    Present(&'p [i16]),
    /// Its value.
    Value(&'p [i64]),
    /// The square of its value.
    Square(&'p [i64]),
}

/// Everything that is asked was found held before its columns are looked for.
const NOT_THERE: &str = "a column that was found held is not there";

/// The columns of the edition that a plan needs.
struct Needs {
    wanted: Wanted,
    /// For each variable of the dataset its place among those wanted.
    variables: Vec<Option<usize>>,
    /// For each measure of the dataset its place among those wanted.
    measures: Vec<Option<usize>>,
}

impl Needs {
    fn of(plan: &Plan, edition: &Edition) -> Result<Self, AggregateError> {
        let dataset = plan.dataset();
        let (mut variables, mut measures) = (plan.filter().variables(), Vec::new());
        for axis in plan.axes() {
            match axis.kind() {
                AxisKind::Variable { variable } => variables.push(*variable),
                AxisKind::Histogram { measure, .. } => measures.push(*measure),
            }
        }
        measures.extend(plan.columns().iter().filter_map(Column::measure));
        let mut needs = Self {
            wanted: Wanted::default(),
            variables: vec![None; dataset.variables().len()],
            measures: vec![None; dataset.measures().len()],
        };
        for (at, variable) in dataset.variables().iter().enumerate().filter(|(at, _)| variables.contains(at)) {
            let held = edition.variable(variable.name());
            needs.wanted.variables.push(held.ok_or(AggregateError::Bug(NOT_THERE))?);
            set(&mut needs.variables, at, needs.wanted.variables.len() - 1);
        }
        for (at, measure) in dataset.measures().iter().enumerate().filter(|(at, _)| measures.contains(at)) {
            let held = edition.measure(measure.name());
            needs.wanted.measures.push(held.ok_or(AggregateError::Bug(NOT_THERE))?);
            set(&mut needs.measures, at, needs.wanted.measures.len() - 1);
        }
        Ok(needs)
    }

    /// The place of a variable among the columns read; a plan that was checked needs no other.
    fn variable(&self, variable: usize) -> Result<usize, AggregateError> {
        self.variables.get(variable).copied().flatten().ok_or(AggregateError::Bug("a variable that is not read"))
    }

    fn measure(&self, measure: usize) -> Result<usize, AggregateError> {
        self.measures.get(measure).copied().flatten().ok_or(AggregateError::Bug("a measure that is not read"))
    }

    fn additions<'p>(&self, plan: &Plan, piece: &'p EditionRows) -> Vec<Addition<'p>> {
        let place = |measure: &usize| self.measures.get(*measure).copied().flatten();
        let values = |measure| place(measure).and_then(|at| piece.values.get(at)).map_or(&[][..], Vec::as_slice);
        let present = |measure| place(measure).and_then(|at| piece.present.get(at)).map_or(&[][..], Vec::as_slice);
        let columns = counted(plan).map(|column| match column {
            Column::Count | Column::Suppliers { .. } => Addition::One,
            Column::Present { measure } => Addition::Present(present(measure)),
            Column::Sum { measure } => Addition::Value(values(measure)),
            Column::SumOfSquares { measure } => Addition::Square(values(measure)),
        });
        columns.collect()
    }
}

fn set(places: &mut [Option<usize>], at: usize, value: usize) {
    if let Some(place) = places.get_mut(at) {
        *place = Some(value);
    }
}
