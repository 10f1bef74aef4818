//! What the node keeps for ever: its promises per query, its journal, and what a person decided.
//!
//! One SQLite file in the state folder, in WAL mode with `synchronous=FULL`: what a call here has acknowledged is on
//! the disk.

use std::io;
use std::path::{Path, PathBuf};

use optelsom_codebook::{QueryId, Timestamp};
use optelsom_ledger::canonical::CanonicalError;
use optelsom_proto::private::{self, PrivateError};
use optelsom_secagg::supplier::SupplierRecord;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

pub use super::decision::Decision;

/// A question's `admitted` is 0, or the moment at which the agreement admitted it.
const TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS records (
        query BLOB PRIMARY KEY, record BLOB NOT NULL, ended INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS questions (
        query BLOB PRIMARY KEY, received_at INTEGER NOT NULL, dataset TEXT NOT NULL, edition TEXT NOT NULL,
        purpose TEXT NOT NULL, requester TEXT NOT NULL, document TEXT NOT NULL,
        admitted INTEGER NOT NULL DEFAULT 0, decision TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY, query BLOB NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL, digest BLOB)",
    "CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
];

/// Why the node's store does not do what it should. For the operator to mend.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The state folder cannot be made or locked.
    #[error("state folder {path}: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Folder or database are open to others.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// Another node works on the same state.
    #[error("another optelsom-node is running on {0}; one node, one state folder")]
    InUse(PathBuf),
    /// The database fails: a full disk, for instance.
    #[error("the node's store {path} fails: {cause}; is the disk full, or the file damaged?")]
    Database {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// A record that cannot be read any more.
    #[error("the node's store holds a damaged record of query {query}: {cause}; restore nothing, ask for help")]
    Damaged {
        /// Of which query.
        query: QueryId,
        /// What is wrong with it.
        cause: CanonicalError,
    },
}

/// A question as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// λ.
    pub query: QueryId,
    /// When this node was asked first.
    pub received_at: Timestamp,
    /// Which dataset.
    pub dataset: String,
    /// Which edition.
    pub edition: String,
    /// For which purpose.
    pub purpose: String,
    /// Key id of the requester.
    pub requester: String,
    /// The canonical query document.
    pub document: String,
    /// What a person decided, where one is asked.
    pub decision: Option<Decision>,
}

#[cfg(test)]
impl Question {
    /// One for tests, asked then.
    pub(super) fn example(query: QueryId, received_at: Timestamp) -> Self {
        Self {
            query,
            received_at,
            dataset: "victims".to_owned(),
            edition: "1".to_owned(),
            purpose: "monitor".to_owned(),
            requester: "analyst".to_owned(),
            document: String::new(),
            decision: None,
        }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// λ.
    pub query: QueryId,
    /// When.
    pub at: Timestamp,
    /// What happened, in words without figures.
    pub event: String,
    /// The digest of what was sent, where something was.
    pub digest: Option<Vec<u8>>,
}

/// The node's store.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    path: PathBuf,
}

