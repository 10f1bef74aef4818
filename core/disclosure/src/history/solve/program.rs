//! The least and the most that sums of atoms can be, by linear programming.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::{Need, Solver, Target, Unsolved};
use crate::attacker::Interval;

/// The solver's answers are exact to less than this.
const TOLERANCE: f64 = 1e-5;

/// A linear program over the atoms on which some targets depend. Atoms that stand in the same rows and targets are one
/// unknown.
pub(super) struct Program {
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
    pub(super) fn new(solver: &Solver, targets: &[Target], together: &[usize]) -> Self {
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
                if rows.insert(row)
                    && let Some(row) = solver.rows.get(row as usize)
                {
                    waiting.extend(row.plus.iter().chain(&row.minus));
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

    pub(super) fn size(&self) -> usize {
        self.unknowns
    }

    pub(super) fn is_proven(&self, at: usize, need: Need) -> bool {
        let seen = self.seen.get(&at).copied();
        seen.and_then(|(least, most)| whole(least, most).ok()).is_some_and(|seen| {
            // What was seen is possible; that more is possible makes it only wider.
            let width = if need.part { need.width.max(seen.upper.unwrap_or(0) / 10) } else { need.width };
            seen.is_as_wide_as(width)
        })
    }

    pub(super) fn interval(&mut self, at: usize, need: Need) -> Result<Interval, Unsolved> {
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

/// The whole numbers between the two ends.
#[allow(clippy::cast_possible_truncation)] // within the range that is checked
fn whole(least: f64, most: f64) -> Result<Interval, Unsolved> {
    let number = |number: f64| if number.abs() < 9.0e15 { Ok(number as i64) } else { Err(Unsolved::Inconsistent) };
    let (lower, upper) = (number((least - TOLERANCE).ceil())?, number((most + TOLERANCE).floor())?);
    Ok(Interval { lower, upper: Some(upper.max(lower)) })
}
