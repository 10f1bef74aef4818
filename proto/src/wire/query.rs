//! A question as it travels: signed entry and document.

use optelsom_codebook::Hash256;
use optelsom_ledger::{QueryEntry, SignedQuery};

use super::fields::{at_most, signature, there};
use super::{WireError, Wrong};
use crate::limits::{DOCUMENT_BYTES, ENTRY_BYTES};
use crate::v1;

/// A signed entry with the document that it is about: they fit each other, and no more is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    query: SignedQuery,
    document: Vec<u8>,
}

impl Asked {
    /// Puts an entry and its document together.
    ///
    /// # Errors
    /// When the document is too long, or its digest is not the one in the entry.
    pub fn new(query: SignedQuery, document: Vec<u8>) -> Result<Self, WireError> {
        at_most("ask.document", document.len(), DOCUMENT_BYTES)?;
        if Hash256::of(&document) != query.entry.query {
            return Err(WireError::form("ask.document", "the document whose digest stands in the entry"));
        }
        Ok(Self { query, document })
    }

    /// The signed entry.
    pub fn query(&self) -> &SignedQuery {
        &self.query
    }

    /// The canonical query document.
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// Both, apart.
    pub fn into_parts(self) -> (SignedQuery, Vec<u8>) {
        (self.query, self.document)
    }
}

impl TryFrom<v1::SignedQuery> for SignedQuery {
    type Error = WireError;

    fn try_from(wire: v1::SignedQuery) -> Result<Self, WireError> {
        at_most("query.entry", wire.entry.len(), ENTRY_BYTES)?;
        let entry = QueryEntry::from_bytes(&wire.entry)
            .map_err(|_| WireError { field: "query.entry", wrong: Wrong::Form("the canonical entry of a query") })?;
        Ok(Self { entry, signature: signature("query.signature", &wire.signature)? })
    }
}

impl From<&SignedQuery> for v1::SignedQuery {
    fn from(query: &SignedQuery) -> Self {
        Self { entry: query.entry.to_bytes(), signature: query.signature.as_bytes().to_vec() }
    }
}

impl TryFrom<v1::AskRequest> for Asked {
    type Error = WireError;

    fn try_from(wire: v1::AskRequest) -> Result<Self, WireError> {
        Self::new(there("ask.query", wire.query)?.try_into()?, wire.document)
    }
}

impl TryFrom<v1::Ask> for Asked {
    type Error = WireError;

    fn try_from(wire: v1::Ask) -> Result<Self, WireError> {
        Self::new(there("ask.query", wire.query)?.try_into()?, wire.document)
    }
}

impl From<&Asked> for v1::AskRequest {
    fn from(asked: &Asked) -> Self {
        Self { query: Some((&asked.query).into()), document: asked.document.clone() }
    }
}
