//! The inside of a query's task.

use std::collections::{BTreeSet, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::{Plan, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{Policy, Totals};
use optelsom_ledger::QueryEntry;
use optelsom_proto::v1;
use optelsom_proto::wire::{Documents, RequestWriter};
use optelsom_secagg::combiner::{Effect, Evidence, Input, Outcome, Stage};
use optelsom_secagg::messages::{RoundOutcome, SupplierMessage};
use optelsom_secagg::{Combiner, CombinerRecord};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::progress::{QueryState, progress, stored};
use super::release;
use crate::clock;
use crate::shared::Shared;
use crate::store::{Accepted, Ending, StoreError, StoredOutcome};
use crate::turn::Turn;

/// How long after a failure of the store it is tried again.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// Everything about one query but its machine.
pub struct Host {
    shared: Arc<Shared>,
    id: QueryId,
    entry: QueryEntry,
    documents: Documents,
    requests: RequestWriter,
    plan: Arc<Plan>,
    policy: Policy,
    state: watch::Sender<QueryState>,
    refusals: Vec<(SupplierId, String)>,
    ready: BTreeSet<SupplierId>,
    wakes: BTreeSet<Timestamp>,
    answers: VecDeque<Input>,
    turn: Turn,
}

/// What follows after an effect.
enum Next {
    GoOn,
    Ended,
    Stopped,
}

impl Host {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: QueryId,
        accepted: Accepted,
        plan: Plan,
        policy: Policy,
        state: watch::Sender<QueryState>,
        refusals: Vec<(SupplierId, String)>,
    ) -> Self {
        let answers = VecDeque::from([Input::Started]);
        let (wakes, ready) = (BTreeSet::new(), BTreeSet::new());
        let (plan, entry) = (Arc::new(plan), accepted.question.entry);
        let documents = Documents { query: accepted.document, minimum_frequency: accepted.minimum_frequency };
        Self {
            shared,
            id,
            entry,
            documents,
            requests: RequestWriter::default(),
            plan,
            policy,
            state,
            refusals,
            ready,
            wakes,
            answers,
            turn: Turn::default(),
        }
    }

    /// Runs until the query has ended, or the coordinator stops.
    pub(super) async fn run(mut self, mut machine: Combiner, mut inputs: mpsc::Receiver<Input>) {
        while let Some(input) = self.next_input(&mut inputs).await {
            self.observe(&input);
            let now = clock::now();
            // Some steps take long: away from the tasks that wait for the network.
            let Ok((next, effects)) = spawn_blocking(move || machine.handle(now, input)).await else {
                tracing::error!(query = %self.id, "the combiner's machine has failed; the query waits for a restart");
                return self.leave();
            };
            machine = next;
            for effect in effects {
                match self.perform(effect).await {
                    Next::GoOn => {}
                    Next::Ended => {
                        self.state.send_modify(|state| state.ended = true);
                        return self.leave();
                    }
                    Next::Stopped => return self.leave(),
                }
            }
        }
        self.leave();
    }

    fn leave(&self) {
        self.shared.drivers.remove(&self.id);
        self.shared.metrics.running.dec();
    }

    async fn next_input(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Option<Input> {
        while self.turn.waits() {
            tokio::select! {
                () = self.shared.stop.cancelled() => return None,
                input = inputs.recv() => return input,
                () = self.turn.granted() => {}
            }
        }
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        let wake = self.wakes.first().copied();
        let timer = async {
            match wake {
                Some(at) => tokio::time::sleep(clock::until(at, clock::now())).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.shared.stop.cancelled() => None,
            input = inputs.recv() => input,
            () = timer => {
                self.wakes.pop_first();
                Some(Input::Woken)
            }
        }
    }

    fn observe(&mut self, input: &Input) {
        match input {
            Input::Message { from, message: SupplierMessage::Ready { .. } } => {
                self.ready.insert(from.clone());
            }
            // It ends, and needs no turn for that.
            Input::Cancel { .. } if self.turn.waits() => self.turn.leave(),
            _ => {}
        }
    }

    /// Takes or leaves the dataset's turn, as the round needs it.
    fn mind_turn(&mut self, stage: &Stage) {
        match stage {
            Stage::Joining(_) => self.want_turn(),
            // Nothing more of it can be certified: its set of suppliers is fixed.
            Stage::Gathering { .. } | Stage::Opening(_) => self.turn.leave(),
            _ => {}
        }
    }

    fn want_turn(&mut self) {
        let left = clock::until(self.entry.expires_at, clock::now());
        if self.turn.want(&self.shared.turns, &self.entry.dataset, left) {
            self.state.send_modify(|state| {
                let waiting = state.progress.get_or_insert_default();
                waiting.set_stage(v1::Stage::WaitingForTurn);
            });
        }
    }

    async fn perform(&mut self, effect: Effect) -> Next {
        match effect {
            Effect::Send { to, message } => {
                let request = self.requests.request(&message, &self.id, &self.documents);
                if !self.shared.hub.send(&to, v1::coordinator_message::Message::Request(request)) {
                    self.shared.metrics.dropped_messages.inc();
                }
                Next::GoOn
            }
            Effect::Persist(record) => self.persist(&record).await,
            Effect::LogParticipants { attempt, participants, .. } => {
                tracing::info!(query = %self.id.short(), %attempt, participants = participants.len(), "certified");
                // Restored, it has not had its turn in this life.
                self.want_turn();
                self.answers.push_back(Input::ParticipantsLogged);
                Next::GoOn
            }
            Effect::WakeAt(at) => {
                self.wakes.insert(at);
                Next::GoOn
            }
            Effect::Reject(fault) => {
                self.shared.metrics.refused_messages.inc();
                tracing::warn!(query = %self.id.short(), %fault, "refused");
                Next::GoOn
            }
            Effect::Progress(stage) => self.report(&stage).await,
            Effect::Opened { totals, evidence, record } => self.open(totals, *evidence, record).await,
            Effect::Ended(outcome) => self.end(&outcome).await,
        }
    }

    async fn persist(&mut self, record: &CombinerRecord) -> Next {
        loop {
            match self.shared.store.keep_record(&self.id, record).await {
                Ok(()) => break,
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return Next::Stopped,
            }
        }
        self.answers.push_back(Input::Persisted);
        Next::GoOn
    }

    /// Waits a while after a failure of the store. False when the coordinator stops meanwhile.
    async fn store_failed(&self, cause: &StoreError) -> bool {
        self.shared.metrics.store_failures.inc();
        tracing::error!(query = %self.id.short(), %cause, "the query waits for the store");
        tokio::select! {
            () = self.shared.stop.cancelled() => false,
            () = tokio::time::sleep(STORE_RETRY) => true,
        }
    }

    async fn report(&mut self, stage: &Stage) -> Next {
        let now = clock::now();
        if let Stage::Gathering { refused, .. } = stage {
            for (supplier, reason) in refused {
                let told = (supplier.clone(), reason.code().to_owned());
                if self.refusals.contains(&told) {
                    continue;
                }
                // Lost by a crash, it only makes a note under the table less precise.
                if let Err(cause) =
                    self.shared.store.note(&self.id, now, supplier.as_str(), "refused", reason.code()).await
                {
                    tracing::error!(%cause, "a refusal was not noted");
                }
                self.refusals.push(told);
            }
        }
        let refusals = self
            .refusals
            .iter()
            .map(|(supplier, reason)| v1::Refusal { supplier: supplier.to_string(), reason: reason.clone() });
        let progress = progress(stage, refusals.collect(), now);
        tracing::debug!(query = %self.id.short(), ?stage, "progress");
        self.state.send_modify(|state| state.progress = Some(progress));
        self.mind_turn(stage);
        Next::GoOn
    }

    async fn open(&mut self, totals: Totals, evidence: Evidence, record: CombinerRecord) -> Next {
        let now = clock::now();
        let facts = release::facts(&self.entry, &evidence, &self.refusals, &self.ready, now);
        let (shared, plan, policy) = (Arc::clone(&self.shared), Arc::clone(&self.plan), self.policy.clone());
        let made = spawn_blocking(move || release::make(&shared.codebook, &plan, &policy, totals, facts)).await;
        let (outcome, reason, release) = match made {
            Ok(Ok(release)) => (RoundOutcome::Opened, String::new(), Some(release)),
            // Opened it was, and stays: there is no second time.
            Ok(Err(cause)) => (RoundOutcome::Spent, cause.to_string(), None),
            Err(_) => (RoundOutcome::Spent, "protecting the table has failed".to_owned(), None),
        };
        loop {
            let outcome = StoredOutcome { outcome, reason: reason.clone() };
            let ending = Ending { outcome, at: now, record: Some(&record), release: release.clone() };
            match self.shared.store.end(&self.id, ending).await {
                Ok(_) => break,
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return Next::Stopped,
            }
        }
        if outcome == RoundOutcome::Spent {
            tracing::error!(query = %self.id.short(), reason, "opened, and not released");
        }
        self.shared.metrics.ended(outcome);
        self.answers.push_back(Input::Persisted);
        Next::GoOn
    }

    async fn end(&mut self, outcome: &Outcome) -> Next {
        let stored = stored(outcome);
        loop {
            let ending = Ending { outcome: stored.clone(), at: clock::now(), record: None, release: None };
            match self.shared.store.end(&self.id, ending).await {
                Ok(first) => {
                    if first {
                        self.shared.metrics.ended(stored.outcome);
                    }
                    break;
                }
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return Next::Stopped,
            }
        }
        tracing::info!(query = %self.id.short(), outcome = ?stored.outcome, reason = stored.reason, "ended");
        Next::Ended
    }
}
