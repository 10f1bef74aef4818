//! The one who writes the log: owns the appender's machine, performs its effects on the store in their order, and
//! decides nothing of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::SupplierId;
use optelsom_ledger::appender::{Appender, BadCosignature, Draft, Effect, Fatal, Input, Rejection, Survey, Ticket};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Cosignature, CosignatureError, LogKey, SignedCheckpoint, Witnessed};
use optelsom_ledger::{IdentityKey, Trust};
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::followers::Followers;
use super::opening::{hold_against, is_fatal, shown, survey, take_up};
use super::{Ledger, LedgerError, News};
use crate::hub::Hub;
use crate::store::{Commit, Store, StoreError};

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
    /// Of whose entries nobody can say whether they stand in the log, until it has been read again.
    doubtful: Vec<Reply>,
    /// What certainly stood in the register when it last fell into doubt: no later state may be older.
    known: Option<SignedCheckpoint>,
}

/// Begins a log in a store that has none: an operator's word, never a reaction to an empty store.
///
/// # Errors
/// When there is one already, or the store fails.
pub async fn create(store: &Store, trust: &Trust, key: &LogKey) -> Result<(), LedgerError> {
    let created = Appender::create(key.clone(), trust.committee().clone());
    let (_, effects) = created.map_err(optelsom_ledger::appender::Rejection::from)?;
    for effect in effects {
        let Effect::Commit { expected, replacement, tiles } = effect else { continue };
        match store.commit(expected.as_deref(), &replacement, &tiles).await {
            Commit::Done => {}
            Commit::Refused => {
                return Err(StoreError::Unreadable("there is a log already; it is left as it is".to_owned()).into());
            }
            Commit::Failed(cause) | Commit::Unknown(cause) => return Err(cause.into()),
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
            doubtful: Vec::new(),
            known: None,
        };
        Ok((keeper, ledger))
    }

    /// Keeps the log until the coordinator stops.
    ///
    /// # Errors
    /// When the log must not be written any more; the text says what the operator does about it.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), LedgerError> {
        loop {
            // Cut off at any point it is as after a crash, which loses nothing: so a store that is away keeps nobody.
            let done = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                done = self.next() => done,
            };
            match done {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(cause) => {
                    tracing::error!(%cause, "the log stops");
                    return Err(cause);
                }
            }
        }
    }

    /// Takes the next news; false once there can be none.
    async fn next(&mut self) -> Result<bool, LedgerError> {
        let silent_at = self.silent_at;
        tokio::select! {
            news = self.news.recv() => match news {
                Some(news) => self.hear(news).await?,
                None => return Ok(false),
            },
            () = async { sleep_until(silent_at.unwrap_or_else(Instant::now)).await }, if silent_at.is_some() => {
                self.silent_at = None;
                self.feed(Input::WitnessesSilent).await?;
                // What was sent may be lost, or could not be stored there: it is shown again until enough have seen it.
                if self.silent_at.is_none() && self.unwitnessed() {
                    self.ask_witnesses().await;
                }
            }
        }
        Ok(true)
    }

    async fn hear(&mut self, news: News) -> Result<(), LedgerError> {
        match news {
            News::Append(drafts, reply) if self.appender.is_some() => self.hand_in(drafts, reply).await,
            News::Append(drafts, reply) => {
                self.backlog.push((drafts, reply));
                Ok(())
            }
            News::State { supplier, size, checkpoint, agreement } => {
                let due = match agreement {
                    Some(agreement) => {
                        self.followers.greeted(supplier.clone(), size, agreement);
                        true
                    }
                    None => self.followers.has(&supplier, size),
                };
                self.shown(supplier, &checkpoint, due).await
            }
            News::Cosigned { supplier, line } => self.cosigned(&supplier, &line).await,
            News::Gone(supplier) => {
                // It may have come back before its going was heard of.
                if !self.hub.attends(&supplier) {
                    self.followers.gone(&supplier);
                }
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

    /// A node shows what it has seen: the log is held against that, and what it lacks is sent to it where that is due.
    async fn shown(&mut self, supplier: SupplierId, checkpoint: &[u8], due: bool) -> Result<(), LedgerError> {
        let seen = shown(&self.ledger.0, checkpoint);
        let is_witness = self.ledger.0.trust.witness_of(&supplier).is_some();
        if let Some(appender) = &self.appender {
            if let Some(seen) = &seen {
                match hold_against(&self.ledger.0, appender.checkpoint(), seen).await {
                    Err(cause) if is_fatal(&cause) => return Err(cause),
                    Err(cause) => {
                        tracing::error!(%supplier, %cause, "the log is not held against what the node has seen")
                    }
                    Ok(()) => {}
                }
            }
            if due {
                self.bring_up_to_date(&supplier).await;
            }
            return Ok(());
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
        loop {
            match self.try_take_up().await {
                Ok(()) => break,
                Err(cause) if is_fatal(&cause) => return Err(cause),
                Err(cause) => {
                    tracing::error!(%cause, "the log cannot be taken up; tried again");
                    self.appender = None;
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
        self.ledger.stands(|standing| standing.awaits = None);
        for reply in self.doubtful.drain(..) {
            // Now, and not before, whoever looks finds what stands there.
            let _ = reply.send(Err(LedgerError::InDoubt));
        }
        let suppliers: Vec<_> = self.followers.all().cloned().collect();
        for supplier in suppliers {
            self.bring_up_to_date(&supplier).await;
        }
        for (drafts, reply) in std::mem::take(&mut self.backlog) {
            self.hand_in(drafts, reply).await?;
        }
        Ok(())
    }

    /// Reads the log and holds it against all that was seen of it; nothing is added before that.
    async fn try_take_up(&mut self) -> Result<(), LedgerError> {
        let survey = match self.survey.take() {
            Some(survey) => survey,
            None => survey(&self.ledger.0).await?,
        };
        let seen: Vec<_> = self.heard.values().flatten().chain(&self.known).cloned().collect();
        let (appender, effects) = take_up(&self.ledger.0, survey, &seen).await?;
        let checkpoint = appender.checkpoint().clone();
        self.appender = Some(appender);
        for effect in effects {
            // The witnesses are asked; there is nothing else to answer yet.
            self.perform(effect).await?;
        }
        for seen in &seen {
            hold_against(&self.ledger.0, &checkpoint, seen).await?;
        }
        let size = checkpoint.head().size();
        self.ledger.catch_up(size).await?;
        let published = self.ledger.0.store.published().await?.and_then(|note| shown(&self.ledger.0, &note));
        if let Some(Ok(witnessed)) = published.map(|note| self.ledger.0.trust.committee().check(&note)) {
            self.published(witnessed);
        }
        tracing::info!(size, "the log is open");
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
            Effect::Commit { expected, replacement, tiles } => {
                Some(match store.commit(expected.as_deref(), &replacement, &tiles).await {
                    Commit::Done => Input::Committed,
                    Commit::Refused => Input::CommitRefused,
                    Commit::Failed(cause) => {
                        failed(cause);
                        Input::CommitFailed
                    }
                    Commit::Unknown(cause) => {
                        failed(cause);
                        Input::CommitUnknown
                    }
                })
            }
            Effect::Acknowledge { ticket, index, leaf } => {
                self.stands(index, &leaf).await;
                self.acknowledged(ticket, index);
                None
            }
            Effect::Reject { ticket, cause } => {
                self.rejected(ticket, cause);
                None
            }
            Effect::AskWitnesses(_) => {
                self.ask_witnesses().await;
                None
            }
            // With more witnesses than are needed, the slower ones come with that of the checkpoint before.
            Effect::Blame { witness, cause: BadCosignature::Unfit(CosignatureError::Signature(_)) } => {
                tracing::info!(%witness, "a cosignature is of an earlier checkpoint, or false");
                None
            }
            Effect::Blame { witness, cause } => {
                tracing::warn!(%witness, %cause, "a cosignature was refused");
                None
            }
            Effect::Publish(witnessed) => {
                self.silent_at = None;
                match store.publish(&witnessed.checkpoint().to_bytes()).await.map_err(failed) {
                    Ok(()) => {
                        self.published(*witnessed);
                        Some(Input::Published)
                    }
                    Err(()) => Some(Input::PublishFailed),
                }
            }
            Effect::Stop(Fatal::CommitInDoubt | Fatal::PublishInDoubt) => {
                self.in_doubt();
                Box::pin(self.take_up()).await?;
                None
            }
            Effect::Stop(fatal) => return Err(StoreError::Unreadable(fatal.to_string()).into()),
        })
    }

    /// It stands there for good: what is known of the log may not fall behind it.
    async fn stands(&self, index: u64, leaf: &Leaf) {
        while let Err(cause) = self.ledger.observe(index, std::slice::from_ref(leaf)).await {
            tracing::error!(%cause, index, "an entry's document cannot be read; tried again");
            tokio::time::sleep(STORE_RETRY).await;
        }
    }

    fn rejected(&mut self, ticket: Ticket, cause: Rejection) {
        let handed = self.tickets.remove(&ticket).and_then(|group| self.handed.remove(&group));
        if let Some(handed) = handed {
            // Whoever handed it in may be gone.
            let _ = handed.reply.send(Err(cause.into()));
        }
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

    /// The log is read again, and then whoever waits is told to look.
    fn in_doubt(&mut self) {
        self.known = self.appender.take().map(|appender| appender.checkpoint().clone()).or(self.known.take());
        self.tickets.clear();
        self.doubtful.extend(self.handed.drain().map(|(_, handed)| handed.reply));
    }

    /// Shows the newest checkpoint to all that are connected.
    async fn ask_witnesses(&mut self) {
        self.silent_at = Some(Instant::now() + PATIENCE);
        let suppliers: Vec<_> = self.followers.all().cloned().collect();
        for supplier in suppliers {
            self.bring_up_to_date(&supplier).await;
        }
    }

    /// Whether the newest checkpoint still wants cosignatures.
    fn unwitnessed(&self) -> bool {
        let standing = self.ledger.0.standing.borrow();
        let witnessed = standing.witnessed.as_ref().map_or(0, |witnessed| witnessed.checkpoint().head().size());
        self.appender.as_ref().is_some_and(|appender| appender.checkpoint().head().size() > witnessed)
    }

    fn published(&mut self, witnessed: Witnessed) {
        let message = Down::Witnessed(v1::Witnessed { checkpoint: witnessed.checkpoint().to_bytes() });
        for supplier in self.followers.all() {
            self.hub.send(supplier, message.clone());
        }
        self.ledger.stands(|standing| standing.witnessed = Some(Arc::new(witnessed)));
    }

    /// A store that cannot be read now keeps the node waiting, and nobody else.
    async fn bring_up_to_date(&mut self, supplier: &SupplierId) {
        let Some(appender) = &self.appender else { return };
        let checkpoint = appender.checkpoint().clone();
        // Asked again it cosigns again, and signs the change to its agreement where the log has another.
        let agreement = self.followers.agreement(supplier);
        let again = self.unwitnessed() || agreement.is_some_and(|digest| !self.ledger.agreed(supplier, &digest));
        match self.followers.piece(&self.ledger.0, supplier, &checkpoint, again).await {
            Ok(Some(piece)) => {
                let is_last = piece.end == checkpoint.head().size();
                if self.hub.send(supplier, Down::LedgerUpdate(piece.update.clone())) {
                    self.followers.sent(supplier, &piece, is_last);
                }
                if !is_last {
                    return;
                }
            }
            Ok(None) => {}
            Err(cause) => return tracing::error!(%supplier, %cause, "the node is not brought up to date with the log"),
        }
        let witnessed = self.ledger.0.standing.borrow().witnessed.clone();
        if let Some(witnessed) = witnessed {
            self.hub.send(supplier, Down::Witnessed(v1::Witnessed { checkpoint: witnessed.checkpoint().to_bytes() }));
        }
    }
}
