//! Where a question becomes a table: documents, agreement, approval, edition, counting. And where editions are frozen.

use std::sync::Arc;

use optelsom_codebook::{
    DatasetTerms, EditionId, Hash256, Plan, PlanError, ProtectionRules, Query, QueryError, QueryId, Refusal,
    RefusalReason,
};
use optelsom_disclosure::{Noise, NoiseSeed, Policy, PolicyError};
use optelsom_ledger::QueryEntry;
use optelsom_proto::wire::{Announced, Documents, Holding, Holdings};
use optelsom_secagg::{Bound, Generators, PreparedTable, Question};
use thiserror::Error;
use tokio::sync::{Mutex, Semaphore};

use super::admission::{Admissions, Asked};
use super::budget::Charged;
use super::clock::{now, random};
use super::settings::Settings;
use super::store::{Question as Noted, Store, StoreError};
use crate::aggregate::{AggregateError, aggregate};
use crate::configuration::{Binding, FreezeWhen};
use crate::edition::{EditionError, EditionStore};
use crate::freeze::Freezing;
use crate::held::{Held, NotHeld, bound, years};

/// Why a question gets no table here. The coordinator learns the reason code and nothing else; the rest is for this
/// node's own log.
#[derive(Debug, Error)]
pub enum CountError {
    /// The query's document cannot be read with this node's codebook.
    #[error("the query's document: {0}")]
    Document(#[from] QueryError),
    /// The document is no UTF-8.
    #[error("the query's document is no text")]
    NotText,
    /// The entry says something else than the document.
    #[error("the entry's {0} is not the document's, or not the one in force here")]
    Entry(&'static str),
    /// The disclosure policy is none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Its cells cannot be laid out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The agreement does not cover it.
    #[error("outside the agreement: {0}")]
    Agreement(Refusal),
    /// A person has said no.
    #[error("denied by a person here")]
    Denied,
    /// The query was over before it was counted, in most cases because no person had said anything.
    #[error("over before it was counted here")]
    Over,
    /// The dataset, a variable, a measure or a year is not held here.
    #[error(transparent)]
    NotHeld(#[from] NotHeld),
    /// The edition.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// The counting.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The budget for noised answers.
    #[error("with this question, noised answers about `{0}` would go beyond the privacy budget of the agreement")]
    BeyondBudget(String),
    /// Nothing to draw noise from.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that counts has died.
    #[error("the counting has stopped: {0}; this is a defect of the software")]
    Stopped(#[from] tokio::task::JoinError),
}

impl CountError {
    /// The one thing that leaves the node; nothing does about a query that is over.
    pub fn reason(&self) -> Option<RefusalReason> {
        Some(match self {
            Self::Over => return None,
            Self::Document(_) | Self::NotText | Self::Entry(_) | Self::Policy(_) | Self::Plan(_) => {
                RefusalReason::Policy
            }
            Self::Agreement(refusal) => refusal.reason(),
            Self::Denied => RefusalReason::Denied,
            Self::NotHeld(_) | Self::Aggregate(AggregateError::NotHeld(_)) => RefusalReason::NotHeld,
            Self::Edition(EditionError::Absent { .. }) => RefusalReason::EditionNotFrozen,
            Self::Aggregate(AggregateError::OutOfBounds(_)) => RefusalReason::OutOfBounds,
            Self::BeyondBudget(_) => RefusalReason::PrivacyBudgetSpent,
            Self::Edition(_) | Self::Aggregate(_) | Self::Random(_) | Self::Store(_) | Self::Stopped(_) => {
                RefusalReason::LocalFailure
            }
        })
    }
}

/// The rules that the entry promises for the table of this plan, together with the codebook's.
fn promised(entry: &QueryEntry, documents: &Documents, plan: &Plan) -> Result<ProtectionRules, CountError> {
    let policy = Policy::from_canonical(&documents.policy)?;
    if policy.dataset() != entry.dataset || policy.hash() != entry.disclosure_policy {
        return Err(CountError::Entry("disclosure policy"));
    }
    Ok(policy.with_codebook(plan.dataset())?.rules())
}

/// Counts and freezes, for all queries of the node.
#[derive(Debug)]
pub(super) struct Desk {
    settings: Arc<Settings>,
    store: Store,
    editions: EditionStore,
    admissions: Admissions,
    generators: Generators,
    /// One at a time: each takes a processor.
    counting: Semaphore,
    /// Held while an edition is frozen, so that a question about it waits for it.
    freezing: Mutex<()>,
}

impl Desk {
    pub(super) fn new(settings: Arc<Settings>, store: Store) -> Self {
        let editions = EditionStore::new(settings.state());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            settings,
            admissions: Admissions::new(store.clone()),
            store,
            editions,
            generators: Generators::with_capacity(0),
            counting: Semaphore::new(processors),
            freezing: Mutex::new(()),
        }
    }

    /// The table for a question that has passed the gate, or the reason code that the coordinator is told. None where the
    /// query is over meanwhile: nobody waits for an answer.
    pub(super) async fn count(
        &self,
        question: &Question,
        documents: &Documents,
    ) -> Option<Result<PreparedTable, RefusalReason>> {
        let query = question.id().short();
        match self.try_count(question, documents).await {
            Ok(table) => Some(Ok(table)),
            Err(error) => match error.reason() {
                Some(reason) => {
                    tracing::warn!(query, reason = reason.code(), cause = %error, "refused");
                    Some(Err(reason))
                }
                None => {
                    tracing::info!(query, cause = %error, "not counted");
                    None
                }
            },
        }
    }

    async fn try_count(&self, question: &Question, documents: &Documents) -> Result<PreparedTable, CountError> {
        let entry = &question.signed().entry;
        let text = std::str::from_utf8(&documents.query).map_err(|_| CountError::NotText)?;
        let plan = self.plan(entry, text)?;
        self.note(question.id(), entry, text).await?;
        self.must_be_held(&plan, entry)?;
        let rules = promised(entry, documents, &plan)?;
        let asked = Asked { query: question.id(), entry, plan: &plan, rules };
        let admitted = self.admissions.admit(&self.settings.agreement, &asked).await?;
        let edition = self.edition(entry).await?;
        let bound = Bound::for_suppliers(question.scope().members().len());
        let generators = self.generators.clone();
        // A closed semaphore is never seen: nobody closes it.
        let _place = self.counting.acquire().await;
        let table = tokio::task::spawn_blocking(move || aggregate(&admitted, &edition, bound)).await??;
        let noise = self.noise(question, &plan).await?;
        let prepared = tokio::task::spawn_blocking(move || {
            let table = match &noise {
                Some((noise, seed)) => table.with_noise(noise, seed)?,
                None => table,
            };
            Ok::<_, AggregateError>(PreparedTable::new(table, &generators))
        });
        Ok(prepared.await??)
    }

    /// The noise that a question asks for, charged to the budget: that is on the disk before a figure has it.
    async fn noise(&self, question: &Question, plan: &Plan) -> Result<Option<(Noise, NoiseSeed)>, CountError> {
        let Some(epsilon) = plan.query().epsilon() else { return Ok(None) };
        let entry = &question.signed().entry;
        let noise = Noise::of(plan, entry.honest_participants()).ok_or(CountError::Entry("fewest suppliers"))?;
        let beyond = || CountError::BeyondBudget(entry.dataset.clone());
        let terms = self.settings.agreement.dataset(&entry.dataset);
        let budget = terms.and_then(DatasetTerms::privacy_budget).ok_or_else(beyond)?;
        let fresh = NoiseSeed::new(random().map_err(CountError::Random)?);
        let asked = (&question.id(), entry.dataset.as_str());
        match self.store.charge_noise(asked, (epsilon, budget), &fresh, now()).await? {
            Charged::Stands(seed) => Ok(Some((noise, seed))),
            Charged::Over | Charged::Beyond => Err(beyond()),
            Charged::Ended => Err(CountError::Over),
        }
    }

    /// The plan, if entry and document speak of the same, under the codebook in force here.
    fn plan(&self, entry: &QueryEntry, document: &str) -> Result<Plan, CountError> {
        if entry.codebook != self.settings.codebook.hash() {
            return Err(CountError::Entry("codebook"));
        }
        let query = Query::from_json(&self.settings.codebook, document)?;
        // The wire has held the document against its digest in the entry; one question has one document.
        if query.canonical_bytes() != document.as_bytes() || Hash256::of(document.as_bytes()) != entry.query {
            return Err(CountError::Entry("query"));
        }
        if query.dataset().name() != entry.dataset {
            return Err(CountError::Entry("dataset"));
        }
        if query.edition() != Some(&entry.edition) {
            return Err(CountError::Entry("edition"));
        }
        Ok(Plan::new(&self.settings.codebook, &query)?)
    }

    async fn note(&self, query: QueryId, entry: &QueryEntry, document: &str) -> Result<(), StoreError> {
        let noted = Noted {
            query,
            received_at: now(),
            dataset: entry.dataset.clone(),
            edition: entry.edition.to_string(),
            purpose: entry.purpose.clone(),
            requester: entry.requester.clone(),
            document: document.to_owned(),
            decision: None,
        };
        self.store.note_question(&noted).await
    }

    /// Before a person is asked, or the question takes its place among the day's. What is frozen later than this, the
    /// counting looks at.
    fn must_be_held(&self, plan: &Plan, entry: &QueryEntry) -> Result<(), CountError> {
        bound(&self.settings.bindings, plan)?;
        match self.editions.manifest(&entry.dataset, &entry.edition) {
            Ok(manifest) => Ok(Held::by_edition(&manifest).covers(plan)?),
            Err(EditionError::Absent { .. }) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The edition, after any freeze that is going on.
    async fn edition(&self, entry: &QueryEntry) -> Result<crate::edition::Edition, CountError> {
        let _not_freezing = self.freezing.lock().await;
        let (editions, codebook) = (self.editions.clone(), Arc::clone(&self.settings.codebook));
        let (dataset, edition) = (entry.dataset.clone(), entry.edition.clone());
        Ok(tokio::task::spawn_blocking(move || editions.open(&dataset, &edition, &codebook)).await??)
    }

    /// What this node can answer now.
    pub(super) fn holdings(&self) -> Holdings {
        let holding = |binding: &Binding| {
            let editions = self.frozen(binding.dataset());
            let held = years(binding, &self.editions, &editions, &self.settings.codebook).unwrap_or(0..=0);
            let year = |year: i32| u32::try_from(year).unwrap_or(0);
            Holding {
                dataset: binding.dataset().to_owned(),
                variables: binding.variables().iter().map(|variable| variable.name.clone()).collect(),
                measures: binding.measures().iter().map(|measure| measure.name.clone()).collect(),
                years: year(*held.start())..=year(*held.end()),
                editions,
            }
        };
        Holdings(self.settings.bindings.iter().map(holding).collect())
    }

    fn frozen(&self, dataset: &str) -> Vec<EditionId> {
        self.editions.editions(dataset).unwrap_or_else(|cause| {
            tracing::error!(dataset, %cause, "the editions cannot be listed");
            Vec::new()
        })
    }

    /// Freezes an edition that was announced, if the configuration says so and it is not there yet. True if it is new.
    pub(super) async fn freeze_announced(self: &Arc<Self>, announced: &Announced) -> bool {
        let wanted = |binding: &&Binding| {
            binding.dataset() == announced.dataset && binding.freeze() == FreezeWhen::OnAnnouncement
        };
        if !self.settings.bindings.iter().any(|binding| wanted(&binding)) {
            return false;
        }
        let _freezing = self.freezing.lock().await;
        if self.frozen(&announced.dataset).contains(&announced.edition) {
            return false;
        }
        let (desk, announced) = (Arc::clone(self), announced.clone());
        match tokio::task::spawn_blocking(move || desk.freeze(&announced)).await {
            Ok(frozen) => frozen,
            Err(cause) => {
                tracing::error!(%cause, "freezing has stopped; this is a defect of the software");
                false
            }
        }
    }

    fn freeze(&self, announced: &Announced) -> bool {
        let Some(binding) = self.settings.bindings.iter().find(|binding| binding.dataset() == announced.dataset) else {
            return false;
        };
        let freezing = Freezing {
            binding,
            codebook: &self.settings.codebook,
            supplier: self.settings.supplier(),
            edition: &announced.edition,
            frozen_at: now(),
        };
        match freezing.run(&self.editions, &mut |_| ()) {
            Ok(_) => {
                tracing::info!(dataset = announced.dataset, edition = %announced.edition, "edition frozen");
                true
            }
            // The error may repeat values of records: it goes to this node's own log, and to nobody else.
            Err(cause) => {
                tracing::error!(dataset = announced.dataset, edition = %announced.edition, "not frozen: {cause}");
                false
            }
        }
    }
}
