//! The log of this federation: one keeper writes it, nodes witness and follow it, everybody reads it.
//!
//! [`keeper`] owns the machine that appends ([`optelsom_ledger::appender`]) and performs its effects on the store;
//! [`followers`] brings every connected node up to date; [`opening`] is how the log is taken up again; [`files`] shows
//! it to readers.

mod files;
mod followers;
mod keeper;
mod opening;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::appender::{Draft, Rejection, StartError};
use optelsom_ledger::entry::{DocumentChange, DocumentEntry, EditionEntry, Entry, ParticipantsEntry, Subject};
use optelsom_ledger::leaf::LeafTooLong;
use optelsom_ledger::note::{LogKey, Witnessed};
use optelsom_ledger::proof::InclusionProof;
use optelsom_ledger::tiles::{ProveError, TilePath, prove_inclusion, tiles_for_inclusion};
use optelsom_ledger::{IdentityKey, LogView, Trust};
use optelsom_proto::wire::Announced;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::store::{Store, StoreError};

pub use files::FileError;
pub use keeper::{Keeper, create};

/// Entries and news that wait for the keeper at the most.
const QUEUE: usize = 1024;

/// Why the log does not do what it should. The coordinator's operator's to mend.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be taken up.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The entry was not taken.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The entry is too long.
    #[error(transparent)]
    TooLong(#[from] LeafTooLong),
    /// Nobody can say whether the entry stands in the log.
    #[error("the log was read again; whether the entry stands in it has to be looked up")]
    InDoubt,
    /// A proof cannot be made.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The keeper has ended, with the coordinator.
    #[error("the log is closed")]
    Closed,
}

/// What the keeper is told.
#[derive(Debug)]
enum News {
    /// Somebody wants entries in the log.
    Append(Vec<Draft>, oneshot::Sender<Result<Vec<u64>, LedgerError>>),
    /// A node says how much of the log it has, with the last checkpoint that it stored. With its first word after it has
    /// connected, the digest of the agreement that is in force there.
    State { supplier: SupplierId, size: u64, checkpoint: Vec<u8>, agreement: Option<Hash256> },
    /// A node has cosigned.
    Cosigned { supplier: SupplierId, line: String },
    /// A node has gone.
    Gone(SupplierId),
}

/// How far the log is.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// How many witnesses must still be heard before the log is taken up; none once it is open.
    pub awaits: Option<usize>,
    /// The last cosigned checkpoint.
    pub witnessed: Option<Arc<Witnessed>>,
    /// Roster, codebook and editions in force stand in the log: queries may follow.
    pub documented: bool,
}

