//! SQLite files: opened for reading only, read in one transaction, with a time limit.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, SqlSafeStr as _, Statement as _};

use super::conversation::{Batch, converse, give_rows, select, send_rows};
use super::{TIME_LIMIT_REACHED, View};
use crate::source::{Place, Progress, SourceError, locate};

/// So many steps of SQLite's machine lie between two looks at the clock: a few microseconds.
const STEPS: i32 = 4096;
/// SQLite's code for what was interrupted.
const INTERRUPTED: &str = "9";

/// A table or view of a SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteSource {
    /// The file.
    pub path: PathBuf,
    /// The table or view.
    pub view: View,
    /// How long reading it may take.
    pub time_limit: Duration,
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
        self.begin(&mut connection).await?;
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

    /// Begins the transaction, ended by parting, and the time that it may take: whatever a view computes, it is broken off
    /// then, whether rows come of it or not.
    async fn begin(&self, connection: &mut SqliteConnection) -> Result<(), SourceError> {
        let failed = |error: sqlx::Error| self.failed("beginning to read", &error);
        connection.execute("BEGIN").await.map_err(failed)?;
        let (begun, limit) = (Instant::now(), self.time_limit);
        let mut handle = connection.lock_handle().await.map_err(failed)?;
        handle.set_progress_handler(STEPS, move || begun.elapsed() < limit);
        Ok(())
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
        let interrupted = |error: &sqlx::Error| {
            error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(INTERRUPTED))
        };
        let mend = if interrupted(error) {
            TIME_LIMIT_REACHED
        } else {
            "See that the file is a SQLite database, that it has this view, and that no program holds it locked"
        };
        SourceError::Database { database: self.name(), doing, cause: error.to_string(), mend }
    }
}
