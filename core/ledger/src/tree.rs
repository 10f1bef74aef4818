//! The hash of a leaf of the log (RFC 6962, section 2.1).

use optelsom_codebook::QueryId;
use sha2::{Digest, Sha256};

/// λ of an entry: SHA-256 over the byte 0x00 and the canonical entry.
pub fn leaf_hash(entry: &[u8]) -> QueryId {
    QueryId::from_bytes(<[u8; 32]>::from(Sha256::new().chain_update([0]).chain_update(entry).finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::leaf_hash;

    /// The empty leaf, of RFC 6962 test data as published with Certificate Transparency.
    #[test]
    fn rfc_6962_empty_leaf() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), expected);
    }
}
