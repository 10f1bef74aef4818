//! What a participant submits: a masked table in chunks, and a signed header over all of it.

use std::fmt;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::proof::{InclusionProof, TreeHead};
use optelsom_ledger::{IdentityKey, Signature, Tree, leaf_hash};

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
    /// By the supplier, over the round and the digest of the [`RelayedHeader`], which stands for all of the above.
    pub signature: Signature,
}

/// A header as the other participants are shown it: the root over what it says of shares takes the place of that, since
/// n lists of n digests would go to n participants. Each of them gets its own leaf with its path, a [`RelayedShare`].
/// Not believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedHeader {
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
    /// The root (RFC 6962) over one leaf for each peer, by name: its share's commitment and the digest of it as sealed.
    pub dealt: Hash256,
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
        self.relayed().verify(verifier)
    }

    /// What stands for the submission in a certificate, see [`RelayedHeader::digest`].
    pub fn digest(&self, round: &Round) -> Hash256 {
        self.relayed().digest(round)
    }

    /// The header as the other participants are shown it.
    pub fn relayed(&self) -> RelayedHeader {
        RelayedHeader {
            supplier: self.supplier.clone(),
            participants: self.participants,
            table_digest: self.table_digest,
            columns: self.columns.clone(),
            self_mask_commitment: self.self_mask_commitment,
            dealt: Dealt::of(self).root(),
            signature: self.signature,
        }
    }

    /// What about the header does not fit these participants and so many columns; nothing if it fits.
    pub(crate) fn form_for(&self, participants: &Participants, columns: usize) -> Option<&'static str> {
        let for_peers = |list: &[(SupplierId, Hash256)]| {
            list.iter().map(|(supplier, _)| supplier).eq(participants.peers_of(&self.supplier))
        };
        if let Some(detail) = form(&self.participants, &self.columns, participants, columns) {
            return Some(detail);
        }
        if !for_peers(&self.share_commitments) || !for_peers(&self.sealed_shares) {
            return Some("it has not one share for each peer");
        }
        None
    }
}

impl RelayedHeader {
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
        round
            .statement("submission")
            .text(self.supplier.as_str())
            .bytes(self.participants.as_bytes())
            .bytes(self.table_digest.as_bytes())
            .list(&self.columns, |w, column| w.bytes(&column.masked_blinding).bytes(&column.commitment))
            .bytes(self.self_mask_commitment.as_bytes())
            .bytes(self.dealt.as_bytes())
            .digest()
    }

    /// What about the header does not fit these participants and so many columns; nothing if it fits.
    pub(crate) fn form_for(&self, participants: &Participants, columns: usize) -> Option<&'static str> {
        form(&self.participants, &self.columns, participants, columns)
    }
}

fn form(hash: &Hash256, headers: &[ColumnHeader], participants: &Participants, columns: usize) -> Option<&'static str> {
    if *hash != participants.hash() {
        return Some("it is for other participants");
    }
    if headers.len() != columns {
        return Some("the number of its columns");
    }
    None
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

/// A share as the coordinator hands it to its holder: with what its dealer signed for it. Not believed before it is
/// verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedShare {
    /// The share.
    pub share: EncryptedShare,
    /// The dealer's commitment to it.
    pub commitment: Hash256,
    /// That the dealer's header covers both: the path to [`RelayedHeader::dealt`].
    pub path: InclusionProof,
}

impl RelayedShare {
    /// Whether the dealer of this header signed for this share and commitment, for this holder.
    pub(crate) fn stands_in(&self, header: &RelayedHeader, participants: &Participants, holder: &SupplierId) -> bool {
        let peers = participants.len().saturating_sub(1) as u64;
        let place = participants.peers_of(&header.supplier).position(|peer| peer == holder);
        let leaf = leaf(holder, &self.commitment, &self.share.digest());
        match (TreeHead::new(peers, header.dealt), place) {
            (Ok(head), Some(place)) => self.path.verify(&head, place as u64, leaf).is_ok(),
            _ => false,
        }
    }
}

/// What one participant dealt: the tree over the leaves of all its peers.
#[derive(Debug)]
pub struct Dealt {
    tree: Option<Tree>,
    commitments: Vec<Hash256>,
}

impl Dealt {
    /// What the dealer of this header dealt.
    pub fn of(header: &SubmissionHeader) -> Self {
        let both = header.share_commitments.iter().zip(&header.sealed_shares);
        let leaves = both.map(|((holder, commitment), (_, sealed))| leaf(holder, commitment, sealed));
        // None only for more leaves than any tree can have.
        let tree = Tree::new(leaves).ok();
        Self { tree, commitments: header.share_commitments.iter().map(|(_, commitment)| *commitment).collect() }
    }

    /// The root, as it stands in [`RelayedHeader::dealt`].
    pub fn root(&self) -> Hash256 {
        self.tree.as_ref().map_or(TreeHead::EMPTY, Tree::head).root()
    }

    /// The share for the peer at this place among the dealer's peers, counted from 0, with what was signed for it.
    pub fn relay(&self, place: usize, share: EncryptedShare) -> Option<RelayedShare> {
        let (commitment, path) = (*self.commitments.get(place)?, self.tree.as_ref()?.prove(place as u64).ok()?);
        Some(RelayedShare { share, commitment, path })
    }

    /// The commitments to the shares of the dealer's peers, by the peers' names.
    pub(crate) fn into_commitments(self) -> Vec<Hash256> {
        self.commitments
    }
}

fn leaf(holder: &SupplierId, commitment: &Hash256, sealed: &Hash256) -> Hash256 {
    let leaf = Writer::new("dealt share").text(holder.as_str()).bytes(commitment.as_bytes()).bytes(sealed.as_bytes());
    Hash256::from_bytes(*leaf_hash(&leaf.finish()).as_bytes())
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