/// The log, for all parts of the coordinator.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    trust: Trust,
    key: LogKey,
    operator: IdentityKey,
    view: Mutex<LogView>,
    news: mpsc::Sender<News>,
    standing: watch::Sender<Standing>,
    /// Held while an entry is made that depends on those before it.
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Ledger {
    /// The log in this store, not taken up yet, and what its keeper is told.
    fn new(store: Store, trust: Trust, key: LogKey, operator: IdentityKey) -> (Self, mpsc::Receiver<News>) {
        let (news, receiver) = mpsc::channel(QUEUE);
        let awaits = Some(trust.committee().wanted());
        let standing = watch::Sender::new(Standing { awaits, ..Standing::default() });
        let (view, one_at_a_time) = (Mutex::new(LogView::new()), tokio::sync::Mutex::new(()));
        (Self(Arc::new(Inner { store, trust, key, operator, view, news, standing, one_at_a_time })), receiver)
    }

    /// Whose log it is, and who witnesses it.
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// The key that the coordinator signs entries with.
    pub fn operator(&self) -> &IdentityKey {
        &self.0.operator
    }

    /// What the entries say. Not to be held across a wait.
    pub fn view(&self) -> MutexGuard<'_, LogView> {
        self.0.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the log is, and how it goes on.
    pub fn follow(&self) -> watch::Receiver<Standing> {
        self.0.standing.subscribe()
    }

    fn stands(&self, change: impl FnOnce(&mut Standing)) {
        self.0.standing.send_modify(change);
    }

    /// Roster, codebook and editions stand in the log.
    pub fn documented(&self) {
        self.stands(|standing| standing.documented = true);
    }

    /// Waits until queries may follow.
    ///
    /// # Errors
    /// When the coordinator stops first.
    pub async fn open(&self) -> Result<(), LedgerError> {
        let mut standing = self.follow();
        standing.wait_for(|standing| standing.documented).await.map(|_| ()).map_err(|_| LedgerError::Closed)
    }

    /// Puts entries into the log, after each other; yields their indices once they stand there for good.
    ///
    /// # Errors
    /// When they do not, or nobody can say.
    pub async fn append(&self, entries: Vec<Draft>) -> Result<Vec<u64>, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.0.news.send(News::Append(entries, reply)).await.map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::InDoubt)?
    }

    /// Puts one entry into the log.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn append_one(&self, entry: &Entry) -> Result<u64, LedgerError> {
        let indices = self.append(vec![entry.to_leaf()?.into()]).await?;
        indices.first().copied().ok_or(LedgerError::InDoubt)
    }

    /// Ends the query at this index by the last of these entries, unless it has ended; yields where it did.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn end(&self, query: u64, entries: Vec<Draft>) -> Result<u64, LedgerError> {
        let _one_at_a_time = self.0.one_at_a_time.lock().await;
        let ended = self.view().ended(query);
        match ended {
            Some(ended) => Ok(ended.at),
            None => self.append(entries).await?.last().copied().ok_or(LedgerError::InDoubt),
        }
    }

    /// Puts who takes part into the log, unless it stands there, or the query has ended, after which nothing may follow;
    /// yields where it stands.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn participants(&self, entry: ParticipantsEntry) -> Result<Option<u64>, LedgerError> {
        let _one_at_a_time = self.0.one_at_a_time.lock().await;
        let (standing, ended) = {
            let view = self.view();
            let standing = view.participants(entry.query, entry.attempt, &entry.statement(), &entry.certificate);
            (standing.map(|(at, _)| at), view.ended(entry.query))
        };
        match (standing, ended) {
            (Some(at), _) => Ok(Some(at)),
            (None, Some(_)) => Ok(None),
            (None, None) => self.append_one(&Entry::Participants(entry)).await.map(Some),
        }
    }

    /// Waits for a cosigned checkpoint over the entry at this index.
    ///
    /// # Errors
    /// When the coordinator stops first.
    pub async fn witnessed(&self, index: u64) -> Result<Arc<Witnessed>, LedgerError> {
        let mut standing = self.follow();
        let covers = |witnessed: &Arc<Witnessed>| witnessed.checkpoint().head().size() > index;
        let standing = standing
            .wait_for(|standing| standing.witnessed.as_ref().is_some_and(covers))
            .await
            .map_err(|_| LedgerError::Closed)?;
        standing.witnessed.clone().ok_or(LedgerError::Closed)
    }

    /// Proves that the entry at this index stands under this checkpoint.
    ///
    /// # Errors
    /// When it does not, or the store is damaged.
    pub async fn prove(&self, index: u64, witnessed: &Witnessed) -> Result<InclusionProof, LedgerError> {
        let head = witnessed.checkpoint().head();
        let wanted = tiles_for_inclusion(head, index).map_err(ProveError::from)?;
        Ok(prove_inclusion(head, index, &self.0.store.tiles(wanted).await?)?)
    }

    /// Keeps a document and logs that it is in force now, unless it is already. An agreement carries its supplier's
    /// signature too.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn document(&self, subject: Subject, document: &[u8], named: Hash256) -> Result<(), LedgerError> {
        let _one_at_a_time = self.0.one_at_a_time.lock().await;
        let newest = self.view().newest(&subject).map(|(at, change)| (at, change.named));
        // Of policies there is one for each dataset, in one chain: each of them counts.
        let logged = match subject {
            Subject::Policy => self.view().has_policy(&named),
            _ => newest.is_some_and(|(_, newest)| newest == named),
        };
        if logged {
            return Ok(());
        }
        let document = self.0.store.keep_document(document).await?;
        let change = DocumentChange { subject, document, named, predecessor: newest.map(|(at, _)| at) };
        let signature = change.sign(&self.0.operator);
        // An agreement does not come this way.
        let Ok(entry) = DocumentEntry::new(change, signature) else { return Err(LedgerError::Closed) };
        self.append_one(&Entry::Document(entry)).await.map(|_| ())
    }

    /// Logs an edition, unless it stands there, however many ask for it at once.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn edition(&self, announced: &Announced) -> Result<(), LedgerError> {
        let _one_at_a_time = self.0.one_at_a_time.lock().await;
        if self.view().has_edition(&announced.dataset, announced.edition.as_str()) {
            return Ok(());
        }
        let (dataset, edition) = (announced.dataset.clone(), announced.edition.clone());
        let entry = EditionEntry::sign(dataset, edition, announced.at, &self.0.operator);
        self.append_one(&Entry::Edition(entry)).await.map(|_| ())
    }

    /// Logs a supplier's agreement, whose change it has signed, unless it is in force already. False if the change does
    /// not follow the newest one.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn agreement(
        &self,
        supplier: &SupplierId,
        document: &[u8],
        predecessor: Option<u64>,
        signature: optelsom_ledger::Signature,
    ) -> Result<bool, LedgerError> {
        // It is read with the codebook, which therefore stands before it.
        self.open().await?;
        let _one_at_a_time = self.0.one_at_a_time.lock().await;
        let (subject, digest) = (Subject::Agreement(supplier.clone()), Hash256::of(document));
        if self.agreed(supplier, &digest) {
            return Ok(true);
        }
        if self.view().newest(&subject).map(|(at, _)| at) != predecessor {
            return Ok(false);
        }
        self.0.store.keep_document(document).await?;
        let entry = DocumentEntry::agreement(supplier.clone(), digest, digest, predecessor, |change| {
            (change.sign(&self.0.operator), signature)
        });
        self.append_one(&Entry::Document(entry)).await.map(|_| true)
    }

    /// Keeps a document that an entry names.
    ///
    /// # Errors
    /// When it may not be stored.
    pub async fn keep(&self, document: &[u8]) -> Result<Hash256, LedgerError> {
        Ok(self.0.store.keep_document(document).await?)
    }

    /// Where a query stands.
    pub fn index_of(&self, id: &QueryId) -> Option<u64> {
        self.view().index_of(id)
    }

    /// A node says how much of the log it has; with its first word, which agreement is in force there.
    pub async fn state(&self, supplier: SupplierId, size: u64, checkpoint: Vec<u8>, agreement: Option<Hash256>) {
        // A keeper that has ended is being waited for no longer.
        let _ = self.0.news.send(News::State { supplier, size, checkpoint, agreement }).await;
    }

    /// Whether the supplier's newest agreement in the log is the one of this digest.
    fn agreed(&self, supplier: &SupplierId, digest: &Hash256) -> bool {
        let subject = Subject::Agreement(supplier.clone());
        self.view().newest(&subject).is_some_and(|(_, change)| change.named == *digest)
    }

    /// A node has cosigned.
    pub async fn cosigned(&self, supplier: SupplierId, line: String) {
        let _ = self.0.news.send(News::Cosigned { supplier, line }).await;
    }

    /// A node has gone.
    pub async fn gone(&self, supplier: SupplierId) {
        let _ = self.0.news.send(News::Gone(supplier)).await;
    }
}

/// The documents that these entries name, as far as the store has them.
async fn documents_of(store: &Store, entries: &[Option<Entry>]) -> Result<BTreeMap<Hash256, Vec<u8>>, StoreError> {
    let mut documents = BTreeMap::new();
    for digest in entries.iter().flatten().filter_map(Entry::document) {
        if let Some(document) = store.document(&digest).await? {
            documents.insert(digest, document);
        }
    }
    Ok(documents)
}

/// The bundles of entries of a log of this size, from the one with this entry on, with the index of each one's first.
fn bundles(size: u64, from: u64) -> impl Iterator<Item = (u64, TilePath)> {
    let first = usize::try_from(from / 256).unwrap_or(usize::MAX);
    let bundles = TilePath::all(size).take_while(|path| path.level().is_none()).skip(first);
    bundles.map(|path| (path.index() * 256, path))
}
