//! What follows from all rows of a model: first by plain arithmetic, the rest by linear programming.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::model::Model;
use crate::attacker::{Interval, Known};

/// The solver's answers are exact to less than this.
const TOLERANCE: f64 = 1e-5;
/// More unknowns than this in one linear program are not tried.
const MOST_UNKNOWNS: usize = 1500;
/// The unknowns of all linear programs of one look at a model, together.
const MOST_WORK: usize = 400_000;

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsolved {
    /// It is too large to be looked at in whole.
    TooLarge,
    /// Nothing fits all that was published.
    Inconsistent,
}

/// How closely something may become known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// At least so far apart are the ends of what can be known.
    pub(super) width: i64,
    /// And at least a tenth of the least that it can be.
    pub(super) part: bool,
    /// From this on it may be known exactly.
    pub(super) open_from: Option<i64>,
}

impl Need {
    pub(super) fn is_met(self, known: Interval) -> bool {
        let width = if self.part { self.width.max(known.lower / 10) } else { self.width };
        known.is_as_wide_as(width) || known.upper == Some(0) || self.open_from.is_some_and(|from| known.lower >= from)
    }
}

/// Some atoms, and how closely their sum may become known.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) atoms: Vec<u32>,
    pub(super) need: Need,
}

/// A model in which all that follows by plain arithmetic has been worked out.
pub(super) struct Solver<'m> {
    model: &'m Model,
    /// For each atom what it counts, where that is known.
    values: Vec<Option<i64>>,
    /// For each row whether it says anything of atoms that are not known.
    active: Vec<bool>,
    touching: Touching,
}

/// For each atom the rows that it stands in, and with which sign.
struct Touching {
    starts: Vec<usize>,
    rows: Vec<(u32, bool)>,
}

impl Touching {
    fn new(model: &Model, used: &[bool]) -> Self {
        let mut starts = vec![0_usize; model.atoms + 1];
        let rows = || model.rows.iter().enumerate().filter(|(at, _)| used.get(*at) == Some(&true));
        for (_, row) in rows() {
            for &atom in row.plus.iter().chain(&row.minus) {
                if let Some(count) = starts.get_mut(atom as usize + 1) {
                    *count += 1;
                }
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut all = vec![(0, false); sum];
        for (at, row) in rows() {
            let plus = row.plus.iter().map(|atom| (atom, true));
            for (&atom, sign) in plus.chain(row.minus.iter().map(|atom| (atom, false))) {
                if let Some(place) = next.get_mut(atom as usize) {
                    if let Some(slot) = all.get_mut(*place) {
                        *slot = (u32::try_from(at).unwrap_or(u32::MAX), sign);
                    }
                    *place += 1;
                }
            }
        }
        Self { starts, rows: all }
    }

    fn of(&self, atom: u32) -> &[(u32, bool)] {
        let at = atom as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(&from, &to)| self.rows.get(from..to)).unwrap_or_default()
    }
}

/// What is left of a row.
#[derive(Clone, Copy, Default)]
struct Rest {
    sum: i64,
    plus: usize,
    minus: usize,
}

impl<'m> Solver<'m> {
    /// Works out what follows by plain arithmetic; `without` a table if one is to be left out.
    pub(super) fn new(model: &'m Model, without: Option<usize>) -> Result<Self, Unsolved> {
        let says = |known: Known, minus: &[u32]| known.lower > 0 || known.upper.is_some() || !minus.is_empty();
        let used = model
            .rows
            .iter()
            .map(|row| says(row.known, &row.minus) && row.of.is_none_or(|(source, _)| without != Some(source)));
        let used: Vec<bool> = used.collect();
        let touching = Touching::new(model, &used);
        let mut solver = Self { model, values: vec![None; model.atoms], active: used, touching };
        solver.settle()?;
        Ok(solver)
    }

