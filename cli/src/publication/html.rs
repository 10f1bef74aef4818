//! A release as an HTML page that stands alone: the chart, the table, and all that goes with them; nothing is loaded from
//! elsewhere, nothing runs, and it prints well.

use optelsom_codebook::Lang;
use optelsom_disclosure::{CellValue, Release, Row};

use super::about::{About, figure_heading};
use super::cells::{Look, cell_text, look};
use super::markup::{escape, push};
use super::svg;
use crate::words::words;

const STYLE: &str = "\
:root { color-scheme: light; }
body { font: 1rem/1.45 Arial, 'Liberation Sans', Helvetica, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto;
  max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
p { margin: .3rem 0; }
figure { margin: 1.2rem 0; }
svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .95rem; }
caption { text-align: left; font-weight: bold; padding: .3rem 0; }
th, td { padding: .28rem .8rem .28rem 0; text-align: left; vertical-align: top; font-weight: normal; }
thead th { font-weight: bold; border-top: 1px solid #1a1a1a; border-bottom: 1px solid #1a1a1a; vertical-align: bottom; }
tbody tr { border-bottom: 1px solid #ddd; }
tbody tr:last-child { border-bottom: 1px solid #1a1a1a; }
tr.total th, tr.total td { font-weight: bold; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-left: .8rem; }
.status { color: #4d4d4d; white-space: nowrap; }
.word { font-style: italic; color: #4d4d4d; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; font-size: .9rem; }
dt { font-weight: bold; }
dd { margin: 0; overflow-wrap: anywhere; }
@media print {
  @page { size: A4; margin: 16mm 14mm; }
  html { font-size: 9.5pt; }
  body { margin: 0; max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  thead { display: table-header-group; }
  tr, figure, dt, dd { break-inside: avoid; }
  h2 { break-after: avoid; }
}
";

/// The release as a page.
pub fn page(release: &Release, lang: Lang) -> String {
    let about = About::new(release, lang);
    let (language, title) = (words(lang, "nl", "en"), escape(&about.title()));
    let mut page = String::new();
    push(
        &mut page,
        format_args!(
            "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        ),
    );
    if let Some(selection) = about.selection() {
        push(&mut page, format_args!("<p>{}</p>\n", escape(&selection)));
    }
    let (unit, suppliers) = (words(lang, "Eenheid", "Unit"), words(lang, "Leveranciers", "Suppliers"));
    push(
        &mut page,
        format_args!("<p>{unit}: {}. {suppliers}: {}.</p>\n", escape(about.unit()), escape(&about.suppliers())),
    );
    match svg::in_page(release, lang) {
        Ok(picture) => push(&mut page, format_args!("<figure>\n{picture}</figure>\n")),
        Err(too_many) => {
            let nl = format!("Er is geen grafiek: daarvoor zijn er te veel cellen ({}).", release.table().rows().len());
            let en = format!("There is no chart: {too_many}.");
            push(&mut page, format_args!("<p>{}</p>\n", escape(words(lang, &nl, &en))));
        }
    }
    table(&mut page, release, lang);
    push(&mut page, format_args!("<p>{}</p>\n", escape(&about.rules())));
    list(&mut page, words(lang, "Opmerkingen", "Notes"), &about.notes());
    facts(&mut page, &about, lang);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn table(page: &mut String, release: &Release, lang: Lang) {
    let table = release.table();
    page.push_str("<div class=\"scroll\">\n<table>\n<thead>\n<tr>");
    for axis in table.axes() {
        push(page, format_args!("<th scope=\"col\">{}</th>", escape(axis.label.get(lang))));
    }
    for figure in table.figures() {
        let heading = escape(&figure_heading(figure, lang));
        push(page, format_args!("<th scope=\"col\" class=\"number\">{heading}</th><th scope=\"col\">status</th>"));
    }
    page.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in table.rows() {
        write_row(page, release, row, lang);
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

fn write_row(page: &mut String, release: &Release, row: &Row, lang: Lang) {
    let is_total = row.places().iter().any(Option::is_none);
    page.push_str(if is_total { "<tr class=\"total\">" } else { "<tr>" });
    for place in release.table().places(row) {
        let label = place.map_or(words(lang, "totaal", "total"), |place| place.label.get(lang));
        push(page, format_args!("<th scope=\"row\">{}</th>", escape(label)));
    }
    for cell in row.figures() {
        write_cell(page, cell, lang);
    }
    page.push_str("</tr>\n");
}

fn write_cell(page: &mut String, cell: &CellValue, lang: Lang) {
    let class = match look(cell) {
        Look::Number(_) | Look::Interval(_) | Look::Estimate(_) => "number",
        Look::Hidden | Look::Missing => "number word",
    };
    let (text, code, status) = (cell_text(cell, lang), cell.status().code(), cell.status().label(lang));
    push(
        page,
        format_args!(
            "<td class=\"{class}\" data-status=\"{code}\">{}</td><td class=\"status\">{}</td>",
            escape(&text),
            escape(status)
        ),
    );
}

fn list(page: &mut String, heading: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    push(page, format_args!("<h2>{}</h2>\n<ul>\n", escape(heading)));
    for sentence in sentences {
        push(page, format_args!("<li>{}</li>\n", escape(sentence)));
    }
    page.push_str("</ul>\n");
}

fn facts(page: &mut String, about: &About<'_>, lang: Lang) {
    push(page, format_args!("<h2>{}</h2>\n<dl>\n", words(lang, "Over deze tabel", "About this table")));
    // What stands above is not said twice.
    let said = ["title", "selection", "rules", "notes", "note_codes", "suppliers"];
    for fact in about.facts().iter().filter(|fact| !said.contains(&fact.key)) {
        let (heading, content) = (escape(fact.heading), escape(&fact.content));
        push(page, format_args!("<dt>{heading}</dt><dd data-fact=\"{}\">{content}</dd>\n", fact.key));
    }
    page.push_str("</dl>\n");
}
