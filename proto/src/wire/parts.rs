//! The parts that several messages of a round carry.

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::proof::InclusionProof;
use optelsom_secagg::messages::{
    Attempt, Card, ColumnHeader, Encapsulation, EncryptedShare, RelayedHeader, RelayedShare, SubmissionHeader,
    TableChunk,
};

use super::fields::{array, at_most, edition, hash, list, signature, supplier, there};
use super::{WireError, Wrong};
use crate::limits::{COLUMNS, PART_WORDS, SEALED_BYTES, SUPPLIERS};
use crate::v1;

pub(super) fn attempt(number: u32) -> Result<Attempt, WireError> {
    Attempt::new(number).ok_or_else(|| WireError::form("attempt", "a number from 1 on"))
}

fn boxed<const N: usize>(field: &'static str, bytes: Vec<u8>) -> Result<Box<[u8; N]>, WireError> {
    let got = bytes.len();
    bytes.into_boxed_slice().try_into().map_err(|_| WireError { field, wrong: Wrong::Length { wanted: N, got } })
}

pub(super) fn digests(
    field: &'static str,
    items: Vec<v1::SupplierDigest>,
) -> Result<Vec<(SupplierId, Hash256)>, WireError> {
    list(field, items, SUPPLIERS, |item| Ok((supplier(field, &item.supplier)?, hash(field, &item.digest)?)))
}

pub(super) fn digests_to_wire(items: &[(SupplierId, Hash256)]) -> Vec<v1::SupplierDigest> {
    let pair = |(supplier, digest): &(SupplierId, Hash256)| v1::SupplierDigest {
        supplier: supplier.to_string(),
        digest: digest.as_bytes().to_vec(),
    };
    items.iter().map(pair).collect()
}

impl TryFrom<v1::Card> for Card {
    type Error = WireError;

    fn try_from(wire: v1::Card) -> Result<Self, WireError> {
        Ok(Self {
            supplier: supplier("card.supplier", &wire.supplier)?,
            public_key: boxed("card.public_key", wire.public_key)?,
            checkpoint: hash("card.checkpoint", &wire.checkpoint)?,
            edition: edition("card.edition", &wire.edition)?,
            signature: signature("card.signature", &wire.signature)?,
        })
    }
}

