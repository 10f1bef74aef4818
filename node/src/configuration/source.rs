//! The source of a binding.

use std::path::Path;
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8};
use toml::Spanned;

use super::Environment;
use super::document::{CsvDocument, SourceDocument};
use super::problems::Problems;
use crate::source::{CsvSource, ParquetSource, PostgresqlSource, Source, SpreadsheetSource, SqliteSource, View};

/// How many seconds a database may take to give a view, unless the configuration says otherwise.
const TIME_LIMIT: u64 = 600;
/// A day. PostgreSQL keeps its limit in milliseconds in 32 bits, and 0 would mean none.
const LONGEST: u64 = 24 * 60 * 60;

/// Lets the environment say where a database's URL lies.
pub(super) fn override_url_file(dataset: &str, source: &mut SourceDocument, environment: Environment<'_>) {
    if let SourceDocument::Postgresql(document) = source
        && let Some(file) = environment(&format!("OPTELSOM_NODE_URL_FILE_{}", dataset.to_uppercase()))
    {
        document.url_file = file.into();
    }
}

pub(super) fn resolve(document: &SourceDocument, folder: &Path, problems: &mut Problems) -> Option<Source> {
    Some(match document {
        SourceDocument::Csv(document) => Source::Csv(csv(document, folder, problems)?),
        SourceDocument::Parquet(document) => Source::Parquet(ParquetSource { path: folder.join(&document.path) }),
        SourceDocument::Spreadsheet(document) => {
            Source::Spreadsheet(SpreadsheetSource { path: folder.join(&document.path), sheet: document.sheet.clone() })
        }
        SourceDocument::Sqlite(document) => {
            let (view, limit) =
                (view(&document.view, problems), time_limit(document.time_limit_seconds.as_ref(), problems));
            Source::Sqlite(SqliteSource { path: folder.join(&document.path), view: view?, time_limit: limit? })
        }
        SourceDocument::Postgresql(document) => {
            let (view, limit) =
                (view(&document.view, problems), time_limit(document.time_limit_seconds.as_ref(), problems));
            let url_file = folder.join(&document.url_file);
            Source::Postgresql(PostgresqlSource { url_file, view: view?, time_limit: limit? })
        }
    })
}

fn time_limit(seconds: Option<&Spanned<i64>>, problems: &mut Problems) -> Option<Duration> {
    let Some(seconds) = seconds else { return Some(Duration::from_secs(TIME_LIMIT)) };
    match u64::try_from(*seconds.get_ref()) {
        Ok(within @ 1..=LONGEST) => Some(Duration::from_secs(within)),
        _ => {
            let message = format!("time_limit_seconds = {} is no limit", seconds.get_ref());
            let mend = format!("write from 1 to {LONGEST}, a day; without it the limit is {TIME_LIMIT}");
            problems.report(seconds.span(), message, mend);
            None
        }
    }
}

fn view(text: &Spanned<String>, problems: &mut Problems) -> Option<View> {
    View::new(text.get_ref()).map_err(|error| problems.report(text.span(), error.to_string(), "")).ok()
}

fn csv(document: &CsvDocument, folder: &Path, problems: &mut Problems) -> Option<CsvSource> {
    let delimiter = match &document.delimiter {
        None => Some(b','),
        Some(text) => match text.get_ref().as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => Some(*byte),
            _ => {
                problems.report(
                    text.span(),
                    format!("the delimiter {:?} is not one character", text.get_ref()),
                    "use \";\", \",\" or \"\\t\"",
                );
                None
            }
        },
    };
    let encoding = match &document.encoding {
        None => Some(UTF_8),
        Some(label) => {
            let known = Encoding::for_label_no_replacement(label.get_ref().as_bytes());
            if known.is_none() {
                let message = format!("there is no encoding {:?}", label.get_ref());
                problems.report(
                    label.span(),
                    message,
                    "use \"utf-8\", \"windows-1252\" or another name of the WHATWG list",
                );
            }
            known
        }
    };
    Some(CsvSource {
        path: folder.join(&document.path),
        delimiter: delimiter?,
        quote: document.quote,
        encoding: encoding?,
        header: document.header,
    })
}
