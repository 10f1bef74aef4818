//! The log's own tables: its register, its tiles, what is published, and the documents beside it.

use std::collections::BTreeSet;

use optelsom_codebook::{Hash256, QueryId};
use optelsom_ledger::Signature;
use optelsom_ledger::entry::Approval;
use optelsom_ledger::tiles::{TilePath, Tiles};
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};

/// Where a query stands in the log, and the cosigned checkpoint that all nodes are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Index of its entry.
    pub index: u64,
    /// A signed note.
    pub checkpoint: Vec<u8>,
}

/// What became of the log's growth.
#[derive(Debug)]
pub enum Commit {
    /// It is durable.
    Done,
    /// Something else stands in the register. Nothing was written.
    Refused,
    /// The store failed before anything was written.
    Failed(StoreError),
    /// The store failed while it wrote: nobody can say whether it did.
    Unknown(StoreError),
}

impl Store {
    /// The checkpoint in the register, the one place that is changed by compare-and-swap.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn register(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let row =
            sqlx::query("SELECT note FROM ledger_notes WHERE name = 'register'").fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Replaces exactly `expected` in the register, and writes tiles to their paths: all of it in one transaction.
    pub async fn commit(&self, expected: Option<&[u8]>, replacement: &[u8], tiles: &Tiles) -> Commit {
        let mut transaction = match self.pool.begin().await {
            Ok(transaction) => transaction,
            Err(cause) => return Commit::Failed(cause.into()),
        };
        // Left without a commit, a transaction is rolled back.
        match write(&mut transaction, expected, replacement, tiles).await {
            Err(cause) => Commit::Failed(cause.into()),
            Ok(false) => Commit::Refused,
            Ok(true) => match transaction.commit().await {
                Ok(()) => Commit::Done,
                Err(cause) => Commit::Unknown(cause.into()),
            },
        }
    }

