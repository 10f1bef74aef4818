//! Tables as sums over atoms: the parts of the population that no table looks into.
//!
//! Atoms are laid out in *regions*, one for each set of dimensions that some table looks at together, so that there are
//! not as many as all dimensions together have. Regions agree on what they have in common. Where they meet in a ring,
//! agreeing in pairs is not enough for one population to stand behind them all; such regions are joined into one, so that
//! what is worked out of them is worked out exactly (the running-intersection property of a tree of regions).

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{AxisKind, Block, Plan, SupplierId};

use super::TooLarge;
use super::space::{Condition, Space};
use crate::attacker::Known;

/// A table, and what is known of its cells.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) plan: &'s Plan,
    pub(super) suppliers: &'s BTreeSet<SupplierId>,
    /// The blocks that are published.
    pub(super) blocks: &'s [usize],
    /// Per cell of the plan.
    pub(super) known: &'s [Known],
}

/// The cells of a block that have the same codes on its multiple-valued axes: a row is in one of them at most.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) source: usize,
    /// Block, and whether its only multiple-valued axis shows the whole list.
    block: (usize, bool),
    pub(super) dimensions: BTreeSet<usize>,
    rows: Condition,
    codes: Condition,
    axes: Vec<(usize, Vec<Option<u32>>, usize)>,
    first: usize,
    offset: usize,
}

impl Piece {
    /// The cell in which rows of these classes are counted, if they are.
    pub(super) fn cell(&self, classes: &[usize]) -> Option<usize> {
        let class = |dimension: usize| classes.get(dimension).copied().unwrap_or(0);
        if !self.codes.holds(&class) {
            return None;
        }
        Some(self.place(classes)? + self.offset)
    }

    /// The same whatever codes they have on multiple-valued axes: where the cells for the first codes are.
    fn place(&self, classes: &[usize]) -> Option<usize> {
        let class = |dimension: usize| classes.get(dimension).copied().unwrap_or(0);
        if !self.rows.holds(&class) {
            return None;
        }
        self.axes.iter().try_fold(self.first, |cell, (dimension, positions, stride)| {
            let position = positions.get(class(*dimension)).copied().flatten()?;
            Some(cell + usize::try_from(position).ok()? * stride)
        })
    }
}

/// Atoms over some dimensions, the first slowest.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) dimensions: Vec<usize>,
    lengths: Vec<usize>,
    pub(super) first: usize,
    pub(super) len: usize,
}

impl Region {
    /// Goes through the atoms, with the class of each on every dimension of the space.
    pub(super) fn each(&self, dimensions: usize, mut visit: impl FnMut(u32, &[usize])) {
        let mut classes = vec![0; dimensions];
        for atom in self.first..self.first + self.len {
            visit(u32::try_from(atom).unwrap_or(u32::MAX), &classes);
            for (dimension, &length) in self.dimensions.iter().zip(&self.lengths).rev() {
                if let Some(class) = classes.get_mut(*dimension) {
                    *class += 1;
                    if *class < length {
                        break;
                    }
                    *class = 0;
                }
            }
        }
    }
}

/// `plus` less `minus` lies between the two ends.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) plus: Vec<u32>,
    pub(super) minus: Vec<u32>,
    pub(super) known: Known,
    /// The table and cell that says so; none for what holds for all populations.
    pub(super) of: Option<(usize, usize)>,
}

/// Atoms that are added, and atoms that are taken away.
type Sides = (Vec<u32>, Vec<u32>);

/// All tables over their atoms.
pub(super) struct Model {
    pub(super) space: Space,
    pub(super) pieces: Vec<Piece>,
    pub(super) regions: Vec<Region>,
    pub(super) atoms: usize,
    pub(super) rows: Vec<Row>,
    /// For each table and cell its row.
    pub(super) row_of: BTreeMap<(usize, usize), usize>,
}

