//! The agreement's document.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agreement, DatasetTerms, Scope};
use crate::codebook::Codebook;
use crate::dataset::{Dataset, Measure, Variable};
use crate::document::{Found, Reader, Section};
use crate::ids::SupplierId;
use crate::plan::DEFAULT_CELL_LIMIT;
use crate::query::PrivacyBudget;
use crate::suggest::{Candidate, did_you_mean, listed, nearest};
use crate::timestamp::Timestamp;

/// With two in a sum, each could work out the other.
const LEAST_SUPPLIERS: u64 = 3;
const DAY_IN_MILLIS: u64 = 24 * 60 * 60 * 1000;

const DATASET_KEYS: [&str; 15] = [
    "name",
    "variables",
    "measures",
    "purposes",
    "years",
    "minimum_suppliers",
    "maximum_cells",
    "queries_per_day",
    "minimum_frequency",
    "minimum_suppliers_per_cell",
    "dominance_percent",
    "rounding_base",
    "every_query_waits_for_approval",
    "own_figure_may_become_known",
    "privacy_budget",
];

/// Reads the whole document, reporting every mistake.
pub(super) fn read_agreement(reader: &mut Reader, top: &Section<'_>, codebook: &Codebook) -> Option<Agreement> {
    top.allow(reader, &["supplier", "version", "valid", "datasets"]);
    let supplier = read_supplier(reader, top);
    let version = top.text(reader, "version", "version = \"1\"");
    let valid = read_validity(reader, top);
    let sections = top.listed_sections(reader, "datasets", "dataset");
    if sections.is_empty() {
        reader.report(top.place(), "the agreement has no dataset", "add `[[datasets]]` with its terms");
    }
    let mut datasets = BTreeMap::new();
    let mut complete = true;
    for section in &sections {
        let Some((name, terms)) = read_dataset(reader, section, codebook) else {
            complete = false;
            continue;
        };
        if datasets.insert((*name.get_ref()).to_owned(), terms).is_some() {
            let message = format!("the dataset `{}` stands twice in the agreement", name.get_ref());
            reader.report(&name.span(), message, "join the two");
        }
    }
    let (supplier, version, valid) = (supplier?, version?.into_inner().to_owned(), valid?);
    complete.then(|| Agreement::new(supplier, version, valid, datasets))
}

fn read_supplier(reader: &mut Reader, top: &Section<'_>) -> Option<SupplierId> {
    let supplier = top.text(reader, "supplier", "supplier = \"police-north\"")?;
    match SupplierId::try_from(*supplier.get_ref()) {
        Ok(id) => Some(id),
        Err(cause) => {
            reader.report(&supplier.span(), cause.to_string(), "use the name under which the bureau knows it");
            None
        }
    }
}

/// From the first moment of the first day to the first moment after the last day, in UTC.
fn read_validity(reader: &mut Reader, top: &Section<'_>) -> Option<(Timestamp, Timestamp)> {
    const EXAMPLE: &str = "valid = { from = \"2024-01-01\", until = \"2028-12-31\" }";
    let Some(section) = top.section(reader, "valid", EXAMPLE) else {
        if !top.has("valid") {
            reader.report(top.place(), "the agreement does not say when it holds", format!("add `{EXAMPLE}`"));
        }
        return None;
    };
    section.allow(reader, &["from", "until"]);
    let from = section.text(reader, "from", "from = \"2024-01-01\"").and_then(|date| read_day(reader, &date));
    let until = section.text(reader, "until", "until = \"2028-12-31\"").and_then(|date| read_day(reader, &date));
    let (from, until) = (from?, until?);
    if from > until {
        reader.report(section.place(), "the agreement ends before it begins", "exchange `from` and `until`");
        return None;
    }
    Some((from, until.plus_millis(DAY_IN_MILLIS)))
}

