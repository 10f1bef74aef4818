//! One dataset in the codebook's document.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codebook::check_name;
use super::section::Found;
use super::{Reader, Section};
use crate::code_list::CodeList;
use crate::dataset::{Dataset, MAX_MEASURE_BOUND, Measure, Unit, Variable};
use crate::suggest::{Candidate, did_you_mean, listed, nearest};

/// Lists by name; one that could not be read is there without content.
type Lists = BTreeMap<String, Option<Arc<CodeList>>>;

/// k where the codebook says nothing.
const DEFAULT_MINIMUM_FREQUENCY: u64 = 10;
/// Below 3, one of two people in a cell could work out the other.
const LEAST_MINIMUM_FREQUENCY: u64 = 3;
/// s where the codebook says nothing: no cell is one supplier's own.
const DEFAULT_MINIMUM_SUPPLIERS: u64 = 2;
/// The largest bound of a measure whose squares can be added: they stay within 2^62.
const MAX_SQUARED_BOUND: u64 = 1 << 31;

const DATASET_KEYS: [&str; 9] = [
    "unit",
    "label",
    "period",
    "minimum_frequency",
    "minimum_suppliers",
    "dominance_percent",
    "rounding_base",
    "variables",
    "measures",
];

pub(super) fn read_dataset(reader: &mut Reader, name: &str, section: &Section<'_>, lists: &Lists) -> Option<Dataset> {
    section.allow(reader, &DATASET_KEYS);
    let label = section.label(reader, "label");
    let unit = read_unit(reader, section);
    let rules = read_rules(reader, section);
    let variables: Vec<(Found<&str>, Option<Variable>)> = section
        .named_sections(reader, "variables", "variable")
        .into_iter()
        .map(|(key, section)| {
            check_name(reader, &key, "variable");
            let variable = read_variable(reader, key.get_ref(), &section, lists);
            (key, variable)
        })
        .collect();
    let measures: Vec<(Found<&str>, Option<Measure>)> = section
        .named_sections(reader, "measures", "measure")
        .into_iter()
        .map(|(key, section)| {
            check_name(reader, &key, "measure");
            let measure = read_measure(reader, key.get_ref(), &section);
            (key, measure)
        })
        .collect();
    for (key, _) in &measures {
        if variables.iter().any(|(variable, _)| variable.get_ref() == key.get_ref()) {
            let message = format!("`{}` is both a variable and a measure of {}", key.get_ref(), section.title());
            reader.report(&key.span(), message, "rename one of them");
        }
    }
    let period = read_period(reader, section, &variables);
    if rules.dominance_percent.is_some() {
        check_squares(reader, &measures);
    }
    Some(Dataset {
        name: name.to_owned(),
        label: label?,
        unit: unit?,
        period: period?,
        minimum_frequency: rules.minimum_frequency,
        minimum_suppliers: rules.minimum_suppliers,
        dominance_percent: rules.dominance_percent,
        rounding_base: rules.rounding_base,
        variables: variables.into_iter().map(|(_, variable)| variable).collect::<Option<_>>()?,
        measures: measures.into_iter().map(|(_, measure)| measure).collect::<Option<_>>()?,
    })
}

/// How its tables are protected.
struct Rules {
    minimum_frequency: u64,
    minimum_suppliers: u64,
    dominance_percent: Option<u64>,
    rounding_base: Option<u64>,
}

fn read_rules(reader: &mut Reader, section: &Section<'_>) -> Rules {
    let most = u64::from(u32::MAX);
    let frequency = section.number(reader, "minimum_frequency", LEAST_MINIMUM_FREQUENCY, most);
    let minimum_frequency = frequency.map_or(DEFAULT_MINIMUM_FREQUENCY, Found::into_inner);
    let suppliers = section.number(reader, "minimum_suppliers", 1, most);
    let rounding_base = section.number(reader, "rounding_base", 2, most);
    if let Some(base) = &rounding_base
        && *base.get_ref() > 2 * minimum_frequency
    {
        let message = format!(
            "{} would round counts that it shows to nought: `rounding_base` is more than twice `minimum_frequency`",
            section.title()
        );
        reader.report(&base.span(), message, "lower the one, or raise the other");
    }
    Rules {
        minimum_frequency,
        minimum_suppliers: suppliers.map_or(DEFAULT_MINIMUM_SUPPLIERS, Found::into_inner),
        dominance_percent: section.number(reader, "dominance_percent", 1, 100).map(Found::into_inner),
        rounding_base: rounding_base.map(Found::into_inner),
    }
}

