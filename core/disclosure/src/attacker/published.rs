//! The published table as blocks of cells, one for each set of axes that its rows are broken down by.

use std::collections::{BTreeMap, BTreeSet};

use super::{Counting, Known};
use crate::cell::{CellValue, Status};
use crate::table::{AxisHeading, FigureKind, PlaceHeading, ProtectedTable, Row};

/// The cells of one grouping: mixed radix over its axes, the first slowest.
pub(super) struct Block {
    /// Of several levels of a variable the finest.
    pub(super) axes: Vec<usize>,
    /// The cell at each place.
    pub(super) cells: Vec<u32>,
}

/// All groupings of a table, by the set of axes on which their rows have a place, with the sub-totals that two of them have
/// in common.
pub(super) struct Published {
    pub(super) lengths: Vec<usize>,
    /// Per axis the one that shows its groups, and for each place the group's place there.
    parents: Vec<Option<(usize, Vec<usize>)>>,
    pub(super) multiple: Vec<bool>,
    pub(super) blocks: BTreeMap<u64, Block>,
    pub(super) cells: Vec<Known>,
    /// Rows in margins that are withheld whole.
    pub(super) withheld: BTreeSet<usize>,
}

impl Published {
    pub(super) fn read(table: &ProtectedTable, k: i64, counting: Counting) -> Option<Self> {
        let figure = table.figures().iter().position(|figure| figure.kind == FigureKind::Count)?;
        let lengths: Vec<usize> = table.axes().iter().map(|axis| axis.places.len()).collect();
        let multiple = table.axes().iter().map(|axis| axis.multiple).collect();
        if lengths.len() > 63 {
            return None;
        }
        let parents = table.axes().iter().map(|axis| parents(axis, table.axes())).collect::<Option<_>>()?;
        let mut published =
            Self { lengths, parents, multiple, blocks: BTreeMap::new(), cells: Vec::new(), withheld: BTreeSet::new() };
        let mut places: BTreeMap<u64, BTreeMap<usize, usize>> = BTreeMap::new();
        for (row, at) in table.rows().iter().zip(0..) {
            places.entry(mask(row)).or_default().insert(published.place(row)?, at);
        }
        let statuses: Vec<Status> = table
            .rows()
            .iter()
            .map(|row| row.figures().get(figure).map(|cell| cell.status()))
            .collect::<Option<_>>()?;
        let of_block =
            |rows: &BTreeMap<usize, usize>| rows.values().filter_map(|&row| statuses.get(row).copied()).collect();
        let withheld = withheld(&places.iter().map(|(&mask, rows)| (mask, of_block(rows))).collect());
        let rows_withheld = withheld.iter().filter_map(|mask| places.get(mask)).flat_map(BTreeMap::values).copied();
        let unchecked = (0..statuses.len()).filter(|&row| statuses.get(row) == Some(&Status::HiddenUnchecked));
        published.withheld = rows_withheld.chain(unchecked).collect();
        published.cells = vec![Known { lower: 0, upper: None }; statuses.len()];
        for (&mask, rows) in &places {
            let axes = published.axes(mask);
            if rows.len() != published.size(&axes) {
                return None;
            }
            for &row in rows.values() {
                let cell = table.rows().get(row)?.figures().get(figure)?;
                let rounded_to = table.figures().get(figure)?.rounded_to;
                let known = known(cell, k, counting, withheld.contains(&mask), rounded_to)?;
                *published.cells.get_mut(row)? = known;
            }
            let cells = rows.values().map(|&row| u32::try_from(row).ok()).collect::<Option<_>>()?;
            published.blocks.insert(mask, Block { axes, cells });
        }
        published.add_common_totals()?;
        Some(published)
    }

    /// The axes of a grouping, without those that only show the groups of another.
    fn axes(&self, mask: u64) -> Vec<usize> {
        let shows_groups = |axis: usize| {
            let finer = self.parents.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
            finer.flat_map(|(_, parents)| parents).any(|(parents, _)| *parents == axis)
        };
        (0..self.lengths.len()).filter(|&axis| mask & (1 << axis) != 0 && !shows_groups(axis)).collect()
    }

    /// The place of a row in its block. `None` where it stands in another group than its place lies in.
    fn place(&self, row: &Row) -> Option<usize> {
        let place_on = |axis: usize| usize::try_from((*row.places().get(axis)?)?).ok();
        for (axis, parents) in self.parents.iter().enumerate() {
            if let (Some((above, parents)), Some(place)) = (parents, place_on(axis)) {
                (place_on(*above)? == *parents.get(place)?).then_some(())?;
            }
        }
        let axes = self.axes(mask(row));
        axes.into_iter().try_fold(0, |index, axis| Some(index * self.lengths.get(axis)? + place_on(axis)?))
    }

