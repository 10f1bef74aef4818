//! One connection of a node, from its Hello to its end.

use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::entry::{DocumentChange, Subject};
use optelsom_proto::SOFTWARE;
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::{AgreementSigned, Answer, Documents, Hello, Holdings, WireError, request};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};

use crate::clock;
use crate::driver::until_done;
use crate::hub::{Outflow, Session};
use crate::shared::Shared;
use crate::store::NodeAnnouncement;

/// How long a node may take to say who it is.
pub const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// A node that is connected.
pub struct Attending {
    shared: Arc<Shared>,
    supplier: SupplierId,
    session: Session,
    hello: Hello,
    /// It has said how much of the log it has.
    greeted: bool,
    /// Logs the agreement; one such task is enough, whatever the node sends.
    agreement: Option<JoinHandle<()>>,
}

impl Attending {
    /// Takes a node in: keeps what it says of itself, welcomes it, and has queries send what they wait for.
    pub async fn begin(shared: Arc<Shared>, supplier: SupplierId, hello: Hello) -> Result<(Self, Outflow), Status> {
        let node = NodeAnnouncement { supplier: supplier.clone(), hello: hello.clone(), last_seen: clock::now() };
        shared.store.keep_announcement(&node).await?;
        let editions = shared.store.editions().await?;
        let (session, receiver) = shared.hub.attend(&supplier);
        let node_count = i64::try_from(shared.hub.count()).unwrap_or(i64::MAX);
        shared.metrics.nodes.set(node_count);
        tracing::info!(%supplier, software = hello.software, "node attends");
        let attending = Self { shared, supplier, session, hello, greeted: false, agreement: None };
        attending.send(Down::Welcome(v1::Welcome {
            software: SOFTWARE.to_owned(),
            clock: clock::now().as_millis(),
            roster: attending.shared.roster.hash().as_bytes().to_vec(),
            codebook: attending.shared.codebook.hash().as_bytes().to_vec(),
            editions: editions.into_iter().map(Into::into).collect(),
        }));
        attending.notify_of_differences();
        Ok((attending, receiver))
    }

    fn send(&self, message: Down) {
        if !self.shared.hub.send(&self.supplier, message) {
            self.shared.metrics.dropped_messages.inc();
        }
    }

    fn notice(&self, kind: v1::NoticeKind, text: String) {
        tracing::warn!(supplier = %self.supplier, text, "notice");
        self.send(Down::Notice(v1::Notice { kind: kind.into(), text }));
    }

    fn notify_of_differences(&self) {
        let (ours, theirs) = (self.shared.codebook.hash(), self.hello.codebook);
        if ours != theirs {
            let text = format!(
                "codebook {} is in force, this node has {}; it refuses every query until it has the same codebook.toml",
                ours.short(),
                theirs.short()
            );
            self.notice(v1::NoticeKind::CodebookDiffers, text);
        }
        let (ours, theirs) = (self.shared.roster.hash(), self.hello.roster);
        if ours != theirs {
            let text = format!(
                "roster {} is in force, this node has {}; it refuses every query until it has the same roster.toml",
                ours.short(),
                theirs.short()
            );
            self.notice(v1::NoticeKind::RosterDiffers, text);
        }
    }

    /// Reads what the node sends until it goes.
    pub async fn run(mut self, mut messages: Streaming<v1::NodeMessage>) {
        self.shared.drivers.presence(&self.supplier, true);
        for id in std::mem::take(&mut self.hello.unfinished) {
            self.tell_end(&id).await;
        }
        loop {
            let message = tokio::select! {
                () = self.shared.stop.cancelled() => break,
                message = messages.message() => message,
            };
            match message {
                Ok(Some(message)) => self.take(message).await,
                Ok(None) => break,
                Err(status) => {
                    tracing::info!(supplier = %self.supplier, cause = status.message(), "connection lost");
                    break;
                }
            }
        }
        self.end().await;
    }

    async fn end(&self) {
        if !self.shared.hub.leave(&self.supplier, self.session) {
            return;
        }
        let node_count = i64::try_from(self.shared.hub.count()).unwrap_or(i64::MAX);
        self.shared.metrics.nodes.set(node_count);
        tracing::info!(supplier = %self.supplier, "node gone");
        self.shared.ledger.gone(self.supplier.clone()).await;
        self.shared.drivers.presence(&self.supplier, false);
        if let Err(cause) = self.shared.store.last_seen(&self.supplier, clock::now()).await {
            tracing::error!(%cause, "it was not noted when a node was last seen");
        }
    }

