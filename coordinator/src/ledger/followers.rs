//! How much of the log each connected node has, and what brings it up to date: one piece after the other, each of which
//! the node can check and store by itself, and the next only once it has done so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{ProveError, prove_consistency, tiles_for_consistency};
use optelsom_proto::v1;
use tokio::time::Instant;

use super::opening::leaves;
use super::{Inner, LedgerError, documents_of};

/// About how many bytes of entries and documents go into one piece.
const PIECE: usize = 1 << 20;
/// How long a piece may be on its way before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connected node.
#[derive(Debug)]
struct Following {
    /// How many entries it has, by its own word; after the last piece, once it has read that.
    size: u64,
    /// When it was sent a piece that is not the last.
    sent: Option<Instant>,
    /// Digest of the agreement that is in force there.
    agreement: Hash256,
}

impl Following {
    fn awaits(&self) -> bool {
        self.sent.is_some_and(|at| at.elapsed() < PATIENCE)
    }
}

/// A piece of the log.
#[derive(Debug)]
pub(super) struct Piece {
    /// How many entries there are after it.
    pub(super) end: u64,
    /// As it travels.
    pub(super) update: v1::LedgerUpdate,
}

/// The connected nodes.
#[derive(Debug, Default)]
pub(super) struct Followers {
    nodes: HashMap<SupplierId, Following>,
    /// The last piece that was put together, with its beginning and the size of the log: most nodes want the same.
    last: Option<(u64, u64, Arc<Piece>)>,
}

impl Followers {
    pub(super) fn greeted(&mut self, supplier: SupplierId, size: u64, agreement: Hash256) {
        self.nodes.insert(supplier, Following { size, sent: None, agreement });
    }

    /// A node that has greeted says once more what it has. False where what it lacks is on its way already.
    pub(super) fn has(&mut self, supplier: &SupplierId, size: u64) -> bool {
        let Some(node) = self.nodes.get_mut(supplier) else { return false };
        if node.awaits() && node.size == size {
            return false;
        }
        (node.size, node.sent) = (size, None);
        true
    }

    pub(super) fn gone(&mut self, supplier: &SupplierId) {
        self.nodes.remove(supplier);
    }

    /// The piece was sent.
    pub(super) fn sent(&mut self, supplier: &SupplierId, piece: &Piece, is_last: bool) {
        if let Some(node) = self.nodes.get_mut(supplier) {
            match is_last {
                true => (node.size, node.sent) = (piece.end, None),
                false => node.sent = Some(Instant::now()),
            }
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SupplierId> {
        self.nodes.keys()
    }

    /// Digest of the agreement that is in force at this node.
    pub(super) fn agreement(&self, supplier: &SupplierId) -> Option<Hash256> {
        self.nodes.get(supplier).map(|node| node.agreement)
    }

    /// The next piece that the node lacks to be at this checkpoint. None where it is ahead, which its own record tells it,
    /// where the piece before is on its way, nor where it lacks nothing, unless it is asked `again`: then without entries.
    pub(super) async fn piece(
        &mut self,
        inner: &Inner,
        supplier: &SupplierId,
        checkpoint: &SignedCheckpoint,
        again: bool,
    ) -> Result<Option<Arc<Piece>>, LedgerError> {
        let to = checkpoint.head().size();
        let lacks = |node: &&Following| !node.awaits() && (node.size < to || (again && node.size == to));
        let Some(from) = self.nodes.get(supplier).filter(lacks).map(|node| node.size) else { return Ok(None) };
        if let Some((_, _, piece)) = self.last.as_ref().filter(|(first, size, _)| (*first, *size) == (from, to)) {
            return Ok(Some(Arc::clone(piece)));
        }
        let piece = Arc::new(make(inner, from, checkpoint).await?);
        self.last = Some((from, to, Arc::clone(&piece)));
        Ok(Some(piece))
    }
}

async fn make(inner: &Inner, from: u64, checkpoint: &SignedCheckpoint) -> Result<Piece, LedgerError> {
    let head = checkpoint.head();
    let bare = checkpoint.with_cosignatures(&[]).map_err(optelsom_ledger::appender::Rejection::from)?;
    let mut update = v1::LedgerUpdate { first: from, checkpoint: bare.to_bytes(), ..v1::LedgerUpdate::default() };
    let (mut end, mut room) = (from, PIECE);
    'full: while end < head.size() {
        let bundle_end = head.size().min((end / 256 + 1) * 256);
        for leaf in leaves(inner, end, bundle_end).await? {
            let document = document_of(inner, &leaf).await?;
            let bytes = leaf.as_bytes().len() + document.as_ref().map_or(0, Vec::len);
            // However long one entry's document is, it goes.
            if bytes > room && end > from {
                break 'full;
            }
            room = room.saturating_sub(bytes);
            update.leaves.push(leaf.as_bytes().to_vec());
            update.documents.extend(document);
            end += 1;
        }
    }
    let wanted = tiles_for_consistency(head, end).map_err(ProveError::from)?;
    let proof = prove_consistency(head, end, &inner.store.tiles(wanted).await?)?;
    update.consistency = proof.hashes().iter().map(|hash| hash.as_bytes().to_vec()).collect();
    Ok(Piece { end, update })
}

async fn document_of(inner: &Inner, leaf: &Leaf) -> Result<Option<Vec<u8>>, LedgerError> {
    let entry = Entry::from_bytes(leaf.as_bytes()).ok();
    Ok(documents_of(&inner.store, &[entry]).await?.into_values().next())
}
