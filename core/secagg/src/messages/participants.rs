//! P: who takes part in one attempt.

use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::canonical::Writer;
use thiserror::Error;

/// P: the participants of one attempt, each with the digest of its card, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participants {
    entries: Arc<[(SupplierId, Hash256)]>,
    /// Hashed once: every encapsulation is signed over it.
    hash: Hash256,
}

/// A list that is not sorted by name, or names somebody twice.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the list of participants is not sorted by name, or names one of them twice")]
pub struct ParticipantsError;

impl Participants {
    /// Takes a list that is sorted strictly by name.
    ///
    /// # Errors
    /// For any other list.
    pub fn new(entries: Vec<(SupplierId, Hash256)>) -> Result<Self, ParticipantsError> {
        if entries.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)) {
            let hash = Writer::new("participants")
                .list(&entries, |w, (s, card)| w.text(s.as_str()).bytes(card.as_bytes()))
                .digest();
            Ok(Self { entries: entries.into(), hash })
        } else {
            Err(ParticipantsError)
        }
    }

    /// Each participant with the digest of its card, by name.
    pub fn entries(&self) -> &[(SupplierId, Hash256)] {
        &self.entries
    }

    /// Their names, sorted.
    pub fn suppliers(&self) -> impl Iterator<Item = &SupplierId> {
        self.entries.iter().map(|(supplier, _)| supplier)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether this supplier is one of them.
    pub fn contains(&self, supplier: &SupplierId) -> bool {
        self.position(supplier).is_some()
    }

    /// The supplier's place in the list, from 0.
    pub fn position(&self, supplier: &SupplierId) -> Option<usize> {
        self.entries.binary_search_by(|(other, _)| other.cmp(supplier)).ok()
    }

    /// The digest of this participant's card.
    pub fn card(&self, supplier: &SupplierId) -> Option<Hash256> {
        self.position(supplier).and_then(|place| self.entries.get(place)).map(|(_, digest)| *digest)
    }

    /// Those with whom this supplier shares a mask: all others. (The one place to thin the graph out in, once there are
    /// more than about a hundred suppliers.)
    pub(crate) fn peers_of<'a>(&'a self, supplier: &'a SupplierId) -> impl Iterator<Item = &'a SupplierId> {
        self.suppliers().filter(move |other| *other != supplier)
    }

    /// hash(P). It binds query, attempt and roster through the cards' digests.
    pub fn hash(&self) -> Hash256 {
        self.hash
    }
}
