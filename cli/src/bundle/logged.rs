//! An entry of the log with its inclusion proof and the cosigned checkpoint, as C2SP tlog-proof writes it
//! (<https://c2sp.org/tlog-proof>); the extra data is the entry's bytes.

use base64::prelude::{BASE64_STANDARD, Engine};
use optelsom_codebook::Hash256;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::leaf_hash;
use optelsom_ledger::proof::{InclusionProof, ProofError, TreeHead};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// An entry, where it stands in which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoggedEntry {
    /// Its index, from 0.
    pub(super) index: u64,
    /// Its bytes.
    pub(super) leaf: Leaf,
    /// That it stands there.
    pub(super) proof: InclusionProof,
    /// The checkpoint, as it was signed.
    pub(super) checkpoint: Vec<u8>,
}

impl LoggedEntry {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{FIRST_LINE}\nextra {}\nindex {}\n", encode(self.leaf.as_bytes()), self.index);
        for hash in self.proof.hashes() {
            text.push_str(&encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// Reads the one form that [`LoggedEntry::to_bytes`] writes; `None` for any other.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let gap = bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let (head, checkpoint) = (bytes.get(..gap)?, bytes.get(gap + 2..)?);
        let mut lines = std::str::from_utf8(head).ok()?.split('\n');
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let leaf = Leaf::new(decode(lines.next()?.strip_prefix("extra ")?)?).ok()?;
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let hash = |line| Some(Hash256::from_bytes(<[u8; 32]>::try_from(decode(line)?).ok()?));
        let proof = InclusionProof::new(lines.map(hash).collect::<Option<_>>()?).ok()?;
        let read = Self { index, leaf, proof, checkpoint: checkpoint.to_vec() };
        (read.to_bytes() == bytes).then_some(read)
    }

    /// Checks that the entry stands at its index of this tree.
    pub(super) fn verify(&self, head: &TreeHead) -> Result<(), ProofError> {
        self.proof.verify(head, self.index, Hash256::from_bytes(*leaf_hash(self.leaf.as_bytes()).as_bytes()))
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_entry_has_one_form() {
        let proof = InclusionProof::new(vec![Hash256::of(b"a"), Hash256::of(b"b")]).unwrap();
        let leaf = Leaf::new(b"entry".to_vec()).unwrap();
        let entry = LoggedEntry { index: 7, leaf, proof, checkpoint: b"log\n8\nroot\n\n- sig\n".to_vec() };
        let bytes = entry.to_bytes();
        assert!(bytes.starts_with(b"c2sp.org/tlog-proof@v1\nextra ZW50cnk=\nindex 7\n"));
        assert_eq!(LoggedEntry::from_bytes(&bytes), Some(entry));
        let text = String::from_utf8(bytes).unwrap();
        for other in
            [text.replace("index 7", "index 07"), text.replace("@v1", "@v2"), text.replace("ZW50cnk=", "ZW50cnk")]
        {
            assert_eq!(LoggedEntry::from_bytes(other.as_bytes()), None, "{other}");
        }
    }
}
