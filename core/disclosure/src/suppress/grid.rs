//! The blocks of a plan that are shown, as the search walks over them.

use std::collections::{BTreeSet, HashMap};

use optelsom_codebook::{Axis, CoarserLevel, Plan};

/// A set of axes, one bit each.
pub(super) type Axes = u64;

/// One block: where its cells are.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The axes on which its cells have a position: its own and the coarser levels of these.
    pub(super) mask: Axes,
    pub(super) axes: Vec<usize>,
    pub(super) offset: usize,
    pub(super) len: usize,
    /// Per axis of the plan the distance between neighbours; nought on axes that are not its own.
    pub(super) strides: Vec<usize>,
}

/// One of the finest blocks.
#[derive(Clone, Debug)]
pub(super) struct Top {
    /// Its position among the blocks.
    pub(super) block: usize,
    /// The blocks of its margins, and itself.
    pub(super) parts: Vec<usize>,
    /// The axes that it has in common with each other finest block: sub-totals over these must not move.
    pub(super) fixed: Vec<Axes>,
}

/// A multiple-valued axis adds up to no total, but keeps to these: the terms are never below nought together.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) total: usize,
    pub(super) total_sign: i64,
    pub(super) parts: Vec<usize>,
}

/// All blocks that are shown.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) lengths: Vec<usize>,
    /// Per axis the coarser levels of its variable, the finest first, and for each position the one there.
    coarser: Vec<Vec<(usize, Vec<usize>)>>,
    pub(super) multiple: Axes,
    pub(super) blocks: Vec<Block>,
    pub(super) tops: Vec<Top>,
    pub(super) bounds: Vec<Bound>,
    /// For each cell with bounds, which.
    pub(super) bounds_of: HashMap<usize, Vec<usize>>,
    pub(super) cells: usize,
    /// What everybody knows already.
    pub(super) known: BTreeSet<usize>,
    /// See [`Grid::preference`].
    preferences: Vec<u64>,
}

/// Below this bit of a preference stands what is drawn at random.
const PARTS: u32 = 24;

impl Grid {
    pub(super) fn new(plan: &Plan, published: &[usize]) -> Self {
        let lengths: Vec<usize> = plan.axes().iter().map(|axis| axis.len()).collect();
        let multiple = plan.axes().iter().enumerate().filter(|(_, axis)| axis.multiple());
        let multiple = multiple.fold(0, |mask, (at, _)| mask | 1 << at);
        let blocks: Vec<Block> = published
            .iter()
            .filter_map(|&at| plan.blocks().get(at))
            .map(|block| {
                let mut strides = vec![0; lengths.len()];
                for (&axis, stride) in block.axes().iter().zip(block.strides()) {
                    if let Some(slot) = strides.get_mut(axis) {
                        *slot = stride;
                    }
                }
                let mask = block.axes_told().iter().fold(0, |mask, axis| mask | 1 << axis);
                Block { mask, axes: block.axes().to_vec(), offset: block.offset(), len: block.len(), strides }
            })
            .collect();
        let within = |a: Axes, b: Axes| a & b == a;
        let finest: Vec<usize> = (0..blocks.len())
            .filter(|&at| {
                let mask = blocks.get(at).map_or(0, |block| block.mask);
                blocks.iter().all(|other| other.mask == mask || !within(mask, other.mask))
            })
            .collect();
        let mask_of = |at: usize| blocks.get(at).map_or(0, |block| block.mask);
        let tops = finest.iter().map(|&block| Top {
            block,
            parts: (0..blocks.len()).filter(|&part| within(mask_of(part), mask_of(block))).collect(),
            fixed: finest
                .iter()
                .filter(|&&other| other != block)
                .map(|&other| mask_of(other) & mask_of(block))
                .collect(),
        });
        let tops = tops.collect();
        let cells = plan.cell_count();
        let mut grid = Self {
            coarser: plan.axes().iter().map(coarser).collect(),
            lengths,
            multiple,
            blocks,
            tops,
            bounds: Vec::new(),
            bounds_of: HashMap::new(),
            cells,
            known: BTreeSet::new(),
            preferences: vec![0; cells],
        };
        grid.add_bounds();
        grid.add_preferences();
        grid
    }

    /// Of two cells that would do equally well the one with the lesser number is hidden, whatever they count: were it the
    /// one with fewer rows, whoever knows this rule could tell from the choice how many rows hidden cells have. So totals
    /// are spared by what they are totals of, and among cells of a kind one is taken at random, always the same.
    pub(super) fn preference(&self, cell: usize) -> u64 {
        self.preferences.get(cell).copied().unwrap_or(0)
    }

