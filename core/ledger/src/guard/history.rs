//! What the log remembers of the sets of suppliers that were, or may have been, added up.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId, SupplierId};

use crate::entry::{Entry, FinalEntry, ParticipantsEntry, VoidEntry};
use crate::guard::partition::{Partition, Place};
use crate::guard::{Differencing, Earlier, GuardRefusal, Known};
use crate::query::QueryEntry;

struct Query {
    id: QueryId,
    /// c, as its entry says: it counts where its roster is not at hand.
    collusion: usize,
    known: Known,
}

struct LoggedSet {
    at: u64,
    /// None where no query stands at the index that the entry names: such a set counts like one that cannot be read.
    query: Option<QueryId>,
    about: u64,
    entry: ParticipantsEntry,
    places: Vec<Place>,
}

impl LoggedSet {
    fn is_like(&self, other: &Self) -> bool {
        self.query == other.query && self.entry.attempt == other.entry.attempt && self.places == other.places
    }
}

/// A fold over the entries of the log, in their order.
#[derive(Default)]
pub struct History {
    places: BTreeMap<SupplierId, Place>,
    names: Vec<SupplierId>,
    queries: BTreeMap<u64, Query>,
    sets: Vec<LoggedSet>,
    /// Where each void certificate stands.
    voids: BTreeMap<QueryId, u64>,
    /// Where each final certificate stands, and the attempt and submissions that it is about. Not whom it names: what a
    /// set is left out for must never be something that the log's writer can put beside a vote by itself.
    finals: BTreeMap<QueryId, (u64, u32, Hash256)>,
}

impl History {
    /// Before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the entry at this index into account; `known` tells what is known of a query beyond its entry. Certificates
    /// that do not hold count for nothing: whoever writes the log must not be able to make the guard forget.
    pub fn observe(&mut self, at: u64, entry: &Entry, known: impl FnOnce(&QueryEntry) -> Known) {
        match entry {
            Entry::Query(query) => {
                let collusion = usize::try_from(query.collusion).unwrap_or(usize::MAX);
                self.queries.insert(at, Query { id: query.id(), collusion, known: known(query) });
            }
            Entry::Participants(entry) => self.observe_set(at, entry),
            Entry::Final(entry) => self.observe_final(at, entry),
            Entry::Void(entry) => self.observe_void(at, entry),
            _ => {}
        }
    }

    fn observe_set(&mut self, at: u64, entry: &ParticipantsEntry) {
        let query = self.queries.get(&entry.query).map(|query| query.id);
        let places = entry.participants.iter().map(|supplier| self.place(supplier)).collect();
        self.sets.push(LoggedSet { at, query, about: entry.query, entry: entry.clone(), places });
    }

    fn observe_final(&mut self, at: u64, entry: &FinalEntry) {
        let Some(set) = self.set_at(entry.participants) else { return };
        let Some(query) = self.queries.get(&entry.query).filter(|query| set.query == Some(query.id)) else { return };
        let scope = query.known.scope.as_ref();
        if scope.is_some_and(|scope| entry.verify(&query.id, &set.entry, scope).is_ok()) {
            let value = (at, set.entry.attempt, set.entry.submissions);
            self.finals.entry(query.id).or_insert(value);
        }
    }

    fn observe_void(&mut self, at: u64, entry: &VoidEntry) {
        let Some(query) = self.queries.get(&entry.query) else { return };
        if query.known.scope.as_ref().is_some_and(|scope| entry.verify(&query.id, scope).is_ok()) {
            self.voids.entry(query.id).or_insert(at);
        }
    }

    fn place(&mut self, supplier: &SupplierId) -> Place {
        if let Some(place) = self.places.get(supplier) {
            return *place;
        }
        // No log of 65,535-byte entries names 2^32 suppliers.
        let place = Place::try_from(self.names.len()).unwrap_or(Place::MAX);
        self.names.push(supplier.clone());
        self.places.insert(supplier.clone(), place);
        place
    }

    /// Whether the final or void certificate at index `at` was checked and is the first of its kind that holds for the
    /// query at index `query`.
    pub fn certified(&self, query: u64, at: u64) -> bool {
        let Some(query) = self.queries.get(&query) else { return false };
        let made_final = self.finals.get(&query.id).is_some_and(|(first, ..)| *first == at);
        made_final || self.voids.get(&query.id) == Some(&at)
    }

    /// What is known of the query at this index beyond its entry.
    pub fn known(&self, query: u64) -> Option<&Known> {
        self.queries.get(&query).map(|query| &query.known)
    }

    fn set_at(&self, at: u64) -> Option<&LoggedSet> {
        self.sets.binary_search_by_key(&at, |set| set.at).ok().and_then(|nth| self.sets.get(nth))
    }

