//! The node as witness and follower of the log: it keeps a copy of its own, cosigns what continues that copy and nothing
//! else, and so has at hand what its gate and its guard go by.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::entry::{DocumentChange, Entry, Subject};
use optelsom_ledger::leaf::{Leaf, LeafTooLong};
use optelsom_ledger::note::{CosignerKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, ProofError, TreeHead};
use optelsom_ledger::tiles::{Edge, EdgeError};
use optelsom_ledger::witness::{RecordError, WitnessRecord, WitnessRefusal, cosign};
use optelsom_ledger::{IdentityKey, LogView, Trust};
use optelsom_proto::v1;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::{AgreementSigned, LedgerUpdate};
use thiserror::Error;
use tokio::sync::Mutex;

use super::clock::now;
use super::incarnation::Standing;
use super::log_store::Growth;
use super::store::{Store, StoreError};

/// Entries that are read from the store at once.
const BATCH: u32 = 1024;

/// Why the log is not followed. Unless it is the store, the coordinator is at fault, and the other suppliers should hear
/// of it.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The node's own store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node's own record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The node's own copy is not what its record says.
    #[error("this node's copy of the log is damaged: {0}; its operator has to look at the state folder")]
    Damaged(&'static str),
    /// The checkpoint is refused.
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    /// The entries do not add up to the checkpoint.
    #[error(
        "the entries that came do not add up to the coordinator's checkpoint; do not go on, tell the other suppliers"
    )]
    OtherEntries,
    /// The entries cannot be added.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The checkpoint is not one that enough witnesses have seen.
    #[error("a checkpoint that was said to be witnessed is not: {0}")]
    Unwitnessed(String),
    /// A proof that cannot be.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// An entry that cannot be.
    #[error(transparent)]
    Leaf(#[from] LeafTooLong),
}

impl FollowError {
    /// Whether the coordinator shows another log than before: a person has to know.
    pub(super) fn is_fork(&self) -> bool {
        matches!(self, Self::OtherEntries | Self::Refused(WitnessRefusal::Fork(_)))
    }
}

/// What the node knows of the log.
#[derive(Debug)]
struct Copy {
    record: WitnessRecord,
    /// The last one whose entries are all here, with the log's signature; empty before the first.
    checkpoint: Vec<u8>,
    edge: Edge,
    view: LogView,
    /// How far enough witnesses have seen it.
    witnessed: u64,
    /// Whether the node may cosign, and from where on it may answer.
    standing: Standing,
}

impl Copy {
    fn state(&self) -> v1::LedgerState {
        v1::LedgerState { size: self.record.head().size(), checkpoint: self.checkpoint.clone() }
    }
}

/// The node's follower of the log.
#[derive(Debug)]
pub(super) struct Follower {
    store: Store,
    trust: Trust,
    supplier: SupplierId,
    identity: IdentityKey,
    /// None where this supplier is not of the committee.
    witness: Option<CosignerKey>,
    /// `agreement.toml` as it stands.
    agreement: Hash256,
    copy: Mutex<Copy>,
}

/// What a follower is made with.
pub(super) struct Following {
    pub(super) trust: Trust,
    pub(super) supplier: SupplierId,
    pub(super) identity: IdentityKey,
    pub(super) witness: Option<CosignerKey>,
    pub(super) agreement: Hash256,
}

impl Follower {
    /// Reads the node's copy of the log, and holds it against its record.
    pub(super) async fn open(store: Store, following: Following) -> Result<Self, FollowError> {
        let Following { trust, supplier, identity, witness, agreement } = following;
        let copy = Mutex::new(load(&store, &trust).await?);
        Ok(Self { store, trust, supplier, identity, witness, agreement, copy })
    }

    /// Whom the node trusts with the log.
    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// How much of the log the node has: said after every Hello, and where something is missing.
    pub(super) async fn state(&self) -> v1::LedgerState {
        self.copy.lock().await.state()
    }