    /// How many cells of the finest blocks a cell is the total of, about.
    pub(super) fn parts(&self, cell: usize) -> u64 {
        self.preference(cell) >> PARTS
    }

    fn add_preferences(&mut self) {
        let finest = self.tops.iter().filter_map(|top| self.blocks.get(top.block)).map(|block| block.len).max();
        for block in &self.blocks {
            let parts = (finest.unwrap_or(1) / block.len.max(1)) as u64;
            for (cell, preference) in self.preferences.iter_mut().enumerate().skip(block.offset).take(block.len) {
                *preference = parts << PARTS | scattered(cell) >> (u64::BITS - PARTS);
            }
        }
    }

    /// The block that holds a cell.
    pub(super) fn block_of(&self, cell: usize) -> Option<&Block> {
        self.blocks.iter().find(|block| (block.offset..block.offset + block.len).contains(&cell))
    }

    /// Per axis of the plan the position of a cell of this block; nought on axes on which it has none.
    pub(super) fn positions(&self, block: &Block, cell: usize) -> Vec<usize> {
        let place = cell - block.offset;
        let position = |(stride, length): (&usize, &usize)| if *stride == 0 { 0 } else { place / stride % length };
        let mut positions: Vec<usize> = block.strides.iter().zip(&self.lengths).map(position).collect();
        for &axis in &block.axes {
            let position = positions.get(axis).copied().unwrap_or(0);
            self.set(&mut positions, axis, position);
        }
        positions
    }

    /// An axis and its coarser levels, the finest first, each with what this position is there.
    pub(super) fn levels(&self, axis: usize, position: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let coarser = self.coarser.get(axis).into_iter().flatten();
        let coarser = coarser.map(move |(level, groups)| (*level, groups.get(position).copied().unwrap_or(0)));
        std::iter::once((axis, position)).chain(coarser)
    }

    /// Goes to a position on an axis, and to its groups on the coarser levels.
    pub(super) fn set(&self, positions: &mut [usize], axis: usize, position: usize) {
        for (level, position) in self.levels(axis, position) {
            if let Some(slot) = positions.get_mut(level) {
                *slot = position;
            }
        }
    }

    fn add_bounds(&mut self) {
        let mut bounds = Vec::new();
        for fine in &self.blocks {
            for coarse in &self.blocks {
                let dropped = fine.mask & !coarse.mask;
                if fine.mask & coarse.mask == coarse.mask && dropped & self.multiple != 0 {
                    bounds.extend(self.bounds_between(fine, coarse, dropped & self.multiple));
                }
            }
        }
        for (at, bound) in bounds.iter().enumerate() {
            for &cell in bound.parts.iter().chain([&bound.total]) {
                self.bounds_of.entry(cell).or_default().push(at);
            }
        }
        self.bounds = bounds;
    }

    /// Each total is at least the part of each code, and at most all parts together.
    fn bounds_between(&self, fine: &Block, coarse: &Block, multiple: Axes) -> Vec<Bound> {
        let mut parts: HashMap<(usize, Vec<usize>), Vec<usize>> = HashMap::new();
        for cell in fine.offset..fine.offset + fine.len {
            let positions = self.positions(fine, cell);
            let total =
                coarse.offset + positions.iter().zip(&coarse.strides).map(|(at, stride)| at * stride).sum::<usize>();
            let codes = positions.iter().enumerate().filter(|(axis, _)| multiple & (1 << axis) != 0);
            let codes = codes.map(|(_, &position)| position).collect();
            parts.entry((total, codes)).or_default().push(cell);
            parts.entry((total, Vec::new())).or_default().push(cell);
        }
        let bound = |((total, codes), parts): ((usize, Vec<usize>), Vec<usize>)| Bound {
            total,
            total_sign: if codes.is_empty() { -1 } else { 1 },
            parts,
        };
        parts.into_iter().map(bound).collect()
    }
}

/// A number of 64 bits for each cell, as if drawn at random: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn scattered(cell: usize) -> u64 {
    let mixed = (cell as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn coarser(axis: &Axis) -> Vec<(usize, Vec<usize>)> {
    let group = |level: &CoarserLevel, at: u32| {
        level.position_of(at).and_then(|position| usize::try_from(position).ok()).unwrap_or(0)
    };
    let groups = |level: &CoarserLevel| (0..).zip(axis.codes()).map(|(at, _)| group(level, at)).collect();
    axis.coarser().iter().map(|level| (level.axis(), groups(level))).collect()
}

impl Bound {
    /// With which sign a cell counts.
    pub(super) fn sign_of(&self, cell: usize) -> i64 {
        if cell == self.total { self.total_sign } else { -self.total_sign }
    }
}