fn read_day(reader: &mut Reader, text: &Found<&str>) -> Option<Timestamp> {
    let date: Option<jiff::civil::Date> = text.get_ref().parse().ok();
    let midnight = date.filter(|date| date.to_string() == *text.get_ref()).map(|date| format!("{date}T00:00:00Z"));
    let moment = midnight.and_then(|midnight| midnight.parse().ok());
    if moment.is_none() {
        let message = format!("`{}` is no day since 1970", text.get_ref());
        reader.report(&text.span(), message, "write it like \"2024-01-31\"");
    }
    moment
}

fn read_dataset<'a>(
    reader: &mut Reader,
    section: &Section<'a>,
    codebook: &Codebook,
) -> Option<(Found<&'a str>, DatasetTerms)> {
    section.allow(reader, &DATASET_KEYS);
    let name = section.text(reader, "name", "name = \"victims\"");
    let dataset = name.as_ref().and_then(|name| find_dataset(reader, name, codebook));
    let amounts = read_amounts(reader, section);
    let purposes = read_purposes(reader, section);
    let years = section.range(reader, "years", 1000, 9999).map(Found::into_inner);
    let every_query_waits_for_approval = section.flag(reader, "every_query_waits_for_approval");
    let own_figure_may_become_known = section.flag(reader, "own_figure_may_become_known");
    let privacy_budget = section.has("privacy_budget").then(|| read_budget(reader, section)).flatten();
    let dataset = dataset?;
    check_rules(reader, section, dataset, &amounts);
    let variables = read_scope(reader, section, "variables", dataset.variables().iter().map(Variable::candidate))?;
    let measures = match section.has("measures") {
        true => read_scope(reader, section, "measures", dataset.measures().iter().map(Measure::candidate))?,
        false => Scope::Only(BTreeSet::new()),
    };
    let terms = DatasetTerms {
        variables,
        measures,
        purposes: purposes?,
        years,
        every_query_waits_for_approval,
        own_figure_may_become_known,
        privacy_budget,
        minimum_suppliers: amounts.minimum_suppliers,
        maximum_cells: amounts.maximum_cells,
        queries_per_day: amounts.queries_per_day?,
        minimum_frequency: amounts.minimum_frequency,
        minimum_suppliers_per_cell: amounts.minimum_suppliers_per_cell,
        dominance_percent: amounts.dominance_percent,
        rounding_base: amounts.rounding_base,
    };
    Some((name?, terms))
}

fn read_budget(reader: &mut Reader, section: &Section<'_>) -> Option<PrivacyBudget> {
    let thousandths = section.decimal(reader, "privacy_budget", 3)?;
    let budget = PrivacyBudget::new(*thousandths.get_ref());
    if budget.is_none() {
        let message = format!("`privacy_budget` of {} is not from 0.001 to 1000", section.title());
        reader.report(&thousandths.span(), message, "write it like `privacy_budget = 2.5`");
    }
    budget
}

struct Amounts {
    minimum_suppliers: u64,
    maximum_cells: u64,
    queries_per_day: Option<u64>,
    minimum_frequency: Option<u64>,
    minimum_suppliers_per_cell: Option<u64>,
    dominance_percent: Option<u64>,
    rounding_base: Option<u64>,
}

fn read_amounts(reader: &mut Reader, section: &Section<'_>) -> Amounts {
    let mut number = |key, least| section.number(reader, key, least, u64::from(u32::MAX)).map(Found::into_inner);
    let minimum_suppliers = number("minimum_suppliers", LEAST_SUPPLIERS).unwrap_or(LEAST_SUPPLIERS);
    let maximum_cells = number("maximum_cells", 1).unwrap_or(DEFAULT_CELL_LIMIT as u64);
    let queries_per_day = number("queries_per_day", 1);
    let minimum_frequency = number("minimum_frequency", 3);
    let minimum_suppliers_per_cell = number("minimum_suppliers_per_cell", 2);
    let rounding_base = number("rounding_base", 2);
    let dominance_percent = section.number(reader, "dominance_percent", 1, 100).map(Found::into_inner);
    if !section.has("queries_per_day") {
        let message = format!("{} has no `queries_per_day`", section.title());
        reader.report(section.place(), message, "add `queries_per_day = 50`");
    }
    Amounts {
        minimum_suppliers,
        maximum_cells,
        queries_per_day,
        minimum_frequency,
        minimum_suppliers_per_cell,
        dominance_percent,
        rounding_base,
    }
}

