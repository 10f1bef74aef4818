//! Proofs over the log's tree, and the files that it lies in.

use optelsom_codebook::Hash256;
use optelsom_ledger::proof::{ConsistencyProof, InclusionProof, TreeHead};
use optelsom_ledger::tiles::{
    Edge, TilePath, Tiles, prove_consistency, prove_inclusion, read_bundle, tiles_for_consistency, tiles_for_inclusion,
};

use super::parts::{self, digest, number, take};
use super::sample::good;
use super::sample::log::Writing;

fn hashes(bytes: &[u8]) -> Option<Vec<Hash256>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().map(|hash| Hash256::from_bytes(*hash)).collect())
}

fn of_hashes(numbers: &[u64], hashes: impl IntoIterator<Item = Hash256>) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
    numbers.chain(hashes.into_iter().flat_map(|hash| *hash.as_bytes())).collect()
}

/// That an entry stands in a tree: the tree's size and the entry's index, root, leaf hash, and the proof's hashes.
pub fn inclusion_proof(mut bytes: &[u8]) -> bool {
    let rest = &mut bytes;
    let (Some(size), Some(index), Some(root), Some(leaf)) = (number(rest), number(rest), digest(rest), digest(rest))
    else {
        return false;
    };
    let proof = hashes(rest).and_then(|hashes| InclusionProof::new(hashes).ok());
    let Some((head, proof)) = TreeHead::new(size, root).ok().zip(proof) else { return false };
    let holds = proof.verify(&head, index, leaf).is_ok();
    assert!(!holds || index < size, "an entry beyond the tree stands in it");
    assert!(!holds || proof.verify(&head, index, Hash256::of(leaf.as_bytes())).is_err(), "it proves two leaves");
    holds
}

pub(super) fn inclusion_proofs() -> Vec<Vec<u8>> {
    let proved = [(1, 0), (300, 0), (300, 299), (513, 256)].map(|(size, index)| {
        let log = Writing::of(size);
        let head = good(log.edge.head());
        let proof = good(prove_inclusion(&head, index, &log.tiles));
        let leaf = log.leaves.get(usize::try_from(index).unwrap_or(0)).map_or(head.root(), |leaf| leaf.hash());
        of_hashes(&[size, index], [head.root(), leaf].into_iter().chain(proof.hashes().iter().copied()))
    });
    proved.to_vec()
}

/// That a tree continues another: both sizes, both roots, and the proof's hashes.
pub fn consistency_proof(mut bytes: &[u8]) -> bool {
    let rest = &mut bytes;
    let (Some(from), Some(to), Some(old), Some(new)) = (number(rest), number(rest), digest(rest), digest(rest)) else {
        return false;
    };
    let (Ok(old), Ok(new)) = (TreeHead::new(from, old), TreeHead::new(to, new)) else { return false };
    let Some(proof) = hashes(rest).and_then(|hashes| ConsistencyProof::new(hashes).ok()) else { return false };
    let holds = proof.verify(&old, &new).is_ok();
    assert!(!holds || from <= to, "a log that shrank continues itself");
    assert!(!holds || from < to || old == new, "two roots of one size");
    holds
}

pub(super) fn consistency_proofs() -> Vec<Vec<u8>> {
    let proved = [(0, 5), (5, 5), (5, 300), (256, 513), (300, 513)].map(|(from, to)| {
        let (old, log) = (good(Writing::of(from).edge.head()), Writing::of(to));
        let new = good(log.edge.head());
        let proof = good(prove_consistency(&new, from, &log.tiles));
        of_hashes(&[from, to], [old.root(), new.root()].into_iter().chain(proof.hashes().iter().copied()))
    });
    proved.to_vec()
}

/// Up to 256 entries in one file: how many, in 2 bytes, and the file.
pub fn entry_bundle(bytes: &[u8]) -> bool {
    let Some((width, bundle)) = bytes.split_first_chunk::<2>() else { return false };
    let Ok(leaves) = read_bundle(bundle, u16::from_be_bytes(*width)) else { return false };
    let written = leaves.iter().flat_map(|leaf| {
        let length = u16::try_from(leaf.as_bytes().len()).unwrap_or(u16::MAX).to_be_bytes();
        length.into_iter().chain(leaf.as_bytes().iter().copied())
    });
    assert!(written.eq(bundle.iter().copied()), "two encodings of one bundle");
    assert_eq!(leaves.len(), usize::from(u16::from_be_bytes(*width)));
    true
}

pub(super) fn entry_bundles() -> Vec<Vec<u8>> {
    let bundle = |size: u16| {
        let log = Writing::of(u64::from(size));
        let path: TilePath = good(format!("tile/entries/000{}", width(size)).parse());
        [&size.to_be_bytes()[..], log.tiles.get(&path).map_or(&[][..], Vec::as_slice)].concat()
    };
    [1, 5, 256].map(bundle).to_vec()
}

fn width(size: u16) -> String {
    if size == 256 { String::new() } else { format!(".p/{size}") }
}

/// Proofs out of tiles that were read from wherever: size and root of the tree, an index, an earlier size, and the tiles
/// that are asked for, in the order of their paths. What is proved out of them holds.
pub fn tiles(mut bytes: &[u8]) -> bool {
    let rest = &mut bytes;
    let (Some(size), Some(index), Some(from), Some(root)) = (number(rest), number(rest), number(rest), digest(rest))
    else {
        return false;
    };
    let Ok(head) = TreeHead::new(size, root) else { return false };
    let inclusion = tiles_for_inclusion(&head, index).unwrap_or_default();
    let consistency = tiles_for_consistency(&head, from).unwrap_or_default();
    let paths = Edge::paths(size).into_iter().chain(inclusion).chain(consistency);
    let mut tiles = Tiles::new();
    for path in paths.collect::<std::collections::BTreeSet<_>>() {
        tiles.extend(take(rest).map(|tile| (path, tile.to_vec())));
    }
    let edge = Edge::load(&head, &tiles);
    if let Ok(edge) = &edge {
        assert_eq!(edge.head(), Ok(head), "an edge of another head");
        edge.extend(&[]).err();
    }
    let included = prove_inclusion(&head, index, &tiles);
    let continued = prove_consistency(&head, from, &tiles);
    edge.is_ok() && included.is_ok() && continued.is_ok()
}

pub(super) fn tile_sets() -> Vec<Vec<u8>> {
    let sets = [(5, 2, 3), (300, 17, 256), (700, 299, 300)].map(|(size, index, from): (u64, u64, u64)| {
        let log = Writing::of(size);
        let head = good(log.edge.head());
        let inclusion = good(tiles_for_inclusion(&head, index));
        let consistency = good(tiles_for_consistency(&head, from));
        let paths = Edge::paths(size).into_iter().chain(inclusion).chain(consistency);
        let paths: std::collections::BTreeSet<_> = paths.collect();
        let tiles = paths.iter().map(|path| log.tiles.get(path).map_or(&[][..], Vec::as_slice));
        let before = of_hashes(&[size, index, from], [head.root()]);
        [before, parts::join(tiles)].concat()
    });
    sets.to_vec()
}
