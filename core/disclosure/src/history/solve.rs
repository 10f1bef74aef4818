//! What follows from all rows of a model: first by plain arithmetic, the rest by linear programming.

mod program;

use std::collections::{BTreeMap, BTreeSet};

use super::Limits;
use super::model::{Model, Row};
use crate::attacker::Interval;
use program::Program;

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
pub(super) struct Solver {
    /// For each atom what it counts, where that is known.
    values: Vec<Option<i64>>,
    rows: Vec<Live>,
    touching: Touching,
}

/// What some targets depend on. What follows for them is the same where it is the same.
#[derive(Default, PartialEq, Eq)]
struct Binding<'s> {
    /// Per target what is known of it already.
    known: Vec<i64>,
    atoms: BTreeSet<u32>,
    rows: BTreeSet<&'s Live>,
}

/// What is left of a row: the atoms that are not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Live {
    plus: Vec<u32>,
    minus: Vec<u32>,
    lower: i64,
    upper: Option<i64>,
}

impl Live {
    fn is_exact_sum(&self) -> bool {
        self.minus.is_empty() && self.upper == Some(self.lower)
    }

    fn says_something(&self) -> bool {
        self.lower > 0 || self.upper.is_some() || !self.minus.is_empty()
    }
}

/// For each atom the rows that it stands in, and with which sign.
struct Touching {
    starts: Vec<usize>,
    rows: Vec<(u32, bool)>,
}

