//! Whose word an entry is: the signatures that entries carry, and how they are checked.
//!
//! What voters and suppliers sign in a round (`final`, `void`, `refused`) is fixed here, since the log keeps those
//! signatures and an auditor checks them years later.

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use thiserror::Error;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::ReasonCode;
use crate::identity::{IdentityKey, PublicIdentity, Signature};
use crate::roster::Scope;

/// Why the signatures of an entry do not stand for what it says.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SigningError {
    /// The coordinator's own signature does not fit.
    #[error("the coordinator's signature does not fit the {0} entry")]
    Operator(&'static str),
    /// A requester's or approver's signature does not fit.
    #[error("the signature of `{0}` does not fit the query")]
    Person(String),
    /// A key id that the roster does not have.
    #[error("`{0}` is not a requester of the roster")]
    UnknownPerson(String),
    /// The policy wants a second person and there is none.
    #[error("the policy wants a second person's approval and the query has none")]
    NotApproved,
    /// The requester cannot be the second person.
    #[error("`{0}` asked the query and cannot approve it too")]
    ApprovedByRequester(String),
    /// Not a supplier of the query's scope.
    #[error("supplier `{0}` does not stand in the query's scope")]
    NotInScope(SupplierId),
    /// A supplier's signature does not fit.
    #[error("the signature of supplier `{supplier}` does not fit the {entry} entry")]
    Supplier {
        /// Whose.
        supplier: SupplierId,
        /// The kind of entry.
        entry: &'static str,
    },
    /// Fewer votes than a quorum.
    #[error("the {entry} entry has {votes} votes; the scope's quorum is {quorum}")]
    NoQuorum {
        /// The kind of entry.
        entry: &'static str,
        /// How many there are.
        votes: usize,
        /// How many are wanted.
        quorum: usize,
    },
}

/// The bytes under a signature on an entry: all of the entry but its signatures.
pub(crate) fn signed_bytes(body: &[u8]) -> Vec<u8> {
    Writer::new("signed entry").bytes(body).finish()
}

/// Checks the coordinator's signature on an entry.
pub(crate) fn verify_operator(
    operator: &PublicIdentity,
    entry: &'static str,
    body: &[u8],
    signature: &Signature,
) -> Result<(), SigningError> {
    operator.verify(&signed_bytes(body), signature).map_err(|_| SigningError::Operator(entry))
}

/// What a supplier signs when it refuses its data for a query.
pub fn refused_bytes(query: &QueryId, roster: &Hash256, supplier: &SupplierId, reason: &ReasonCode) -> Vec<u8> {
    Writer::new("refused")
        .bytes(query.as_bytes())
        .bytes(roster.as_bytes())
        .text(supplier.as_str())
        .text(reason.as_str())
        .finish()
}

/// The digest of an attempt's statement, which prepared and final votes sign, over the names of its participants and the
/// digest of all that they have submitted. The names stand in it by themselves, so that whoever reads the log, and has
/// seen none of the submissions, can tell whether votes are about the names beside them.
pub fn attempt_statement<'a>(participants: impl IntoIterator<Item = &'a SupplierId>, submissions: &Hash256) -> Hash256 {
    let names: Vec<&SupplierId> = participants.into_iter().collect();
    Writer::new("attempt").list(&names, |w, supplier| w.text(supplier.as_str())).bytes(submissions.as_bytes()).digest()
}

/// What a voter signs to make one attempt final; `statement` is that of [`attempt_statement`].
pub fn final_bytes(query: &QueryId, attempt: u32, roster: &Hash256, statement: &Hash256) -> Vec<u8> {
    Writer::new("final")
        .bytes(query.as_bytes())
        .number(u64::from(attempt))
        .bytes(roster.as_bytes())
        .bytes(statement.as_bytes())
        .finish()
}

/// What a voter signs to declare a query void.
pub fn void_bytes(query: &QueryId, roster: &Hash256) -> Vec<u8> {
    Writer::new("void").bytes(query.as_bytes()).bytes(roster.as_bytes()).finish()
}

/// One supplier's signature under a statement that a quorum signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who signs.
    pub supplier: SupplierId,
    /// Over the statement.
    pub signature: Signature,
}

impl Vote {
    /// Signs the statement as this supplier.
    pub fn sign(key: &IdentityKey, supplier: SupplierId, statement: &[u8]) -> Self {
        Self { supplier, signature: key.sign(statement) }
    }
}

/// Votes of different suppliers, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Votes(Vec<Vote>);

impl Votes {
    /// Sorts the votes; of two votes of one supplier the first stays.
    pub fn new(mut votes: Vec<Vote>) -> Self {
        votes.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        votes.dedup_by(|later, earlier| later.supplier == earlier.supplier);
        Self(votes)
    }

    /// The votes, by name.
    pub fn as_slice(&self) -> &[Vote] {
        &self.0
    }

    /// Checks that a quorum of the scope signed the statement, and that nobody else stands among them.
    pub(crate) fn verify(&self, entry: &'static str, scope: &Scope, statement: &[u8]) -> Result<(), SigningError> {
        for vote in &self.0 {
            let supplier = &vote.supplier;
            let member = scope.member(supplier).ok_or_else(|| SigningError::NotInScope(supplier.clone()))?;
            member
                .identity
                .verify(statement, &vote.signature)
                .map_err(|_| SigningError::Supplier { supplier: supplier.clone(), entry })?;
        }
        let quorum = scope.quorum();
        if self.0.len() < quorum {
            return Err(SigningError::NoQuorum { entry, votes: self.0.len(), quorum });
        }
        Ok(())
    }

    pub(crate) fn write(&self, writer: Writer) -> Writer {
        writer.list(&self.0, |w, vote| w.text(vote.supplier.as_str()).bytes(vote.signature.as_bytes()))
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let votes = reader.list(4096, |r| {
            let supplier = read_supplier(r)?;
            Ok(Vote { supplier, signature: read_signature(r)? })
        })?;
        if votes.windows(2).all(|pair| matches!(pair, [a, b] if a.supplier < b.supplier)) {
            Ok(Self(votes))
        } else {
            Err(reader.wrong("the end of a list that is sorted by supplier"))
        }
    }
}

pub(crate) fn read_supplier(reader: &mut Reader<'_>) -> Result<SupplierId, CanonicalError> {
    let name = reader.text()?;
    SupplierId::try_from(name).map_err(|_| reader.wrong("the name of a supplier"))
}

pub(crate) fn read_reason(reader: &mut Reader<'_>) -> Result<ReasonCode, CanonicalError> {
    let code = reader.text()?;
    ReasonCode::try_from(code).map_err(|_| reader.wrong("a reason code"))
}

pub(crate) fn read_hash(reader: &mut Reader<'_>) -> Result<Hash256, CanonicalError> {
    reader.array().map(Hash256::from_bytes)
}

pub(crate) fn read_signature(reader: &mut Reader<'_>) -> Result<Signature, CanonicalError> {
    reader.array().map(Signature::from_bytes)
}

/// α, from 1.
pub(crate) fn read_attempt(reader: &mut Reader<'_>) -> Result<u32, CanonicalError> {
    match u32::try_from(reader.number()?) {
        Ok(attempt) if attempt > 0 => Ok(attempt),
        _ => Err(reader.wrong("the number of an attempt, from 1 to 4,294,967,295")),
    }
}
