//! Opening the store, and the form of its tables.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use optelsom_proto::key_file::{KeyFileError, read_secret};
use optelsom_proto::private::{self, PrivateError};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, Connection, Executor, Row};
use thiserror::Error;

use super::{Store, StoreError};
use crate::configuration::StoreLocation;

/// The form of the tables that this software knows.
const FORM: i64 = 5;

macro_rules! tables {
    ($bytes:literal) => {
        concat!(
            "CREATE TABLE IF NOT EXISTS form (version BIGINT NOT NULL);\n",
            "CREATE TABLE IF NOT EXISTS queries (\n",
            "  id ",
            $bytes,
            " PRIMARY KEY NOT NULL,\n",
            "  entry ",
            $bytes,
            " NOT NULL, signature ",
            $bytes,
            " NOT NULL, document ",
            $bytes,
            " NOT NULL,\n",
            "  requester TEXT NOT NULL, dataset TEXT NOT NULL, accepted_at BIGINT NOT NULL,\n",
            "  policy ",
            $bytes,
            " NOT NULL, record ",
            $bytes,
            ", outcome BIGINT, reason TEXT, ended_at BIGINT, release ",
            $bytes,
            ", log_index BIGINT, checkpoint ",
            $bytes,
            ", approver TEXT, approval ",
            $bytes,
            ");\n",
            "CREATE TABLE IF NOT EXISTS sums (query ",
            $bytes,
            " PRIMARY KEY NOT NULL, words ",
            $bytes,
            " NOT NULL);\n",
            "CREATE INDEX IF NOT EXISTS queries_by_requester ON queries (requester, accepted_at);\n",
            "CREATE TABLE IF NOT EXISTS events (\n",
            "  query ",
            $bytes,
            " NOT NULL, at BIGINT NOT NULL, supplier TEXT NOT NULL, kind TEXT NOT NULL,\n",
            "  detail TEXT NOT NULL);\n",
            "CREATE INDEX IF NOT EXISTS events_by_query ON events (query);\n",
            "CREATE TABLE IF NOT EXISTS editions (\n",
            "  dataset TEXT NOT NULL, edition TEXT NOT NULL, announced_at BIGINT NOT NULL,\n",
            "  PRIMARY KEY (dataset, edition));\n",
            "CREATE TABLE IF NOT EXISTS nodes (\n",
            "  supplier TEXT PRIMARY KEY NOT NULL, hello ",
            $bytes,
            " NOT NULL, last_seen BIGINT NOT NULL);\n",
            "CREATE TABLE IF NOT EXISTS ledger_notes (name TEXT PRIMARY KEY NOT NULL, note ",
            $bytes,
            " NOT NULL);\n",
            "CREATE TABLE IF NOT EXISTS ledger_tiles (path TEXT PRIMARY KEY NOT NULL, bytes ",
            $bytes,
            " NOT NULL);\n",
            "CREATE TABLE IF NOT EXISTS documents (digest TEXT PRIMARY KEY NOT NULL, document ",
            $bytes,
            " NOT NULL);\n",
            "CREATE TABLE IF NOT EXISTS ledger_owed (query ",
            $bytes,
            " NOT NULL, place BIGINT NOT NULL, entry ",
            $bytes,
            " NOT NULL, PRIMARY KEY (query, place));\n",
            "CREATE TABLE IF NOT EXISTS release_files (query ",
            $bytes,
            " NOT NULL, file TEXT NOT NULL, bytes ",
            $bytes,
            " NOT NULL, PRIMARY KEY (query, file));\n",
            "CREATE TABLE IF NOT EXISTS probe (id BIGINT PRIMARY KEY NOT NULL, at BIGINT NOT NULL);\n",
        )
    };
}

const SQLITE_TABLES: &str = tables!("BLOB");
const POSTGRESQL_TABLES: &str = tables!("BYTEA");

/// Sums and releases are megabytes, so that pages are larger than SQLite's own 4 kB: a quarter of the writes. That holds for
/// a store that is made anew; an older one keeps its pages.
const SQLITE_PRAGMAS: &str =
    "PRAGMA busy_timeout=10000; PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";

/// Why there is no store. The operator's to mend.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The SQLite file or its folder cannot be made, or is open to others.
    #[error("the store: {0}")]
    Private(#[from] PrivateError),
    /// The file with the URL.
    #[error(transparent)]
    UrlFile(#[from] KeyFileError),
    /// The file holds no URL of PostgreSQL.
    #[error("{0} should hold one line, postgresql://user:password@host/database")]
    Url(PathBuf),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Written by another version.
    #[error("the store has form {found}, this software knows {FORM}; use the version that belongs to it")]
    Form {
        /// What it has.
        found: i64,
    },
}

impl Store {
    /// Opens the store, and makes its tables where there are none.
    ///
    /// # Errors
    /// When it cannot be reached, or was written by another version.
    pub async fn open(location: &StoreLocation) -> Result<Self, OpenError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let (url, tables) = match location {
            StoreLocation::Sqlite(path) => (sqlite_url(path)?, SQLITE_TABLES),
            StoreLocation::PostgresqlUrlFile(path) => (read_url(path)?, POSTGRESQL_TABLES),
        };
        let sqlite = matches!(location, StoreLocation::Sqlite(_));
        // A pool would try for a long time what cannot succeed: the first connection is made by itself.
        let mut first = AnyConnection::connect(&url).await.map_err(StoreError::from)?;
        if sqlite {
            first.execute(SQLITE_PRAGMAS).await.map_err(StoreError::from)?;
        }
        first.execute(tables).await.map_err(StoreError::from)?;
        first.close().await.map_err(StoreError::from)?;
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(20))
            // A server may have gone away meanwhile; a file has not, and each question costs two changes of threads.
            .test_before_acquire(!sqlite)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        connection.execute(SQLITE_PRAGMAS).await?;
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .map_err(StoreError::from)?;
        let store = Self { pool };
        store.check_form().await?;
        Ok(store)
    }

    async fn check_form(&self) -> Result<(), OpenError> {
        let row = sqlx::query("SELECT version FROM form").fetch_optional(&self.pool).await.map_err(StoreError::from)?;
        match row {
            None => {
                let made = sqlx::query("INSERT INTO form (version) VALUES ($1)").bind(FORM).execute(&self.pool).await;
                made.map_err(StoreError::from)?;
                Ok(())
            }
            Some(row) => match row.try_get::<i64, _>(0).map_err(StoreError::from)? {
                FORM => Ok(()),
                found => Err(OpenError::Form { found }),
            },
        }
    }
}

fn sqlite_url(path: &Path) -> Result<String, OpenError> {
    if let Some(folder) = path.parent() {
        private::make_folder(folder)?;
    }
    private::database(path)?;
    let mut url = "sqlite://".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            other => url.push(other),
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

fn read_url(path: &Path) -> Result<String, OpenError> {
    let secret = read_secret(path)?;
    let text = std::str::from_utf8(&secret).unwrap_or_default().trim();
    let known = text.starts_with("postgresql://") || text.starts_with("postgres://");
    if known && !text.contains(char::is_whitespace) {
        Ok(text.to_owned())
    } else {
        Err(OpenError::Url(path.to_owned()))
    }
}
