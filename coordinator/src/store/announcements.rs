//! Editions, and what nodes say of themselves.

use optelsom_codebook::{EditionId, SupplierId, Timestamp};
use optelsom_proto::v1;
use optelsom_proto::wire::{Announced, Hello};
use prost::Message;
use sqlx::Row;

use super::{Store, StoreError, from_column, to_column};

/// What a node said of itself when it was last seen.
#[derive(Clone, Debug)]
pub struct NodeAnnouncement {
    /// Whose node.
    pub supplier: SupplierId,
    /// What it said.
    pub hello: Hello,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

impl Store {
    /// Announces an edition; yields it as it was first announced.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn announce(&self, announced: Announced) -> Result<Announced, StoreError> {
        sqlx::query(
            "INSERT INTO editions (dataset, edition, announced_at) VALUES ($1, $2, $3) \
             ON CONFLICT (dataset, edition) DO NOTHING",
        )
        .bind(announced.dataset.clone())
        .bind(announced.edition.to_string())
        .bind(to_column(announced.at))
        .execute(&self.pool)
        .await?;
        let row = sqlx::query("SELECT announced_at FROM editions WHERE dataset = $1 AND edition = $2")
            .bind(announced.dataset.clone())
            .bind(announced.edition.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(Announced { at: from_column(row.try_get(0)?), ..announced })
    }

    /// All editions, in the order of their announcement.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn editions(&self) -> Result<Vec<Announced>, StoreError> {
        let rows = sqlx::query("SELECT dataset, edition, announced_at FROM editions ORDER BY announced_at, edition")
            .fetch_all(&self.pool)
            .await?;
        let mut editions = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get(1)?;
            editions.push(Announced {
                dataset: row.try_get(0)?,
                edition: EditionId::try_from(name.as_str())
                    .map_err(|cause| StoreError::Unreadable(cause.to_string()))?,
                at: from_column(row.try_get(2)?),
            });
        }
        Ok(editions)
    }

    /// Keeps what a node says of itself.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn keep_announcement(&self, node: &NodeAnnouncement) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO nodes (supplier, hello, last_seen) VALUES ($1, $2, $3) \
             ON CONFLICT (supplier) DO UPDATE SET hello = excluded.hello, last_seen = excluded.last_seen",
        )
        .bind(node.supplier.to_string())
        .bind(v1::Hello::from(node.hello.clone()).encode_to_vec())
        .bind(to_column(node.last_seen))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes that a node was here until now.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn last_seen(&self, supplier: &SupplierId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE nodes SET last_seen = $1 WHERE supplier = $2")
            .bind(to_column(at))
            .bind(supplier.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What all nodes have said of themselves, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn announcements(&self) -> Result<Vec<NodeAnnouncement>, StoreError> {
        let rows =
            sqlx::query("SELECT supplier, hello, last_seen FROM nodes ORDER BY supplier").fetch_all(&self.pool).await?;
        let mut nodes = Vec::with_capacity(rows.len());
        for row in rows {
            let (name, hello): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let unreadable = |cause: String| StoreError::Unreadable(format!("what node {name} said: {cause}"));
            let hello = v1::Hello::decode(hello.as_slice()).map_err(|cause| unreadable(cause.to_string()))?;
            nodes.push(NodeAnnouncement {
                supplier: SupplierId::try_from(name.as_str()).map_err(|cause| unreadable(cause.to_string()))?,
                hello: Hello::try_from(hello).map_err(|cause| unreadable(cause.to_string()))?,
                last_seen: from_column(row.try_get(2)?),
            });
        }
        Ok(nodes)
    }
}
