//! What adding up costs: masks, commitments, and a whole contribution beside Prio3SumVec.
//!
//! `cargo bench -p optelsom-benches --bench sum`
#![allow(missing_docs, clippy::expect_used)]

use std::time::Duration;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_benches::machine::shortest;
use optelsom_benches::report::Report;
use optelsom_benches::{peer, round};
use optelsom_codebook::Hash256;
use optelsom_secagg::commitment::sum_of_multiples;
use optelsom_secagg::mask::{Context, MaskSeed, Sign, mask_column};
use optelsom_secagg::messages::Attempt;
use optelsom_secagg::{Generators, Round, Rules};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const PEERS: usize = 10;
const CELLS: usize = 100_000;
const RUNS: usize = 5;

fn main() {
    let mut report = Report::new();
    let generators = Generators::with_capacity(CELLS);
    masking(&mut report);
    commitments(&mut report, &generators);
    for cells in [10_000, CELLS] {
        contribution(&mut report, cells, &generators);
    }
    report.print();
}

/// The mask streams of so many peers, added to one column: ours, and the bare cipher with a loop that adds.
fn masking(report: &mut Report) {
    let round = Round { query: round::no_query(), attempt: Attempt::FIRST, roster: Hash256::of(b"") };
    let context = Context { round: &round, rules: Rules::all() };
    let seeds: Vec<_> = (0..PEERS).map(|i| MaskSeed::new([u8::try_from(i).unwrap_or(0); 32], Sign::Plus)).collect();
    let mut words = vec![0_u64; CELLS];
    let ours = shortest(RUNS * 4, || mask_column(&context, &seeds, 0, &mut words).expect("masks"));
    let bare = shortest(RUNS * 4, || (0..PEERS).for_each(|_| bare_stream(&mut words)));
    report.ratio(&format!("masking, {PEERS} peers × {CELLS} cells"), ours, ("AES-256-CTR and adding,", bare), 1.5);
}

fn bare_stream(words: &mut [u64]) {
    let key = UnboundCipherKey::new(&AES_256, &[3; 32]).expect("a key");
    let start = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    let mut stream = StreamingEncryptingKey::less_safe_ctr(key, start).expect("a stream");
    let zeros = [0; 8192];
    let mut block = [0; 8192];
    for run in words.chunks_mut(1024) {
        stream.less_safe_update(&zeros, &mut block).expect("a block");
        for (word, bytes) in run.iter_mut().zip(block.as_chunks::<8>().0) {
            *word = word.wrapping_add(u64::from_le_bytes(*bytes));
        }
    }
}

/// Counts as they are in tables: mostly small, some hundreds.
fn counts(cells: usize, per_mille_filled: u64) -> Vec<i64> {
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    let mut count = || {
        let filled = chance.next_u64() % 1000 < per_mille_filled;
        let largest = if chance.next_u64().is_multiple_of(20) { 1000 } else { 50 };
        if filled { i64::try_from(1 + chance.next_u64() % largest).unwrap_or(1) } else { 0 }
    };
    (0..cells).map(|_| count()).collect()
}

fn commitments(report: &mut Report, generators: &Generators) {
    let bases = generators.first(CELLS);
    let commit = |column: &[i64]| shortest(RUNS, || sum_of_multiples(column, &bases));
    let full = commit(&counts(CELLS, 1000));
    let tenth = commit(&counts(CELLS, 100));
    let none = commit(&vec![0; CELLS]);
    let per_cell = full / u32::try_from(CELLS).unwrap_or(u32::MAX);
    let multiplication = variable_base();
    let aim = 1.0 / 25.0;
    report.ratio(
        "commitment, one filled cell of a count column",
        per_cell,
        ("one multiplication,", multiplication),
        aim,
    );
    report.ratio(&format!("commitment, {CELLS} cells of which a tenth is filled"), tenth, ("all filled,", full), 0.2);
    report.ratio(&format!("commitment, {CELLS} cells that are all zero"), none, ("all filled,", full), 0.01);
}

/// One multiplication of a Ristretto point by a scalar.
fn variable_base() -> Duration {
    let mut chance = ChaCha8Rng::seed_from_u64(12);
    let mut wide = [0; 64];
    chance.fill_bytes(&mut wide);
    let (mut point, scalar) = (RistrettoPoint::from_uniform_bytes(&wide), Scalar::from_bytes_mod_order_wide(&wide));
    shortest(RUNS, || {
        for _ in 0..200 {
            point *= scalar;
        }
        point
    }) / 200
}

/// One supplier of eleven, everything included, beside one contribution to Prio3SumVec with both verifications.
fn contribution(report: &mut Report, cells: usize, generators: &Generators) {
    let column = counts(cells, 1000);
    let spent: Vec<_> = (0..3).map(|_| round::run(PEERS + 1, &column, generators)).collect();
    let best = spent.iter().min_by_key(|spent| spent.supplier).copied().unwrap_or_default();
    let vector: Vec<u128> = column.iter().map(|&count| u128::try_from(count).unwrap_or(0)).collect();
    let prio = shortest(1, || peer::contribute(&vector).expect("a contribution"));
    let what = format!("one supplier's contribution, {PEERS} peers × {cells} cells");
    report.ratio(&what, best.supplier, ("Prio3SumVec, 16 bits,", prio), 1.0 / 8.0);
    report.figure(&format!("of which commitments, {cells} cells"), format!("{:.1?}", best.commitments));
    let without = best.supplier.saturating_sub(best.commitments);
    report.figure(&format!("and without commitments, {cells} cells"), format!("{without:.1?}"));
}
