//! One release made before, read as what everybody knows of its counts.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Codebook, Plan, PlanLimits, Query, QueryId, SupplierId};

use super::HistoryError;
use super::solve::Need;
use crate::attacker::{Counting, Known, known, withheld};
use crate::cell::{CellValue, Status};
use crate::protect::published;
use crate::release::Release;
use crate::table::FigureKind;

/// A release made before.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) query: QueryId,
    pub(super) plan: Plan,
    pub(super) suppliers: BTreeSet<SupplierId>,
    pub(super) blocks: Vec<usize>,
    rows: Vec<CellValue>,
    /// By the name of a measure, what is told of how many rows have a value.
    values: BTreeMap<String, Vec<CellValue>>,
    k: i64,
    rounded_to: Option<u64>,
}

/// What is known of the cells of a table, and how closely the hidden ones may become known.
#[derive(Clone, Debug)]
pub(super) struct Knowledge {
    /// Per cell of the plan.
    pub(super) known: Vec<Known>,
    pub(super) hidden: BTreeMap<usize, Need>,
}

impl Knowledge {
    /// From the cells of the published blocks of a plan, in its order. `None` where they do not fit it.
    pub(super) fn new(
        plan: &Plan,
        blocks: &[usize],
        cells: &[CellValue],
        k: i64,
        counting: Counting,
        rounded_to: Option<u64>,
    ) -> Option<Self> {
        let mut cells = cells.iter();
        let mut statuses: BTreeMap<u64, Vec<Status>> = BTreeMap::new();
        let mut of_cells: Vec<(u64, usize, CellValue)> = Vec::new();
        for block in blocks.iter().map(|&at| plan.blocks().get(at)) {
            let block = block?;
            let mask = block.axes_told().iter().fold(0, |mask, axis| mask | 1 << axis);
            for cell in block.cells() {
                let value = *cells.next()?;
                statuses.entry(mask).or_default().push(value.status());
                of_cells.push((mask, cell, value));
            }
        }
        let withheld = withheld(&statuses);
        let mut knowledge =
            Self { known: vec![Known { lower: 0, upper: None }; plan.cell_count()], hidden: BTreeMap::new() };
        for (mask, cell, value) in of_cells {
            let withheld = withheld.contains(&mask);
            *knowledge.known.get_mut(cell)? = known(&value, k, counting, withheld, rounded_to)?;
            let part = value.status() == Status::HiddenTooFewSuppliers;
            if !withheld && value.value().is_none() && is_hidden(value.status()) {
                knowledge.hidden.insert(cell, Need { width: (k - 1) / 2, part, open_from: None });
            }
        }
        cells.next().is_none().then_some(knowledge)
    }
}

fn is_hidden(status: Status) -> bool {
    matches!(
        status,
        Status::HiddenTooFew | Status::HiddenTooFewSuppliers | Status::HiddenDominance | Status::HiddenProtectsOthers
    )
}

