//! A query that a quorum of its scope has declared void: none of its attempts can be opened any more.
//!
//! Bytes: `optelsom/1`, `entry/void`, index of the query's entry, reason code, count of votes, and of each the voter
//! and its signature (64 bytes), sorted by voter.

use optelsom_codebook::QueryId;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::signing::{SigningError, Votes, read_reason, void_bytes};
use crate::entry::{Body, ReasonCode};
use crate::roster::Scope;

/// A void certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// Why.
    pub reason: ReasonCode,
    /// At least a quorum of the scope.
    pub votes: Votes,
}

impl VoidEntry {
    /// Checks that a quorum of the scope declared the query void.
    ///
    /// # Errors
    /// When a vote is not of the scope or does not fit, or there are too few.
    pub fn verify(&self, query: &QueryId, scope: &Scope) -> Result<(), SigningError> {
        self.votes.verify("void", scope, &void_bytes(query, &scope.roster()))
    }
}

impl Body for VoidEntry {
    const STATEMENT: &'static str = "entry/void";

    fn write(&self, writer: Writer) -> Writer {
        self.votes.write(writer.number(self.query).text(self.reason.as_str()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        Ok(Self { query, reason: read_reason(reader)?, votes: Votes::read(reader)? })
    }
}
