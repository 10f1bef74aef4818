//! What all parts of a running coordinator share.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use optelsom_codebook::{Agreement, Codebook, DatasetTerms, Hash256};
use optelsom_disclosure::{Policy, PolicyError};
use optelsom_ledger::Roster;
use optelsom_ledger::entry::ApprovalRule;
use optelsom_secagg::{CombinerConfig, Generators, Rules};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::configuration::Configuration;
use crate::driver::{Drivers, Histories};
use crate::hub::Hub;
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::store::{Accepted, Store, StoreError};
use crate::turn::Turns;

/// What all parts of a running coordinator share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) configuration: Configuration,
    pub(crate) codebook: Codebook,
    pub(crate) codebook_text: String,
    pub(crate) roster: Arc<Roster>,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) hub: Arc<Hub>,
    pub(crate) drivers: Drivers,
    pub(crate) turns: Turns,
    pub(crate) histories: Histories,
    pub(crate) generators: Generators,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: optelsom_proto::health::Readiness,
    /// Told whenever a query is approved by a second person.
    pub(crate) approved: Notify,
    /// Told whenever what an ended query owed the log stands there, under enough cosignatures.
    pub(crate) settled: Notify,
    /// Why the log must not be written any more.
    pub(crate) failure: OnceLock<LedgerError>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn combiner_config(&self, checkpoint: Hash256) -> CombinerConfig {
        CombinerConfig {
            roster: Arc::clone(&self.roster),
            generators: self.generators.clone(),
            checkpoint,
            rules: Rules::all(),
        }
    }

    /// The queries that wait for a second person.
    pub(crate) async fn waiting_for_approval(&self) -> Result<Vec<Accepted>, StoreError> {
        let mut waiting = Vec::new();
        if self.ledger.trust().approvals() == ApprovalRule::OnePerson {
            return Ok(waiting);
        }
        for stored in self.store.unfinished().await? {
            if self.store.approval(&stored.accepted.question.entry.id()).await?.is_none() {
                waiting.push(stored.accepted);
            }
        }
        Ok(waiting)
    }

    /// The disclosure policy in force for each dataset: the strictest of codebook, configuration and agreements.
    pub(crate) async fn policies(&self) -> Result<BTreeMap<String, Policy>, PoliciesError> {
        let mut policies = BTreeMap::new();
        for dataset in self.codebook.datasets() {
            let configured = self.configuration.minimum_frequency.get(dataset.name()).copied();
            policies.insert(dataset.name().to_owned(), Policy::for_dataset(dataset)?.stricter(configured));
        }
        for node in self.store.announcements().await? {
            // One that cannot be read under this codebook asks for nothing; its node refuses of itself.
            let Ok(agreement) = Agreement::parse(&node.hello.agreement.document, &self.codebook) else { continue };
            for (name, policy) in &mut policies {
                let asked = agreement.dataset(name).and_then(DatasetTerms::minimum_frequency);
                *policy = policy.clone().stricter(asked);
            }
        }
        Ok(policies)
    }
}

/// Why the policies in force cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The codebook's or the configuration's.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}
