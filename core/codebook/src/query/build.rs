//! From the parts of a question, however they were written, to the one query.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::contradiction::some_row_can_pass;
use super::epsilon::Epsilon;
use super::error::QueryError;
use super::figure::{Detail, Figure, GroupAxis, Histogram, with_coarser_levels};
use super::filter::{Condition, RowFilter};
use super::{MAX_AXES, MAX_EDGES, Query};
use crate::code_list::Group;
use crate::codebook::Codebook;
use crate::dataset::Dataset;
use crate::decimal::format_decimal_short;
use crate::ids::EditionId;

/// The most grouping sets: all those of eight axes.
pub(super) const MAX_SETS: usize = 1 << MAX_AXES;
/// The most figures of one question.
const MAX_FIGURES: usize = 100;

/// The parts of a question, each resolved against the codebook.
pub(super) struct Parts {
    pub(super) dataset: Arc<Dataset>,
    pub(super) edition: Option<EditionId>,
    pub(super) select: Vec<Figure>,
    pub(super) axes: Vec<GroupAxis>,
    pub(super) sets: Vec<Vec<usize>>,
    pub(super) condition: Option<Condition>,
    pub(super) epsilon: Option<Epsilon>,
}

impl Parts {
    /// Brings the parts to normal form and checks what holds for a question as a whole.
    pub(super) fn build(mut self, codebook: &Codebook) -> Result<Query, QueryError> {
        self.check_figures()?;
        self.check_axes()?;
        if self.epsilon.is_some() {
            check_noise(&self.select)?;
        }
        self.check_codings()?;
        normalise_sets(&mut self.sets, &self.axes)?;
        if self.epsilon.is_none() && meet_in_a_ring(&self.sets) {
            return Err(QueryError::not_allowed(
                "groupings that meet in a ring, such as (a, b), (b, c) and (a, c),",
                "ask one of them by itself, or add the grouping that has all their axes",
            ));
        }
        let filter = match self.condition {
            None => RowFilter::All,
            Some(condition) => condition.normalise(&self.dataset).ok_or(QueryError::NothingMatches)?,
        };
        if !some_row_can_pass(&self.dataset, &filter) {
            return Err(QueryError::NothingMatches);
        }
        check_whole_groups(&self.dataset, &self.axes, &filter)?;
        let query = Query {
            codebook: codebook.hash(),
            dataset: self.dataset,
            edition: self.edition,
            select: self.select,
            axes: self.axes,
            sets: self.sets,
            filter,
            epsilon: self.epsilon,
        };
        // What was read must also be readable in canonical form.
        let bytes = query.canonical_json().len();
        if bytes > super::MAX_DOCUMENT_BYTES {
            return Err(QueryError::TooLong { bytes, limit: super::MAX_DOCUMENT_BYTES });
        }
        Ok(query)
    }

    fn check_figures(&mut self) -> Result<(), QueryError> {
        if self.select.is_empty() {
            return Err(QueryError::not_allowed(
                "a question without a figure",
                "select COUNT(*), SUM(…), AVG(…) or the like",
            ));
        }
        if self.select.len() > MAX_FIGURES {
            return Err(QueryError::TooComplex { what: "figures", limit: MAX_FIGURES });
        }
        for figure in &mut self.select {
            if let Figure::Share { within } = figure {
                within.sort_unstable();
                within.dedup();
                // Within a code is within its groups anyhow.
                let is_coarser = |at: usize, finer: usize| {
                    let axes = self.axes.get(at).zip(self.axes.get(finer));
                    axes.is_some_and(|(axis, finer)| axis.is_coarser_level_of(finer))
                };
                let named = within.clone();
                within.retain(|&at| !named.iter().any(|&finer| is_coarser(at, finer)));
            }
        }
        for (place, figure) in self.select.iter().enumerate() {
            if self.select.iter().take(place).any(|earlier| earlier == figure) {
                return Err(QueryError::not_allowed("the same figure twice", "select it once"));
            }
        }
        Ok(())
    }

    /// Bins of two kinds would overlap, and what is in the overlap would be the difference of two shown cells.
    fn check_codings(&self) -> Result<(), QueryError> {
        let of_figures = self.select.iter().filter_map(quantile_axis);
        let mut seen: Vec<Histogram> = Vec::new();
        for axis in self.axes.iter().cloned().chain(of_figures) {
            let GroupAxis::Histogram(histogram) = axis else { continue };
            if seen.iter().any(|other| other.measure() == histogram.measure() && *other != histogram) {
                let name = self.dataset.measures().get(histogram.measure()).map_or("", |measure| measure.name());
                return Err(QueryError::not_allowed(
                    format!("bins of `{name}` with two sets of edges"),
                    "give HISTOGRAM and QUANTILE of it the same edges, or ask two questions",
                ));
            }
            seen.push(histogram);
        }
        Ok(())
    }

    fn check_axes(&self) -> Result<(), QueryError> {
        for (place, axis) in self.axes.iter().enumerate() {
            if self.axes.iter().take(place).any(|earlier| earlier == axis) {
                return Err(QueryError::not_allowed("the same axis twice", "group by it once"));
            }
        }
        let mut all: Vec<&GroupAxis> = self.axes.iter().collect();
        let hidden: Vec<GroupAxis> = self.select.iter().filter_map(quantile_axis).collect();
        for axis in &hidden {
            if !all.contains(&axis) {
                all.push(axis);
            }
        }
        if all.len() > MAX_AXES {
            return Err(QueryError::TooComplex {
                what: "axes, with those of histograms and quantiles",
                limit: MAX_AXES,
            });
        }
        Ok(())
    }
}

