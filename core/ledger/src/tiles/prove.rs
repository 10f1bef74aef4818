//! Proofs out of tiles. First one asks which tiles are needed, then one hands them in: nothing here reads a store.
//!
//! Every proof is checked before it is given out, so a damaged store yields an error and never a wrong proof. The tile
//! reader of `tlog_tiles` 0.2 does not suffice for that: it leaves tiles unchecked where the root is made of several
//! hashes of one tile.

use std::cell::RefCell;
use std::collections::BTreeSet;

use thiserror::Error;
use tlog_tiles::{
    Error as TlogError, Hash, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree, stored_hash_index, tree_hash,
};

use crate::proof::{ConsistencyProof, InclusionProof, ProofError, TreeHead, foreign};
use crate::tiles::{TILE_HEIGHT, TilePath, Tiles};

/// Why a proof cannot be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProveError {
    /// There is nothing of that kind to prove.
    #[error(transparent)]
    Impossible(#[from] ProofError),
    /// A tile is not there.
    #[error("tile {0} is missing")]
    Missing(TilePath),
    /// The tiles do not add up to the head.
    #[error("the tiles do not add up to the checkpoint's root; the store is damaged")]
    Damaged,
}

fn path_of(tile: &Tile) -> Option<TilePath> {
    TilePath::hashes(tile.level(), tile.level_index(), u64::from(tile.width()))
}

/// Notes which tiles are asked for, and gives none.
struct Wishes(RefCell<Vec<TilePath>>);

impl TileReader for Wishes {
    fn height(&self) -> u8 {
        TILE_HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        self.0.borrow_mut().extend(tiles.iter().filter_map(path_of));
        Err(TlogError::InvalidTile)
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Gives the tiles that were handed in.
struct Shelf<'a> {
    tiles: &'a Tiles,
    missing: RefCell<Option<TilePath>>,
}

impl TileReader for Shelf<'_> {
    fn height(&self) -> u8 {
        TILE_HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        let one = |tile: &Tile| {
            let path = path_of(tile).ok_or(TlogError::InvalidTile)?;
            self.tiles.get(&path).cloned().ok_or_else(|| {
                *self.missing.borrow_mut() = Some(path);
                TlogError::InvalidTile
            })
        };
        tiles.iter().map(one).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn wishes<P>(
    head: &TreeHead,
    wanted: &mut BTreeSet<TilePath>,
    read: impl FnOnce(&TileHashReader<'_>) -> Result<P, TlogError>,
) {
    let wishes = Wishes(RefCell::default());
    // The error is the one that `Wishes` gives: the wishes are all that is wanted.
    let _ = read(&TileHashReader::new(head.size(), foreign(head.root()), &wishes));
    wanted.extend(wishes.0.into_inner());
}

fn proved<P>(
    head: &TreeHead,
    tiles: &Tiles,
    prove: impl FnOnce(&TileHashReader<'_>) -> Result<P, TlogError>,
) -> Result<P, ProveError> {
    let shelf = Shelf { tiles, missing: RefCell::default() };
    let proof = prove(&TileHashReader::new(head.size(), foreign(head.root()), &shelf));
    proof.map_err(|_| shelf.missing.into_inner().map_or(ProveError::Damaged, ProveError::Missing))
}

fn leaf_hash(reader: &TileHashReader<'_>, index: u64) -> Result<Hash, TlogError> {
    reader.read_hashes(&[stored_hash_index(0, index)])?.pop().ok_or(TlogError::BadMath)
}

fn within(head: &TreeHead, index: u64) -> Result<(), ProofError> {
    let size = head.size();
    if index < size { Ok(()) } else { Err(ProofError::BeyondTree { index, size }) }
}

fn earlier(head: &TreeHead, from: u64) -> Result<(), ProofError> {
    let to = head.size();
    if from <= to { Ok(()) } else { Err(ProofError::Shrunk { from, to }) }
}

/// The tiles that [`prove_inclusion`] will need.
///
/// # Errors
/// When the entry lies beyond the tree.
pub fn tiles_for_inclusion(head: &TreeHead, index: u64) -> Result<BTreeSet<TilePath>, ProofError> {
    within(head, index)?;
    let mut wanted = BTreeSet::new();
    wishes(head, &mut wanted, |reader| prove_record(head.size(), index, reader));
    wishes(head, &mut wanted, |reader| leaf_hash(reader, index));
    Ok(wanted)
}

/// Proves that the entry at this index stands in the tree.
///
/// # Errors
/// When it lies beyond the tree, or a tile is missing or damaged.
pub fn prove_inclusion(head: &TreeHead, index: u64, tiles: &Tiles) -> Result<InclusionProof, ProveError> {
    within(head, index)?;
    proved(head, tiles, |reader| {
        let proof = prove_record(head.size(), index, reader)?;
        check_record(&proof, head.size(), foreign(head.root()), index, leaf_hash(reader, index)?)?;
        Ok(InclusionProof::of(&proof))
    })
}

/// The tiles that [`prove_consistency`] will need.
///
/// # Errors
/// When the earlier tree is the larger.
pub fn tiles_for_consistency(head: &TreeHead, from: u64) -> Result<BTreeSet<TilePath>, ProofError> {
    earlier(head, from)?;
    let mut wanted = BTreeSet::new();
    if from > 0 {
        wishes(head, &mut wanted, |reader| prove_tree(head.size(), from, reader));
        wishes(head, &mut wanted, |reader| tree_hash(from, reader));
    }
    Ok(wanted)
}

/// Proves that the tree continues the one it was at this earlier size.
///
/// # Errors
/// When the earlier tree is the larger, or a tile is missing or damaged.
pub fn prove_consistency(head: &TreeHead, from: u64, tiles: &Tiles) -> Result<ConsistencyProof, ProveError> {
    earlier(head, from)?;
    if from == 0 {
        return Ok(ConsistencyProof::empty());
    }
    proved(head, tiles, |reader| {
        let proof = prove_tree(head.size(), from, reader)?;
        check_tree(&proof, head.size(), foreign(head.root()), from, tree_hash(from, reader)?)?;
        Ok(ConsistencyProof::of(&proof))
    })
}
