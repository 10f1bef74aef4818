//! The kinds of files in which suppliers keep their records.

pub mod csv;
pub mod parquet;
pub mod spreadsheet;
pub mod sqlite;

use thiserror::Error;

/// Rows of text under named columns, before they are written as one kind of file or another.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    /// No rows yet.
    pub fn under(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: one value for each column, empty where nothing is known.
    pub fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}

/// A file of the sandbox could not be written. It is the operator's machine that is at fault: a full disk, a folder that may
/// not be written to.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file system refused.
    #[error("cannot write {path}: {cause}; choose a folder that can be written to and has room")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot write the SQLite file {path}: {cause}")]
    Sqlite {
        /// The file.
        path: String,
        /// What SQLite said.
        cause: sqlx::Error,
    },
    /// The Parquet writer refused.
    #[error("cannot write the Parquet file {path}: {cause}")]
    Parquet {
        /// The file.
        path: String,
        /// What the writer said.
        cause: ::parquet::errors::ParquetError,
    },
    /// The spreadsheet's archive could not be written.
    #[error("cannot write the spreadsheet {path}: {cause}")]
    Spreadsheet {
        /// The file.
        path: String,
        /// What the archive's writer said.
        cause: zip::result::ZipError,
    },
}

impl WriteError {
    /// The file system refused this path.
    pub fn file(path: &std::path::Path, cause: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), cause }
    }
}
