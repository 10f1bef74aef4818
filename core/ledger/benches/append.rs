//! Appending and proving stay flat from a thousand entries to a million; the guard over ten thousand sets.
//!
//! `cargo bench -p optelsom-ledger --bench append`
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use optelsom_codebook::{EditionId, Hash256, SupplierId, Timestamp};
use optelsom_ledger::entry::{Entry, ParticipantsEntry};
use optelsom_ledger::guard::{About, History, Known, Period};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::tiles::{
    Edge, Tiles, prove_consistency, prove_inclusion, tiles_for_consistency, tiles_for_inclusion,
};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster};

/// About a thousand to a million entries, all with their last tile half full: how full it is makes the difference else.
const SIZES: [u64; 4] = [3 * 256 + 128, 39 * 256 + 128, 390 * 256 + 128, 3906 * 256 + 128];

/// About as long as the entry of a query to twelve suppliers.
const LEAF_BYTES: usize = 500;

fn leaves(from: u64, count: u64) -> Vec<Leaf> {
    let leaf = |n: u64| {
        let mut bytes = vec![0; LEAF_BYTES];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        Leaf::new(bytes).unwrap()
    };
    (from..from + count).map(leaf).collect()
}

/// A log of this size: its edge, and its hash tiles (the entry bundles would be on disk).
fn grown(size: u64) -> (Edge, Tiles) {
    let (mut edge, mut tiles) = (Edge::new(), Tiles::new());
    while edge.size() < size {
        let extension = edge.extend(&leaves(edge.size(), 1_000.min(size - edge.size()))).unwrap();
        tiles.extend(extension.tiles.into_iter().filter(|(path, _)| path.level().is_some()));
        edge = extension.edge;
    }
    (edge, tiles)
}

/// The largest amount of memory that this process has had so far, in kB, as Linux tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A log of a million entries, each tile written away once it is full.
fn bounded_memory(_: &mut Criterion) {
    let mut edge = Edge::new();
    let before = peak_memory();
    while edge.size() < 1_000_000 {
        edge = black_box(edge.extend(&leaves(edge.size(), 1_000)).unwrap()).edge;
    }
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        println!("building a log of {} entries took {} kB of memory at the most", edge.size(), after - before);
    }
}

fn log(criterion: &mut Criterion) {
    for size in SIZES {
        let (edge, tiles) = grown(size);
        let head = edge.head().unwrap();
        let one = leaves(size, 1);
        let hundred = leaves(size, 100);
        criterion.bench_with_input(BenchmarkId::new("append 1 entry", size), &edge, |bench, edge| {
            bench.iter(|| black_box(edge.extend(&one).unwrap()));
        });
        criterion.bench_with_input(BenchmarkId::new("append 100 entries", size), &edge, |bench, edge| {
            bench.iter(|| black_box(edge.extend(&hundred).unwrap()));
        });
        // The tiles that a proof needs, as a store would hand them over.
        let shelf =
            |wanted: BTreeSet<_>| -> Tiles { wanted.into_iter().map(|path| (path, tiles[&path].clone())).collect() };
        criterion.bench_with_input(BenchmarkId::new("prove inclusion", size), &head, |bench, head| {
            bench.iter(|| {
                let shelf = shelf(tiles_for_inclusion(head, size / 3).unwrap());
                black_box(prove_inclusion(head, size / 3, &shelf).unwrap())
            });
        });
        criterion.bench_with_input(BenchmarkId::new("prove consistency", size), &head, |bench, head| {
            bench.iter(|| {
                let shelf = shelf(tiles_for_consistency(head, size - size / 7).unwrap());
                black_box(prove_consistency(head, size - size / 7, &shelf).unwrap())
            });
        });
    }
}

fn supplier(number: u8) -> SupplierId {
    SupplierId::try_from(format!("s{number:03}")).unwrap()
}

fn roster() -> Roster {
    let member = |n: u8| Member { supplier: supplier(n), identity: IdentityKey::from_seed(&[n; 32]).public() };
    let analyst = Requester { key_id: "analyst".to_owned(), identity: IdentityKey::from_seed(&[200; 32]).public() };
    Roster::new((0..100).map(member).collect(), vec![analyst], Some(33)).unwrap()
}

/// Ten thousand queries on the same years, each answered by all hundred suppliers or by one of their halves.
fn history() -> (History, u64) {
    let roster = roster();
    let all: Vec<SupplierId> = (0..100).map(supplier).collect();
    let known = Known {
        about: About::Known { dataset: "victims".to_owned(), period: Period::new(2020, 2024).unwrap() },
        scope: Some(roster.scope(&all).unwrap()),
    };
    let mut history = History::new();
    for n in 0..10_000_u64 {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&n.to_be_bytes());
        let query = QueryEntry {
            query: Hash256::of(b"query"),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst".to_owned(),
            codebook: Hash256::of(b"codebook"),
            roster: roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: all.clone(),
            collusion: 33,
            min_suppliers: 67,
            asked_at: Timestamp::from_millis(n),
            expires_at: Timestamp::from_millis(n + 1),
            nonce,
        };
        history.observe(2 * n, &Entry::Query(query), |_| known.clone());
        let participants = match n % 3 {
            0 => all.clone(),
            1 => all[..50].to_vec(),
            _ => all[50..].to_vec(),
        };
        let (submissions, certificate) = (Hash256::of(b"submissions"), Hash256::of(b"certificate"));
        let list = ParticipantsEntry { query: 2 * n, attempt: 1, participants, submissions, certificate };
        history.observe(2 * n + 1, &Entry::Participants(list), |_| known.clone());
    }
    (history, 2 * 9_999 + 1)
}

fn guard(criterion: &mut Criterion) {
    let (history, last) = history();
    let nobody = BTreeSet::new();
    criterion.bench_function("guard over 10,000 sets of 100 suppliers", |bench| {
        bench.iter(|| black_box(history.judge(last, &nobody)).unwrap());
    });
}

criterion_group!(benches, bounded_memory, log, guard);
criterion_main!(benches);
