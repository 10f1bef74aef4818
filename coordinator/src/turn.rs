//! From joining to its final certificate, one query per dataset has its turn.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The turns of all datasets.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

type Granted = Option<OwnedMutexGuard<()>>;

/// One query's place in the order of turns.
///
/// The machine knows of no turns. It begins an attempt by making a record durable, and nothing leaves it before it is
/// told so: the host withholds that answer, and the machine's alarms, until the query has its turn.
#[derive(Default)]
pub enum Turn {
    /// It has none, and wants none.
    #[default]
    Idle,
    /// It waits for its turn.
    Waiting(Pin<Box<dyn Future<Output = Granted> + Send + Sync>>),
    /// It has its turn, until this is dropped. Without a guard when the wait was given up.
    Taken {
        /// What others wait for.
        _guard: Granted,
    },
}

impl Turns {
    fn of(&self, dataset: &str) -> Arc<AsyncMutex<()>> {
        let mut datasets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(datasets.entry(dataset.to_owned()).or_default())
    }
}

impl Turn {
    /// Wants a turn for this dataset; gives up waiting after so long, when the query has expired and its machine should
    /// notice. True if it has to wait.
    pub fn want(&mut self, turns: &Turns, dataset: &str, at_most: Duration) -> bool {
        if !matches!(self, Self::Idle) {
            return false;
        }
        let turn = turns.of(dataset);
        *self = match Arc::clone(&turn).try_lock_owned() {
            Ok(guard) => Self::Taken { _guard: Some(guard) },
            Err(_) => {
                Self::Waiting(Box::pin(async move { tokio::time::timeout(at_most, turn.lock_owned()).await.ok() }))
            }
        };
        matches!(self, Self::Waiting(_))
    }

    /// Is over it: the next may.
    pub fn leave(&mut self) {
        *self = Self::Idle;
    }

    /// Whether it waits.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }

    /// Waits until it is no longer waiting.
    pub async fn granted(&mut self) {
        if let Self::Waiting(waiting) = self {
            let _guard = waiting.await;
            *self = Self::Taken { _guard };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn one_query_per_dataset_and_others_unhindered() {
        let turns = Turns::default();
        let (mut first, mut second, mut other) = (Turn::default(), Turn::default(), Turn::default());
        assert!(!first.want(&turns, "victims", LONG));
        assert!(second.want(&turns, "victims", LONG));
        assert!(!other.want(&turns, "suspects", LONG));
        first.leave();
        second.granted().await;
        assert!(first.want(&turns, "victims", LONG));
        second.leave();
        first.granted().await;
        assert!(!first.waits());
    }

    #[tokio::test]
    async fn an_expired_query_waits_no_more() {
        let turns = Turns::default();
        let (mut first, mut second) = (Turn::default(), Turn::default());
        first.want(&turns, "victims", LONG);
        assert!(second.want(&turns, "victims", Duration::ZERO));
        second.granted().await;
        assert!(!second.waits());
    }
}
