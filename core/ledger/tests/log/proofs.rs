//! RFC 6962: the published roots, and proofs that hold or are spoilt in every way that the published vectors spoil them.

use optelsom_codebook::Hash256;
use optelsom_ledger::leaf::{Leaf, LeafTooLong};
use optelsom_ledger::proof::{ConsistencyProof, InclusionProof, ProofError, TreeHead};
use optelsom_ledger::tiles::{Edge, prove_consistency, prove_inclusion};
use proptest::prelude::*;

use crate::fixture::{Log, numbered};

/// The eight leaves of Certificate Transparency's reference tests, and the roots over the first one, two, …
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(hex: &str) -> Hash256 {
    hex.parse().unwrap()
}

fn reference(leaves: usize) -> Log {
    let mut log = Log::default();
    for leaf in LEAVES.iter().take(leaves) {
        log.push_leaf(Leaf::new(hex::decode(leaf).unwrap()).unwrap());
    }
    log
}

#[test]
fn hashes_are_those_of_rfc_6962() {
    assert_eq!(TreeHead::EMPTY.root(), hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let leaf = Leaf::new(b"L123456".to_vec()).unwrap();
    assert_eq!(leaf.hash(), hash("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"));
    assert_eq!(Edge::new().head().unwrap(), TreeHead::EMPTY);
    for (root, leaves) in ROOTS.iter().zip(1..) {
        assert_eq!(reference(leaves).head().root(), hash(root), "{leaves} leaves");
    }
}

#[test]
fn a_leaf_has_65_535_bytes_at_most() {
    assert!(Leaf::new(vec![0; 65_535]).is_ok());
    assert_eq!(Leaf::new(vec![0; 65_536]), Err(LeafTooLong(65_536)));
}

#[test]
fn tree_heads_that_no_log_has_are_refused() {
    assert_eq!(TreeHead::new(0, hash(ROOTS[0])), Err(ProofError::EmptyRoot));
    assert!(TreeHead::new((1 << 48) - 1, hash(ROOTS[0])).is_ok());
    assert_eq!(TreeHead::new(1 << 48, hash(ROOTS[0])), Err(ProofError::TooLarge(1 << 48)));
    let long = vec![hash(ROOTS[0]); 101];
    assert_eq!(InclusionProof::new(long.clone()), Err(ProofError::TooLong(101)));
    assert_eq!(ConsistencyProof::new(long), Err(ProofError::TooLong(101)));
}

fn flipped(mut hashes: Vec<Hash256>, nth: usize, bit: usize) -> Vec<Hash256> {
    let mut bytes = *hashes[nth].as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    hashes[nth] = Hash256::from_bytes(bytes);
    hashes
}

/// A list of hashes spoilt: each bit flipped, cut short, or with something before, within or after it.
fn spoilt(hashes: &[Hash256], root: Hash256) -> Vec<Vec<Hash256>> {
    let mut all = Vec::new();
    for nth in 0..hashes.len() {
        all.extend([2, 4, 77, 255].map(|bit| flipped(hashes.to_vec(), nth, bit)));
        let mut without = hashes.to_vec();
        without.remove(nth);
        all.push(without);
    }
    for stranger in [root, TreeHead::EMPTY.root(), Hash256::from_bytes([0; 32])] {
        for nth in 0..=hashes.len() {
            let mut with = hashes.to_vec();
            with.insert(nth, stranger);
            all.push(with);
        }
    }
    if !hashes.is_empty() {
        all.push(Vec::new());
        all.push(hashes[..hashes.len() - 1].to_vec());
    }
    all
}

fn check_inclusion(log: &Log, index: u64) {
    let head = log.head();
    let leaf = log.leaves[index as usize].hash();
    let proof = prove_inclusion(&head, index, &log.tiles).unwrap();
    assert_eq!(proof.verify(&head, index, leaf), Ok(()));
    for hashes in spoilt(proof.hashes(), head.root()) {
        let verdict = InclusionProof::new(hashes).unwrap().verify(&head, index, leaf);
        assert_eq!(verdict, Err(ProofError::Inclusion { index, size: head.size() }));
    }
    for other in [index.wrapping_sub(1), index + 1, index ^ 2] {
        assert!(proof.verify(&head, other, leaf).is_err(), "{index} passes for {other}");
    }
    for size in [head.size() * 2, head.size() / 2] {
        let Ok(other) = TreeHead::new(size, head.root()) else { continue };
        assert!(proof.verify(&other, index, leaf).is_err() || size == head.size());
    }
    for root in [TreeHead::EMPTY.root(), leaf, Hash256::from_bytes([7; 32])] {
        let other = TreeHead::new(head.size(), root).unwrap();
        assert!(proof.verify(&other, index, leaf).is_err() || root == head.root());
    }
    let wrong = Leaf::new(b"wrong leaf".to_vec()).unwrap().hash();
    assert!(proof.verify(&head, index, wrong).is_err());
}

fn check_consistency(old: &TreeHead, log: &Log) {
    let new = log.head();
    let (from, to) = (old.size(), new.size());
    let proof = prove_consistency(&new, from, &log.tiles).unwrap();
    assert_eq!(proof.verify(old, &new), Ok(()));
    for hashes in spoilt(proof.hashes(), new.root()) {
        let verdict = ConsistencyProof::new(hashes).unwrap().verify(old, &new);
        assert_eq!(verdict, Err(ProofError::Consistency { from, to }), "{from} to {to}");
    }
    let wrong = Hash256::from_bytes([7; 32]);
    assert!(proof.verify(old, &TreeHead::new(to, wrong).unwrap()).is_err() || from == 0);
    if from > 0 {
        assert!(proof.verify(&TreeHead::new(from, wrong).unwrap(), &new).is_err());
    }
    if from < to {
        assert_eq!(proof.verify(&new, old), Err(ProofError::Shrunk { from: to, to: from }));
    }
    for size in [from + 1, from ^ 2, from.wrapping_sub(1)] {
        if size != from
            && let Ok(other) = TreeHead::new(size, old.root())
        {
            assert!(proof.verify(&other, &new).is_err(), "{from} passes for {size} in {to}");
        }
    }
}

#[test]
fn every_inclusion_in_the_reference_tree() {
    for size in 1..=8 {
        let log = reference(size);
        (0..size as u64).for_each(|index| check_inclusion(&log, index));
        let leaf = log.leaves[0].hash();
        let size = size as u64;
        let beyond = prove_inclusion(&log.head(), 0, &log.tiles).unwrap().verify(&log.head(), size, leaf);
        assert_eq!(beyond, Err(ProofError::BeyondTree { index: size, size }));
    }
}

#[test]
fn every_consistency_in_the_reference_tree() {
    for to in 1..=8 {
        for from in 0..=to {
            check_consistency(&reference(from).head(), &reference(to));
        }
    }
}

/// The path of leaf 0 in the tree of eight, and the proof from one leaf to eight, as the published vectors have them.
#[test]
fn a_published_proof_holds() {
    let path = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    let path: Vec<_> = path.into_iter().map(hash).collect();
    let (one, eight) = (TreeHead::new(1, hash(ROOTS[0])).unwrap(), TreeHead::new(8, hash(ROOTS[7])).unwrap());
    assert_eq!(InclusionProof::new(path.clone()).unwrap().verify(&eight, 0, hash(ROOTS[0])), Ok(()));
    assert_eq!(ConsistencyProof::new(path).unwrap().verify(&one, &eight), Ok(()));
}

/// The other two proofs that the published vectors have: of leaf 5 in the tree of eight, and from six leaves to eight.
/// What they share is the tree over leaves 0 to 3.
#[test]
fn the_other_published_proofs_hold() {
    let leaf = hash("4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658");
    assert_eq!(reference(6).leaves[5].hash(), leaf);
    let path = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    let path: Vec<_> = path.into_iter().map(hash).collect();
    let eight = reference(8);
    assert_eq!(InclusionProof::new(path.clone()).unwrap().verify(&eight.head(), 5, leaf), Ok(()));
    assert_eq!(prove_inclusion(&eight.head(), 5, &eight.tiles).unwrap().hashes(), path);
    for index in [4, 6, 7] {
        assert!(InclusionProof::new(path.clone()).unwrap().verify(&eight.head(), index, leaf).is_err());
    }
    let path = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    let path: Vec<_> = path.into_iter().map(hash).collect();
    let six = reference(6).head();
    assert_eq!(ConsistencyProof::new(path.clone()).unwrap().verify(&six, &eight.head()), Ok(()));
    assert_eq!(prove_consistency(&eight.head(), 6, &eight.tiles).unwrap().hashes(), path);
    for size in [4, 5, 7] {
        let other = TreeHead::new(size, six.root()).unwrap();
        assert!(ConsistencyProof::new(path.clone()).unwrap().verify(&other, &eight.head()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_over_several_tiles(to in 200_u64..700, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let log = numbered(to);
        check_inclusion(&log, a.index(to as usize) as u64);
        let from = b.index(to as usize + 1) as u64;
        check_consistency(&numbered(from).head(), &log);
    }
}
