//! A release as an Excel workbook: a sheet with the table, ready to be printed, and a sheet with all that goes with it.
//!
//! Numbers are numbers. Where there is none the cell says why in words, so that a formula over it fails instead of adding
//! 0, and the column beside every figure has its status. Text is written as text, and marked so that it stays text when
//! somebody edits it.

use optelsom_codebook::Lang;
use optelsom_disclosure::{CellValue, Decimal, FigureHeading, FigureKind, Release, Row};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::about::{About, figure_heading};
use super::cells::word;
use super::neutral::looks_like_a_formula;
use crate::failure::Failure;
use crate::words::words;

/// Excel computes with 15 digits; what has more is written as text, lest it be silently wrong.
const EXACT: u128 = 999_999_999_999_999;

/// The row of the headings: below title and selection.
const HEADINGS: u32 = 3;

/// The release as a workbook.
///
/// # Errors
/// When the table has more rows, columns or text than a spreadsheet holds.
pub fn workbook(release: &Release, lang: Lang) -> Result<Vec<u8>, Failure> {
    write(release, lang).map_err(|cause| {
        Failure::Usage(format!("this table does not fit a spreadsheet ({cause}); take --format csv or parquet"))
    })
}

fn write(release: &Release, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let about = About::new(release, lang);
    let mut workbook = Workbook::new();
    let seconds = i64::try_from(release.released_at().as_millis() / 1000).unwrap_or(0);
    // The moment of release: the same release gives the same file.
    let properties = DocProperties::new()
        .set_title(about.title())
        .set_subject(release.codebook().name.get(lang))
        .set_comment(about.citation())
        .set_creation_datetime(&ExcelDateTime::from_timestamp(seconds)?);
    workbook.set_properties(&properties);
    let mut table = Sheet::new(workbook.add_worksheet(), lang);
    table.table(release, &about)?;
    let mut notes = Sheet::new(workbook.add_worksheet(), lang);
    notes.notes(release, &about)?;
    workbook.save_to_buffer()
}

struct Sheet<'w> {
    sheet: &'w mut Worksheet,
    lang: Lang,
    plain: Format,
    heading: Format,
}

impl<'w> Sheet<'w> {
    fn new(sheet: &'w mut Worksheet, lang: Lang) -> Self {
        let heading = Format::new().set_bold().set_text_wrap().set_border_bottom(FormatBorder::Thin);
        Self { sheet, lang, plain: Format::new(), heading: heading.set_align(FormatAlign::Top) }
    }

    /// Text that stays text; a carriage return, which XML does not keep, becomes the line end of spreadsheets.
    fn text(&mut self, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let quoted = looks_like_a_formula(&text).then(|| format.clone().set_quote_prefix());
        self.sheet.write_string_with_format(row, column, text, quoted.as_ref().unwrap_or(format)).map(|_| ())
    }

    fn table(&mut self, release: &Release, about: &About<'_>) -> Result<(), XlsxError> {
        self.sheet.set_name(words(self.lang, "Tabel", "Table"))?;
        self.text(0, 0, &about.title(), &Format::new().set_bold().set_font_size(14))?;
        let (of, unit) = (words(self.lang, "Eenheid", "Unit"), about.unit());
        let selection = about.selection().map(|selection| format!("{selection}. ")).unwrap_or_default();
        self.text(1, 0, &format!("{selection}{of}: {unit}."), &Format::new().set_italic())?;
        let mut last = self.headings(release)?;
        let mut row = HEADINGS;
        for content in release.table().rows() {
            row = row.checked_add(1).ok_or(XlsxError::RowColumnLimitError)?;
            self.row(row, release, content)?;
        }
        last = last.max(1) - 1;
        self.sheet.autofilter(HEADINGS, 0, row, last)?;
        let axes = u16::try_from(release.table().axes().len()).map_err(|_| XlsxError::RowColumnLimitError)?;
        self.sheet.set_freeze_panes(HEADINGS + 1, axes)?;
        self.sheet.set_repeat_rows(HEADINGS, HEADINGS)?;
        self.print_on_a4();
        let source = row.checked_add(2).ok_or(XlsxError::RowColumnLimitError)?;
        self.text(source, 0, &about.citation(), &Format::new().set_font_size(9))?;
        self.text(source + 1, 0, &about.rules(), &Format::new().set_font_size(9))
    }