    /// Per axis of the table the position of a place of a block, and of the groups that it lies in; nought on the other
    /// axes.
    pub(super) fn positions(&self, block: &Block, place: usize) -> Vec<usize> {
        let mut positions = vec![0; self.lengths.len()];
        let mut rest = place;
        for &axis in block.axes.iter().rev() {
            let length = self.lengths.get(axis).copied().unwrap_or(1).max(1);
            let mut at = Some((axis, rest % length));
            // As many steps as there are axes, even if somebody wrote a circle of groups.
            for _ in 0..self.lengths.len() {
                let Some((axis, place)) = at else { break };
                positions.get_mut(axis).into_iter().for_each(|slot| *slot = place);
                let parents = self.parents.get(axis).and_then(Option::as_ref);
                at = parents.and_then(|(above, parents)| Some((*above, *parents.get(place)?)));
            }
            rest /= length;
        }
        positions
    }

    fn size(&self, axes: &[usize]) -> usize {
        axes.iter().filter_map(|&axis| self.lengths.get(axis)).product()
    }

    /// Sub-totals that two groupings share, though nobody shows them.
    fn add_common_totals(&mut self) -> Option<()> {
        loop {
            let masks: Vec<u64> = self.blocks.keys().copied().collect();
            let common = masks.iter().flat_map(|a| masks.iter().map(move |b| a & b));
            let Some(new) = common.into_iter().find(|common| !self.blocks.contains_key(common)) else {
                return Some(());
            };
            let axes = self.axes(new);
            let first = self.cells.len();
            self.cells.resize(first + self.size(&axes), Known { lower: 0, upper: None });
            let cells = (first..self.cells.len()).map(|cell| u32::try_from(cell).ok()).collect::<Option<_>>()?;
            self.blocks.insert(new, Block { axes, cells });
        }
    }
}

/// The groupings that are hidden whole, when nothing but the finest groupings is shown beside them: then the status says
/// nothing about how many there are. Groupings that were not checked are as good as not asked.
pub(crate) fn withheld(blocks: &BTreeMap<u64, Vec<Status>>) -> Vec<u64> {
    let is_checked = |statuses: &[Status]| statuses.iter().any(|status| *status != Status::HiddenUnchecked);
    let blocks: BTreeMap<u64, &[Status]> = blocks.iter().map(|(&mask, statuses)| (mask, statuses.as_slice())).collect();
    let blocks: BTreeMap<u64, &[Status]> = blocks.into_iter().filter(|(_, statuses)| is_checked(statuses)).collect();
    let protects = |status: &Status| *status == Status::HiddenProtectsOthers;
    let (whole, rest): (Vec<_>, Vec<_>) = blocks.iter().partition(|(_, statuses)| statuses.iter().all(protects));
    let finest = |mask: u64| blocks.keys().all(|&other| other == mask || other & mask != mask);
    if rest.iter().all(|(mask, _)| finest(**mask)) {
        whole.into_iter().map(|(&mask, _)| mask).collect()
    } else {
        Vec::new()
    }
}

/// What a cell tells of its count. `None` for a count that is none.
pub(crate) fn known(
    cell: &CellValue,
    k: i64,
    counting: Counting,
    withheld: bool,
    rounded_to: Option<u64>,
) -> Option<Known> {
    Some(match (cell.status(), cell.value(), counting) {
        (Status::Rounded, Some(value), _) => {
            let value = i64::try_from(value.scaled()).ok()?;
            let base = i64::try_from(rounded_to?).ok()?;
            // Half a base is rounded up.
            Known { lower: (value - base / 2).max(0), upper: Some(value + (base - 1) / 2) }
        }
        (_, Some(value), _) => {
            let value = i64::try_from(value.scaled()).ok()?;
            Known { lower: value, upper: Some(value) }
        }
        (Status::NotCollected | Status::SupplierAbsent, None, _) => Known { lower: 0, upper: Some(0) },
        (Status::HiddenTooFewSuppliers, None, Counting::Rows) => Known { lower: 1, upper: None },
        (Status::HiddenTooFew, None, Counting::Rows) => Known { lower: 1, upper: Some(k - 1) },
        (Status::HiddenTooFew, None, Counting::Values) => Known { lower: 0, upper: Some(k - 1) },
        (Status::HiddenProtectsOthers, None, Counting::Rows) if !withheld => Known { lower: k, upper: None },
        _ => Known { lower: 0, upper: None },
    })
}

fn mask(row: &Row) -> u64 {
    row.places().iter().enumerate().filter(|(_, place)| place.is_some()).fold(0, |mask, (axis, _)| mask | 1 << axis)
}

/// Where the groups of an axis are shown, and for each place the group's place there; `None` in `Some` where they are not,
/// and `None` for groups that the table doesn't have.
fn parents(axis: &AxisHeading, axes: &[AxisHeading]) -> Option<Option<(usize, Vec<usize>)>> {
    let Some(name) = &axis.parents else { return Some(None) };
    let above = axes.iter().position(|other| other.name == *name)?;
    let groups: BTreeMap<&str, usize> =
        axes.get(above)?.places.iter().zip(0..).map(|(place, at)| (place.code.as_str(), at)).collect();
    let group = |place: &PlaceHeading| groups.get(place.parent.as_deref()?).copied();
    Some(Some((above, axis.places.iter().map(group).collect::<Option<_>>()?)))
}
