//! What the coordinator keeps: accepted queries, their records and outcomes, editions, what nodes say of themselves.
//!
//! One set of statements over SQLite (write-ahead log, `synchronous=FULL`) and PostgreSQL. Whatever a function has
//! returned from is durable.

mod announcements;
mod ledger;
mod open;
mod queries;

use optelsom_codebook::Timestamp;
use sqlx::AnyPool;
use thiserror::Error;

pub use announcements::NodeAnnouncement;
pub use ledger::{Commit, Logged};
pub use open::OpenError;
pub use queries::{Accepted, Ending, Found, StoredOutcome, StoredQuery, Summary};

/// Why the store has not done what it was told. The operator's to mend; nothing was changed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database refuses, is full, or cannot be reached.
    #[error("the store fails: {0}; look at its disk and its server")]
    Database(#[from] sqlx::Error),
    /// What stands there is not what this software wrote.
    #[error("the store holds something unreadable: {0}; restore it from its backup")]
    Unreadable(String),
}

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// Writes something that does not matter, to see that it can be written.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        let write = "INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        sqlx::query(write).bind(to_column(now)).execute(&self.pool).await?;
        Ok(())
    }

    /// Closes it, so that its file may be opened by another.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn to_column(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn from_column(at: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(at).unwrap_or(0))
}
