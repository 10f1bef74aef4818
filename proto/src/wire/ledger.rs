//! The log as it travels between coordinator and nodes.

use optelsom_codebook::Hash256;
use optelsom_ledger::Signature;
use optelsom_ledger::entry::Approval;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::proof::{ConsistencyProof, InclusionProof};

use super::WireError;
use super::fields::{at_most, hash, list, signature};
use crate::limits::{AGREEMENT_BYTES, LEAVES, NOTE_BYTES};
use crate::role::PartyName;
use crate::v1;

/// That a query stands in the log, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where the entry stands.
    pub index: u64,
    /// A cosigned checkpoint, a signed note.
    pub checkpoint: Vec<u8>,
    /// That the entry stands there under the checkpoint.
    pub inclusion: InclusionProof,
    /// The second person's signature.
    pub approval: Option<Approval>,
}

/// A piece of what the log has grown by.
#[derive(Clone, Debug)]
pub struct LedgerUpdate {
    /// Index of the first of the leaves.
    pub first: u64,
    /// Entries from there on.
    pub leaves: Vec<Leaf>,
    /// Documents that they name.
    pub documents: Vec<Vec<u8>>,
    /// The checkpoint that the log has grown to, a signed note.
    pub checkpoint: Vec<u8>,
    /// That the checkpoint continues the log as it is after these leaves.
    pub consistency: ConsistencyProof,
}

/// A supplier's signature on the change to its agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementSigned {
    /// Index of the entry that it replaces.
    pub predecessor: Option<u64>,
    /// On the change.
    pub signature: Signature,
}

fn note(field: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, WireError> {
    at_most(field, bytes.len(), NOTE_BYTES)?;
    Ok(bytes)
}

fn hashes(field: &'static str, wire: Vec<Vec<u8>>) -> Result<Vec<Hash256>, WireError> {
    // A tree of 2^64 entries has no longer proofs.
    list(field, wire, 128, |bytes| hash(field, &bytes))
}

impl TryFrom<v1::Approval> for Approval {
    type Error = WireError;

    fn try_from(wire: v1::Approval) -> Result<Self, WireError> {
        let signature = signature("approval.signature", &wire.signature)?;
        let approver = PartyName::try_from(wire.approver.as_str());
        let approver = approver.map_err(|_| WireError::form("approval.approver", "a key id of the roster"))?;
        Ok(Self { approver: approver.to_string(), signature })
    }
}

impl From<&Approval> for v1::Approval {
    fn from(approval: &Approval) -> Self {
        Self { approver: approval.approver.clone(), signature: approval.signature.as_bytes().to_vec() }
    }
}

impl TryFrom<v1::Evidence> for Evidence {
    type Error = WireError;

    fn try_from(wire: v1::Evidence) -> Result<Self, WireError> {
        let inclusion = InclusionProof::new(hashes("evidence.inclusion", wire.inclusion)?);
        Ok(Self {
            index: wire.index,
            checkpoint: note("evidence.checkpoint", wire.checkpoint)?,
            inclusion: inclusion.map_err(|_| WireError::form("evidence.inclusion", "an audit path"))?,
            approval: wire.approval.map(Approval::try_from).transpose()?,
        })
    }
}

impl From<&Evidence> for v1::Evidence {
    fn from(evidence: &Evidence) -> Self {
        Self {
            index: evidence.index,
            checkpoint: evidence.checkpoint.clone(),
            inclusion: evidence.inclusion.hashes().iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            approval: evidence.approval.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::LedgerUpdate> for LedgerUpdate {
    type Error = WireError;

    fn try_from(wire: v1::LedgerUpdate) -> Result<Self, WireError> {
        let leaf = |bytes| Leaf::new(bytes).map_err(|_| WireError::form("ledger_update.leaves", "an entry of the log"));
        let document = |bytes: Vec<u8>| {
            at_most("ledger_update.documents", bytes.len(), AGREEMENT_BYTES)?;
            Ok(bytes)
        };
        let consistency = ConsistencyProof::new(hashes("ledger_update.consistency", wire.consistency)?);
        Ok(Self {
            first: wire.first,
            leaves: list("ledger_update.leaves", wire.leaves, LEAVES, leaf)?,
            documents: list("ledger_update.documents", wire.documents, LEAVES, document)?,
            checkpoint: note("ledger_update.checkpoint", wire.checkpoint)?,
            consistency: consistency
                .map_err(|_| WireError::form("ledger_update.consistency", "a consistency proof"))?,
        })
    }
}

impl TryFrom<v1::AgreementSigned> for AgreementSigned {
    type Error = WireError;

    fn try_from(wire: v1::AgreementSigned) -> Result<Self, WireError> {
        Ok(Self { predecessor: wire.predecessor, signature: signature("agreement.signature", &wire.signature)? })
    }
}

impl From<AgreementSigned> for v1::AgreementSigned {
    fn from(signed: AgreementSigned) -> Self {
        Self { predecessor: signed.predecessor, signature: signed.signature.as_bytes().to_vec() }
    }
}
