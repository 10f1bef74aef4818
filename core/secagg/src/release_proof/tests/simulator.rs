//! That a proof tells nothing beyond its statement: whoever may choose the challenge makes one without knowing anything,
//! even of a statement that is not true.

use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{RistrettoPoint, Scalar};

use super::super::algebra::{lift, powers, product};
use super::super::claim::Set;
use super::super::proof::{EncodedPoint, Membership};
use super::super::transcript::Challenge;
use super::super::verify::difference;
use super::*;
use crate::generators::blinding_generator;

/// Responses and all coefficients but the lowest are drawn; what is left follows from the equations.
fn simulate(statement: &Statement, challenge: Scalar, bases: &[RistrettoPoint], rng: &mut ChaCha20Rng) -> ReleaseProof {
    let h = blinding_generator();
    let responses: Vec<Scalar> = statement.secrets().map(|_| scalar(rng)).collect();
    let blinding = scalar(rng);
    let shown: RistrettoPoint = statement
        .claims()
        .iter()
        .zip(bases)
        .map(|(claim, base)| match claim {
            CellClaim::Shown(value) | CellClaim::Rounded { value } => base * lift(*value),
            CellClaim::TooFew | CellClaim::Hidden => RistrettoPoint::default(),
        })
        .sum();
    let answered: RistrettoPoint =
        statement.secrets().zip(&responses).map(|((cell, _, _), response)| bases[cell] * response).sum();
    let announcement = answered + h * blinding - (statement.sum() - shown) * challenge;
    let memberships = Set::ALL.map(|set| {
        let values = &statement.sets()[set.index()];
        let roots: Vec<Scalar> = values.iter().map(|value| lift(*value) * challenge).collect();
        let others: Vec<RistrettoPoint> = values.iter().skip(1).map(|_| h * scalar(rng)).collect();
        let blinding = scalar(rng);
        let cells = statement.secrets().zip(&responses).filter(|((_, _, of), _)| *of == Some(set));
        let polynomials: RistrettoPoint = cells.map(|((cell, _, _), z)| bases[cell] * product(z, &roots)).sum();
        let raised: RistrettoPoint = others.iter().zip(powers(challenge)).map(|(point, power)| point * power).sum();
        let coefficients = std::iter::once(polynomials + h * blinding - raised).chain(others);
        Some(Membership { coefficients: coefficients.map(EncodedPoint::new).collect(), blinding })
    });
    ReleaseProof { announcement: EncodedPoint::new(announcement), memberships, blinding, responses }
}

#[test]
fn a_chosen_challenge_needs_no_witness_and_a_hashed_one_does() {
    let mut rng = ChaCha20Rng::seed_from_u64(23);
    let (world, mut claims) = table();
    let bases = world.generators.first(claims.len());
    for of_what in ["the truth", "a lie"] {
        let statement = world.statement(0, &claims);
        let challenge = Challenge { scalar: scalar(&mut rng), digest: [0; 64] };
        let simulated = simulate(&statement, challenge.scalar, &bases, &mut rng);
        let difference = difference(&statement, &simulated, &challenge, &bases).unwrap();
        assert!(difference.is_identity(), "{of_what}");
        assert_eq!(world.verify(&statement, &simulated), Err(ProofError::Fails { column: 0 }), "{of_what}");
        claims[0] = CellClaim::Shown(121);
    }
}

#[test]
fn no_proof_holds_for_the_challenge_zero() {
    let (world, claims) = table();
    let statement = world.statement(0, &claims);
    let proof = world.prove(&statement).unwrap();
    let zero = Challenge { scalar: Scalar::ZERO, digest: [0; 64] };
    assert!(difference(&statement, &proof, &zero, &world.generators.first(claims.len())).is_none());
}
