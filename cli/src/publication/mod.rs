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

/// Where a table goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// To standard output.
    Output(Format),
    /// Into a file.
    File(Format, &'a Path),
    /// Into a new folder, with all that is needed to check it.
    Bundle(&'a Path),
}

impl<'a> Destination<'a> {
    /// Where the command line says, to be asked before a query is spent on it.
    ///
    /// # Errors
    /// When bytes that nobody can read would go to a terminal, or it does not say whether a file or a folder is meant.
    pub fn of(arguments: &'a OutputArguments) -> Result<Self, Failure> {
        match (&arguments.output, arguments.format) {
            (None, format) => {
                let format = format.unwrap_or(Format::Table);
                check_terminal(format)?;
                Ok(Self::Output(format))
            }
            (Some(path), Some(format)) if !is_folder(path) => Ok(Self::File(format, path)),
            (Some(_), Some(_)) => Err(Failure::Usage(
                "--format writes a file, and -o names a folder; leave --format out for a folder with proofs".to_owned(),
            )),
            (Some(path), None) if names_a_table(path) => Err(Failure::Usage(format!(
                "{}: add --format for a file; without it, -o makes a folder with proofs, and its name has to end in /",
                path.display()
            ))),
            (Some(path), None) => Ok(Self::Bundle(path)),
        }
    }

    /// Tries whether something can be written where the table is to go.
    ///
    /// # Errors
    /// When it cannot, with what the system says.
    pub fn check_writable(&self) -> Result<(), Failure> {
        match self {
            Self::Output(_) => Ok(()),
            Self::File(_, path) if is_device(path) => Ok(()),
            Self::File(_, path) | Self::Bundle(path) => {
                let folder = parent(path);
                tempfile::tempfile_in(folder).map(drop).map_err(|cause| Failure::file(folder, cause))
            }
        }
    }
}

/// The folder that a file or folder of this path is made in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Whether a path looks like a file of one of the formats.
fn names_a_table(path: &Path) -> bool {
    let known = ["csv", "html", "json", "parquet", "svg", "txt", "xlsx"];
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    !is_folder(path) && extension.is_some_and(|extension| known.contains(&extension.as_str()))
}

fn check_terminal(format: Format) -> Result<(), Failure> {
    let binary = match format {
        Format::Xlsx | Format::Parquet => true,
        Format::Table | Format::Csv | Format::CsvNl | Format::Json | Format::SdmxCsv | Format::Html | Format::Svg => {
            false
        }
    };
    if binary && io::stdout().is_terminal() {
        return Err(Failure::Usage("this format is not for a terminal; name a file with -o FILE".to_owned()));
    }
    Ok(())
}

/// Prints a release to standard output.
///
/// # Errors
/// When it cannot be written, or the table does not fit the format.
pub fn print(release: &Release, lang: Lang, format: Format) -> Result<(), Failure> {
    let bytes = render(release, lang, format, io::stdout().is_terminal())?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Writes a release into a file. One that exists is replaced whole, or not at all.
///
/// # Errors
/// When it cannot be written, or the table does not fit the format.
pub fn write(release: &Release, lang: Lang, format: Format, path: &Path) -> Result<(), Failure> {
    replace(path, &render(release, lang, format, false)?).map_err(|cause| Failure::file(path, cause))
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

/// A device or a pipe is written to, not replaced.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// Writes beside the file, then renames, so that nobody finds half a table.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_device(path) {
        return fs::write(path, bytes);
    }
    let mut file = NamedTempFile::new_in(parent(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
