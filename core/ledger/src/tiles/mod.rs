//! The log as files (C2SP tlog-tiles): hash tiles of 256 hashes, entry bundles of 256 entries, and where they lie.

mod bundle;
mod edge;
mod path;
mod prove;

pub use bundle::{BundleError, read_bundle};
pub use edge::{Edge, EdgeError, Extension};
pub use path::{PathError, TilePath};
pub use prove::{ProveError, prove_consistency, prove_inclusion, tiles_for_consistency, tiles_for_inclusion};

/// Tiles by their paths, as they were read or are to be written.
pub type Tiles = std::collections::BTreeMap<TilePath, Vec<u8>>;

/// 2^8 hashes or entries make a full tile.
pub(crate) const TILE_HEIGHT: u8 = 8;
/// Hashes or entries in a full tile.
pub(crate) const TILE_WIDTH: u64 = 256;
/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;
