//! The prover: what opens the commitments, and the proof made from it.

use std::fmt;

use curve25519_dalek::traits::MultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_ledger::canonical::Writer;
use sha2::{Digest, Sha512};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::algebra::{coefficients, lift, powers};
use super::claim::{CellClaim, Set};
use super::proof::{EncodedPoint, Membership, ReleaseProof};
use super::statement::Statement;
use super::transcript::Challenge;
use super::verify::verify;
use crate::entropy::{Entropy, expand};
use crate::generators::{Generators, blinding_generator};

/// So many points are multiplied at a time, in constant time: the tables for each take more than a kilobyte.
const RUN: usize = 512;

/// T and R of each column: what opens the sum of the participants' commitments.
///
/// Zeroised when dropped, never printed, and read by nothing but [`ProofWitness::prove`].
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ProofWitness {
    totals: Vec<Vec<i64>>,
    blindings: Vec<[u8; 32]>,
}

/// Why there is no proof. Says nothing of what was counted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProveError {
    /// The statement is about another table than the one that was opened.
    #[error("column {column}: the table to be proved has not the form of the one that was opened: this is a bug")]
    Form {
        /// Which column, from 0.
        column: usize,
    },
    /// The table says of a cell what is not so.
    #[error("column {column}, cell {cell}: the table says of it what is not so: this is a bug; nothing is released")]
    Claim {
        /// Which column, from 0.
        column: usize,
        /// Which cell, from 0.
        cell: usize,
    },
    /// The totals don't open the commitments.
    #[error("column {column}: the totals do not open the commitments: this is a bug; nothing is released")]
    Commitments {
        /// Which column, from 0.
        column: usize,
    },
}

impl ProofWitness {
    /// Per column the total of each cell, and R, a scalar in canonical form.
    pub fn new(totals: Vec<Vec<i64>>, blindings: Vec<[u8; 32]>) -> Self {
        Self { totals, blindings }
    }

    /// Proves a statement; checks the proof before it hands it out. Computes with what is hidden in constant time.
    ///
    /// The same entropy may be used for several statements. Should it not be fresh, the same proof comes of the same
    /// statement and witness, and nothing else is given away.
    ///
    /// # Errors
    /// When the statement is not true of what was opened.
    pub fn prove(
        &self,
        statement: &Statement,
        generators: &Generators,
        entropy: &Entropy,
    ) -> Result<ReleaseProof, ProveError> {
        let column = statement.column();
        let opening = self.open(statement)?;
        let bases = generators.first(statement.claims().len());
        let proof = opening.answer(statement, &bases, entropy).ok_or(ProveError::Form { column })?;
        verify(statement, &proof, generators).map_err(|_| ProveError::Commitments { column })?;
        Ok(proof)
    }

    /// What the statement hides, where it is true cell by cell.
    fn open(&self, statement: &Statement) -> Result<Opening, ProveError> {
        let column = statement.column();
        let form = ProveError::Form { column };
        let totals = self.totals.get(column).filter(|totals| totals.len() == statement.claims().len()).ok_or(form)?;
        let blinding = Scalar::from_canonical_bytes(*self.blindings.get(column).ok_or(form)?);
        let blinding = Zeroizing::new(Option::<Scalar>::from(blinding).ok_or(form)?);
        let mut hidden = Zeroizing::new(Vec::with_capacity(totals.len()));
        for (cell, (claim, total)) in statement.claims().iter().zip(totals).enumerate() {
            let wrong = ProveError::Claim { column, cell };
            match claim.secret() {
                None if *claim != CellClaim::Shown(*total) => return Err(wrong),
                None => {}
                Some((shown, set)) => {
                    let rest = total.checked_sub(shown).ok_or(wrong)?;
                    let allowed = set.and_then(|set| statement.sets().get(set.index()));
                    if allowed.is_some_and(|values| !values.contains(&rest)) {
                        return Err(wrong);
                    }
                    hidden.push(rest);
                }
            }
        }
        Ok(Opening { hidden, blinding })
    }
}

impl fmt::Debug for ProofWitness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProofWitness({} columns, secret)", self.totals.len())
    }
}

/// What a statement hides: of each cell that is not simply shown, in order, and R.
pub(super) struct Opening {
    pub(super) hidden: Zeroizing<Vec<i64>>,
    pub(super) blinding: Zeroizing<Scalar>,
}

