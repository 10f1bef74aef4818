//! The editions that are kept.

use optelsom_codebook::Codebook;

use super::{CheckList, Depth};
use crate::edition::{EditionError, EditionStore};

pub(super) fn check(store: &EditionStore, dataset: &str, codebook: &Codebook, depth: Depth, list: &mut CheckList) {
    let name = format!("editions of {dataset}");
    let editions = match store.editions(dataset) {
        Ok(editions) => editions,
        Err(error) => return list.failed(name, "no query can be answered", error),
    };
    if editions.is_empty() {
        return list.sound(name, "none yet: freeze one before queries are answered");
    }
    for edition in editions {
        let name = format!("edition {edition} of {dataset}");
        let opened = store.open(dataset, &edition, codebook).and_then(|opened| {
            if depth == Depth::Everything {
                opened.verify()?;
            }
            Ok(opened.manifest().summary().rows)
        });
        match opened {
            Ok(rows) => list.sound(name, format!("{rows} rows")),
            // Not a fault: older editions stay as they are when the codebook moves on.
            Err(error @ EditionError::OtherCodebook { .. }) => list.sound(name, format!("no longer asked: {error}")),
            Err(error) => list.failed(name, "queries about it are refused", error),
        }
    }
}
