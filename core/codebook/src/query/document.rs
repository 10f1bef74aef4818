//! The canonical document in JSON.

use serde::{Deserialize, Serialize};

use super::build::Parts;
use super::epsilon::Epsilon;
use super::error::QueryError;
use super::figure::{Detail, Figure, GroupAxis, Histogram, Probability};
use super::filter::{Condition, RowFilter};
use super::{MAX_DEPTH, MAX_DOCUMENT_BYTES, Query, lookup};
use crate::code_set::CodeSet;
use crate::codebook::Codebook;
use crate::dataset::{Dataset, Measure, Variable};
use crate::decimal::{format_decimal_short, parse_decimal};
use crate::excerpt::excerpt;
use crate::ids::EditionId;

/// The document's form. Unknown fields are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryDocument {
    dataset: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edition: Option<EditionId>,
    select: Vec<FigureDocument>,
    #[serde(default, skip_serializing_if = "GroupDocument::is_empty")]
    group_by: GroupDocument,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<FilterDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    noise: Option<NoiseDocument>,
}

/// ε as a decimal, such as `"0.5"`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseDocument {
    epsilon: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "figure", rename_all = "snake_case", deny_unknown_fields)]
enum FigureDocument {
    Count {},
    Sum { measure: String },
    Mean { measure: String },
    Variance { measure: String },
    PopulationVariance { measure: String },
    StandardDeviation { measure: String },
    PopulationStandardDeviation { measure: String },
    Share { within: Vec<WithinDocument> },
    Quantile { measure: String, p: String, edges: Vec<String> },
}

/// The name of a variable; with its level where axes show several.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "a share is within `variable` or {variable, level}")]
enum WithinDocument {
    Variable(String),
    Level { variable: String, level: u8 },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupDocument {
    axes: Vec<AxisDocument>,
    /// Positions of axes; absent means one set of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sets: Option<Vec<Vec<usize>>>,
}

impl GroupDocument {
    fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }
}

/// `{variable}`, `{variable, level}` or `{histogram, edges}`.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "an axis is {variable}, {variable, level} or {histogram, edges}")]
enum AxisDocument {
    Variable { variable: String },
    Level { variable: String, level: u8 },
    Histogram { histogram: String, edges: Vec<String> },
}

/// `{variable, in}`, `{variable, has_none_of}`, `{all}`, `{any}` or `{not}`.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a condition is {variable, in}, {variable, has_none_of}, {all}, {any} or {not}"
)]
enum FilterDocument {
    In {
        variable: String,
        #[serde(rename = "in")]
        codes: Vec<String>,
    },
    HasNoneOf {
        variable: String,
        has_none_of: Vec<String>,
    },
    All {
        all: Vec<FilterDocument>,
    },
    Any {
        any: Vec<FilterDocument>,
    },
    Not {
        not: Box<FilterDocument>,
    },
}

pub(super) fn read(codebook: &Codebook, json: &str) -> Result<Query, QueryError> {
    if json.len() > MAX_DOCUMENT_BYTES {
        return Err(QueryError::TooLong { bytes: json.len(), limit: MAX_DOCUMENT_BYTES });
    }
    let document: QueryDocument =
        serde_json::from_str(json).map_err(|error| QueryError::Document(error.to_string()))?;
    let dataset = lookup::dataset(codebook, &document.dataset)?.clone();
    let axes = document.group_by.axes.iter().map(|axis| read_axis(&dataset, axis));
    let axes: Vec<GroupAxis> = axes.collect::<Result<_, _>>()?;
    let sets = document.group_by.sets.unwrap_or_else(|| vec![(0..axes.len()).collect()]);
    if sets.iter().flatten().any(|&axis| axis >= axes.len()) {
        return Err(QueryError::Document(format!("a set names an axis beyond the {} there are", axes.len())));
    }
    let select = document.select.iter().map(|figure| read_figure(&dataset, figure, &axes));
    let select = select.collect::<Result<_, _>>()?;
    let condition = document.filter.as_ref().map(|filter| read_filter(&dataset, filter, 1)).transpose()?;
    let epsilon = document.noise.as_ref().map(read_noise).transpose()?;
    Parts { dataset, edition: document.edition, select, axes, sets, condition, epsilon }.build(codebook)
}

fn read_noise(noise: &NoiseDocument) -> Result<Epsilon, QueryError> {
    let epsilon = noise.epsilon.parse();
    epsilon.map_err(|cause| QueryError::Document(format!("epsilon `{}`: {cause}", excerpt(&noise.epsilon))))
}

fn read_axis(dataset: &Dataset, axis: &AxisDocument) -> Result<GroupAxis, QueryError> {
    let of = |name: &str, detail: &dyn Fn(&Variable) -> Result<Detail, QueryError>| {
        let index = lookup::variable(dataset, name)?;
        let detail = dataset.variables().get(index).map_or(Ok(Detail::Codes), detail)?;
        Ok(GroupAxis::Variable(index, detail))
    };
    match axis {
        AxisDocument::Variable { variable } => of(variable, &|_| Ok(Detail::Codes)),
        AxisDocument::Level { variable, level } => of(variable, &|found| Detail::level(found, *level)),
        AxisDocument::Histogram { histogram, edges } => {
            read_histogram(dataset, histogram, edges).map(GroupAxis::Histogram)
        }
    }
}

