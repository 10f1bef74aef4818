//! A release as an SDMX-CSV 2.0 data message (SDMX 3.0), with names: an observation a row, each component followed by a
//! column with its name in the reader's language (`labels=name`).
//!
//! Dimensions are the table's axes and `FIGURE`, the code of a total is `_T`; an axis of years is `TIME_PERIOD`, unless
//! the table has totals over it, which are no period. A quantile is two figures, its lower and its upper bound. Where
//! there is no number `OBS_VALUE` is `NaN`, as SDMX 3.0 writes an observation that is missing on purpose, and
//! `OBS_STATUS`, `CONF_STATUS` and `STATUS` say why.

use std::collections::BTreeSet;
use std::io;

use csv::{Terminator, WriterBuilder};
use optelsom_codebook::Lang;
use optelsom_disclosure::{AxisHeading, CellValue, Decimal, FigureHeading, FigureKind, Release, Row};

use super::about::{About, figure_heading};
use super::cells::sdmx_status;
use super::chart::years;
use super::neutral::neutral;
use crate::words::words;

/// The release as a message.
///
/// # Errors
/// None that a release can cause; the writer's are passed on.
pub fn message(release: &Release, lang: Lang) -> io::Result<Vec<u8>> {
    let message = Message::new(release, lang);
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let heading = message.heading();
    let number = heading.iter().position(|field| field == "OBS_VALUE");
    writer.write_record(heading.iter().map(|field| neutral(field).into_owned()))?;
    for row in release.table().rows() {
        for (figure, cell) in release.table().figures().iter().zip(row.figures()) {
            for observation in observations(figure, cell) {
                let record = message.record(row, figure, cell, &observation);
                // A number below nought is no formula.
                let field = |(at, field): (usize, &String)| {
                    if Some(at) == number { field.clone() } else { neutral(field).into_owned() }
                };
                writer.write_record(record.iter().enumerate().map(field))?;
            }
        }
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// One number of a figure: which, and its value.
struct Observation {
    suffix: &'static str,
    name: (&'static str, &'static str),
    value: Option<Decimal>,
}

fn observations(figure: &FigureHeading, cell: &CellValue) -> Vec<Observation> {
    let value = || Observation { suffix: "", name: ("", ""), value: cell.value() };
    let (lower, upper) = cell.bounds();
    if figure.noise.is_some() {
        let (of_lower, of_upper) = (", ondergrens 95 %-interval", ", bovengrens 95 %-interval");
        return vec![
            value(),
            Observation { suffix: "_LOWER", name: (of_lower, ", lower end of the 95 % interval"), value: lower },
            Observation { suffix: "_UPPER", name: (of_upper, ", upper end of the 95 % interval"), value: upper },
        ];
    }
    if figure.kind != FigureKind::Quantile {
        return vec![value()];
    }
    vec![
        Observation { suffix: "_LOWER", name: (", ondergrens", ", lower bound"), value: lower },
        Observation { suffix: "_UPPER", name: (", bovengrens", ", upper bound"), value: upper },
    ]
}

struct Dimension<'r> {
    id: String,
    axis: &'r AxisHeading,
    total: String,
}

struct Message<'r> {
    release: &'r Release,
    lang: Lang,
    dimensions: Vec<Dimension<'r>>,
    /// Id, name, value: the same in every row.
    attributes: Vec<(&'static str, &'static str, String)>,
}

const FIGURE: &str = "FIGURE";