impl Opening {
    /// The proof, whether or not the statement is true; nothing where opening and statement have different forms.
    pub(super) fn answer(
        &self,
        statement: &Statement,
        bases: &[RistrettoPoint],
        entropy: &Entropy,
    ) -> Option<ReleaseProof> {
        let nonces = Nonces::new(statement, self, entropy);
        let secrets: Vec<_> = statement.secrets().collect();
        let bases: Vec<_> = secrets.iter().map(|(cell, _, _)| bases.get(*cell)).collect::<Option<_>>()?;
        let masks = Zeroizing::new((0..secrets.len()).map(|at| *nonces.scalar("cell", at)).collect::<Vec<_>>());
        let blinding_mask = nonces.scalar("blinding", 0);
        let announcement = EncodedPoint::new(sum(&masks, &bases) + blinding_generator() * *blinding_mask);
        let members = Set::ALL.map(|set| {
            let of = |(_, _, other): &(usize, i64, Option<Set>)| *other == Some(set);
            let members = secrets.iter().zip(masks.iter()).zip(self.hidden.iter()).zip(&bases);
            let members = members.filter(|(((secret, _), _), _)| of(secret));
            let members: Vec<_> = members.map(|(((_, mask), value), base)| (mask, *value, *base)).collect();
            let values = statement.sets().get(set.index()).map_or(&[][..], Vec::as_slice);
            Announced::new(&members, values, |at| nonces.scalar(label(set), at))
        });
        let [few, rounded] = &members;
        let challenge = Challenge::new(statement, &announcement, [&few.coefficients, &rounded.coefficients]).scalar;
        let responses = masks.iter().zip(self.hidden.iter()).map(|(mask, value)| mask + challenge * lift(*value));
        Some(ReleaseProof {
            announcement,
            responses: responses.collect(),
            blinding: *blinding_mask + challenge * *self.blinding,
            memberships: members.map(|announced| announced.answer(challenge)),
        })
    }
}

const fn label(set: Set) -> &'static str {
    match set {
        Set::TooFew => "coefficients of too few",
        Set::Rounded => "coefficients of rounded",
    }
}

/// Commitments to the coefficients of the polynomials of one set's cells, with their blindings.
struct Announced {
    coefficients: Vec<EncodedPoint>,
    blindings: Zeroizing<Vec<Scalar>>,
}

impl Announced {
    /// Of cells given by their nonce, what they hide, and their generator.
    fn new(
        members: &[(&Scalar, i64, &RistrettoPoint)],
        values: &[i64],
        blinding: impl Fn(usize) -> Zeroizing<Scalar>,
    ) -> Self {
        let blindings = Zeroizing::new((0..values.len()).map(|at| *blinding(at)).collect::<Vec<_>>());
        let generator = blinding_generator();
        let mut points: Vec<_> = blindings.iter().map(|blinding| generator * blinding).collect();
        for run in members.chunks(RUN) {
            let bases: Vec<_> = run.iter().map(|(_, _, base)| *base).collect();
            let polynomials: Vec<_> = run.iter().map(|(mask, value, _)| coefficients(mask, *value, values)).collect();
            for (power, point) in points.iter_mut().enumerate() {
                let of_power = polynomials.iter().filter_map(|polynomial| polynomial.get(power).copied());
                *point += sum(&Zeroizing::new(of_power.collect::<Vec<_>>()), &bases);
            }
        }
        Self { coefficients: points.into_iter().map(EncodedPoint::new).collect(), blindings }
    }

    fn answer(self, challenge: Scalar) -> Option<Membership> {
        let powers = std::iter::once(Scalar::ONE).chain(powers(challenge));
        let blinding = self.blindings.iter().zip(powers).map(|(blinding, power)| blinding * power).sum();
        (!self.coefficients.is_empty()).then_some(Membership { coefficients: self.coefficients, blinding })
    }
}

/// Σ s_j P_j in constant time.
fn sum(scalars: &[Scalar], points: &[&RistrettoPoint]) -> RistrettoPoint {
    let runs = scalars.chunks(RUN).zip(points.chunks(RUN));
    runs.map(|(scalars, points)| RistrettoPoint::multiscalar_mul(scalars, points.iter().copied())).sum()
}

/// Nonces from fresh randomness, the witness and the statement together: none repeats for another challenge, even if the
/// randomness does.
struct Nonces(Zeroizing<[u8; 64]>);

impl Nonces {
    fn new(statement: &Statement, opening: &Opening, entropy: &Entropy) -> Self {
        let mut hidden = Zeroizing::new(Vec::with_capacity(opening.hidden.len() * 8));
        opening.hidden.iter().for_each(|value| hidden.extend_from_slice(&value.to_be_bytes()));
        let bytes = Writer::with_capacity("release proof nonces", hidden.len() + 512)
            .bytes(entropy.as_bytes())
            .bytes(statement.digest())
            .bytes(opening.blinding.as_bytes())
            .bytes(&hidden)
            .finish();
        Self(Zeroizing::new(Sha512::digest(&*Zeroizing::new(bytes)).into()))
    }

    fn scalar(&self, label: &str, index: usize) -> Zeroizing<Scalar> {
        let info = Writer::new("release proof nonce").text(label).number(index as u64).finish();
        let mut wide = Zeroizing::new([0; 64]);
        expand(&*self.0, &info, &mut wide);
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
    }
}
