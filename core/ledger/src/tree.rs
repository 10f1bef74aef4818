//! The hash of a leaf of the log (RFC 6962, section 2.1), and trees whose leaves are all at hand.

use std::fmt;

use optelsom_codebook::{Hash256, QueryId};
use sha2::{Digest, Sha256};
use tlog_tiles::{Error as TlogError, Hash, HashReader, prove_record, stored_hashes_for_record_hash, tree_hash};

use crate::proof::{InclusionProof, ProofError, TreeHead, foreign};

/// λ of an entry: SHA-256 over the byte 0x00 and the canonical entry.
pub fn leaf_hash(entry: &[u8]) -> QueryId {
    QueryId::from_bytes(<[u8; 32]>::from(Sha256::new().chain_update([0]).chain_update(entry).finalize()))
}

/// A tree (RFC 6962, section 2.1) over leaves that are all at hand, and held in memory: for what one signature shall
/// cover, while each reader is shown one leaf of it.
pub struct Tree {
    head: TreeHead,
    stored: Stored,
}

/// The hashes of all complete subtrees, in the order of `tlog_tiles`.
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TlogError> {
        let one = |index: &u64| usize::try_from(*index).ok().and_then(|index| self.0.get(index)).copied();
        indexes.iter().map(|index| one(index).ok_or(TlogError::IndexesNotInTree)).collect()
    }
}

impl Tree {
    /// The tree over leaves of these hashes, in this order.
    ///
    /// # Errors
    /// When there are more than [`crate::proof::MAX_TREE_SIZE`].
    pub fn new(leaves: impl IntoIterator<Item = Hash256>) -> Result<Self, ProofError> {
        let (mut size, mut stored) = (0_u64, Stored(Vec::new()));
        for leaf in leaves {
            let completed = stored_hashes_for_record_hash(size, foreign(leaf), &stored);
            stored.0.extend(completed.map_err(|_| ProofError::TooLarge(size))?);
            size += 1;
        }
        let root = tree_hash(size, &stored).map_err(|_| ProofError::TooLarge(size))?;
        Ok(Self { head: TreeHead::new(size, Hash256::from_bytes(root.0))?, stored })
    }

    /// Its size and root.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// That the leaf at this index, counted from 0, stands in the tree.
    ///
    /// # Errors
    /// [`ProofError::BeyondTree`].
    pub fn prove(&self, index: u64) -> Result<InclusionProof, ProofError> {
        let size = self.head.size();
        let proof = if index < size { prove_record(size, index, &self.stored).ok() } else { None };
        proof.map(|proof| InclusionProof::of(&proof)).ok_or(ProofError::BeyondTree { index, size })
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Tree").field(&self.head).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_leaf_is_proved_under_the_root_and_no_other() {
        for size in 0..20_u8 {
            let leaves: Vec<_> = (0..size).map(|leaf| Hash256::of(&[leaf])).collect();
            let tree = Tree::new(leaves.iter().copied()).unwrap();
            assert_eq!(tree.head().size(), u64::from(size));
            for (index, leaf) in (0..).zip(&leaves) {
                let proof = tree.prove(index).unwrap();
                assert_eq!(proof.verify(&tree.head(), index, *leaf), Ok(()));
                assert!(proof.verify(&tree.head(), index, Hash256::of(b"another")).is_err());
            }
            assert!(tree.prove(u64::from(size)).is_err());
        }
        assert_eq!(Tree::new([]).unwrap().head(), TreeHead::EMPTY);
    }

    /// The empty leaf, of RFC 6962 test data as published with Certificate Transparency.
    #[test]
    fn rfc_6962_empty_leaf() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), expected);
    }
}
