//! The right edge of the tree: all that appending needs, whatever the size of the log. At most 255 hashes per level
//! and the entries of the last bundle.

use optelsom_codebook::Hash256;
use thiserror::Error;
use tlog_tiles::{Error as TlogError, Hash, HashReader, Tile, split_stored_hash_index, tree_hash};

use crate::leaf::Leaf;
use crate::proof::{MAX_TREE_SIZE, ProofError, TreeHead};
use crate::tiles::bundle::{BundleError, read_bundle, write_entry};
use crate::tiles::{HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, TilePath, Tiles};

/// Why the edge of a log cannot be loaded, or a log not be extended.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EdgeError {
    /// A tile is not there.
    #[error("tile {0} is missing")]
    Missing(TilePath),
    /// A tile has another length than its path says.
    #[error("tile {0} has the wrong length")]
    Length(TilePath),
    /// The last entry bundle is malformed.
    #[error("tile {0} is malformed: {1}")]
    Bundle(TilePath, BundleError),
    /// An entry does not have the hash that the tree has for it.
    #[error("entry {0} is not the one that the tree was built over")]
    Entry(u64),
    /// The tiles do not add up to the root.
    #[error("the tiles do not add up to the checkpoint's root")]
    Root,
    /// The log is full.
    #[error(transparent)]
    Full(#[from] ProofError),
}

/// The right edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The partial tile of each level, as it is written: up to 255 hashes.
    rows: Vec<Vec<u8>>,
    /// The partial entry bundle, as it is written.
    bundle: Vec<u8>,
}

/// A log that has been extended: the new edge, and the tiles to write for it.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The edge after the new entries.
    pub edge: Edge,
    /// The head after the new entries.
    pub head: TreeHead,
    /// All tiles that are new or grew, at their new widths.
    pub tiles: Tiles,
}

impl Default for Edge {
    fn default() -> Self {
        Self::new()
    }
}