    fn settle(&mut self) -> Result<(), Unsolved> {
        let mut rests: Vec<Rest> =
            self.model.rows.iter().map(|row| Rest { sum: 0, plus: row.plus.len(), minus: row.minus.len() }).collect();
        let mut waiting: Vec<usize> = (0..rests.len()).rev().collect();
        while let Some(at) = waiting.pop() {
            if self.active.get(at) != Some(&true) {
                continue;
            }
            for (atom, value) in self.follows(at, &rests)? {
                if self.values.get(atom as usize).is_none_or(Option::is_some) {
                    continue;
                }
                if let Some(slot) = self.values.get_mut(atom as usize) {
                    *slot = Some(value);
                }
                for &(row, sign) in self.touching.of(atom) {
                    if let Some(rest) = rests.get_mut(row as usize) {
                        rest.sum += if sign { value } else { -value };
                        *(if sign { &mut rest.plus } else { &mut rest.minus }) -= 1;
                    }
                    waiting.push(row as usize);
                }
            }
        }
        for (active, rest) in self.active.iter_mut().zip(&rests) {
            *active &= rest.plus + rest.minus > 0;
        }
        Ok(())
    }

    /// The atoms that a row settles, given what is known already.
    fn follows(&self, at: usize, rests: &[Rest]) -> Result<Vec<(u32, i64)>, Unsolved> {
        let (Some(row), Some(rest)) = (self.model.rows.get(at), rests.get(at)) else { return Ok(Vec::new()) };
        let lower = row.known.lower - rest.sum;
        let upper = row.known.upper.map(|upper| upper - rest.sum);
        let contradicts = (rest.minus == 0 && upper.is_some_and(|upper| upper < 0)) || (rest.plus == 0 && lower > 0);
        if contradicts || upper.is_some_and(|upper| upper < lower) {
            return Err(Unsolved::Inconsistent);
        }
        let unknown = |atoms: &[u32]| {
            let unknown = |atom: &u32| self.values.get(*atom as usize).is_some_and(Option::is_none);
            atoms.iter().copied().filter(unknown).collect::<Vec<u32>>()
        };
        Ok(match (rest.plus, rest.minus) {
            (0, 0) => Vec::new(),
            (_, 0) if upper == Some(0) => unknown(&row.plus).into_iter().map(|atom| (atom, 0)).collect(),
            (0, _) if lower == 0 => unknown(&row.minus).into_iter().map(|atom| (atom, 0)).collect(),
            (1, 0) if upper == Some(lower) => unknown(&row.plus).into_iter().map(|atom| (atom, lower)).collect(),
            (0, 1) if upper == Some(lower) => unknown(&row.minus).into_iter().map(|atom| (atom, -lower)).collect(),
            _ => Vec::new(),
        })
    }

    fn is_unknown(&self, atom: u32) -> bool {
        self.values.get(atom as usize).is_some_and(Option::is_none)
    }

    /// The targets that become known more closely than they may, with what is known of each.
    pub(super) fn opened(&self, targets: &[Target]) -> Result<Vec<(usize, Interval)>, Unsolved> {
        let mut opened = Vec::new();
        let mut work = 0;
        for together in self.components(targets) {
            let mut program = Program::new(self, targets, &together);
            for &at in &together {
                let Some(target) = targets.get(at) else { continue };
                if program.is_proven(at, target.need) {
                    continue;
                }
                work += program.size();
                if program.size() > MOST_UNKNOWNS || work > MOST_WORK {
                    return Err(Unsolved::TooLarge);
                }
                let known = program.interval(at, target.need)?;
                if !target.need.is_met(known) {
                    opened.push((at, known));
                }
            }
        }
        opened.sort_by_key(|(at, _)| *at);
        Ok(opened)
    }

    /// Targets that depend on each other.
    fn components(&self, targets: &[Target]) -> Vec<Vec<usize>> {
        let mut union = Union::new(self.model.atoms);
        let rows = self.model.rows.iter().zip(&self.active).filter(|(_, active)| **active);
        let rows = rows.map(|(row, _)| row.plus.iter().chain(&row.minus).copied().collect::<Vec<u32>>());
        for atoms in rows.chain(targets.iter().map(|target| target.atoms.clone())) {
            let mut unknown = atoms.into_iter().filter(|&atom| self.is_unknown(atom));
            if let Some(first) = unknown.next() {
                unknown.for_each(|atom| union.join(first, atom));
            }
        }
        let mut together: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
        for (at, target) in targets.iter().enumerate() {
            let first = target.atoms.iter().copied().find(|&atom| self.is_unknown(atom));
            together.entry(first.map(|atom| union.root(atom))).or_default().push(at);
        }
        together.into_values().collect()
    }
}

/// Which atoms hang together.
struct Union(Vec<u32>);

impl Union {
    fn new(atoms: usize) -> Self {
        Self((0..u32::try_from(atoms).unwrap_or(u32::MAX)).collect())
    }

