//! Why the gate stays shut: nine families, one per step, in the steps' order.

use std::fmt;

use optelsom_codebook::{Hash256, QueryId};
use thiserror::Error;

use crate::entry::{AuthorisationError, ReasonCode};
use crate::note::{CheckpointError, CommitteeError, KeyName};
use crate::proof::ProofError;

/// Why a query gets no answer. Whoever brought the evidence, the coordinator, is at fault for steps 1 to 6 and 9.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GateError {
    /// Step 1: the leaf is not that of the plaintext query.
    #[error("step 1, the question: {0}")]
    Question(#[from] QuestionError),
    /// Step 2: not asked, or not approved, by whom it should be; or too late.
    #[error("step 2, on whose word: {0}")]
    Word(AuthorisationError),
    /// Step 3: the checkpoint is not the log's.
    #[error("step 3, the log's signature: {0}")]
    Log(CheckpointError),
    /// Step 4: the query does not stand in the log.
    #[error("step 4, in the log: {0}")]
    Inclusion(ProofError),
    /// Step 5: too few witnesses have seen the checkpoint.
    #[error("step 5, the witnesses: {0}")]
    Witnesses(CommitteeError),
    /// Step 6: the log is not the one that this node has seen.
    #[error("step 6, the log as seen here before: {0}")]
    History(#[from] HistoryError),
    /// Step 7: the query is over here.
    #[error("step 7: the query is {0} here already; it is never answered again")]
    Over(Over),
    /// Step 8: this supplier has not agreed to it.
    #[error("step 8, this supplier's agreement: {0}")]
    Agreement(ReasonCode),
    /// Step 9: the round would bind something else.
    #[error("step 9, the round: {0}")]
    Round(#[from] RoundError),
}

impl GateError {
    /// Which of the nine steps refused.
    pub fn step(&self) -> u8 {
        match self {
            Self::Question(_) => 1,
            Self::Word(_) => 2,
            Self::Log(_) => 3,
            Self::Inclusion(_) => 4,
            Self::Witnesses(_) => 5,
            Self::History(_) => 6,
            Self::Over(_) => 7,
            Self::Agreement(_) => 8,
            Self::Round(_) => 9,
        }
    }
}

/// Step 1.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum QuestionError {
    /// The document is another than the entry names.
    #[error("the query's document has digest {found}, its entry names {named}")]
    Document {
        /// Digest of the document that came.
        found: Hash256,
        /// Digest in the entry.
        named: Hash256,
    },
    /// The entry has another leaf hash than the query goes by.
    #[error("the entry's leaf hash is {found}, the query goes by {named}")]
    Leaf {
        /// Recomputed.
        found: QueryId,
        /// What the query goes by.
        named: QueryId,
    },
}

/// Step 6.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HistoryError {
    /// The node's record is of another log.
    #[error("this node's record is of log `{0}`; configuration and record must be reconciled by its operator")]
    OtherLog(KeyName),
    /// Smaller, or on another branch.
    #[error("{0}; the coordinator shows different logs to different suppliers, or restored an old one")]
    Fork(#[from] ProofError),
}

/// Step 7: how a query is over at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The node has signed a final statement for it.
    Final,
    /// The node has declared it void.
    Void,
}

impl fmt::Display for Over {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Final => "final",
            Self::Void => "void",
        })
    }
}

/// Step 9.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RoundError {
    /// Another query.
    #[error("its keys and signatures would bind query {0}")]
    Query(QueryId),
    /// Another roster.
    #[error("its keys and signatures would bind roster {0}")]
    Roster(Hash256),
    /// Another checkpoint.
    #[error("its cards would name checkpoint {0}, not the one that was checked")]
    Checkpoint(Hash256),
}
