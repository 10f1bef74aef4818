//! Whether a table may stand beside the earlier ones, and what of it has to be hidden if not.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Plan, QueryId};

use super::earlier::{Earlier, Knowledge};
use super::model::{Model, Piece, Source};
use super::solve::{Need, Solver, Target, Unsolved};
use super::{History, Limits, TooLarge};
use crate::attacker::{Counting, Interval};
use crate::cell::CellValue;
use crate::policy::Policy;
use crate::protect::ProtectError;

/// How a new table stands to those made before.
pub(crate) enum Beside {
    /// There was one that asked the same: what it said of each cell.
    Same(Vec<(usize, CellValue)>),
    /// It has to be looked at together with them.
    Watched(Box<Watch>),
}

/// A new table and those made before, as one system of equations.
pub(crate) struct Watch {
    model: Model,
    earlier: Vec<(QueryId, BTreeMap<usize, Need>)>,
    relations: Vec<Relation>,
    fixed: BTreeSet<usize>,
    hidden_before: BTreeSet<usize>,
    /// What was spent on linear programs so far.
    work: usize,
    limits: Limits,
}

/// A cell of one table, and the cells of another that lie within it.
struct Relation {
    whole: (usize, usize),
    parts: Vec<(usize, usize)>,
    /// What is in none of these.
    rest: Vec<u32>,
    /// How many suppliers may have rows there.
    suppliers: usize,
}

/// What to hide of the new table, and for the sake of which release.
pub(crate) struct Collision {
    pub(crate) earlier: QueryId,
    pub(crate) hide: BTreeSet<usize>,
}

/// The new table as it would be published.
pub(crate) struct Proposed<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) published: &'p [usize],
    /// The cells of the published blocks, in order.
    pub(crate) cells: &'p [CellValue],
    /// For each cell of the plan how far apart the ends of what can be known of it have to be.
    pub(crate) widths: &'p [i64],
    pub(crate) counting: Counting,
    pub(crate) policy: &'p Policy,
    /// The fewest suppliers that may share a cell.
    pub(crate) fewest_suppliers: u64,
}

impl History {
    /// What a new table has to be held against, if there is anything.
    pub(crate) fn beside(
        &self,
        plan: &Plan,
        published: &[usize],
        measure: Option<&str>,
    ) -> Result<Option<Beside>, ProtectError> {
        let telling = self.earlier.iter().filter(|earlier| earlier.tells(measure));
        let mut kept: Vec<&Earlier> = Vec::new();
        for earlier in telling.map(AsRef::as_ref) {
            if let Some(same) = earlier.same(plan, published, &self.taking_part, measure) {
                return Ok(Some(Beside::Same(same)));
            }
            let repeats = |known: &&Earlier| {
                known.same(&earlier.plan, &earlier.blocks, &earlier.suppliers, measure) == earlier.own(measure)
            };
            if !kept.iter().any(repeats) {
                kept.push(earlier);
            }
        }
        let Some(largest) = kept.iter().max_by_key(|earlier| earlier.plan.cell_count()) else { return Ok(None) };
        let largest = largest.query;
        let knowledge: Vec<Knowledge> =
            kept.iter().map(|earlier| earlier.knowledge(measure)).collect::<Option<_>>().ok_or(ProtectError::Shape)?;
        let unknown = vec![crate::attacker::Known { lower: 0, upper: None }; plan.cell_count()];
        let earlier = kept.iter().zip(&knowledge).map(|(earlier, knowledge)| Source {
            plan: &earlier.plan,
            suppliers: &earlier.suppliers,
            blocks: &earlier.blocks,
            known: &knowledge.known,
        });
        let new = Source { plan, suppliers: &self.taking_part, blocks: published, known: &unknown };
        let sources: Vec<Source<'_>> = earlier.chain([new]).collect();
        let model = Model::new(&sources, self.limits.atoms).map_err(|TooLarge| ProtectError::TooMuchBefore(largest))?;
        let new = sources.len() - 1;
        drop(sources);
        let earlier = kept.iter().zip(knowledge).map(|(earlier, knowledge)| (earlier.query, knowledge.hidden));
        let mut watch = Watch {
            relations: relations(&model, new),
            earlier: earlier.collect(),
            model,
            fixed: BTreeSet::new(),
            hidden_before: BTreeSet::new(),
            work: 0,
            limits: self.limits,
        };
        watch.recognise();
        Ok(Some(Beside::Watched(Box::new(watch))))
    }
}