/// What is asked for has to be possible: counted under the codebook, and not against itself.
fn check_rules(reader: &mut Reader, section: &Section<'_>, dataset: &Dataset, amounts: &Amounts) {
    let mut report = |message: String, mend: &str| reader.report(section.place(), message, mend);
    if amounts.minimum_suppliers_per_cell.is_some() && dataset.minimum_suppliers() <= 1 {
        let message = format!("`minimum_suppliers_per_cell` of {}: the codebook counts no suppliers", section.title());
        report(message, "have the codebook say `minimum_suppliers = 2`, or leave it out");
    }
    if amounts.dominance_percent.is_some() && dataset.dominance_percent().is_none() {
        let message = format!("`dominance_percent` of {}: the codebook has no such rule", section.title());
        report(message, "have the codebook say `dominance_percent`, or leave it out");
    }
    let k = dataset.minimum_frequency().max(amounts.minimum_frequency.unwrap_or_default());
    if amounts.rounding_base.is_some_and(|base| base > 2 * k) {
        let message = format!("`rounding_base` of {} would round counts that are shown to nought", section.title());
        report(message, "stay within twice the minimum frequency");
    }
}

fn find_dataset<'c>(reader: &mut Reader, name: &Found<&str>, codebook: &'c Codebook) -> Option<&'c Dataset> {
    let text = *name.get_ref();
    let found = codebook.dataset(text);
    if found.is_none() {
        let near = nearest(text, codebook.datasets().map(|d| Candidate::labelled(d.name(), d.label())));
        let mend = near.map_or_else(
            || format!("there is {}", listed(codebook.datasets().map(|d| d.name()))),
            |_| did_you_mean(near),
        );
        reader.report(&name.span(), format!("the codebook has no dataset `{text}`"), mend);
    }
    found.map(AsRef::as_ref)
}

fn read_purposes(reader: &mut Reader, section: &Section<'_>) -> Option<BTreeSet<String>> {
    let purposes = section.texts(reader, "purposes", "purposes = [\"monitor\"]").unwrap_or_default();
    if purposes.is_empty() {
        let message = format!("{} has no purpose", section.title());
        reader.report(section.place(), message, "add `purposes = [\"monitor\"]`");
        return None;
    }
    Some(purposes.into_iter().map(|purpose| purpose.into_inner().to_owned()).collect())
}

/// `"all"`, or names that the dataset has.
fn read_scope<'c>(
    reader: &mut Reader,
    section: &Section<'_>,
    key: &str,
    known: impl Iterator<Item = Candidate<'c>> + Clone,
) -> Option<Scope> {
    let example = format!("{key} = \"all\"");
    if section.is_text(key) || !section.has(key) {
        let text = section.text(reader, key, &example)?;
        if *text.get_ref() == "all" {
            return Some(Scope::All);
        }
        let message = format!("`{key}` of {} is `{}`", section.title(), text.get_ref());
        reader.report(&text.span(), message, format!("write `{example}` or a list of names"));
        return None;
    }
    let names = section.texts(reader, key, &example)?;
    for name in &names {
        let text = *name.get_ref();
        if known.clone().all(|candidate| candidate.name != text) {
            let near = nearest(text, known.clone());
            let all = || format!("there are {}", listed(known.clone().map(|candidate| candidate.name)));
            let mend = near.map_or_else(all, |_| did_you_mean(near));
            reader.report(
                &name.span(),
                format!("`{key}` of {} names `{text}`, which the codebook doesn't have", section.title()),
                mend,
            );
        }
    }
    Some(Scope::Only(names.into_iter().map(|name| name.into_inner().to_owned()).collect()))
}
