//! Tiles that are written aside before the checkpoint over them is swapped in, under a name that only that checkpoint
//! has. They are readable or they are not: half a bundle, or a damaged one, is an error.

use optelsom_codebook::Hash256;
use thiserror::Error;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::proof::TreeHead;
use crate::tiles::{PathError, Tiles};

const STATEMENT: &str = "staged tiles";

/// Staged tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    tiles: Tiles,
}

/// Why staged tiles cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StagedError {
    /// Malformed.
    #[error("the staged tiles are malformed: {0}")]
    Malformed(#[from] CanonicalError),
    /// Something that is no tile.
    #[error("the staged tiles are malformed: {0}")]
    Path(#[from] PathError),
    /// Not the bytes that were written.
    #[error("the staged tiles are not those that were written")]
    Digest,
}

/// The name under which the tiles for this head are staged: no two heads share one.
pub fn staged_name(head: &TreeHead) -> String {
    format!("staging/{}-{}", head.size(), head.root())
}

impl Staged {
    /// Stages these tiles.
    pub fn new(tiles: Tiles) -> Self {
        Self { tiles }
    }

    /// The tiles.
    pub fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    /// The tiles, to be applied.
    pub fn into_tiles(self) -> Tiles {
        self.tiles
    }

    /// The bytes to write: the tiles with their paths, then SHA-256 of all that.
    pub fn to_bytes(&self) -> Vec<u8> {
        let tiles: Vec<_> = self.tiles.iter().collect();
        let mut bytes =
            Writer::new(STATEMENT).list(&tiles, |w, (path, tile)| w.text(&path.to_string()).bytes(tile)).finish();
        let digest = Hash256::of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Reads what was written.
    ///
    /// # Errors
    /// When it is not all there, or not as it was written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StagedError> {
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(StagedError::Digest)?;
        if Hash256::of(content).as_bytes() != digest {
            return Err(StagedError::Digest);
        }
        let mut reader = Reader::new(content, STATEMENT)?;
        let tiles = reader.list(u64::MAX, |r| Ok((r.text()?, r.bytes()?)))?;
        reader.finish()?;
        let tiles = tiles.into_iter().map(|(path, tile)| Ok((path.parse()?, tile.to_vec())));
        Ok(Self { tiles: tiles.collect::<Result<_, PathError>>()? })
    }
}