    fn print_on_a4(&mut self) {
        self.sheet.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0).set_footer("&C&P / &N");
    }

    /// Writes the headings; how many columns there are.
    fn headings(&mut self, release: &Release) -> Result<u16, XlsxError> {
        let heading = self.heading.clone();
        let flush_right = heading.clone().set_align(FormatAlign::Right);
        let mut column = 0;
        for axis in release.table().axes() {
            let lang = self.lang;
            let labels = axis.places.iter().map(|place| place.label.get(lang));
            let name = axis.label.get(lang);
            self.text(HEADINGS, column, name, &heading)?;
            self.sheet.set_column_width(column, width(labels.chain([name]), 10.0, 45.0))?;
            column = next(column)?;
        }
        for figure in release.table().figures() {
            let name = figure_heading(figure, self.lang);
            let sides = if figure.kind == FigureKind::Quantile {
                vec![
                    format!("{name}, {}", words(self.lang, "vanaf", "from")),
                    format!("{name}, {}", words(self.lang, "tot", "to below")),
                ]
            } else if figure.noise.is_some() {
                vec![
                    name.clone(),
                    format!("{name}, {}", words(self.lang, "95 % vanaf", "95 % from")),
                    format!("{name}, {}", words(self.lang, "95 % tot en met", "95 % to")),
                ]
            } else {
                vec![name.clone()]
            };
            for side in sides {
                self.text(HEADINGS, column, &side, &flush_right)?;
                self.sheet.set_column_width(column, 16)?;
                column = next(column)?;
            }
            self.text(HEADINGS, column, &format!("status {name}"), &heading)?;
            self.sheet.set_column_width(column, 26)?;
            column = next(column)?;
        }
        Ok(column)
    }

    fn row(&mut self, row: u32, release: &Release, content: &Row) -> Result<(), XlsxError> {
        let is_total = content.places().iter().any(Option::is_none);
        let format = if is_total { Format::new().set_bold() } else { self.plain.clone() };
        let mut column = 0;
        for place in release.table().places(content) {
            let total = words(self.lang, "totaal", "total");
            self.text(row, column, place.map_or(total, |place| place.label.get(self.lang)), &format)?;
            column = next(column)?;
        }
        for (figure, cell) in release.table().figures().iter().zip(content.figures()) {
            let numbers = if figure.kind == FigureKind::Quantile {
                let (lower, upper) = cell.bounds();
                vec![lower, upper]
            } else if figure.noise.is_some() {
                let (lower, upper) = cell.bounds();
                vec![cell.value(), lower, upper]
            } else {
                vec![cell.value()]
            };
            for number in numbers {
                self.number(row, column, figure, cell, number, &format)?;
                column = next(column)?;
            }
            self.text(row, column, cell.status().label(self.lang), &format)?;
            column = next(column)?;
        }
        Ok(())
    }

    fn number(
        &mut self,
        row: u32,
        column: u16,
        figure: &FigureHeading,
        cell: &CellValue,
        number: Option<Decimal>,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let format = format.clone().set_align(FormatAlign::Right);
        let Some(number) = number else {
            let open = words(self.lang, "geen grens", "no bound");
            let format = format.set_italic().set_font_color(Color::RGB(0x59_59_59));
            return self.text(row, column, word(cell, self.lang).unwrap_or(open), &format);
        };
        let plain = number.to_string();
        match plain.parse::<f64>() {
            Ok(value) if number.scaled().unsigned_abs() <= EXACT => {
                let format = format.set_num_format(number_format(figure.decimals));
                self.sheet.write_number_with_format(row, column, value, &format).map(|_| ())
            }
            _ => self.text(row, column, &plain, &format.set_quote_prefix()),
        }
    }

    fn notes(&mut self, release: &Release, about: &About<'_>) -> Result<(), XlsxError> {
        self.sheet.set_name(words(self.lang, "Toelichting", "Notes"))?;
        self.sheet.set_column_width(0, 30)?;
        self.sheet.set_column_width(1, 110)?;
        let (heading, content) = (
            Format::new().set_bold().set_align(FormatAlign::Top),
            Format::new().set_text_wrap().set_align(FormatAlign::Top),
        );
        let mut lines: Vec<(String, String)> = Vec::new();
        for fact in about.facts() {
            if fact.key == "notes" {
                let notes = release.notes().iter().map(|note| (fact.heading.to_owned(), note.text(self.lang)));
                lines.extend(notes);
            } else {
                lines.push((fact.heading.to_owned(), fact.content));
            }
        }
        for (row, (name, text)) in (0..).zip(&lines) {
            self.text(row, 0, name, &heading)?;
            self.text(row, 1, text, &content)?;
        }
        self.print_on_a4();
        Ok(())
    }
}

fn next(column: u16) -> Result<u16, XlsxError> {
    column.checked_add(1).ok_or(XlsxError::RowColumnLimitError)
}

/// Thousands set apart as the reader's own Excel does it, and so many digits after the point.
fn number_format(decimals: u32) -> String {
    let places = usize::try_from(decimals).unwrap_or(0);
    if places == 0 { "#,##0".to_owned() } else { format!("#,##0.{}", "0".repeat(places)) }
}

/// A width in characters for these texts.
fn width<'t>(texts: impl Iterator<Item = &'t str>, least: f64, most: f64) -> f64 {
    let longest = texts.map(|text| text.chars().count()).max().unwrap_or(0);
    (longest as f64 + 2.0).clamp(least, most)
}
