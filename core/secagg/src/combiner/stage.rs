//! Where a round stands, and how it ends.

use std::fmt;
use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, RefusalReason, SupplierId};

use crate::messages::{Attempt, FinalCertificate, RelayedHeader, RoundOutcome, VoidCertificate};
use crate::release_proof::{CommitmentsError, ProofWitness, SignedCommitments, SignedSubmissions};
use crate::round::Round;

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
    /// Given up before anything was final.
    Abandoned {
        /// Why.
        reason: AbandonReason,
    },
    /// Declared void by a quorum.
    Void {
        /// The quorum's votes.
        certificate: VoidCertificate,
        /// Why they were asked for.
        why: VoidReason,
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
        /// Who was asked besides, and why each is not ready.
        missing: Vec<(SupplierId, Absence)>,
    },
    /// The query expired.
    Expired,
    /// It expired before its participants stood in the log as enough witnesses had seen it: nobody has voted.
    NotLogged,
    /// There is no number left for a further attempt.
    AttemptsUsedUp,
    /// The total would give suppliers away, together with earlier ones.
    Guard {
        /// Whom, and with which total.
        why: String,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// Who.
        by: String,
    },
}

impl AbandonReason {
    /// The code in the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooFewSuppliers { .. } => "too-few-suppliers",
            Self::Expired => "expired",
            Self::NotLogged => "not-witnessed",
            Self::AttemptsUsedUp => "attempts-used-up",
            Self::Guard { .. } => "differencing",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// Why a supplier that was asked is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It has not answered.
    Silent,
    /// It does not give its data.
    Refused(RefusalReason),
    /// The attempts with it have failed, and the next would have been made without it.
    Excluded,
}

/// Why voters were asked to declare a query void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoidReason {
    /// The operators have decided so.
    Operators,
    /// So many guards refuse the set of participants that no quorum can make it final.
    Guard,
}

impl VoidReason {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Operators, Self::Guard];

    /// The code in the log.
    pub fn code(self) -> &'static str {
        match self {
            Self::Operators => "declared-void",
            Self::Guard => "differencing",
        }
    }
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

impl SpentReason {
    /// The code in the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SumMismatch => "sum-mismatch",
            Self::SplitVotes => "split-votes",
            Self::SelfMasksLost { .. } => "self-masks-lost",
        }
    }
}

/// What the proof of a release is made from.
pub struct Evidence {
    /// λ.
    pub query: QueryId,
    /// The participants' and voters' signatures.
    pub certificate: Arc<FinalCertificate>,
    /// The signed commitments of all participants.
    pub headers: Vec<RelayedHeader>,
    pub(super) round: Round,
    pub(super) witness: ProofWitness,
}

impl Evidence {
    /// What the log calls this round: the digest that final votes are about, and that of the certificate.
    pub fn digests(&self) -> (Hash256, Hash256) {
        let certificate = &self.certificate.certificate;
        (certificate.statement().digest(&self.round), certificate.digest(&self.round))
    }

    /// The participants' commitments, which the statements of the release are about.
    ///
    /// # Errors
    /// When certificate and headers have been changed since they were handed over.
    pub fn commitments(&self) -> Result<SignedCommitments, CommitmentsError> {
        SignedCommitments::certified(&self.round, &self.certificate.certificate, &self.headers)
    }

    /// What all of them signed, for the file that goes with the release.
    pub fn submissions(&self) -> SignedSubmissions {
        SignedSubmissions::new(FinalCertificate::clone(&self.certificate), self.headers.clone())
    }

    /// T and R, for the prover only.
    pub fn witness(&self) -> &ProofWitness {
        &self.witness
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Evidence").field("query", &self.query).finish_non_exhaustive()
    }
}
