//! Verifying a release of 100,000 cells, beside its one multi-scalar multiplication; proving it; making the generators.
//!
//! `cargo bench -p optelsom-secagg --bench release_proof`
#![allow(missing_docs, clippy::expect_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use curve25519_dalek::traits::VartimeMultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster, Signature};
use optelsom_secagg::commitment::{blind, sum_of_multiples};
use optelsom_secagg::messages::{
    Attempt, Certificate, ColumnHeader, FinalCertificate, FinalVote, Participants, RelayedHeader,
    Statement as Attempted,
};
use optelsom_secagg::release_proof::{CellClaim, ProofWitness, Protection, SignedCommitments, Statement, verify};
use optelsom_secagg::{Entropy, Generators, Round, Rules, Verifier};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

const CELLS: usize = 100_000;
const RUNS: usize = 5;
const AIM: f64 = 1.3;
/// k.
const MINIMUM_FREQUENCY: u64 = 10;

/// Per cent of the cells that hold too few, and that are hidden for their sake.
const TABLES: [(&str, u32, u32); 4] = [
    ("all cells shown", 0, 0),
    ("5 % too few, 10 % hidden", 5, 10),
    ("20 % too few, 30 % hidden", 20, 30),
    ("all cells hidden", 0, 100),
];

fn main() {
    let (making, generators) = timed(|| Generators::with_capacity(CELLS));
    println!(
        "| {CELLS} cells | verify | one multiplication | ratio | aim | same, small figures apart | ratio | prove | bytes |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, few, hidden) in TABLES {
        measure(name, few, hidden, &generators);
    }
    println!("\nMaking {CELLS} generators, once per process for all columns: {:.2} s", making.as_secs_f64());
}

fn measure(name: &str, few: u32, hidden: u32, generators: &Generators) {
    let mut rng = ChaCha20Rng::seed_from_u64(29);
    let (totals, claims) = table(&mut rng, few, hidden);
    let bases = generators.first(CELLS);
    let blinding = scalar(&mut rng);
    let signed = sign(blind(&sum_of_multiples(&totals, &bases), &blinding));
    let witness = ProofWitness::new(vec![totals], vec![blinding.to_bytes()]);
    let plan = Hash256::from_bytes([4; 32]);
    let state =
        || Statement::new(&signed, &plan, &Protection::new(MINIMUM_FREQUENCY), 0, claims.clone()).expect("a statement");
    let (proving, proof) = timed(|| witness.prove(&state(), generators, &Entropy::new([5; 32])).expect("a proof"));
    let bytes = proof.to_bytes();
    // What verifying costs altogether: reading the proof, hashing the statement, and the equations.
    let verifying = || {
        let proof = optelsom_secagg::release_proof::ReleaseProof::from_bytes(&bytes).expect("a proof");
        verify(&state(), &proof, generators).expect("it holds");
    };
    let points = MINIMUM_FREQUENCY.try_into().unwrap_or(0) + 2;
    let (all, small) = (terms(&mut rng, &claims, points, true), terms(&mut rng, &claims, points, false));
    let shown: Vec<i64> =
        claims.iter().map(|claim| if let CellClaim::Shown(figure) = claim { *figure } else { 0 }).collect();
    let apart = || sum_of_multiples(&shown, &bases) + multiply(&small, &bases);
    let [mut verified, mut multiplied, mut split] = [Duration::MAX; 3];
    // By turns, so that a slow moment of the machine meets all alike.
    for _ in 0..RUNS {
        verified = verified.min(timed(verifying).0);
        multiplied = multiplied.min(timed(|| multiply(&all, &bases)).0);
        split = split.min(timed(apart).0);
    }
    let (ratio, to_split) = (quotient(verified, multiplied), quotient(verified, split));
    let verdict = if ratio <= AIM { "within" } else { "MISSED" };
    println!(
        "| {name} | {:.0} ms | {:.0} ms | {ratio:.2} | {verdict} ({AIM}) | {:.0} ms | {to_split:.2} | {:.0} ms | {} |",
        millis(verified),
        millis(multiplied),
        millis(split),
        millis(proving),
        bytes.len(),
    );
}

