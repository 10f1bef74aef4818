//! The one who writes the log: owns the appender's machine, performs its effects on the store in their order, and
//! decides nothing of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::SupplierId;
use optelsom_ledger::appender::{Appender, Draft, Effect, Fatal, Input, Survey, Ticket};
use optelsom_ledger::note::{Cosignature, LogKey, SignedCheckpoint};
use optelsom_ledger::{IdentityKey, Trust};
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::followers::Followers;
use super::opening::{is_fatal, shown, survey, take_up};
use super::{Ledger, LedgerError, News};
use crate::hub::Hub;
use crate::store::{Store, StoreError};

/// How long witnesses have before the log goes on without them.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after a failure the store is tried again.
const STORE_RETRY: Duration = Duration::from_secs(2);

type Reply = oneshot::Sender<Result<Vec<u64>, LedgerError>>;

/// Entries that were handed in together.
struct Handed {
    left: usize,
    indices: Vec<u64>,
    reply: Reply,
}

/// The task that writes the log.
pub struct Keeper {
    ledger: Ledger,
    news: mpsc::Receiver<News>,
    followers: Followers,
    hub: Arc<Hub>,
    /// None until enough witnesses were heard.
    appender: Option<Appender>,
    survey: Option<Survey>,
    heard: BTreeMap<SupplierId, Option<SignedCheckpoint>>,
    backlog: Vec<(Vec<Draft>, Reply)>,
    handed: HashMap<u64, Handed>,
    tickets: HashMap<Ticket, u64>,
    next: u64,
    silent_at: Option<Instant>,
}

/// Begins a log in a store that has none: an operator's word, never a reaction to an empty store.
///
/// # Errors
/// When there is one already, or the store fails.
pub async fn create(store: &Store, trust: &Trust, key: &LogKey) -> Result<(), LedgerError> {
    let created = Appender::create(key.clone(), trust.committee().clone());
    let (_, effects) = created.map_err(optelsom_ledger::appender::Rejection::from)?;
    for effect in effects {
        if let Effect::Swap { expected, replacement } = effect
            && !store.swap(expected.as_deref(), &replacement).await?
        {
            return Err(StoreError::Unreadable("there is a log already; it is left as it is".to_owned()).into());
        }
    }
    Ok(())
}

impl Keeper {
    /// The keeper of the log in this store, and the log for all others.
    ///
    /// # Errors
    /// When there is no log, or it is not this coordinator's.
    pub async fn new(
        store: Store,
        trust: Trust,
        key: LogKey,
        operator: IdentityKey,
        hub: Arc<Hub>,
    ) -> Result<(Self, Ledger), LedgerError> {
        let (ledger, news) = Ledger::new(store, trust, key, operator);
        let survey = Some(survey(&ledger.0).await?);
        let keeper = Self {
            ledger: ledger.clone(),
            news,
            followers: Followers::default(),
            hub,
            appender: None,
            survey,
            heard: BTreeMap::new(),
            backlog: Vec::new(),
            handed: HashMap::new(),
            tickets: HashMap::new(),
            next: 0,
            silent_at: None,
        };
        Ok((keeper, ledger))
    }

