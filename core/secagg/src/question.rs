//! A question that has been admitted.

use optelsom_codebook::QueryId;
use optelsom_ledger::{Roster, Scope, SignedQuery};
use thiserror::Error;

/// An admitted question, with what follows from the roster.
#[derive(Clone, Debug)]
pub struct Question {
    signed: SignedQuery,
    id: QueryId,
    scope: Scope,
}

impl Question {
    /// The entry with its requester's signature.
    pub fn signed(&self) -> &SignedQuery {
        &self.signed
    }

    /// λ.
    pub fn id(&self) -> QueryId {
        self.id
    }

    /// A question under its own roster, which nobody has checked otherwise: for one that was admitted before, or for an
    /// operator's rehearsal. It opens no gate.
    ///
    /// # Errors
    /// When it is for another roster, or its scope is none of that roster.
    pub fn standing(roster: &Roster, signed: SignedQuery) -> Result<Self, RestoreError> {
        if signed.entry.roster != roster.hash() {
            return Err(RestoreError::OtherRoster);
        }
        let scope = roster.select(&signed.entry.scope).map_err(|_| RestoreError::Scope)?;
        Ok(Self::new(signed, scope))
    }

    pub(crate) fn new(signed: SignedQuery, scope: Scope) -> Self {
        Self { id: signed.entry.id(), signed, scope }
    }

    /// The suppliers asked.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Why a record cannot be gone on from.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RestoreError {
    /// The roster has changed since.
    #[error(
        "the record belongs to another roster than the one in force; its query can only be ended under the old one"
    )]
    OtherRoster,
    /// The record's scope is none of this roster.
    #[error("the record names a scope that the roster does not have")]
    Scope,
}
