//! Verifying a proof: one multi-scalar multiplication over the generators of all cells.

use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use curve25519_dalek::{RistrettoPoint, Scalar};
use thiserror::Error;

use super::algebra::{lift, powers, product};
use super::claim::CellClaim;
use super::proof::{EncodedPoint, Membership, ReleaseProof};
use super::statement::Statement;
use super::transcript::Challenge;
use crate::commitment::sum_of_multiples;
use crate::generators::{Generators, blinding_generator};

/// Why a release is not what its participants committed to, as far as its proof shows: whoever handed both out is at
/// fault, or one of the two was changed on the way. Fetch the release again; where that does not help, don't rely on it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// It is the proof of another table.
    #[error(
        "column {column}: the proof is not one for this table ({what}); the table or the proof has been exchanged or \
         changed"
    )]
    Form {
        /// Which column, from 0.
        column: usize,
        /// What does not fit.
        what: &'static str,
    },
    /// It proves nothing of this table.
    #[error(
        "column {column}: the proof fails. What the release shows is not the sum of what the named suppliers committed \
         to, or the table, the list of suppliers, their commitments or the proof has been changed; do not rely on it"
    )]
    Fails {
        /// Which column, from 0.
        column: usize,
    },
}

/// Checks that the proof is one for the statement. Takes a time that depends on both, neither of which is secret.
///
/// # Errors
/// When it is not.
pub fn verify(statement: &Statement, proof: &ReleaseProof, generators: &Generators) -> Result<(), ProofError> {
    let column = statement.column();
    check_form(statement, proof).map_or(Ok(()), |what| Err(ProofError::Form { column, what }))?;
    let bases = generators.first(statement.claims().len());
    let challenge = Challenge::new(statement, &proof.announcement, proof.memberships.each_ref().map(coefficients));
    let difference = difference(statement, proof, &challenge, &bases);
    if difference.is_some_and(|point| point.is_identity()) { Ok(()) } else { Err(ProofError::Fails { column }) }
}

/// What about the proof is not as the statement has it; nothing if it fits.
fn check_form(statement: &Statement, proof: &ReleaseProof) -> Option<&'static str> {
    if proof.responses.len() != statement.secrets().count() {
        return Some("the number of cells that are not shown");
    }
    let announced = proof.memberships.each_ref().map(|membership| coefficients(membership).len());
    let [few, rounded] = statement.sets().each_ref().map(Vec::len);
    match announced {
        [found, _] if found != few => Some("the cells with too few"),
        [_, found] if found != rounded => Some("the rounded cells"),
        _ => None,
    }
}

fn coefficients(membership: &Option<Membership>) -> &[EncodedPoint] {
    membership.as_ref().map_or(&[], |membership| &membership.coefficients)
}

/// The two sides of all equations, each times its weight, subtracted from each other; nothing if the challenge is zero,
/// for which no proof holds. Divided by the challenge, so that shown figures stay the small numbers that they are.
pub(super) fn difference(
    statement: &Statement,
    proof: &ReleaseProof,
    challenge: &Challenge,
    bases: &[RistrettoPoint],
) -> Option<RistrettoPoint> {
    if challenge.scalar == Scalar::ZERO {
        return None;
    }
    let inverse = challenge.scalar.invert();
    let weight = challenge.weight(&proof.memberships, &proof.blinding, &proof.responses);
    let weights = [inverse * weight, inverse * weight * weight];
    let mut terms = Terms::with_capacity(bases.len() + 2);
    terms.add(-inverse, proof.announcement.point());
    let mut blinding = inverse * proof.blinding;
    for (membership, weight) in proof.memberships.iter().zip(weights) {
        let Some(membership) = membership else { continue };
        blinding += weight * membership.blinding;
        let powers = std::iter::once(Scalar::ONE).chain(powers(challenge.scalar));
        for (point, power) in membership.coefficients.iter().zip(powers) {
            terms.add(-weight * power, point.point());
        }
    }
    let blinding_generator = blinding_generator();
    terms.add(blinding, &blinding_generator);
    let roots = statement
        .sets()
        .each_ref()
        .map(|set| -> Vec<Scalar> { set.iter().map(|member| lift(*member) * challenge.scalar).collect() });
    for ((cell, shown, set), response) in statement.secrets().zip(&proof.responses) {
        let mut scalar = inverse * response + lift(shown);
        if let Some(set) = set {
            scalar += weights.get(set.index())? * product(response, roots.get(set.index())?);
        }
        terms.add(scalar, bases.get(cell)?);
    }
    let shown = |claim: &CellClaim| if let CellClaim::Shown(figure) = claim { *figure } else { 0 };
    let shown: Vec<i64> = statement.claims().iter().map(shown).collect();
    Some(sum_of_multiples(&shown, bases) + terms.sum() - statement.sum())
}

/// Scalars and the points that they multiply.
struct Terms<'p> {
    scalars: Vec<Scalar>,
    points: Vec<&'p RistrettoPoint>,
}

impl<'p> Terms<'p> {
    fn with_capacity(terms: usize) -> Self {
        Self { scalars: Vec::with_capacity(terms), points: Vec::with_capacity(terms) }
    }

    fn add(&mut self, scalar: Scalar, point: &'p RistrettoPoint) {
        self.scalars.push(scalar);
        self.points.push(point);
    }

    fn sum(self) -> RistrettoPoint {
        RistrettoPoint::vartime_multiscalar_mul(self.scalars, self.points)
    }
}
