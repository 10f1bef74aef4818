//! Moves: changes that leave every shown cell as it is.

use super::grid::{Axes, Block, Grid, Top};
use super::search::Search;
use super::{Mark, Move};

/// What a move hides anew: how many cells, and of as many those that are rather hidden (see [`Grid::preference`]).
pub(super) type Cost = (usize, u64);

/// What happens along one axis of a finest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The totals over the axis change as well.
    Total,
    /// What is added at one position is taken away at this one. No total over `level` changes: the coarsest level of the
    /// variable on which the two are told apart.
    Swap { to: usize, level: usize },
    /// The rows have one more code of a multiple-valued variable, or one fewer, on this level of it and the finer ones: no
    /// total over it changes.
    Code { level: usize },
}

impl Step {
    /// The axis over which nothing changes in total.
    fn still(self) -> Option<usize> {
        match self {
            Self::Total => None,
            Self::Swap { level, .. } | Self::Code { level } => Some(level),
        }
    }
}

/// How many neighbours along each axis are tried, by the number of axes that are stepped along.
const fn neighbours(axes: usize) -> usize {
    match axes {
        0 | 1 => 64,
        2 => 24,
        3 => 10,
        _ => 5,
    }
}

/// Cells of a finest block below one total that are tried.
const MOST_PLACES: usize = 4;

/// What is being looked for.
struct Quest<'q> {
    top: &'q Top,
    axes: &'q [usize],
    /// The position on each axis of the plan.
    base: &'q [usize],
    /// What the cell itself changes by.
    by: i64,
    /// The most that the move may cost.
    limit: Option<Cost>,
}