/// The p% rule looks at squares.
fn check_squares(reader: &mut Reader, measures: &[(Found<&str>, Option<Measure>)]) {
    for (key, measure) in measures {
        if measure.as_ref().is_some_and(|measure| measure.bound() > MAX_SQUARED_BOUND) {
            let message = format!(
                "the measure `{}` is so large that its squares, which `dominance_percent` needs, cannot be added",
                key.get_ref()
            );
            let mend = format!("stay within {MAX_SQUARED_BOUND} in units of the last decimal, or keep fewer decimals");
            reader.report(&key.span(), message, mend);
        }
    }
}

fn read_unit(reader: &mut Reader, section: &Section<'_>) -> Option<Unit> {
    let unit = section.text(reader, "unit", "unit = \"report\"")?;
    match *unit.get_ref() {
        "report" => Some(Unit::Report),
        "person" => Some(Unit::Person),
        other => {
            let message = format!("{} has the unit `{other}`", section.title());
            reader.report(&unit.span(), message, "a row is a `report` or a `person`");
            None
        }
    }
}

fn read_period(
    reader: &mut Reader,
    section: &Section<'_>,
    variables: &[(Found<&str>, Option<Variable>)],
) -> Option<usize> {
    let period = section.text(reader, "period", "period = \"year\"")?;
    let name = *period.get_ref();
    let Some(index) = variables.iter().position(|(key, _)| *key.get_ref() == name) else {
        let names = || variables.iter().map(|(key, _)| *key.get_ref());
        let near = nearest(name, names().map(Candidate::named));
        let mend = near.map_or_else(|| format!("name one of {}", listed(names())), |_| did_you_mean(near));
        reader.report(&period.span(), format!("the period `{name}` is no variable of {}", section.title()), mend);
        return None;
    };
    let variable = variables.get(index)?.1.as_ref()?;
    if variable.multiple || !variable.list.ordered() {
        let message = format!("the period `{name}` of {} is multiple-valued or not ordered", section.title());
        reader.report(
            &period.span(),
            message,
            "a row belongs to one period: use a single variable with a list of years",
        );
        return None;
    }
    if !variable.list.groups().is_empty() {
        let message = format!("the period `{name}` of {} has a list with groups", section.title());
        reader.report(&period.span(), message, "a supplier keeps single periods: use a list without `parent`");
        return None;
    }
    Some(index)
}

fn read_variable(reader: &mut Reader, name: &str, section: &Section<'_>, lists: &Lists) -> Option<Variable> {
    section.allow(reader, &["list", "label", "multiple"]);
    let label = section.label(reader, "label");
    let multiple = section.flag(reader, "multiple");
    let list = section.text(reader, "list", "list = \"sex\"")?;
    let Some(known) = lists.get(*list.get_ref()) else {
        let near = nearest(list.get_ref(), lists.keys().map(|name| Candidate::named(name)));
        let mend = near.map_or_else(|| format!("add `[lists.{}]`", list.get_ref()), |_| did_you_mean(near));
        reader.report(
            &list.span(),
            format!("{} uses the list `{}`, which is not there", section.title(), list.get_ref()),
            mend,
        );
        return None;
    };
    Some(Variable { name: name.to_owned(), label: label?, list: known.clone()?, multiple })
}

fn read_measure(reader: &mut Reader, name: &str, section: &Section<'_>) -> Option<Measure> {
    section.allow(reader, &["unit", "label", "decimals", "minimum", "maximum", "optional"]);
    let label = section.label(reader, "label");
    let unit = section.text(reader, "unit", "unit = \"EUR\"");
    let optional = section.flag(reader, "optional");
    let decimals = section.number(reader, "decimals", 0, 6);
    if section.has("decimals") && decimals.is_none() {
        return None;
    }
    let decimals = decimals.and_then(|found| u8::try_from(found.into_inner()).ok()).unwrap_or(0);
    let minimum = section.decimal(reader, "minimum", u32::from(decimals));
    let maximum = section.decimal(reader, "maximum", u32::from(decimals));
    let (minimum, maximum) = (minimum?, maximum?);
    if minimum.get_ref() > maximum.get_ref() {
        let message = format!("{} has a minimum above its maximum", section.title());
        reader.report(&minimum.span(), message, "exchange the two");
        return None;
    }
    for bound in [&minimum, &maximum] {
        if bound.get_ref().unsigned_abs() > MAX_MEASURE_BOUND {
            let message = format!("{} has a bound so large that its sums cannot be held", section.title());
            let mend = format!("stay within {MAX_MEASURE_BOUND} in units of the last decimal, or keep fewer decimals");
            reader.report(&bound.span(), message, mend);
        }
    }
    Some(Measure {
        name: name.to_owned(),
        label: label?,
        unit: (*unit?.get_ref()).to_owned(),
        decimals,
        minimum: minimum.into_inner(),
        maximum: maximum.into_inner(),
        optional,
    })
}
