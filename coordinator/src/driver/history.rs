//! What was released before of each edition, read once and kept.

use std::collections::HashMap;
use std::sync::Arc;

use optelsom_codebook::{Codebook, EditionId};
use optelsom_disclosure::{History, Release};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;

use super::release::NoRelease;
use crate::store::{Store, StoreError};

/// The histories of all editions. Whoever holds this makes a release alone: the next one knows of it.
#[derive(Clone, Debug, Default)]
pub struct Histories(Arc<Mutex<HashMap<Edition, History>>>);

/// A dataset's name and its edition.
type Edition = (String, EditionId);

/// Why a history is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum NoHistory {
    /// The store: it may be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be read, so nothing may be released.
    #[error(transparent)]
    Release(#[from] NoRelease),
}

/// The right to make the next release.
pub struct Releasing(OwnedMutexGuard<HashMap<Edition, History>>);

impl Histories {
    /// Waits until no other release is being made.
    pub async fn lock(&self) -> Releasing {
        Releasing(Arc::clone(&self.0).lock_owned().await)
    }
}

impl Releasing {
    /// What was released before of this edition.
    pub async fn of(
        &mut self,
        store: &Store,
        codebook: &Codebook,
        (dataset, edition): (&str, &EditionId),
    ) -> Result<History, NoHistory> {
        let key = (dataset.to_owned(), edition.clone());
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let documents = store.releases(dataset).await?;
        let (codebook, (dataset, edition)) = (codebook.clone(), key.clone());
        let reading = move || History::read(&codebook, &dataset, &edition, [].into(), documents);
        let read = spawn_blocking(reading).await.map_err(|_| NoRelease::Failed)?.map_err(NoRelease::from)?;
        self.0.insert(key, read.clone());
        Ok(read)
    }

    /// Keeps a release that was stored; where it was not, or cannot be read again, the history is read anew next time.
    pub fn keep(mut self, codebook: &Codebook, edition: (&str, &EditionId), release: Option<&Release>) {
        let key = (edition.0.to_owned(), edition.1.clone());
        let kept = self.0.get_mut(&key).zip(release).map(|(history, release)| history.add(codebook, release));
        if !matches!(kept, Some(Ok(()))) {
            self.0.remove(&key);
        }
    }
}
