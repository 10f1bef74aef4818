//! Who takes part in one attempt: written before anybody makes it final, and the memory of the guard against
//! differencing ([`crate::guard`]).
//!
//! Bytes: `optelsom/1`, `entry/participants`, index of the query's entry, attempt (from 1), count of participants and
//! their names, sorted, digest of the attempt's statement (round, participants with their cards, submissions; 32
//! bytes), digest of the certificate that all participants signed (32 bytes).

use optelsom_codebook::{Hash256, SupplierId};

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::Body;
use crate::entry::signing::{read_attempt, read_hash, read_supplier};

/// The participants of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantsEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// α, from 1.
    pub attempt: u32,
    /// P, sorted by name.
    pub participants: Vec<SupplierId>,
    /// What a final vote is about.
    pub statement: Hash256,
    /// The certificate.
    pub certificate: Hash256,
}

impl Body for ParticipantsEntry {
    const STATEMENT: &'static str = "entry/participants";

    fn write(&self, writer: Writer) -> Writer {
        writer
            .number(self.query)
            .number(u64::from(self.attempt))
            .list(&self.participants, |w, supplier| w.text(supplier.as_str()))
            .bytes(self.statement.as_bytes())
            .bytes(self.certificate.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        let attempt = read_attempt(reader)?;
        let participants = reader.list(4096, read_supplier)?;
        if !participants.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
            return Err(reader.wrong("the end of a list that is sorted by supplier"));
        }
        Ok(Self { query, attempt, participants, statement: read_hash(reader)?, certificate: read_hash(reader)? })
    }
}
