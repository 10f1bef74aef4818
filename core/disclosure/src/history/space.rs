//! What tables have in common: dimensions, cut into the fewest classes that no table looks into.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{AxisKind, CodeSet, Plan, RowFilter, SupplierId};

use super::TooLarge;

/// More classes than this in one dimension are not taken apart.
const MOST_CLASSES: usize = 4096;

/// One direction in which tables can tell rows from each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dimension {
    /// A single-valued variable.
    Single(usize),
    /// Codes of a multiple-valued variable, of which a row has any number; the least of them names the dimension.
    Several(usize, u16),
    /// A measure.
    Measure(usize),
    /// The supplier that a row comes from.
    Suppliers,
}

/// The rows that a table, or a condition, is about.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All,
    /// Which classes of a dimension, by its place.
    Among(usize, Vec<bool>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

impl Condition {
    /// Whether rows of these classes, one for each dimension, are meant; `None` where that dimension is not known.
    pub(super) fn holds(&self, class: &dyn Fn(usize) -> usize) -> bool {
        match self {
            Self::All => true,
            Self::Among(dimension, classes) => classes.get(class(*dimension)) == Some(&true),
            Self::And(parts) => parts.iter().all(|part| part.holds(class)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(class)),
        }
    }

    pub(super) fn dimensions(&self, found: &mut BTreeSet<usize>) {
        match self {
            Self::All => {}
            Self::Among(dimension, _) => drop(found.insert(*dimension)),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.dimensions(found)),
        }
    }
}

/// Codes of a multiple-valued variable that some condition names together, and which of these a row can have at once.
#[derive(Clone, Debug)]
struct Group {
    codes: BTreeSet<u16>,
    /// For each class the codes of the group that rows of it may have, as far as conditions tell them apart: for each
    /// condition whether it holds.
    conditions: Vec<CodeSet>,
    patterns: Vec<Vec<bool>>,
}

/// All dimensions of some tables.
pub(super) struct Space {
    pub(super) dimensions: Vec<Dimension>,
    /// How many classes each has.
    pub(super) classes: Vec<usize>,
    /// For each single-valued variable the class of each code.
    singles: BTreeMap<usize, Vec<usize>>,
    groups: BTreeMap<(usize, u16), Group>,
    /// For each measure where bins begin, and whether rows may have no value.
    edges: BTreeMap<usize, (Vec<i64>, bool)>,
    /// For each class of suppliers who they are.
    pub(super) suppliers: Vec<BTreeSet<SupplierId>>,
}

impl Space {
    /// The space of tables with these plans and suppliers.
    pub(super) fn new(tables: &[(&Plan, &BTreeSet<SupplierId>)]) -> Result<Self, TooLarge> {
        let mut space = Self {
            dimensions: Vec::new(),
            classes: Vec::new(),
            singles: BTreeMap::new(),
            groups: BTreeMap::new(),
            edges: BTreeMap::new(),
            suppliers: parts(tables.iter().map(|(_, suppliers)| *suppliers)),
        };
        let (mut singles, mut several) = (BTreeMap::new(), BTreeMap::new());
        for (plan, _) in tables {
            gather(plan, plan.filter(), &mut singles, &mut several);
            for axis in plan.axes() {
                match axis.kind() {
                    AxisKind::Histogram { measure, edges, missing } => {
                        let (all, optional) = space.edges.entry(*measure).or_default();
                        all.extend(edges);
                        *optional = *missing;
                    }
                    AxisKind::Variable { variable } if axis.multiple() => {
                        let sets = (0_u32..).zip(axis.codes()).map(|(position, _)| axis.codes_at(position));
                        several.entry(*variable).or_insert_with(BTreeSet::new).extend(sets);
                    }
                    AxisKind::Variable { variable } => {
                        let columns = singles.entry(*variable).or_insert_with(Vec::new);
                        columns.push(axis.lookup().to_vec());
                    }
                }
            }
        }
        space.add_dimensions(singles, several)?;
        Ok(space)
    }

