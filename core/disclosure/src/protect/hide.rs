//! Which cells are hidden, and why: too few, or needed to protect others. No choice stands that the attacker opens.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Block, Column, Label, Measure, OutputKind, Plan};

use super::figure::Opened;
use super::sums::Sums;
use super::{ProtectError, axis_headings, dominance};
use crate::attacker::{Attack, Counting};
use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::history::{Beside, History, Proposed, Watch};
use crate::policy::Policy;
use crate::suppress::{Mark, Move, Ranges, Rule, Suppression};
use crate::table::{Base, FigureHeading, FigureKind, ProtectedTable, Row};

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

fn hide(marks: &mut [Mark], cell: usize) {
    if let Some(mark) = marks.get_mut(cell).filter(|mark| **mark == Mark::Open) {
        *mark = Mark::Protects;
    }
}

/// What was hidden before stays hidden, for the same reason; what was shown is shown, unless it is too few by now.
fn as_before(mut marks: Vec<Mark>, before: &[(usize, CellValue)]) -> Vec<Mark> {
    for (cell, value) in before {
        if let Some(mark) = marks.get_mut(*cell) {
            *mark = match value {
                CellValue::HiddenTooFew => Mark::TooFew,
                CellValue::HiddenTooFewSuppliers => Mark::TooFewSuppliers,
                CellValue::HiddenDominance => Mark::Dominated,
                CellValue::HiddenProtectsOthers => Mark::Protects,
                CellValue::HiddenUnchecked => Mark::Withheld,
                _ => *mark,
            };
        }
    }
    marks
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
    history: &'c History,
    values: &'c [i64],
    /// The measure whose values are counted, if not rows are.
    measure: Option<usize>,
    /// The fewest suppliers that may share a cell.
    fewest: u64,
    /// What is known of each cell and may be, where these are sums.
    ranges: Option<Ranges<'c>>,
}

/// How often more is hidden for the sake of earlier releases before a table is refused.
const MOST_ROUNDS: usize = 60;

