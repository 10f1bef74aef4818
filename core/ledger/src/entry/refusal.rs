//! A query, or one supplier's part in it, that was refused.
//!
//! Bytes: `optelsom/1`, `entry/refusal`, index of the query's entry, reason code, the supplier that refuses (empty
//! where the query as a whole is refused), signature (64 bytes) of that supplier or else of the coordinator.

use optelsom_codebook::{QueryId, SupplierId};

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::signing::{SigningError, read_reason, read_signature, refused_bytes, verify_operator};
use crate::entry::{Body, ReasonCode};
use crate::identity::{IdentityKey, PublicIdentity, Signature};
use crate::roster::Scope;

/// Who refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// One supplier its data; the query goes on or ends by another entry.
    Supplier(SupplierId),
    /// The coordinator, the query as a whole; this ends it.
    Coordinator,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// Why.
    pub reason: ReasonCode,
    /// Who refuses.
    pub by: RefusedBy,
    /// Of whoever refuses.
    pub signature: Signature,
}

fn body(query: u64, reason: &ReasonCode) -> Vec<u8> {
    Writer::new(RefusalEntry::STATEMENT).number(query).text(reason.as_str()).finish()
}

impl RefusalEntry {
    /// Refuses a query as a whole, as the coordinator.
    pub fn of_query(query: u64, reason: ReasonCode, key: &IdentityKey) -> Self {
        let signature = key.sign(&crate::entry::signing::signed_bytes(&body(query, &reason)));
        Self { query, reason, by: RefusedBy::Coordinator, signature }
    }

    /// Whether the query ends by it.
    pub fn ends_query(&self) -> bool {
        self.by == RefusedBy::Coordinator
    }

    /// Checks the signature of whoever refuses.
    ///
    /// # Errors
    /// When it does not fit, or the supplier does not stand in the scope.
    pub fn verify(&self, query: &QueryId, scope: &Scope, operator: &PublicIdentity) -> Result<(), SigningError> {
        match &self.by {
            RefusedBy::Coordinator => {
                verify_operator(operator, "refusal", &body(self.query, &self.reason), &self.signature)
            }
            RefusedBy::Supplier(supplier) => {
                let member = scope.member(supplier).ok_or_else(|| SigningError::NotInScope(supplier.clone()))?;
                member
                    .identity
                    .verify(&refused_bytes(query, &scope.roster(), supplier, &self.reason), &self.signature)
                    .map_err(|_| SigningError::Supplier { supplier: supplier.clone(), entry: "refusal" })
            }
        }
    }
}

impl Body for RefusalEntry {
    const STATEMENT: &'static str = "entry/refusal";

    fn write(&self, writer: Writer) -> Writer {
        let supplier = match &self.by {
            RefusedBy::Supplier(supplier) => supplier.as_str(),
            RefusedBy::Coordinator => "",
        };
        writer.number(self.query).text(self.reason.as_str()).text(supplier).bytes(self.signature.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        let reason = read_reason(reader)?;
        let by = match reader.text()? {
            "" => RefusedBy::Coordinator,
            name => RefusedBy::Supplier(
                SupplierId::try_from(name).map_err(|_| reader.wrong("the name of a supplier, or nothing"))?,
            ),
        };
        Ok(Self { query, reason, by, signature: read_signature(reader)? })
    }
}
