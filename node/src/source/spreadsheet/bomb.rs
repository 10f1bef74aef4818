//! Spreadsheets that would grow out of hand, refused before they do: small files that unpack to very large ones, and
//! sheets that repeat a cell a billion times.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::super::SourceError;
use super::super::guard::contained;

/// The largest file, as it lies on disk.
const MAX_FILE: u64 = 32 << 20;
/// The most bytes of all its parts together, unpacked.
const MAX_UNPACKED: u64 = 64 << 20;
/// The most cells of a sheet, repetitions counted.
const MAX_CELLS: u64 = 2_000_000;

/// The file's bytes, once it is sure that all its parts unpack to little enough. What the parts say of their size is not
/// believed: they are unpacked and counted.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, "the file", format!("{MAX_FILE} bytes")));
    }
    let mut archive = unzip(path, &bytes)?;
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let counted = contained(|| {
            let part = archive.by_index(index).map_err(|error| error.to_string())?;
            let room = MAX_UNPACKED - unpacked + 1;
            std::io::copy(&mut part.take(room), &mut std::io::sink()).map_err(|error| error.to_string())
        });
        unpacked += sound(path, counted)?;
        if unpacked > MAX_UNPACKED {
            return Err(too_large(path, "its parts, unpacked", format!("{MAX_UNPACKED} bytes")));
        }
    }
    Ok(bytes)
}

fn too_large(path: &Path, what: &str, limit: String) -> SourceError {
    SourceError::TooLarge { path: path.to_owned(), what: what.to_owned(), limit }
}

fn sound<T>(path: &Path, read: Option<Result<T, String>>) -> Result<T, SourceError> {
    let broken = |cause| SourceError::Spreadsheet { path: path.to_owned(), cause };
    read.unwrap_or_else(|| Err("its contents contradict each other".to_owned())).map_err(broken)
}

fn unzip<'a>(path: &Path, bytes: &'a [u8]) -> Result<ZipArchive<Cursor<&'a [u8]>>, SourceError> {
    sound(path, contained(|| ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())))
}

/// Refuses an OpenDocument sheet whose repeated cells and rows come to too many: its reader lays them all out.
pub(super) fn check_repetitions(path: &Path, bytes: &[u8]) -> Result<(), SourceError> {
    let mut archive = unzip(path, bytes)?;
    let content = sound(
        path,
        contained(|| {
            let part = archive.by_name("content.xml").map_err(|error| error.to_string())?;
            let mut text = Vec::new();
            part.take(MAX_UNPACKED).read_to_end(&mut text).map_err(|error| error.to_string())?;
            Ok(text)
        }),
    )?;
    let text = std::str::from_utf8(&content).map_err(|_| SourceError::Spreadsheet {
        path: path.to_owned(),
        cause: "its content is not UTF-8".to_owned(),
    })?;
    if laid_out(text).is_none_or(|cells| cells > MAX_CELLS) {
        return Err(too_large(path, "its cells, repeated ones counted", MAX_CELLS.to_string()));
    }
    Ok(())
}

/// How many cells the tables come to when repeated rows and columns are laid out. Empty cells and rows at the end are not
/// laid out, and every sheet has many of them. `None` for a repetition that is no plain number.
///
/// This reads tags without a parser, so it errs on the side of counting too many.
fn laid_out(content: &str) -> Option<u64> {
    let (mut rows, mut width, mut held, mut pending_rows) = (0u64, 0u64, 0u64, 0u64);
    let (mut columns, mut pending_columns) = (0u64, 0u64);
    for piece in content.split('<') {
        if starts_element(piece, "table:table-row") {
            (columns, pending_columns) = (0, 0);
            pending_rows = pending_rows.saturating_add(repetition(piece, "number-rows-repeated")?);
        } else if starts_element(piece, "table:table-cell") || starts_element(piece, "table:covered-table-cell") {
            pending_columns = pending_columns.saturating_add(repetition(piece, "number-columns-repeated")?);
            let empty = piece.trim_end().ends_with("/>") && !piece.contains("value");
            if !empty {
                held = held.saturating_add(pending_columns);
                columns = columns.saturating_add(std::mem::take(&mut pending_columns));
                rows = rows.saturating_add(std::mem::take(&mut pending_rows));
                width = width.max(columns);
            }
        }
    }
    Some(held.max(rows.saturating_mul(width)))
}

fn starts_element(piece: &str, name: &str) -> bool {
    piece.strip_prefix(name).is_some_and(|rest| rest.starts_with(['/', '>']) || rest.starts_with(char::is_whitespace))
}

fn repetition(piece: &str, attribute: &str) -> Option<u64> {
    let Some((_, rest)) = piece.split_once(attribute) else { return Some(1) };
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    value.split(['"', '\'']).nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(rows: &str) -> Option<u64> {
        laid_out(&format!("<table:table>{rows}</table:table>"))
    }

    #[test]
    fn counts_what_a_reader_would_lay_out() {
        let ordinary = "<table:table-row><table:table-cell office:value=\"1\"><text:p>1</text:p></table:table-cell>\
            <table:table-cell table:number-columns-repeated=\"16383\"/></table:table-row>\
            <table:table-row table:number-rows-repeated=\"1048575\"><table:table-cell/></table:table-row>";
        assert_eq!(cells(ordinary), Some(1));
        let wide = "<table:table-row><table:table-cell table:number-columns-repeated='16383'/>\
            <table:table-cell office:value='1'/></table:table-row>";
        assert_eq!(cells(wide), Some(16384));
        let tall = "<table:table-row table:number-rows-repeated='1000000'><table:table-cell office:value='>' \
            table:number-columns-repeated='16000'/></table:table-row>";
        assert_eq!(cells(tall), Some(16_000_000_000));
        assert_eq!(cells("<table:table-row table:number-rows-repeated='&#57;'>"), None);
    }
}
