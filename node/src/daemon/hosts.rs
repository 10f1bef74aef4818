//! Finds the host of the query that a request is about, or sets one up from the last durable record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use optelsom_codebook::QueryId;
use optelsom_proto::wire::Request;
use optelsom_secagg::{Supplier, SupplierConfig};
use tokio::sync::mpsc;

use super::host::{Host, Letter, Surroundings};

/// How many letters may wait before a host.
const LETTERS: usize = 64;
/// How many queries a node works at, at once.
const MOST: usize = 1024;

/// All hosts that run.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    machine: Arc<SupplierConfig>,
    around: Surroundings,
    running: Arc<Mutex<HashMap<QueryId, mpsc::Sender<Letter>>>>,
}

impl Hosts {
    pub(super) fn new(machine: Arc<SupplierConfig>, around: Surroundings) -> Self {
        Self { machine, around, running: Arc::default() }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<QueryId, mpsc::Sender<Letter>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a request to its query's host.
    pub(super) async fn deliver(&self, request: Request) {
        let query = request.query;
        let found = self.running().get(&query).cloned();
        let Some(host) = (match found {
            Some(host) if !host.is_closed() => Some(host),
            _ => self.set_up(query).await,
        }) else {
            return;
        };
        // A host that has just ended is set up again when the coordinator repeats itself.
        let _ = host.send(Letter::Request(Box::new(request))).await;
    }

    async fn set_up(&self, query: QueryId) -> Option<mpsc::Sender<Letter>> {
        if self.running().len() >= MOST {
            tracing::warn!(query = %query.short(), "{MOST} queries are going on here; this one has to wait");
            return None;
        }
        let machine = match self.machine(query).await {
            Ok(machine) => machine,
            Err(cause) => {
                tracing::error!(query = %query.short(), %cause, "the query cannot go on here");
                return None;
            }
        };
        let (sender, letters) = mpsc::channel(LETTERS);
        self.running().insert(query, sender.clone());
        let host = Host::new(query, self.around.clone(), letters, sender.clone());
        let hosts = self.clone();
        tokio::spawn(async move {
            if let Err(cause) = host.run(machine).await {
                tracing::error!(query = %query.short(), %cause, "the query waits until the coordinator asks again");
            }
            hosts.running().remove(&query);
        });
        Some(sender)
    }

    async fn machine(&self, query: QueryId) -> Result<Supplier, Box<dyn std::error::Error + Send + Sync>> {
        let config = Arc::clone(&self.machine);
        Ok(match self.around.store.record(&query).await? {
            Some(record) => Supplier::restore(config, record)?,
            None => Supplier::new(config),
        })
    }
}