    /// Takes in a piece of what the log has grown by; yields what to answer. What is answered is durable. Each piece is
    /// held against the checkpoint by itself, so that nothing has to be gathered up before it can be believed.
    pub(super) async fn update(&self, update: LedgerUpdate) -> Result<Vec<Up>, FollowError> {
        let LedgerUpdate { first, leaves, documents, checkpoint: note, consistency } = update;
        let mut copy = self.copy.lock().await;
        if first != copy.edge.size() {
            // Something was lost on the way: the coordinator is told what is here, and begins from there.
            return Ok(vec![Up::LedgerState(copy.state())]);
        }
        let checkpoint = SignedCheckpoint::parse(&note, self.trust.log()).map_err(WitnessRefusal::from)?;
        let extension = copy.edge.extend(&leaves)?;
        consistency.verify(&extension.head, checkpoint.head()).map_err(WitnessRefusal::from)?;
        let complete = extension.head == *checkpoint.head();
        // The edge has grown out of what was recorded, so it continues that.
        let record = copy.record.earlier(extension.head);
        let cosigning = match &self.witness {
            // What it cosigned before it was put back, it does not know.
            _ if matches!(copy.standing, Standing::Unreconciled(_)) => None,
            Some(key) if complete => {
                Some(cosign(&record, &note, &ConsistencyProof::empty(), self.trust.log(), key, now())?)
            }
            _ => None,
        };
        let documents = named(&leaves, documents);
        let shown = if complete { note } else { copy.checkpoint.clone() };
        let growth = Growth { first, leaves: &leaves, documents: &documents, record: &record, checkpoint: &shown };
        let mut grown = self.store.grow(growth).await;
        if grown.is_ok() {
            grown = observe(&self.store, &mut copy.view, &leaves).await;
        }
        if let Err(cause) = grown {
            // It may have been stored all the same: what counts is what is there.
            let witnessed = copy.witnessed;
            *copy = Copy { witnessed, ..load(&self.store, &self.trust).await? };
            return Err(cause.into());
        }
        copy.edge = extension.edge;
        copy.record = record;
        copy.checkpoint = shown;
        if !complete {
            return Ok(vec![Up::LedgerState(copy.state())]);
        }
        let line = cosigning.map(|cosigning| cosigning.stored().1.to_text()).transpose();
        let line = line.map_err(WitnessRefusal::from)?;
        let cosigned = line.map(|line| Up::Cosigned(v1::Cosigned { line }));
        Ok(cosigned.into_iter().chain(self.sign_agreement(&copy.view)).collect())
    }

    /// The signature on the change to this supplier's agreement, where the log has another than is in force here.
    fn sign_agreement(&self, view: &LogView) -> Option<Up> {
        let subject = Subject::Agreement(self.supplier.clone());
        let newest = view.newest(&subject).map(|(at, change)| (at, change.named));
        if newest.is_some_and(|(_, named)| named == self.agreement) {
            return None;
        }
        let predecessor = newest.map(|(at, _)| at);
        let change = DocumentChange { subject, document: self.agreement, named: self.agreement, predecessor };
        Some(Up::Agreement(AgreementSigned { predecessor, signature: change.sign(&self.identity) }.into()))
    }

    /// A checkpoint that enough witnesses have seen; it is one of those that this node has seen.
    pub(super) async fn witnessed(&self, note: &[u8]) -> Result<(), FollowError> {
        let unwitnessed = |cause: &dyn std::fmt::Display| FollowError::Unwitnessed(cause.to_string());
        let checkpoint = SignedCheckpoint::parse(note, self.trust.log()).map_err(|cause| unwitnessed(&cause))?;
        let witnessed = self.trust.committee().check(&checkpoint).map_err(|cause| unwitnessed(&cause))?;
        let head = *checkpoint.head();
        let mut copy = self.copy.lock().await;
        if head.size() > copy.record.head().size() {
            return Ok(());
        }
        if self.root_at(&copy, head.size()).await? != Some(head.root()) {
            return Err(FollowError::OtherEntries);
        }
        copy.witnessed = copy.witnessed.max(head.size());
        if let Standing::Unreconciled(restored_at) = copy.standing {
            // Notes have whole seconds.
            let after = witnessed.by().iter().filter(|(_, at)| at.as_millis() / 1000 > restored_at.as_millis() / 1000);
            if after.count() >= self.trust.committee().wanted() {
                let noised = copy.view.noised_before(head.size(), &self.supplier);
                self.store.charge_again(&noised, now()).await?;
                self.store.reconciled(head.size()).await?;
                copy.standing = Standing::From(head.size());
                tracing::warn!(from = head.size(), "reconciled: what stands in the log from here on is answered again");
            }
        }
        Ok(())
    }