    /// The index of the first entry of the attempt and set that the entry at this index is about: itself, unless it
    /// was logged twice. Under other names it is another set, however alike: sets logged between the two were held
    /// against those names, and not against these.
    pub fn first_of(&self, at: u64) -> u64 {
        let Some(candidate) = self.set_at(at) else { return at };
        self.sets.iter().find(|set| set.is_like(candidate)).map_or(at, |set| set.at)
    }

    /// Whether the attempt whose participants entry stands at this index may be made final. `waived` are the suppliers
    /// that have waived for the dataset.
    ///
    /// # Errors
    /// Which suppliers would be given away, or that the query cannot be read here.
    pub fn judge(&self, at: u64, waived: &BTreeSet<SupplierId>) -> Result<(), GuardRefusal> {
        let candidate = self.set_at(at).ok_or(GuardRefusal::NotLogged(at))?;
        let query = self.queries.get(&candidate.about).ok_or(GuardRefusal::NotLogged(candidate.about))?;
        self.compare(query, &candidate.places, self.first_of(at), waived)
    }

    /// Whether these suppliers may be added up for the query at this index, as the log stands: what the coordinator asks
    /// before it pairs them, and what an analyst is told beforehand.
    ///
    /// # Errors
    /// As [`History::judge`].
    pub fn foresee(
        &mut self,
        query: u64,
        suppliers: &[SupplierId],
        waived: &BTreeSet<SupplierId>,
    ) -> Result<(), GuardRefusal> {
        let places: Vec<Place> = suppliers.iter().map(|supplier| self.place(supplier)).collect();
        let query = self.queries.get(&query).ok_or(GuardRefusal::NotLogged(query))?;
        self.compare(query, &places, u64::MAX, waived)
    }

    /// As [`History::foresee`], for a query that does not stand in the log yet.
    ///
    /// # Errors
    /// As [`History::judge`].
    pub fn would_refuse(
        &mut self,
        id: QueryId,
        known: Known,
        suppliers: &[SupplierId],
        waived: &BTreeSet<SupplierId>,
    ) -> Result<(), GuardRefusal> {
        let places: Vec<Place> = suppliers.iter().map(|supplier| self.place(supplier)).collect();
        self.compare(&Query { id, collusion: 0, known }, &places, u64::MAX, waived)
    }

    fn compare(
        &self,
        query: &Query,
        candidate: &[Place],
        before: u64,
        waived: &BTreeSet<SupplierId>,
    ) -> Result<(), GuardRefusal> {
        if matches!(query.known.about, super::About::Noised { .. }) {
            return Ok(());
        }
        let scope = match (&query.known.about, &query.known.scope) {
            (super::About::Known { .. }, Some(scope)) => scope,
            _ => return Err(GuardRefusal::Unreadable),
        };
        let compared: Vec<&LoggedSet> =
            self.sets.iter().take_while(|set| set.at < before).filter(|set| self.counts(set, query, before)).collect();
        let collusions = compared.iter().filter_map(|set| self.collusion(set));
        let wanted = collusions.fold(scope.collusion(), usize::max).saturating_add(2);
        let waivers: Vec<bool> = self.names.iter().map(|name| waived.contains(name)).collect();
        let has_waived = |place: Place| waivers.get(place as usize).copied().unwrap_or(false);
        let mut partition = Partition::new(self.names.len(), wanted, &has_waived);
        let sets = compared.iter().map(|set| (Some(Earlier { at: set.at, query: set.query }), set.places.as_slice()));
        for (with, set) in std::iter::once((None, candidate)).chain(sets) {
            partition.cut(set).map_err(|part| Differencing {
                part: part.members.iter().filter_map(|place| self.names.get(*place as usize)).cloned().collect(),
                unwaived: part.unwaived,
                wanted,
                with,
            })?;
        }
        Ok(())
    }

    fn collusion(&self, set: &LoggedSet) -> Option<usize> {
        let query = self.queries.get(&set.about)?;
        Some(query.known.scope.as_ref().map_or(query.collusion, crate::roster::Scope::collusion))
    }

    /// Whether an earlier set is compared with an attempt at this query. A quorum signs one final statement for each query:
    /// where it is about other submissions than this set's, this set was not opened, and never will be. One and the same
    /// submissions under several lists of names count under each of them, whichever of them the quorum has signed.
    fn counts(&self, set: &LoggedSet, query: &Query, before: u64) -> bool {
        let Some(id) = set.query else { return true };
        if id == query.id {
            return false;
        }
        let void = self.voids.get(&id).is_some_and(|at| *at < before);
        let final_elsewhere = self.finals.get(&id).is_some_and(|(at, attempt, submissions)| {
            *at < before && (*attempt != set.entry.attempt || *submissions != set.entry.submissions)
        });
        let theirs = self.queries.get(&set.about);
        let near = theirs.is_none_or(|theirs| theirs.known.about.may_overlap(&query.known.about));
        near && !void && !final_elsewhere
    }
}
