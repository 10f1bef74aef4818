//! The inside of a query's task.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::{Hash256, Plan, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::Policy;
use optelsom_ledger::{QueryEntry, Signature};
use optelsom_proto::v1;
use optelsom_proto::wire::{Documents, RequestWriter};
use optelsom_secagg::combiner::{Effect, Input, Stage};
use optelsom_secagg::messages::{CoordinatorMessage, FinalCertificate, SupplierMessage};
use optelsom_secagg::{Combiner, CombinerRecord};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::inbox::{Door, Inbox};
use super::logging;
use super::progress::{QueryState, progress};
use crate::clock;
use crate::shared::Shared;
use crate::store::{Accepted, StoreError};
use crate::turn::Turn;

/// How long after a failure of the store it is tried again.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// Everything about one query but its machine.
pub struct Host {
    pub(super) shared: Arc<Shared>,
    pub(super) id: QueryId,
    pub(super) entry: QueryEntry,
    pub(super) documents: Documents,
    requests: RequestWriter,
    pub(super) plan: Arc<Plan>,
    pub(super) policy: Policy,
    pub(super) state: watch::Sender<QueryState>,
    pub(super) refusals: Vec<(SupplierId, String)>,
    pub(super) ready: BTreeSet<SupplierId>,
    wakes: BTreeSet<Timestamp>,
    pub(super) answers: VecDeque<Input>,
    turn: Turn,
    to_self: Door,
    /// Where the query stands in the log.
    pub(super) index: u64,
    /// The signatures under refusals, until these are logged.
    refusing: BTreeMap<SupplierId, Signature>,
    /// The final certificate, once there is one.
    pub(super) finality: Option<Arc<FinalCertificate>>,
    /// The digests of statement and certificate by which the participants stand in the log.
    pub(super) logged: Option<(Hash256, Hash256)>,
}

/// What follows after an effect.
pub(super) enum Next {
    GoOn,
    Ended,
    Stopped,
}

/// One step of the machine; none where it has failed.
async fn step(machine: Combiner, now: Timestamp, input: Input) -> Option<(Combiner, Vec<Effect>)> {
    use SupplierMessage::{Card, Chunk, Final, Prepared, Ready, Refused, Void};
    match input {
        // Of the parts of tables come hundreds, and each of the others has one signature: changing threads would take as
        // long.
        Input::Message { message: Chunk(_) | Ready { .. } | Refused { .. } | Card { .. }, .. }
        | Input::Message { message: Prepared { .. } | Final { .. } | Void { .. }, .. }
        | Input::Persisted => Some(machine.handle(now, input)),
        // Some steps take long: away from the tasks that wait for the network.
        _ => spawn_blocking(move || machine.handle(now, input)).await.ok(),
    }
}

impl Host {
    pub(super) fn new(
        shared: Arc<Shared>,
        accepted: &Accepted,
        plan: Plan,
        state: watch::Sender<QueryState>,
        refusals: Vec<(SupplierId, String)>,
        to_self: Door,
    ) -> Self {
        let entry = accepted.question.entry.clone();
        let documents =
            Documents { query: accepted.document.clone(), policy: accepted.policy.canonical_bytes(), evidence: None };
        Self {
            shared,
            id: entry.id(),
            entry,
            documents,
            requests: RequestWriter::default(),
            plan: Arc::new(plan),
            policy: accepted.policy.clone(),
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
    pub(super) async fn run(mut self, accepted: Accepted, record: Option<CombinerRecord>, mut inputs: Inbox) {
        let prepared = self.prepare(&accepted, record.as_ref(), &mut inputs).await;
        let Some(checkpoint) = prepared else { return };
        let mut machine = match super::machine(&self.shared, &accepted, &self.plan, record, checkpoint) {
            Ok(machine) => machine,
            Err(cause) => {
                tracing::error!(query = %self.id, %cause, "cannot be gone on with; it is kept");
                return;
            }
        };
        while let Some(input) = self.next_input(&mut inputs).await {
            self.observe(&input);
            let now = clock::now();
            let Some((next, effects)) = step(machine, now, input).await else {
                tracing::error!(query = %self.id, "the combiner's machine has failed; the query waits for a restart");
                return;
            };
            machine = next;
            let mut ended = false;
            for effect in effects {
                match self.perform(effect).await {
                    Next::GoOn => {}
                    // What follows tells the nodes: they keep secrets of the query, or have it wait for a person, until then.
                    Next::Ended => ended = true,
                    Next::Stopped => return,
                }
            }
            if ended {
                self.state.send_modify(|state| state.ended = true);
                return;
            }
        }
    }

    async fn next_input(&mut self, inputs: &mut Inbox) -> Option<Input> {
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
            Effect::LogParticipants { attempt, participants, submissions, certificate } => {
                tracing::info!(query = %self.id.short(), %attempt, participants = participants.len(), "certified");
                // Restored, it has not had its turn in this life.
                self.want_turn();
                let number = attempt.number();
                let entry = logging::participants_entry(self.index, number, &participants, submissions, certificate);
                self.logged = Some((entry.statement(), certificate));
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
    pub(super) fn later<E: std::fmt::Display + Send + 'static, F>(
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
                to_self.tell(answer);
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
    pub(super) async fn store_failed(&self, cause: &StoreError) -> bool {
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
}
