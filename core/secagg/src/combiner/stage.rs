//! Where a round stands, and how it ends.

use std::fmt;

use optelsom_codebook::{QueryId, RefusalReason, SupplierId};
use zeroize::Zeroize;

use crate::messages::{Attempt, FinalCertificate, RoundOutcome, SubmissionHeader, VoidCertificate};

/// Where a round stands: suppliers, never anything that they counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for suppliers to be ready.
    Gathering {
        /// Their tables are counted.
        ready: usize,
        /// They do not give their data, and why.
        refused: Vec<(SupplierId, RefusalReason)>,
        /// All that were asked.
        asked: usize,
    },
    /// Suppliers join.
    Joining(Answers),
    /// They make pairwise secrets.
    Pairing(Answers),
    /// They submit.
    Submitting(Answers),
    /// They certify.
    Certifying(Answers),
    /// The scope votes.
    Finalising(Answers),
    /// The scope declares the query void.
    Voiding(Answers),
    /// Self-masks come in.
    Opening(Answers),
}

/// How many have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// α.
    pub attempt: Attempt,
    /// Have answered.
    pub answered: usize,
    /// Have to answer.
    pub of: usize,
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The total was opened.
    Opened,
    /// Given up before anything was certified.
    Abandoned {
        /// Why.
        reason: AbandonReason,
    },
    /// Declared void by a quorum.
    Void {
        /// The quorum's votes.
        certificate: VoidCertificate,
    },
    /// Certified or final, but not to be opened. Nothing was released, and nothing of the query may ever be opened.
    Spent {
        /// Why.
        reason: SpentReason,
    },
}

impl Outcome {
    /// What suppliers are told.
    pub(super) fn told(&self) -> RoundOutcome {
        match self {
            Self::Opened => RoundOutcome::Opened,
            Self::Abandoned { .. } => RoundOutcome::Abandoned,
            Self::Void { .. } => RoundOutcome::Void,
            Self::Spent { .. } => RoundOutcome::Spent,
        }
    }
}

/// Why a query was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbandonReason {
    /// Too few suppliers were ready at the deadline, or could still become so.
    TooFewSuppliers {
        /// Ready.
        ready: usize,
        /// How many were needed.
        needed: usize,
    },
    /// The query expired.
    Expired,
    /// There is no number left for a further attempt.
    AttemptsUsedUp,
    /// Somebody cancelled it.
    Cancelled {
        /// Who.
        by: String,
    },
}

/// Why a certified query is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpentReason {
    /// The sum does not match the commitments; nobody can be named.
    SumMismatch,
    /// Votes are split between final and void; neither can reach a quorum.
    SplitVotes,
    /// The self-masks of these suppliers can neither be had nor recovered.
    SelfMasksLost {
        /// Whose.
        of: Vec<SupplierId>,
    },
}

/// What the proof of a release is made from.
pub struct Evidence {
    /// λ.
    pub query: QueryId,
    /// The participants' and voters' signatures.
    pub certificate: FinalCertificate,
    /// The signed commitments of all participants.
    pub headers: Vec<SubmissionHeader>,
    /// R per column: as secret as a hidden cell.
    pub(super) blindings: Vec<[u8; 32]>,
}

impl Evidence {
    /// R of each column, a scalar mod ℓ: as secret as a hidden cell, for the proof's prover only.
    pub fn blindings(&self) -> &[[u8; 32]] {
        &self.blindings
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        self.blindings.zeroize();
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Evidence").field("query", &self.query).finish_non_exhaustive()
    }
}
