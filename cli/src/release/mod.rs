//! A release as it is printed: for people, as CSV, or as it is.

mod csv;
mod text;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use optelsom_codebook::Lang;
use optelsom_disclosure::Release;
use tempfile::NamedTempFile;

use crate::arguments::{Format, OutputArguments};
use crate::failure::Failure;

/// Prints a release where and how it was asked.
///
/// # Errors
/// When the output cannot be written. A file that exists is replaced whole, or not at all.
pub fn print(release: &Release, lang: Lang, arguments: &OutputArguments) -> Result<(), Failure> {
    let bytes = render(release, lang, arguments.format, arguments.output.is_none() && io::stdout().is_terminal())?;
    match &arguments.output {
        None => {
            let mut out = io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush()).map_err(Failure::Output)
        }
        Some(path) => replace(path, &bytes).map_err(|cause| Failure::file(path, cause)),
    }
}

fn render(release: &Release, lang: Lang, format: Format, fit_terminal: bool) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Table => Ok(text::table(release, lang, fit_terminal).into_bytes()),
        Format::Csv => csv::table(release, lang).map_err(Failure::Output),
        Format::Json => {
            let mut bytes = release.to_json()?;
            bytes.push(b'\n');
            Ok(bytes)
        }
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