impl Watch {
    /// Cells whose value everybody can work out already.
    pub(crate) fn fixed(&self) -> &BTreeSet<usize> {
        &self.fixed
    }

    /// Cells that were asked before, and hidden.
    pub(crate) fn hidden_before(&self) -> &BTreeSet<usize> {
        &self.hidden_before
    }

    /// By release, how many cells of it and of the new table would be known in part, so that the rest would be, too.
    pub(super) fn differences(&self) -> BTreeMap<QueryId, usize> {
        let new = self.new_table();
        let mut differences = BTreeMap::new();
        for relation in self.relations.iter().filter(|relation| !relation.rest.is_empty()) {
            let cells = || relation.parts.iter().chain([&relation.whole]);
            let Some(earlier) = cells().find(|(source, _)| *source != new) else { continue };
            let shown = cells().any(|cell| cell.0 != new && self.is_known(cell));
            if let Some((query, _)) = self.earlier.get(earlier.0).filter(|_| shown) {
                *differences.entry(*query).or_default() += 1;
            }
        }
        differences
    }

    fn new_table(&self) -> usize {
        self.earlier.len()
    }

    fn is_known(&self, cell: &(usize, usize)) -> bool {
        let row = self.model.row_of.get(cell).and_then(|&row| self.model.rows.get(row));
        row.is_some_and(|row| row.known.value().is_some())
    }

    /// New cells that are the sum of earlier ones.
    fn recognise(&mut self) {
        let new = self.new_table();
        for relation in self.relations.iter().filter(|relation| relation.whole.0 == new && relation.rest.is_empty()) {
            if relation.parts.iter().all(|part| self.is_known(part)) {
                self.fixed.insert(relation.whole.1);
            } else if relation.parts.len() == 1 {
                self.hidden_before.insert(relation.whole.1);
            }
        }
    }

    /// What of the new table has to be hidden beside what is, if anything.
    pub(crate) fn collision(&mut self, proposed: &Proposed<'_>) -> Result<Option<Collision>, ProtectError> {
        let k = i64::try_from(proposed.policy.minimum_frequency()).unwrap_or(i64::MAX);
        let (plan, blocks) = (proposed.plan, proposed.published);
        let knowledge = Knowledge::new(plan, blocks, proposed.cells, k, proposed.counting, None);
        let knowledge = knowledge.ok_or(ProtectError::Shape)?;
        let new = self.new_table();
        for (&(source, cell), &row) in &self.model.row_of {
            if source == new
                && let (Some(row), Some(&known)) = (self.model.rows.get_mut(row), knowledge.known.get(cell))
            {
                row.known = known;
            }
        }
        let watched = self.watched(proposed, &knowledge, k);
        let targets: Vec<Target> = watched.iter().map(|watched| watched.target.clone()).collect();
        let any = self.earlier.first().map(|(query, _)| *query).ok_or(ProtectError::Shape)?;
        let failed = |cause| match cause {
            Unsolved::TooLarge => ProtectError::TooMuchBefore(any),
            Unsolved::Inconsistent => ProtectError::ContradictsBefore,
        };
        let solver = Solver::new(&self.model, None).map_err(failed)?;
        let before = Solver::new(&self.model, Some(new)).map_err(failed)?;
        // What plain arithmetic gives away is mended first: there is less to solve then.
        let settled = solver.settled(&targets);
        if let Some(collision) = self.caused(proposed, &watched, (&targets, &before), settled).map_err(failed)? {
            return Ok(Some(collision));
        }
        let opened = solver.opened(&targets, Some(&before), (self.limits, &mut self.work)).map_err(failed)?;
        self.caused(proposed, &watched, (&targets, &before), opened).map_err(failed)
    }

