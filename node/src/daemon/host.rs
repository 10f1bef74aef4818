//! Hosts the supplier's machine of one query: waits, hands on, performs effects in order. No policy of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use optelsom_codebook::{QueryId, RefusalReason};
use optelsom_proto::v1::node_message::Message;
use optelsom_proto::wire::{Documents, Request, answer};

use optelsom_secagg::messages::{AttemptFault, CoordinatorMessage, SupplierMessage};
use optelsom_secagg::supplier::{Effect, Input, Supplier, SupplierRecord};
use optelsom_secagg::{Entropy, PreparedTable, Question};
use tokio::sync::mpsc;

use super::clock::{now, random};
use super::desk::Desk;
use super::gatekeeper::{Gatekeeper, Shut};
use super::metrics::Metrics;
use super::store::{Event, Store, StoreError};
use super::uplink::Uplink;

/// What comes to a query's host.
#[derive(Debug)]
pub(super) enum Letter {
    /// From the coordinator.
    Request(Box<Request>),
    /// The desk has counted the table, or says why not.
    Counted(Result<PreparedTable, RefusalReason>),
}

/// What all hosts share.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) store: Store,
    pub(super) desk: Arc<Desk>,
    pub(super) uplink: Uplink,
    pub(super) metrics: Metrics,
    pub(super) gatekeeper: Gatekeeper,
}

/// Why a host gave up. The query goes on from its last durable record when the coordinator asks again.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("the machine has stopped: {0}; this is a defect of the software")]
    Stopped(#[from] tokio::task::JoinError),
}

/// The host of one query.
pub(super) struct Host {
    query: QueryId,
    around: Surroundings,
    letters: mpsc::Receiver<Letter>,
    to_self: mpsc::Sender<Letter>,
    documents: Option<Documents>,
    counting: bool,
}

impl Host {
    pub(super) fn new(
        query: QueryId,
        around: Surroundings,
        letters: mpsc::Receiver<Letter>,
        to_self: mpsc::Sender<Letter>,
    ) -> Self {
        Self { query, around, letters, to_self, documents: None, counting: false }
    }

    /// Runs until the query has ended here, or a promise cannot be made durable.
    pub(super) async fn run(mut self, machine: Supplier) -> Result<(), HostError> {
        let mut machine = Some(machine);
        while let Some(letter) = self.letters.recv().await {
            if !self.let_through(&letter).await? {
                continue;
            }
            let told =
                matches!(&letter, Letter::Request(asked) if matches!(asked.message, CoordinatorMessage::Ended { .. }));
            let input = self.input(letter)?;
            let Some(current) = machine.take() else { break };
            let next = self.step(current, input).await?;
            // Also where it had ended before, or was never asked here: nothing else would ever end this host.
            if told || next.ended() {
                break;
            }
            machine = Some(next);
        }
        Ok(())
    }

    /// Takes a request through gate and guard. What does not get through changes nothing.
    async fn let_through(&mut self, letter: &Letter) -> Result<bool, HostError> {
        let Letter::Request(request) = letter else { return Ok(true) };
        let came = request.document.clone().zip(request.policy.clone()).map(|(query, policy)| {
            let evidence = request.evidence.clone();
            Documents { query, policy, evidence }
        });
        match self.around.gatekeeper.admit(request, came.as_ref().or(self.documents.as_ref())).await {
            Ok(()) => {
                // What did not get through is not kept: anybody can make up documents.
                self.documents = came.or(self.documents.take());
                Ok(true)
            }
            Err(Shut::Store(cause)) => Err(cause.into()),
            Err(shut) => {
                self.around.metrics.rejections.inc();
                tracing::warn!(query = %self.query.short(), cause = %shut, "refused a request; nothing has changed");
                self.refused(&request.message, &shut).await?;
                Ok(false)
            }
        }
    }