    fn root(&mut self, atom: u32) -> u32 {
        let mut at = atom;
        while let Some(&up) = self.0.get(at as usize).filter(|up| **up != at) {
            // Shorten the way for the next one.
            let further = self.0.get(up as usize).copied().unwrap_or(up);
            if let Some(slot) = self.0.get_mut(at as usize) {
                *slot = further;
            }
            at = up;
        }
        at
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(slot) = self.0.get_mut(other.max(one) as usize) {
            *slot = one.min(other);
        }
    }
}

/// A linear program over the atoms on which some targets depend. Atoms that stand in the same rows and targets are one
/// unknown.
struct Program {
    unknowns: usize,
    /// Unknowns with their signs, and the two ends between which they add up.
    rows: Vec<(Vec<Term>, f64, f64)>,
    /// For each target the unknowns that it is made of, and what is known already.
    targets: BTreeMap<usize, (Vec<usize>, i64)>,
    /// The least and the most that each target was in any solution so far.
    seen: BTreeMap<usize, (f64, f64)>,
}

/// An unknown and its sign.
type Term = (usize, f64);

/// The rows and targets in which an atom stands.
type Signature = (Vec<(u32, bool)>, Vec<usize>);

impl Program {
    fn new(solver: &Solver<'_>, targets: &[Target], together: &[usize]) -> Self {
        let mut atoms = BTreeSet::new();
        let mut rows = BTreeSet::new();
        let mut waiting: Vec<u32> = Vec::new();
        let mut of_targets: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut known: BTreeMap<usize, (Vec<usize>, i64)> = BTreeMap::new();
        for &at in together {
            let all = targets.get(at).map_or(&[][..], |target| &target.atoms);
            let value = |atom: &u32| solver.values.get(*atom as usize).copied().flatten();
            known.insert(at, (Vec::new(), all.iter().filter_map(value).sum()));
            for &atom in all.iter().filter(|atom| solver.is_unknown(**atom)) {
                of_targets.entry(atom).or_default().push(at);
                waiting.push(atom);
            }
        }
        while let Some(atom) = waiting.pop() {
            if !atoms.insert(atom) {
                continue;
            }
            for &(row, _) in solver.touching.of(atom) {
                let is_active = solver.active.get(row as usize) == Some(&true);
                if is_active
                    && rows.insert(row)
                    && let Some(row) = solver.model.rows.get(row as usize)
                {
                    waiting.extend(row.plus.iter().chain(&row.minus).filter(|atom| solver.is_unknown(**atom)));
                }
            }
        }
        let mut places: BTreeMap<Signature, usize> = BTreeMap::new();
        let mut terms: BTreeMap<u32, BTreeMap<usize, f64>> = BTreeMap::new();
        for &atom in &atoms {
            let touching = solver.touching.of(atom).iter().copied().filter(|(row, _)| rows.contains(row)).collect();
            let signature: Signature = (touching, of_targets.remove(&atom).unwrap_or_default());
            let next = places.len();
            if places.contains_key(&signature) {
                continue;
            }
            for &(row, sign) in &signature.0 {
                *terms.entry(row).or_default().entry(next).or_default() += if sign { 1.0 } else { -1.0 };
            }
            for target in &signature.1 {
                if let Some((unknowns, _)) = known.get_mut(target) {
                    unknowns.push(next);
                }
            }
            places.insert(signature, next);
        }
        let rows = terms.into_iter().filter_map(|(at, terms)| {
            let (lower, upper) = solver.range(at)?;
            Some((terms.into_iter().filter(|(_, sign)| *sign != 0.0).collect(), lower, upper))
        });
        let rows = rows.collect();
        Self { unknowns: places.len(), rows, targets: known, seen: BTreeMap::new() }
    }

