//! Which cells are hidden, and why: too few, or needed to protect others. No choice stands that the attacker opens.

use std::collections::BTreeMap;

use optelsom_codebook::{Label, OutputKind, Plan};

use super::{ProtectError, axis_heading};
use crate::attacker::{Attack, Counting};
use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::policy::Policy;
use crate::suppress::{Mark, Move, Rule, Suppression};
use crate::table::{FigureHeading, FigureKind, ProtectedTable, Row};

/// What becomes of the cells of a plan.
pub(super) struct Hidden {
    rows: Vec<Mark>,
    /// By the column that counts the values of a measure.
    values: BTreeMap<usize, Vec<Mark>>,
}

impl Hidden {
    /// Decides for the counts of rows, then for the values of each measure, which follow the rows.
    pub(super) fn decide(plan: &Plan, policy: &Policy, columns: &[Vec<i64>]) -> Result<Self, ProtectError> {
        let counts = columns.first().ok_or(ProtectError::Shape)?;
        let rows = Column { plan, policy, published: &published(plan), values: counts, counting: Counting::Rows };
        let rows = rows.decide(vec![Mark::Open; plan.cell_count()])?;
        let mut values = BTreeMap::new();
        for present in plan.outputs().iter().filter_map(|output| present(output.kind())) {
            if present != 0 && !values.contains_key(&present) {
                let counts = columns.get(present).ok_or(ProtectError::Shape)?;
                let published = &published(plan);
                let column = Column { plan, policy, published, values: counts, counting: Counting::Values };
                values.insert(present, column.decide(rows.clone())?);
            }
        }
        Ok(Self { rows, values })
    }

    /// Why the count of a cell is hidden, if it is.
    pub(super) fn rows(&self, cell: usize) -> Option<CellValue> {
        shown_as(self.rows.get(cell).copied())
    }

    /// Why the figures of a measure are hidden in a cell, if they are, by the column that counts its values.
    pub(super) fn values(&self, present: usize, cell: usize) -> Option<CellValue> {
        shown_as(self.values.get(&present).unwrap_or(&self.rows).get(cell).copied())
    }
}

fn shown_as(mark: Option<Mark>) -> Option<CellValue> {
    match mark {
        Some(Mark::Open) => None,
        Some(Mark::TooFew) => Some(CellValue::HiddenTooFew),
        Some(Mark::Protects) | None => Some(CellValue::HiddenProtectsOthers),
    }
}

/// The column that counts the values of a figure's measure.
fn present(kind: &OutputKind) -> Option<usize> {
    match kind {
        OutputKind::Sum { present, .. }
        | OutputKind::Mean { present, .. }
        | OutputKind::Variance { present, .. }
        | OutputKind::StandardDeviation { present, .. } => Some(*present),
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

/// One column of counts.
struct Column<'c> {
    plan: &'c Plan,
    policy: &'c Policy,
    published: &'c [usize],
    values: &'c [i64],
    counting: Counting,
}

impl Column<'_> {
    /// Hides what has too few, and what protects it, beside what is hidden anyhow.
    fn decide(&self, mut marks: Vec<Mark>) -> Result<Vec<Mark>, ProtectError> {
        let k = i64::try_from(self.policy.minimum_frequency()).unwrap_or(i64::MAX);
        let width = i64::try_from(self.policy.protection_interval()).unwrap_or(i64::MAX);
        for (mark, &count) in marks.iter_mut().zip(self.values) {
            if *mark == Mark::Open && 0 < count && count < k {
                *mark = Mark::TooFew;
            }
        }
        let cells: Vec<usize> = self
            .published
            .iter()
            .filter_map(|&at| self.plan.blocks().get(at))
            .flat_map(|block| block.cells())
            .collect();
        let hidden = cells.iter().any(|&cell| marks.get(cell) != Some(&Mark::Open));
        // Cells of a single block have nothing to do with each other.
        if !hidden || self.published.len() == 1 {
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
            .filter(|pattern| self.withstands(&cells, &pattern.marks, &pattern.moves, width).unwrap_or(false));
        stands.next().map(|pattern| pattern.marks).ok_or(ProtectError::Unsafe)
    }

    /// Whether the attacker opens nothing; `None` if it cannot read the table.
    fn withstands(&self, cells: &[usize], marks: &[Mark], moves: &[Move], width: i64) -> Option<bool> {
        let attack = Attack::on(&self.table(cells, marks)?, self.policy.minimum_frequency(), self.counting)?;
        let truth = cells.iter().map(|&cell| self.values.get(cell).copied()).collect::<Option<Vec<_>>>()?;
        let row = |cell: usize| cells.binary_search(&cell).ok();
        let by_row =
            |change: &Move| change.iter().map(|&(cell, by)| Some((row(cell)?, by))).collect::<Option<Vec<_>>>();
        let alternatives = moves.iter().map(by_row).collect::<Option<Vec<_>>>()?;
        Some(attack.withstood(&truth, &alternatives, width))
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
        };
        let rows = cells.iter().map(row).collect::<Option<_>>()?;
        Some(ProtectedTable::new(self.plan.axes().iter().map(axis_heading).collect(), vec![heading], rows))
    }
}