impl Earlier {
    /// Reads a release, which has to be one of this codebook.
    pub(super) fn read(codebook: &Codebook, release: &Release) -> Result<Self, HistoryError> {
        let query = release.query();
        let unreadable = |cause: String| HistoryError::Release { query, cause };
        if release.codebook().hash != codebook.hash() {
            return Err(unreadable("it was made with another codebook".to_owned()));
        }
        let document = release.document().to_string();
        let question = Query::from_json(codebook, &document).map_err(|cause| unreadable(cause.to_string()))?;
        let plan = Plan::with_limits(codebook, &question, PlanLimits { cells: usize::MAX })
            .map_err(|cause| unreadable(cause.to_string()))?;
        let other_table = || unreadable("its table is not the one of its question".to_owned());
        let table = release.table();
        let cells = plan.blocks().iter().filter(|block| block.shown()).flat_map(|block| block.cells());
        let axes = table.axes().len();
        let fits = |(cell, row): (usize, &crate::Row)| {
            plan.cell(cell).is_some_and(|cell| cell.positions.iter().take(axes).eq(row.places()))
        };
        let shown: usize = plan.blocks().iter().filter(|block| block.shown()).map(|block| block.len()).sum();
        if shown != table.rows().len() || !cells.zip(table.rows()).all(fits) {
            return Err(other_table());
        }
        let blocks = published(&plan);
        let figure = table.figures().iter().position(|figure| figure.kind == FigureKind::Count);
        let counts = || {
            let at = figure?;
            table.rows().iter().map(|row| row.figures().get(at).copied()).collect::<Option<Vec<_>>>()
        };
        let base = |measure: Option<&str>| table.bases().iter().find(|base| base.measure.as_deref() == measure);
        let rows = base(None).map(|base| base.counts.clone()).or_else(counts).ok_or_else(other_table)?;
        let mut values = BTreeMap::new();
        for measure in plan.outputs().iter().filter_map(|output| crate::protect::values_of(output.kind())) {
            let name = plan.dataset().measures().get(measure).map(|measure| measure.name().to_owned());
            let name = name.ok_or_else(other_table)?;
            let counts = base(Some(&name)).map_or_else(|| rows.clone(), |base| base.counts.clone());
            values.insert(name, counts);
        }
        let k = i64::try_from(release.minimum_frequency()).unwrap_or(i64::MAX);
        let rounded_to = table.figures().iter().find_map(|figure| figure.rounded_to);
        let suppliers = release.suppliers_taking_part().clone();
        let earlier = Self { query, plan, suppliers, blocks, rows, values, k, rounded_to };
        // Whatever is asked of it later has an answer.
        earlier.knowledge(None).ok_or_else(other_table)?;
        let measures = earlier.values.keys().cloned().collect::<Vec<_>>();
        for measure in &measures {
            earlier.knowledge(Some(measure)).ok_or_else(other_table)?;
        }
        Ok(earlier)
    }

    /// Whether it tells anything of the values of this measure; of rows every release does.
    pub(super) fn tells(&self, measure: Option<&str>) -> bool {
        measure.is_none_or(|measure| self.values.contains_key(measure))
    }

    fn cells(&self, measure: Option<&str>) -> Option<&[CellValue]> {
        match measure {
            None => Some(&self.rows),
            Some(measure) => self.values.get(measure).map(Vec::as_slice),
        }
    }

    pub(super) fn knowledge(&self, measure: Option<&str>) -> Option<Knowledge> {
        let counting = if measure.is_some() { Counting::Values } else { Counting::Rows };
        Knowledge::new(&self.plan, &self.blocks, self.cells(measure)?, self.k, counting, self.rounded_to)
    }

    /// What it says itself of each of its cells.
    pub(super) fn own(&self, measure: Option<&str>) -> Option<Vec<(usize, CellValue)>> {
        self.same(&self.plan, &self.blocks, &self.suppliers, measure)
    }

    /// What each published cell of a plan said here, if it asks the same of the same suppliers, cell by cell.
    pub(super) fn same(
        &self,
        plan: &Plan,
        blocks: &[usize],
        suppliers: &BTreeSet<SupplierId>,
        measure: Option<&str>,
    ) -> Option<Vec<(usize, CellValue)>> {
        let (one, other) = (plan.query(), self.plan.query());
        if one.filter() != other.filter() || plan.axes() != self.plan.axes() || *suppliers != self.suppliers {
            return None;
        }
        let cells = self.cells(measure)?;
        let mut own = BTreeMap::new();
        let mut from = 0;
        for block in self.blocks.iter().filter_map(|&at| self.plan.blocks().get(at)) {
            own.insert(block.axes(), cells.get(from..from + block.len())?);
            from += block.len();
        }
        let mut same = Vec::new();
        for block in blocks.iter().map(|&at| plan.blocks().get(at)) {
            let block = block?;
            same.extend(block.cells().zip(own.get(block.axes())?.iter().copied()));
        }
        Some(same)
    }
}