impl Guarded<'_> {
    /// Marks what is hidden for its own sake, beside what is hidden anyhow.
    fn primary(&self, mut marks: Vec<Mark>, suppliers: Option<&[i64]>) -> Vec<Mark> {
        let (k, least) = (whole(self.policy.minimum_frequency()), whole(self.fewest));
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

    fn counting(&self) -> Counting {
        if self.measure.is_some() { Counting::Values } else { Counting::Rows }
    }

    /// Hides what protects those that are hidden, here and in earlier releases; and whether all is as it was before.
    fn decide(&self, marks: Vec<Mark>) -> Result<(Vec<Mark>, bool), ProtectError> {
        let measure = self.measure.and_then(|at| self.plan.dataset().measures().get(at)).map(Measure::name);
        match self.history.beside(self.plan, self.published, measure)? {
            None => self.within(marks, &BTreeSet::new()).map(|marks| (marks, false)),
            Some(Beside::Same(before)) => Ok((as_before(marks, &before), true)),
            Some(Beside::Watched(watch)) => self.beside(marks, *watch).map(|marks| (marks, false)),
        }
    }

    /// Hides what keeps hidden sums from being narrowed down, beside what keeps the numbers of their values. That gives no
    /// more away of these, here or in earlier releases.
    fn with_sums(&self, marks: Vec<Mark>, columns: &[Vec<i64>], measure: usize) -> Result<Vec<Mark>, ProtectError> {
        match Sums::new(self.plan, self.policy, columns, (measure, self.values))? {
            Some(sums) => {
                let known = BTreeSet::new();
                Guarded { values: &sums.above_least, ranges: Some(sums.ranges()), ..*self }.within(marks, &known)
            }
            None if self.published.len() == 1 || marks.iter().all(|mark| *mark == Mark::Open) => Ok(marks),
            None => Ok(marks.into_iter().map(|mark| if mark == Mark::Open { Mark::Protects } else { mark }).collect()),
        }
    }

    /// Hides more and more, until nothing is given away together with earlier releases.
    fn beside(&self, mut given: Vec<Mark>, mut watch: Watch) -> Result<Vec<Mark>, ProtectError> {
        for &cell in watch.hidden_before() {
            hide(&mut given, cell);
        }
        let cells: Vec<usize> = self.cells().collect();
        let mut earlier = None;
        for _ in 0..MOST_ROUNDS {
            let marks = match (self.within(given.clone(), watch.fixed()), earlier) {
                (Ok(marks), _) => marks,
                (Err(ProtectError::Unsafe), Some(earlier)) => return Err(ProtectError::Collides(earlier)),
                (Err(cause), _) => return Err(cause),
            };
            let shown = |&cell: &usize| self.shown(cell, *marks.get(cell)?);
            let figures = cells.iter().map(shown).collect::<Option<Vec<_>>>().ok_or(ProtectError::Shape)?;
            let width = |(mark, value): (&Mark, &i64)| self.rule().width_of(*mark, *value);
            let widths: Vec<i64> = marks.iter().zip(self.values).map(width).collect();
            let proposed = Proposed {
                plan: self.plan,
                published: self.published,
                cells: &figures,
                widths: &widths,
                counting: self.counting(),
                policy: self.policy,
                fewest_suppliers: self.fewest,
            };
            let Some(collision) = watch.collision(&proposed)? else {
                let says_something = |&cell: &usize| {
                    marks.get(cell) == Some(&Mark::Open) && self.values.get(cell).is_some_and(|&count| count > 0)
                };
                return match earlier {
                    Some(earlier) if self.measure.is_none() && !cells.iter().any(says_something) => {
                        Err(ProtectError::Collides(earlier))
                    }
                    _ => Ok(marks),
                };
            };
            if collision.hide.is_empty() {
                return Err(ProtectError::Collides(collision.earlier));
            }
            earlier = Some(collision.earlier);
            for cell in collision.hide {
                hide(&mut given, cell);
            }
        }
        Err(earlier.map_or(ProtectError::Unsafe, ProtectError::Collides))
    }

    fn cells(&self) -> impl Iterator<Item = usize> {
        self.published.iter().filter_map(|&at| self.plan.blocks().get(at)).flat_map(|block| block.cells())
    }

    fn rule(&self) -> Rule {
        let (k, width) = (whole(self.policy.minimum_frequency()), whole(self.policy.protection_interval()));
        let (least_few, least_other) = if self.measure.is_some() { (0, 0) } else { (1, k) };
        Rule { k, width, least_few, least_other }
    }

    /// Hides what protects those that are hidden, by what this table tells alone. Everybody knows the cells of `known`.
    fn within(&self, marks: Vec<Mark>, known: &BTreeSet<usize>) -> Result<Vec<Mark>, ProtectError> {
        // Cells of a single block have nothing to do with each other.
        if self.published.len() == 1 || marks.iter().all(|mark| *mark == Mark::Open) {
            return Ok(marks);
        }
        let cells: Vec<usize> = self.cells().collect();
        if cells.iter().all(|&cell| marks.get(cell) == Some(&Mark::Open)) {
            return Ok(marks);
        }
        let rule = self.rule();
        let suppression = Suppression::new(self.plan, self.published, self.values, rule).with_known(known);
        let suppression = self.ranges.into_iter().fold(suppression, Suppression::within);
        let mut stands = suppression
            .patterns(&marks)
            .filter(|pattern| self.withstands(&cells, &pattern.marks, &pattern.moves, rule).unwrap_or(false));
        stands.next().map(|pattern| pattern.marks).ok_or(ProtectError::Unsafe)
    }

    /// Whether the attacker opens nothing; `None` if it cannot read the table.
    fn withstands(&self, cells: &[usize], marks: &[Mark], moves: &[Move], rule: Rule) -> Option<bool> {
        let attack = Attack::on(&self.table(cells, marks)?, self.policy.minimum_frequency(), self.counting())?;
        let truth = cells.iter().map(|&cell| self.values.get(cell).copied()).collect::<Option<Vec<_>>>()?;
        let row = |cell: usize| cells.binary_search(&cell).ok();
        let by_row =
            |change: &Move| change.iter().map(|&(cell, by)| Some((row(cell)?, by))).collect::<Option<Vec<_>>>();
        let alternatives = moves.iter().map(by_row).collect::<Option<Vec<_>>>()?;
        if let Some(Ranges { ceilings, widths }) = self.ranges {
            let by_row = |of: &[i64]| cells.iter().map(|&cell| of.get(cell).copied()).collect::<Option<Vec<_>>>();
            return Some(attack.below(&by_row(ceilings)?).disproved(&truth, &alternatives, &by_row(widths)?));
        }
        let width = |&cell: &usize| Some(rule.width_of(*marks.get(cell)?, *self.values.get(cell)?));
        let widths = cells.iter().map(width).collect::<Option<Vec<_>>>()?;
        Some(attack.withstood(&truth, &alternatives, &widths))
    }

    /// What a cell says of its count.
    fn shown(&self, cell: usize, mark: Mark) -> Option<CellValue> {
        let count = Decimal::whole(*self.values.get(cell)?);
        let shown = if count.scaled() == 0 { CellValue::TrueZero(count) } else { CellValue::Shown(count) };
        Some(shown_as(Some(mark)).unwrap_or(shown))
    }

    /// The table of these counts as the attacker sees it.
    fn table(&self, cells: &[usize], marks: &[Mark]) -> Option<ProtectedTable> {
        let row =
            |&cell: &usize| Some(Row::new(self.plan.cell(cell)?.positions, vec![self.shown(cell, *marks.get(cell)?)?]));
        let heading = FigureHeading {
            name: "count".to_owned(),
            kind: FigureKind::Count,
            label: Label::same("count"),
            unit: Label::same(""),
            decimals: 0,
            rounded_to: None,
            noise: None,
        };
        let rows = cells.iter().map(row).collect::<Option<_>>()?;
        Some(ProtectedTable::new(axis_headings(self.plan).collect(), vec![heading], rows))
    }
}

/// A policy's number as counts are; beyond that everything is fewer.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
