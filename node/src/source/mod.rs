//! Where a supplier's records stand, and how they are read: once, row by row, as text.
//!
//! Every kind of source yields the same: for each row its place, and the bytes of the columns that were asked for.
//! No value (NULL, an empty cell) is an empty text.

mod columns;
mod csv;
mod database;
mod error;
mod guard;
mod parquet;
mod spreadsheet;

use std::fmt;
use std::path::PathBuf;

use encoding_rs::Encoding;

pub use columns::{did_you_mean, locate};
pub use csv::CsvSource;
pub use database::{Identifier, IdentifierError, PostgresqlSource, SqliteSource, View};
pub use error::{CsvProblem, SourceError};
pub use parquet::ParquetSource;
pub use spreadsheet::SpreadsheetSource;

/// Where a row stands, for the person who has to mend it. Counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line of a text file on which the record starts.
    Line(u64),
    /// The row of a table; in a spreadsheet the number that its margin shows.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// How far reading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Bytes read, where the source knows.
    pub bytes: u64,
    /// Bytes in all, where the source knows.
    pub total_bytes: Option<u64>,
}

/// A source as the configuration binds it.
#[derive(Clone, Debug)]
pub enum Source {
    /// A CSV file.
    Csv(CsvSource),
    /// A Parquet file, or a folder of them.
    Parquet(ParquetSource),
    /// One sheet of an Excel or OpenDocument file.
    Spreadsheet(SpreadsheetSource),
    /// A table or view of a SQLite file.
    Sqlite(SqliteSource),
    /// A view of a PostgreSQL database.
    Postgresql(PostgresqlSource),
}

impl Source {
    /// The word by which configuration and reports call this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Csv(_) => "csv",
            Self::Parquet(_) => "parquet",
            Self::Spreadsheet(_) => "spreadsheet",
            Self::Sqlite(_) => "sqlite",
            Self::Postgresql(_) => "postgresql",
        }
    }

    /// The encoding of the bytes that [`Source::read`] yields.
    pub fn encoding(&self) -> &'static Encoding {
        match self {
            Self::Csv(source) => source.yields(),
            _ => encoding_rs::UTF_8,
        }
    }

    /// The files that have to exist before reading.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Csv(source) => vec![source.path.clone()],
            Self::Parquet(source) => vec![source.path.clone()],
            Self::Spreadsheet(source) => vec![source.path.clone()],
            Self::Sqlite(source) => vec![source.path.clone()],
            Self::Postgresql(source) => vec![source.url_file.clone()],
        }
    }

    /// The names of the columns that there are.
    ///
    /// # Errors
    /// When the source cannot be opened or its head not be read.
    pub fn columns(&self) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Csv(source) => source.columns(),
            Self::Parquet(source) => source.columns(),
            Self::Spreadsheet(source) => source.columns(),
            Self::Sqlite(source) => source.columns(),
            Self::Postgresql(source) => source.columns(),
        }
    }

    /// Opens the source, and finds these columns in it: the position of each.
    ///
    /// # Errors
    /// When it cannot be opened, or has not all the columns.
    pub fn find(&self, columns: &[String]) -> Result<Vec<usize>, SourceError> {
        let present = self.columns()?;
        match self {
            Self::Csv(source) => source.locate(columns, &present),
            _ => locate(columns, &present),
        }
    }

    /// Reads every row once. `row` gets its place and one value for each of `columns`, in their order.
    ///
    /// # Errors
    /// When the source is broken or has not all the columns, or when `row` fails; rows before it have been given by then.
    pub fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Csv(source) => source.read(columns, progress, row),
            Self::Parquet(source) => source.read(columns, progress, row),
            Self::Spreadsheet(source) => source.read(columns, progress, row),
            Self::Sqlite(source) => source.read(columns, progress, row),
            Self::Postgresql(source) => source.read(columns, progress, row),
        }
    }
}

/// After so many rows progress is told.
const PROGRESS_ROWS: u64 = 65_536;