    fn add_dimensions(
        &mut self,
        singles: BTreeMap<usize, Vec<Vec<u32>>>,
        several: BTreeMap<usize, BTreeSet<CodeSet>>,
    ) -> Result<(), TooLarge> {
        for (variable, columns) in singles {
            let (of_codes, classes) = classes(&columns);
            self.singles.insert(variable, of_codes);
            self.push(Dimension::Single(variable), classes)?;
        }
        for (variable, sets) in several {
            for group in groups(sets)? {
                let Some(&least) = group.codes.first() else { continue };
                self.push(Dimension::Several(variable, least), group.patterns.len())?;
                self.groups.insert((variable, least), group);
            }
        }
        let edges: Vec<(usize, usize)> = self
            .edges
            .iter_mut()
            .map(|(&measure, (edges, missing))| {
                edges.sort_unstable();
                edges.dedup();
                // Below, between and above, and without a value.
                (measure, edges.len() + 1 + usize::from(*missing))
            })
            .collect();
        for (measure, classes) in edges {
            self.push(Dimension::Measure(measure), classes)?;
        }
        if self.suppliers.len() > 1 {
            self.push(Dimension::Suppliers, self.suppliers.len())?;
        }
        Ok(())
    }

    fn push(&mut self, dimension: Dimension, classes: usize) -> Result<(), TooLarge> {
        if classes > MOST_CLASSES {
            return Err(TooLarge);
        }
        self.dimensions.push(dimension);
        self.classes.push(classes);
        Ok(())
    }

    fn place(&self, wanted: &Dimension) -> Option<usize> {
        self.dimensions.iter().position(|dimension| dimension == wanted)
    }

    /// The place of the dimension of suppliers, if tables differ in it.
    pub(super) fn of_suppliers(&self) -> Option<usize> {
        self.place(&Dimension::Suppliers)
    }

    /// The rows that a plan is about, of these suppliers.
    pub(super) fn condition(&self, plan: &Plan, suppliers: &BTreeSet<SupplierId>) -> Option<Condition> {
        let filter = self.filter(plan.filter())?;
        let Some(place) = self.of_suppliers() else { return Some(filter) };
        let own = self.suppliers.iter().map(|part| part.is_subset(suppliers)).collect();
        Some(Condition::And(vec![filter, Condition::Among(place, own)]))
    }

    fn filter(&self, filter: &RowFilter) -> Option<Condition> {
        let several = |parts: &[RowFilter]| parts.iter().map(|part| self.filter(part)).collect::<Option<Vec<_>>>();
        Some(match filter {
            RowFilter::All => Condition::All,
            RowFilter::And(parts) => Condition::And(several(parts)?),
            RowFilter::Or(parts) => Condition::Or(several(parts)?),
            RowFilter::Has { variable, codes } => self.has(*variable, codes, true)?,
            RowFilter::HasNone { variable, codes } => self.has(*variable, codes, false)?,
        })
    }

    fn has(&self, variable: usize, codes: &CodeSet, wanted: bool) -> Option<Condition> {
        if let Some(of_codes) = self.singles.get(&variable) {
            let place = self.place(&Dimension::Single(variable))?;
            let mut among = vec![false; *self.classes.get(place)?];
            for (at, &class) in (0_u16..).zip(of_codes) {
                *among.get_mut(class)? |= codes.contains(at) == wanted;
            }
            return Some(Condition::Among(place, among));
        }
        let ((_, least), group) = self
            .groups
            .range((variable, 0)..=(variable, u16::MAX))
            .find(|(_, group)| group.conditions.contains(codes))?;
        let place = self.place(&Dimension::Several(variable, *least))?;
        let at = group.conditions.iter().position(|set| set == codes)?;
        let among = group.patterns.iter().map(|pattern| pattern.get(at) == Some(&wanted)).collect();
        Some(Condition::Among(place, among))
    }

    /// The rows that have one of these codes of a multiple-valued variable.
    pub(super) fn has_one_of(&self, variable: usize, codes: &CodeSet) -> Option<Condition> {
        self.has(variable, codes, true)
    }

    /// The dimension of an axis on which a row has one position, and the position for each class.
    pub(super) fn positions(&self, kind: &AxisKind, lookup: &[u32]) -> Option<(usize, Vec<Option<u32>>)> {
        match kind {
            AxisKind::Variable { variable } => {
                let place = self.place(&Dimension::Single(*variable))?;
                let mut positions = vec![None; *self.classes.get(place)?];
                for (&class, &position) in self.singles.get(variable)?.iter().zip(lookup) {
                    *positions.get_mut(class)? = Some(position).filter(|at| *at != optelsom_codebook::NO_POSITION);
                }
                Some((place, positions))
            }
            AxisKind::Histogram { measure, edges, missing } => {
                let place = self.place(&Dimension::Measure(*measure))?;
                let (all, _) = self.edges.get(measure)?;
                // A class begins at its edge; the first lies below them all, the last is for rows without a value.
                let bin = |class: usize| match class.checked_sub(1) {
                    None => Some(0),
                    Some(at) => match all.get(at) {
                        Some(begin) => Some(edges.partition_point(|edge| edge <= begin)),
                        None => missing.then_some(edges.len() + 1),
                    },
                };
                let bins =
                    (0..*self.classes.get(place)?).map(|class| bin(class).and_then(|bin| u32::try_from(bin).ok()));
                Some((place, bins.collect()))
            }
        }
    }
}

