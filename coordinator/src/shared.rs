//! What all parts of a running coordinator share.

use std::sync::{Arc, OnceLock};

use optelsom_codebook::{Agreement, Codebook, Dataset, Hash256, SupplierId};
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

    /// The disclosure policy of a dataset by codebook and configuration, to be made stricter by agreements.
    pub(crate) fn policy_of(&self, dataset: &Dataset) -> Result<Policy, PolicyError> {
        let configured = self.configuration.minimum_frequency.get(dataset.name()).copied();
        Ok(Policy::for_dataset(dataset)?.stricter(configured))
    }

    /// The disclosure policy for a question to these suppliers: the strictest of codebook, configuration and all of their
    /// agreements that are known.
    pub(crate) async fn policy(&self, dataset: &Dataset, scope: &[SupplierId]) -> Result<Policy, PoliciesError> {
        let mut agreements = Vec::new();
        for node in self.store.announcements().await?.into_iter().filter(|node| scope.contains(&node.supplier)) {
            let signed = &node.hello.agreement;
            let member = self.roster.member(&node.supplier);
            let is_its_own = member.is_some_and(|member| signed.verify(&node.supplier, &member.identity).is_ok());
            // One that cannot be read under this codebook asks for nothing; its node refuses of itself.
            agreements.extend(Agreement::parse(&signed.document, &self.codebook).ok().filter(|_| is_its_own));
        }
        Ok(self.policy_of(dataset)?.with_agreements(dataset, &agreements)?)
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
