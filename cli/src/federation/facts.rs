//! What a supplier has said of itself.

use optelsom_codebook::{SupplierId, Timestamp};
use optelsom_ledger::{Roster, Signature};
use optelsom_proto::v1;
use optelsom_proto::wire::{Holding, SignedAgreement};

use crate::failure::Failure;

/// What a supplier has said of itself, and whether the coordinator sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplierFacts {
    /// Which.
    pub supplier: SupplierId,
    /// Whether its node is connected now.
    pub attending: bool,
    /// When it was last, if ever.
    pub last_seen: Option<Timestamp>,
    /// Its agreement, where its own signature on it holds.
    pub agreement: Option<String>,
    /// What it holds of the dataset.
    pub holding: Option<Holding>,
}

impl SupplierFacts {
    /// Reads the facts, and checks the agreement's signature against the roster: the coordinator cannot make one up.
    pub(super) fn read(wire: v1::SupplierFacts, roster: &Roster) -> Result<Self, Failure> {
        let supplier = SupplierId::try_from(wire.supplier.as_str())
            .map_err(|_| Failure::Answer("the name of a supplier".to_owned()))?;
        let agreement = <[u8; 64]>::try_from(wire.agreement_signature).ok().and_then(|signature| {
            let signed = SignedAgreement { document: wire.agreement, signature: Signature::from_bytes(signature) };
            let member = roster.member(&supplier)?;
            signed.verify(&supplier, &member.identity).ok().map(|()| signed.document)
        });
        Ok(Self {
            supplier,
            attending: wire.attending,
            last_seen: (wire.last_seen > 0).then(|| Timestamp::from_millis(wire.last_seen)),
            agreement,
            holding: wire.holding.map(Holding::try_from).transpose()?,
        })
    }
}