    /// Keeps the log until the coordinator stops.
    ///
    /// # Errors
    /// When the log must not be written any more; the text says what the operator does about it.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), LedgerError> {
        loop {
            let silent_at = self.silent_at;
            let done = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                news = self.news.recv() => match news {
                    Some(news) => self.hear(news).await,
                    None => return Ok(()),
                },
                () = async { sleep_until(silent_at.unwrap_or_else(Instant::now)).await }, if silent_at.is_some() => {
                    self.silent_at = None;
                    self.feed(Input::WitnessesSilent).await
                }
            };
            if let Err(cause) = done {
                tracing::error!(%cause, "the log stops");
                return Err(cause);
            }
        }
    }

    async fn hear(&mut self, news: News) -> Result<(), LedgerError> {
        match news {
            News::Append(drafts, reply) if self.appender.is_some() => self.hand_in(drafts, reply).await,
            News::Append(drafts, reply) => {
                self.backlog.push((drafts, reply));
                Ok(())
            }
            News::Greeted { supplier, size, checkpoint } => self.greeted(supplier, size, &checkpoint).await,
            News::Cosigned { supplier, line } => self.cosigned(&supplier, &line).await,
            News::Gone(supplier) => {
                self.followers.gone(&supplier);
                Ok(())
            }
        }
    }

    async fn hand_in(&mut self, drafts: Vec<Draft>, reply: Reply) -> Result<(), LedgerError> {
        let group = self.next;
        let tickets: Vec<_> = drafts.into_iter().zip(group..).map(|(draft, number)| (Ticket(number), draft)).collect();
        self.next += tickets.len() as u64;
        self.tickets.extend(tickets.iter().map(|(ticket, _)| (*ticket, group)));
        self.handed.insert(group, Handed { left: tickets.len(), indices: Vec::new(), reply });
        self.feed(Input::Append(tickets)).await
    }

    /// A node has connected: the log is held against what it has seen, and shown to it.
    async fn greeted(&mut self, supplier: SupplierId, size: u64, checkpoint: &[u8]) -> Result<(), LedgerError> {
        let seen = shown(&self.ledger.0, checkpoint);
        if let Some(appender) = &self.appender {
            // Held against the log as it stands now, which has only grown since it was taken up.
            let head = appender.checkpoint().head();
            if let Some(seen) = seen.as_ref().filter(|seen| seen.head().size() > head.size()) {
                let (stored, seen) = (head.size(), seen.head().size());
                return Err(optelsom_ledger::appender::StartError::Older { stored, seen, by: "a witness" }.into());
            }
        }
        let is_witness = self.ledger.0.trust.witness_of(&supplier).is_some();
        self.followers.greeted(supplier.clone(), size);
        if self.appender.is_some() {
            return self.bring_up_to_date(&supplier).await;
        }
        if is_witness {
            self.heard.insert(supplier, seen);
        }
        let wanted = self.ledger.0.trust.committee().wanted();
        let missing = wanted.saturating_sub(self.heard.len());
        self.ledger.stands(|standing| standing.awaits = Some(missing));
        if missing == 0 { self.take_up().await } else { Ok(()) }
    }

    /// Takes the log up: at the start, and after the store left it in doubt.
    async fn take_up(&mut self) -> Result<(), LedgerError> {
        let (appender, effects) = loop {
            let taken = match self.survey.take() {
                Some(survey) => take_up(&self.ledger.0, survey, &self.heard).await,
                None => match survey(&self.ledger.0).await {
                    Ok(survey) => take_up(&self.ledger.0, survey, &self.heard).await,
                    Err(cause) => Err(cause),
                },
            };
            match taken {
                Ok(taken) => break taken,
                Err(cause) if is_fatal(&cause) => return Err(cause),
                Err(cause) => {
                    tracing::error!(%cause, "the log cannot be taken up; tried again");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        };
        let size = appender.checkpoint().head().size();
        tracing::info!(size, "the log is open");
        self.appender = Some(appender);
        let mut answers = VecDeque::new();
        for effect in effects {
            answers.extend(self.perform(effect).await?);
        }
        self.ledger.catch_up(size).await?;
        if let Some(published) = self.ledger.0.store.published().await? {
            self.published(&published);
        }
        self.ledger.stands(|standing| standing.awaits = None);
        for answer in answers {
            self.feed(answer).await?;
        }
        let suppliers: Vec<_> = self.followers.all().cloned().collect();
        for supplier in suppliers {
            self.bring_up_to_date(&supplier).await?;
        }
        for (drafts, reply) in std::mem::take(&mut self.backlog) {
            self.hand_in(drafts, reply).await?;
        }
        Ok(())
    }

    async fn cosigned(&mut self, supplier: &SupplierId, line: &str) -> Result<(), LedgerError> {
        match Cosignature::parse(line) {
            // The name says whose it is, the signature proves it: a node cannot speak for another.
            Ok(cosignature) if self.appender.is_some() => self.feed(Input::Cosigned(cosignature)).await,
            Ok(_) => Ok(()),
            Err(cause) => {
                tracing::warn!(%supplier, %cause, "a cosignature was refused");
                Ok(())
            }
        }
    }

    async fn feed(&mut self, input: Input) -> Result<(), LedgerError> {
        let mut due = VecDeque::from([input]);
        while let Some(input) = due.pop_front() {
            let Some(appender) = self.appender.take() else { return Ok(()) };
            let (appender, effects) = appender.handle(input);
            self.appender = Some(appender);
            for effect in effects {
                due.extend(self.perform(effect).await?);
            }
        }
        Ok(())
    }

    /// Performs an effect; yields what the machine is told of it.
    async fn perform(&mut self, effect: Effect) -> Result<Option<Input>, LedgerError> {
        let store = self.ledger.0.store.clone();
        let failed = |cause: StoreError| tracing::error!(%cause, "the log's store");
        Ok(match effect {
            Effect::Stage { name, bytes } => Some(match store.stage(&name, &bytes).await.map_err(failed) {
                Ok(()) => Input::Staged,
                Err(()) => Input::StagingFailed,
            }),
            Effect::Swap { expected, replacement } => {
                Some(match store.swap(expected.as_deref(), &replacement).await.map_err(failed) {
                    Ok(true) => Input::Swapped,
                    Ok(false) => Input::SwapRefused,
                    Err(()) => Input::SwapUnknown,
                })
            }
            Effect::Apply(tiles) => Some(match store.apply(&tiles).await.map_err(failed) {
                Ok(()) => Input::Applied,
                Err(()) => Input::WriteFailed,
            }),
            Effect::Acknowledge { ticket, index, leaf } => {
                self.ledger.observe(index, std::slice::from_ref(&leaf)).await?;
                self.acknowledged(ticket, index);
                None
            }
            Effect::Reject { ticket, cause } => {
                self.tickets.remove(&ticket).and_then(|group| self.handed.remove(&group)).map(|handed| {
                    // Whoever handed it in may be gone.
                    let _ = handed.reply.send(Err(cause.into()));
                });
                None
            }
            Effect::AskWitnesses(_) => {
                self.silent_at = Some(Instant::now() + PATIENCE);
                let suppliers: Vec<_> = self.followers.all().cloned().collect();
                for supplier in suppliers {
                    self.bring_up_to_date(&supplier).await?;
                }
                None
            }
            Effect::Blame { witness, cause } => {
                tracing::warn!(%witness, %cause, "a cosignature was refused");
                None
            }
            Effect::Publish(note) => {
                self.silent_at = None;
                match store.publish(&note).await.map_err(failed) {
                    Ok(()) => {
                        self.published(&note);
                        Some(Input::Published)
                    }
                    Err(()) => Some(Input::WriteFailed),
                }
            }
            Effect::Discard { name } => {
                // Nothing is lost by it, and the next start does not mind.
                let _ = store.discard(&name).await.map_err(failed);
                None
            }
            Effect::Stop(Fatal::SwapInDoubt | Fatal::WriteInDoubt) => {
                self.in_doubt();
                Box::pin(self.take_up()).await?;
                None
            }
            Effect::Stop(fatal) => return Err(StoreError::Unreadable(fatal.to_string()).into()),
        })
    }

    fn acknowledged(&mut self, ticket: Ticket, index: u64) {
        let Some(group) = self.tickets.remove(&ticket) else { return };
        let Some(handed) = self.handed.get_mut(&group) else { return };
        handed.indices.push(index);
        handed.left -= 1;
        if handed.left == 0
            && let Some(handed) = self.handed.remove(&group)
        {
            let _ = handed.reply.send(Ok(handed.indices));
        }
    }

    /// Whoever waits is told to look: the log is read again.
    fn in_doubt(&mut self) {
        self.appender = None;
        self.tickets.clear();
        for (_, handed) in self.handed.drain() {
            let _ = handed.reply.send(Err(LedgerError::InDoubt));
        }
    }

    fn published(&mut self, note: &[u8]) {
        let Some(checkpoint) = shown(&self.ledger.0, note) else { return };
        let Ok(witnessed) = self.ledger.0.trust.committee().check(&checkpoint) else { return };
        let message = Down::Witnessed(v1::Witnessed { checkpoint: note.to_vec() });
        for supplier in self.followers.all() {
            self.hub.send(supplier, message.clone());
        }
        self.ledger.stands(|standing| standing.witnessed = Some(Arc::new(witnessed)));
    }

    async fn bring_up_to_date(&mut self, supplier: &SupplierId) -> Result<(), LedgerError> {
        let Some(appender) = &self.appender else { return Ok(()) };
        let checkpoint = appender.checkpoint().clone();
        let updates = self.followers.updates(&self.ledger.0, supplier, &checkpoint).await?;
        let sent = updates.into_iter().all(|update| self.hub.send(supplier, Down::LedgerUpdate(update)));
        if sent {
            self.followers.sent(supplier, checkpoint.head().size());
        }
        let witnessed = self.ledger.0.standing.borrow().witnessed.clone();
        if let Some(witnessed) = witnessed {
            self.hub.send(supplier, Down::Witnessed(v1::Witnessed { checkpoint: witnessed.checkpoint().to_bytes() }));
        }
        Ok(())
    }
}
