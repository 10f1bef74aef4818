//! One column of a table, and what is hidden of it: by what it tells alone, and beside earlier releases.

use std::collections::BTreeSet;

use optelsom_codebook::{Label, Measure, Plan};

use super::hide::shown_as;
use super::sums::Sums;
use super::{ProtectError, axis_headings};
use crate::attacker::{Attack, Counting};
use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::history::{Beside, History, Proposed, Watch};
use crate::policy::Policy;
use crate::suppress::{Mark, Move, Pattern, Ranges, Rule, Suppression};
use crate::table::{FigureHeading, FigureKind, ProtectedTable, Row};

/// One column of counts.
pub(super) struct Guarded<'c> {
    pub(super) plan: &'c Plan,
    pub(super) policy: &'c Policy,
    pub(super) published: &'c [usize],
    pub(super) history: &'c History,
    pub(super) values: &'c [i64],
    /// The measure whose values are counted, if not rows are.
    pub(super) measure: Option<usize>,
    /// The fewest suppliers that may share a cell.
    pub(super) fewest: u64,
    /// What is known of each cell and may be, where these are sums.
    pub(super) ranges: Option<Ranges<'c>>,
}

/// How often more is hidden for the sake of earlier releases before a table is refused.
const MOST_ROUNDS: usize = 60;
/// How often more is hidden for the sake of what the attacker opens, before that is given up.
const MOST_LOOSENED: usize = 40;
/// With more opened cells than this no more is hidden cell by cell: each is a linear program.
const MOST_OPENED: usize = 100;

impl Guarded<'_> {
    /// Marks what is hidden for its own sake, beside what is hidden anyhow.
    pub(super) fn primary(&self, mut marks: Vec<Mark>, suppliers: Option<&[i64]>) -> Vec<Mark> {
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
    pub(super) fn decide(&self, marks: Vec<Mark>) -> Result<(Vec<Mark>, bool), ProtectError> {
        let measure = self.measure.and_then(|at| self.plan.dataset().measures().get(at)).map(Measure::name);
        match self.history.beside(self.plan, self.published, measure)? {
            None => self.within(marks, &BTreeSet::new()).map(|marks| (marks, false)),
            Some(Beside::Same(before)) => Ok((as_before(marks, &before), true)),
            Some(Beside::Watched(watch)) => self.beside(marks, *watch).map(|marks| (marks, false)),
        }
    }

    /// Hides what keeps hidden sums from being narrowed down, beside what keeps the numbers of their values. That gives no
    /// more away of these, here or in earlier releases.
    pub(super) fn with_sums(
        &self,
        marks: Vec<Mark>,
        columns: &[Vec<i64>],
        measure: usize,
    ) -> Result<Vec<Mark>, ProtectError> {
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
        let best = suppression.best(&marks).and_then(|best| self.loosened(&suppression, best, &cells));
        let mut coarse = suppression.coarse(&marks).filter(|pattern| {
            let opened = self.opened(&cells, &pattern.marks, &pattern.moves, &BTreeSet::new());
            opened.is_some_and(|opened| opened.is_empty())
        });
        best.or_else(|| coarse.next().map(|pattern| pattern.marks)).ok_or(ProtectError::Unsafe)
    }

    /// A pattern with more and more hidden, until the attacker opens nothing; `None` where that does not help.
    fn loosened(&self, suppression: &Suppression<'_>, pattern: Pattern, cells: &[usize]) -> Option<Vec<Mark>> {
        let Pattern { mut marks, moves } = pattern;
        // With more hidden nothing is narrowed further: what is safe stays so.
        let mut safe = BTreeSet::new();
        for _ in 0..MOST_LOOSENED {
            let opened = self.opened(cells, &marks, &moves, &safe)?;
            if opened.is_empty() {
                return Some(marks);
            }
            // Sums are not solved for, so that more hidden would prove no more of them.
            if opened.len() > MOST_OPENED || self.ranges.is_some() {
                return None;
            }
            let hidden = |(at, cell): (usize, &usize)| (marks.get(*cell)? != &Mark::Open).then_some(at);
            safe = cells.iter().enumerate().filter_map(hidden).filter(|at| !opened.contains(at)).collect();
            let opened: Vec<usize> = opened.iter().filter_map(|&row| cells.get(row).copied()).collect();
            if !suppression.loosen(&mut marks, &opened) {
                return None;
            }
        }
        None
    }

    /// The rows that the attacker opens, other than those known to be safe; `None` if it cannot read the table.
    fn opened(&self, cells: &[usize], marks: &[Mark], moves: &[Move], safe: &BTreeSet<usize>) -> Option<Vec<usize>> {
        let rule = self.rule();
        let attack = Attack::on(&self.table(cells, marks)?, self.policy.minimum_frequency(), self.counting())?;
        let truth = cells.iter().map(|&cell| self.values.get(cell).copied()).collect::<Option<Vec<_>>>()?;
        let row = |cell: usize| cells.binary_search(&cell).ok();
        let by_row =
            |change: &Move| change.iter().map(|&(cell, by)| Some((row(cell)?, by))).collect::<Option<Vec<_>>>();
        let alternatives = moves.iter().map(by_row).collect::<Option<Vec<_>>>()?;
        if let Some(Ranges { ceilings, widths }) = self.ranges {
            let by_row = |of: &[i64]| cells.iter().map(|&cell| of.get(cell).copied()).collect::<Option<Vec<_>>>();
            return attack.below(&by_row(ceilings)?).unproven(&truth, &alternatives, &by_row(widths)?);
        }
        let width = |&cell: &usize| Some(rule.width_of(*marks.get(cell)?, *self.values.get(cell)?));
        let widths = cells.iter().map(width).collect::<Option<Vec<_>>>()?;
        attack.opened(&truth, &alternatives, &widths, safe, MOST_OPENED + 1)
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

/// A policy's number as counts are; beyond that everything is fewer.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