    /// What is malformed is refused, and changes nothing; the connection goes on.
    async fn take(&mut self, message: v1::NodeMessage) {
        let taken = match message.message {
            Some(Up::Answer(answer)) => self.take_answer(answer).await,
            Some(Up::Holdings(holdings)) => self.take_holdings(holdings).await,
            Some(Up::LedgerState(state)) => {
                let agreement = Hash256::of(self.hello.agreement.document.as_bytes());
                let agreement = (!std::mem::replace(&mut self.greeted, true)).then_some(agreement);
                self.shared.ledger.state(self.supplier.clone(), state.size, state.checkpoint, agreement).await;
                Ok(())
            }
            Some(Up::Cosigned(cosigned)) => {
                self.shared.ledger.cosigned(self.supplier.clone(), cosigned.line).await;
                Ok(())
            }
            Some(Up::Agreement(signed)) => self.take_agreement(signed).await,
            Some(Up::Hello(_)) => Err("Hello is the first message, and comes once".to_owned()),
            None => Err("a message of a kind that is unknown here".to_owned()),
        };
        if let Err(text) = taken {
            self.shared.metrics.refused_messages.inc();
            self.notice(v1::NoticeKind::MessageRefused, text);
        }
    }

    async fn take_answer(&self, answer: v1::Answer) -> Result<(), String> {
        let Answer { query, message } = Answer::try_from(answer).map_err(|error: WireError| error.to_string())?;
        match self.shared.drivers.of(&query) {
            // So that no longer ones wait for a query that is busy.
            Some(driver) if longest_list(&message) > driver.door.asked() => {
                return Err("malformed message: an answer that names more suppliers than are asked".to_owned());
            }
            Some(driver) => {
                if !driver.door.answer(&self.supplier, message) {
                    self.shared.metrics.dropped_answers.inc();
                    tracing::debug!(supplier = %self.supplier, query = %query.short(), "an answer too many is dropped");
                }
            }
            None => self.tell_end(&query).await,
        }
        Ok(())
    }

    /// Tells the node that a query is over, if it is: so its secrets of it may go.
    async fn tell_end(&self, id: &QueryId) {
        let asked = match self.shared.store.summary(id).await {
            Ok(summary) => summary.filter(|summary| summary.entry.scope.contains(&self.supplier)),
            Err(cause) => {
                tracing::error!(%cause, "a node was not told the end of a query");
                return;
            }
        };
        if let Some(stored) = asked.and_then(|summary| summary.outcome) {
            let message = CoordinatorMessage::Ended { outcome: stored.outcome };
            self.send(Down::Request(request(&message, id, &Documents::default())));
        }
    }

    /// Logs the agreement that the node's Hello brought, with the signature on the change to it.
    async fn take_agreement(&mut self, signed: v1::AgreementSigned) -> Result<(), String> {
        if self.agreement.as_ref().is_some_and(|task| !task.is_finished()) {
            return Ok(());
        }
        let signed = AgreementSigned::try_from(signed).map_err(|error: WireError| error.to_string())?;
        let document = self.hello.agreement.document.as_bytes();
        let digest = Hash256::of(document);
        let change = DocumentChange {
            subject: Subject::Agreement(self.supplier.clone()),
            document: digest,
            named: digest,
            predecessor: signed.predecessor,
        };
        let member = self.shared.roster.member(&self.supplier);
        if !member.is_some_and(|member| change.is_signed_by(&member.identity, &signed.signature)) {
            return Err("the signature on the change of the agreement does not fit".to_owned());
        }
        let (shared, supplier, document) = (Arc::clone(&self.shared), self.supplier.clone(), document.to_vec());
        // The log may have to wait for this very node's cosignature.
        self.agreement = Some(self.shared.tasks.spawn(async move {
            let log = || shared.ledger.agreement(&supplier, &document, signed.predecessor, signed.signature);
            match until_done(&shared, "an agreement", log).await {
                Some(true) => tracing::info!(%supplier, "the agreement stands in the log"),
                Some(false) => tracing::warn!(%supplier, "the agreement follows another than the newest in the log"),
                None => {}
            }
        }));
        Ok(())
    }

    async fn take_holdings(&mut self, holdings: v1::Holdings) -> Result<(), String> {
        self.hello.holdings = Holdings::try_from(holdings).map_err(|error| error.to_string())?;
        let node =
            NodeAnnouncement { supplier: self.supplier.clone(), hello: self.hello.clone(), last_seen: clock::now() };
        // Not the node's fault, and it will say so again when it comes back.
        if let Err(cause) = self.shared.store.keep_announcement(&node).await {
            tracing::error!(%cause, supplier = %self.supplier, "holdings were not noted");
        }
        Ok(())
    }
}

/// How many suppliers an answer speaks of.
fn longest_list(message: &SupplierMessage) -> usize {
    match message {
        SupplierMessage::Encapsulations { encapsulations, .. } => encapsulations.len(),
        SupplierMessage::Submission { header, shares, .. } => {
            shares.len().max(header.share_commitments.len()).max(header.sealed_shares.len())
        }
        SupplierMessage::RecoveredShares { shares, .. } => shares.len(),
        _ => 0,
    }
}