    fn size(&self) -> usize {
        self.unknowns
    }

    fn is_proven(&self, at: usize, need: Need) -> bool {
        let seen = self.seen.get(&at).copied();
        seen.and_then(|(least, most)| whole(least, most).ok()).is_some_and(|seen| {
            // What was seen is possible; that more is possible makes it only wider.
            let width = if need.part { need.width.max(seen.upper.unwrap_or(0) / 10) } else { need.width };
            seen.is_as_wide_as(width)
        })
    }

    fn interval(&mut self, at: usize, need: Need) -> Result<Interval, Unsolved> {
        let Some((unknowns, value)) = self.targets.get(&at).cloned() else { return Err(Unsolved::Inconsistent) };
        if unknowns.is_empty() {
            return Ok(Interval { lower: value, upper: Some(value) });
        }
        let most = self.extreme(&unknowns, OptimizationDirection::Maximize)?;
        let Some(most) = most else { return Ok(Interval { lower: 0, upper: None }) };
        if self.is_proven(at, need)
            && let Some(&(least, most)) = self.seen.get(&at)
        {
            return whole(least, most);
        }
        let least = self.extreme(&unknowns, OptimizationDirection::Minimize)?.unwrap_or(0.0);
        #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
        let value = value as f64;
        whole(least + value, most + value)
    }

    /// The least or the most that these unknowns can be together; `None` if there is no such bound.
    fn extreme(&mut self, wanted: &[usize], direction: OptimizationDirection) -> Result<Option<f64>, Unsolved> {
        let mut problem = Problem::new(direction);
        let variables: Vec<Variable> = (0..self.unknowns)
            .map(|at| problem.add_var(f64::from(u8::from(wanted.contains(&at))), (0.0, f64::INFINITY)))
            .collect();
        for (terms, lower, upper) in &self.rows {
            let mut terms: Vec<(Variable, f64)> =
                terms.iter().filter_map(|(at, sign)| Some((*variables.get(*at)?, *sign))).collect();
            let exact = lower == upper;
            if !exact {
                terms.push((problem.add_var(0.0, (*lower, *upper)), -1.0));
            }
            problem.add_constraint(terms.as_slice(), ComparisonOp::Eq, if exact { *lower } else { 0.0 });
        }
        let solution = match problem.solve() {
            Ok(outcome) => outcome.into_solution().map_err(|_| Unsolved::Inconsistent)?,
            Err(microlp::Error::Unbounded) => return Ok(None),
            Err(_) => return Err(Unsolved::Inconsistent),
        };
        for (at, (unknowns, value)) in &self.targets {
            #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
            let start = *value as f64;
            let of = |at: &usize| variables.get(*at).map_or(0.0, |variable| solution[*variable]);
            let now = start + unknowns.iter().map(of).sum::<f64>();
            let (least, most) = self.seen.entry(*at).or_insert((now, now));
            (*least, *most) = (least.min(now), most.max(now));
        }
        Ok(Some(solution.objective()))
    }
}

impl Solver<'_> {
    /// What is left of a row's range once the known atoms are taken out.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn range(&self, at: u32) -> Option<(f64, f64)> {
        let row = self.model.rows.get(at as usize)?;
        let sum = |atoms: &[u32]| -> i64 {
            atoms.iter().filter_map(|&atom| self.values.get(atom as usize).copied().flatten()).sum()
        };
        let sum = sum(&row.plus) - sum(&row.minus);
        let upper = row.known.upper.map_or(f64::INFINITY, |upper| (upper - sum) as f64);
        Some(((row.known.lower - sum) as f64, upper))
    }
}

/// The whole numbers between the two ends.
#[allow(clippy::cast_possible_truncation)] // within the range that is checked
fn whole(least: f64, most: f64) -> Result<Interval, Unsolved> {
    let number = |number: f64| if number.abs() < 9.0e15 { Ok(number as i64) } else { Err(Unsolved::Inconsistent) };
    let (lower, upper) = (number((least - TOLERANCE).ceil())?, number((most + TOLERANCE).floor())?);
    Ok(Interval { lower, upper: Some(upper.max(lower)) })
}
