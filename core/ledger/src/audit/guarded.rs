//! Whether every attempt that was made final had passed the guard against differencing ([`crate::guard`]).
//!
//! The guard compares an attempt with all sets before it. Over a whole log that would take time in the square of its
//! length; but most sets stand there many times over, so a verdict is kept as long as nothing came to the log that
//! could change it to the worse.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId};

use crate::entry::{Entry, FinalEntry, ParticipantsEntry, Subject};
use crate::guard::GuardRefusal;
use crate::roster::Scope;
use crate::view::{Documents, LogView};

/// What matters of a set to the guard: what its query is about, c, and who is in it; as one comparable text.
type Likeness = String;

/// α, and the digest of what was submitted. By that, and never by names, the guard tells whether an attempt is the one
/// that was made final.
type Submitted = (u32, Hash256);

struct Listed {
    at: u64,
    submitted: Submitted,
    likeness: Likeness,
}

/// A fold over the entries of the log, in their order.
#[derive(Default)]
pub(super) struct Guarded {
    view: LogView,
    /// Of each entry of a query, λ, and c as the entry says: it counts where its roster is not at hand.
    queries: BTreeMap<u64, (QueryId, u64)>,
    /// Of each query, its sets so far, wherever it was logged; under none those of no query.
    sets: BTreeMap<Option<QueryId>, Vec<Listed>>,
    /// The queries whose sets may have been left out, by a certificate whether or not it holds.
    settled: BTreeSet<Option<QueryId>>,
    /// What is compared with whatever comes. Sets that may have been left out since are not in it.
    present: BTreeSet<Likeness>,
    /// How often something came that may be compared with what comes, and was not before.
    version: u64,
    /// What has passed, and at which version.
    passed: BTreeMap<Likeness, u64>,
    refused: BTreeMap<u64, GuardRefusal>,
}

impl Guarded {
    /// Takes the next entry into account; none if it cannot be read. For a final entry: why the guard would have refused
    /// the attempt that it makes final.
    pub(super) fn observe(&mut self, entry: Option<&Entry>, documents: Documents<'_>) -> Option<GuardRefusal> {
        let at = self.view.size();
        // What it says of endings is found by the audit itself.
        let _ = self.view.observe(entry, documents);
        match entry? {
            Entry::Query(entry) => drop(self.queries.insert(at, (entry.id(), entry.collusion))),
            Entry::Participants(entry) => self.judge(at, entry),
            Entry::Final(entry) => {
                self.made_final(entry);
                return self.refused.get(&entry.participants).cloned();
            }
            Entry::Void(entry) => self.left_out(entry.query, None),
            Entry::Document(entry) if matches!(entry.change().subject, Subject::Agreement(_)) => self.passed.clear(),
            _ => {}
        }
        None
    }

    /// Whether the certificate at index `at` was found to hold already: what was checked once is not checked again.
    pub(super) fn certified(&self, query: u64, at: u64) -> bool {
        self.view.certified(query, at)
    }

    fn judge(&mut self, at: u64, entry: &ParticipantsEntry) {
        let known = self.view.known(entry.query);
        let query = self.queries.get(&entry.query);
        let likeness = format!(
            "{:?} {:?} {:?} {:?}",
            query.map(|(_, collusion)| collusion),
            known.map(|known| &known.about),
            known.and_then(|known| known.scope.as_ref()).map(Scope::collusion),
            entry.participants
        );
        let id = query.map(|(id, _)| *id);
        let sets = self.sets.entry(id).or_default();
        // A query's own sets are not compared with each other, so that its verdict says less than another's would.
        let alone = sets.is_empty();
        sets.push(Listed { at, submitted: (entry.attempt, entry.submissions), likeness: likeness.clone() });
        // One that may be left out itself is not there for others like it, which may not.
        let new = self.settled.contains(&id) || self.present.insert(likeness.clone());
        self.version += u64::from(new);
        if self.passed.get(&likeness) == Some(&self.version) {
            return;
        }
        match self.view.judge(at) {
            Ok(()) if alone => drop(self.passed.insert(likeness, self.version)),
            Ok(()) => {}
            Err(refusal) => drop(self.refused.insert(at, refusal)),
        }
    }

    fn made_final(&mut self, entry: &FinalEntry) {
        let id = self.queries.get(&entry.query).map(|(id, _)| *id);
        let mut sets = self.sets.get(&id).into_iter().flatten();
        let made_final = sets.find(|set| set.at == entry.participants).map(|set| set.submitted);
        self.left_out(entry.query, made_final);
    }

    /// The sets of the query at this index, but for those of what was made final, may be left out from here on.
    fn left_out(&mut self, query: u64, made_final: Option<Submitted>) {
        let id = self.queries.get(&query).map(|(id, _)| *id);
        self.settled.insert(id);
        let sets = self.sets.get(&id).into_iter().flatten();
        let (kept, left): (Vec<&Listed>, Vec<&Listed>) = sets.partition(|set| Some(set.submitted) == made_final);
        let kept: BTreeSet<&Likeness> = kept.into_iter().map(|set| &set.likeness).collect();
        for set in left.into_iter().filter(|set| !kept.contains(&set.likeness)) {
            self.present.remove(&set.likeness);
        }
    }
}
