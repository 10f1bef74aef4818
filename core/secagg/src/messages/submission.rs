//! What a participant submits: a masked table in chunks, and a signed header over all of it.

use std::fmt;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::{IdentityKey, Signature};

use crate::fault::FaultKind;
use crate::messages::Participants;
use crate::round::{Attempt, Round, Verifier};

/// Of one column: its masked blinding and its commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnHeader {
    /// ρ: the blinding, masked, a scalar in canonical form.
    pub masked_blinding: [u8; 32],
    /// C: the commitment, a compressed Ristretto point (RFC 9496).
    pub commitment: [u8; 32],
}

/// All of a submission but the words of its table. Not believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionHeader {
    /// Who submits.
    pub supplier: SupplierId,
    /// hash(P).
    pub participants: Hash256,
    /// [`TableDigest`] of the masked table.
    pub table_digest: Hash256,
    /// One per column.
    pub columns: Vec<ColumnHeader>,
    /// SHA-256 commitment to the self-mask.
    pub self_mask_commitment: Hash256,
    /// For each peer, by name: the SHA-256 commitment to its share of the self-mask.
    pub share_commitments: Vec<(SupplierId, Hash256)>,
    /// For each peer, by name: the SHA-256 of its share as sealed, so that it is seen who changed one.
    pub sealed_shares: Vec<(SupplierId, Hash256)>,
    /// By the supplier, over the round and the digest of all of the above.
    pub signature: Signature,
}

impl SubmissionHeader {
    /// Puts the signature over the other fields in its place.
    #[must_use]
    pub fn sign(mut self, key: &IdentityKey, round: &Round) -> Self {
        self.signature = key.sign(&signed_bytes(round, &self.digest(round)));
        self
    }

    /// Checks signature and membership of the scope.
    ///
    /// # Errors
    /// When the supplier is not in the scope or the signature does not fit.
    pub fn verify(&self, verifier: &Verifier<'_>) -> Result<(), FaultKind> {
        let bytes = signed_bytes(verifier.round(), &self.digest(verifier.round()));
        verifier.signature(&self.supplier, "submission", &bytes, &self.signature)
    }

    /// What stands for the submission in a certificate: SHA-256 of everything but the signature.
    pub fn digest(&self, round: &Round) -> Hash256 {
        let pair =
            |w: Writer, (supplier, digest): &(SupplierId, Hash256)| w.text(supplier.as_str()).bytes(digest.as_bytes());
        round
            .statement("submission")
            .text(self.supplier.as_str())
            .bytes(self.participants.as_bytes())
            .bytes(self.table_digest.as_bytes())
            .list(&self.columns, |w, column| w.bytes(&column.masked_blinding).bytes(&column.commitment))
            .bytes(self.self_mask_commitment.as_bytes())
            .list(&self.share_commitments, pair)
            .list(&self.sealed_shares, pair)
            .digest()
    }

    /// What about the header does not fit these participants and so many columns; nothing if it fits.
    pub(crate) fn form_for(&self, participants: &Participants, columns: usize) -> Option<&'static str> {
        let for_peers = |list: &[(SupplierId, Hash256)]| {
            list.iter().map(|(supplier, _)| supplier).eq(participants.peers_of(&self.supplier))
        };
        if self.participants != participants.hash() {
            return Some("it is for other participants");
        }
        if self.columns.len() != columns {
            return Some("the number of its columns");
        }
        if !for_peers(&self.share_commitments) || !for_peers(&self.sealed_shares) {
            return Some("it has not one share for each peer");
        }
        None
    }
}

fn signed_bytes(round: &Round, digest: &Hash256) -> Vec<u8> {
    round.statement("submits").bytes(digest.as_bytes()).finish()
}

/// A share of the sender's self-mask, sealed for one peer with AES-256-GCM.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedShare {
    /// Whose self-mask it is a share of.
    pub from: SupplierId,
    /// Who can open it.
    pub to: SupplierId,
    /// 32 bytes of ciphertext and 16 of tag.
    pub sealed: Vec<u8>,
}

impl EncryptedShare {
    /// SHA-256 of the sealed bytes, as the sender's header names it.
    pub fn digest(&self) -> Hash256 {
        Writer::new("sealed share").bytes(&self.sealed).digest()
    }
}

impl fmt::Debug for EncryptedShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EncryptedShare({} to {}, {} bytes)", self.from, self.to, self.sealed.len())
    }
}

/// A run of words of a masked table.
#[derive(Clone, PartialEq, Eq)]
pub struct TableChunk {
    /// The attempt that the table was masked for.
    pub attempt: Attempt,
    /// The place of the first word, counted over all columns, one column after the other.
    pub offset: u64,
    /// The words.
    pub words: Vec<u64>,
}

impl fmt::Debug for TableChunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TableChunk(attempt {}, {} words from {})", self.attempt, self.words.len(), self.offset)
    }
}
