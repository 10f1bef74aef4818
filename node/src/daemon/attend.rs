//! Attends the coordinator: dials out, says hello, hands on what comes down, and dials again when it ends.

use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::Timestamp;
use optelsom_proto::health::Readiness;
use optelsom_proto::limits::{MESSAGE_BYTES, UNFINISHED};
use optelsom_proto::v1::coordinator_message::Message;
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::wire::{Announced, Hello, LedgerUpdate, Request};
use optelsom_proto::{Backoff, DialError, SOFTWARE, WireError, dial, v1};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::clock::{ClockOff, agree, now, random};
use super::desk::Desk;
use super::follower::{FollowError, Follower};
use super::hosts::Hosts;
use super::metrics::Metrics;
use super::settings::Settings;
use super::store::{Store, StoreError};
use super::uplink::Connected;

/// How many messages may wait to go up.
const OUTGOING: usize = 64;

/// Why the coordinator is not attended any more.
#[derive(Debug, Error)]
enum AttendError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the coordinator refuses: {}", .0.message())]
    Refused(Status),
    #[error("the connection has ended: {}", .0.message())]
    Broken(Status),
    #[error("the coordinator has ended the connection")]
    Ended,
    #[error("the coordinator's first message is no welcome")]
    NoWelcome,
    #[error("from the coordinator: {0}")]
    Wire(#[from] WireError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Clock(#[from] ClockOff),
}

/// What attending needs.
pub(super) struct Attendance {
    pub(super) settings: Arc<Settings>,
    pub(super) desk: Arc<Desk>,
    pub(super) hosts: Hosts,
    pub(super) follower: Arc<Follower>,
    pub(super) store: Store,
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    pub(super) connection: watch::Sender<Option<Connected>>,
}

