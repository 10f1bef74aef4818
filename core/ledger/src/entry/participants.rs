//! Who takes part in one attempt: written before anybody makes it final, and the memory of the guard against
//! differencing ([`crate::guard`]).
//!
//! Bytes: `optelsom/1`, `entry/participants`, index of the query's entry, attempt (from 1), count of participants and
//! their names, sorted, digest of their submissions (round, participants with their cards, what each has submitted; 32
//! bytes), digest of the certificate that all participants signed (32 bytes).
//!
//! What votes are about, the attempt's statement, is not in it: a reader computes it from names and submissions. So an
//! entry with other names is about another statement, whatever its writer would like it to be about.

use optelsom_codebook::{Hash256, SupplierId};

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::Body;
use crate::entry::signing::{attempt_statement, read_attempt, read_hash, read_supplier};

/// The participants of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantsEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// α, from 1.
    pub attempt: u32,
    /// P, sorted by name.
    pub participants: Vec<SupplierId>,
    /// The digest of all that they have submitted.
    pub submissions: Hash256,
    /// The certificate.
    pub certificate: Hash256,
}

impl ParticipantsEntry {
    /// What a final vote is about: these names and these submissions.
    pub fn statement(&self) -> Hash256 {
        attempt_statement(&self.participants, &self.submissions)
    }
}

impl Body for ParticipantsEntry {
    const STATEMENT: &'static str = "entry/participants";

    fn write(&self, writer: Writer) -> Writer {
        writer
            .number(self.query)
            .number(u64::from(self.attempt))
            .list(&self.participants, |w, supplier| w.text(supplier.as_str()))
            .bytes(self.submissions.as_bytes())
            .bytes(self.certificate.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        let attempt = read_attempt(reader)?;
        let participants = reader.list(4096, read_supplier)?;
        if !participants.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
            return Err(reader.wrong("the end of a list that is sorted by supplier"));
        }
        Ok(Self { query, attempt, participants, submissions: read_hash(reader)?, certificate: read_hash(reader)? })
    }
}
