//! The plan: the cells of a question in canonical order, fixed before any data is touched.

mod axis;
mod block;
mod column;
mod error;
mod output;
mod sensitivity;

pub use axis::{Axis, AxisCode, AxisKind, AxisValue, Bin, CoarserLevel, NO_POSITION};
pub use block::{Block, Cell};
pub use column::Column;
pub use error::PlanError;
pub use output::{Output, OutputKind};

use std::collections::BTreeSet;

use crate::code_set::CodeSet;
use crate::codebook::Codebook;
use crate::dataset::{Dataset, Measure, Variable};
use crate::encoding::Encoder;
use crate::ids::Hash256;
use crate::query::{Figure, GroupAxis, Query, RowFilter, quantile_axis, with_coarser_levels};

/// The most cells of one question, unless an operator sets another limit.
pub const DEFAULT_CELL_LIMIT: usize = 1_000_000;
/// The largest bound whose square a plan adds up: squares stay within 2^62.
const MAX_SQUARED_BOUND: u64 = 1 << 31;

/// What a plan may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// The most cells, all blocks together.
    pub cells: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self { cells: DEFAULT_CELL_LIMIT }
    }
}

/// The cells of a question in canonical order, the columns added up in them, and how these become figures.
///
/// Everybody who plans the same query with the same codebook has the same plan, and its [`Plan::hash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    query: Query,
    axes: Vec<Axis>,
    blocks: Vec<Block>,
    columns: Vec<Column>,
    outputs: Vec<Output>,
    limits: PlanLimits,
    cells: usize,
    hash: Hash256,
}

impl Plan {
    /// Plans a question within the default limits.
    ///
    /// # Errors
    /// A table that is too large, a variance that cannot be held, or another codebook than the query's.
    pub fn new(codebook: &Codebook, query: &Query) -> Result<Self, PlanError> {
        Self::with_limits(codebook, query, PlanLimits::default())
    }