impl Store {
    /// Opens the store in this state folder, and makes it on first use.
    ///
    /// # Errors
    /// When folder or database cannot be used.
    pub async fn open(state: &Path) -> Result<Self, StoreError> {
        private::folder(state)?;
        let path = state.join("node.sqlite");
        private::database(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // What is forgotten is overwritten.
            .pragma("secure_delete", "ON")
            .busy_timeout(std::time::Duration::from_secs(10));
        let database = |cause| StoreError::Database { path: path.clone(), cause };
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(database)?;
        let others = super::log_store::TABLES.into_iter().chain([super::incarnation::TABLE, super::budget::TABLE]);
        for table in TABLES.into_iter().chain(others) {
            sqlx::query(table).execute(&pool).await.map_err(database)?;
        }
        Ok(Self { pool, path })
    }

    /// Writes something that does not matter, to see that it can be written.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at")
            .bind(signed(now))
            .execute(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        Ok(())
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(super) fn failed(&self, cause: sqlx::Error) -> StoreError {
        StoreError::Database { path: self.path.clone(), cause }
    }

    /// Makes a record durable, in place of the one before. The record of a query that has ended takes all with it that was
    /// kept for its sake.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub async fn save(&self, query: &QueryId, record: &SupplierRecord, at: Timestamp) -> Result<(), StoreError> {
        self.keep(query, &record.to_bytes(), record.ended(), at).await
    }

    /// The record of this query, if there is one.
    ///
    /// # Errors
    /// When the store fails, or the record is damaged.
    pub async fn record(&self, query: &QueryId) -> Result<Option<SupplierRecord>, StoreError> {
        let row = sqlx::query("SELECT record FROM records WHERE query = $1")
            .bind(query.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        let Some(row) = row else { return Ok(None) };
        let bytes = zeroize::Zeroizing::new(row.try_get::<Vec<u8>, _>(0).map_err(|cause| self.failed(cause))?);
        SupplierRecord::from_bytes(&bytes).map(Some).map_err(|cause| StoreError::Damaged { query: *query, cause })
    }

    /// At most `most` queries that have not ended here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unfinished(&self, most: usize) -> Result<Vec<QueryId>, StoreError> {
        let rows = sqlx::query("SELECT query FROM records WHERE ended = 0 LIMIT $1")
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        rows.iter().map(|row| query_id(row).map_err(|cause| self.failed(cause))).collect()
    }

    /// Notes a question that has passed the gate; noting it again changes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_question(&self, question: &Question) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO questions (query, received_at, dataset, edition, purpose, requester, document)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (query) DO NOTHING",
        )
        .bind(question.query.as_bytes().as_slice())
        .bind(signed(question.received_at))
        .bind(&question.dataset)
        .bind(&question.edition)
        .bind(&question.purpose)
        .bind(&question.requester)
        .bind(&question.document)
        .execute(&self.pool)
        .await
        .map_err(|cause| self.failed(cause))?;
        Ok(())
    }

    /// How many queries about a dataset were admitted since this moment. None for a query that was admitted before: asked
    /// again, it has its place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admitted_since(&self, dataset: &str, since: Timestamp, query: &QueryId) -> Result<u32, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM questions WHERE dataset = $1 AND admitted >= $2 AND NOT EXISTS (
                 SELECT 1 FROM questions WHERE query = $3 AND admitted > 0)",
        )
        .bind(dataset)
        .bind(signed(since))
        .bind(query.as_bytes().as_slice())
        .fetch_one(&self.pool)
        .await
        .map_err(|cause| self.failed(cause))?;
        let count: i64 = row.try_get(0).map_err(|cause| self.failed(cause))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Notes when the agreement first admitted a query.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_admitted(&self, query: &QueryId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE questions SET admitted = $2 WHERE query = $1 AND admitted = 0")
            .bind(query.as_bytes().as_slice())
            .bind(signed(at))
            .execute(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        Ok(())
    }

    /// The questions whose identifier begins with these hexadecimal digits, latest first; all of them for no digits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn questions(&self, digits: &str) -> Result<Vec<Question>, StoreError> {
        let rows = sqlx::query(
            "SELECT query, received_at, dataset, edition, purpose, requester, document, decision FROM questions
             WHERE lower(hex(query)) LIKE $1 || '%' ORDER BY received_at DESC, query",
        )
        .bind(digits.to_ascii_lowercase().chars().filter(char::is_ascii_hexdigit).collect::<String>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| self.failed(cause))?;
        rows.iter().map(|row| question(row).map_err(|cause| self.failed(cause))).collect()
    }

    /// Writes a line into the journal.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_event(&self, event: &Event) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO events (query, at, event, digest) VALUES ($1, $2, $3, $4)")
            .bind(event.query.as_bytes().as_slice())
            .bind(signed(event.at))
            .bind(&event.event)
            .bind(event.digest.as_deref())
            .execute(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        Ok(())
    }

    /// The journal's lines about a query, in the order in which they were written.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(&self, query: &QueryId) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query("SELECT at, event, digest FROM events WHERE query = $1 ORDER BY id")
            .bind(query.as_bytes().as_slice())
            .fetch_all(&self.pool)
            .await
            .map_err(|cause| self.failed(cause))?;
        let event = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Event { query: *query, at: timestamp(row.try_get(0)?), event: row.try_get(1)?, digest: row.try_get(2)? })
        };
        rows.iter().map(|row| event(row).map_err(|cause| self.failed(cause))).collect()
    }
}

pub(super) fn signed(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(super) fn query_id(row: &sqlx::sqlite::SqliteRow) -> Result<QueryId, sqlx::Error> {
    let id: Vec<u8> = row.try_get(0)?;
    let id = id.try_into().map_err(|_| sqlx::Error::Decode("a query's identifier has 32 bytes".into()))?;
    Ok(QueryId::from_bytes(id))
}

fn question(row: &sqlx::sqlite::SqliteRow) -> Result<Question, sqlx::Error> {
    let decision: Option<String> = row.try_get(7)?;
    Ok(Question {
        query: query_id(row)?,
        received_at: timestamp(row.try_get(1)?),
        dataset: row.try_get(2)?,
        edition: row.try_get(3)?,
        purpose: row.try_get(4)?,
        requester: row.try_get(5)?,
        document: row.try_get(6)?,
        decision: decision.as_deref().and_then(Decision::from_text),
    })
}
