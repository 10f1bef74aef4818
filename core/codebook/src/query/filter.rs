//! Filters in normal form: the same question has one filter.
//!
//! Normal form: no negation but on the codes of a multiple-valued variable; within one `And` or `Or` at most one
//! condition per single-valued variable; nested conjunctions and disjunctions flattened; parts sorted, each once.

use crate::code_list::CodeIndex;
use crate::code_set::CodeSet;
use crate::dataset::Dataset;

/// Which rows count. Variables are given by their position in the dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowFilter {
    /// Every row.
    All,
    /// Rows of which one of the variable's codes is in the set.
    Has {
        /// The variable's position in the dataset.
        variable: usize,
        /// The codes let through; neither none nor all.
        codes: CodeSet,
    },
    /// Rows of which none of the variable's codes is in the set. In normal form only for multiple-valued variables.
    HasNone {
        /// The variable's position in the dataset.
        variable: usize,
        /// The codes kept out; neither none nor all.
        codes: CodeSet,
    },
    /// Rows that pass every part; at least two parts.
    And(Vec<RowFilter>),
    /// Rows that pass some part; at least two parts.
    Or(Vec<RowFilter>),
}

/// A filter as it was written, before it is brought to normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Among { variable: usize, codes: CodeSet },
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// What a condition comes to.
enum Normal {
    Always,
    Never,
    When(RowFilter),
}

