//! Which life of this node's store this is: so that a backup that is put back does not undo what the node has promised.
//!
//! At every start the store and a small file beside it are given a fresh id, the same in both. Backups leave that file
//! out. A store that comes back from one therefore meets another id than its own, or none, and the node does not start:
//! it may have cosigned a longer log since, and voted on queries that it no longer knows. `optelsom-node reconcile` lets
//! it begin again, with care: until enough other witnesses have dated a checkpoint after that moment it cosigns nothing
//! and answers nothing, and whatever stands in the log before that checkpoint it never answers again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use optelsom_codebook::Timestamp;
use optelsom_proto::private;
use sqlx::Row;
use thiserror::Error;

use super::clock::{now, random};
use super::store::{Store, StoreError};

/// The table.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS incarnation (
    id INTEGER PRIMARY KEY CHECK (id = 1), current TEXT NOT NULL, next TEXT NOT NULL, restored_at INTEGER, floor INTEGER)";

/// Why the node does not start on this store.
#[derive(Debug, Error)]
pub enum IncarnationError {
    /// The store is another than the one that last ran here.
    #[error(
        "the node's store is not the one that last ran here: it was put back from a backup, or {twin} was lost. What this \
         node has promised since is unknown to it. See that no other copy of this node runs, then run \
         `optelsom-node reconcile`"
    )]
    Restored {
        /// The file beside the store.
        twin: PathBuf,
    },
    /// The file beside the store.
    #[error("{twin}: {cause}")]
    Twin {
        /// Which.
        twin: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// How far a node that was put back has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was never put back, or that is so long ago that all before this index is over: nothing before it is answered.
    From(u64),
    /// It waits for a checkpoint that enough other witnesses have dated after this moment.
    Unreconciled(Timestamp),
}

struct Ids {
    current: String,
    next: String,
}

fn fresh() -> Result<String, IncarnationError> {
    random::<16>().map(hex::encode).map_err(IncarnationError::Random)
}

fn read(twin: &Path) -> Result<Option<String>, IncarnationError> {
    match std::fs::read_to_string(twin) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(IncarnationError::Twin { twin: twin.to_owned(), cause }),
    }
}

fn write(twin: &Path, id: &str) -> Result<(), IncarnationError> {
    replace(twin, id).map_err(|cause| IncarnationError::Twin { twin: twin.to_owned(), cause })
}

/// Whole, or as it was before.
fn replace(twin: &Path, id: &str) -> io::Result<()> {
    let aside = twin.with_extension("incarnation.new");
    let mut file = private::file(&aside)?;
    file.set_len(0)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    std::fs::rename(&aside, twin)
}

/// Begins a further life of the store.
///
/// # Errors
/// When it was put back from a backup, or store and file cannot be written.
pub(super) async fn begin(store: &Store, twin: &Path) -> Result<(), IncarnationError> {
    let fresh = fresh()?;
    let found = read(twin)?;
    match (store.incarnation().await?, found) {
        // A store and a file that are both new; or one from before there were incarnations.
        (None, None) => store.first_incarnation(&fresh).await?,
        (Some(ids), Some(found)) if found == ids.current || found == ids.next => {
            store.next_incarnation(&found, &fresh).await?;
        }
        _ => return Err(IncarnationError::Restored { twin: twin.to_owned() }),
    }
    write(twin, &fresh)
}

/// An operator's word: this is the one copy of the node, and it begins again with what it has.
///
/// # Errors
/// When store and file cannot be written.
pub async fn reconcile(store: &Store, twin: &Path) -> Result<(), IncarnationError> {
    let fresh = fresh()?;
    store.reconcile(&fresh, now()).await?;
    write(twin, &fresh)
}

impl Store {
    async fn incarnation(&self) -> Result<Option<Ids>, StoreError> {
        let row = sqlx::query("SELECT current, next FROM incarnation").fetch_optional(self.pool()).await;
        let ids = |row: sqlx::sqlite::SqliteRow| Ok(Ids { current: row.try_get(0)?, next: row.try_get(1)? });
        row.and_then(|row| row.map(ids).transpose()).map_err(|cause| self.failed(cause))
    }

    async fn first_incarnation(&self, id: &str) -> Result<(), StoreError> {
        let insert = "INSERT INTO incarnation (id, current, next) VALUES (1, $1, $1)";
        sqlx::query(insert).bind(id).execute(self.pool()).await.map(drop).map_err(|cause| self.failed(cause))
    }

    /// Both are good until the file says which.
    async fn next_incarnation(&self, current: &str, next: &str) -> Result<(), StoreError> {
        let update = "UPDATE incarnation SET current = $1, next = $2";
        let done = sqlx::query(update).bind(current).bind(next).execute(self.pool()).await;
        done.map(drop).map_err(|cause| self.failed(cause))
    }

    async fn reconcile(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO incarnation (id, current, next, restored_at) VALUES (1, $1, $1, $2) ON CONFLICT (id) DO UPDATE \
             SET current = excluded.current, next = excluded.next, restored_at = excluded.restored_at",
        )
        .bind(id)
        .bind(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
        .execute(self.pool())
        .await
        .map(drop)
        .map_err(|cause| self.failed(cause))
    }

    /// How far a node that was put back has got.
    pub(super) async fn standing(&self) -> Result<Standing, StoreError> {
        let row = sqlx::query("SELECT restored_at, floor FROM incarnation").fetch_optional(self.pool()).await;
        let row = row.map_err(|cause| self.failed(cause))?;
        let Some(row) = row else { return Ok(Standing::From(0)) };
        let restored: Option<i64> = row.try_get(0).map_err(|cause| self.failed(cause))?;
        let floor: Option<i64> = row.try_get(1).map_err(|cause| self.failed(cause))?;
        Ok(match restored {
            Some(at) => Standing::Unreconciled(Timestamp::from_millis(u64::try_from(at).unwrap_or(0))),
            None => Standing::From(floor.and_then(|floor| u64::try_from(floor).ok()).unwrap_or(0)),
        })
    }

    /// Enough other witnesses have dated a checkpoint of this size after the node was put back.
    pub(super) async fn reconciled(&self, floor: u64) -> Result<(), StoreError> {
        let update = "UPDATE incarnation SET restored_at = NULL, floor = $1";
        let floor = i64::try_from(floor).unwrap_or(i64::MAX);
        sqlx::query(update).bind(floor).execute(self.pool()).await.map(drop).map_err(|cause| self.failed(cause))
    }
}