/// Whether groupings have axes in common such that no tree joins them: then more follows from them than from any two. The
/// reduction of Graham, Yu and Özsoyoğlu (1979) leaves something of such a set, and of no other.
fn meet_in_a_ring(sets: &[Vec<usize>]) -> bool {
    let mut sets: Vec<BTreeSet<usize>> = sets.iter().map(|set| set.iter().copied().collect()).collect();
    loop {
        let before = sets.clone();
        let in_several = |axis: &usize| before.iter().filter(|set| set.contains(axis)).count() > 1;
        sets.iter_mut().for_each(|set| set.retain(in_several));
        sets.sort_by_key(BTreeSet::len);
        let within_a_later =
            |at: usize, set: &BTreeSet<usize>| sets.iter().skip(at + 1).any(|other| set.is_subset(other));
        let kept = sets.iter().enumerate().filter(|(at, set)| !within_a_later(*at, set)).map(|(_, set)| set.clone());
        sets = kept.collect();
        if sets.len() <= 1 {
            return false;
        }
        if sets == before {
            return true;
        }
    }
}

/// With noise only what one row changes by a bounded amount can be asked; what is computed from such figures would no
/// longer have the interval that is stated.
pub(super) fn check_noise(select: &[Figure]) -> Result<(), QueryError> {
    let word = |figure: &Figure| match figure {
        Figure::Count | Figure::Sum { .. } => None,
        Figure::Mean { .. } => Some("AVG"),
        Figure::Variance { .. } => Some("a variance"),
        Figure::StandardDeviation { .. } => Some("a standard deviation"),
        Figure::Share { .. } => Some("SHARE"),
        Figure::Quantile { .. } => Some("QUANTILE"),
    };
    match select.iter().find_map(word) {
        Some(what) => {
            let what = format!("{what} with noise");
            Err(QueryError::not_allowed(what, "ask COUNT(*) or SUM(…), or leave epsilon out"))
        }
        None => Ok(()),
    }
}

/// A group of which only some codes are asked about would be shown under the name of the whole.
fn check_whole_groups(dataset: &Dataset, axes: &[GroupAxis], filter: &RowFilter) -> Result<(), QueryError> {
    for axis in axes {
        let GroupAxis::Variable(index, Detail::Level(level)) = axis else { continue };
        let Some(variable) = dataset.variables().get(*index) else { continue };
        let asked = filter.restriction(*index, variable.list().len());
        let groups = variable.list().groups().iter().filter(|group| group.level() == *level);
        let is_cut = |group: &&Group| {
            let within = group.codes().intersection(&asked);
            !within.is_empty() && within != *group.codes()
        };
        if let Some(group) = groups.into_iter().find(is_cut) {
            let (name, code) = (variable.name(), group.code().code());
            return Err(QueryError::not_allowed(
                format!("the group `{code}` of `{name}` with a condition on some of its codes"),
                format!("group by {name} itself, or ask about {name} = '{code}' as a whole"),
            ));
        }
    }
    Ok(())
}

/// The axis that a quantile needs.
pub(crate) fn quantile_axis(figure: &Figure) -> Option<GroupAxis> {
    match figure {
        Figure::Quantile { histogram, .. } => Some(GroupAxis::Histogram(histogram.clone())),
        _ => None,
    }
}

/// Sorts and deduplicates the sets, finest first, each with the coarser levels of its axes, and checks that every axis is
/// used.
fn normalise_sets(sets: &mut Vec<Vec<usize>>, axes: &[GroupAxis]) -> Result<(), QueryError> {
    for set in sets.iter_mut() {
        *set = with_coarser_levels(axes, set);
    }
    sets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    sets.dedup();
    if sets.len() > MAX_SETS {
        return Err(QueryError::TooComplex { what: "grouping sets", limit: MAX_SETS });
    }
    if sets.is_empty() || (0..axes.len()).any(|axis| !sets.iter().any(|set| set.contains(&axis))) {
        return Err(QueryError::not_allowed("an axis that no grouping set uses", "leave it out, or add it to a set"));
    }
    Ok(())
}

impl Histogram {
    /// Checks edges that were already scaled to the measure's decimals.
    pub(super) fn new(dataset: &Dataset, measure: usize, edges: Vec<i64>) -> Result<Self, QueryError> {
        let name = dataset.measures().get(measure).map_or("", |measure| measure.name());
        let decimals = dataset.measures().get(measure).map_or(0, |measure| measure.decimals());
        if edges.len() < 2 {
            let what = format!("a histogram of `{name}` with {} edges", edges.len());
            return Err(QueryError::not_allowed(
                what,
                format!("give at least two, as in HISTOGRAM({name}, 0, 10, 20)"),
            ));
        }
        if edges.len() > MAX_EDGES {
            return Err(QueryError::TooComplex { what: "edges of one histogram", limit: MAX_EDGES });
        }
        if let Some([low, high]) = edges.windows(2).find_map(|pair| match pair {
            [low, high] if low >= high => Some([*low, *high]),
            _ => None,
        }) {
            let (low, high) = (format_decimal_short(low, decimals), format_decimal_short(high, decimals));
            let what = format!("a histogram of `{name}` in which {high} follows {low}");
            return Err(QueryError::not_allowed(what, "give the edges in ascending order, each once"));
        }
        Ok(Self { measure, edges })
    }
}
