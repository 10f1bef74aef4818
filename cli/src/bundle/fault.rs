//! Why a release is not believed.

use optelsom_codebook::{CodebookErrors, Hash256, PlanError, QueryError};
use optelsom_disclosure::{PolicyError, ReleaseError};
use optelsom_ledger::canonical::CanonicalError;
use optelsom_ledger::entry::{AuthorisationError, SigningError};
use optelsom_ledger::note::{CheckpointError, CommitteeError};
use optelsom_ledger::proof::ProofError as InclusionError;
use optelsom_ledger::{RosterError, ScopeError};
use optelsom_secagg::release_proof::{ClaimsError, CommitmentsError, DecodeError, ProofError, StatementError};
use thiserror::Error;

/// The first thing that is wrong with a release. Whoever handed it out is at fault, or whoever changed it on the way: fetch
/// it again, and where that does not help, do not rely on it and tell an auditor.
#[derive(Debug, Error)]
pub enum Fault {
    /// A file is not there.
    #[error("the file {0} is missing")]
    Missing(String),
    /// A file that does not belong.
    #[error("the file {0} does not belong to a release bundle; take it away and look who put it here")]
    Unexpected(String),
    /// A file and the manifest differ.
    #[error("the file {0} is not as the manifest has it: one of the two was changed")]
    Altered(String),
    /// A file that is not in its form.
    #[error("the file {0} is not in the form that such a file has: it was damaged or changed")]
    Form(String),
    /// Entries that are proved by different checkpoints.
    #[error("the file {0} has another checkpoint than the others")]
    Checkpoints(&'static str),
    /// The checkpoint is not the trusted log's.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Not seen by enough of the trusted witnesses.
    #[error("the checkpoint: {0}")]
    Witnesses(#[from] CommitteeError),
    /// An entry is not in the log.
    #[error("the file {file}: {cause}: the entry is not the one that was logged")]
    NotLogged {
        /// Which.
        file: &'static str,
        /// Why.
        cause: InclusionError,
    },
    /// An entry is not of the kind, or about the query, that it should be.
    #[error("the {0} in the log is not that of this query")]
    OtherEntry(&'static str),
    /// A document is not the one that the query names.
    #[error("the {0} is not the one that the logged query names")]
    OtherDocument(&'static str),
    /// A roster that was not accepted.
    #[error(
        "the query goes by the roster {0}, which you have not named with --roster: its suppliers may not be those you know"
    )]
    Roster(Hash256),
    /// A query or its approval is not signed by those who should have.
    #[error("the authorisation: {0}")]
    Authorisation(#[from] AuthorisationError),
    /// The votes.
    #[error("the final votes: {0}")]
    Votes(#[from] SigningError),
    /// The participants' signatures.
    #[error("the commitments: {0}")]
    Commitments(#[from] CommitmentsError),
    /// The commitments' bytes.
    #[error("the file commitments: {0}")]
    CommitmentsForm(CanonicalError),
    /// A file of the release is not the one that the log names.
    #[error("{0} is not what the log says was released: it was changed, or belongs to another query")]
    NotReleased(&'static str),
    /// The table says something else than the log.
    #[error("the table says otherwise than the log of {0}: it was changed, or belongs to another query")]
    Says(&'static str),
    /// Its participants are not those who signed.
    #[error("the participants are not those whom the log, the table and the signatures agree on: {0}")]
    Participants(&'static str),
    /// The table is not one of the question.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// Nothing can be stated of it.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The proofs' bytes.
    #[error("the file proof: {0}")]
    ProofForm(CanonicalError),
    /// A proof's bytes.
    #[error("the proof of column {column}: {cause}")]
    ProofBytes {
        /// Which, from 0.
        column: usize,
        /// What is wrong.
        cause: DecodeError,
    },
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The codebook cannot be read.
    #[error("the codebook: {0}")]
    Codebook(#[from] CodebookErrors),
    /// The question cannot be read.
    #[error("the question: {0}")]
    Question(#[from] QueryError),
    /// The question cannot be planned.
    #[error("the question: {0}")]
    Plan(#[from] PlanError),
    /// The policy is none.
    #[error("the disclosure policy: {0}")]
    Policy(#[from] PolicyError),
    /// The table cannot be read.
    #[error("release.json: {0}")]
    Release(#[from] ReleaseError),
    /// The roster cannot be read.
    #[error("the roster: {0}")]
    RosterForm(#[from] RosterError),
    /// The roster has no such suppliers.
    #[error("the roster: {0}")]
    Scope(#[from] ScopeError),
}

impl Fault {
    /// The exit code: those of an audit, by kind.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Altered(_)
            | Self::Form(_)
            | Self::NotLogged { .. }
            | Self::OtherDocument(_)
            | Self::NotReleased(_)
            | Self::CommitmentsForm(_)
            | Self::Codebook(_)
            | Self::RosterForm(_) => 10,
            Self::Missing(_) | Self::Unexpected(_) => 11,
            Self::Checkpoints(_) | Self::Checkpoint(_) | Self::Witnesses(_) => 12,
            Self::Authorisation(_) | Self::Votes(_) | Self::Commitments(_) => 14,
            Self::OtherEntry(_) | Self::Roster(_) | Self::Scope(_) | Self::Question(_) | Self::Plan(_) => 15,
            Self::Says(_)
            | Self::Participants(_)
            | Self::Claims(_)
            | Self::Statement(_)
            | Self::ProofForm(_)
            | Self::ProofBytes { .. }
            | Self::Proof(_)
            | Self::Policy(_)
            | Self::Release(_) => 17,
        }
    }
}