impl Edge {
    /// The edge of the empty log.
    pub fn new() -> Self {
        Self { size: 0, rows: Vec::new(), bundle: Vec::new() }
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tiles that the edge of a log of this size consists of.
    pub fn paths(size: u64) -> Vec<TilePath> {
        TilePath::all_partial(size).collect()
    }

    /// Takes up the edge of a log again, and checks it against its head.
    ///
    /// # Errors
    /// When a tile is missing, malformed, or not the one that the head commits to.
    pub fn load(head: &TreeHead, tiles: &Tiles) -> Result<Self, EdgeError> {
        let mut edge = Self { size: head.size(), rows: Vec::new(), bundle: Vec::new() };
        let mut entries = Vec::new();
        for path in Self::paths(head.size()) {
            let tile = tiles.get(&path).ok_or(EdgeError::Missing(path))?;
            let Some(level) = path.level() else {
                entries = read_bundle(tile, path.width()).map_err(|cause| EdgeError::Bundle(path, cause))?;
                edge.bundle.clone_from(tile);
                continue;
            };
            if tile.len() != usize::from(path.width()) * HASH_BYTES {
                return Err(EdgeError::Length(path));
            }
            edge.row(level).clone_from(tile);
        }
        edge.rows.resize(levels(head.size()), Vec::new());
        if edge.root()? != head.root() {
            return Err(EdgeError::Root);
        }
        let first = head.size() - entries.len() as u64;
        let hashes = edge.rows.first().map_or(&[][..], Vec::as_slice).chunks_exact(HASH_BYTES);
        for ((leaf, hash), index) in entries.iter().zip(hashes).zip(first..) {
            if leaf.hash().as_bytes() != hash {
                return Err(EdgeError::Entry(index));
            }
        }
        Ok(edge)
    }

    fn row(&mut self, level: u8) -> &mut Vec<u8> {
        let level = usize::from(level);
        if self.rows.len() <= level {
            self.rows.resize(level + 1, Vec::new());
        }
        // The line above makes the place.
        &mut self.rows[level]
    }

    /// Size and root.
    ///
    /// # Errors
    /// Only for a log beyond the largest size.
    pub fn head(&self) -> Result<TreeHead, EdgeError> {
        Ok(TreeHead::new(self.size, self.root()?)?)
    }

    fn root(&self) -> Result<Hash256, EdgeError> {
        tree_hash(self.size, self).map(|hash| Hash256::from_bytes(hash.0)).map_err(|_| EdgeError::Root)
    }

    /// The log with these entries after those it has. This edge stays as it is, to be gone back to.
    ///
    /// # Errors
    /// When the log would grow beyond the largest size.
    pub fn extend(&self, leaves: &[Leaf]) -> Result<Extension, EdgeError> {
        let size = self.size.saturating_add(leaves.len() as u64);
        if size > MAX_TREE_SIZE {
            return Err(ProofError::TooLarge(size).into());
        }
        let mut edge = self.clone();
        let mut tiles = Tiles::new();
        for leaf in leaves {
            edge.push(leaf, &mut tiles);
        }
        let before: Vec<TilePath> = Self::paths(self.size);
        for path in Self::paths(size).into_iter().filter(|path| !before.contains(path)) {
            let tile = match path.level() {
                Some(level) => edge.row(level).clone(),
                None => edge.bundle.clone(),
            };
            tiles.insert(path, tile);
        }
        Ok(Extension { head: edge.head()?, edge, tiles })
    }

    fn push(&mut self, leaf: &Leaf, full: &mut Tiles) {
        write_entry(&mut self.bundle, leaf);
        self.size += 1;
        if self.size.is_multiple_of(TILE_WIDTH) {
            let bundle = std::mem::take(&mut self.bundle);
            full.extend(TilePath::entries(self.size / TILE_WIDTH - 1, TILE_WIDTH).map(|path| (path, bundle)));
        }
        let mut hash = *leaf.hash().as_bytes();
        let mut count = self.size;
        for level in 0_u8.. {
            let row = self.row(level);
            row.extend_from_slice(&hash);
            if !count.is_multiple_of(TILE_WIDTH) {
                break;
            }
            let row = std::mem::take(row);
            hash = Tile::subtree_hash(&row).0;
            count /= TILE_WIDTH;
            full.extend(TilePath::hashes(level, count - 1, TILE_WIDTH).map(|path| (path, row)));
        }
    }
}

/// How many levels of tiles a log of this size has.
fn levels(size: u64) -> usize {
    (0..=5_u8).take_while(|level| size >> (TILE_HEIGHT * level) > 0).count()
}

impl TilePath {
    fn all_partial(size: u64) -> impl Iterator<Item = Self> {
        let bundle = Self::entries(size / TILE_WIDTH, size % TILE_WIDTH);
        let levels = (0..=5_u8).filter_map(move |level| {
            let hashes = size >> (TILE_HEIGHT * level);
            Self::hashes(level, hashes / TILE_WIDTH, hashes % TILE_WIDTH)
        });
        bundle.into_iter().chain(levels)
    }
}

impl HashReader for Edge {
    /// Hashes that the partial tiles hold or yield; others are not here.
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TlogError> {
        let one = |index: u64| {
            let (level, nth) = split_stored_hash_index(index);
            let (row, within) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
            let start = nth << within;
            let hashes = self.size >> (TILE_HEIGHT * row);
            if start / TILE_WIDTH != hashes / TILE_WIDTH {
                return None;
            }
            let start = usize::try_from(start % TILE_WIDTH).ok()? * HASH_BYTES;
            let range = start..start + (HASH_BYTES << within);
            self.rows.get(usize::from(row))?.get(range).map(Tile::subtree_hash)
        };
        indexes.iter().map(|index| one(*index).ok_or(TlogError::IndexesNotInTree)).collect()
    }
}
