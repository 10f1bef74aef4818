//! The question as SQL, for people. Reads back as the same query.

use super::Query;
use super::document::{code_texts, edge_texts, share_axis};
use super::figure::{Detail, Figure, GroupAxis, Histogram};
use super::filter::RowFilter;
use crate::dataset::{Dataset, Measure, Variable};

pub(super) fn sql(query: &Query) -> String {
    let dataset = query.dataset.as_ref();
    let axes: Vec<String> = query.axes.iter().map(|axis| axis_text(dataset, axis)).collect();
    let figures = query.select.iter().map(|figure| figure_text(dataset, figure, &query.axes));
    let selected: Vec<String> = axes.iter().cloned().chain(figures).collect();
    let mut sql = format!("SELECT {} FROM {}", selected.join(", "), dataset.name());
    let edition = query.edition.iter().map(|edition| format!("edition = '{edition}'"));
    let conditions = query.filter.conjuncts().iter().map(|part| condition_text(dataset, part));
    let conditions: Vec<String> = edition.chain(conditions).collect();
    if !conditions.is_empty() {
        sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    if !axes.is_empty() {
        sql.push_str(&format!(" GROUP BY {}", grouping_text(&axes, &query.sets)));
    }
    if let Some(epsilon) = query.epsilon {
        sql.push_str(&format!(" SETTINGS epsilon = {epsilon}"));
    }
    sql
}

fn measure_name(dataset: &Dataset, index: usize) -> &str {
    dataset.measures().get(index).map_or("", Measure::name)
}

fn axis_text(dataset: &Dataset, axis: &GroupAxis) -> String {
    match axis {
        GroupAxis::Variable(index, detail) => {
            let name = dataset.variables().get(*index).map_or("", Variable::name);
            match detail {
                Detail::Codes => name.to_owned(),
                Detail::Level(level) => format!("LEVEL({name}, {level})"),
            }
        }
        GroupAxis::Histogram(histogram) => format!("HISTOGRAM({})", histogram_text(dataset, histogram, None)),
    }
}

fn histogram_text(dataset: &Dataset, histogram: &Histogram, p: Option<String>) -> String {
    let measure = measure_name(dataset, histogram.measure).to_owned();
    [measure].into_iter().chain(p).chain(edge_texts(dataset, histogram)).collect::<Vec<_>>().join(", ")
}

fn figure_text(dataset: &Dataset, figure: &Figure, axes: &[GroupAxis]) -> String {
    let of = |function: &str, measure: &usize| format!("{function}({})", measure_name(dataset, *measure));
    match figure {
        Figure::Count => "COUNT(*)".to_owned(),
        Figure::Sum { measure } => of("SUM", measure),
        Figure::Mean { measure } => of("AVG", measure),
        Figure::Variance { measure, population: false } => of("VAR", measure),
        Figure::Variance { measure, population: true } => of("VAR_POP", measure),
        Figure::StandardDeviation { measure, population: false } => of("STDDEV", measure),
        Figure::StandardDeviation { measure, population: true } => of("STDDEV_POP", measure),
        Figure::Share { within } => {
            let within = within.iter().filter_map(|&place| share_axis(dataset, axes, place));
            let names = within.map(|(name, level)| match level {
                Some(level) => format!("LEVEL({name}, {level})"),
                None => name,
            });
            let arguments: Vec<String> = ["COUNT(*)".to_owned()].into_iter().chain(names).collect();
            format!("SHARE({})", arguments.join(", "))
        }
        Figure::Quantile { histogram, probability } => {
            format!("QUANTILE({})", histogram_text(dataset, histogram, Some(probability.to_string())))
        }
    }
}

/// The axes in order if all stand in one set; otherwise each set, after a set-free mention that fixes the order.
fn grouping_text(axes: &[String], sets: &[Vec<usize>]) -> String {
    let named = |set: &[usize]| set.iter().filter_map(|&axis| axes.get(axis).cloned()).collect::<Vec<_>>().join(", ");
    let is_prefix = |set: &Vec<usize>, length: usize| set.len() == length && set.iter().copied().eq(0..length);
    match sets {
        [only] if is_prefix(only, axes.len()) => axes.join(", "),
        sets if sets.len() == axes.len() + 1
            && sets.iter().zip((0..=axes.len()).rev()).all(|(s, n)| is_prefix(s, n)) =>
        {
            format!("ROLLUP({})", axes.join(", "))
        }
        sets => {
            let sets: Vec<String> = sets.iter().map(|set| format!("({})", named(set))).collect();
            format!("GROUPING SETS ({})", sets.join(", "))
        }
    }
}

fn quoted(codes: &[String]) -> String {
    codes.iter().map(|code| format!("'{}'", code.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
}

fn condition_text(dataset: &Dataset, filter: &RowFilter) -> String {
    let name = |variable: &usize| dataset.variables().get(*variable).map_or("", Variable::name);
    let parts = |parts: &[RowFilter], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| condition_text(dataset, part)).collect();
        format!("({})", parts.join(word))
    };
    match filter {
        RowFilter::All => String::new(),
        RowFilter::Has { variable, codes } => {
            let codes = code_texts(dataset, *variable, codes);
            match codes.as_slice() {
                [only] => format!("{} = {}", name(variable), quoted(std::slice::from_ref(only))),
                codes => format!("{} IN ({})", name(variable), quoted(codes)),
            }
        }
        RowFilter::HasNone { variable, codes } => {
            format!("{} NOT IN ({})", name(variable), quoted(&code_texts(dataset, *variable, codes)))
        }
        RowFilter::And(inner) => parts(inner, " AND "),
        RowFilter::Or(inner) => parts(inner, " OR "),
    }
}
