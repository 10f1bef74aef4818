//! Certificates and the signatures that they are made of.

use std::sync::Arc;

use optelsom_codebook::SupplierId;
use optelsom_ledger::Signature;
use optelsom_secagg::messages::{Certificate, FinalCertificate, FinalVote, Participants, Prepared};

use super::WireError;
use super::fields::{list, signature, supplier, there};
use super::parts::{attempt, digests, digests_to_wire};
use crate::limits::SUPPLIERS;
use crate::v1;

pub(super) fn signed(field: &'static str, wire: v1::Statement) -> Result<(SupplierId, Signature), WireError> {
    Ok((supplier(field, &wire.supplier)?, signature(field, &wire.signature)?))
}

pub(super) fn statement(supplier: &SupplierId, signature: &Signature) -> v1::Statement {
    v1::Statement { supplier: supplier.to_string(), signature: signature.as_bytes().to_vec() }
}

impl TryFrom<v1::Certificate> for Certificate {
    type Error = WireError;

    fn try_from(wire: v1::Certificate) -> Result<Self, WireError> {
        let participants = Participants::new(digests("certificate.participants", wire.participants)?)
            .map_err(|_| WireError::form("certificate.participants", "sorted by name, each one once"))?;
        Ok(Self {
            attempt: attempt(wire.attempt)?,
            participants,
            digests: digests("certificate.digests", wire.digests)?,
            signatures: list("certificate.signatures", wire.signatures, SUPPLIERS, |item| {
                signed("certificate.signatures", item).map(|(supplier, signature)| Prepared { supplier, signature })
            })?,
        })
    }
}

impl From<&Certificate> for v1::Certificate {
    fn from(certificate: &Certificate) -> Self {
        Self {
            attempt: certificate.attempt.number(),
            participants: digests_to_wire(certificate.participants.entries()),
            digests: digests_to_wire(&certificate.digests),
            signatures: certificate.signatures.iter().map(|p| statement(&p.supplier, &p.signature)).collect(),
        }
    }
}

impl TryFrom<v1::FinalCertificate> for FinalCertificate {
    type Error = WireError;

    fn try_from(wire: v1::FinalCertificate) -> Result<Self, WireError> {
        Ok(Self {
            certificate: Arc::new(there("final.certificate", wire.certificate)?.try_into()?),
            votes: list("final.votes", wire.votes, SUPPLIERS, |item| {
                signed("final.votes", item).map(|(supplier, signature)| FinalVote { supplier, signature })
            })?,
        })
    }
}

impl From<&FinalCertificate> for v1::FinalCertificate {
    fn from(certificate: &FinalCertificate) -> Self {
        Self {
            certificate: Some(certificate.certificate.as_ref().into()),
            votes: certificate.votes.iter().map(|vote| statement(&vote.supplier, &vote.signature)).collect(),
        }
    }
}
