//! How a query ends: its totals are protected, proved and released, or it is told why there are none.

use std::sync::Arc;

use optelsom_disclosure::{History, Noise, RoundFacts, Totals};
use optelsom_ledger::entry::Entry;
use optelsom_secagg::CombinerRecord;
use optelsom_secagg::combiner::{Evidence, Input, Outcome};
use optelsom_secagg::messages::RoundOutcome;
use tokio::task::spawn_blocking;

use super::history::{NoHistory, Releasing};
use super::logging;
use super::progress::stored;
use super::release::{self, Made, NoRelease};
use super::run::{Host, Next};
use crate::clock;
use crate::store::{Ending, StoredOutcome};

impl Host {
    /// Keeps how the query ended; tries again while the store fails. True the first time, none when the coordinator stops
    /// meanwhile.
    pub(super) async fn keep_ending(&self, ending: Ending<'_>) -> Option<bool> {
        loop {
            match self.shared.store.end(&self.id, ending.clone()).await {
                Ok(first) => return Some(first),
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return None,
            }
        }
    }

    /// The entries that an ended query owes the log: the final certificate, where there is one, then its end.
    pub(super) fn owed(&self, evidence: Option<&Evidence>, end: Option<Entry>) -> Vec<Vec<u8>> {
        let finality = evidence.map(|evidence| &evidence.certificate).or(self.finality.as_ref());
        let digests = evidence.map(Evidence::digests).or(self.logged);
        let finality = finality.zip(digests).and_then(|(certificate, (statement, digest))| {
            let round = logging::Round { certificate, statement, digest };
            logging::final_entry(&self.shared, self.index, &round)
        });
        let leaves = finality.into_iter().chain(end).filter_map(|entry| entry.to_leaf().ok());
        leaves.map(|leaf| leaf.as_bytes().to_vec()).collect()
    }

    pub(super) async fn open(&mut self, totals: Totals, evidence: Evidence, record: CombinerRecord) -> Next {
        tracing::debug!(query = %self.id.short(), step = "opened", "the total is opened and fits the commitments");
        let now = clock::now();
        let facts = release::facts(&self.entry, &evidence, &self.refusals, &self.ready, now);
        // Until it is stored, no other release is made: each is protected against all before it.
        let mut releasing = self.shared.histories.lock().await;
        let Some(history) = self.history(&mut releasing).await else { return Next::Stopped };
        let evidence = Arc::new(evidence);
        let made = match history {
            Ok(history) => self.make(totals, facts, Arc::clone(&evidence), history).await,
            Err(cause) => Err(cause),
        };
        tracing::debug!(query = %self.id.short(), step = "made", "the release is protected, written and proved");
        let (outcome, reason, made) = match made {
            Ok(made) => (RoundOutcome::Opened, String::new(), Some(made)),
            // Opened it was, and stays: there is no second time.
            Err(cause) => (RoundOutcome::Spent, cause.to_string(), None),
        };
        let entry = logging::released(&self.shared, self.index, made.as_ref());
        let ending = Ending {
            outcome: StoredOutcome { outcome, reason: reason.clone() },
            at: now,
            record: Some(&record),
            release: made.as_ref().map(|made| made.document.as_ref()),
            owed: self.owed(Some(&evidence), entry),
            files: made.as_ref().map(Made::files).unwrap_or_default(),
        };
        let Some(first) = self.keep_ending(ending).await else { return Next::Stopped };
        let edition = (self.entry.dataset.as_str(), &self.entry.edition);
        let release = made.as_ref().map(|made| &made.release);
        releasing.keep(&self.shared.codebook, edition, release.filter(|_| first));
        if let Some(made) = made.filter(|_| first) {
            self.state.send_modify(|state| state.release = Some(made.document));
        }
        if outcome == RoundOutcome::Spent {
            tracing::error!(query = %self.id.short(), reason, "opened, and not released");
        }
        self.shared.metrics.ended(outcome);
        // Whoever asked gets the table once the log says so.
        let id = self.id;
        self.later("the release", Input::Persisted, move |shared| async move { logging::settle(&shared, &id).await });
        Next::GoOn
    }

    /// What was released before; `None` when the coordinator stops meanwhile.
    async fn history(&self, releasing: &mut Releasing) -> Option<Result<History, NoRelease>> {
        let edition = (self.entry.dataset.as_str(), &self.entry.edition);
        loop {
            match releasing.of(&self.shared.store, &self.shared.codebook, edition).await {
                Ok(history) => return Some(Ok(history)),
                Err(NoHistory::Release(cause)) => return Some(Err(cause)),
                Err(NoHistory::Store(cause)) if self.store_failed(&cause).await => {}
                Err(NoHistory::Store(_)) => return None,
            }
        }
    }

    async fn make(
        &self,
        totals: Totals,
        facts: RoundFacts,
        evidence: Arc<Evidence>,
        history: History,
    ) -> Result<Made, NoRelease> {
        let (shared, plan, policy) = (Arc::clone(&self.shared), Arc::clone(&self.plan), self.policy.clone());
        let noise = Noise::of(&plan, self.entry.honest_participants());
        let making =
            move || release::make(&shared, (&plan, noise.as_ref()), &policy, totals, (facts, &evidence), &history);
        spawn_blocking(making).await.unwrap_or(Err(NoRelease::Failed))
    }

    pub(super) async fn end(&mut self, outcome: &Outcome) -> Next {
        let stored = stored(outcome);
        let owed = match logging::ending(&self.shared, self.index, outcome) {
            Some(end) => self.owed(None, Some(end)),
            None => Vec::new(),
        };
        let ending = Ending::without_release(stored.clone(), clock::now(), owed);
        let Some(first) = self.keep_ending(ending).await else { return Next::Stopped };
        if first {
            self.shared.metrics.ended(stored.outcome);
        }
        tracing::info!(query = %self.id.short(), outcome = ?stored.outcome, reason = stored.reason, "ended");
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        self.shared.tasks.spawn(async move {
            logging::until_done(&shared, "the end of the query", || logging::settle(&shared, &id)).await;
        });
        Next::Ended
    }
}
