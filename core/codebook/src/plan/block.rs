//! Blocks of cells: one for each grouping set.

use super::axis::Axis;

/// The cells of one grouping set: mixed radix over its axes, the first axis slowest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    axes: Vec<usize>,
    told: Vec<usize>,
    radices: Vec<usize>,
    offset: usize,
    len: usize,
    shown: bool,
}

/// One cell: its block, and its position on each axis of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its block's position in the plan.
    pub block: usize,
    /// Per axis of the plan its position there; `None` where the cell is a total over that axis. Where it has a position
    /// on an axis it has one on the coarser levels of that as well: the groups in which it lies.
    pub positions: Vec<Option<u32>>,
}

/// How many cells a grouping set has; stops at the largest number there is.
pub(super) fn cells_of(set: &[usize], axes: &[Axis]) -> u128 {
    own_axes(set, axes)
        .iter()
        .filter_map(|&axis| axes.get(axis))
        .fold(1, |cells, axis| cells.saturating_mul(axis.len() as u128))
}

/// Those of a set that are no coarser level of another.
fn own_axes(set: &[usize], axes: &[Axis]) -> Vec<usize> {
    let is_told = |at: &usize| {
        let finer = set.iter().filter_map(|&finer| axes.get(finer));
        finer.flat_map(Axis::coarser).any(|coarser| coarser.axis() == *at)
    };
    set.iter().copied().filter(|at| !is_told(at)).collect()
}

impl Block {
    /// A block from `offset` on. Whoever calls has made sure that the cells can be counted.
    pub(super) fn new(told: Vec<usize>, axes: &[Axis], offset: usize, shown: bool) -> Self {
        let own = own_axes(&told, axes);
        let radices: Vec<usize> = own.iter().filter_map(|&axis| axes.get(axis)).map(Axis::len).collect();
        let len = radices.iter().product();
        Self { axes: own, told, radices, offset, len, shown }
    }

    /// Its axes, as ascending positions in the plan; none for the grand total. Of several levels of a variable the finest.
    pub fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// The axes on which its cells have a position: its own and the coarser levels of these. A block is a total of another
    /// if it has fewer, all of them among those of the other.
    pub fn axes_told(&self) -> &[usize] {
        &self.told
    }

    /// The length of each of its axes.
    pub fn radices(&self) -> &[usize] {
        &self.radices
    }

    /// Its first cell.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many cells it has, at least one.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the analyst asked for it. Others are there for shares and quantiles.
    pub fn shown(&self) -> bool {
        self.shown
    }

    /// Its cells.
    pub fn cells(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len
    }

    /// The distance between neighbours along each of its axes.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.radices.len()];
        let mut stride = 1;
        for (slot, radix) in strides.iter_mut().zip(&self.radices).rev() {
            *slot = stride;
            stride *= radix;
        }
        strides
    }

    /// The cell at these positions on its axes, in its own order. `None` where there is none.
    pub fn cell_at(&self, positions: &[u32]) -> Option<usize> {
        if positions.len() != self.radices.len() {
            return None;
        }
        let mut index = 0;
        for (&position, &radix) in positions.iter().zip(&self.radices) {
            let position = usize::try_from(position).ok().filter(|position| *position < radix)?;
            index = index * radix + position;
        }
        Some(self.offset + index)
    }

    /// The positions of a cell on its axes, in its own order. `None` if the cell is in another block.
    pub fn positions_of(&self, cell: usize) -> Option<Vec<u32>> {
        let mut rest = cell.checked_sub(self.offset).filter(|index| *index < self.len)?;
        let mut positions = vec![0; self.radices.len()];
        for (slot, radix) in positions.iter_mut().zip(&self.radices).rev() {
            *slot = u32::try_from(rest % radix).ok()?;
            rest /= radix;
        }
        Some(positions)
    }
}