fn read_histogram(dataset: &Dataset, measure: &str, edges: &[String]) -> Result<Histogram, QueryError> {
    let index = lookup::measure(dataset, measure)?;
    let decimals = dataset.measures().get(index).map_or(0, Measure::decimals);
    let read = |edge: &String| {
        parse_decimal(edge, decimals)
            .map_err(|cause| QueryError::Document(format!("the edge `{}`: {cause}", excerpt(edge))))
    };
    Histogram::new(dataset, index, edges.iter().map(read).collect::<Result<_, _>>()?)
}

fn read_figure(dataset: &Dataset, figure: &FigureDocument, axes: &[GroupAxis]) -> Result<Figure, QueryError> {
    let of = |name: &str| lookup::measure(dataset, name);
    Ok(match figure {
        FigureDocument::Count {} => Figure::Count,
        FigureDocument::Sum { measure } => Figure::Sum { measure: of(measure)? },
        FigureDocument::Mean { measure } => Figure::Mean { measure: of(measure)? },
        FigureDocument::Variance { measure } => Figure::Variance { measure: of(measure)?, population: false },
        FigureDocument::PopulationVariance { measure } => Figure::Variance { measure: of(measure)?, population: true },
        FigureDocument::StandardDeviation { measure } => {
            Figure::StandardDeviation { measure: of(measure)?, population: false }
        }
        FigureDocument::PopulationStandardDeviation { measure } => {
            Figure::StandardDeviation { measure: of(measure)?, population: true }
        }
        FigureDocument::Share { within } => {
            let place = |within: &WithinDocument| match within {
                WithinDocument::Variable(name) => lookup::axis_of(dataset, axes, name, "a share within "),
                WithinDocument::Level { variable, level } => {
                    let index = lookup::variable(dataset, variable)?;
                    let wanted = GroupAxis::Variable(index, Detail::Level(*level));
                    let place = axes.iter().position(|axis| *axis == wanted);
                    place.ok_or_else(|| lookup::no_axis("a share within ", &format!("LEVEL({variable}, {level})")))
                }
            };
            Figure::Share { within: within.iter().map(place).collect::<Result<_, _>>()? }
        }
        FigureDocument::Quantile { measure, p, edges } => {
            let probability = Probability::parse(p)
                .ok()
                .flatten()
                .ok_or_else(|| QueryError::Document(format!("p is `{}`, not between 0 and 1", excerpt(p))))?;
            Figure::Quantile { histogram: read_histogram(dataset, measure, edges)?, probability }
        }
    })
}

fn read_filter(dataset: &Dataset, filter: &FilterDocument, depth: usize) -> Result<Condition, QueryError> {
    if depth > MAX_DEPTH {
        return Err(QueryError::TooComplex { what: "levels of conditions", limit: MAX_DEPTH });
    }
    let parts = |parts: &[FilterDocument]| -> Result<Vec<Condition>, QueryError> {
        if parts.is_empty() {
            return Err(QueryError::Document("an empty `all` or `any`".to_owned()));
        }
        parts.iter().map(|part| read_filter(dataset, part, depth + 1)).collect()
    };
    Ok(match filter {
        FilterDocument::In { variable, codes } => read_codes(dataset, variable, codes)?,
        FilterDocument::HasNoneOf { variable, has_none_of } => {
            Condition::Not(Box::new(read_codes(dataset, variable, has_none_of)?))
        }
        FilterDocument::All { all } => Condition::And(parts(all)?),
        FilterDocument::Any { any } => Condition::Or(parts(any)?),
        FilterDocument::Not { not } => Condition::Not(Box::new(read_filter(dataset, not, depth + 1)?)),
    })
}

fn read_codes(dataset: &Dataset, name: &str, codes: &[String]) -> Result<Condition, QueryError> {
    let index = lookup::variable(dataset, name)?;
    let Some(variable) = dataset.variables().get(index) else {
        return Err(QueryError::Document(format!("no variable {index}")));
    };
    let mut set = CodeSet::empty(variable.list().len());
    for code in codes {
        set = set.union(&lookup::codes(variable, code)?);
    }
    Ok(Condition::Among { variable: index, codes: set })
}

pub(super) fn write(query: &Query) -> String {
    serde_json::to_string(&QueryDocument::of(query)).unwrap_or_default()
}

pub(super) fn write_pretty(query: &Query) -> String {
    serde_json::to_string_pretty(&QueryDocument::of(query)).unwrap_or_default()
}