    /// The checkpoint that was published last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn published(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let row =
            sqlx::query("SELECT note FROM ledger_notes WHERE name = 'published'").fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Publishes a cosigned checkpoint.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn publish(&self, note: &[u8]) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO ledger_notes (name, note) VALUES ('published', $1) \
             ON CONFLICT (name) DO UPDATE SET note = excluded.note",
        )
        .bind(note.to_vec())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What lies under the path of a tile.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT bytes FROM ledger_tiles WHERE path = $1")
            .bind(path.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Those of these tiles that are there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tiles(&self, paths: impl IntoIterator<Item = TilePath>) -> Result<Tiles, StoreError> {
        let mut tiles = Tiles::new();
        for path in paths {
            if let Some(bytes) = self.tile(&path.to_string()).await? {
                tiles.insert(path, bytes);
            } else if let Some(bytes) = self.narrowed(&path).await? {
                tiles.insert(path, bytes);
            }
        }
        Ok(tiles)
    }

    /// A tile of hashes as it was before it was full, out of the full one, which has taken its place.
    async fn narrowed(&self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let name = path.to_string();
        let Some((full, _)) = name.split_once(".p/").filter(|_| path.level().is_some()) else { return Ok(None) };
        let mut bytes = self.tile(full).await?.unwrap_or_default();
        let width = usize::from(path.width()) * 32;
        bytes.truncate(width);
        Ok(Some(bytes).filter(|bytes| bytes.len() == width))
    }

    /// Keeps a document under its digest.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn keep_document(&self, document: &[u8]) -> Result<Hash256, StoreError> {
        let digest = Hash256::of(document);
        sqlx::query("INSERT INTO documents (digest, document) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING")
            .bind(digest.to_string())
            .bind(document.to_vec())
            .execute(&self.pool)
            .await?;
        Ok(digest)
    }

    /// The document of this digest.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn document(&self, digest: &Hash256) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT document FROM documents WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Keeps where a query stands in the log. Once said it stays.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn keep_logged(&self, id: &QueryId, logged: &Logged) -> Result<(), StoreError> {
        sqlx::query("UPDATE queries SET log_index = $1, checkpoint = $2 WHERE id = $3 AND log_index IS NULL")
            .bind(i64::try_from(logged.index).unwrap_or(i64::MAX))
            .bind(logged.checkpoint.clone())
            .bind(id.as_bytes().to_vec())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Where a query stands in the log, if it does.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn logged(&self, id: &QueryId) -> Result<Option<Logged>, StoreError> {
        let row = sqlx::query("SELECT log_index, checkpoint FROM queries WHERE id = $1 AND log_index IS NOT NULL")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let index: i64 = row.try_get(0)?;
        Ok(Some(Logged { index: u64::try_from(index).unwrap_or(0), checkpoint: row.try_get(1)? }))
    }

    /// Entries that an ended query still owes the log, by query.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owed_entries(&self) -> Result<BTreeSet<QueryId>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT query FROM ledger_owed").fetch_all(&self.pool).await?;
        let mut queries = BTreeSet::new();
        for row in rows {
            let id: Vec<u8> = row.try_get(0)?;
            let id = QueryId::try_from(id.as_slice());
            queries.insert(id.map_err(|_| StoreError::Unreadable("the id of a query has 32 bytes".to_owned()))?);
        }
        Ok(queries)
    }

    /// The entries that this query owes the log, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owed_by(&self, id: &QueryId) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query("SELECT entry FROM ledger_owed WHERE query = $1 ORDER BY place")
            .bind(id.as_bytes().to_vec())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// What the query owed stands in the log.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn owes_nothing(&self, id: &QueryId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM ledger_owed WHERE query = $1")
            .bind(id.as_bytes().to_vec())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A file beside a release, once its query owes the log nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn release_file(&self, id: &QueryId, file: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(
            "SELECT bytes FROM release_files WHERE query = $1 AND file = $2 \
             AND NOT EXISTS (SELECT 1 FROM ledger_owed WHERE ledger_owed.query = release_files.query)",
        )
        .bind(id.as_bytes().to_vec())
        .bind(file.to_owned())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The second person's signature on a query, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approval(&self, id: &QueryId) -> Result<Option<Approval>, StoreError> {
        let row = sqlx::query("SELECT approver, approval FROM queries WHERE id = $1 AND approval IS NOT NULL")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let signature: Vec<u8> = row.try_get(1)?;
        let signature = <[u8; 64]>::try_from(signature.as_slice());
        let signature = signature.map_err(|_| StoreError::Unreadable("a signature has 64 bytes".to_owned()))?;
        Ok(Some(Approval { approver: row.try_get(0)?, signature: Signature::from_bytes(signature) }))
    }

    /// Keeps the second person's signature on a query. False if there is one already, or the query is not there.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn approve(&self, id: &QueryId, approval: &Approval) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE queries SET approver = $1, approval = $2 WHERE id = $3 AND approval IS NULL")
            .bind(approval.approver.clone())
            .bind(approval.signature.as_bytes().to_vec())
            .bind(id.as_bytes().to_vec())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Writes the register and the tiles. False if something else than `expected` stands in the register.
async fn write(
    connection: &mut AnyConnection,
    expected: Option<&[u8]>,
    replacement: &[u8],
    tiles: &Tiles,
) -> Result<bool, sqlx::Error> {
    const BEGIN: &str = "INSERT INTO ledger_notes (name, note) VALUES ('register', $1) ON CONFLICT (name) DO NOTHING";
    const GO_ON: &str = "UPDATE ledger_notes SET note = $1 WHERE name = 'register' AND note = $2";
    let swap = sqlx::query(if expected.is_some() { GO_ON } else { BEGIN }).bind(replacement);
    let swap = match expected {
        Some(expected) => swap.bind(expected),
        None => swap,
    };
    if swap.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(false);
    }
    for (path, bytes) in tiles {
        let insert = "INSERT INTO ledger_tiles (path, bytes) VALUES ($1, $2) \
                      ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes";
        sqlx::query(insert).bind(path.to_string()).bind(bytes.as_slice()).execute(&mut *connection).await?;
        // Of a tile that is full, what it was before is of no use to anybody.
        if u64::from(path.width()) == 256 {
            let narrower = format!("{path}.p/%");
            sqlx::query("DELETE FROM ledger_tiles WHERE path LIKE $1").bind(narrower).execute(&mut *connection).await?;
        }
    }
    Ok(true)
}