impl<'r> Message<'r> {
    fn new(release: &'r Release, lang: Lang) -> Self {
        let attributes = attributes(release, lang);
        let mut ids: BTreeSet<String> = attributes.iter().map(|(id, ..)| (*id).to_owned()).collect();
        ids.extend([FIGURE, "OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "STATUS", "DECIMALS"].map(str::to_owned));
        ids.extend(["STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION"].map(str::to_owned));
        let table = release.table();
        let period = years(table)
            .filter(|&axis| table.rows().iter().all(|row| row.places().get(axis).is_some_and(Option::is_some)));
        let mut dimensions = Vec::new();
        for (place, axis) in table.axes().iter().enumerate() {
            let wanted = if period == Some(place) { "TIME_PERIOD".to_owned() } else { identifier(&axis.name) };
            let mut id = wanted.clone();
            while !ids.insert(id.clone()) {
                id.push('_');
            }
            let mut total = "_T".to_owned();
            while axis.places.iter().any(|place| place.code == total) {
                total.push('_');
            }
            dimensions.push(Dimension { id, axis, total });
        }
        Self { release, lang, dimensions, attributes }
    }

    fn heading(&self) -> Vec<String> {
        let lang = self.lang;
        let mut heading: Vec<String> =
            ["STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION"].map(str::to_owned).into();
        let mut component = |id: &str, name: &str| {
            // A name must not be taken for the id of another component.
            let name = if name == id { format!("{name} ") } else { name.to_owned() };
            heading.extend([id.to_owned(), name]);
        };
        for dimension in &self.dimensions {
            component(&dimension.id, dimension.axis.label.get(lang));
        }
        component(FIGURE, words(lang, "Cijfer", "Figure"));
        component("OBS_VALUE", words(lang, "Waarde", "Observation value"));
        component("OBS_STATUS", words(lang, "Status van de waarneming", "Observation status"));
        component("CONF_STATUS", words(lang, "Vertrouwelijkheid", "Confidentiality status"));
        component("STATUS", words(lang, "Status in de tabel", "Status in the table"));
        component("DECIMALS", words(lang, "Decimalen", "Decimals"));
        for (id, name, _) in &self.attributes {
            component(id, name);
        }
        unique(heading)
    }

    fn record(&self, row: &Row, figure: &FigureHeading, cell: &CellValue, observation: &Observation) -> Vec<String> {
        let (release, lang) = (self.release, self.lang);
        let dataset = identifier(release.dataset());
        let structure = match version(&release.codebook().version) {
            Some(version) => format!("OPTELSOM:{dataset}({version})"),
            None => format!("OPTELSOM:{dataset}"),
        };
        let name = release.dataset_label().get(lang).to_owned();
        let mut record = vec!["dataflow".to_owned(), structure, name, "I".to_owned()];
        let mut component = |id: String, name: &str| record.extend([id, name.to_owned()]);
        for (dimension, place) in self.dimensions.iter().zip(release.table().places(row)) {
            match place {
                Some(place) => component(place.code.clone(), place.label.get(lang)),
                None => component(dimension.total.clone(), words(lang, "totaal", "total")),
            }
        }
        let (nl, en) = observation.name;
        let label = format!("{}{}", figure_heading(figure, lang), words(lang, nl, en));
        component(format!("{}{}", identifier(&figure.name), observation.suffix), &label);
        component(observation.value.map_or_else(|| "NaN".to_owned(), |value| value.to_string()), "");
        let (obs_status, conf_status) = sdmx_status(cell);
        // The side of a bin that has no end.
        let open = cell.bounds() != (None, None) && observation.value.is_none();
        let obs_status = if open { "M" } else { obs_status };
        component(obs_status.to_owned(), observation_status_name(obs_status, lang));
        component(conf_status.to_owned(), confidentiality_name(conf_status, lang));
        component(cell.status().code().to_owned(), cell.status().label(lang));
        component(figure.decimals.to_string(), "");
        for (_, _, value) in &self.attributes {
            component(value.clone(), "");
        }
        record
    }
}

/// Names of columns are looked up by readers, so no two are the same.
fn unique(heading: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let next = |mut field: String| {
        while !seen.insert(field.clone()) {
            field.push(' ');
        }
        field
    };
    heading.into_iter().map(next).collect()
}

fn attributes(release: &Release, lang: Lang) -> Vec<(&'static str, &'static str, String)> {
    let about = About::new(release, lang);
    let number = |set: usize| set.to_string();
    vec![
        ("UNIT_MEASURE", words(lang, "Eenheid", "Unit of measure"), release.unit().code().to_uppercase()),
        ("TITLE", words(lang, "Titel", "Title"), about.title()),
        ("SELECTION", words(lang, "Selectie", "Selection"), about.selection().unwrap_or_default()),
        ("QUERY", words(lang, "Vraagnummer", "Query identifier"), release.query().to_string()),
        ("EDITION", words(lang, "Editie", "Edition of the data"), release.edition().to_string()),
        ("CODEBOOK", words(lang, "Codeboek", "Codebook version"), release.codebook().version.clone()),
        (
            "SUPPLIERS_TAKING_PART",
            words(lang, "Leveranciers in de som", "Suppliers in the sum"),
            number(release.suppliers_taking_part().len()),
        ),
        (
            "SUPPLIERS_ASKED",
            words(lang, "Leveranciers gevraagd", "Suppliers asked"),
            number(release.suppliers_asked().len()),
        ),
        ("RULES", words(lang, "Regels", "Rules applied"), about.rules()),
        ("RELEASED", words(lang, "Vrijgegeven op", "Released on"), about.released()),
        ("COMMENT", words(lang, "Opmerkingen", "Notes"), about.notes().join(" ")),
        ("CITATION", words(lang, "Verwijzing", "How to cite"), about.citation()),
    ]
}

/// An identifier of SDMX: capitals, digits and `_`, beginning with a letter as names of ours do.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// A version as SDMX writes one: numbers with points between. Other versions stand under `CODEBOOK` alone.
fn version(version: &str) -> Option<&str> {
    let number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    (version.split('.').count() <= 3 && version.split('.').all(number)).then_some(version)
}

/// The names of CL_OBS_STATUS.
fn observation_status_name(code: &str, lang: Lang) -> &'static str {
    match code {
        "A" => words(lang, "Normale waarde", "Normal value"),
        "E" => words(lang, "Geschatte waarde", "Estimated value"),
        "Q" => words(lang, "Ontbreekt; onderdrukt", "Missing value; suppressed"),
        "L" => words(lang, "Ontbreekt; niet verzameld", "Missing value; data exist but were not collected"),
        "M" => words(lang, "Ontbreekt; kan niet bestaan", "Missing value; data cannot exist"),
        _ => words(lang, "Ontbreekt", "Missing value"),
    }
}

/// The names of CL_CONF_STATUS.
fn confidentiality_name(code: &str, lang: Lang) -> &'static str {
    match code {
        "F" => words(lang, "Vrij", "Free"),
        "A" => words(lang, "Primair vertrouwelijk: kleine aantallen", "Primary confidentiality due to small counts"),
        "G" => words(
            lang,
            "Primair vertrouwelijk: overheersing door een of twee eenheden",
            "Primary confidentiality due to dominance by one or two units",
        ),
        _ => words(
            lang,
            "Secundair vertrouwelijk, niet voor publicatie",
            "Secondary confidentiality set by the sender, not for publication",
        ),
    }
}