impl RowFilter {
    /// Whether a row passes, where `row` gives its codes for the variable at a position.
    pub fn matches<'r>(&self, row: &dyn Fn(usize) -> &'r [CodeIndex]) -> bool {
        match self {
            Self::All => true,
            Self::Has { variable, codes } => row(*variable).iter().any(|&code| codes.contains(code)),
            Self::HasNone { variable, codes } => !row(*variable).iter().any(|&code| codes.contains(code)),
            Self::And(parts) => parts.iter().all(|part| part.matches(row)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(row)),
        }
    }

    /// The conditions that every row must meet.
    pub fn conjuncts(&self) -> &[RowFilter] {
        match self {
            Self::All => &[],
            Self::And(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// The codes of a variable, of a list of `universe` codes, that conditions of its own at the top name, less those
    /// that they keep out; all if there are no such conditions.
    pub fn restriction(&self, variable: usize, universe: usize) -> CodeSet {
        let (mut named, mut kept_out) = (None::<CodeSet>, CodeSet::empty(universe));
        for part in self.conjuncts() {
            match part {
                Self::Has { variable: at, codes } if *at == variable => {
                    named = Some(named.map_or_else(|| codes.clone(), |named| named.union(codes)));
                }
                Self::HasNone { variable: at, codes } if *at == variable => kept_out = kept_out.union(codes),
                _ => {}
            }
        }
        named.unwrap_or_else(|| CodeSet::full(universe)).intersection(&kept_out.complement())
    }

    /// Whether a row with this code of a single-valued variable may pass, whatever its other codes are.
    pub(crate) fn admits(&self, variable: usize, code: CodeIndex) -> bool {
        match self {
            Self::Has { variable: at, codes } if *at == variable => codes.contains(code),
            Self::HasNone { variable: at, codes } if *at == variable => !codes.contains(code),
            Self::And(parts) => parts.iter().all(|part| part.admits(variable, code)),
            Self::Or(parts) => parts.iter().any(|part| part.admits(variable, code)),
            _ => true,
        }
    }

    /// The positions of the variables that the filter looks at, sorted, each once.
    pub fn variables(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.gather_variables(&mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn gather_variables(&self, found: &mut Vec<usize>) {
        match self {
            Self::All => {}
            Self::Has { variable, .. } | Self::HasNone { variable, .. } => found.push(*variable),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.gather_variables(found)),
        }
    }
}

impl Condition {
    /// The filter in normal form; `None` if no row can pass as far as normal form shows it.
    pub(crate) fn normalise(self, dataset: &Dataset) -> Option<RowFilter> {
        match self.normal(dataset, false) {
            Normal::Always => Some(RowFilter::All),
            Normal::When(filter) => Some(filter),
            Normal::Never => None,
        }
    }

    fn normal(self, dataset: &Dataset, negated: bool) -> Normal {
        match self {
            Self::Among { variable, codes } => leaf(dataset, variable, codes, negated),
            Self::Not(inner) => inner.normal(dataset, !negated),
            Self::And(parts) | Self::Or(parts) if parts.is_empty() => Normal::Always,
            Self::And(parts) => join(dataset, parts, negated, !negated),
            Self::Or(parts) => join(dataset, parts, negated, negated),
        }
    }
}

fn leaf(dataset: &Dataset, variable: usize, codes: CodeSet, negated: bool) -> Normal {
    let multiple = dataset.variables().get(variable).is_some_and(|variable| variable.multiple());
    let codes = if negated && !multiple { codes.complement() } else { codes };
    let keeps_out = negated && multiple;
    // Every row has at least one code, so "one of all" holds always and "none of all" never.
    if codes.is_empty() {
        return if keeps_out { Normal::Always } else { Normal::Never };
    }
    if codes.is_full() {
        return if keeps_out { Normal::Never } else { Normal::Always };
    }
    Normal::When(if keeps_out { RowFilter::HasNone { variable, codes } } else { RowFilter::Has { variable, codes } })
}

/// Joins parts into a conjunction (`all`) or a disjunction.
fn join(dataset: &Dataset, parts: Vec<Condition>, negated: bool, all: bool) -> Normal {
    let mut flat = Vec::new();
    for part in parts {
        match part.normal(dataset, negated) {
            Normal::Always if all => {}
            Normal::Always => return Normal::Always,
            Normal::Never if all => return Normal::Never,
            Normal::Never => {}
            Normal::When(RowFilter::And(inner)) if all => flat.extend(inner),
            Normal::When(RowFilter::Or(inner)) if !all => flat.extend(inner),
            Normal::When(filter) => flat.push(filter),
        }
    }
    let mut merged = match merge(dataset, flat, all) {
        Some(merged) => merged,
        None => return if all { Normal::Never } else { Normal::Always },
    };
    merged.sort();
    merged.dedup();
    absorb(&mut merged, all);
    match (merged.len(), all) {
        (0, true) => Normal::Always,
        (0, false) => Normal::Never,
        (1, _) => merged.pop().map_or(Normal::Always, Normal::When),
        (_, true) => Normal::When(RowFilter::And(merged)),
        (_, false) => Normal::When(RowFilter::Or(merged)),
    }
}

/// Merges conditions on one variable into one where that says the same. `None` when they cancel the whole: a
/// conjunction that nothing passes, a disjunction that everything passes.
fn merge(dataset: &Dataset, parts: Vec<RowFilter>, all: bool) -> Option<Vec<RowFilter>> {
    let mut merged: Vec<RowFilter> = Vec::with_capacity(parts.len());
    for part in parts {
        let known = merged.iter_mut().find_map(|known| mergeable(dataset, known, &part, all));
        match (known, part) {
            (Some((codes, intersect)), RowFilter::Has { codes: more, .. } | RowFilter::HasNone { codes: more, .. }) => {
                *codes = if intersect { codes.intersection(&more) } else { codes.union(&more) };
            }
            (_, part) => merged.push(part),
        }
    }
    subtract(&mut merged, all);
    let cancelled = merged.iter().any(|part| match part {
        RowFilter::Has { codes, .. } => {
            if all {
                codes.is_empty()
            } else {
                codes.is_full()
            }
        }
        RowFilter::HasNone { codes, .. } => {
            if all {
                codes.is_full()
            } else {
                codes.is_empty()
            }
        }
        _ => false,
    });
    (!cancelled).then_some(merged)
}

/// Beside "has none of T", "has one of S" says no more than "has one of S without T"; and the other way round with OR.
fn subtract(parts: &mut [RowFilter], all: bool) {
    let known = parts.to_vec();
    for part in parts {
        // The side that shrinks: "has" in a conjunction, "has none" in a disjunction.
        let (variable, codes) = match part {
            RowFilter::Has { variable, codes } if all => (*variable, codes),
            RowFilter::HasNone { variable, codes } if !all => (*variable, codes),
            _ => continue,
        };
        for other in &known {
            match other {
                RowFilter::HasNone { variable: at, codes: taken } | RowFilter::Has { variable: at, codes: taken }
                    if *at == variable && matches!(other, RowFilter::HasNone { .. }) == all =>
                {
                    *codes = codes.intersection(&taken.complement());
                }
                _ => {}
            }
        }
    }
}

/// The codes of `known` if `part` can be merged into it, and whether by intersection.
fn mergeable<'k>(
    dataset: &Dataset,
    known: &'k mut RowFilter,
    part: &RowFilter,
    all: bool,
) -> Option<(&'k mut CodeSet, bool)> {
    let multiple = |index: usize| dataset.variables().get(index).is_none_or(|variable| variable.multiple());
    match (known, part) {
        (RowFilter::Has { variable: a, codes }, RowFilter::Has { variable: b, .. }) if a == b => {
            // "Has x and has y" of a multiple-valued variable is more than "has x or y", and stays as it is.
            if all && multiple(*b) { None } else { Some((codes, all)) }
        }
        (RowFilter::HasNone { variable: a, codes }, RowFilter::HasNone { variable: b, .. }) if a == b && all => {
            Some((codes, false))
        }
        _ => None,
    }
}

/// `a AND (a OR b)` is `a`; `a OR (a AND b)` is `a`. Looks for parts that stand again, word for word.
fn absorb(parts: &mut Vec<RowFilter>, all: bool) {
    let known = parts.clone();
    parts.retain(|part| match (part, all) {
        (RowFilter::Or(inner), true) | (RowFilter::And(inner), false) => {
            !inner.iter().any(|inner| known.binary_search(inner).is_ok())
        }
        _ => true,
    });
}
