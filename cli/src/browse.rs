//! What can be asked: datasets, variables, codes, measures.

use std::io::{self, Write};
use std::ops::RangeInclusive;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use optelsom_codebook::{Codebook, Dataset, Group, Lang, Measure, Node, Unit, Variable, format_decimal};

use crate::failure::{Failure, printable};
use crate::words::{grouped, words};

/// A plain table without borders, as for a listing.
pub fn listing() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Writes a listing indented, without spaces at the ends of lines.
///
/// # Errors
/// When the output cannot be written.
pub fn write_listing(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    table.lines().try_for_each(|line| writeln!(out, " {}", line.trim_end()))
}

/// Prints the codebook, one dataset of it, or one variable or measure of that. `held` are the
/// years that all who hold the dataset hold, as far as that is known.
///
/// # Errors
/// When there is no dataset, variable or measure of the name, or the output cannot be written.
pub fn browse(
    out: &mut dyn Write,
    codebook: &Codebook,
    held: Option<&RangeInclusive<u32>>,
    lang: Lang,
    (dataset, name): (Option<&str>, Option<&str>),
) -> Result<(), Failure> {
    let Some(dataset) = dataset else {
        return write_codebook(out, codebook, lang).map_err(Failure::Output);
    };
    let dataset = find_dataset(codebook, dataset)?;
    let Some(name) = name else {
        return write_dataset(out, dataset, held, lang).map_err(Failure::Output);
    };
    if let Some(variable) = dataset.variables().iter().find(|variable| variable.name().eq_ignore_ascii_case(name)) {
        return write_variable(out, dataset, variable, lang).map_err(Failure::Output);
    }
    if let Some(measure) = dataset.measures().iter().find(|measure| measure.name().eq_ignore_ascii_case(name)) {
        return write_measure(out, dataset, measure, lang).map_err(Failure::Output);
    }
    let variables = dataset.variables().iter().map(Variable::name);
    let names: Vec<&str> = variables.chain(dataset.measures().iter().map(Measure::name)).collect();
    Err(unknown("variable or measure", name, &names))
}

fn find_dataset<'c>(codebook: &'c Codebook, name: &str) -> Result<&'c Dataset, Failure> {
    let found = codebook.datasets().find(|dataset| dataset.name().eq_ignore_ascii_case(name));
    found.map(AsRef::as_ref).ok_or_else(|| {
        let names: Vec<&str> = codebook.datasets().map(|dataset| dataset.name()).collect();
        unknown("dataset", name, &names)
    })
}

fn unknown(kind: &str, name: &str, names: &[&str]) -> Failure {
    Failure::Usage(format!("no {kind} `{}`; there is {}", printable(name), names.join(", ")))
}

fn write_codebook(out: &mut dyn Write, codebook: &Codebook, lang: Lang) -> io::Result<()> {
    let (version, hash) = (codebook.version(), codebook.hash().short());
    let version_word = words(lang, "versie", "version");
    writeln!(out, "{}, {version_word} {} ({hash})\n", printable(codebook.name(lang)), printable(version))?;
    let mut table = listing();
    for dataset in codebook.datasets() {
        let (variables, measures) = (words(lang, "variabelen", "variables"), words(lang, "maten", "measures"));
        let content = format!("{variables}: {}, {measures}: {}", dataset.variables().len(), dataset.measures().len());
        table.add_row([dataset.name(), &printable(dataset.label().get(lang)), dataset.unit().label(lang), &content]);
    }
    write_listing(out, &table)?;
    writeln!(out, "\n{}", words(lang, "Meer: optelsom codebook DATASET", "More: optelsom codebook DATASET"))
}

/// What a row is, plainly: reports are never called persons.
pub const fn unit_sentence(unit: Unit, lang: Lang) -> &'static str {
    match (unit, lang) {
        (Unit::Report, Lang::Nl) => "meldingen, geen personen",
        (Unit::Report, Lang::En) => "reports, not persons",
        (Unit::Person, Lang::Nl) => "personen",
        (Unit::Person, Lang::En) => "persons",
    }
}

fn write_dataset(
    out: &mut dyn Write,
    dataset: &Dataset,
    held: Option<&RangeInclusive<u32>>,
    lang: Lang,
) -> io::Result<()> {
    writeln!(out, "{}: {}", dataset.name(), printable(dataset.label().get(lang)))?;
    writeln!(out, "{}: {}", words(lang, "Eenheid", "Unit"), unit_sentence(dataset.unit(), lang))?;
    let k = dataset.minimum_frequency();
    writeln!(
        out,
        "{}",
        match lang {
            Lang::Nl => format!("Cellen onder {k} worden verborgen. Jaar van een rij: {}.", dataset.period()),
            Lang::En => format!("Cells under {k} are hidden. Year of a row: {}.", dataset.period()),
        }
    )?;
    writeln!(out, "\n{}", words(lang, "Variabelen", "Variables"))?;
    let mut table = listing();
    for variable in dataset.variables() {
        let codes = summary_of_codes(variable, lang);
        table.add_row([variable.name(), &printable(variable.label().get(lang)), &codes]);
    }
    write_listing(out, &table)?;
    if !dataset.measures().is_empty() {
        writeln!(out, "\n{}", words(lang, "Maten", "Measures"))?;
        let mut table = listing();
        for measure in dataset.measures() {
            let (label, range) = (printable(measure.label().get(lang)), range(measure, lang));
            table.add_row([measure.name(), &label, &range]);
        }
        write_listing(out, &table)?;
    }
    let (period, name, years) = (dataset.period(), dataset.name(), five_years(dataset, held));
    let example = words(lang, "Vraag bijvoorbeeld", "Ask for instance");
    writeln!(out, "\n{example}: SELECT {period}, COUNT(*) FROM {name}{years} GROUP BY {period}")
}