    /// Whether what stands at this index may be answered by this life of the node.
    pub(super) async fn may_answer(&self, index: u64) -> bool {
        matches!(self.copy.lock().await.standing, Standing::From(floor) if index >= floor)
    }

    /// The record as it was when the log had so many entries; none where the node has not so many.
    pub(super) async fn record_at(&self, size: u64) -> Result<Option<WitnessRecord>, FollowError> {
        let copy = self.copy.lock().await;
        let Some(root) = self.root_at(&copy, size).await? else { return Ok(None) };
        Ok(Some(copy.record.earlier(TreeHead::new(size, root)?)))
    }

    /// Looks into the entries, as far as enough witnesses have seen them.
    pub(super) async fn look<T>(&self, look: impl FnOnce(&LogView, u64) -> T) -> T {
        let copy = self.copy.lock().await;
        look(&copy.view, copy.witnessed)
    }

    async fn root_at(&self, copy: &Copy, size: u64) -> Result<Option<Hash256>, FollowError> {
        let head = copy.record.head();
        match size {
            size if size == head.size() => Ok(Some(head.root())),
            size if size > head.size() => Ok(None),
            size => match self.store.log_root(size).await? {
                Some(root) => Ok(Some(root)),
                None => self.rebuild(size).await.map(Some),
            },
        }
    }

    /// For a size that this node was never shown a checkpoint of, since it was away then.
    async fn rebuild(&self, size: u64) -> Result<Hash256, FollowError> {
        let mut edge = Edge::new();
        while edge.size() < size {
            let most = u32::try_from(size - edge.size()).unwrap_or(BATCH).min(BATCH);
            let leaves = self.store.log_entries(edge.size(), most).await?.into_iter().map(Leaf::new);
            let leaves = leaves.collect::<Result<Vec<_>, _>>()?;
            if leaves.is_empty() {
                return Err(FollowError::Damaged("entries are missing"));
            }
            edge = edge.extend(&leaves)?.edge;
        }
        Ok(edge.head()?.root())
    }
}

/// Reads the node's copy of the log, and holds it against its record.
async fn load(store: &Store, trust: &Trust) -> Result<Copy, FollowError> {
    let (record, checkpoint) = match store.log_record().await? {
        Some((record, checkpoint)) => (WitnessRecord::from_bytes(&record)?, checkpoint),
        None => (WitnessRecord::fresh(trust.log()), Vec::new()),
    };
    let (mut edge, mut view) = (Edge::new(), LogView::new());
    while edge.size() < record.head().size() {
        let entries = store.log_entries(edge.size(), BATCH).await?;
        if entries.is_empty() {
            return Err(FollowError::Damaged("entries are missing"));
        }
        let leaves = entries.into_iter().map(Leaf::new).collect::<Result<Vec<_>, _>>()?;
        observe(store, &mut view, &leaves).await?;
        edge = edge.extend(&leaves)?.edge;
    }
    if edge.size() > 0 && edge.head()? != *record.head() {
        return Err(FollowError::Damaged("its entries are not those that were recorded"));
    }
    let standing = store.standing().await?;
    Ok(Copy { record, checkpoint, edge, view, witnessed: 0, standing })
}

/// Those of the documents that these entries name: of others no coordinator can fill the disk.
fn named(leaves: &[Leaf], documents: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let digests = leaves.iter().filter_map(|leaf| Entry::from_bytes(leaf.as_bytes()).ok()?.document());
    let named: BTreeSet<Hash256> = digests.collect();
    documents.into_iter().filter(|document| named.contains(&Hash256::of(document))).collect()
}

async fn observe(store: &Store, view: &mut LogView, leaves: &[Leaf]) -> Result<(), StoreError> {
    let entries: Vec<Option<Entry>> = leaves.iter().map(|leaf| Entry::from_bytes(leaf.as_bytes()).ok()).collect();
    let mut documents = BTreeMap::new();
    for digest in entries.iter().flatten().filter_map(Entry::document) {
        documents.extend(store.log_document(&digest).await?.map(|document| (digest, document)));
    }
    for entry in &entries {
        if let Err(fault) = view.observe(entry.as_ref(), &|digest| documents.get(digest).cloned()) {
            tracing::warn!(%fault, "an entry of the log contradicts one before it");
        }
    }
    Ok(())
}
