//! A table that was released. The entry binds it without giving it away: a digest of few possible tables could be
//! guessed, so it is salted, and only how many cells are hidden is told, not which.
//!
//! Bytes: `optelsom/1`, `entry/release`, index of the query's entry, outcome (0: all asked took part, 1: some were
//! absent), salted digest of the table (32 bytes), count of rules, and of each its code and how many cells it hid,
//! digest of what the participants committed to and signed (32 bytes), digest of the proof (32 bytes).

use optelsom_codebook::Hash256;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::signing::{read_hash, read_reason};
use crate::entry::{Body, ReasonCode};

/// Whether all suppliers that were asked are in the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of them.
    Complete,
    /// Fewer, as the requester accepted.
    Incomplete,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseEntry {
    /// Index of the query's entry.
    pub query: u64,
    /// Whether anybody is absent from the total.
    pub outcome: Outcome,
    /// See [`salted_digest`].
    pub table: Hash256,
    /// How many cells each rule hid, sorted by the rule's code, none of them 0.
    pub hidden: Vec<(ReasonCode, u64)>,
    /// Digest of what the participants committed to and signed, as it lies beside the log.
    pub participants: Hash256,
    /// Digest of the release proof.
    pub proof: Hash256,
}

/// The digest by which a release entry names its table. The salt is 32 fresh random bytes and goes with the table.
pub fn salted_digest(salt: &[u8; 32], table: &[u8]) -> Hash256 {
    Writer::new("released table").bytes(salt).bytes(table).digest()
}

impl Body for ReleaseEntry {
    const STATEMENT: &'static str = "entry/release";

    fn write(&self, writer: Writer) -> Writer {
        let outcome = match self.outcome {
            Outcome::Complete => 0,
            Outcome::Incomplete => 1,
        };
        writer
            .number(self.query)
            .number(outcome)
            .bytes(self.table.as_bytes())
            .list(&self.hidden, |w, (rule, cells)| w.text(rule.as_str()).number(*cells))
            .bytes(self.participants.as_bytes())
            .bytes(self.proof.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let query = reader.number()?;
        let outcome = match reader.number()? {
            0 => Outcome::Complete,
            1 => Outcome::Incomplete,
            _ => return Err(reader.wrong("an outcome, 0 or 1")),
        };
        let table = read_hash(reader)?;
        let hidden = reader.list(64, |r| {
            let rule = read_reason(r)?;
            match r.number()? {
                0 => Err(r.wrong("a number of hidden cells, at least 1")),
                cells => Ok((rule, cells)),
            }
        })?;
        if !hidden.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)) {
            return Err(reader.wrong("the end of a list that is sorted by rule"));
        }
        Ok(Self { query, outcome, table, hidden, participants: read_hash(reader)?, proof: read_hash(reader)? })
    }
}
