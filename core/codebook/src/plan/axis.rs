//! One direction in which rows are broken down.

use crate::code_list::{Code, CodeIndex, CodeList, GroupIndex, Node};
use crate::code_set::CodeSet;
use crate::dataset::{Dataset, Measure, Variable};
use crate::decimal::format_decimal_short;
use crate::label::Label;
use crate::query::{Detail, GroupAxis, Histogram, RowFilter};

/// What [`Axis::lookup`] holds for a code that the axis doesn't show.
pub const NO_POSITION: u32 = u32::MAX;

/// One direction in which rows are broken down: a variable's codes, or bins of a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    name: String,
    label: Label,
    kind: AxisKind,
    codes: Vec<AxisCode>,
    lookup: Vec<u32>,
    coarser: Vec<CoarserLevel>,
    multiple: bool,
    ordered: bool,
}

/// Another axis of the plan that shows a coarser level of the same variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoarserLevel {
    axis: usize,
    positions: Vec<u32>,
}

impl CoarserLevel {
    /// Its place among the axes of the plan.
    pub fn axis(&self) -> usize {
        self.axis
    }

    /// The position there of the group in which a position of the finer axis lies.
    pub fn position_of(&self, finer: u32) -> Option<u32> {
        self.positions.get(usize::try_from(finer).ok()?).copied()
    }
}

/// What the positions of an axis stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// Codes of a variable.
    Variable {
        /// The variable's position in the dataset.
        variable: usize,
    },
    /// Bins of a measure: below, between each two edges, above, and missing if the measure is optional.
    Histogram {
        /// The measure's position in the dataset.
        measure: usize,
        /// Ascending, scaled by 10^decimals.
        edges: Vec<i64>,
        /// Whether the last position is for rows without a value.
        missing: bool,
    },
}

/// One position of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisCode {
    code: String,
    label: Label,
    value: AxisValue,
}

/// What one position stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisValue {
    /// A code of the variable's list.
    Code(CodeIndex),
    /// A group of them: the rows with one of its codes.
    Group(GroupIndex),
    /// A bin of the measure.
    Bin(Bin),
}

/// A bin. Bounds are scaled by 10^decimals of the measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// Below the first edge.
    Below {
        /// The first edge.
        upper: i64,
    },
    /// From `lower` on, below `upper`.
    Between {
        /// Within the bin.
        lower: i64,
        /// No longer within it.
        upper: i64,
    },
    /// From the last edge on.
    Above {
        /// The last edge.
        lower: i64,
    },
    /// Rows without a value.
    Missing,
}

impl AxisCode {
    /// The code as it stands in files: `F`, `[0,10)`, `<0`, `>=20`, `missing`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What it means.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// What it stands for.
    pub fn value(&self) -> AxisValue {
        self.value
    }
}

impl Axis {
    /// The axis with only the codes that the filter lets through. Of a multiple-valued variable the other codes of
    /// the rows that pass are not shown. `None` for an axis that the dataset doesn't have.
    pub(super) fn new(dataset: &Dataset, filter: &RowFilter, axis: &GroupAxis) -> Option<Self> {
        match axis {
            GroupAxis::Variable(index, detail) => {
                let variable = dataset.variables().get(*index)?;
                let shown = filter.restriction(*index, variable.list().len());
                Some(Self::of_variable(variable, *index, *detail, &shown))
            }
            GroupAxis::Histogram(histogram) => {
                dataset.measures().get(histogram.measure()).map(|measure| Self::of_measure(measure, histogram))
            }
        }
    }

    /// Tells the axis from others of its name, the `nth` one from 2 on.
    pub(super) fn tell_apart(&mut self, name: String, nth: usize) {
        self.name = name;
        self.label = Label::new(format!("{} ({nth})", self.label.nl), format!("{} ({nth})", self.label.en));
    }

    /// Names the axis otherwise than its variable.
    pub(super) fn call(&mut self, (name, label): (String, Label)) {
        (self.name, self.label) = (name, label);
    }

    /// Where each position lies on another axis of the same variable, which stands at `axis` and is coarser. Nowhere on one
    /// that is not.
    pub(super) fn within(&self, axis: usize, coarser: &Self) -> Option<CoarserLevel> {
        let mut positions = vec![None; self.codes.len()];
        for (&position, &group) in self.lookup.iter().zip(&coarser.lookup).filter(|(at, _)| **at != NO_POSITION) {
            *positions.get_mut(usize::try_from(position).ok()?)? = Some(group).filter(|at| *at != NO_POSITION);
        }
        Some(CoarserLevel { axis, positions: positions.into_iter().collect::<Option<_>>()? })
    }

    /// Takes note of the coarser levels, the finest of them first.
    pub(super) fn lie_within(&mut self, coarser: Vec<CoarserLevel>) {
        self.coarser = coarser;
    }

    fn of_variable(variable: &Variable, index: usize, detail: Detail, shown: &CodeSet) -> Self {
        let list: &CodeList = variable.list();
        let mut lookup = vec![NO_POSITION; list.len()];
        let mut codes = Vec::with_capacity(shown.len());
        for (node, entry) in nodes(list, detail, shown) {
            let position = u32::try_from(codes.len()).unwrap_or(NO_POSITION);
            for at in list.codes_among(node, shown) {
                if let Some(slot) = lookup.get_mut(usize::from(at)) {
                    *slot = position;
                }
            }
            let value = match node {
                Node::Code(at) => AxisValue::Code(at),
                Node::Group(at) => AxisValue::Group(at),
            };
            codes.push(AxisCode { code: entry.code().to_owned(), label: entry.label().clone(), value });
        }
        Self {
            name: variable.name().to_owned(),
            label: variable.label().clone(),
            kind: AxisKind::Variable { variable: index },
            codes,
            lookup,
            coarser: Vec::new(),
            multiple: variable.multiple(),
            ordered: list.ordered(),
        }
    }

