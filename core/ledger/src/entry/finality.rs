//! The one attempt at a query that a quorum of its scope made final.
//!
//! The votes are about the names and the submissions of the participants entry that it points at, and about no others: it
//! holds for no entry with other names.
//!
//! Bytes: `optelsom/1`, `entry/final`, index of the query's entry, index of the participants entry that was voted on
//! (it names attempt and participants), count of votes, and of each the voter and its signature (64 bytes), sorted by
//! voter.

use optelsom_codebook::QueryId;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::signing::{SigningError, Votes, final_bytes};
use crate::entry::{Body, ParticipantsEntry};
use crate::roster::Scope;

/// A final certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// Index of the participants entry that was voted on.
    pub participants: u64,
    /// At least a quorum of the scope.
    pub votes: Votes,
}

impl FinalEntry {
    /// Checks that a quorum of the scope made this attempt, of these names, final.
    ///
    /// # Errors
    /// When a vote is not of the scope or does not fit, or there are too few.
    pub fn verify(&self, query: &QueryId, attempt: &ParticipantsEntry, scope: &Scope) -> Result<(), SigningError> {
        let statement = final_bytes(query, attempt.attempt, &scope.roster(), &attempt.statement());
        self.votes.verify("final", scope, &statement)
    }
}

impl Body for FinalEntry {
    const STATEMENT: &'static str = "entry/final";

    fn write(&self, writer: Writer) -> Writer {
        self.votes.write(writer.number(self.query).number(self.participants))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        Ok(Self { query, participants: reader.number()?, votes: Votes::read(reader)? })
    }
}
