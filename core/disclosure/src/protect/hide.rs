//! Which cells are hidden, and why: too few, or needed to protect others. No choice stands that the attacker opens.

use std::collections::BTreeMap;

use optelsom_codebook::{Column, Label, OutputKind, Plan};

use super::{ProtectError, axis_heading, dominance};
use crate::attacker::{Attack, Counting};
use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::policy::Policy;
use crate::suppress::{Mark, Move, Rule, Suppression};
use crate::table::{FigureHeading, FigureKind, ProtectedTable, Row};

/// What becomes of the cells of a plan.
pub(super) struct Hidden {
    rows: Vec<Mark>,
    /// By measure.
    values: BTreeMap<usize, Vec<Mark>>,
}

impl Hidden {
    /// Decides for the counts of rows, then for the values of each measure, which follow the rows.
    pub(super) fn decide(plan: &Plan, policy: &Policy, columns: &[Vec<i64>]) -> Result<Self, ProtectError> {
        let published = &published(plan);
        let counts = columns.first().ok_or(ProtectError::Shape)?;
        let of_rows = find(plan, columns, Column::Suppliers { measure: None });
        let column = Guarded { plan, policy, published, values: counts, counting: Counting::Rows };
        let open = vec![Mark::Open; plan.cell_count()];
        let rows = column.decide(column.primary(open, of_rows, policy.minimum_suppliers()))?;
        let mut values = BTreeMap::new();
        for (measure, present) in plan.outputs().iter().filter_map(|output| present(output.kind())) {
            if values.contains_key(&measure) {
                continue;
            }
            let counts = columns.get(present).ok_or(ProtectError::Shape)?;
            let column = Guarded { plan, policy, published, values: counts, counting: Counting::Values };
            let suppliers = find(plan, columns, Column::Suppliers { measure: Some(measure) }).or(of_rows);
            let mut marks = column.primary(rows.clone(), suppliers, policy.minimum_suppliers_of_a_sum());
            dominance::mark(plan, policy, columns, measure, &mut marks)?;
            values.insert(measure, if marks == rows { marks } else { column.decide(marks)? });
        }
        Ok(Self { rows, values })
    }

    /// Why the count of a cell is hidden, if it is.
    pub(super) fn rows(&self, cell: usize) -> Option<CellValue> {
        shown_as(self.rows.get(cell).copied())
    }

    /// Why the figures of a measure are hidden in a cell, if they are.
    pub(super) fn values(&self, measure: usize, cell: usize) -> Option<CellValue> {
        shown_as(self.values.get(&measure).unwrap_or(&self.rows).get(cell).copied())
    }
}

fn shown_as(mark: Option<Mark>) -> Option<CellValue> {
    match mark {
        Some(Mark::Open) => None,
        Some(Mark::TooFew) => Some(CellValue::HiddenTooFew),
        Some(Mark::TooFewSuppliers) => Some(CellValue::HiddenTooFewSuppliers),
        Some(Mark::Dominated) => Some(CellValue::HiddenDominance),
        Some(Mark::Protects) | None => Some(CellValue::HiddenProtectsOthers),
    }
}

/// A figure's measure, and the column that counts its values.
fn present(kind: &OutputKind) -> Option<(usize, usize)> {
    match *kind {
        OutputKind::Sum { measure, present, .. }
        | OutputKind::Mean { measure, present, .. }
        | OutputKind::Variance { measure, present, .. }
        | OutputKind::StandardDeviation { measure, present, .. } => Some((measure, present)),
        OutputKind::Count { .. } | OutputKind::Share { .. } | OutputKind::Quantile { .. } => None,
    }
}

/// The blocks that are shown, and those by which shares are divided: they follow from a share and its count.
fn published(plan: &Plan) -> Vec<usize> {
    let margins = plan.outputs().iter().filter_map(|output| match output.kind() {
        OutputKind::Share { margins, .. } => Some(margins),
        _ => None,
    });
    let margins: Vec<usize> = margins.flatten().flatten().copied().collect();
    let blocks = plan.blocks().iter().enumerate();
    blocks.filter(|(at, block)| block.shown() || margins.contains(at)).map(|(at, _)| at).collect()
}

/// The cells of a column, if the plan has it.
pub(super) fn find<'c>(plan: &Plan, columns: &'c [Vec<i64>], wanted: Column) -> Option<&'c [i64]> {
    let at = plan.columns().iter().position(|column| *column == wanted)?;
    columns.get(at).map(Vec::as_slice)
}

