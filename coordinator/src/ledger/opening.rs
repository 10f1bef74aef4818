//! Taking the log up again: what the store holds is held against what the witnesses have seen, and read once.

use optelsom_codebook::Hash256;
use optelsom_ledger::appender::{Appender, Effect, StartError, Stored, Survey};
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{ProveError, prove_consistency, read_bundle, tiles_for_consistency};

use super::{Inner, Ledger, LedgerError, bundles, documents_of};
use crate::store::StoreError;

/// Reads the register; what else the store holds follows once the witnesses have been heard.
pub(super) async fn survey(inner: &Inner) -> Result<Survey, LedgerError> {
    let register = inner.store.register().await?;
    Ok(Survey::of(register.as_deref(), inner.key.verifier())?)
}

/// Takes the log up.
pub(super) async fn take_up(
    inner: &Inner,
    survey: Survey,
    seen: &[SignedCheckpoint],
) -> Result<(Appender, Vec<Effect>), LedgerError> {
    let stored = Stored { tiles: inner.store.tiles(survey.tiles()).await?, published: inner.store.published().await? };
    let committee = inner.trust.committee().clone();
    Ok(Appender::open(survey, stored, seen, inner.key.clone(), committee)?)
}

/// Holds the log against a checkpoint that a node shows, which carries this log's signature: the log must continue it.
pub(super) async fn hold_against(
    inner: &Inner,
    checkpoint: &SignedCheckpoint,
    seen: &SignedCheckpoint,
) -> Result<(), LedgerError> {
    let (head, old) = (checkpoint.head(), seen.head());
    let by = "a witness";
    if old.size() == 0 {
        return Ok(());
    }
    if old.size() > head.size() {
        return Err(StartError::Older { stored: head.size(), seen: old.size(), by }.into());
    }
    let wanted = tiles_for_consistency(head, old.size()).map_err(ProveError::from)?;
    let proof = prove_consistency(head, old.size(), &inner.store.tiles(wanted).await?)?;
    proof.verify(old, head).map_err(|_| StartError::Forked { size: old.size(), by }.into())
}

/// A checkpoint as a node shows it, if it is this log's. One that is not says nothing about this log.
pub(super) fn shown(inner: &Inner, checkpoint: &[u8]) -> Option<SignedCheckpoint> {
    SignedCheckpoint::parse(checkpoint, inner.key.verifier()).ok()
}

/// The entries from this index to the end of a log of this size.
pub(super) async fn leaves(inner: &Inner, from: u64, size: u64) -> Result<Vec<Leaf>, LedgerError> {
    let mut leaves = Vec::new();
    for (first, path) in bundles(size, from) {
        let bytes = inner.store.tile(&path.to_string()).await?;
        let missing = || StoreError::Unreadable(format!("{path} of the log is missing"));
        let bundle = read_bundle(&bytes.ok_or_else(missing)?, path.width())
            .map_err(|cause| StoreError::Unreadable(format!("{path} of the log: {cause}")))?;
        leaves.extend(bundle.into_iter().zip(first..).filter(|(_, index)| *index >= from).map(|(leaf, _)| leaf));
    }
    Ok(leaves)
}

impl Ledger {
    /// Takes the entries into account that the view has not seen yet.
    pub(super) async fn catch_up(&self, size: u64) -> Result<(), LedgerError> {
        loop {
            let from = self.view().size();
            // A bundle at a time: a long log is never in memory as a whole.
            let to = size.min((from / 256 + 1) * 256);
            if from >= to {
                return Ok(());
            }
            let leaves = leaves(&self.0, from, to).await?;
            self.observe(from, &leaves).await?;
        }
    }

    /// Takes entries into account that stand at this index and after.
    pub(super) async fn observe(&self, first: u64, leaves: &[Leaf]) -> Result<(), LedgerError> {
        let entries: Vec<Option<Entry>> = leaves.iter().map(|leaf| Entry::from_bytes(leaf.as_bytes()).ok()).collect();
        let documents = documents_of(&self.0.store, &entries).await?;
        let document = |digest: &Hash256| documents.get(digest).cloned();
        let mut view = self.view();
        for (entry, index) in entries.iter().zip(first..) {
            if index != view.size() {
                continue;
            }
            if let Err(fault) = view.observe(entry.as_ref(), &document) {
                tracing::error!(%fault, "an entry of the log contradicts one before it");
            }
        }
        Ok(())
    }
}

/// What stops the coordinator, rather than being tried again.
pub(super) fn is_fatal(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Start(_))
}