/// Gathers what a filter tells apart.
fn gather(
    plan: &Plan,
    filter: &RowFilter,
    singles: &mut BTreeMap<usize, Vec<Vec<u32>>>,
    several: &mut BTreeMap<usize, BTreeSet<CodeSet>>,
) {
    match filter {
        RowFilter::All => {}
        RowFilter::And(parts) | RowFilter::Or(parts) => {
            parts.iter().for_each(|part| gather(plan, part, singles, several));
        }
        RowFilter::Has { variable, codes } | RowFilter::HasNone { variable, codes } => {
            if plan.dataset().variables().get(*variable).is_some_and(|variable| variable.multiple()) {
                several.entry(*variable).or_default().insert(codes.clone());
            } else {
                let column =
                    (0..codes.universe()).map(|at| u32::from(u16::try_from(at).is_ok_and(|at| codes.contains(at))));
                singles.entry(*variable).or_default().push(column.collect());
            }
        }
    }
}

/// The class of each code: those that no column tells apart share one.
fn classes(columns: &[Vec<u32>]) -> (Vec<usize>, usize) {
    let codes = columns.first().map_or(0, Vec::len);
    let mut known: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let of_codes = (0..codes).map(|code| {
        let signature: Vec<u32> = columns.iter().filter_map(|column| column.get(code).copied()).collect();
        let next = known.len();
        *known.entry(signature).or_insert(next)
    });
    let of_codes: Vec<usize> = of_codes.collect();
    (of_codes, known.len().max(1))
}

/// Conditions that share codes stand together; the others have nothing to do with each other.
fn groups(sets: BTreeSet<CodeSet>) -> Result<Vec<Group>, TooLarge> {
    let mut groups: Vec<Group> = Vec::new();
    for set in sets {
        let mut merged = Group { codes: set.iter().collect(), conditions: vec![set], patterns: Vec::new() };
        let (touched, apart): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|group| !group.codes.is_disjoint(&merged.codes));
        for group in touched {
            merged.codes.extend(group.codes);
            merged.conditions.extend(group.conditions);
        }
        groups = apart;
        groups.push(merged);
    }
    for group in &mut groups {
        group.patterns = patterns(group)?;
    }
    Ok(groups)
}

/// Which of a group's conditions can hold at once: a row has any of the codes, and of a whole list at least one.
fn patterns(group: &Group) -> Result<Vec<Vec<bool>>, TooLarge> {
    let universe = group.conditions.first().map_or(0, CodeSet::universe);
    let of_code = |code: &u16| group.conditions.iter().map(|set| set.contains(*code)).collect::<Vec<bool>>();
    let alone: BTreeSet<Vec<bool>> = group.codes.iter().map(of_code).collect();
    let mut found: BTreeSet<Vec<bool>> = alone.clone();
    let mut waiting: Vec<Vec<bool>> = alone.iter().cloned().collect();
    while let Some(pattern) = waiting.pop() {
        for other in &alone {
            let both: Vec<bool> = pattern.iter().zip(other).map(|(a, b)| *a || *b).collect();
            if found.insert(both.clone()) {
                waiting.push(both);
            }
        }
        if found.len() > MOST_CLASSES {
            return Err(TooLarge);
        }
    }
    if group.codes.len() < universe {
        found.insert(vec![false; group.conditions.len()]);
    }
    Ok(found.into_iter().collect())
}

/// The suppliers that are in the same ones of these sets stand together.
fn parts<'s>(sets: impl Iterator<Item = &'s BTreeSet<SupplierId>> + Clone) -> Vec<BTreeSet<SupplierId>> {
    let all: BTreeSet<&SupplierId> = sets.clone().flatten().collect();
    let mut parts: BTreeMap<Vec<bool>, BTreeSet<SupplierId>> = BTreeMap::new();
    for supplier in all {
        let signature = sets.clone().map(|set| set.contains(supplier)).collect();
        parts.entry(signature).or_default().insert(supplier.clone());
    }
    parts.into_values().collect()
}
