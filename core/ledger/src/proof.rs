//! Proofs over the tree (RFC 6962, sections 2.1.1 and 2.1.2): that an entry stands in it, and that it only grew.

use optelsom_codebook::Hash256;
use thiserror::Error;
use tlog_tiles::Hash;

/// The most entries a log may have: beyond it, tile numbers would no longer fit the arithmetic of the tiles.
pub const MAX_TREE_SIZE: u64 = (1 << 48) - 1;

/// The most hashes a proof may have: one per level of the largest tree, twice over for the two edges.
const MAX_PROOF_HASHES: usize = 100;

/// How many entries a log has, and the root over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    size: u64,
    root: Hash256,
}

impl TreeHead {
    /// The head of a tree of this size.
    ///
    /// # Errors
    /// When the size is beyond [`MAX_TREE_SIZE`], or the tree is empty and the root is not that of the empty tree.
    pub fn new(size: u64, root: Hash256) -> Result<Self, ProofError> {
        if size > MAX_TREE_SIZE {
            return Err(ProofError::TooLarge(size));
        }
        if size == 0 && root != Self::EMPTY.root {
            return Err(ProofError::EmptyRoot);
        }
        Ok(Self { size, root })
    }

    /// The head of the log before its first entry.
    pub const EMPTY: Self = Self { size: 0, root: Hash256::from_bytes(tlog_tiles::EMPTY_HASH.0) };

    /// How many entries it covers.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub const fn root(&self) -> Hash256 {
        self.root
    }
}

/// Why a proof, or a tree head, is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// More entries than a log can have.
    #[error("a log of {0} entries is larger than any can be")]
    TooLarge(u64),
    /// An empty tree under another root than that of the empty tree.
    #[error("the log claims to be empty under a root that is not the empty tree's")]
    EmptyRoot,
    /// More hashes than any proof needs.
    #[error("a proof of {0} hashes is longer than any can be")]
    TooLong(usize),
    /// The entry lies beyond the tree.
    #[error("entry {index} lies beyond a log of {size} entries")]
    BeyondTree {
        /// Which entry.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// The hashes do not lead from the entry to the root.
    #[error("the proof does not show entry {index} in the log of {size} entries")]
    Inclusion {
        /// Which entry.
        index: u64,
        /// How many entries there are.
        size: u64,
    },
    /// The later tree has fewer entries.
    #[error("the log shrank from {from} entries to {to}")]
    Shrunk {
        /// Entries before.
        from: u64,
        /// Entries now.
        to: u64,
    },
    /// The hashes do not lead from the earlier root to the later one.
    #[error("the proof does not show that the log of {to} entries continues the one of {from}")]
    Consistency {
        /// Entries before.
        from: u64,
        /// Entries now.
        to: u64,
    },
}

macro_rules! proof_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(Vec<Hash256>);

        impl $name {
            /// Takes the hashes as they came; they say nothing until they are verified.
            ///
            /// # Errors
            /// When there are more than any proof needs.
            pub fn new(hashes: Vec<Hash256>) -> Result<Self, ProofError> {
                if hashes.len() > MAX_PROOF_HASHES { Err(ProofError::TooLong(hashes.len())) } else { Ok(Self(hashes)) }
            }

            /// The hashes, in the order of RFC 6962.
            pub fn hashes(&self) -> &[Hash256] {
                &self.0
            }

            pub(crate) fn of(hashes: &[Hash]) -> Self {
                Self(hashes.iter().map(|hash| Hash256::from_bytes(hash.0)).collect())
            }

            fn foreign(&self) -> Vec<Hash> {
                self.0.iter().copied().map(foreign).collect()
            }
        }
    };
}

proof_type!(
    /// That one entry stands at one place of a tree: RFC 6962's audit path.
    InclusionProof
);

proof_type!(
    /// That one tree continues another: RFC 6962's consistency proof.
    ConsistencyProof
);

pub(crate) fn foreign(hash: Hash256) -> Hash {
    Hash(*hash.as_bytes())
}

impl InclusionProof {
    /// Checks that the entry with this leaf hash stands at this index, counted from 0.
    ///
    /// # Errors
    /// [`ProofError::BeyondTree`] or [`ProofError::Inclusion`].
    pub fn verify(&self, head: &TreeHead, index: u64, leaf: Hash256) -> Result<(), ProofError> {
        let size = head.size();
        if index >= size {
            return Err(ProofError::BeyondTree { index, size });
        }
        tlog_tiles::check_record(&self.foreign(), size, foreign(head.root()), index, foreign(leaf))
            .map_err(|_| ProofError::Inclusion { index, size })
    }
}

impl ConsistencyProof {
    /// Nothing to show: for a first checkpoint, and for the same one again.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// Checks that `new` has all entries of `old`, unchanged and in their places.
    ///
    /// # Errors
    /// [`ProofError::Shrunk`] or [`ProofError::Consistency`].
    pub fn verify(&self, old: &TreeHead, new: &TreeHead) -> Result<(), ProofError> {
        let (from, to) = (old.size(), new.size());
        if to < from {
            return Err(ProofError::Shrunk { from, to });
        }
        let refused = ProofError::Consistency { from, to };
        if from == 0 {
            // Every log continues the empty one; RFC 6962 has no proof for it, so there must be none.
            return if self.0.is_empty() { Ok(()) } else { Err(refused) };
        }
        tlog_tiles::check_tree(&self.foreign(), to, foreign(new.root()), from, foreign(old.root())).map_err(|_| refused)
    }
}
