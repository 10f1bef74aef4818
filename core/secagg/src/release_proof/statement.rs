//! What a proof is about: one column of one release.

use curve25519_dalek::RistrettoPoint;
use curve25519_dalek::ristretto::CompressedRistretto;
use optelsom_codebook::{Hash256, SupplierId};
use sha2::{Digest, Sha512};
use thiserror::Error;

use super::claim::{CellClaim, Protection, Set};
use super::commitments::SignedCommitments;

/// The most cells that a statement may be about.
pub const MOST_CELLS: usize = 1 << 24;

/// That the participants' commitments to a column add up to what a release says of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    column: usize,
    claims: Vec<CellClaim>,
    /// Σ C_i.
    sum: RistrettoPoint,
    /// What members of each set may be; empty where no cell is in it.
    sets: [Vec<i64>; 2],
    /// SHA-512 of everything that the statement says.
    digest: [u8; 64],
}

/// Why nothing can be stated of a column.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StatementError {
    /// There is no such column.
    #[error("column {column} of a release whose participants committed to {of} columns: it is another plan's")]
    Column {
        /// Which, from 0.
        column: usize,
        /// How many there are.
        of: usize,
    },
    /// More cells than a proof can be about.
    #[error("{0} cells are more than a proof can be about ({MOST_CELLS})")]
    Cells(usize),
    /// A commitment that is no point.
    #[error(
        "the commitment of {0} is not a valid point: that supplier's node, or whoever changed its header, is at fault"
    )]
    Point(SupplierId),
    /// A cell claims to be *too few* where k is such that this cannot be proved.
    #[error("cells are said to hold too few, which cannot be proved for a minimum frequency of {0}")]
    TooFew(u64),
    /// A cell claims to be rounded where no rule of rounding is in force.
    #[error("cells are said to be rounded, but the release names no rule of rounding")]
    Rounded,
}

impl Statement {
    /// Of column `column` (from 0): the participants' commitments to it, the hash of the query's plan, what *too few* and
    /// *rounded* mean, and what the release claims of each of the plan's cells.
    ///
    /// # Errors
    /// When there is no such column, a commitment is no point, or a claim is none that can be proved.
    pub fn new(
        commitments: &SignedCommitments,
        plan: &Hash256,
        protection: &Protection,
        column: usize,
        claims: Vec<CellClaim>,
    ) -> Result<Self, StatementError> {
        if column >= commitments.columns() {
            return Err(StatementError::Column { column, of: commitments.columns() });
        }
        if claims.len() > MOST_CELLS {
            return Err(StatementError::Cells(claims.len()));
        }
        let sets = Set::ALL.map(|set| {
            let used = claims.iter().any(|claim| matches!(claim.secret(), Some((_, Some(of))) if of == set));
            used.then(|| protection.values(set))
        });
        let sets = match sets {
            [Some(few), _] if few.is_empty() => return Err(StatementError::TooFew(protection.minimum_frequency())),
            [_, Some(errors)] if errors.is_empty() => return Err(StatementError::Rounded),
            sets => sets.map(Option::unwrap_or_default),
        };
        let mut sum = RistrettoPoint::default();
        for (supplier, commitment) in commitments.of_column(column) {
            let point = CompressedRistretto(*commitment).decompress();
            sum += point.ok_or_else(|| StatementError::Point(supplier.clone()))?;
        }
        let digest = digest(commitments, plan, protection, column, &claims);
        Ok(Self { column, claims, sum, sets, digest })
    }

    /// Which column, from 0.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What the release says of each cell of the plan, in the plan's order.
    pub fn claims(&self) -> &[CellClaim] {
        &self.claims
    }

    /// Whether the release says nothing of the whole column, so that there is nothing to prove.
    pub fn says_nothing(&self) -> bool {
        self.claims.iter().all(|claim| *claim == CellClaim::Hidden)
    }

    /// Σ C_i.
    pub(super) fn sum(&self) -> &RistrettoPoint {
        &self.sum
    }

    /// What members of each set may be, by [`Set::index`].
    pub(super) fn sets(&self) -> &[Vec<i64>; 2] {
        &self.sets
    }

    /// SHA-512 of everything that the statement says.
    pub(super) fn digest(&self) -> &[u8; 64] {
        &self.digest
    }

    /// The cells that are not simply shown, in order: where, what of their total is shown, and the set that the rest is
    /// one of.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (usize, i64, Option<Set>)> {
        let secret = |(cell, claim): (usize, &CellClaim)| claim.secret().map(|(shown, set)| (cell, shown, set));
        self.claims.iter().enumerate().filter_map(secret)
    }
}

fn digest(
    commitments: &SignedCommitments,
    plan: &Hash256,
    protection: &Protection,
    column: usize,
    claims: &[CellClaim],
) -> [u8; 64] {
    let signed: Vec<_> = commitments.of_column(column).collect();
    let mut cells = Vec::with_capacity(claims.len() * 9);
    claims.iter().for_each(|claim| claim.write(&mut cells));
    let writer = commitments.round().statement("release proof statement").bytes(plan.as_bytes());
    let bytes = protection
        .write(writer.number(column as u64))
        .bytes(commitments.participants().hash().as_bytes())
        .list(&signed, |w, (supplier, commitment)| w.text(supplier.as_str()).bytes(*commitment))
        .number(claims.len() as u64)
        .bytes(&cells)
        .finish();
    Sha512::digest(bytes).into()
}