impl Attendance {
    /// Attends until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.attend(&mut backoff) => ended,
            };
            self.connection.send_replace(None);
            self.metrics.connected.set(0);
            self.metrics.disconnections.inc();
            self.readiness.not_ready(ended.to_string());
            let wait = backoff.next(random().map_or(u32::MAX, u32::from_le_bytes));
            tracing::warn!(cause = %ended, again_in_ms = wait.as_millis(), "not connected");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One connection, from dialling to its end.
    async fn attend(&self, backoff: &mut Backoff) -> AttendError {
        match self.open().await {
            Ok(mut incoming) => {
                backoff.succeeded();
                loop {
                    match incoming.message().await {
                        Ok(Some(message)) => self.handle(message).await,
                        Ok(None) => return AttendError::Ended,
                        Err(status) => return AttendError::Broken(status),
                    }
                }
            }
            Err(error) => error,
        }
    }

    async fn open(&self) -> Result<Streaming<v1::CoordinatorMessage>, AttendError> {
        let connection = dial(self.settings.credentials(), self.settings.target()).await?;
        let mut client = NodeServiceClient::new(connection.channel)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let (messages, outgoing) = mpsc::channel(OUTGOING);
        let hello = v1::node_message::Message::Hello(self.hello().await?.into());
        // The channel is empty, and its receiver is still here.
        let _ = messages.send(v1::NodeMessage { message: Some(hello) }).await;
        let response = client.attend(ReceiverStream::new(outgoing)).await.map_err(AttendError::Refused)?;
        let mut incoming = response.into_inner();
        let first = tokio::time::timeout(Duration::from_secs(30), incoming.message()).await;
        let first = first.map_err(|_| AttendError::NoWelcome)?.map_err(AttendError::Refused)?;
        let Some(Message::Welcome(welcome)) = first.and_then(|first| first.message) else {
            return Err(AttendError::NoWelcome);
        };
        self.welcomed(welcome)?;
        let state = v1::node_message::Message::LedgerState(self.follower.state().await);
        if messages.send(v1::NodeMessage { message: Some(state) }).await.is_err() {
            return Err(AttendError::Ended);
        }
        tracing::info!(
            coordinator = self.settings.target().address(),
            key_exchange = connection.key_exchange,
            "connected"
        );
        self.connection.send_replace(Some(Connected { messages, client }));
        self.metrics.connected.set(1);
        Ok(incoming)
    }

    async fn hello(&self) -> Result<Hello, StoreError> {
        Ok(Hello {
            software: SOFTWARE.to_owned(),
            clock: now(),
            roster: self.settings.machine.roster.hash(),
            codebook: self.settings.codebook.hash(),
            agreement: self.settings.signed_agreement.clone(),
            holdings: self.desk.holdings(),
            unfinished: self.store.unfinished(UNFINISHED).await?,
        })
    }

    fn welcomed(&self, welcome: v1::Welcome) -> Result<(), AttendError> {
        agree(now(), Timestamp::from_millis(welcome.clock))?;
        let announced: Result<Vec<_>, _> = welcome.editions.into_iter().map(Announced::try_from).collect();
        self.readiness.ready();
        if welcome.roster != self.settings.machine.roster.hash().as_bytes() {
            self.differs("roster.toml");
        }
        if welcome.codebook != self.settings.codebook.hash().as_bytes() {
            self.differs("codebook.toml");
        }
        for edition in announced? {
            self.announced(edition);
        }
        Ok(())
    }

    fn differs(&self, file: &str) {
        let text = format!("{file} is not the one in force at the coordinator; get the current one from the bureau");
        tracing::error!("{text}");
        self.readiness.not_ready(text);
    }

    fn announced(&self, announced: Announced) {
        let (desk, connection) = (Arc::clone(&self.desk), self.connection.subscribe());
        tokio::spawn(async move {
            if desk.freeze_announced(&announced).await {
                let holdings = v1::node_message::Message::Holdings(desk.holdings().into());
                super::uplink::Uplink::new(connection).send(holdings).await;
            }
        });
    }

    /// A log that does not continue what was seen of it is for a person to look at.
    fn not_followed(&self, cause: &FollowError) -> String {
        if cause.is_fork() {
            tracing::error!(%cause, "the log");
            self.readiness.not_ready(cause.to_string());
        }
        cause.to_string()
    }

    async fn answer(&self, answers: Vec<v1::node_message::Message>) {
        let uplink = super::uplink::Uplink::new(self.connection.subscribe());
        for answer in answers {
            uplink.send(answer).await;
        }
    }

    async fn handle(&self, message: v1::CoordinatorMessage) {
        let refused = match message.message {
            Some(Message::Request(request)) => match Request::try_from(request) {
                Ok(request) => return self.hosts.deliver(request).await,
                Err(cause) => cause.to_string(),
            },
            Some(Message::Edition(edition)) => match Announced::try_from(edition) {
                Ok(announced) => return self.announced(announced),
                Err(cause) => cause.to_string(),
            },
            Some(Message::Notice(notice)) => {
                let text: String = notice.text.chars().take(500).flat_map(char::escape_debug).collect();
                tracing::warn!(text, "notice of the coordinator");
                return;
            }
            Some(Message::LedgerUpdate(update)) => match LedgerUpdate::try_from(update) {
                Ok(update) => match self.follower.update(update).await {
                    Ok(answers) => return self.answer(answers).await,
                    Err(cause) => self.not_followed(&cause),
                },
                Err(cause) => cause.to_string(),
            },
            Some(Message::Witnessed(witnessed)) => match self.follower.witnessed(&witnessed.checkpoint).await {
                Ok(()) => return,
                Err(cause) => self.not_followed(&cause),
            },
            Some(Message::Welcome(_)) => "a second welcome".to_owned(),
            None => "a message of a kind that is not known here".to_owned(),
        };
        self.metrics.rejections.inc();
        tracing::warn!(cause = refused, "refused a message of the coordinator; nothing has changed");
    }
}
