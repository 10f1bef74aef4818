//! The log while it is being written.

use base64::prelude::{BASE64_STANDARD, Engine};
use optelsom_codebook::Timestamp;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Cosignature, CosignerKey, SignedCheckpoint};
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::{Edge, Tiles, prove_inclusion};
use optelsom_ledger::witness::{WitnessRecord, cosign};

use super::{cosigners, good, log_key, there};

/// Entries and tiles.
#[derive(Default)]
pub(in crate::decoders) struct Writing {
    pub(in crate::decoders) edge: Edge,
    pub(in crate::decoders) tiles: Tiles,
    pub(in crate::decoders) leaves: Vec<Leaf>,
}

impl Writing {
    /// A log of so many entries that say nothing.
    pub(in crate::decoders) fn of(size: u64) -> Self {
        let mut log = Self::default();
        let leaf = |number: u64| good(Leaf::new(number.to_be_bytes().to_vec()));
        log.append((0..size).map(leaf).collect());
        log
    }

    /// Adds an entry; yields its index.
    pub(in crate::decoders) fn push(&mut self, entry: &Entry) -> u64 {
        self.append(vec![good(entry.to_leaf())]);
        self.edge.size() - 1
    }

    fn append(&mut self, leaves: Vec<Leaf>) {
        let extension = good(self.edge.extend(&leaves));
        self.tiles.extend(extension.tiles);
        self.edge = extension.edge;
        self.leaves.extend(leaves);
    }

    /// The log's checkpoint, with its own signature alone.
    pub(in crate::decoders) fn unseen(&self) -> SignedCheckpoint {
        good(SignedCheckpoint::sign(good(self.edge.head()), &log_key()))
    }

    /// What each witness says of it at this moment.
    pub(in crate::decoders) fn cosignatures(&self, now: Timestamp) -> Vec<Cosignature> {
        let (log, bytes) = (log_key(), self.unseen().to_bytes());
        let (fresh, nothing) = (WitnessRecord::fresh(log.verifier()), ConsistencyProof::empty());
        let one = |key: &CosignerKey| good(cosign(&fresh, &bytes, &nothing, log.verifier(), key, now)).stored().1;
        cosigners().iter().map(one).collect()
    }

    /// The checkpoint as all witnesses have seen it at this moment.
    pub(in crate::decoders) fn checkpoint(&self, now: Timestamp) -> SignedCheckpoint {
        good(self.unseen().with_cosignatures(&self.cosignatures(now)))
    }

    /// An entry with its proof under this checkpoint, as C2SP tlog-proof writes it.
    pub(in crate::decoders) fn tlog_proof(&self, index: u64, checkpoint: &SignedCheckpoint) -> Vec<u8> {
        let proof = good(prove_inclusion(checkpoint.head(), index, &self.tiles));
        let hashes = proof.hashes().iter().map(|hash| BASE64_STANDARD.encode(hash.as_bytes()) + "\n");
        let leaf = there(usize::try_from(index).ok().and_then(|index| self.leaves.get(index)));
        let leaf = BASE64_STANDARD.encode(leaf.as_bytes());
        let head = format!("c2sp.org/tlog-proof@v1\nextra {leaf}\nindex {index}\n{}\n", hashes.collect::<String>());
        [head.as_bytes(), &checkpoint.to_bytes()].concat()
    }
}
