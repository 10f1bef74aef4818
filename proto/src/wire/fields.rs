//! Single fields.

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId};
use optelsom_ledger::Signature;
use prost::Message;
use prost::bytes::Bytes;

use super::{WireError, Wrong};

pub(crate) fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.try_into().map_err(|_| WireError { field, wrong: Wrong::Length { wanted: N, got: bytes.len() } })
}

pub(crate) fn hash(field: &'static str, bytes: &[u8]) -> Result<Hash256, WireError> {
    array(field, bytes).map(Hash256::from_bytes)
}

pub(crate) fn query_id(field: &'static str, bytes: &[u8]) -> Result<QueryId, WireError> {
    array(field, bytes).map(QueryId::from_bytes)
}

pub(crate) fn signature(field: &'static str, bytes: &[u8]) -> Result<Signature, WireError> {
    array(field, bytes).map(Signature::from_bytes)
}

pub(crate) fn supplier(field: &'static str, text: &str) -> Result<SupplierId, WireError> {
    SupplierId::try_from(text).map_err(|_| WireError::form(field, "the name of a supplier"))
}

pub(crate) fn edition(field: &'static str, text: &str) -> Result<EditionId, WireError> {
    EditionId::try_from(text).map_err(|_| WireError::form(field, "the name of an edition"))
}

/// A variable, measure or dataset: `[a-z][a-z0-9_]{0,39}`.
pub(crate) fn name(field: &'static str, text: &str) -> Result<String, WireError> {
    let fits = text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fits { Ok(text.to_owned()) } else { Err(WireError::form(field, "a name of the codebook")) }
}

pub(crate) fn at_most(field: &'static str, got: usize, most: usize) -> Result<(), WireError> {
    if got > most { Err(WireError { field, wrong: Wrong::TooLong { most, got } }) } else { Ok(()) }
}

pub(crate) fn text(field: &'static str, text: String, most: usize) -> Result<String, WireError> {
    at_most(field, text.len(), most)?;
    Ok(text)
}

pub(crate) fn there<T>(field: &'static str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or_else(|| WireError::missing(field))
}

/// A message that travels as bytes in another, since it is written once for many.
pub(crate) fn embedded<M: Message + Default>(field: &'static str, bytes: Bytes) -> Result<M, WireError> {
    M::decode(bytes).map_err(|_| WireError::form(field, "the message that belongs there"))
}

pub(crate) fn list<T, U>(
    field: &'static str,
    items: Vec<T>,
    most: usize,
    item: impl FnMut(T) -> Result<U, WireError>,
) -> Result<Vec<U>, WireError> {
    at_most(field, items.len(), most)?;
    items.into_iter().map(item).collect()
}