impl Touching {
    fn new(atoms: usize, rows: &[Live]) -> Self {
        let mut starts = vec![0_usize; atoms + 1];
        for &atom in rows.iter().flat_map(|row| row.plus.iter().chain(&row.minus)) {
            if let Some(count) = starts.get_mut(atom as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut all = vec![(0, false); sum];
        for (row, at) in rows.iter().zip(0_u32..) {
            let plus = row.plus.iter().map(|atom| (atom, true));
            for (&atom, sign) in plus.chain(row.minus.iter().map(|atom| (atom, false))) {
                if let Some(place) = next.get_mut(atom as usize) {
                    if let Some(slot) = all.get_mut(*place) {
                        *slot = (at, sign);
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

/// What is left of a row while atoms become known.
#[derive(Clone, Copy, Default)]
struct Rest {
    sum: i64,
    plus: usize,
    minus: usize,
}

impl Solver {
    /// Works out what follows by plain arithmetic; `without` a table if one is to be left out.
    pub(super) fn new(model: &Model, without: Option<usize>) -> Result<Self, Unsolved> {
        let told = model.rows.iter().filter(|row| row.of.is_none_or(|(source, _)| without != Some(source)));
        let live = |row: &Row| {
            let (plus, minus) = (row.plus.clone(), row.minus.clone());
            Live { plus, minus, lower: row.known.lower, upper: row.known.upper }
        };
        let rows: Vec<Live> = told.map(live).filter(Live::says_something).collect();
        let touching = Touching::new(model.atoms, &rows);
        let mut solver = Self { values: vec![None; model.atoms], rows, touching };
        solver.settle()?;
        // What a row has in common with those within it says nothing new, and would tie together what is independent.
        while solver.reduce() {
            solver.settle()?;
        }
        Ok(solver)
    }

    /// Works out atoms from single rows, until no row tells any more, and leaves them out of the rows.
    fn settle(&mut self) -> Result<(), Unsolved> {
        self.touching = Touching::new(self.values.len(), &self.rows);
        let rest = |row: &Live| Rest { sum: 0, plus: row.plus.len(), minus: row.minus.len() };
        let mut rests: Vec<Rest> = self.rows.iter().map(rest).collect();
        let mut waiting: Vec<usize> = (0..rests.len()).rev().collect();
        while let Some(at) = waiting.pop() {
            for (atom, value) in self.follows(at, &rests)? {
                if !self.is_unknown(atom) {
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
        let values = &self.values;
        let is_unknown = |atom: &u32| values.get(*atom as usize).is_some_and(Option::is_none);
        for (row, rest) in self.rows.iter_mut().zip(&rests) {
            row.plus.retain(is_unknown);
            row.minus.retain(is_unknown);
            row.lower -= rest.sum;
            row.upper = row.upper.map(|upper| upper - rest.sum);
        }
        self.drop_idle()?;
        self.touching = Touching::new(self.values.len(), &self.rows);
        Ok(())
    }

    /// Rows without atoms have to hold; then they are of no more use.
    fn drop_idle(&mut self) -> Result<(), Unsolved> {
        let is_idle = |row: &Live| row.plus.is_empty() && row.minus.is_empty();
        if self.rows.iter().any(|row| is_idle(row) && (row.lower > 0 || row.upper.is_some_and(|upper| upper < 0))) {
            return Err(Unsolved::Inconsistent);
        }
        self.rows.retain(|row| !is_idle(row) && row.says_something());
        Ok(())
    }

    /// The atoms that a row settles, given what is known already.
    fn follows(&self, at: usize, rests: &[Rest]) -> Result<Vec<(u32, i64)>, Unsolved> {
        let (Some(row), Some(rest)) = (self.rows.get(at), rests.get(at)) else { return Ok(Vec::new()) };
        let lower = row.lower - rest.sum;
        let upper = row.upper.map(|upper| upper - rest.sum);
        let contradicts = (rest.minus == 0 && upper.is_some_and(|upper| upper < 0)) || (rest.plus == 0 && lower > 0);
        if contradicts || upper.is_some_and(|upper| upper < lower) {
            return Err(Unsolved::Inconsistent);
        }
        let unknown = |atoms: &[u32]| atoms.iter().copied().filter(|&atom| self.is_unknown(atom)).collect::<Vec<u32>>();
        Ok(match (rest.plus, rest.minus) {
            (0, 0) => Vec::new(),
            (_, 0) if upper == Some(0) => unknown(&row.plus).into_iter().map(|atom| (atom, 0)).collect(),
            (0, _) if lower == 0 => unknown(&row.minus).into_iter().map(|atom| (atom, 0)).collect(),
            (1, 0) if upper == Some(lower) => unknown(&row.plus).into_iter().map(|atom| (atom, lower)).collect(),
            (0, 1) if upper == Some(lower) => unknown(&row.minus).into_iter().map(|atom| (atom, -lower)).collect(),
            _ => Vec::new(),
        })
    }

    /// Takes known sums out of the rows that they lie within, the smallest rows first. Whether there were any.
    fn reduce(&mut self) -> bool {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let size = |at: usize| self.rows.get(at).map_or(0, |row| row.plus.len() + row.minus.len());
        order.sort_by_key(|&at| (size(at), at));
        let mut rank = vec![0_usize; self.rows.len()];
        for (place, &at) in order.iter().enumerate() {
            if let Some(rank) = rank.get_mut(at) {
                *rank = place;
            }
        }
        let reduced: Vec<Option<Live>> = order.iter().map(|&at| self.reduced(at, &rank)).collect();
        let mut changed = false;
        for (at, row) in order.into_iter().zip(reduced) {
            if let (Some(row), Some(slot)) = (row, self.rows.get_mut(at)) {
                *slot = row;
                changed = true;
            }
        }
        changed
    }

    /// A row without the sums of lower rank within it, if there are any.
    fn reduced(&self, at: usize, rank: &[usize]) -> Option<Live> {
        let row = self.rows.get(at)?;
        let mut left = row.clone();
        let mut taken = false;
        for positive in [true, false] {
            let side = if positive { &row.plus } else { &row.minus };
            let mut within: BTreeMap<u32, usize> = BTreeMap::new();
            for &atom in side {
                for &(other, _) in self.touching.of(atom) {
                    if rank.get(other as usize) < rank.get(at) {
                        *within.entry(other).or_default() += 1;
                    }
                }
            }
            let sums = within.into_iter().filter_map(|(other, atoms)| {
                let sum = self.rows.get(other as usize).filter(|sum| sum.is_exact_sum() && sum.plus.len() == atoms)?;
                Some((std::cmp::Reverse(atoms), other, sum))
            });
            let mut sums: Vec<_> = sums.collect();
            sums.sort_by_key(|&(atoms, other, _)| (atoms, other));
            let mut gone: BTreeSet<u32> = BTreeSet::new();
            for (_, _, sum) in sums {
                if sum.plus.iter().any(|atom| gone.contains(atom)) {
                    continue;
                }
                gone.extend(&sum.plus);
                let value = if positive { sum.lower } else { -sum.lower };
                left.lower -= value;
                left.upper = left.upper.map(|upper| upper - value);
            }
            taken |= !gone.is_empty();
            (if positive { &mut left.plus } else { &mut left.minus }).retain(|atom| !gone.contains(atom));
        }
        taken.then_some(left)
    }

    fn is_unknown(&self, atom: u32) -> bool {
        self.values.get(atom as usize).is_some_and(Option::is_none)
    }

    /// The targets that plain arithmetic alone gives away.
    pub(super) fn settled(&self, targets: &[Target]) -> Vec<(usize, Interval)> {
        let value = |atom: &u32| self.values.get(*atom as usize).copied().flatten();
        let known = |target: &Target| {
            let sum = target.atoms.iter().map(value).sum::<Option<i64>>()?;
            Some(Interval { lower: sum, upper: Some(sum) }).filter(|known| !target.need.is_met(*known))
        };
        targets.iter().enumerate().filter_map(|(at, target)| Some((at, known(target)?))).collect()
    }

    /// The targets that become known more closely than they may, with what is known of each; without those that depend on
    /// the same as they did in `before`, so that nothing new is known of them. What it takes is added to `work`.
    pub(super) fn opened(
        &self,
        targets: &[Target],
        before: Option<&Self>,
        (limits, work): (Limits, &mut usize),
    ) -> Result<Vec<(usize, Interval)>, Unsolved> {
        let mut opened = Vec::new();
        for together in self.components(targets) {
            let mine = self.binding(targets, &together);
            if before.is_some_and(|before| before.binding(targets, &together) == mine) {
                continue;
            }
            let mut program = Program::new(self, targets, &together);
            for &at in &together {
                let Some(target) = targets.get(at) else { continue };
                if program.is_proven(at, target.need) {
                    continue;
                }
                *work += program.size().pow(2);
                if program.size() > limits.unknowns || *work > limits.work {
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

    /// All that binds these targets.
    fn binding<'s>(&'s self, targets: &[Target], together: &[usize]) -> Binding<'s> {
        let mut binding = Binding::default();
        let mut waiting = Vec::new();
        for target in together.iter().filter_map(|&at| targets.get(at)) {
            let known = target.atoms.iter().filter_map(|&atom| self.values.get(atom as usize).copied().flatten());
            binding.known.push(known.sum());
            waiting.extend(target.atoms.iter().copied().filter(|&atom| self.is_unknown(atom)));
        }
        while let Some(atom) = waiting.pop() {
            if !binding.atoms.insert(atom) {
                continue;
            }
            for row in self.touching.of(atom).iter().filter_map(|&(row, _)| self.rows.get(row as usize)) {
                if binding.rows.insert(row) {
                    waiting.extend(row.plus.iter().chain(&row.minus));
                }
            }
        }
        binding
    }

    /// Targets that depend on each other.
    fn components(&self, targets: &[Target]) -> Vec<Vec<usize>> {
        let mut union = Union::new(self.values.len());
        let rows = self.rows.iter().map(|row| row.plus.iter().chain(&row.minus).copied().collect::<Vec<u32>>());
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

impl Solver {
    /// Between which two ends a row adds up.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn range(&self, at: u32) -> Option<(f64, f64)> {
        let row = self.rows.get(at as usize)?;
        Some((row.lower as f64, row.upper.map_or(f64::INFINITY, |upper| upper as f64)))
    }
}