    /// Plans a question within these limits, which do not change the plan or its hash.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn with_limits(codebook: &Codebook, query: &Query, limits: PlanLimits) -> Result<Self, PlanError> {
        if codebook.hash() != query.codebook() {
            return Err(PlanError::OtherCodebook);
        }
        let dataset = query.dataset();
        let group_axes = all_axes(query);
        let mut axes = axes(query, &group_axes);
        let blocks = blocks(&all_sets(query, &group_axes), query, &axes, limits)?;
        let noised = query.epsilon().is_some();
        let mut columns = if noised { column::Columns::none(dataset) } else { column::Columns::new(dataset) };
        let layout = output::Layout {
            margins: &|within| related(&blocks, |axes| among(&group_axes, axes, within)),
            with_axis: &|axis| related(&blocks, |axes| with_axis(axes, axis)),
            bins: &|figure| quantile_place(&group_axes, figure),
        };
        let figures = query.select().iter();
        let mut outputs: Vec<Output> =
            figures.filter_map(|figure| output::output(query, figure, &mut columns, &layout)).collect();
        tell_apart(&mut axes, &mut outputs);
        let columns = if noised { columns.into_asked() } else { columns.into_vec() };
        check_squares(dataset, &columns)?;
        let cells = blocks.last().map_or(0, |block| block.cells().end);
        let hash = hash(query, &columns, cells);
        let plan = Self { query: query.clone(), axes, blocks, columns, outputs, limits, cells, hash };
        plan.check_noise()?;
        Ok(plan)
    }

    /// The question.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The digest of the question, the codebook and the layout of cells.
    pub fn hash(&self) -> Hash256 {
        self.hash
    }

    /// The dataset asked.
    pub fn dataset(&self) -> &Dataset {
        self.query.dataset()
    }

    /// The axes: those asked in the analyst's order, then those that only quantiles need.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// One block of cells for each grouping set, with those that shares and quantiles need. Finest first: a total stands
    /// after what it is a total of.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What is added up in each cell. Without noise the first is always the count; with noise there is what was asked and
    /// nothing else.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How the columns become the figures selected, in the analyst's order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Which rows count.
    pub fn filter(&self) -> &RowFilter {
        self.query.filter()
    }

    /// The limits it was made within.
    pub fn limits(&self) -> PlanLimits {
        self.limits
    }

    /// m: how many cells, all blocks together.
    pub fn cell_count(&self) -> usize {
        self.cells
    }

    /// The block that holds this cell.
    pub fn block_of(&self, cell: usize) -> Option<usize> {
        if cell >= self.cells {
            return None;
        }
        self.blocks.partition_point(|block| block.offset() <= cell).checked_sub(1)
    }

    /// Where this cell stands.
    pub fn cell(&self, cell: usize) -> Option<Cell> {
        let at = self.block_of(cell)?;
        let block = self.blocks.get(at)?;
        let mut positions = vec![None; self.axes.len()];
        for (&axis, position) in block.axes().iter().zip(block.positions_of(cell)?) {
            let coarser = self.axes.get(axis)?.coarser().iter();
            let groups = coarser.map(|coarser| (coarser.axis(), coarser.position_of(position)));
            for (axis, position) in groups.chain([(axis, Some(position))]) {
                *positions.get_mut(axis)? = position;
            }
        }
        Some(Cell { block: at, positions })
    }

    /// The index of this cell, whose positions are those that [`Plan::cell`] gives it.
    pub fn index_of(&self, cell: &Cell) -> Option<usize> {
        let block = self.blocks.get(cell.block)?;
        let positions: Vec<u32> =
            block.axes().iter().map(|&axis| cell.positions.get(axis).copied().flatten()).collect::<Option<_>>()?;
        let index = block.cell_at(&positions)?;
        (self.cell(index).as_ref() == Some(cell)).then_some(index)
    }

    /// The cell of another block that agrees with this one and is a total over the axes that block doesn't have.
    /// `None` if that block has an axis that the cell has no position on.
    pub fn project(&self, cell: usize, block: usize) -> Option<usize> {
        let positions = self.cell(cell)?.positions;
        let target = self.blocks.get(block)?;
        let kept = target.axes().iter().map(|&axis| positions.get(axis).copied().flatten());
        target.cell_at(&kept.collect::<Option<Vec<u32>>>()?)
    }

    /// The cells of another block that agree with this one on all axes but `axis`, in the order of that axis.
    /// `None` if that block doesn't have the axis, or has others that the cell has no position on.
    pub fn along(&self, cell: usize, block: usize, axis: usize) -> Option<Vec<usize>> {
        let positions = self.cell(cell)?.positions;
        let target = self.blocks.get(block)?;
        let varying = target.axes().iter().position(|&at| at == axis)?;
        let first =
            target.axes().iter().map(|&at| if at == axis { Some(0) } else { positions.get(at).copied().flatten() });
        let first = target.cell_at(&first.collect::<Option<Vec<u32>>>()?)?;
        let stride = *target.strides().get(varying)?;
        let length = self.axes.get(axis)?.len();
        Some((0..length).map(|step| first + step * stride).collect())
    }

    /// The axis that shows the groups in which the positions of an axis lie: the next coarser level of its variable.
    pub fn parents_of(&self, axis: &Axis) -> Option<&Axis> {
        self.axes.get(axis.coarser().first()?.axis())
    }

    /// The group there in which a position of the axis lies.
    pub fn parent_of(&self, axis: &Axis, position: u32) -> Option<&AxisCode> {
        let parent = axis.coarser().first()?.position_of(position)?;
        self.parents_of(axis)?.codes().get(usize::try_from(parent).ok()?)
    }

    /// The variables that the question looks at: those it breaks down by and those of its conditions.
    pub fn variables_used(&self) -> Vec<&Variable> {
        let grouped = self.query.axes().iter().filter_map(|axis| match axis {
            GroupAxis::Variable(index, _) => Some(*index),
            GroupAxis::Histogram(_) => None,
        });
        let mut used: Vec<usize> = grouped.chain(self.filter().variables()).collect();
        used.sort_unstable();
        used.dedup();
        used.into_iter().filter_map(|index| self.dataset().variables().get(index)).collect()
    }

    /// The measures that the question looks at: those of its figures and of its histograms.
    pub fn measures_used(&self) -> Vec<&Measure> {
        let binned = self.query.axes().iter().filter_map(|axis| match axis {
            GroupAxis::Variable(..) => None,
            GroupAxis::Histogram(histogram) => Some(histogram.measure()),
        });
        let mut used: Vec<usize> = self.query.select().iter().filter_map(Figure::measure).chain(binned).collect();
        used.sort_unstable();
        used.dedup();
        used.into_iter().filter_map(|index| self.dataset().measures().get(index)).collect()
    }

    /// The codes of the period variable that rows asked about may have.
    pub fn period_codes(&self) -> CodeSet {
        let index = self.dataset().period_index();
        let Some(period) = self.dataset().period_variable() else { return CodeSet::empty(0) };
        let mut codes = CodeSet::empty(period.list().len());
        period.list().indices().filter(|&code| self.filter().admits(index, code)).for_each(|code| codes.insert(code));
        codes
    }

    /// Those codes as they are written: the years asked.
    pub fn periods(&self) -> Vec<&str> {
        let codes = self.period_codes();
        let list = self.dataset().period_variable().map(Variable::list);
        let codes: Vec<_> = codes.iter().collect();
        codes.into_iter().filter_map(|code| list?.code(code)).map(|code| code.code()).collect()
    }
}

/// The axes asked, then those that only quantiles need.
fn all_axes(query: &Query) -> Vec<GroupAxis> {
    let mut axes = query.axes().to_vec();
    for axis in query.select().iter().filter_map(quantile_axis) {
        if !axes.contains(&axis) {
            axes.push(axis);
        }
    }
    axes
}

