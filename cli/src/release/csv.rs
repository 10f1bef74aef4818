//! A release as CSV (RFC 4180), UTF-8 with a heading: codes and labels of each axis, value and status of each figure.
//!
//! An empty code is the total over that axis. A quantile has a lower and an upper bound in place of a value. The last
//! columns say in every row what the table is of, so that rows may be put together with those of other tables;
//! notes stand there by their codes.

use std::collections::BTreeSet;
use std::io;

use csv::{Terminator, Writer, WriterBuilder};
use optelsom_codebook::Lang;
use optelsom_disclosure::{Decimal, FigureKind, Note, ProtectedTable, Release};

use crate::words::words;

/// The release as CSV.
///
/// # Errors
/// None that a release can cause; the writer's are passed on.
pub fn table(release: &Release, lang: Lang) -> io::Result<Vec<u8>> {
    let protected = release.table();
    let bounded = bounded_figures(protected);
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(heading(protected, &bounded))?;
    let constants = constants(release);
    for row in protected.rows() {
        for place in protected.places(row) {
            match place {
                Some(place) => write_fields(&mut writer, &[&place.code, place.label.get(lang)])?,
                None => write_fields(&mut writer, &["", words(lang, "totaal", "total")])?,
            }
        }
        for (cell, &bounded) in row.figures().iter().zip(&bounded) {
            let text = |decimal: Option<Decimal>| decimal.map(|d| d.to_string()).unwrap_or_default();
            if bounded {
                let (lower, upper) = cell.bounds();
                write_fields(&mut writer, &[&text(lower), &text(upper)])?;
            } else {
                write_fields(&mut writer, &[&text(cell.value())])?;
            }
            write_fields(&mut writer, &[cell.status().code()])?;
        }
        writer.write_record(&constants)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn write_fields(writer: &mut Writer<Vec<u8>>, fields: &[&str]) -> csv::Result<()> {
    fields.iter().try_for_each(|field| writer.write_field(field))
}

/// Which figures are bounds: the quantiles.
fn bounded_figures(protected: &ProtectedTable) -> Vec<bool> {
    protected.figures().iter().map(|figure| figure.kind == FigureKind::Quantile).collect()
}

const CONSTANTS: [&str; 7] =
    ["unit", "dataset", "edition", "codebook", "query", "suppliers_taking_part", "suppliers_asked"];

fn heading(protected: &ProtectedTable, bounded: &[bool]) -> Vec<String> {
    let axes = protected.axes().iter().flat_map(|axis| [axis.name.clone(), format!("{} label", axis.name)]);
    let figures = protected.figures().iter().zip(bounded).flat_map(|(figure, bounded)| {
        let name = &figure.name;
        let values = if *bounded { vec![format!("{name} lower"), format!("{name} upper")] } else { vec![name.clone()] };
        values.into_iter().chain([format!("{name} status")])
    });
    axes.chain(figures).chain(CONSTANTS.map(str::to_owned)).chain(["notes".to_owned()]).collect()
}

fn constants(release: &Release) -> Vec<String> {
    let notes: BTreeSet<&str> = release.notes().iter().map(Note::code).collect();
    vec![
        release.unit().code().to_owned(),
        release.dataset().to_owned(),
        release.edition().to_string(),
        release.codebook().version.clone(),
        release.query().to_string(),
        release.suppliers_taking_part().len().to_string(),
        release.suppliers_asked().len().to_string(),
        notes.into_iter().collect::<Vec<_>>().join(" "),
    ]
}
