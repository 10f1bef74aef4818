//! How much of the log each connected node has, and what brings it up to date.

use std::collections::HashMap;
use std::sync::Arc;

use optelsom_codebook::SupplierId;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{ProveError, prove_consistency, tiles_for_consistency};
use optelsom_proto::v1;

use super::opening::leaves;
use super::{Inner, LedgerError, documents_of};

/// About how many bytes of entries and documents go into one message.
const PART: usize = 1 << 20;

/// The connected nodes, with how many entries each has once it has read all that was sent to it.
#[derive(Debug, Default)]
pub(super) struct Followers {
    sizes: HashMap<SupplierId, u64>,
    /// The last updates that were put together, with their sizes: most nodes want the same.
    last: Option<(u64, u64, Arc<Vec<v1::LedgerUpdate>>)>,
}

impl Followers {
    pub(super) fn greeted(&mut self, supplier: SupplierId, size: u64) {
        self.sizes.insert(supplier, size);
    }

    pub(super) fn gone(&mut self, supplier: &SupplierId) {
        self.sizes.remove(supplier);
    }

    pub(super) fn sent(&mut self, supplier: &SupplierId, size: u64) {
        if let Some(has) = self.sizes.get_mut(supplier) {
            *has = size;
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SupplierId> {
        self.sizes.keys()
    }

    /// What the node lacks to be at this checkpoint; nothing where it is ahead, which its own record tells it, nor where
    /// it lacks nothing, unless it is asked `again`: its cosignature may be lost, and it may have less than it was sent.
    pub(super) async fn updates(
        &mut self,
        inner: &Inner,
        supplier: &SupplierId,
        checkpoint: &SignedCheckpoint,
        again: bool,
    ) -> Result<Vec<v1::LedgerUpdate>, LedgerError> {
        let to = checkpoint.head().size();
        let lacks = |from: &u64| *from < to || (again && *from == to);
        let Some(from) = self.sizes.get(supplier).copied().filter(lacks) else { return Ok(Vec::new()) };
        if let Some((_, _, updates)) = self.last.as_ref().filter(|(first, size, _)| (*first, *size) == (from, to)) {
            return Ok(updates.to_vec());
        }
        let updates = make(inner, from, checkpoint).await?;
        self.last = Some((from, to, Arc::new(updates.clone())));
        Ok(updates)
    }
}

async fn make(inner: &Inner, from: u64, checkpoint: &SignedCheckpoint) -> Result<Vec<v1::LedgerUpdate>, LedgerError> {
    let head = checkpoint.head();
    let wanted = tiles_for_consistency(head, from).map_err(ProveError::from)?;
    let proof = prove_consistency(head, from, &inner.store.tiles(wanted).await?)?;
    let mut parts = vec![v1::LedgerUpdate { first: from, ..v1::LedgerUpdate::default() }];
    let mut room = PART;
    for (leaf, index) in leaves(inner, from, head.size()).await?.iter().zip(from..) {
        let document = document_of(inner, leaf).await?;
        let bytes = leaf.as_bytes().len() + document.as_ref().map_or(0, Vec::len);
        if bytes > room {
            parts.push(v1::LedgerUpdate { first: index, ..v1::LedgerUpdate::default() });
            room = PART;
        }
        room = room.saturating_sub(bytes);
        if let Some(part) = parts.last_mut() {
            part.leaves.push(leaf.as_bytes().to_vec());
            part.documents.extend(document);
        }
    }
    // Only with the last part does a node know what it all adds up to.
    if let Some(last) = parts.last_mut() {
        let bare = checkpoint.with_cosignatures(&[]).map_err(optelsom_ledger::appender::Rejection::from)?;
        last.checkpoint = bare.to_bytes();
        last.consistency = proof.hashes().iter().map(|hash| hash.as_bytes().to_vec()).collect();
    }
    Ok(parts)
}

async fn document_of(inner: &Inner, leaf: &Leaf) -> Result<Option<Vec<u8>>, LedgerError> {
    let entry = Entry::from_bytes(leaf.as_bytes()).ok();
    Ok(documents_of(&inner.store, &[entry]).await?.into_values().next())
}
