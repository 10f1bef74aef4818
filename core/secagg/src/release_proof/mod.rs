//! The release proof: what a table shows is the sum of what its participants committed to.
//!
//! One proof per column, made once by the coordinator and checked by anybody, offline. What it proves and what it does
//! not, the argument for both, and the bytes are in docs/release-proof.md, whose names are used here.

mod algebra;
mod claim;
mod commitments;
mod proof;
mod statement;
mod submissions;
mod table;
mod transcript;
mod verify;
mod witness;

pub use claim::{CellClaim, MOST_VALUES, Protection, Rounding, RoundingError};
pub use commitments::{CommitmentsError, SignedCommitments};
pub use proof::{DecodeError, MOST_BYTES, ReleaseProof};
pub use statement::{MOST_CELLS, Statement, StatementError};
pub use submissions::SignedSubmissions;
pub use table::{ClaimsError, claims};
pub use verify::{ProofError, verify};
pub use witness::{ProofWitness, ProveError};

#[cfg(test)]
mod tests;