impl Model {
    /// All tables over their atoms, of which there are so many at most.
    pub(super) fn new(sources: &[Source<'_>], most: usize) -> Result<Self, TooLarge> {
        let tables: Vec<_> = sources.iter().map(|source| (source.plan, source.suppliers)).collect();
        let space = Space::new(&tables)?;
        let mut pieces = Vec::new();
        for (at, source) in sources.iter().enumerate() {
            for &block in source.blocks {
                pieces.extend(pieces_of(&space, source, at, block).ok_or(TooLarge)?);
            }
        }
        let sets = joined(&space, pieces.iter().map(|piece| piece.dimensions.clone()).collect(), most)?;
        let mut atoms = 0;
        let mut regions = Vec::new();
        for dimensions in sets {
            let lengths: Vec<usize> = dimensions.iter().filter_map(|&at| space.classes.get(at).copied()).collect();
            let len = size(&space, &dimensions, most).ok_or(TooLarge)?;
            regions.push(Region { dimensions: dimensions.into_iter().collect(), lengths, first: atoms, len });
            atoms += len;
            if atoms > most {
                return Err(TooLarge);
            }
        }
        let mut model = Self { space, pieces, regions, atoms, rows: Vec::new(), row_of: BTreeMap::new() };
        model.add_cells(sources);
        model.add_wholes();
        model.add_agreements();
        Ok(model)
    }

    /// A region that has all these dimensions.
    pub(super) fn region_of(&self, dimensions: &BTreeSet<usize>) -> Option<&Region> {
        self.regions.iter().find(|region| dimensions.iter().all(|dimension| region.dimensions.contains(dimension)))
    }

    fn add_cells(&mut self, sources: &[Source<'_>]) {
        let mut atoms: BTreeMap<(usize, usize), Vec<u32>> = BTreeMap::new();
        for piece in &self.pieces {
            let Some(region) = self.region_of(&piece.dimensions) else { continue };
            region.each(self.space.classes.len(), |atom, classes| {
                if let Some(cell) = piece.cell(classes) {
                    atoms.entry((piece.source, cell)).or_default().push(atom);
                }
            });
        }
        for ((source, cell), plus) in atoms {
            let known = sources.get(source).and_then(|source| source.known.get(cell));
            if let Some(&known) = known {
                self.row_of.insert((source, cell), self.rows.len());
                self.rows.push(Row { plus, minus: Vec::new(), known, of: Some((source, cell)) });
            }
        }
    }

    /// A row of the data has at least one code: the parts of a whole list are together no fewer than the total.
    fn add_wholes(&mut self) {
        let mut wholes: BTreeMap<(usize, usize, usize), Sides> = BTreeMap::new();
        for piece in self.pieces.iter().filter(|piece| piece.block.1) {
            let Some(region) = self.region_of(&piece.dimensions) else { continue };
            region.each(self.space.classes.len(), |atom, classes| {
                let Some(place) = piece.place(classes) else { return };
                let (parts, total) = wholes.entry((piece.source, piece.block.0, place)).or_default();
                if piece.cell(classes).is_some() {
                    parts.push(atom);
                }
                if piece.offset == 0 {
                    total.push(atom);
                }
            });
        }
        let known = Known { lower: 0, upper: None };
        let rows = wholes.into_values().map(|(plus, minus)| Row { plus, minus, known, of: None });
        self.rows.extend(rows);
    }

    /// Regions agree on what they have in common.
    fn add_agreements(&mut self) {
        for (one, other) in
            tree(&self.regions.iter().map(|region| region.dimensions.iter().copied().collect()).collect::<Vec<_>>())
        {
            let (Some(one), Some(other)) = (self.regions.get(one), self.regions.get(other)) else { continue };
            let common: Vec<usize> =
                one.dimensions.iter().copied().filter(|dimension| other.dimensions.contains(dimension)).collect();
            let mut sides: BTreeMap<Vec<usize>, Sides> = BTreeMap::new();
            let of = |classes: &[usize]| common.iter().filter_map(|&at| classes.get(at).copied()).collect::<Vec<_>>();
            let dimensions = self.space.classes.len();
            one.each(dimensions, |atom, classes| sides.entry(of(classes)).or_default().0.push(atom));
            other.each(dimensions, |atom, classes| sides.entry(of(classes)).or_default().1.push(atom));
            let known = Known { lower: 0, upper: Some(0) };
            let rows = sides.into_values().map(|(plus, minus)| Row { plus, minus, known, of: None });
            self.rows.extend(rows);
        }
    }
}

/// The pieces of a block: one for each choice of codes on its multiple-valued axes.
fn pieces_of(space: &Space, source: &Source<'_>, at: usize, number: usize) -> Option<Vec<Piece>> {
    let block: &Block = source.plan.blocks().get(number)?;
    let rows = space.condition(source.plan, source.suppliers)?;
    let (mut singles, mut several) = (Vec::new(), Vec::new());
    for (&axis, stride) in block.axes().iter().zip(block.strides()) {
        let axis = source.plan.axes().get(axis)?;
        match axis.kind() {
            AxisKind::Variable { variable } if axis.multiple() => several.push((*variable, axis, stride)),
            kind => {
                let (dimension, positions) = space.positions(kind, axis.lookup())?;
                singles.push((dimension, positions, stride));
            }
        }
    }
    let whole = several.len() == 1 && several.iter().all(|(_, axis, _)| axis.shows_all());
    let mut choices = vec![(Vec::new(), 0)];
    for (variable, axis, stride) in several {
        let mut longer = Vec::new();
        for (conditions, offset) in &choices {
            for ((place, position), _) in (0..).zip(0_u32..).zip(axis.codes()) {
                let mut conditions: Vec<Condition> = conditions.clone();
                conditions.push(space.has_one_of(variable, &axis.codes_at(position))?);
                longer.push((conditions, offset + place * stride));
            }
        }
        choices = longer;
    }
    let pieces = choices.into_iter().map(|(codes, offset)| {
        let codes = Condition::And(codes);
        let mut dimensions: BTreeSet<usize> = singles.iter().map(|(dimension, ..)| *dimension).collect();
        rows.dimensions(&mut dimensions);
        codes.dimensions(&mut dimensions);
        let (rows, axes, first) = (rows.clone(), singles.clone(), block.offset());
        Piece { source: at, block: (number, whole), dimensions, rows, codes, axes, first, offset }
    });
    Some(pieces.collect())
}

fn size(space: &Space, dimensions: &BTreeSet<usize>, most: usize) -> Option<usize> {
    let lengths = dimensions.iter().map(|&at| space.classes.get(at).copied());
    lengths
        .map(|length| length.and_then(|length| u32::try_from(length).ok()))
        .try_fold(1_usize, |size, length| size.checked_mul(usize::try_from(length?).ok()?).filter(|size| *size <= most))
}

/// The fewest sets of dimensions that hold all given ones and form a tree: those that meet in a ring are joined.
fn joined(space: &Space, given: BTreeSet<BTreeSet<usize>>, most: usize) -> Result<Vec<BTreeSet<usize>>, TooLarge> {
    let mut sets = largest(given.into_iter().collect());
    loop {
        let Some(torn) = torn(&sets) else { return Ok(sets) };
        // Of the sets with the dimension along which the tree is torn, the two that make the smallest one together.
        let with: Vec<usize> =
            (0..sets.len()).filter(|&at| sets.get(at).is_some_and(|set| set.contains(&torn))).collect();
        let mut best: Option<(usize, BTreeSet<usize>)> = None;
        for (place, &one) in with.iter().enumerate() {
            for &other in with.iter().skip(place + 1) {
                let (Some(a), Some(b)) = (sets.get(one), sets.get(other)) else { continue };
                let union: BTreeSet<usize> = a.union(b).copied().collect();
                if let Some(size) = size(space, &union, most)
                    && best.as_ref().is_none_or(|(least, _)| size < *least)
                {
                    best = Some((size, union));
                }
            }
        }
        let (_, union) = best.ok_or(TooLarge)?;
        sets.push(union);
        sets = largest(sets);
    }
}

/// Without those that lie within another.
fn largest(mut sets: Vec<BTreeSet<usize>>) -> Vec<BTreeSet<usize>> {
    sets.sort();
    sets.dedup();
    let all = sets.clone();
    sets.retain(|set| !all.iter().any(|other| other != set && set.is_subset(other)));
    sets
}

/// A dimension whose sets do not hang together in the tree.
fn torn(sets: &[BTreeSet<usize>]) -> Option<usize> {
    let edges = tree(sets);
    let dimensions: BTreeSet<usize> = sets.iter().flatten().copied().collect();
    dimensions.into_iter().find(|dimension| {
        let has = |at: usize| sets.get(at).is_some_and(|set| set.contains(dimension));
        let with = (0..sets.len()).filter(|&at| has(at)).count();
        edges.iter().filter(|(one, other)| has(*one) && has(*other)).count() + 1 < with
    })
}

/// The tree of sets in which neighbours have most in common (Prim).
fn tree(sets: &[BTreeSet<usize>]) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    let mut outside: BTreeSet<usize> = (1..sets.len()).collect();
    while !outside.is_empty() {
        let inside = (0..sets.len()).filter(|at| !outside.contains(at));
        let common =
            |one: usize, other: usize| sets.get(one).zip(sets.get(other)).map_or(0, |(a, b)| a.intersection(b).count());
        let pairs = inside.flat_map(|one| outside.iter().map(move |&other| (one, other)));
        let Some((one, other)) =
            pairs.max_by_key(|&(one, other)| (common(one, other), std::cmp::Reverse((one, other))))
        else {
            break;
        };
        edges.push((one, other));
        outside.remove(&other);
    }
    edges
}
