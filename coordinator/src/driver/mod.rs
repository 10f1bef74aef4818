//! One task per query: it owns the combiner's machine, waits, hands on, performs the effects in order, and decides
//! nothing of its own.

mod before;
mod ending;
mod history;
mod logging;
mod progress;
mod release;
mod run;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optelsom_codebook::{Codebook, Hash256, Plan, PlanError, PlanLimits, Query, QueryError, QueryId, SupplierId};
use optelsom_secagg::combiner::{Input, Policy as RoundPolicy, Shape};
use optelsom_secagg::{Combiner, CombinerRecord, RestoreError};
use thiserror::Error;
use tokio::sync::{mpsc, watch};

use crate::shared::Shared;
use crate::store::{Accepted, StoreError, StoredQuery};

pub use history::Histories;
pub use logging::{end_all_given_up, settle, settled, until_done};
pub use progress::QueryState;

/// Inputs that wait for one machine at the most: with parts of tables among them, some megabytes.
const QUEUE: usize = 32;

/// The queries that go on.
#[derive(Debug, Default)]
pub struct Drivers(Mutex<HashMap<QueryId, Driver>>);

/// The outside of a query's task.
#[derive(Clone, Debug)]
pub struct Driver {
    inputs: mpsc::Sender<Input>,
    scope: Arc<BTreeSet<SupplierId>>,
    state: watch::Receiver<QueryState>,
}

impl Driver {
    /// Gives the machine an input; waits while too many others wait. False if the query has ended.
    pub async fn give(&self, input: Input) -> bool {
        self.inputs.send(input).await.is_ok()
    }

    /// Follows where the query stands.
    pub fn follow(&self) -> watch::Receiver<QueryState> {
        self.state.clone()
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

    /// Tells all queries that ask this supplier that it is there, or gone.
    pub async fn tell(&self, supplier: &SupplierId, input: impl Fn(SupplierId) -> Input) {
        let concerned: Vec<_> =
            self.lock().values().filter(|driver| driver.scope.contains(supplier)).cloned().collect();
        for driver in concerned {
            driver.give(input(supplier.clone())).await;
        }
    }

    fn remove(&self, id: &QueryId) {
        self.lock().remove(id);
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
    let scope: Arc<BTreeSet<SupplierId>> = Arc::new(entry.scope.iter().cloned().collect());
    let (inputs, receiver) = mpsc::channel(QUEUE);
    let (state, watched) = watch::channel(QueryState::default());
    let driver = Driver { inputs: inputs.clone(), scope: Arc::clone(&scope), state: watched };
    // Two that start the same query at once: the first one drives.
    match shared.drivers.lock().entry(id) {
        Entry::Occupied(first) => return Ok(first.get().clone()),
        Entry::Vacant(place) => place.insert(driver.clone()),
    };
    shared.metrics.running.inc();
    let host = run::Host::new(Arc::clone(shared), &accepted, plan, state, refusals, inputs);
    shared.tasks.spawn(host.run(accepted, record, receiver));
    Ok(driver)
}