    /// Of what becomes known too closely, what is the new table's doing: it was not known as closely before.
    fn caused(
        &mut self,
        proposed: &Proposed<'_>,
        watched: &[Watched],
        (targets, before): (&[Target], &Solver),
        opened: Vec<(usize, Interval)>,
    ) -> Result<Option<Collision>, Unsolved> {
        let (Some(&(any, _)), false) = (self.earlier.first(), opened.is_empty()) else { return Ok(None) };
        let same: Vec<Target> = opened.iter().filter_map(|(at, _)| targets.get(*at).cloned()).collect();
        let before: BTreeMap<usize, Interval> =
            before.opened(&same, None, (self.limits, &mut self.work))?.into_iter().collect();
        let mut collision: Option<Collision> = None;
        for (place, (at, now)) in opened.into_iter().enumerate() {
            let Some(watched) = watched.get(at).filter(|_| before.get(&place) != Some(&now)) else { continue };
            let earlier = watched.earlier.unwrap_or(any);
            let collision = collision.get_or_insert_with(|| Collision { earlier, hide: BTreeSet::new() });
            let suspects = self.suspects(watched, proposed);
            if !suspects.iter().any(|cell| collision.hide.contains(cell))
                && let Some(&cell) = suspects.first()
            {
                collision.hide.insert(cell);
            }
        }
        Ok(collision)
    }

    /// All that may not become known too closely.
    fn watched(&self, proposed: &Proposed<'_>, knowledge: &Knowledge, k: i64) -> Vec<Watched> {
        let new = self.new_table();
        let atoms = |cell: (usize, usize)| {
            let row = self.model.row_of.get(&cell).and_then(|&row| self.model.rows.get(row));
            row.map_or_else(Vec::new, |row| row.plus.clone())
        };
        let mut watched = Vec::new();
        for (&cell, need) in knowledge.hidden.iter().filter(|(cell, _)| !self.fixed.contains(cell)) {
            let width = proposed.widths.get(cell).copied().unwrap_or(need.width);
            let need = Need { width, part: false, open_from: None };
            watched.push(Watched {
                target: Target { atoms: atoms((new, cell)), need },
                earlier: None,
                cells: Vec::new(),
            });
        }
        for (source, (query, hidden)) in self.earlier.iter().enumerate() {
            for (&cell, &need) in hidden {
                let target = Target { atoms: atoms((source, cell)), need };
                watched.push(Watched { target, earlier: Some(*query), cells: Vec::new() });
            }
        }
        for relation in self.relations.iter().filter(|relation| !relation.rest.is_empty()) {
            if !self.is_known(&relation.whole) || !relation.parts.iter().any(|part| self.is_known(part)) {
                continue;
            }
            let few = (relation.suppliers as u64) < proposed.fewest_suppliers;
            let width = i64::try_from(proposed.policy.protection_interval()).unwrap_or(i64::MAX);
            let need = Need { width, part: few, open_from: (!few).then_some(k) };
            let all = || relation.parts.iter().chain([&relation.whole]);
            let cells = all().filter(|(source, _)| *source == new).map(|(_, cell)| *cell).collect();
            let earlier = all().find_map(|(source, _)| self.earlier.get(*source)).map(|(query, _)| *query);
            watched.push(Watched { target: Target { atoms: relation.rest.clone(), need }, earlier, cells });
        }
        watched
    }