impl QueryDocument {
    pub(super) fn of(query: &Query) -> Self {
        let dataset = query.dataset.as_ref();
        let all: Vec<usize> = (0..query.axes.len()).collect();
        let sets = (query.sets != [all]).then(|| query.sets.clone());
        Self {
            dataset: dataset.name().to_owned(),
            edition: query.edition.clone(),
            select: query.select.iter().map(|figure| write_figure(dataset, figure, &query.axes)).collect(),
            group_by: GroupDocument { axes: query.axes.iter().map(|axis| write_axis(dataset, axis)).collect(), sets },
            filter: write_filter(dataset, &query.filter),
            noise: query.epsilon.map(|epsilon| NoiseDocument { epsilon: epsilon.to_string() }),
        }
    }
}

fn measure_name(dataset: &Dataset, index: usize) -> String {
    dataset.measures().get(index).map_or("", Measure::name).to_owned()
}

fn variable_name(dataset: &Dataset, index: usize) -> String {
    dataset.variables().get(index).map_or("", Variable::name).to_owned()
}

/// Edges as people write them.
pub(super) fn edge_texts(dataset: &Dataset, histogram: &Histogram) -> Vec<String> {
    let decimals = dataset.measures().get(histogram.measure).map_or(0, Measure::decimals);
    histogram.edges.iter().map(|&edge| format_decimal_short(edge, decimals)).collect()
}

fn write_axis(dataset: &Dataset, axis: &GroupAxis) -> AxisDocument {
    match axis {
        GroupAxis::Variable(index, detail) => {
            let variable = variable_name(dataset, *index);
            match *detail {
                Detail::Codes => AxisDocument::Variable { variable },
                Detail::Level(level) => AxisDocument::Level { variable, level },
            }
        }
        GroupAxis::Histogram(histogram) => AxisDocument::Histogram {
            histogram: measure_name(dataset, histogram.measure),
            edges: edge_texts(dataset, histogram),
        },
    }
}

fn write_figure(dataset: &Dataset, figure: &Figure, axes: &[GroupAxis]) -> FigureDocument {
    let name = |measure: &usize| measure_name(dataset, *measure);
    match figure {
        Figure::Count => FigureDocument::Count {},
        Figure::Sum { measure } => FigureDocument::Sum { measure: name(measure) },
        Figure::Mean { measure } => FigureDocument::Mean { measure: name(measure) },
        Figure::Variance { measure, population: false } => FigureDocument::Variance { measure: name(measure) },
        Figure::Variance { measure, population: true } => FigureDocument::PopulationVariance { measure: name(measure) },
        Figure::StandardDeviation { measure, population: false } => {
            FigureDocument::StandardDeviation { measure: name(measure) }
        }
        Figure::StandardDeviation { measure, population: true } => {
            FigureDocument::PopulationStandardDeviation { measure: name(measure) }
        }
        Figure::Share { within } => FigureDocument::Share {
            within: within.iter().filter_map(|&place| write_within(dataset, axes, place)).collect(),
        },
        Figure::Quantile { histogram, probability } => FigureDocument::Quantile {
            measure: name(&histogram.measure),
            p: probability.to_string(),
            edges: edge_texts(dataset, histogram),
        },
    }
}

/// The axis at this place as a share names it: by its variable, and by its level where there are several.
pub(super) fn share_axis(dataset: &Dataset, axes: &[GroupAxis], place: usize) -> Option<(String, Option<u8>)> {
    let GroupAxis::Variable(index, detail) = axes.get(place)? else { return None };
    let others = axes.iter().filter(|axis| matches!(axis, GroupAxis::Variable(at, _) if at == index)).count() > 1;
    let level = match detail {
        Detail::Level(level) if others => Some(*level),
        _ => None,
    };
    Some((variable_name(dataset, *index), level))
}

fn write_within(dataset: &Dataset, axes: &[GroupAxis], place: usize) -> Option<WithinDocument> {
    share_axis(dataset, axes, place).map(|(variable, level)| match level {
        Some(level) => WithinDocument::Level { variable, level },
        None => WithinDocument::Variable(variable),
    })
}

/// The codes of a set as they are written.
pub(super) fn code_texts(dataset: &Dataset, variable: usize, codes: &CodeSet) -> Vec<String> {
    let list = dataset.variables().get(variable).map(Variable::list);
    let codes = codes.iter().filter_map(|index| list.and_then(|list| list.code(index)));
    codes.map(|code| code.code().to_owned()).collect()
}

fn write_filter(dataset: &Dataset, filter: &RowFilter) -> Option<FilterDocument> {
    let parts = |parts: &[RowFilter]| parts.iter().filter_map(|part| write_filter(dataset, part)).collect();
    Some(match filter {
        RowFilter::All => return None,
        RowFilter::Has { variable, codes } => FilterDocument::In {
            variable: variable_name(dataset, *variable),
            codes: code_texts(dataset, *variable, codes),
        },
        RowFilter::HasNone { variable, codes } => FilterDocument::HasNoneOf {
            variable: variable_name(dataset, *variable),
            has_none_of: code_texts(dataset, *variable, codes),
        },
        RowFilter::And(inner) => FilterDocument::All { all: parts(inner) },
        RowFilter::Or(inner) => FilterDocument::Any { any: parts(inner) },
    })
}
