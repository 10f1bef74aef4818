//! Which cells are hidden, and why: too few, or needed to protect others. No choice stands that the attacker opens.

use std::collections::BTreeMap;

use optelsom_codebook::{Block, Column, OutputKind, Plan};

use super::figure::Opened;
use super::guarded::Guarded;
use super::{ProtectError, dominance};
use crate::cell::CellValue;
use crate::history::History;
use crate::policy::Policy;
use crate::suppress::Mark;
use crate::table::Base;

/// What becomes of the cells of a plan.
pub(super) struct Hidden {
    rows: Vec<Mark>,
    /// By measure.
    values: BTreeMap<usize, Vec<Mark>>,
}

impl Hidden {
    /// Decides which groupings are shown, and what of them. Where they are too much to be checked together with what was
    /// released before, the largest ones are withheld whole, whatever they hold, and so tell nothing.
    pub(super) fn decide(
        plan: &Plan,
        policy: &Policy,
        columns: &[Vec<i64>],
        history: &History,
    ) -> Result<Self, ProtectError> {
        let mut shown = published(plan);
        let size = |at: usize| plan.blocks().get(at).map_or(0, Block::len);
        loop {
            let too_much = match Self::among(plan, policy, columns, history, &shown) {
                Err(ProtectError::TooMuchBefore(earlier)) => ProtectError::TooMuchBefore(earlier),
                decided => return decided.map(|hidden| hidden.withholding(plan, &shown)),
            };
            let Some(largest) = shown.iter().copied().max_by_key(|&at| (size(at), at)).filter(|_| shown.len() > 1)
            else {
                return Err(too_much);
            };
            shown.retain(|&at| at != largest);
        }
    }

    /// Everything else that is published is withheld.
    fn withholding(mut self, plan: &Plan, shown: &[usize]) -> Self {
        let hidden = published(plan).into_iter().filter(|at| !shown.contains(at));
        for block in hidden.filter_map(|at| plan.blocks().get(at)) {
            for marks in self.values.values_mut().chain([&mut self.rows]) {
                if let Some(marks) = marks.get_mut(block.cells()) {
                    marks.fill(Mark::Withheld);
                }
            }
        }
        self
    }

    /// Decides for the counts of rows, then for the values of each measure, which follow the rows.
    fn among(
        plan: &Plan,
        policy: &Policy,
        columns: &[Vec<i64>],
        history: &History,
        published: &[usize],
    ) -> Result<Self, ProtectError> {
        let counts = columns.first().ok_or(ProtectError::Shape)?;
        let of_rows = find(plan, columns, Column::Suppliers { measure: None });
        let fewest = policy.minimum_suppliers();
        let column = Guarded { plan, policy, published, history, values: counts, measure: None, fewest, ranges: None };
        let (rows, _) = column.decide(column.primary(vec![Mark::Open; plan.cell_count()], of_rows))?;
        let mut values = BTreeMap::new();
        let fewest = policy.minimum_suppliers_of_a_sum();
        for (measure, present) in plan.outputs().iter().filter_map(|output| present(output.kind())) {
            if values.contains_key(&measure) {
                continue;
            }
            let counts = columns.get(present).ok_or(ProtectError::Shape)?;
            let measure_at = Some(measure);
            let column =
                Guarded { plan, policy, published, history, values: counts, measure: measure_at, fewest, ranges: None };
            let suppliers = find(plan, columns, Column::Suppliers { measure: Some(measure) }).or(of_rows);
            let mut marks = column.primary(rows.clone(), suppliers);
            dominance::mark(plan, policy, columns, measure, &mut marks)?;
            // Without values of its own it follows the rows, and is protected with them.
            let follows = present == 0 && marks == rows;
            let (marks, as_before) = if follows { (marks, false) } else { column.decide(marks)? };
            values.insert(measure, if as_before { marks } else { column.with_sums(marks, columns, measure)? });
        }
        Ok(Self { rows, values })
    }

    /// The counts that figures rest on, where they do not say them: later tables are protected against those, too.
    pub(super) fn bases(&self, opened: &Opened<'_>) -> Result<Vec<Base>, ProtectError> {
        let (plan, published) = (opened.plan, published(opened.plan));
        let is_count = |kind: &OutputKind| matches!(kind, OutputKind::Count { .. });
        let counts_shown = plan.outputs().iter().any(|output| is_count(output.kind()));
        let all_shown = published.iter().all(|&at| plan.blocks().get(at).is_some_and(|block| block.shown()));
        let mut bases = Vec::new();
        if !counts_shown || !all_shown {
            bases.push(Base { measure: None, counts: opened.counts(&published, 0, &self.rows)? });
        }
        for (measure, present) in plan.outputs().iter().filter_map(|output| present(output.kind())) {
            let marks = self.values.get(&measure).unwrap_or(&self.rows);
            let name = plan.dataset().measures().get(measure).map(|measure| measure.name().to_owned());
            if (present != 0 || *marks != self.rows) && bases.iter().all(|base| base.measure != name) {
                bases.push(Base { measure: name, counts: opened.counts(&published, present, marks)? });
            }
        }
        Ok(bases)
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

/// The measure of a figure that is made of values.
pub(crate) fn values_of(kind: &OutputKind) -> Option<usize> {
    present(kind).map(|(measure, _)| measure)
}

pub(super) fn shown_as(mark: Option<Mark>) -> Option<CellValue> {
    match mark {
        Some(Mark::Open) => None,
        Some(Mark::TooFew) => Some(CellValue::HiddenTooFew),
        Some(Mark::TooFewSuppliers) => Some(CellValue::HiddenTooFewSuppliers),
        Some(Mark::Dominated) => Some(CellValue::HiddenDominance),
        Some(Mark::Withheld) => Some(CellValue::HiddenUnchecked),
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
        OutputKind::Count { .. }
        | OutputKind::NoisedSum { .. }
        | OutputKind::Share { .. }
        | OutputKind::Quantile { .. } => None,
    }
}

/// The blocks that are shown, and those by which shares are divided: they follow from a share and its count.
pub(crate) fn published(plan: &Plan) -> Vec<usize> {
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
