//! The files of the log.

use std::collections::BTreeSet;

use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::tiles::{
    BundleError, Edge, EdgeError, ProveError, TilePath, Tiles, prove_consistency, prove_inclusion, read_bundle,
    tiles_for_consistency, tiles_for_inclusion,
};

use crate::fixture::{Log, numbered};

#[test]
fn paths_read_as_they_are_written() {
    for path in [
        "tile/0/000",
        "tile/0/x001/x234/067",
        "tile/0/x001/x234/067.p/1",
        "tile/1/999.p/255",
        "tile/5/000.p/3",
        "tile/entries/x001/000",
        "tile/entries/000.p/5",
    ] {
        assert_eq!(path.parse::<TilePath>().unwrap().to_string(), path);
    }
}

#[test]
fn other_paths_are_refused() {
    for path in [
        "",
        "checkpoint",
        "tile/0",
        "tile/0/0",
        "tile/00/000",
        "tile/+1/000",
        "tile/6/000",
        "tile/64/000",
        "tile/300/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001",
        "tile/0/xx01/001",
        "tile/0/1000",
        "tile/0/../000",
        "tile/8/0/000",
        "tile/data/000",
        "tile/entries/000/",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/5/001",
    ] {
        assert!(path.parse::<TilePath>().is_err(), "{path}");
    }
}

#[test]
fn a_log_of_70_000_entries_has_these_tiles() {
    let all: Vec<_> = TilePath::all(70_000).map(|path| path.to_string()).collect();
    assert_eq!(all.len(), 274 + 274 + 2 + 1);
    for path in ["tile/entries/000", "tile/entries/273.p/112", "tile/0/272", "tile/0/273.p/112"] {
        assert!(all.contains(&path.to_owned()), "{path}");
    }
    for path in ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
        assert!(all.contains(&path.to_owned()), "{path}");
    }
    assert_eq!(TilePath::all(0).count(), 0);
}

/// What is written entry by entry is what is written at once, and holds all that the log needs at its last size.
#[test]
fn tiles_do_not_depend_on_the_batches() {
    let one_by_one = numbered(600);
    let leaves = one_by_one.leaves.clone();
    for batch in [7, 256, 300, 600] {
        let (mut edge, mut tiles) = (Edge::new(), Tiles::new());
        for leaves in leaves.chunks(batch) {
            let extension = edge.extend(leaves).unwrap();
            assert_eq!(extension.head, extension.edge.head().unwrap());
            for (path, tile) in extension.tiles {
                assert_eq!(one_by_one.tiles.get(&path).filter(|_| path.width() == 256).unwrap_or(&tile), &tile);
                assert!(tiles.insert(path, tile).is_none(), "{path} was written twice");
            }
            edge = extension.edge;
        }
        assert_eq!(edge, one_by_one.edge);
        for path in TilePath::all(600) {
            assert_eq!(tiles.get(&path), one_by_one.tiles.get(&path), "{path}");
        }
    }
}

#[test]
fn entries_come_back_from_their_bundles() {
    let log = numbered(300);
    let read: Vec<Leaf> = TilePath::all(300)
        .take_while(|path| path.level().is_none())
        .flat_map(|path| read_bundle(&log.tiles[&path], path.width()).unwrap())
        .collect();
    assert_eq!(read, log.leaves);
    let bundle = &log.tiles[&"tile/entries/001.p/44".parse().unwrap()];
    assert_eq!(read_bundle(bundle, 45), Err(BundleError::Truncated(44)));
    assert!(matches!(read_bundle(bundle, 43), Err(BundleError::Trailing(_))));
    assert_eq!(read_bundle(&bundle[..bundle.len() - 1], 44), Err(BundleError::Truncated(43)));
}

#[test]
fn an_edge_is_loaded_and_checked() {
    for size in [0, 1, 255, 256, 257, 600] {
        let log = numbered(size);
        assert_eq!(Edge::load(&log.head(), &log.tiles).unwrap(), log.edge, "{size}");
        let paths = Edge::paths(size);
        for path in &paths {
            let mut tiles = log.tiles.clone();
            tiles.remove(path);
            assert_eq!(Edge::load(&log.head(), &tiles), Err(EdgeError::Missing(*path)));
            for place in [0, log.tiles[path].len() - 1] {
                let mut tiles = log.tiles.clone();
                tiles.get_mut(path).unwrap()[place] ^= 1;
                let refused = Edge::load(&log.head(), &tiles).unwrap_err();
                let named = matches!(refused, EdgeError::Root | EdgeError::Bundle(..) | EdgeError::Entry(_));
                assert!(named, "{size} {path}: {refused}");
            }
            let mut tiles = log.tiles.clone();
            tiles.get_mut(path).unwrap().pop();
            assert!(Edge::load(&log.head(), &tiles).is_err());
        }
    }
}

/// The tiles that are asked for suffice, each is needed, and a damaged one yields no wrong proof.
#[test]
fn proofs_need_the_tiles_that_they_ask_for() {
    let log = numbered(600);
    let head = log.head();
    let inclusion = prove_inclusion(&head, 5, &log.tiles).unwrap();
    check_tiles(&log, &tiles_for_inclusion(&head, 5).unwrap(), &inclusion, |tiles| prove_inclusion(&head, 5, tiles));
    let consistency = prove_consistency(&head, 300, &log.tiles).unwrap();
    check_tiles(&log, &tiles_for_consistency(&head, 300).unwrap(), &consistency, |tiles| {
        prove_consistency(&head, 300, tiles)
    });
    assert!(prove_inclusion(&head, 600, &log.tiles).is_err());
    assert!(tiles_for_consistency(&head, 601).is_err());
    assert_eq!(tiles_for_consistency(&head, 0).unwrap().len(), 0);
}

fn check_tiles<P: PartialEq + std::fmt::Debug>(
    log: &Log,
    wanted: &BTreeSet<TilePath>,
    proof: &P,
    prove: impl Fn(&Tiles) -> Result<P, ProveError>,
) {
    assert!(wanted.len() >= 3);
    let shelf: Tiles = wanted.iter().map(|path| (*path, log.tiles[path].clone())).collect();
    assert_eq!(prove(&shelf).as_ref(), Ok(proof));
    for path in wanted {
        let mut fewer = shelf.clone();
        fewer.remove(path);
        assert_eq!(prove(&fewer), Err(ProveError::Missing(*path)));
        let mut damaging = 0;
        for hash in 0..usize::from(path.width()) {
            let mut damaged = shelf.clone();
            damaged.get_mut(path).unwrap()[hash * 32 + 31] ^= 0x40;
            match prove(&damaged) {
                Ok(other) => assert_eq!(other, *proof, "{path}, hash {hash}"),
                Err(refused) => {
                    assert_eq!(refused, ProveError::Damaged);
                    damaging += 1;
                }
            }
        }
        assert!(damaging > 0, "{path} is not needed");
    }
}
