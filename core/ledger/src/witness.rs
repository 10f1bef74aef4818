//! A node as witness: it cosigns a checkpoint only if that continues the last one it stored itself.
//!
//! The new record must be durable before the cosignature leaves; therefore [`cosign`] yields both wrapped up, and only
//! [`Cosigning::stored`] gives the cosignature out. What a restored backup may not do is the record's keeper's part.

use optelsom_codebook::Timestamp;
use thiserror::Error;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::note::{CheckpointError, Cosignature, CosignerKey, KeyError, KeyName, LogVerifier, SignedCheckpoint};
use crate::proof::{ConsistencyProof, ProofError, TreeHead};

/// The last checkpoint that a node stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessRecord {
    origin: KeyName,
    head: TreeHead,
}

/// Why a stored record cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// Malformed.
    #[error("the stored record of the last checkpoint is malformed: {0}; the node must be reconciled with its peers")]
    Malformed(#[from] CanonicalError),
    /// No origin.
    #[error("the stored record of the last checkpoint names no log: {0}")]
    Origin(#[from] KeyError),
    /// No head of a tree.
    #[error("the stored record of the last checkpoint is of no log: {0}")]
    Head(#[from] ProofError),
}

const STATEMENT: &str = "witness record";

impl WitnessRecord {
    /// The record of a node that has seen nothing of this log yet.
    pub fn fresh(log: &LogVerifier) -> Self {
        Self { origin: log.name().clone(), head: TreeHead::EMPTY }
    }

    /// The log that it is about.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Size and root of the last checkpoint.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// The record as bytes, to be stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(STATEMENT)
            .text(self.origin.as_str())
            .number(self.head.size())
            .bytes(self.head.root().as_bytes())
            .finish()
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let origin = KeyName::try_from(reader.text()?)?;
        let size = reader.number()?;
        let root = reader.array()?;
        reader.finish()?;
        Ok(Self { origin, head: TreeHead::new(size, optelsom_codebook::Hash256::from_bytes(root))? })
    }

    /// The record as it was at an earlier head, which the caller has computed from its own entries.
    #[must_use]
    pub fn earlier(&self, head: TreeHead) -> Self {
        Self { origin: self.origin.clone(), head }
    }

    /// The record after a checkpoint that continues this one.
    ///
    /// # Errors
    /// When the checkpoint is of another log, smaller, or on another branch.
    pub fn advance(&self, checkpoint: &SignedCheckpoint, proof: &ConsistencyProof) -> Result<Self, ProofError> {
        proof.verify(&self.head, checkpoint.head())?;
        Ok(Self { origin: self.origin.clone(), head: *checkpoint.head() })
    }
}

/// Why a witness refuses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WitnessRefusal {
    /// Malformed, of another log, or not signed by it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The record is of another log than the one that this witness is configured for.
    #[error("the stored record is of log `{record}`, the configured log is `{configured}`; one of them is wrong")]
    OtherLog {
        /// The log of the record.
        record: KeyName,
        /// The log of the configuration.
        configured: KeyName,
    },
    /// Smaller than, or on another branch than, what this witness stored: the coordinator shows different logs.
    #[error(
        "the coordinator's log does not continue what this witness has seen: {0}; do not go on, tell the other suppliers"
    )]
    Fork(#[from] ProofError),
}

/// A cosignature that may leave once the record is stored.
#[derive(Debug)]
#[must_use = "store the record, then call `stored`"]
pub struct Cosigning {
    record: WitnessRecord,
    cosignature: Cosignature,
}

impl Cosigning {
    /// What must be durable first.
    pub fn record(&self) -> &WitnessRecord {
        &self.record
    }

    /// The record is durable: here is the cosignature.
    pub fn stored(self) -> (WitnessRecord, Cosignature) {
        (self.record, self.cosignature)
    }
}

/// Cosigns a checkpoint, if it is the log's and continues the record.
///
/// # Errors
/// When it is malformed, unsigned, of another log, smaller than the record, or on another branch.
pub fn cosign(
    record: &WitnessRecord,
    checkpoint: &[u8],
    proof: &ConsistencyProof,
    log: &LogVerifier,
    key: &CosignerKey,
    now: Timestamp,
) -> Result<Cosigning, WitnessRefusal> {
    if record.origin != *log.name() {
        return Err(WitnessRefusal::OtherLog { record: record.origin.clone(), configured: log.name().clone() });
    }
    let checkpoint = SignedCheckpoint::parse(checkpoint, log)?;
    let record = record.advance(&checkpoint, proof)?;
    Ok(Cosigning { record, cosignature: key.cosign(&checkpoint, now) })
}
