//! What all parts of a running coordinator share.

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::{Agreement, Codebook, DatasetTerms, Hash256};
use optelsom_disclosure::{Policy, PolicyError};
use optelsom_ledger::Roster;
use optelsom_secagg::{CombinerConfig, Generators, Rules};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::configuration::Configuration;
use crate::driver::Drivers;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use crate::turn::Turns;

/// What all parts of a running coordinator share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) configuration: Configuration,
    pub(crate) codebook: Codebook,
    pub(crate) codebook_text: String,
    pub(crate) roster: Arc<Roster>,
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) drivers: Drivers,
    pub(crate) turns: Turns,
    pub(crate) generators: Generators,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: optelsom_proto::health::Readiness,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn combiner_config(&self) -> CombinerConfig {
        CombinerConfig {
            roster: Arc::clone(&self.roster),
            generators: self.generators.clone(),
            // There is no log yet whose checkpoint a card could name.
            checkpoint: Hash256::from_bytes([0; 32]),
            rules: Rules::all(),
        }
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
