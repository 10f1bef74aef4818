//! The inside of a query's task.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::{Hash256, Plan, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{History, Policy, RoundFacts, Totals};
use optelsom_ledger::entry::{ApprovalRule, Entry};
use optelsom_ledger::{QueryEntry, Signature};
use optelsom_proto::v1;
use optelsom_proto::wire::{Documents, RequestWriter};
use optelsom_secagg::CombinerRecord;
use optelsom_secagg::combiner::{Effect, Evidence, Input, Outcome, Stage};
use optelsom_secagg::messages::{CoordinatorMessage, FinalCertificate, RoundOutcome, SupplierMessage};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::history::{NoHistory, Releasing};
use super::logging;
use super::progress::{QueryState, progress, stored};
use super::release::{self, Made, NoRelease};
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
    /// What the query did and does in the log, by which its entries go.
    index: u64,
    to_self: mpsc::Sender<Input>,
    refusing: BTreeMap<SupplierId, Signature>,
    finality: Option<Arc<FinalCertificate>>,
    logged: Option<(Hash256, Hash256)>,
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
        accepted: &Accepted,
        plan: Plan,
        policy: Policy,
        state: watch::Sender<QueryState>,
        refusals: Vec<(SupplierId, String)>,
        to_self: mpsc::Sender<Input>,
    ) -> Self {
        let entry = accepted.question.entry.clone();
        let documents = Documents {
            query: accepted.document.clone(),
            minimum_frequency: accepted.minimum_frequency,
            evidence: None,
        };
        Self {
            shared,
            id: entry.id(),
            entry,
            documents,
            requests: RequestWriter::default(),
            plan: Arc::new(plan),
            policy,
            state,
            refusals,
            ready: BTreeSet::new(),
            wakes: BTreeSet::new(),
            answers: VecDeque::from([Input::Started]),
            turn: Turn::default(),
            index: 0,
            to_self,
            refusing: BTreeMap::new(),
            finality: None,
            logged: None,
        }
    }

    /// Runs until the query has ended, or the coordinator stops. Nothing of it leaves before it stands in the log.
    pub(super) async fn run(
        mut self,
        accepted: Accepted,
        record: Option<CombinerRecord>,
        mut inputs: mpsc::Receiver<Input>,
    ) {
        if let Some(reason) = self.await_approval(&mut inputs).await {
            self.give_up(reason).await;
            return self.leave();
        }
        let Some(checkpoint) = self.log_query(&accepted, &mut inputs).await else { return self.leave() };
        let mut machine = match super::machine(&self.shared, &accepted, &self.plan, record, checkpoint) {
            Ok(machine) => machine,
            Err(cause) => {
                tracing::error!(query = %self.id, %cause, "cannot be gone on with; it is kept");
                return self.leave();
            }
        };
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

    /// Waits for a second person, where everybody goes by two; yields why it was waited for in vain. Nobody but this
    /// coordinator has heard of the query until then.
    async fn await_approval(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Option<String> {
        if self.shared.ledger.trust().approvals() == ApprovalRule::OnePerson {
            return None;
        }
        loop {
            let approved = self.shared.approved.notified();
            tokio::pin!(approved);
            // From here on no word is missed.
            approved.as_mut().enable();
            match self.shared.store.approval(&self.id).await {
                Ok(Some(_)) => return None,
                Ok(None) => {}
                Err(cause) => {
                    self.store_failed(&cause).await;
                }
            }
            if clock::now() >= self.entry.expires_at {
                return Some("no second person approved it before it expired".to_owned());
            }
            self.state.send_modify(|state| {
                state.progress.get_or_insert_default().set_stage(v1::Stage::WaitingForApproval);
            });
            tokio::select! {
                () = self.shared.stop.cancelled() => return None,
                () = &mut approved => {}
                () = tokio::time::sleep(clock::until(self.entry.expires_at, clock::now())) => {}
                input = inputs.recv() => {
                    if let Some(Input::Cancel { by }) = input {
                        return Some(format!("it was cancelled by {by}"));
                    }
                }
            }
        }
    }

    /// Ends a query that never reached the log, nor anybody else.
    async fn give_up(&self, reason: String) {
        loop {
            let outcome = StoredOutcome { outcome: RoundOutcome::Abandoned, reason: reason.clone() };
            let (owed, files) = (Vec::new(), Vec::new());
            let ending = Ending { outcome, at: clock::now(), record: None, release: None, owed, files };
            match self.shared.store.end(&self.id, ending).await {
                Ok(_) => break,
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return,
            }
        }
        tracing::info!(query = %self.id.short(), reason, "ended before it was logged");
        self.state.send_modify(|state| state.ended = true);
    }

    /// Waits until the query stands in the log; yields the digest of the checkpoint that the nodes are shown. What comes
    /// meanwhile is of no use to a machine that has not begun, but for a word of the operator.
    async fn log_query(&mut self, accepted: &Accepted, inputs: &mut mpsc::Receiver<Input>) -> Option<Hash256> {
        let (shared, policy) = (Arc::clone(&self.shared), self.policy.canonical_bytes());
        let logging = logging::until_done(&shared, "the query", || logging::query(&shared, accepted, &policy));
        tokio::pin!(logging);
        let evidence = loop {
            tokio::select! {
                logged = &mut logging => break logged?,
                Some(input) = inputs.recv() => {
                    if matches!(input, Input::Cancel { .. } | Input::AskVoid) {
                        self.answers.push_back(input);
                    }
                }
            }
        };
        let digest = logging::checkpoint_digest(&shared, &evidence)?;
        self.index = evidence.index;
        self.documents.evidence = Some(evidence);
        Some(digest)
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
            Input::Message { from, message: SupplierMessage::Refused { signature, .. } } => {
                self.refusing.insert(from.clone(), *signature);
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
                if let (CoordinatorMessage::Open { certificate }, None) = (&message, &self.finality) {
                    self.finality = Some(certificate.clone());
                }
                let request = self.requests.request(&message, &self.id, &self.documents);
                if !self.shared.hub.send(&to, v1::coordinator_message::Message::Request(request)) {
                    self.shared.metrics.dropped_messages.inc();
                }
                Next::GoOn
            }
            Effect::Persist(record) => self.persist(&record).await,
            Effect::AskGuard { suppliers } => {
                let refused = self.shared.ledger.view().foresee(self.index, &suppliers).err();
                self.answers.push_back(match refused {
                    None => Input::GuardPassed,
                    Some(refusal) => Input::GuardRefused { why: refusal.to_string() },
                });
                Next::GoOn
            }
            Effect::LogParticipants { attempt, participants, statement, certificate } => {
                tracing::info!(query = %self.id.short(), %attempt, participants = participants.len(), "certified");
                // Restored, it has not had its turn in this life.
                self.want_turn();
                self.logged = Some((statement, certificate));
                let number = attempt.number();
                let entry = logging::participants_entry(self.index, number, &participants, statement, certificate);
                self.later("participants", Input::ParticipantsLogged, move |shared: Arc<Shared>| {
                    let entry = entry.clone();
                    async move { logging::participants(&shared, entry).await }
                });
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

    /// Has something done beside this task, which must not keep nodes waiting, and hands the answer to the machine.
    fn later<E: std::fmt::Display + Send + 'static, F>(
        &self,
        what: &'static str,
        answer: Input,
        work: impl Fn(Arc<Shared>) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let (shared, to_self) = (Arc::clone(&self.shared), self.to_self.clone());
        self.shared.tasks.spawn(async move {
            let done = logging::until_done(&shared, what, || work(Arc::clone(&shared))).await;
            if done.is_some() {
                // A driver that is gone waits for nothing.
                let _ = to_self.send(answer).await;
            }
        });
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
                self.log_refusal(supplier, reason.code());
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

    /// Beside this task, and once: lost by a crash, the supplier's own journal still has it.
    fn log_refusal(&self, supplier: &SupplierId, reason: &str) {
        let signature = self.refusing.get(supplier).copied();
        let entry = signature.and_then(|signature| logging::refusal(self.index, supplier, reason, signature));
        let (ledger, Some(entry)) = (self.shared.ledger.clone(), entry) else { return };
        self.shared.tasks.spawn(async move {
            if let Err(cause) = ledger.append_one(&entry).await {
                tracing::error!(%cause, "a supplier's refusal is not in the log");
            }
        });
    }

    /// The entries that an ended query owes the log: the final certificate, where there is one, then its end.
    fn owed(&self, evidence: Option<&Evidence>, end: Option<Entry>) -> Vec<Vec<u8>> {
        let finality = evidence.map(|evidence| &evidence.certificate).or(self.finality.as_ref());
        let digests = evidence.map(Evidence::digests).or(self.logged);
        let finality = finality.zip(digests).and_then(|(certificate, (statement, digest))| {
            let round = logging::Round { certificate, statement, digest };
            logging::final_entry(&self.shared, self.index, &round)
        });
        let leaves = finality.into_iter().chain(end).filter_map(|entry| entry.to_leaf().ok());
        leaves.map(|leaf| leaf.as_bytes().to_vec()).collect()
    }

    async fn open(&mut self, totals: Totals, evidence: Evidence, record: CombinerRecord) -> Next {
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
        let (outcome, reason, made) = match made {
            Ok(made) => (RoundOutcome::Opened, String::new(), Some(made)),
            // Opened it was, and stays: there is no second time.
            Err(cause) => (RoundOutcome::Spent, cause.to_string(), None),
        };
        let entry = logging::released(&self.shared, self.index, made.as_ref());
        let owed = self.owed(Some(&evidence), entry);
        let files = made.as_ref().map(Made::files).unwrap_or_default();
        loop {
            let outcome = StoredOutcome { outcome, reason: reason.clone() };
            let document = made.as_ref().map(|made| made.document.clone());
            let (owed, files) = (owed.clone(), files.clone());
            let ending = Ending { outcome, at: now, record: Some(&record), release: document, owed, files };
            match self.shared.store.end(&self.id, ending).await {
                Ok(first) => {
                    let edition = (self.entry.dataset.as_str(), &self.entry.edition);
                    let release = made.as_ref().map(|made| &made.release);
                    releasing.keep(&self.shared.codebook, edition, release.filter(|_| first));
                    break;
                }
                Err(cause) if self.store_failed(&cause).await => {}
                Err(_) => return Next::Stopped,
            }
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
        let making = move || release::make(&shared, &plan, &policy, totals, (facts, &evidence), &history);
        spawn_blocking(making).await.unwrap_or(Err(NoRelease::Failed))
    }

    async fn end(&mut self, outcome: &Outcome) -> Next {
        let stored = stored(outcome);
        let owed = match logging::ending(&self.shared, self.index, outcome) {
            Some(end) => self.owed(None, Some(end)),
            None => Vec::new(),
        };
        loop {
            let owed = owed.clone();
            let files = Vec::new();
            let ending = Ending { outcome: stored.clone(), at: clock::now(), record: None, release: None, owed, files };
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
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        self.shared.tasks.spawn(async move {
            logging::until_done(&shared, "the end of the query", || logging::settle(&shared, &id)).await;
        });
        Next::Ended
    }
}
