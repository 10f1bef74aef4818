//! SQLite files, opened for reading only.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, SqlSafeStr as _, Statement as _};

use super::View;
use super::conversation::{Batch, converse, give_rows, select, send_rows};
use crate::source::{Place, Progress, SourceError, locate};

/// A table or view of a SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteSource {
    /// The file.
    pub path: PathBuf,
    /// The table or view.
    pub view: View,
}

impl SqliteSource {
    pub(in crate::source) fn columns(&self) -> Result<Vec<String>, SourceError> {
        converse(&self.name(), async { self.present(&mut self.connect().await?).await })
    }

    pub(in crate::source) fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        mut row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let conversation = |sender| self.stream(columns, sender);
        give_rows(&self.name(), columns.len(), conversation, progress, &mut row)
    }

    async fn stream(&self, columns: &[String], sender: SyncSender<Batch>) -> Result<(), SourceError> {
        let mut connection = self.connect().await?;
        // SQLite takes a quoted name that it does not know for a text, so names are looked up first.
        locate(columns, &self.present(&mut connection).await?)?;
        let statement = select(columns, &self.view, |column| format!("CAST({column} AS TEXT)"))?;
        let rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut connection);
        let read = send_rows(rows, columns.len(), sender).await;
        read.map_err(|error| self.failed("reading the view", &error))
    }

    async fn connect(&self) -> Result<SqliteConnection, SourceError> {
        // The driver calls a missing file merely "unable to open database file".
        std::fs::metadata(&self.path).map_err(|cause| SourceError::Unreadable { path: self.path.clone(), cause })?;
        let options = SqliteConnectOptions::new().filename(&self.path).read_only(true).create_if_missing(false);
        options.connect().await.map_err(|error| self.failed("opening it", &error))
    }

    async fn present(&self, connection: &mut SqliteConnection) -> Result<Vec<String>, SourceError> {
        let statement = AssertSqlSafe(format!("SELECT * FROM {}", self.view)).into_sql_str();
        let prepared = connection.prepare(statement).await.map_err(|error| self.failed("finding the view", &error))?;
        Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn failed(&self, doing: &'static str, error: &sqlx::Error) -> SourceError {
        let mend = "See that the file is a SQLite database, that it has this view, and that no program holds it locked";
        SourceError::Database { database: self.name(), doing, cause: error.to_string(), mend }
    }
}
