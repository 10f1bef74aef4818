//! A release as CSV, UTF-8 with a heading: codes and labels of each axis, value and status of each figure.
//!
//! An empty code is the total over that axis. A quantile has a lower and an upper bound in place of a value, a figure with
//! noise has the ends of its interval beside it. The last
//! columns say in every row what the table is of, so that rows may be put together with those of other tables; notes stand
//! there by their codes. Text that a spreadsheet would compute has an apostrophe before it.

use std::io;

use csv::{Terminator, Writer, WriterBuilder};
use optelsom_codebook::Lang;
use optelsom_disclosure::{CellValue, Decimal, Release, Row};

use super::about::About;
use super::cells::word;
use super::columns::{Column, Content, columns};
use super::neutral::neutral;
use crate::words::words;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Other software: RFC 4180. Where there is no number the field is empty, and the status says why.
    Rfc4180,
    /// A spreadsheet set to Dutch: byte order mark, semicolons, decimal commas. Where there is no number the field has
    /// words, since a spreadsheet adds an empty one as 0.
    Dutch,
}

/// The release as CSV.
///
/// # Errors
/// None that a release can cause; the writer's are passed on.
pub fn table(release: &Release, lang: Lang, flavour: Flavour) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let mut builder = WriterBuilder::new();
    builder.terminator(Terminator::CRLF);
    if flavour == Flavour::Dutch {
        start.extend_from_slice("\u{feff}".as_bytes());
        builder.delimiter(b';');
    }
    let mut writer = builder.from_writer(start);
    let constants = constants(release, lang);
    let names: Vec<&str> = constants.iter().map(|(name, _)| *name).collect();
    let columns = columns(release.table(), &names);
    writer.write_record(columns.iter().map(|column| column.name.as_str()))?;
    let rows = Rows { release, lang, flavour, constants: &constants };
    for row in release.table().rows() {
        rows.write(&mut writer, &columns, row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// What stands in every row.
fn constants(release: &Release, lang: Lang) -> Vec<(&'static str, String)> {
    let about = About::new(release, lang);
    let mut constants = vec![
        ("title", about.title()),
        ("selection", about.selection().unwrap_or_default()),
        ("unit", release.unit().code().to_owned()),
        ("dataset", release.dataset().to_owned()),
        ("edition", release.edition().to_string()),
        ("codebook", release.codebook().version.clone()),
        ("query", release.query().to_string()),
        ("suppliers_taking_part", release.suppliers_taking_part().len().to_string()),
        ("suppliers_asked", release.suppliers_asked().len().to_string()),
        ("minimum_frequency", about.minimum_frequency().unwrap_or_default()),
        ("released", about.released()),
        ("notes", about.note_codes()),
        ("citation", about.citation()),
    ];
    constants.extend(about.epsilon().map(|epsilon| ("epsilon", epsilon.to_owned())));
    constants
}

struct Rows<'r> {
    release: &'r Release,
    lang: Lang,
    flavour: Flavour,
    constants: &'r [(&'static str, String)],
}

impl Rows<'_> {
    fn write(&self, writer: &mut Writer<Vec<u8>>, columns: &[Column], row: &Row) -> csv::Result<()> {
        let places: Vec<_> = self.release.table().places(row).collect();
        let place = |axis: usize| places.get(axis).copied().flatten();
        let cell = |figure: usize| row.figures().get(figure).unwrap_or(&CellValue::NotApplicable);
        for column in columns {
            match column.content {
                Content::Code(axis) => {
                    writer.write_field(neutral(place(axis).map_or("", |place| &place.code)).as_bytes())?;
                }
                Content::Label(axis) => {
                    let total = words(self.lang, "totaal", "total");
                    let label = place(axis).map_or(total, |place| place.label.get(self.lang));
                    writer.write_field(neutral(label).as_bytes())?;
                }
                Content::Value(figure) => writer.write_field(self.number(cell(figure), cell(figure).value()))?,
                Content::Lower(figure) => writer.write_field(self.number(cell(figure), cell(figure).bounds().0))?,
                Content::Upper(figure) => writer.write_field(self.number(cell(figure), cell(figure).bounds().1))?,
                Content::Status(figure) => writer.write_field(cell(figure).status().code())?,
                Content::Constant(constant) => {
                    let text = self.constants.get(constant).map_or("", |(_, text)| text);
                    writer.write_field(neutral(text).as_bytes())?;
                }
            }
        }
        writer.write_record(None::<&[u8]>)
    }

    /// A number as this flavour writes it; `None` is a cell without one, or a side without a bound.
    fn number(&self, cell: &CellValue, number: Option<Decimal>) -> String {
        match (self.flavour, number) {
            (Flavour::Rfc4180, number) => number.map(|number| number.to_string()).unwrap_or_default(),
            (Flavour::Dutch, Some(number)) => number.to_string().replace('.', ","),
            (Flavour::Dutch, None) => {
                word(cell, self.lang).unwrap_or(words(self.lang, "geen grens", "no bound")).to_owned()
            }
        }
    }
}