    /// Tells the coordinator what an honest one needs to know, so that nobody waits for this node.
    async fn refused(&mut self, message: &CoordinatorMessage, shut: &Shut) -> Result<(), HostError> {
        match (message, shut) {
            (CoordinatorMessage::Ask { .. }, Shut::Gate(error)) if error.step() <= 2 => {
                self.send(self.around.gatekeeper.refusal(&self.query, RefusalReason::Policy)).await
            }
            // What it was sent may be lost, or was not stored: it says what it has, at the pace at which it is asked.
            (_, Shut::NotYet | Shut::NotLogged) => {
                let state = self.around.gatekeeper.follower.state().await;
                self.around.uplink.send(Message::LedgerState(state)).await;
                Ok(())
            }
            (CoordinatorMessage::Finalise { certificate }, Shut::Guard(_)) => {
                let attempt = certificate.attempt;
                self.note(format!("the guard refuses attempt {attempt}: {shut}"), None).await?;
                let refuses = SupplierMessage::CannotContinue { attempt, cause: AttemptFault::GuardRefuses };
                if let Some(wire) = answer(&self.query, &refuses) {
                    self.around.uplink.send(Message::Answer(wire)).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn input(&mut self, letter: Letter) -> Result<Input, HostError> {
        Ok(match letter {
            Letter::Request(request) => {
                Input::Message { message: request.message, entropy: Entropy::new(random().map_err(HostError::Random)?) }
            }
            Letter::Counted(counted) => {
                self.counting = false;
                match counted {
                    Ok(table) => Input::TableReady(table),
                    Err(reason) => Input::TableRefused(reason),
                }
            }
        })
    }

    /// One input, and all that follows from it.
    async fn step(&mut self, machine: Supplier, input: Input) -> Result<Supplier, HostError> {
        // Signatures and masks take long: away from the tasks that wait for the network.
        let (mut machine, effects) = tokio::task::spawn_blocking(move || machine.handle(now(), input)).await?;
        let mut due = VecDeque::from(effects);
        while let Some(effect) = due.pop_front() {
            if let Effect::Persist(record) = effect {
                self.persist(&record).await?;
                let (next, effects) = machine.handle(now(), Input::Persisted);
                machine = next;
                due.extend(effects);
            } else {
                self.perform(effect).await?;
            }
        }
        Ok(machine)
    }

    async fn persist(&mut self, record: &SupplierRecord) -> Result<(), HostError> {
        self.around.store.save(&self.query, record, now()).await?;
        if record.ended() {
            tracing::info!(query = %self.query.short(), "ended; its secrets are gone");
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), HostError> {
        match effect {
            Effect::Persist(_) => {}
            Effect::Compute(question) => self.compute(question),
            Effect::Send(message) => self.send(message).await?,
            Effect::SendTable { table, .. } => {
                self.around.metrics.submissions.inc();
                self.around.uplink.send_table(self.query, table);
            }
            Effect::Reject(fault) => {
                self.around.metrics.rejections.inc();
                tracing::warn!(query = %self.query.short(), %fault, "refused a message; nothing has changed");
            }
        }
        Ok(())
    }

    fn compute(&mut self, question: Box<Question>) {
        let Some(documents) = self.documents.clone() else { return };
        if std::mem::replace(&mut self.counting, true) {
            return;
        }
        let (desk, to_self) = (Arc::clone(&self.around.desk), self.to_self.clone());
        tokio::spawn(async move {
            if let Some(counted) = desk.count(&question, &documents).await {
                // A host that is gone needs no table.
                let _ = to_self.send(Letter::Counted(counted)).await;
            }
        });
    }

    async fn send(&mut self, message: SupplierMessage) -> Result<(), HostError> {
        if let Some((event, digest)) = told(&message) {
            self.note(event, digest).await?;
        }
        match &message {
            SupplierMessage::Ready { .. } => self.around.metrics.answered("ready"),
            SupplierMessage::Refused { reason, .. } => self.around.metrics.answered(reason.code()),
            _ => {}
        }
        if let Some(wire) = answer(&self.query, &message) {
            self.around.uplink.send(Message::Answer(wire)).await;
        }
        Ok(())
    }

    async fn note(&self, event: String, digest: Option<Vec<u8>>) -> Result<(), HostError> {
        tracing::info!(query = %self.query.short(), event);
        Ok(self.around.store.note_event(&Event { query: self.query, at: now(), event, digest }).await?)
    }
}

/// What the journal says of a message: that it was sent, and the digest of what was in it. Never a figure.
fn told(message: &SupplierMessage) -> Option<(String, Option<Vec<u8>>)> {
    Some(match message {
        SupplierMessage::Ready { edition, .. } => (format!("ready, from edition {edition}"), None),
        SupplierMessage::Refused { reason, .. } => (format!("refused: {}", reason.code()), None),
        SupplierMessage::Card { attempt, .. } => (format!("joined attempt {attempt}"), None),
        SupplierMessage::Submission { attempt, header, .. } => {
            (format!("submitted to attempt {attempt}"), Some(header.table_digest.as_bytes().to_vec()))
        }
        SupplierMessage::Prepared { attempt, .. } => (format!("prepared attempt {attempt}"), None),
        SupplierMessage::Final { attempt, .. } => (format!("signed the final statement of attempt {attempt}"), None),
        SupplierMessage::Opening { attempt, .. } => (format!("gave its self-mask of attempt {attempt}"), None),
        SupplierMessage::RecoveredShares { attempt, shares } => {
            (format!("gave {} shares of others' self-masks of attempt {attempt}", shares.len()), None)
        }
        SupplierMessage::Void { .. } => ("declared the query void".to_owned(), None),
        SupplierMessage::CannotContinue { attempt, cause } => {
            (format!("cannot go on with attempt {attempt}: {cause:?}"), None)
        }
        SupplierMessage::Encapsulations { .. } | SupplierMessage::Chunk(_) => return None,
    })
}