impl Search<'_> {
    /// The cheapest move that changes this cell, cheaper than `limit`.
    pub(super) fn cheapest(&self, cell: usize, limit: Option<Cost>) -> Option<(Cost, Move)> {
        let block = self.grid.block_of(cell)?;
        let mut best: Option<(Cost, Move)> = None;
        for top in &self.grid.tops {
            let Some(finest) = self.grid.blocks.get(top.block) else { continue };
            if block.mask & finest.mask != block.mask {
                continue;
            }
            let width = self.width(cell);
            for by in [width, -width] {
                for base in self.places(cell, block, finest, by) {
                    let limit = best.as_ref().map_or(limit, |(cost, _)| Some(*cost));
                    let quest = Quest { top, axes: &finest.axes, base: &base, by, limit };
                    if let Some(found) = self.from(&quest, block.mask, finest) {
                        best = Some(found);
                    }
                }
            }
        }
        best
    }

    /// The positions of cells of a finest block that lie below this one and can change.
    fn places(&self, cell: usize, block: &Block, finest: &Block, by: i64) -> Vec<Vec<usize>> {
        let positions = self.grid.positions(block, cell);
        let mut places = vec![positions];
        for &axis in finest.axes.iter().filter(|&&axis| block.mask & (1 << axis) == 0) {
            let length = self.grid.lengths.get(axis).copied().unwrap_or(0);
            // Of the groups that the cell stands for only the parts lie below it.
            let lies_below = |place: &[usize], position: usize| {
                let mut levels = self.grid.levels(axis, position);
                levels.all(|(level, at)| block.mask & (1 << level) == 0 || place.get(level) == Some(&at))
            };
            let each = places.iter().flat_map(|place| {
                (0..length).filter(|&position| lies_below(place, position)).map(|position| {
                    let mut place = place.clone();
                    self.grid.set(&mut place, axis, position);
                    place
                })
            });
            places = each.collect();
        }
        let mut priced: Vec<(Cost, Vec<usize>)> =
            places.into_iter().filter_map(|place| Some((self.price(cell_at(finest, &place), by)?, place))).collect();
        priced.sort();
        priced.truncate(MOST_PLACES);
        priced.into_iter().map(|(_, place)| place).collect()
    }

    /// The cheapest move from one place.
    fn from(&self, quest: &Quest<'_>, own: Axes, finest: &Block) -> Option<(Cost, Move)> {
        let steps: Vec<Vec<Step>> = quest.axes.iter().map(|&axis| self.steps(quest, axis, own, finest)).collect();
        let mut chosen = vec![0_usize; steps.len()];
        let mut best: Option<(Cost, Move)> = None;
        loop {
            let taken: Vec<Step> =
                steps.iter().zip(&chosen).filter_map(|(steps, &at)| steps.get(at).copied()).collect();
            let limit = best.as_ref().map_or(quest.limit, |(cost, _)| Some(*cost));
            if let Some((cost, change)) = self.evaluate(quest, &taken, limit)
                && self.keeps_bounds(&change)
            {
                best = Some((cost, change));
            }
            // The next choice, like an odometer.
            let Some(wheel) = (0..steps.len()).find(|&wheel| {
                let last = steps.get(wheel).map_or(0, Vec::len);
                chosen.get(wheel).is_some_and(|&at| at + 1 < last)
            }) else {
                return best;
            };
            for (at, slot) in chosen.iter_mut().enumerate().take(wheel + 1) {
                *slot = if at == wheel { *slot + 1 } else { 0 };
            }
        }
    }

    fn steps(&self, quest: &Quest<'_>, axis: usize, own: Axes, finest: &Block) -> Vec<Step> {
        let here = quest.base.get(axis).copied().unwrap_or(0);
        // On the levels that the cell itself is told on it has to change.
        let levels: Vec<usize> =
            self.grid.levels(axis, here).map(|(level, _)| level).filter(|level| own & (1 << level) != 0).collect();
        if self.grid.multiple & (1 << axis) != 0 {
            return levels.into_iter().map(|level| Step::Code { level }).chain([Step::Total]).collect();
        }
        let length = self.grid.lengths.get(axis).copied().unwrap_or(0);
        let stride = finest.strides.get(axis).copied().unwrap_or(0);
        let first = cell_at(finest, quest.base) - here * stride;
        let mut priced: Vec<Vec<(Cost, usize)>> = vec![Vec::new(); levels.len()];
        for other in (0..length).filter(|_| !levels.is_empty()) {
            let apart = self.apart(axis, here, other).and_then(|apart| levels.iter().position(|level| *level == apart));
            if let Some(of_level) = apart.and_then(|place| priced.get_mut(place))
                && let Some(price) = self.price(first + other * stride, -quest.by)
            {
                of_level.push((price, other));
            }
        }
        let axes =
            quest.axes.iter().filter(|&&axis| self.grid.levels(axis, 0).any(|(level, _)| own & (1 << level) != 0));
        let most = neighbours(axes.count());
        let swaps = levels.into_iter().zip(priced).flat_map(|(level, mut priced)| {
            priced.sort_unstable();
            priced.truncate(most);
            priced.into_iter().map(move |(_, to)| Step::Swap { to, level })
        });
        swaps.chain([Step::Total]).collect()
    }

    /// The coarsest level of an axis on which two of its positions are told apart.
    fn apart(&self, axis: usize, one: usize, other: usize) -> Option<usize> {
        let levels = self.grid.levels(axis, one).zip(self.grid.levels(axis, other));
        levels.filter(|(one, other)| one.1 != other.1).last().map(|((level, _), _)| level)
    }

    /// What the move costs, and the move, if it is possible and cheaper than the limit.
    fn evaluate(&self, quest: &Quest<'_>, steps: &[Step], limit: Option<Cost>) -> Option<(Cost, Move)> {
        let still: Axes = steps.iter().filter_map(|step| step.still()).fold(0, |mask, axis| mask | 1 << axis);
        // Sub-totals that another finest block shares have to stay.
        if quest.top.fixed.iter().any(|&fixed| still & fixed == still) {
            return None;
        }
        let swaps: Vec<(usize, usize)> = quest
            .axes
            .iter()
            .zip(steps)
            .filter_map(|(&axis, step)| if let Step::Swap { to, .. } = step { Some((axis, *to)) } else { None })
            .collect();
        let (mut cost, mut change) = ((0, 0), Move::new());
        for block in quest.top.parts.iter().filter_map(|&part| self.grid.blocks.get(part)) {
            if block.mask & still != still {
                continue;
            }
            let origin = cell_at(block, quest.base);
            for corner in 0..1_u32 << swaps.len() {
                let (mut cell, mut by) = (origin, quest.by);
                for (bit, &(axis, to)) in swaps.iter().enumerate() {
                    if corner & (1 << bit) != 0 {
                        for (level, to) in self.grid.levels(axis, to) {
                            let stride = block.strides.get(level).copied().unwrap_or(0);
                            cell = cell + to * stride - quest.base.get(level).copied().unwrap_or(0) * stride;
                        }
                        by = -by;
                    }
                }
                let (cells, preferred) = self.price(cell, by)?;
                cost = (cost.0 + cells, cost.1 + preferred);
                if limit.is_some_and(|limit| cost >= limit) {
                    return None;
                }
                change.push((cell, by));
            }
        }
        Some((cost, change))
    }

    /// What it costs to change this cell; `None` if its status would rule the change out, or if it has to stay open.
    fn price(&self, cell: usize, by: i64) -> Option<Cost> {
        let value = *self.values.get(cell)?;
        let after = value + by;
        if let Some(ranges) = &self.ranges {
            let stays = self.spared == Some(cell) || self.grid.known.contains(&cell);
            let open = *self.marks.get(cell)? == Mark::Open;
            return (ranges.admits(cell, after) && !(open && stays)).then_some(if open {
                (1, self.grid.preference(cell))
            } else {
                (0, 0)
            });
        }
        match self.marks.get(cell)? {
            Mark::TooFew => (self.rule.least_few <= after && after < self.rule.k).then_some((0, 0)),
            Mark::TooFewSuppliers => (self.rule.least_few <= after).then_some((0, 0)),
            Mark::Dominated | Mark::Withheld => (0 <= after).then_some((0, 0)),
            Mark::Protects => (self.rule.least_other <= after).then_some((0, 0)),
            Mark::Open if value == 0 || self.spared == Some(cell) || self.grid.known.contains(&cell) => None,
            Mark::Open => (self.rule.least_other <= after).then_some((1, self.grid.preference(cell))),
        }
    }

    /// Whether the totals over multiple-valued axes stay possible.
    fn keeps_bounds(&self, change: &Move) -> bool {
        let mut moved = std::collections::BTreeMap::new();
        for (cell, by) in change {
            for &at in self.grid.bounds_of.get(cell).into_iter().flatten() {
                let sign = self.grid.bounds.get(at).map_or(0, |bound| bound.sign_of(*cell));
                *moved.entry(at).or_insert(0) += sign * by;
            }
        }
        moved.iter().all(|(&at, &by)| self.slack.get(at).is_some_and(|&slack| slack + by >= 0))
    }
}

impl Grid {
    /// How far each bound is from being reached.
    pub(super) fn slack(&self, values: &[i64]) -> Vec<i64> {
        let value = |cell: usize| values.get(cell).copied().unwrap_or(0);
        let slack = |bound: &super::grid::Bound| {
            bound.total_sign * (value(bound.total) - bound.parts.iter().map(|&part| value(part)).sum::<i64>())
        };
        self.bounds.iter().map(slack).collect()
    }
}

/// The cell of a block at these positions on the axes of the plan.
pub(super) fn cell_at(block: &Block, positions: &[usize]) -> usize {
    block.offset + positions.iter().zip(&block.strides).map(|(position, stride)| position * stride).sum::<usize>()
}
