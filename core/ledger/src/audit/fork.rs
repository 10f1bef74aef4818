//! Two exports of one log, held against each other: the one continues the other, or the log was forked.

use optelsom_codebook::Hash256;

use crate::audit::{Files, bytes_of};
use crate::proof::TreeHead;
use crate::tiles::{TilePath, read_bundle};

/// How two exports of a log stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// They show the same log at the same size.
    Same,
    /// The first one is the beginning of the second, which has so many entries more.
    Before(u64),
    /// The second one is the beginning of the first, which has so many entries more.
    After(u64),
    /// They show different entries at this index, the first at which they differ: whoever signed both checkpoints
    /// showed different logs to different people.
    Forked(u64),
    /// One of them cannot be read from this entry on; its own audit tells why.
    Unreadable(u64),
}

/// Compares the entries of two exports. That each adds up to its own checkpoint is for the audit of each to say.
pub fn compare(first: (&Files, &TreeHead), second: (&Files, &TreeHead)) -> Kinship {
    let (one, other) = (first.1.size(), second.1.size());
    let mut ours = leaf_hashes(first.0, one);
    let mut theirs = leaf_hashes(second.0, other);
    for index in 0..one.min(other) {
        match (ours.next(), theirs.next()) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (Some(_), Some(_)) => return Kinship::Forked(index),
            _ => return Kinship::Unreadable(index),
        }
    }
    match (one, other) {
        (one, other) if one < other => Kinship::Before(other - one),
        (one, other) if one > other => Kinship::After(one - other),
        _ => Kinship::Same,
    }
}

/// The hashes of the entries, as far as they can be read.
fn leaf_hashes(files: &Files, size: u64) -> impl Iterator<Item = Hash256> {
    let bundles = TilePath::all(size).take_while(|path| path.level().is_none());
    let leaves = bundles.map_while(move |path| read_bundle(bytes_of(files, &path.to_string())?, path.width()).ok());
    leaves.flatten().map(|leaf| leaf.hash())
}
