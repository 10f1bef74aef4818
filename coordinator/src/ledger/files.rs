//! The log as files, for whoever reads it: the same paths over gRPC, over HTTPS, and in an exported folder.

use optelsom_codebook::{Hash256, QueryId};
use optelsom_ledger::tiles::TilePath;
use thiserror::Error;

use super::Ledger;
use crate::store::StoreError;

/// Why there is no such file.
#[derive(Debug, Error)]
pub enum FileError {
    /// Of no known form, or nothing lies there (yet).
    #[error("nothing lies at this path; there are checkpoint, tile/…, documents/<digest> and releases/<query>/<file>")]
    None,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ledger {
    /// The file at this path.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn file(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let store = &self.0.store;
        let found = if path == "checkpoint" {
            store.published().await?
        } else if let Ok(tile) = path.parse::<TilePath>() {
            store.tile(&tile.to_string()).await?
        } else if let Some(digest) = path.strip_prefix("documents/").and_then(|name| name.parse::<Hash256>().ok()) {
            store.document(&digest).await?
        } else if let Some((query, file)) = path.strip_prefix("releases/").and_then(|rest| rest.split_once('/')) {
            let query = query.parse::<QueryId>().map_err(|_| FileError::None)?;
            match file {
                "release.json" => store.release(&query).await?,
                beside => store.release_file(&query, beside).await?,
            }
        } else {
            None
        };
        found.ok_or(FileError::None)
    }
}
