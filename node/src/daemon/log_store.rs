//! The node's own copy of the log, and what its gate has passed.

use optelsom_codebook::{Hash256, QueryId};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::witness::WitnessRecord;
use sqlx::Row;

use super::store::{Store, StoreError};

/// The tables.
pub(super) const TABLES: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS log_entries (at INTEGER PRIMARY KEY, entry BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_documents (digest TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS log_heads (size INTEGER PRIMARY KEY, root BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_record (
        id INTEGER PRIMARY KEY CHECK (id = 1), record BLOB NOT NULL, checkpoint BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS passed (
        query BLOB PRIMARY KEY, at INTEGER NOT NULL, checkpoint BLOB NOT NULL) WITHOUT ROWID",
];

/// What one piece adds to the copy.
pub(super) struct Growth<'a> {
    pub(super) first: u64,
    pub(super) leaves: &'a [Leaf],
    pub(super) documents: &'a [Vec<u8>],
    pub(super) record: &'a WitnessRecord,
    /// With the log's signature.
    pub(super) checkpoint: &'a [u8],
}

/// Under which checkpoint a query passed the gate, and where it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedGate {
    /// Index of its entry.
    pub index: u64,
    /// Digest of the checkpoint.
    pub checkpoint: Hash256,
}

fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Makes what the log has grown by durable, all or nothing: entries, documents, and the record that speaks of them.
    pub(super) async fn grow(&self, growth: Growth<'_>) -> Result<(), StoreError> {
        self.try_grow(growth).await.map_err(|cause| self.failed(cause))
    }

    async fn try_grow(&self, growth: Growth<'_>) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool().begin().await?;
        for (leaf, at) in growth.leaves.iter().zip(growth.first..) {
            sqlx::query("INSERT INTO log_entries (at, entry) VALUES ($1, $2)")
                .bind(column(at))
                .bind(leaf.as_bytes())
                .execute(&mut *transaction)
                .await?;
        }
        for document in growth.documents {
            sqlx::query("INSERT INTO log_documents (digest, document) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING")
                .bind(Hash256::of(document).to_string())
                .bind(document)
                .execute(&mut *transaction)
                .await?;
        }
        let head = growth.record.head();
        sqlx::query("INSERT INTO log_heads (size, root) VALUES ($1, $2) ON CONFLICT (size) DO NOTHING")
            .bind(column(head.size()))
            .bind(head.root().as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO log_record (id, record, checkpoint) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET record = excluded.record, checkpoint = excluded.checkpoint",
        )
        .bind(growth.record.to_bytes())
        .bind(growth.checkpoint)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    /// The record and the checkpoint that it is of, if the node has seen any.
    pub(super) async fn log_record(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        let row = sqlx::query("SELECT record, checkpoint FROM log_record").fetch_optional(self.pool()).await;
        let row = row.map_err(|cause| self.failed(cause))?;
        let both = |row: sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        row.map(both).transpose().map_err(|cause| self.failed(cause))
    }

    /// At most `most` entries from this index on.
    pub(crate) async fn log_entries(&self, from: u64, most: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query("SELECT entry FROM log_entries WHERE at >= $1 ORDER BY at LIMIT $2")
            .bind(column(from))
            .bind(i64::from(most))
            .fetch_all(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(|cause| self.failed(cause))
    }

    /// The document of this digest, if it came with the log.
    pub(super) async fn log_document(&self, digest: &Hash256) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT document FROM log_documents WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        row.map(|row| row.try_get(0)).transpose().map_err(|cause| self.failed(cause))
    }

    /// The root that the log had at this size, if the node was shown a checkpoint of that size.
    pub(super) async fn log_root(&self, size: u64) -> Result<Option<Hash256>, StoreError> {
        let row = sqlx::query("SELECT root FROM log_heads WHERE size = $1")
            .bind(column(size))
            .fetch_optional(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        let root: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose().map_err(|cause| self.failed(cause))?;
        Ok(root.and_then(|root| <[u8; 32]>::try_from(root.as_slice()).ok()).map(Hash256::from_bytes))
    }

    /// Keeps that a query has passed the gate. Once said it stays: a query goes by one checkpoint.
    pub(super) async fn keep_passed(&self, query: &QueryId, passed: PassedGate) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO passed (query, at, checkpoint) VALUES ($1, $2, $3) ON CONFLICT (query) DO NOTHING")
            .bind(query.as_bytes().as_slice())
            .bind(column(passed.index))
            .bind(passed.checkpoint.as_bytes().as_slice())
            .execute(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        Ok(())
    }

    /// Under which checkpoint a query has passed the gate, if it has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn passed(&self, query: &QueryId) -> Result<Option<PassedGate>, StoreError> {
        let row = sqlx::query("SELECT at, checkpoint FROM passed WHERE query = $1")
            .bind(query.as_bytes().as_slice())
            .fetch_optional(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        let Some(row) = row else { return Ok(None) };
        let at: i64 = row.try_get(0).map_err(|cause| self.failed(cause))?;
        let checkpoint: Vec<u8> = row.try_get(1).map_err(|cause| self.failed(cause))?;
        let checkpoint = <[u8; 32]>::try_from(checkpoint.as_slice());
        let checkpoint = checkpoint.map_err(|_| self.failed(sqlx::Error::Decode("a digest has 32 bytes".into())))?;
        Ok(Some(PassedGate { index: u64::try_from(at).unwrap_or(0), checkpoint: Hash256::from_bytes(checkpoint) }))
    }
}