/// What each axis shows, and in which groups of coarser ones its positions lie.
fn axes(query: &Query, group_axes: &[GroupAxis]) -> Vec<Axis> {
    let made = group_axes.iter().filter_map(|axis| Axis::new(query.dataset(), query.filter(), axis));
    let mut axes: Vec<Axis> = made.collect();
    for (place, axis) in axes.iter_mut().enumerate() {
        query.axis_words(place).into_iter().for_each(|words| axis.call(words));
    }
    let coarser_of = |at: usize, finer: &GroupAxis| {
        let mut levels: Vec<(usize, &GroupAxis)> =
            group_axes.iter().enumerate().filter(|(_, axis)| axis.is_coarser_level_of(finer)).collect();
        levels.sort_by(|(_, one), (_, other)| other.cmp(one));
        let within = |(place, _): (usize, &GroupAxis)| axes.get(at)?.within(place, axes.get(place)?);
        levels.into_iter().filter_map(within).collect()
    };
    let coarser: Vec<Vec<CoarserLevel>> =
        group_axes.iter().enumerate().map(|(at, axis)| coarser_of(at, axis)).collect();
    axes.iter_mut().zip(coarser).for_each(|(axis, coarser)| axis.lie_within(coarser));
    axes
}

fn quantile_place(axes: &[GroupAxis], figure: &Figure) -> Option<usize> {
    let wanted = quantile_axis(figure)?;
    axes.iter().position(|axis| *axis == wanted)
}

/// Those axes of a set that are among the given ones, or coarser levels of these.
fn among(axes: &[GroupAxis], set: &[usize], given: &[usize]) -> Vec<usize> {
    let kept: Vec<usize> = set.iter().copied().filter(|axis| given.contains(axis)).collect();
    with_coarser_levels(axes, &kept)
}

fn with_axis(set: &[usize], axis: usize) -> Vec<usize> {
    let mut set = set.to_vec();
    set.push(axis);
    set.sort_unstable();
    set.dedup();
    set
}

/// Every grouping set that is shown or that a figure needs; finest first, then by the order of axes.
fn all_sets(query: &Query, axes: &[GroupAxis]) -> Vec<Vec<usize>> {
    let shown = query.grouping_sets();
    let mut sets = shown.to_vec();
    for figure in query.select() {
        match (figure, quantile_place(axes, figure)) {
            (Figure::Share { within }, _) => {
                sets.extend(shown.iter().map(|set| among(axes, set, within)));
            }
            (_, Some(axis)) => sets.extend(shown.iter().map(|set| with_axis(set, axis))),
            _ => {}
        }
    }
    sets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    sets.dedup();
    sets
}

fn blocks(sets: &[Vec<usize>], query: &Query, axes: &[Axis], limits: PlanLimits) -> Result<Vec<Block>, PlanError> {
    let cells = sets.iter().fold(0_u128, |cells, set| cells.saturating_add(block::cells_of(set, axes)));
    if cells > limits.cells as u128 {
        let longest = axes.iter().max_by_key(|axis| axis.len());
        return Err(PlanError::TooManyCells {
            cells,
            limit: limits.cells,
            axis: longest.map_or("", Axis::name).to_owned(),
            codes: longest.map_or(0, Axis::len),
        });
    }
    let mut offset = 0;
    Ok(sets
        .iter()
        .map(|set| {
            let block = Block::new(set.clone(), axes, offset, query.grouping_sets().contains(set));
            offset = block.cells().end;
            block
        })
        .collect())
}

/// Gives axes and figures of one name, such as two histograms of one measure, names of their own: they head the columns of
/// one table.
fn tell_apart(axes: &mut [Axis], outputs: &mut [Output]) {
    let mut taken = BTreeSet::new();
    let mut find = |name: &str| {
        let names = (2..).map(|nth| (format!("{name}_{nth}"), nth));
        let free = std::iter::once((name.to_owned(), 1)).chain(names).find(|(name, _)| taken.insert(name.clone()));
        free.filter(|(_, nth)| *nth > 1)
    };
    for axis in axes {
        if let Some((name, nth)) = find(axis.name()) {
            axis.tell_apart(name, nth);
        }
    }
    for output in outputs {
        if let Some((name, nth)) = find(output.name()) {
            output.tell_apart(name, nth);
        }
    }
}

/// For each shown block, the block whose axes `relation` makes of those that it tells.
fn related(blocks: &[Block], relation: impl Fn(&[usize]) -> Vec<usize>) -> Vec<Option<usize>> {
    let find = |block: &Block| {
        let wanted = relation(block.axes_told());
        blocks.iter().position(|other| other.axes_told() == wanted)
    };
    blocks.iter().map(|block| if block.shown() { find(block) } else { None }).collect()
}

fn check_squares(dataset: &Dataset, columns: &[Column]) -> Result<(), PlanError> {
    for column in columns {
        if let Column::SumOfSquares { measure } = column
            && let Some(measure) = dataset.measures().get(*measure)
            && measure.bound() > MAX_SQUARED_BOUND
        {
            return Err(PlanError::SquaresTooLarge { measure: measure.name().to_owned() });
        }
    }
    Ok(())
}

fn hash(query: &Query, columns: &[Column], cells: usize) -> Hash256 {
    let mut encoder = Encoder::new("plan");
    encoder.bytes(query.hash().as_bytes());
    encoder.count(cells);
    encoder.count(columns.len());
    for column in columns {
        encoder.text(column.code());
        encoder.count(column.measure().unwrap_or_default());
    }
    encoder.hash()
}
