//! A release as people and other software read it: one file per format, each from a release and a language to bytes.
//!
//! What every format keeps: a value never stands without its status, hidden is never a number, and title, unit, query,
//! codebook, suppliers, rules, notes and how to cite it ([`about`]) go with the figures. `docs/reading-releases.md` tells
//! those who read them.

mod about;
mod cells;
mod chart;
mod columns;
mod csv;
mod html;
mod markup;
mod neutral;
mod parquet;
mod sdmx_csv;
mod selection;
mod svg;
mod text;
mod xlsx;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use optelsom_codebook::Lang;
use optelsom_disclosure::Release;
use tempfile::NamedTempFile;

use crate::arguments::{Format, OutputArguments};
use crate::failure::Failure;

/// Whether a table can be written so, to be asked before a query is spent on it.
///
/// # Errors
/// When bytes that nobody can read would go to a terminal.
pub fn check(arguments: &OutputArguments) -> Result<(), Failure> {
    let binary = match arguments.format {
        Format::Xlsx | Format::Parquet => true,
        Format::Table | Format::Csv | Format::CsvNl | Format::Json | Format::SdmxCsv | Format::Html | Format::Svg => {
            false
        }
    };
    if binary && arguments.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Usage("this format is not for a terminal; name a file with -o FILE".to_owned()));
    }
    Ok(())
}

/// Prints a release where and how it was asked.
///
/// # Errors
/// When the output cannot be written, or the table does not fit the format. A file that exists is replaced whole, or not
/// at all.
pub fn print(release: &Release, lang: Lang, arguments: &OutputArguments) -> Result<(), Failure> {
    check(arguments)?;
    let bytes = render(release, lang, arguments.format, arguments.output.is_none() && io::stdout().is_terminal())?;
    match &arguments.output {
        None => {
            let mut out = io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush()).map_err(Failure::Output)
        }
        Some(path) => replace(path, &bytes).map_err(|cause| Failure::file(path, cause)),
    }
}

/// The release in this format. `fit_terminal` breaks long headings of [`Format::Table`] to the terminal's width.
///
/// # Errors
/// When the table does not fit the format; the message says which does.
pub fn render(release: &Release, lang: Lang, format: Format, fit_terminal: bool) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Table => Ok(text::table(release, lang, fit_terminal).into_bytes()),
        Format::Csv => csv::table(release, lang, csv::Flavour::Rfc4180).map_err(Failure::Output),
        Format::CsvNl => csv::table(release, lang, csv::Flavour::Dutch).map_err(Failure::Output),
        Format::Xlsx => xlsx::workbook(release, lang),
        Format::Parquet => parquet::file(release, lang),
        Format::Json => {
            let mut bytes = release.to_json()?;
            bytes.push(b'\n');
            Ok(bytes)
        }
        Format::SdmxCsv => sdmx_csv::message(release, lang).map_err(Failure::Output),
        Format::Html => Ok(html::page(release, lang).into_bytes()),
        Format::Svg => svg::file(release, lang).map(String::into_bytes),
    }
}

/// Writes beside the file, then renames, so that nobody finds half a table.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // A device or a pipe is written to, not replaced.
        return fs::write(path, bytes);
    }
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
