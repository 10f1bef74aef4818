//! What a supplier has said of itself.

use optelsom_codebook::{Hash256, SupplierId, Timestamp};
use optelsom_ledger::Signature;
use optelsom_proto::v1;
use optelsom_proto::wire::{Holding, SignedAgreement};

use super::Catalogue;
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
    /// Whether its node goes by another codebook or roster than the coordinator, and so refuses every query.
    pub out_of_step: bool,
    /// What it holds of the dataset.
    pub holding: Option<Holding>,
}

impl SupplierFacts {
    /// Reads the facts, and checks the agreement's signature against the roster: the coordinator cannot make one up.
    ///
    /// # Errors
    /// When they name no supplier, or what it holds is malformed.
    pub fn read(wire: v1::SupplierFacts, catalogue: &Catalogue) -> Result<Self, Failure> {
        let supplier = SupplierId::try_from(wire.supplier.as_str())
            .map_err(|_| Failure::Answer("the name of a supplier".to_owned()))?;
        let agreement = <[u8; 64]>::try_from(wire.agreement_signature).ok().and_then(|signature| {
            let signed = SignedAgreement { document: wire.agreement, signature: Signature::from_bytes(signature) };
            let member = catalogue.roster.member(&supplier)?;
            signed.verify(&supplier, &member.identity).ok().map(|()| signed.document)
        });
        let (codebook, roster) = (catalogue.codebook.hash(), catalogue.roster.hash());
        // A node that never announced itself has no digests.
        let differs = |theirs: &[u8], ours: &Hash256| !theirs.is_empty() && theirs != ours.as_bytes();
        Ok(Self {
            out_of_step: differs(&wire.codebook, &codebook) || differs(&wire.roster, &roster),
            supplier,
            attending: wire.attending,
            last_seen: (wire.last_seen > 0).then(|| Timestamp::from_millis(wire.last_seen)),
            agreement,
            holding: wire.holding.map(Holding::try_from).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use optelsom_ledger::IdentityKey;

    use super::*;
    use crate::fixture::catalogue;

    /// The fixture's third supplier, with the agreement signed by the key with this seed.
    fn police(seed: u8) -> v1::SupplierFacts {
        let police = SupplierId::try_from("police").unwrap();
        let signed = SignedAgreement::sign("terms".to_owned(), &police, &IdentityKey::from_seed(&[seed; 32]));
        v1::SupplierFacts {
            supplier: "police".to_owned(),
            agreement: signed.document,
            agreement_signature: signed.signature.as_bytes().to_vec(),
            ..v1::SupplierFacts::default()
        }
    }

    #[test]
    fn an_agreement_counts_only_with_its_suppliers_own_signature() {
        let read = |seed| SupplierFacts::read(police(seed), &catalogue()).unwrap();
        assert_eq!(read(3).agreement.as_deref(), Some("terms"));
        assert_eq!(read(4).agreement, None);
        assert!(!read(3).out_of_step && read(3).last_seen.is_none());
    }

    #[test]
    fn a_node_with_another_roster_is_out_of_step() {
        let facts = v1::SupplierFacts { roster: vec![1; 32], ..police(3) };
        assert!(SupplierFacts::read(facts, &catalogue()).unwrap().out_of_step);
        let facts = v1::SupplierFacts { supplier: "Police".to_owned(), ..police(3) };
        assert_eq!(SupplierFacts::read(facts, &catalogue()).unwrap_err().code(), 1);
    }
}
