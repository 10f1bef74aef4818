//! Starting on a log that exists: what the store holds is reconciled with what the witnesses have seen. A store that is
//! missing or older than that stops the coordinator; a fresh log is begun by an operator's word only.

use thiserror::Error;

use crate::note::{CheckpointError, LogVerifier, SignedCheckpoint};
use crate::proof::TreeHead;
use crate::tiles::{Edge, EdgeError, TilePath, Tiles};

/// Why the coordinator must not start.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StartError {
    /// There is no log in the store.
    #[error(
        "the store holds no log. If this coordinator has had one, restore the newest backup and start again; never begin \
         a fresh log in its place, the suppliers' nodes would refuse it. Only for a federation that has never had a \
         log: create it explicitly"
    )]
    Missing,
    /// The store is older than what was seen of it.
    #[error(
        "the store ends at entry {stored}, but {by} has seen {seen} entries of this log: the store was put back to an \
         older state. Nothing was written. Restore the newest backup, or fetch the missing entries from the published \
         tiles, then start again"
    )]
    Older {
        /// Size of the stored log.
        stored: u64,
        /// Size that was seen.
        seen: u64,
        /// Who has seen it.
        by: &'static str,
    },
    /// The store is on another branch than what was seen of it.
    #[error(
        "the store's log of {size} entries is not the one that {by} has seen: the log has forked. Nothing was written. \
         Keep this store for the auditor and restore the other one"
    )]
    Forked {
        /// Size of both.
        size: u64,
        /// Who has seen the other.
        by: &'static str,
    },
    /// The stored checkpoint is not this log's.
    #[error("the stored checkpoint is refused: {0}. Check that the configured origin and key are this log's")]
    Checkpoint(#[from] CheckpointError),
    /// The tiles are not those of the checkpoint.
    #[error("the stored tiles do not fit the stored checkpoint: {0}. Nothing was written; restore the newest backup")]
    Tiles(#[from] EdgeError),
}

/// What the store says before anything else is read: which further things to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    pub(super) checkpoint: SignedCheckpoint,
}

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Those of [`Survey::tiles`] that are there.
    pub tiles: Tiles,
    /// The published checkpoint, if there is one.
    pub published: Option<Vec<u8>>,
}

/// The log taken up again.
pub(super) struct Recovered {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) edge: Edge,
    pub(super) published: bool,
}

impl Survey {
    /// Reads the register, the one place that is changed by compare-and-swap.
    ///
    /// # Errors
    /// When it is empty or not a checkpoint of this log.
    pub fn of(register: Option<&[u8]>, log: &LogVerifier) -> Result<Self, StartError> {
        let register = register.ok_or(StartError::Missing)?;
        Ok(Self { checkpoint: SignedCheckpoint::parse(register, log)? })
    }

    /// The tiles to read.
    pub fn tiles(&self) -> Vec<TilePath> {
        Edge::paths(self.checkpoint.head().size())
    }

    pub(super) fn reconcile(
        self,
        stored: Stored,
        witnessed: &[SignedCheckpoint],
        log: &LogVerifier,
    ) -> Result<Recovered, StartError> {
        let head = *self.checkpoint.head();
        for seen in witnessed {
            not_behind(&head, seen.head(), "a witness")?;
        }
        let published = stored.published.as_deref().map(|bytes| SignedCheckpoint::parse(bytes, log)).transpose()?;
        if let Some(published) = &published {
            not_behind(&head, published.head(), "the published checkpoint")?;
        }
        let edge = Edge::load(&head, &stored.tiles)?;
        let published = published.is_some_and(|published| *published.head() == head);
        Ok(Recovered { checkpoint: self.checkpoint, edge, published })
    }
}

/// Every checkpoint that was seen carries this log's signature, so a lying witness cannot invent one.
fn not_behind(stored: &TreeHead, seen: &TreeHead, by: &'static str) -> Result<(), StartError> {
    if seen.size() > stored.size() {
        return Err(StartError::Older { stored: stored.size(), seen: seen.size(), by });
    }
    if seen.size() == stored.size() && seen.root() != stored.root() {
        return Err(StartError::Forked { size: stored.size(), by });
    }
    Ok(())
}
