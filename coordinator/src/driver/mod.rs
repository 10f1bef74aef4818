//! One task per query: it owns the combiner's machine, waits, hands on, performs the effects in order, and decides
//! nothing of its own.

mod before;
mod ending;
mod history;
mod inbox;
mod logging;
mod progress;
mod release;
mod run;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optelsom_codebook::{Codebook, Hash256, Plan, PlanError, PlanLimits, Query, QueryError, QueryId, SupplierId};
use optelsom_secagg::combiner::{Policy as RoundPolicy, Shape};
use optelsom_secagg::{Combiner, CombinerRecord, RestoreError};
use prometheus_client::metrics::gauge::Gauge;
use thiserror::Error;
use tokio::sync::watch;

use crate::shared::Shared;
use crate::store::{Accepted, StoreError, StoredQuery};

use inbox::inbox;

pub use history::Histories;
pub use inbox::Door;
pub use logging::{end_all_given_up, settle, settled, until_done};
pub use progress::QueryState;

/// The queries that go on.
#[derive(Clone, Debug, Default)]
pub struct Drivers(Arc<Mutex<HashMap<QueryId, Driver>>>);

/// The outside of a query's task.
#[derive(Clone, Debug)]
pub struct Driver {
    /// Where its inputs are brought.
    pub door: Door,
    requester: Arc<str>,
    state: watch::Receiver<QueryState>,
}

impl Driver {
    /// Follows where the query stands.
    pub fn follow(&self) -> watch::Receiver<QueryState> {
        self.state.clone()
    }
}

/// That a query goes on, until this is dropped: also when its task fails.
#[derive(Debug)]
struct GoesOn {
    id: QueryId,
    drivers: Drivers,
    running: Gauge,
}

impl GoesOn {
    fn new(id: QueryId, drivers: &Drivers, running: &Gauge) -> Self {
        running.inc();
        Self { id, drivers: drivers.clone(), running: running.clone() }
    }
}

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.drivers.lock().remove(&self.id);
        self.running.dec();
        if std::thread::panicking() {
            tracing::error!(query = %self.id, "the query's task has failed; the query waits for a restart");
        }
    }
}

/// Why a query cannot be driven.
#[derive(Debug, Error)]
pub enum DriveError {
    /// The stored document does not fit the codebook in force.
    #[error("the question cannot be read with the codebook in force: {0}")]
    Query(#[from] QueryError),
    /// It is no text.
    #[error("the question is not UTF-8")]
    Text,
    /// Its table cannot be laid out.
    #[error("the question cannot be planned: {0}")]
    Plan(#[from] PlanError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Drivers {
    fn lock(&self) -> MutexGuard<'_, HashMap<QueryId, Driver>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver of a query that goes on.
    pub fn of(&self, id: &QueryId) -> Option<Driver> {
        self.lock().get(id).cloned()
    }

    /// How many queries go on.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// How many of them this requester has asked.
    pub fn asked_by(&self, requester: &str) -> usize {
        self.lock().values().filter(|driver| &*driver.requester == requester).count()
    }

    /// Tells all queries that ask this supplier whether it is there.
    pub fn presence(&self, supplier: &SupplierId, there: bool) {
        self.lock().values().for_each(|driver| driver.door.presence(supplier, there));
    }
}

/// Reads a stored or received document, and lays out its table.
///
/// # Errors
/// When it is no canonical question of this codebook, or too large.
pub fn plan(codebook: &Codebook, document: &[u8], limits: PlanLimits) -> Result<Plan, DriveError> {
    let text = std::str::from_utf8(document).map_err(|_| DriveError::Text)?;
    let query = Query::from_json(codebook, text)?;
    Ok(Plan::with_limits(codebook, &query, limits)?)
}

/// Starts a query that was accepted and stored just now.
///
/// # Errors
/// When it does not fit codebook or roster.
pub fn start(shared: &Arc<Shared>, accepted: Accepted, plan: Plan) -> Result<Driver, DriveError> {
    spawn(shared, accepted, plan, None, Vec::new())
}

/// Goes on with a query after a restart.
///
/// # Errors
/// When it does not fit codebook or roster any more.
pub async fn restore(shared: &Arc<Shared>, stored: StoredQuery) -> Result<Driver, DriveError> {
    let accepted = stored.accepted;
    let limits = PlanLimits { cells: usize::MAX };
    let plan = plan(&shared.codebook, &accepted.document, limits)?;
    let refusals = shared.store.refusals(&accepted.question.entry.id()).await?;
    spawn(shared, accepted, plan, stored.record, refusals)
}

/// The machine of a query that stands in the log, from its record where there is one.
fn machine(
    shared: &Shared,
    accepted: &Accepted,
    plan: &Plan,
    record: Option<CombinerRecord>,
    checkpoint: Hash256,
) -> Result<Combiner, RestoreError> {
    let config = shared.combiner_config(checkpoint);
    if let Some(record) = record {
        return Combiner::restore(config, record);
    }
    let entry = &accepted.question.entry;
    let shape = Shape { columns: plan.columns().len(), cells: plan.cell_count() };
    let policy = RoundPolicy {
        // The machine brings it forward by the time that a round takes.
        deadline: entry.expires_at,
        phase_timeout_ms: shared.configuration.round.phase_timeout_ms,
        resend_ms: shared.configuration.round.resend_ms,
        least_participants: usize::try_from(entry.min_suppliers).unwrap_or(usize::MAX),
    };
    Combiner::new(config, accepted.question.clone(), shape, policy)
}

fn spawn(
    shared: &Arc<Shared>,
    accepted: Accepted,
    plan: Plan,
    record: Option<CombinerRecord>,
    refusals: Vec<(SupplierId, String)>,
) -> Result<Driver, DriveError> {
    let entry = &accepted.question.entry;
    let id = entry.id();
    let (door, receiver) = inbox(&entry.scope);
    let (state, watched) = watch::channel(QueryState::default());
    let driver = Driver { door: door.clone(), requester: entry.requester.as_str().into(), state: watched };
    // Two that start the same query at once: the first one drives.
    match shared.drivers.lock().entry(id) {
        Entry::Occupied(first) => return Ok(first.get().clone()),
        Entry::Vacant(place) => place.insert(driver.clone()),
    };
    let goes_on = GoesOn::new(id, &shared.drivers, &shared.metrics.running);
    let host = run::Host::new(Arc::clone(shared), &accepted, plan, state, refusals, door);
    shared.tasks.spawn(async move {
        host.run(accepted, record, receiver).await;
        drop(goes_on);
    });
    Ok(driver)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn driver(requester: &str) -> Driver {
        let (_, state) = watch::channel(QueryState::default());
        Driver { door: inbox(&[]).0, requester: requester.into(), state }
    }

    #[tokio::test]
    async fn a_query_whose_task_fails_goes_on_no_more() {
        let (drivers, running) = (Drivers::default(), Gauge::default());
        let [failing, other] = [1, 2].map(|byte| QueryId::from_bytes([byte; 32]));
        for id in [failing, other] {
            drivers.lock().insert(id, driver("analyst-1"));
        }
        let goes_on = GoesOn::new(failing, &drivers, &running);
        assert_eq!((running.get(), drivers.asked_by("analyst-1")), (1, 2));
        let failed = tokio::spawn(async move {
            let _goes_on = goes_on;
            panic!("a bug");
        });
        assert!(failed.await.unwrap_err().is_panic());
        assert!(drivers.of(&failing).is_none() && drivers.of(&other).is_some());
        assert_eq!((running.get(), drivers.asked_by("analyst-1")), (0, 1));
    }
}
