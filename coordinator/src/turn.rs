//! From pairing to its final certificate, one query per dataset has its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The turns of all datasets.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

/// A query's turn; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its drop")] OwnedMutexGuard<()>);

impl Turns {
    /// Waits for the dataset's turn, first come first served.
    pub async fn take(&self, dataset: &str) -> Turn {
        let mutex = {
            let mut datasets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(datasets.entry(dataset.to_owned()).or_default())
        };
        Turn(mutex.lock_owned().await)
    }
}