impl From<&Card> for v1::Card {
    fn from(card: &Card) -> Self {
        Self {
            supplier: card.supplier.to_string(),
            public_key: card.public_key.to_vec(),
            checkpoint: card.checkpoint.as_bytes().to_vec(),
            edition: card.edition.to_string(),
            signature: card.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<v1::Encapsulation> for Encapsulation {
    type Error = WireError;

    fn try_from(wire: v1::Encapsulation) -> Result<Self, WireError> {
        Ok(Self {
            from: supplier("encapsulation.from", &wire.from)?,
            to: supplier("encapsulation.to", &wire.to)?,
            ciphertext: boxed("encapsulation.ciphertext", wire.ciphertext)?,
            signature: signature("encapsulation.signature", &wire.signature)?,
        })
    }
}

impl From<&Encapsulation> for v1::Encapsulation {
    fn from(made: &Encapsulation) -> Self {
        Self {
            from: made.from.to_string(),
            to: made.to.to_string(),
            ciphertext: made.ciphertext.to_vec(),
            signature: made.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<v1::ColumnHeader> for ColumnHeader {
    type Error = WireError;

    fn try_from(wire: v1::ColumnHeader) -> Result<Self, WireError> {
        Ok(Self {
            masked_blinding: array("column.masked_blinding", &wire.masked_blinding)?,
            commitment: array("column.commitment", &wire.commitment)?,
        })
    }
}

impl TryFrom<v1::SubmissionHeader> for SubmissionHeader {
    type Error = WireError;

    fn try_from(wire: v1::SubmissionHeader) -> Result<Self, WireError> {
        Ok(Self {
            supplier: supplier("header.supplier", &wire.supplier)?,
            participants: hash("header.participants", &wire.participants)?,
            table_digest: hash("header.table_digest", &wire.table_digest)?,
            columns: list("header.columns", wire.columns, COLUMNS, ColumnHeader::try_from)?,
            self_mask_commitment: hash("header.self_mask_commitment", &wire.self_mask_commitment)?,
            share_commitments: digests("header.share_commitments", wire.share_commitments)?,
            sealed_shares: digests("header.sealed_shares", wire.sealed_shares)?,
            signature: signature("header.signature", &wire.signature)?,
        })
    }
}

impl From<&ColumnHeader> for v1::ColumnHeader {
    fn from(column: &ColumnHeader) -> Self {
        Self { masked_blinding: column.masked_blinding.to_vec(), commitment: column.commitment.to_vec() }
    }
}

impl TryFrom<v1::RelayedHeader> for RelayedHeader {
    type Error = WireError;

    fn try_from(wire: v1::RelayedHeader) -> Result<Self, WireError> {
        Ok(Self {
            supplier: supplier("header.supplier", &wire.supplier)?,
            participants: hash("header.participants", &wire.participants)?,
            table_digest: hash("header.table_digest", &wire.table_digest)?,
            columns: list("header.columns", wire.columns, COLUMNS, ColumnHeader::try_from)?,
            self_mask_commitment: hash("header.self_mask_commitment", &wire.self_mask_commitment)?,
            dealt: hash("header.dealt", &wire.dealt)?,
            signature: signature("header.signature", &wire.signature)?,
        })
    }
}

impl From<&RelayedHeader> for v1::RelayedHeader {
    fn from(header: &RelayedHeader) -> Self {
        Self {
            supplier: header.supplier.to_string(),
            participants: header.participants.as_bytes().to_vec(),
            table_digest: header.table_digest.as_bytes().to_vec(),
            columns: header.columns.iter().map(Into::into).collect(),
            self_mask_commitment: header.self_mask_commitment.as_bytes().to_vec(),
            dealt: header.dealt.as_bytes().to_vec(),
            signature: header.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<v1::RelayedShare> for RelayedShare {
    type Error = WireError;

    fn try_from(wire: v1::RelayedShare) -> Result<Self, WireError> {
        let (path, rest) = wire.path.as_chunks::<32>();
        let path = InclusionProof::new(path.iter().map(|hash| Hash256::from_bytes(*hash)).collect());
        Ok(Self {
            share: there("certify.share", wire.share)?.try_into()?,
            commitment: hash("share.commitment", &wire.commitment)?,
            path: path.ok().filter(|_| rest.is_empty()).ok_or_else(|| WireError::form("share.path", "a path"))?,
        })
    }
}

impl From<&RelayedShare> for v1::RelayedShare {
    fn from(relayed: &RelayedShare) -> Self {
        Self {
            share: Some((&relayed.share).into()),
            commitment: relayed.commitment.as_bytes().to_vec(),
            path: relayed.path.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect(),
        }
    }
}

impl From<&SubmissionHeader> for v1::SubmissionHeader {
    fn from(header: &SubmissionHeader) -> Self {
        Self {
            supplier: header.supplier.to_string(),
            participants: header.participants.as_bytes().to_vec(),
            table_digest: header.table_digest.as_bytes().to_vec(),
            columns: header.columns.iter().map(Into::into).collect(),
            self_mask_commitment: header.self_mask_commitment.as_bytes().to_vec(),
            share_commitments: digests_to_wire(&header.share_commitments),
            sealed_shares: digests_to_wire(&header.sealed_shares),
            signature: header.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<v1::EncryptedShare> for EncryptedShare {
    type Error = WireError;

    fn try_from(wire: v1::EncryptedShare) -> Result<Self, WireError> {
        at_most("share.sealed", wire.sealed.len(), SEALED_BYTES)?;
        Ok(Self { from: supplier("share.from", &wire.from)?, to: supplier("share.to", &wire.to)?, sealed: wire.sealed })
    }
}

impl From<&EncryptedShare> for v1::EncryptedShare {
    fn from(share: &EncryptedShare) -> Self {
        Self { from: share.from.to_string(), to: share.to.to_string(), sealed: share.sealed.clone() }
    }
}

impl TryFrom<&v1::TablePart> for TableChunk {
    type Error = WireError;

    fn try_from(wire: &v1::TablePart) -> Result<Self, WireError> {
        at_most("part.words", wire.words.len(), PART_WORDS * 8)?;
        let (words, rest) = wire.words.as_chunks::<8>();
        if words.is_empty() || !rest.is_empty() {
            return Err(WireError::form("part.words", "a whole number of 8-byte words, at least one"));
        }
        Ok(Self {
            attempt: attempt(wire.attempt)?,
            offset: wire.offset,
            words: words.iter().map(|word| u64::from_le_bytes(*word)).collect(),
        })
    }
}

/// A chunk of this query's masked table, as it travels.
pub fn table_part(query: &optelsom_codebook::QueryId, chunk: &TableChunk) -> v1::TablePart {
    let mut words = Vec::with_capacity(chunk.words.len() * 8);
    chunk.words.iter().for_each(|word| words.extend_from_slice(&word.to_le_bytes()));
    v1::TablePart {
        query: query.as_bytes().to_vec(),
        attempt: chunk.attempt.number(),
        offset: chunk.offset,
        words: words.into(),
    }
}
