//! One entry of the log as bytes: what is hashed into the tree and served in entry bundles.

use optelsom_codebook::Hash256;
use thiserror::Error;

/// The most bytes that an entry may have: C2SP tlog-tiles writes its length in 16 bits.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Bytes that are too long for an entry of the log.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "an entry of {0} bytes does not fit into the log, which takes 65,535 at most; put the long part beside it by its hash"
)]
pub struct LeafTooLong(pub usize);

/// The bytes of one entry, at most [`MAX_LEAF_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf(Vec<u8>);

impl Leaf {
    /// Takes the bytes of an entry.
    ///
    /// # Errors
    /// When there are more than [`MAX_LEAF_BYTES`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, LeafTooLong> {
        if bytes.len() > MAX_LEAF_BYTES { Err(LeafTooLong(bytes.len())) } else { Ok(Self(bytes)) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The leaf hash (RFC 6962, section 2.1): SHA-256 of 0x00 and the bytes.
    pub fn hash(&self) -> Hash256 {
        Hash256::from_bytes(tlog_tiles::record_hash(&self.0).0)
    }
}