    fn of_measure(measure: &Measure, histogram: &Histogram) -> Self {
        let edges = histogram.edges();
        let first = edges.first().map(|&upper| Bin::Below { upper });
        let last = edges.last().map(|&lower| Bin::Above { lower });
        let between = edges.windows(2).filter_map(|pair| match *pair {
            [lower, upper] => Some(Bin::Between { lower, upper }),
            _ => None,
        });
        let missing = measure.optional().then_some(Bin::Missing);
        let bins = first.into_iter().chain(between).chain(last).chain(missing);
        let codes: Vec<AxisCode> = bins.map(|bin| bin.axis_code(measure.decimals())).collect();
        let label = measure.label();
        Self {
            name: measure.name().to_owned(),
            label: Label::new(
                format!("{} ({})", label.nl, measure.unit()),
                format!("{} ({})", label.en, measure.unit()),
            ),
            kind: AxisKind::Histogram {
                measure: histogram.measure(),
                edges: edges.to_vec(),
                missing: measure.optional(),
            },
            codes,
            lookup: Vec::new(),
            coarser: Vec::new(),
            multiple: false,
            ordered: true,
        }
    }

    /// The name of the variable or measure.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the axis shows, with the unit of a measure.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// What the positions stand for.
    pub fn kind(&self) -> &AxisKind {
        &self.kind
    }

    /// The positions, at least one.
    pub fn codes(&self) -> &[AxisCode] {
        &self.codes
    }

    /// How many positions.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The coarser levels of its variable that the plan has as well, the finest of them first. Every position lies in one
    /// position of each.
    pub fn coarser(&self) -> &[CoarserLevel] {
        &self.coarser
    }

    /// Whether a row may count at several positions.
    pub fn multiple(&self) -> bool {
        self.multiple
    }

    /// The most positions at which one row may count.
    pub fn most_positions_of_a_row(&self) -> u64 {
        if self.multiple { self.codes.len() as u64 } else { 1 }
    }

    /// Whether the order of the positions means something.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// The position of a code, unless the axis doesn't show it. `None` for histograms.
    pub fn position_of(&self, code: CodeIndex) -> Option<u32> {
        self.lookup.get(usize::from(code)).copied().filter(|&position| position != NO_POSITION)
    }

    /// The position for each code of the list, [`NO_POSITION`] where there is none. Empty for histograms.
    pub fn lookup(&self) -> &[u32] {
        &self.lookup
    }

    /// All positions at which a row with these codes counts, in order, each once. None for histograms.
    pub fn positions_of(&self, codes: impl IntoIterator<Item = CodeIndex>) -> Vec<u32> {
        let mut positions: Vec<u32> = codes.into_iter().filter_map(|code| self.position_of(code)).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// The codes that a position stands for, as far as the axis shows them. None for histograms.
    pub fn codes_at(&self, position: u32) -> CodeSet {
        let mut codes = CodeSet::empty(self.lookup.len());
        for (_, code) in self.lookup.iter().zip(0..).filter(|(at, _)| **at == position) {
            codes.insert(code);
        }
        codes
    }

    /// Whether every code of the variable's list has a position.
    pub fn shows_all(&self) -> bool {
        !self.lookup.contains(&NO_POSITION)
    }

    /// The position of a value scaled by 10^decimals, or of "no value". `None` for variables, and for "no value" of a
    /// measure that every row has.
    pub fn bin_of(&self, value: Option<i64>) -> Option<u32> {
        let AxisKind::Histogram { edges, missing, .. } = &self.kind else { return None };
        let position = match value {
            Some(value) => edges.partition_point(|&edge| edge <= value),
            None if *missing => edges.len() + 1,
            None => return None,
        };
        u32::try_from(position).ok()
    }
}

/// The codes and groups that an axis shows, in its order.
fn nodes<'l>(list: &'l CodeList, detail: Detail, shown: &CodeSet) -> Vec<(Node, &'l Code)> {
    let wanted = |node: &Node| match (detail, node) {
        (Detail::Codes, _) => true,
        (Detail::Level(level), Node::Code(_)) => list.level(*node) <= level,
        (Detail::Level(level), Node::Group(_)) => list.level(*node) == level,
    };
    let all = match detail {
        Detail::Codes => list.indices().map(Node::Code).collect(),
        _ => list.tree(),
    };
    let found = all.into_iter().filter(wanted).filter(|node| !list.codes_among(*node, shown).is_empty());
    found.filter_map(|node| Some((node, list.entry(node)?))).collect()
}

impl Bin {
    fn axis_code(self, decimals: u32) -> AxisCode {
        let text = |edge: i64| format_decimal_short(edge, decimals);
        let (code, label) = match self {
            Self::Below { upper } => {
                let upper = text(upper);
                (format!("<{upper}"), Label::new(format!("minder dan {upper}"), format!("less than {upper}")))
            }
            Self::Between { lower, upper } => {
                let (lower, upper) = (text(lower), text(upper));
                let label = Label::new(format!("{lower} tot {upper}"), format!("{lower} to less than {upper}"));
                (format!("[{lower},{upper})"), label)
            }
            Self::Above { lower } => {
                let lower = text(lower);
                (format!(">={lower}"), Label::new(format!("{lower} en meer"), format!("{lower} and more")))
            }
            Self::Missing => ("missing".to_owned(), Label::new("onbekend", "unknown")),
        };
        AxisCode { code, label, value: AxisValue::Bin(self) }
    }
}