/// A condition on the last five years that are held: codebooks name years that nobody holds yet.
fn five_years(dataset: &Dataset, held: Option<&RangeInclusive<u32>>) -> String {
    let Some(held) = held.filter(|held| !held.is_empty()) else { return String::new() };
    let (period, last) = (dataset.period(), held.end());
    match *held.start().max(&last.saturating_sub(4)) {
        first if first == *last => format!(" WHERE {period} = {last}"),
        first => format!(" WHERE {period} BETWEEN {first} AND {last}"),
    }
}

/// How many codes, the first and the last of an ordered list, and whether a row may have several.
fn summary_of_codes(variable: &Variable, lang: Lang) -> String {
    let list = variable.list();
    let mut summary = match (list.codes(), list.ordered()) {
        ([first, .., last], true) => format!("{} … {}", first.code(), last.code()),
        (codes, _) => format!("{} codes", codes.len()),
    };
    if !list.groups().is_empty() {
        summary.push_str(&format!(" in {} {}", list.groups().len(), words(lang, "groepen", "groups")));
    }
    if variable.multiple() {
        summary.push_str(words(lang, ", meer per rij", ", several per row"));
    }
    summary
}

fn range(measure: &Measure, lang: Lang) -> String {
    let number = |scaled| grouped(lang, &format_decimal(scaled, measure.decimals()));
    let (low, high) = (number(measure.minimum()), number(measure.maximum()));
    let mut text = format!("{low} {} {high} {}", words(lang, "tot", "to"), printable(measure.unit()));
    if measure.optional() {
        text.push_str(words(lang, ", mag ontbreken", ", may be missing"));
    }
    text
}

fn write_variable(out: &mut dyn Write, dataset: &Dataset, variable: &Variable, lang: Lang) -> io::Result<()> {
    let (list, name) = (variable.list(), variable.name());
    writeln!(out, "{}.{name}: {}", dataset.name(), printable(variable.label().get(lang)))?;
    if variable.multiple() {
        let sentence = words(
            lang,
            "Een rij kan meer waarden hebben: de aantallen tellen niet op tot het totaal.",
            "One row may have several values: its counts do not add up to the total.",
        );
        writeln!(out, "{sentence}")?;
    }
    if list.ordered() {
        writeln!(out, "{}", words(lang, "Geordend: BETWEEN mag.", "Ordered: BETWEEN may be used."))?;
    }
    writeln!(out)?;
    let mut table = listing();
    for node in list.tree() {
        let Some(entry) = list.entry(node) else { continue };
        let remark = match node {
            Node::Code(index) if list.missing() == Some(index) => words(lang, "(onbekend)", "(not known)"),
            Node::Code(_) => "",
            Node::Group(_) => words(lang, "(groep)", "(group)"),
        };
        let indent = "  ".repeat(usize::from(list.level(node)) - 1);
        let (code, label) = (format!("{indent}{}", printable(entry.code())), printable(entry.label().get(lang)));
        let label = if label == code { String::new() } else { label };
        table.add_row([code.as_str(), label.as_str(), remark]);
    }
    write_listing(out, &table)?;
    let first = list.groups().first().map(Group::code).or(list.codes().first());
    let code = first.map_or("", |code| code.code()).replace('\'', "''");
    if !list.groups().is_empty() {
        let (groups, beside) =
            (words(lang, "Naar groepen", "By group"), words(lang, "met wat erin ligt", "with what is in them"));
        writeln!(out, "\n{groups}: GROUP BY LEVEL({name}, 1); {beside}: GROUP BY ROLLUP(LEVEL({name}, 1), {name})")?;
    }
    writeln!(out, "\n{}: GROUP BY {name}, WHERE {name} = '{}'", words(lang, "Gebruik", "Use"), printable(&code))
}

fn write_measure(out: &mut dyn Write, dataset: &Dataset, measure: &Measure, lang: Lang) -> io::Result<()> {
    let name = measure.name();
    writeln!(out, "{}.{name}: {}", dataset.name(), printable(measure.label().get(lang)))?;
    writeln!(out, "{}", range(measure, lang))?;
    writeln!(out, "{}: {}", words(lang, "Cijfers achter de komma", "Digits after the point"), measure.decimals())?;
    let use_word = words(lang, "Gebruik", "Use");
    writeln!(out, "\n{use_word}: SUM({name}), AVG({name}), VAR({name}), STDDEV({name}),")?;
    writeln!(out, "  HISTOGRAM({name}, 0, 10, 100), QUANTILE({name}, 0.5, 0, 10, 100)")
}

/// Sets a column of a table flush right, as for numbers.
pub fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests;