    /// Cells of the new table that could be hidden, the likeliest to help first, those with the fewest rows before others.
    fn suspects(&self, watched: &Watched, proposed: &Proposed<'_>) -> Vec<usize> {
        let new = self.new_table();
        let numbers = proposed.published.iter().filter_map(|&at| proposed.plan.blocks().get(at));
        let numbers = numbers.flat_map(|block| block.cells());
        let open = numbers.zip(proposed.cells).filter_map(|(cell, value)| {
            let count = value.value().filter(|value| value.scaled() > 0)?;
            (!self.fixed.contains(&cell)).then_some((count.scaled(), cell))
        });
        let mut open: Vec<(i128, usize)> = open.collect();
        open.sort_unstable();
        let wanted: BTreeSet<u32> = watched.target.atoms.iter().copied().collect();
        let overlaps = |cell: usize| {
            let row = self.model.row_of.get(&(new, cell)).and_then(|&row| self.model.rows.get(row));
            row.is_some_and(|row| row.plus.iter().any(|atom| wanted.contains(atom)))
        };
        let of = |likely: &dyn Fn(usize) -> bool| -> Vec<usize> {
            open.iter().map(|(_, cell)| *cell).filter(|cell| likely(*cell)).collect()
        };
        let involved = of(&|cell| watched.cells.contains(&cell));
        if !involved.is_empty() {
            return involved;
        }
        let overlapping = of(&overlaps);
        if overlapping.is_empty() { of(&|_| true) } else { overlapping }
    }
}

/// Something that may not become known too closely.
struct Watched {
    target: Target,
    /// The release that it stands in, or that gives it away.
    earlier: Option<QueryId>,
    /// Cells of the new table of which it is a difference.
    cells: Vec<usize>,
}

/// All cells of the new table with earlier ones in them, and the other way round.
fn relations(model: &Model, new: usize) -> Vec<Relation> {
    let (of_new, of_earlier): (Vec<&Piece>, Vec<&Piece>) = model.pieces.iter().partition(|piece| piece.source == new);
    let mut found = Vec::new();
    for one in &of_new {
        for other in &of_earlier {
            if other.dimensions.is_superset(&one.dimensions) {
                found.extend(within(model, one, other));
            }
            if one.dimensions.is_superset(&other.dimensions) {
                found.extend(within(model, other, one));
            }
        }
    }
    found
}

/// For each cell of `coarse` the cells of `fine` that lie within it.
fn within(model: &Model, coarse: &Piece, fine: &Piece) -> Vec<Relation> {
    let Some(region) = model.region_of(&fine.dimensions) else { return Vec::new() };
    let mut parts: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let mut atoms: BTreeMap<usize, Vec<(Option<usize>, u32)>> = BTreeMap::new();
    let mut suppliers: BTreeMap<u32, usize> = BTreeMap::new();
    let of_suppliers = model.space.of_suppliers();
    region.each(model.space.classes.len(), |atom, classes| {
        let (whole, part) = (coarse.cell(classes), fine.cell(classes));
        if let Some(part) = part {
            // A part with rows outside of the cell, or in two of them, lies in none.
            let lies = parts.entry(part).or_insert(whole);
            if *lies != whole {
                *lies = None;
            }
        }
        if let Some(whole) = whole {
            atoms.entry(whole).or_default().push((part, atom));
            if let Some(at) = of_suppliers {
                suppliers.insert(atom, classes.get(at).copied().unwrap_or(0));
            }
        }
    });
    let mut of_whole: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (part, whole) in &parts {
        if let Some(whole) = whole {
            of_whole.entry(*whole).or_default().push((fine.source, *part));
        }
    }
    let relation = |(whole, parts_within): (usize, Vec<(usize, usize)>)| {
        let rest = atoms.get(&whole).into_iter().flatten();
        let rest = rest.filter(|(part, _)| part.is_none_or(|part| parts.get(&part) != Some(&Some(whole))));
        let rest: Vec<u32> = rest.map(|(_, atom)| *atom).collect();
        let classes: BTreeSet<usize> = rest.iter().filter_map(|atom| suppliers.get(atom).copied()).collect();
        let suppliers = match of_suppliers {
            Some(_) => classes.iter().filter_map(|&class| model.space.suppliers.get(class)).map(BTreeSet::len).sum(),
            None => model.space.suppliers.iter().map(BTreeSet::len).sum(),
        };
        Relation { whole: (coarse.source, whole), parts: parts_within, rest, suppliers }
    };
    of_whole.into_iter().map(relation).collect()
}
