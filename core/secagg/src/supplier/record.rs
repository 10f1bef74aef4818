//! What a supplier's machine has promised, and must know again after a crash.

use std::collections::BTreeMap;
use std::fmt;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::SignedQuery;
use optelsom_ledger::canonical::{CanonicalError, Reader, Writer};
use optelsom_ledger::gate::Over;
use zeroize::Zeroizing;

use crate::messages::{Attempt, Statement};
use crate::secret::{SelfMask, Share};
use crate::stored::{
    number, read_attempt, read_flag, read_question, read_statement, read_supplier, write_question, write_statement,
};

/// What one machine must know again after a crash. The host stores its bytes under the query's id, at each
/// [`Effect::Persist`](super::Effect::Persist), whole, replacing the one before; and keeps the last one for ever, since
/// a final statement or a declaration as void holds for ever. Secret while the query runs.
#[derive(Clone, PartialEq, Eq)]
pub struct SupplierRecord {
    pub(crate) question: SignedQuery,
    /// The highest attempt joined.
    pub(crate) joined: Option<Attempt>,
    pub(crate) prepared: BTreeMap<Attempt, PreparedRecord>,
    pub(crate) vote: Vote,
    /// The one attempt that something was opened of.
    pub(crate) opened: Option<Attempt>,
    pub(crate) ended: bool,
}

/// What Certify made durable of one attempt.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PreparedRecord {
    pub(crate) statement: Statement,
    pub(crate) self_mask: SelfMask,
    /// The shares of others that this supplier holds.
    pub(crate) shares: Vec<(SupplierId, Share)>,
}

/// The one thing that a voter ever says about a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    None,
    Final { attempt: Attempt, digest: Hash256 },
    Void,
}

const STATEMENT: &str = "supplier record";

impl SupplierRecord {
    pub(crate) fn new(question: SignedQuery) -> Self {
        Self { question, joined: None, prepared: BTreeMap::new(), vote: Vote::None, opened: None, ended: false }
    }

    /// The query that it is about.
    pub fn question(&self) -> &SignedQuery {
        &self.question
    }

    /// Whether the query has ended here, so that its secrets are gone.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// How the query is over here, if this supplier has voted on it: it is never answered again.
    pub fn over(&self) -> Option<Over> {
        match self.vote {
            Vote::None => None,
            Vote::Final { .. } => Some(Over::Final),
            Vote::Void => Some(Over::Void),
        }
    }

    /// The attempt that this supplier voted to make final, and the digest of its statement, as the log names it.
    pub fn voted_final(&self) -> Option<(Attempt, Hash256)> {
        match self.vote {
            Vote::Final { attempt, digest } => Some((attempt, digest)),
            Vote::None | Vote::Void => None,
        }
    }

    /// The record as bytes, for the host's store.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let prepared: Vec<_> = self.prepared.iter().collect();
        let writer = write_question(Writer::with_capacity(STATEMENT, self.room()), &self.question)
            .number(number(self.joined))
            .list(&prepared, |w, (attempt, record)| {
                let w = write_statement(w.number(number(Some(**attempt))), &record.statement);
                let w = w.bytes(record.self_mask.as_bytes());
                w.list(&record.shares, |w, (dealer, share)| w.text(dealer.as_str()).bytes(share.as_bytes()))
            });
        let writer = match self.vote {
            Vote::None => writer.text("none"),
            Vote::Final { attempt, digest } => {
                writer.text("final").number(number(Some(attempt))).bytes(digest.as_bytes())
            }
            Vote::Void => writer.text("void"),
        };
        Zeroizing::new(writer.number(number(self.opened)).number(u64::from(self.ended)).finish())
    }

    /// At least as many bytes as the record takes: of each participant three names and five digests at the most.
    fn room(&self) -> usize {
        let participants = |record: &PreparedRecord| record.statement.participants.len() * (3 * 44 + 5 * 36) + 256;
        512 + self.question.entry.to_bytes().len() + self.prepared.values().map(participants).sum::<usize>()
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When the bytes are not what [`SupplierRecord::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let question = read_question(&mut reader)?;
        let joined = read_attempt(&mut reader)?;
        let prepared = reader.list(u64::from(u32::MAX), |r| {
            let attempt = read_attempt(r)?.ok_or_else(|| r.wrong("an attempt, from 1"))?;
            Ok((attempt, read_prepared(r)?))
        })?;
        if !prepared.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)) {
            return Err(reader.wrong("a list by attempt"));
        }
        let vote = read_vote(&mut reader)?;
        let opened = read_attempt(&mut reader)?;
        let ended = read_flag(&mut reader)?;
        reader.finish()?;
        let prepared = prepared.into_iter().collect();
        Ok(Self { question, joined, prepared, vote, opened, ended })
    }
}

impl fmt::Debug for SupplierRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SupplierRecord")
            .field("joined", &self.joined)
            .field("prepared", &self.prepared.keys().collect::<Vec<_>>())
            .field("vote", &self.vote)
            .field("opened", &self.opened)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

fn read_prepared(reader: &mut Reader<'_>) -> Result<PreparedRecord, CanonicalError> {
    let statement = read_statement(reader)?;
    let self_mask = SelfMask::from_bytes(reader.array()?);
    let shares = reader.list(4096, |r| Ok((read_supplier(r)?, Share::from_bytes(r.array()?))))?;
    Ok(PreparedRecord { statement, self_mask, shares })
}

fn read_vote(reader: &mut Reader<'_>) -> Result<Vote, CanonicalError> {
    match reader.text()? {
        "none" => Ok(Vote::None),
        "void" => Ok(Vote::Void),
        "final" => {
            let attempt = read_attempt(reader)?.ok_or_else(|| reader.wrong("an attempt, from 1"))?;
            Ok(Vote::Final { attempt, digest: Hash256::from_bytes(reader.array()?) })
        }
        _ => Err(reader.wrong("a vote")),
    }
}