/// One column of counts.
struct Guarded<'c> {
    plan: &'c Plan,
    policy: &'c Policy,
    published: &'c [usize],
    values: &'c [i64],
    counting: Counting,
}

impl Guarded<'_> {
    /// Marks what is hidden for its own sake, beside what is hidden anyhow.
    fn primary(&self, mut marks: Vec<Mark>, suppliers: Option<&[i64]>, least: u64) -> Vec<Mark> {
        let (k, least) = (whole(self.policy.minimum_frequency()), whole(least));
        for (mark, &count) in marks.iter_mut().zip(self.values) {
            if *mark == Mark::Open && 0 < count && count < k {
                *mark = Mark::TooFew;
            }
        }
        for (mark, &suppliers) in marks.iter_mut().zip(suppliers.unwrap_or_default()) {
            if *mark == Mark::Open && 0 < suppliers && suppliers < least {
                *mark = Mark::TooFewSuppliers;
            }
        }
        marks
    }

    /// Hides what protects those that are hidden.
    fn decide(&self, marks: Vec<Mark>) -> Result<Vec<Mark>, ProtectError> {
        // Cells of a single block have nothing to do with each other.
        if self.published.len() == 1 || marks.iter().all(|mark| *mark == Mark::Open) {
            return Ok(marks);
        }
        let (k, width) = (whole(self.policy.minimum_frequency()), whole(self.policy.protection_interval()));
        let cells: Vec<usize> = self
            .published
            .iter()
            .filter_map(|&at| self.plan.blocks().get(at))
            .flat_map(|block| block.cells())
            .collect();
        if cells.iter().all(|&cell| marks.get(cell) == Some(&Mark::Open)) {
            return Ok(marks);
        }
        let (least_few, least_other) = match self.counting {
            Counting::Rows => (1, k),
            Counting::Values => (0, 0),
        };
        let rule = Rule { k, width, least_few, least_other };
        let suppression = Suppression::new(self.plan, self.published, self.values, rule);
        let mut stands = suppression
            .patterns(&marks)
            .filter(|pattern| self.withstands(&cells, &pattern.marks, &pattern.moves, rule).unwrap_or(false));
        stands.next().map(|pattern| pattern.marks).ok_or(ProtectError::Unsafe)
    }

    /// Whether the attacker opens nothing; `None` if it cannot read the table.
    fn withstands(&self, cells: &[usize], marks: &[Mark], moves: &[Move], rule: Rule) -> Option<bool> {
        let attack = Attack::on(&self.table(cells, marks)?, self.policy.minimum_frequency(), self.counting)?;
        let truth = cells.iter().map(|&cell| self.values.get(cell).copied()).collect::<Option<Vec<_>>>()?;
        let row = |cell: usize| cells.binary_search(&cell).ok();
        let by_row =
            |change: &Move| change.iter().map(|&(cell, by)| Some((row(cell)?, by))).collect::<Option<Vec<_>>>();
        let alternatives = moves.iter().map(by_row).collect::<Option<Vec<_>>>()?;
        let width = |&cell: &usize| Some(rule.width_of(*marks.get(cell)?, *self.values.get(cell)?));
        let widths = cells.iter().map(width).collect::<Option<Vec<_>>>()?;
        Some(attack.withstood(&truth, &alternatives, &widths))
    }

    /// The table of these counts as the attacker sees it.
    fn table(&self, cells: &[usize], marks: &[Mark]) -> Option<ProtectedTable> {
        let row = |&cell: &usize| {
            let count = *self.values.get(cell)?;
            let shown = match count {
                0 => CellValue::TrueZero(Decimal::whole(0)),
                count => CellValue::Shown(Decimal::whole(count)),
            };
            let figure = shown_as(marks.get(cell).copied()).unwrap_or(shown);
            Some(Row::new(self.plan.cell(cell)?.positions, vec![figure]))
        };
        let heading = FigureHeading {
            name: "count".to_owned(),
            kind: FigureKind::Count,
            label: Label::same("count"),
            unit: Label::same(""),
            decimals: 0,
            rounded_to: None,
        };
        let rows = cells.iter().map(row).collect::<Option<_>>()?;
        Some(ProtectedTable::new(self.plan.axes().iter().map(axis_heading).collect(), vec![heading], rows))
    }
}

/// A policy's number as counts are; beyond that everything is fewer.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
