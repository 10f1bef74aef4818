//! What is held of a dataset: by `node.toml` as it is today, and by an edition as it was when it was frozen.
//!
//! What is not held would count as zero, so a question is answered only where both hold all that it asks.

use std::fmt;
use std::ops::RangeInclusive;

use optelsom_codebook::{Codebook, EditionId, Plan};

use crate::configuration::Binding;
use crate::edition::{EditionStore, Manifest};

/// Who says what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// `node.toml`, as it is today.
    Configuration,
    /// An edition, which no later `node.toml` changes.
    Edition {
        /// Of which dataset.
        dataset: String,
        /// Which.
        edition: EditionId,
    },
}

/// What a question asks and nobody here has. The analyst asks less, or the supplier's operator binds more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{holder} does not hold {what} `{name}`: {}", why(holder, what))]
pub struct NotHeld {
    holder: Holder,
    what: &'static str,
    name: String,
}

const DATASET: &str = "dataset";
const VARIABLE: &str = "variable";
const MEASURE: &str = "measure";
const YEAR: &str = "year";

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("node.toml"),
            Self::Edition { dataset, edition } => write!(f, "edition {edition} of `{dataset}`"),
        }
    }
}

fn why(holder: &Holder, what: &str) -> &'static str {
    match (holder, what) {
        (Holder::Configuration, YEAR) => "it is outside `years`",
        (Holder::Configuration, _) => "it is not bound there",
        (Holder::Edition { .. }, YEAR) => {
            "it was outside `years` in node.toml when the edition was frozen; freeze a new edition"
        }
        (Holder::Edition { .. }, _) => {
            "it was not bound in node.toml when the edition was frozen; freeze a new edition"
        }
    }
}

/// What a binding or an edition holds of one dataset.
#[derive(Clone, Debug)]
pub struct Held<'a> {
    holder: Holder,
    variables: Vec<&'a str>,
    measures: Vec<&'a str>,
    years: Option<RangeInclusive<i32>>,
}

impl<'a> Held<'a> {
    /// What the configuration says today.
    pub fn by_binding(binding: &'a Binding) -> Self {
        Self {
            holder: Holder::Configuration,
            variables: binding.variables().iter().map(|bound| bound.name.as_str()).collect(),
            measures: binding.measures().iter().map(|bound| bound.name.as_str()).collect(),
            years: binding.years().cloned(),
        }
    }

    /// What an edition holds.
    pub fn by_edition(manifest: &'a Manifest) -> Self {
        let (origin, summary) = (manifest.origin(), manifest.summary());
        Self {
            holder: Holder::Edition { dataset: origin.dataset.clone(), edition: origin.edition.clone() },
            variables: summary.variables.iter().map(|held| held.name.as_str()).collect(),
            measures: summary.measures.iter().map(|held| held.name.as_str()).collect(),
            years: origin.years.map(|(first, last)| first..=last),
        }
    }

    /// Whether all that the plan asks is held.
    ///
    /// # Errors
    /// With the first thing that is not: a variable, a measure, a year.
    pub fn covers(&self, plan: &Plan) -> Result<(), NotHeld> {
        let lacks = |what, name: &str| Err(NotHeld { holder: self.holder.clone(), what, name: name.to_owned() });
        if let Some(variable) = plan.variables_used().iter().find(|used| !self.variables.contains(&used.name())) {
            return lacks(VARIABLE, variable.name());
        }
        if let Some(measure) = plan.measures_used().iter().find(|used| !self.measures.contains(&used.name())) {
            return lacks(MEASURE, measure.name());
        }
        let Some(years) = &self.years else { return Ok(()) };
        match plan.periods().iter().find(|period| period.parse().is_ok_and(|year: i32| !years.contains(&year))) {
            Some(year) => lacks(YEAR, year),
            None => Ok(()),
        }
    }
}

/// Whether these bindings hold all that the plan asks.
///
/// # Errors
/// With the first thing that they do not hold: the dataset, a variable, a measure, a year.
pub fn bound(bindings: &[Binding], plan: &Plan) -> Result<(), NotHeld> {
    let dataset = plan.dataset().name();
    match bindings.iter().find(|binding| binding.dataset() == dataset) {
        Some(binding) => Held::by_binding(binding).covers(plan),
        None => Err(NotHeld { holder: Holder::Configuration, what: DATASET, name: dataset.to_owned() }),
    }
}

/// The years in which the newest of these editions can be asked, the one that a question means unless it names another;
/// before there is one, those of the binding. None where the period has no years.
pub fn years(
    binding: &Binding,
    store: &EditionStore,
    editions: &[EditionId],
    codebook: &Codebook,
) -> Option<RangeInclusive<i32>> {
    let dataset = binding.dataset();
    // One that cannot be read, or not under this codebook, is not answered from either.
    let newest = editions.iter().rev().find_map(|edition| {
        let origin = store.manifest(dataset, edition).ok()?.origin().clone();
        (origin.codebook == codebook.hash()).then_some(origin)
    });
    let frozen = newest.and_then(|origin| origin.years).map(|(first, last)| first..=last);
    let period = codebook.dataset(dataset).and_then(|dataset| dataset.period_variable());
    let known = period.into_iter().flat_map(|period| period.list().codes()).filter_map(|code| code.code().parse().ok());
    let known: Vec<i32> = known.collect();
    let known = known.iter().min().zip(known.iter().max()).map(|(first, last)| *first..=*last);
    let ranges = known.into_iter().chain(frozen).chain(binding.years().cloned());
    ranges.reduce(|one, other| *one.start().max(other.start())..=*one.end().min(other.end()))
}
