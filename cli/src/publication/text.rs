//! A release for people: the table, and below it all that belongs to it.

use std::fmt::Write;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use optelsom_codebook::{Lang, Timestamp};
use optelsom_disclosure::{ProtectedTable, Release};

use super::about::{About, figure_heading};
use super::cells::cell_text;
use crate::browse::{align_right, unit_sentence};
use crate::failure::printable;
use crate::words::words;

/// Lines above, below the heading, and at the end: nothing else.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// More suppliers than this are counted, not named; JSON names them all.
const MOST_NAMES: usize = 12;

/// The release as text. `fit_terminal` breaks long headings to the width of the terminal.
pub fn table(release: &Release, lang: Lang, fit_terminal: bool) -> String {
    let mut text = format!("{}\n", printable(release.dataset_label().get(lang)));
    for line in figures(release.table(), lang, fit_terminal).lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for (heading, content) in facts(release, lang) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<14}{}", format!("{heading}:"), printable(&content));
    }
    for note in release.notes() {
        let _ = writeln!(text, "- {}", printable(&note.text(lang)));
    }
    text
}

fn figures(protected: &ProtectedTable, lang: Lang, fit_terminal: bool) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    let arrangement = if fit_terminal { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
    table.set_content_arrangement(arrangement);
    let axes = protected.axes().iter().map(|axis| printable(axis.label.get(lang)));
    table.set_header(axes.chain(protected.figures().iter().map(|figure| printable(&figure_heading(figure, lang)))));
    for row in protected.rows() {
        let total = || words(lang, "totaal", "total").to_owned();
        let places =
            protected.places(row).map(|place| place.map_or_else(total, |place| printable(place.label.get(lang))));
        let cells = row.figures().iter().map(|cell| cell_text(cell, lang));
        table.add_row(places.chain(cells).collect::<Vec<_>>());
    }
    for column in protected.axes().len()..protected.axes().len() + protected.figures().len() {
        align_right(&mut table, column);
    }
    table
}

fn facts(release: &Release, lang: Lang) -> Vec<(&'static str, String)> {
    let codebook = release.codebook();
    let version = words(lang, "versie", "version");
    let codebook = format!("{}, {version} {} ({})", codebook.name.get(lang), codebook.version, codebook.hash.short());
    let (asked, taking_part) = (release.suppliers_asked().len(), release.suppliers_taking_part().len());
    let of = words(lang, "van", "of");
    let mut suppliers = format!("{taking_part} {of} {asked}");
    if taking_part <= MOST_NAMES {
        let names: Vec<&str> = release.suppliers_taking_part().iter().map(AsRef::as_ref).collect();
        suppliers.push_str(&format!(" ({})", names.join(", ")));
    }
    let purpose = release.purpose();
    let asked_at = to_the_minute(release.asked_at());
    let query = match lang {
        Lang::Nl => format!("{}, gesteld {asked_at}, doel: {purpose}", release.query().short()),
        Lang::En => format!("{}, asked {asked_at}, purpose: {purpose}", release.query().short()),
    };
    let k = release.minimum_frequency();
    let about = About::new(release, lang);
    let hidden = match lang {
        _ if release.is_noised() => about.rules(),
        Lang::Nl => format!("cellen onder {k}: “te weinig”, nooit 0"),
        Lang::En => format!("cells under {k}: “too few”, never 0"),
    };
    vec![
        (words(lang, "Eenheid", "Unit"), unit_sentence(release.unit(), lang).to_owned()),
        (words(lang, "Leveranciers", "Suppliers"), suppliers),
        (if release.is_noised() { words(lang, "Ruis", "Noise") } else { words(lang, "Verborgen", "Hidden") }, hidden),
        (words(lang, "Editie", "Edition"), release.edition().to_string()),
        (words(lang, "Codeboek", "Codebook"), codebook),
        (words(lang, "Vraag", "Query"), query),
    ]
}

/// RFC 3339 without seconds: `2024-12-31 23:59Z`.
fn to_the_minute(moment: Timestamp) -> String {
    let text = moment.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) if text.ends_with('Z') => format!("{day} {minute}Z"),
        _ => text,
    }
}