/// Counts as they are in tables, with claims that are true of them.
fn table(rng: &mut ChaCha20Rng, few: u32, hidden: u32) -> (Vec<i64>, Vec<CellClaim>) {
    let cell = |_| {
        let (chance, count) = (rng.next_u32() % 100, i64::from(rng.next_u32() % 5000));
        match chance {
            _ if chance < few => (1 + count % 9, CellClaim::TooFew),
            _ if chance < few + hidden => (count, CellClaim::Hidden),
            _ => (count, CellClaim::Shown(count)),
        }
    };
    (0..CELLS).map(cell).unzip()
}

/// The scalars that the generators are multiplied with, by place: small for shown cells, which can be left out, full for
/// the others and for the proof's own points.
fn terms(rng: &mut ChaCha20Rng, claims: &[CellClaim], points: usize, with_shown: bool) -> Vec<(usize, Scalar)> {
    let cells = claims.iter().enumerate().filter_map(|(cell, claim)| match claim {
        CellClaim::Shown(figure) => with_shown.then(|| (cell, Scalar::from(figure.unsigned_abs()))),
        _ => Some((cell, scalar(rng))),
    });
    let mut terms: Vec<_> = cells.collect();
    terms.extend((0..points).map(|point| (point, scalar(rng))));
    terms
}

fn multiply(terms: &[(usize, Scalar)], bases: &[RistrettoPoint]) -> RistrettoPoint {
    let points: Vec<_> = terms.iter().filter_map(|(cell, _)| bases.get(*cell)).collect();
    RistrettoPoint::vartime_multiscalar_mul(terms.iter().map(|(_, scalar)| scalar), points)
}

/// Four suppliers who have committed to this together, with everything that they sign.
fn sign(sum: RistrettoPoint) -> SignedCommitments {
    let keys: Vec<_> = (1..5_u8).map(|seed| IdentityKey::from_seed(&[seed; 32])).collect();
    let names: Vec<_> = ["east", "north", "south", "west"].map(|n| SupplierId::try_from(n).expect("a name")).into();
    let member =
        |(supplier, key): (&SupplierId, &IdentityKey)| Member { supplier: supplier.clone(), identity: key.public() };
    let requester = Requester { key_id: "analyst".into(), identity: IdentityKey::from_seed(&[9; 32]).public() };
    let members = names.iter().zip(&keys).map(member).collect();
    let roster = Roster::new(members, vec![requester], None).expect("a roster");
    let scope = roster.scope(&names).expect("a scope");
    let verifier = Verifier::new(QueryId::from_bytes([1; 32]), Attempt::FIRST, &scope, Rules::all());
    let round: &Round = verifier.round();
    let cards = names.iter().map(|name| (name.clone(), Hash256::of(name.as_str().as_bytes()))).collect();
    let participants = Participants::new(cards).expect("participants");
    let header = |(at, (supplier, key)): (usize, (&SupplierId, &IdentityKey))| {
        let commitment = if at == 0 { sum } else { RistrettoPoint::default() }.compress().to_bytes();
        RelayedHeader {
            supplier: supplier.clone(),
            participants: participants.hash(),
            table_digest: Hash256::of(b""),
            columns: vec![ColumnHeader { masked_blinding: [0; 32], commitment }],
            self_mask_commitment: Hash256::of(b""),
            dealt: Hash256::of(b"shares"),
            signature: Signature::from_bytes([0; 64]),
        }
        .sign(key, round)
    };
    let headers: Vec<_> = names.iter().zip(&keys).enumerate().map(header).collect();
    let digests: Vec<_> = headers.iter().map(|header| (header.supplier.clone(), header.digest(round))).collect();
    let attempted = Attempted { participants: participants.clone(), digests: digests.clone() };
    let signers = || names.iter().zip(&keys);
    let signatures = signers().map(|(name, key)| attempted.sign_prepared(key, round, name.clone())).collect();
    let votes =
        signers().map(|(name, key)| FinalVote::sign(key, round, &attempted.digest(round), name.clone())).collect();
    let certificate = Certificate { attempt: Attempt::FIRST, participants, digests, signatures };
    SignedCommitments::verify(&verifier, &FinalCertificate { certificate: Arc::new(certificate), votes }, &headers)
        .expect("what was signed")
}

fn scalar(rng: &mut ChaCha20Rng) -> Scalar {
    let mut wide = [0; 64];
    rng.fill_bytes(&mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let made = black_box(work());
    (start.elapsed(), made)
}

fn quotient(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
