//! Entry bundles: up to 256 entries, each after its length in 2 bytes, big-endian (C2SP tlog-tiles).

use thiserror::Error;

use crate::leaf::Leaf;

/// Why bytes are no bundle of the wanted number of entries.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// The bytes end within an entry.
    #[error("the entry bundle ends within its entry {0}")]
    Truncated(usize),
    /// Bytes are left over.
    #[error("{0} bytes follow the last entry of the bundle")]
    Trailing(usize),
}

pub(super) fn write_entry(bundle: &mut Vec<u8>, leaf: &Leaf) {
    // A leaf has at most 65,535 bytes, so its length always fits.
    let length = u16::try_from(leaf.as_bytes().len()).unwrap_or(u16::MAX);
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf.as_bytes());
}

/// Reads a bundle of exactly this many entries.
///
/// # Errors
/// When the bytes hold fewer, or more.
pub fn read_bundle(bytes: &[u8], entries: u16) -> Result<Vec<Leaf>, BundleError> {
    let mut rest = bytes;
    let mut leaves = Vec::with_capacity(usize::from(entries));
    for nth in 0..usize::from(entries) {
        let truncated = BundleError::Truncated(nth);
        let (length, after) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(truncated)?;
        leaves.push(Leaf::new(entry.to_vec()).map_err(|_| truncated)?);
        rest = after;
    }
    if rest.is_empty() { Ok(leaves) } else { Err(BundleError::Trailing(rest.len())) }
}
