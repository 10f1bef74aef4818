//! Suppliers' own records, in every kind of file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8, UTF_16LE, WINDOWS_1252};
use optelsom_node::freeze::rehearse;
use optelsom_node::source::{CsvSource, ParquetSource, Source, SourceError, SpreadsheetSource, SqliteSource, View};

use super::folder;
use super::sample::edition::binding;
use super::sample::good;
use super::sample::rows::{self, SHEET, VIEW};

/// What no file here comes near: who reaches it has met an endless view.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Reads everything: each row has a value for each column, in the encoding that the source says.
fn read(source: &Source) -> bool {
    let Ok(columns) = source.columns() else { return false };
    let utf_8 = source.encoding() == UTF_8;
    let read = source.read(&columns, &mut |_| {}, |place, values| {
        assert_eq!(values.len(), columns.len(), "{place}");
        assert!(!utf_8 || values.iter().all(|value| std::str::from_utf8(value).is_ok()), "{place} is not UTF-8");
        Ok::<(), SourceError>(())
    });
    read.is_ok()
}

fn csv(bytes: &[u8], encoding: &'static Encoding) -> bool {
    let path = folder::write("records.csv", bytes);
    let with = |delimiter, quote, header| CsvSource { path: path.clone(), delimiter, quote, encoding, header };
    // Without a head and without quotes it is read as well.
    read(&Source::Csv(with(b',', false, false)));
    read(&Source::Csv(with(b';', true, true)))
}

/// A CSV file in UTF-8.
pub fn csv_utf_8(bytes: &[u8]) -> bool {
    csv(bytes, UTF_8)
}

pub(super) fn csv_files_utf_8() -> Vec<Vec<u8>> {
    let marked = [b"\xef\xbb\xbf".as_slice(), &rows::csv_file(UTF_8)].concat();
    let quoted = b"a;\"b;\"\"c\"\"\r\nd\"\r\n\r\n;\n\"\";1".to_vec();
    vec![rows::csv_file(UTF_8), marked, quoted]
}

/// A CSV file in an encoding of one byte a character.
pub fn csv_windows_1252(bytes: &[u8]) -> bool {
    csv(bytes, WINDOWS_1252)
}

pub(super) fn csv_files_windows_1252() -> Vec<Vec<u8>> {
    vec![rows::csv_file(WINDOWS_1252)]
}

/// A CSV file in an encoding that is turned into UTF-8 first.
pub fn csv_utf_16(bytes: &[u8]) -> bool {
    csv(bytes, UTF_16LE)
}

pub(super) fn csv_files_utf_16() -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(&rows::csv_file(UTF_8)).into_owned();
    let units = |mark: Option<u16>| mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    vec![units(None), units(Some(0xfeff))]
}

/// A CSV file whose every value is looked up as freezing does: dates, ages, sets, figures.
pub fn frozen_records(bytes: &[u8]) -> bool {
    let binding = binding(&folder::write("frozen.csv", bytes));
    let Ok(summary) = rehearse(&binding, &mut |_| {}) else { return false };
    for variable in &summary.variables {
        assert_eq!(variable.mapped + variable.missing + variable.otherwise, summary.rows, "{}", variable.name);
    }
    for measure in &summary.measures {
        assert_eq!(measure.present + measure.missing, summary.rows, "{}", measure.name);
    }
    true
}

/// A Parquet file.
pub fn parquet_file(bytes: &[u8]) -> bool {
    folder::with("records.parquet", bytes, |path| read(&Source::Parquet(ParquetSource { path: path.to_owned() })))
}

pub(super) fn parquet_files() -> Vec<Vec<u8>> {
    vec![rows::typed_parquet_file(), rows::text_parquet_file()]
}

/// A SQLite file.
pub fn sqlite_file(bytes: &[u8]) -> bool {
    let source =
        |path: &Path| SqliteSource { path: path.to_owned(), view: good(View::new(VIEW)), time_limit: TIME_LIMIT };
    folder::with("records.sqlite", bytes, |path| read(&Source::Sqlite(source(path))))
}

pub(super) fn sqlite_files() -> Vec<Vec<u8>> {
    vec![rows::sqlite_file()]
}

fn spreadsheet(path: PathBuf) -> bool {
    let with = |sheet| Source::Spreadsheet(SpreadsheetSource { path: path.clone(), sheet });
    read(&with(Some(SHEET.to_owned()))) && read(&with(None))
}

/// An Excel workbook.
pub fn xlsx(bytes: &[u8]) -> bool {
    spreadsheet(folder::write("records.xlsx", bytes))
}

pub(super) fn workbooks() -> Vec<Vec<u8>> {
    vec![rows::xlsx_file(), rows::xlsx_around(&rows::xlsx_sheet())]
}

/// The sheet of an Excel workbook that is good otherwise.
pub fn xlsx_sheet(bytes: &[u8]) -> bool {
    xlsx(&rows::xlsx_around(bytes))
}

pub(super) fn xlsx_sheets() -> Vec<Vec<u8>> {
    vec![rows::xlsx_sheet()]
}

/// A binary Excel workbook.
pub fn xlsb(bytes: &[u8]) -> bool {
    spreadsheet(folder::write("records.xlsb", bytes))
}

pub(super) fn binary_workbooks() -> Vec<Vec<u8>> {
    vec![rows::xlsb_around(&rows::xlsb_sheet())]
}

/// The sheet of a binary Excel workbook that is good otherwise.
pub fn xlsb_sheet(bytes: &[u8]) -> bool {
    xlsb(&rows::xlsb_around(bytes))
}

pub(super) fn xlsb_sheets() -> Vec<Vec<u8>> {
    vec![rows::xlsb_sheet()]
}

/// An OpenDocument spreadsheet.
pub fn ods(bytes: &[u8]) -> bool {
    spreadsheet(folder::write("records.ods", bytes))
}

pub(super) fn open_documents() -> Vec<Vec<u8>> {
    vec![rows::ods_around(&rows::ods_content())]
}

/// The content of an OpenDocument spreadsheet that is good otherwise.
pub fn ods_content(bytes: &[u8]) -> bool {
    ods(&rows::ods_around(bytes))
}

pub(super) fn ods_contents() -> Vec<Vec<u8>> {
    vec![rows::ods_content()]
}
