//! Whether every attempt that was made final had passed the guard against differencing ([`crate::guard`]).
//!
//! The guard compares an attempt with all sets before it. Over a whole log that would take time in the square of its
//! length; but most sets stand there many times over, so a verdict is kept as long as nothing came to the log that
//! could change it to the worse.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::{Entry, FinalEntry, ParticipantsEntry, Subject};
use crate::guard::GuardRefusal;
use crate::view::{Documents, LogView};

/// What matters of a set to the guard: what its query is about, c, and who is in it; as one comparable text.
type Likeness = String;

/// A fold over the entries of the log, in their order.
#[derive(Default)]
pub(super) struct Guarded {
    view: LogView,
    /// Of each query, c as its entry says: it counts where its roster is not at hand.
    collusions: BTreeMap<u64, u64>,
    /// Of each query, its sets so far.
    sets: BTreeMap<u64, Vec<(u64, Likeness)>>,
    /// What is compared with whatever comes. Sets that may have been left out since are not in it.
    present: BTreeSet<Likeness>,
    /// How often something was added to `present`.
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
            Entry::Query(entry) => drop(self.collusions.insert(at, entry.collusion)),
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
        let likeness = format!(
            "{:?} {:?} {:?} {:?}",
            self.collusions.get(&entry.query),
            known.map(|known| &known.about),
            known.and_then(|known| known.scope.as_ref()).map(crate::roster::Scope::collusion),
            entry.participants
        );
        let sets = self.sets.entry(entry.query).or_default();
        // A query's own sets are not compared with each other, so that its verdict says less than another's would.
        let alone = sets.is_empty();
        sets.push((at, likeness.clone()));
        self.version += u64::from(self.present.insert(likeness.clone()));
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
        let likeness =
            self.sets.get(&entry.query).and_then(|sets| sets.iter().find(|(at, _)| *at == entry.participants));
        let kept = likeness.map(|(_, likeness)| likeness.clone());
        self.left_out(entry.query, kept);
    }

    /// The sets of this query, but for those like the one made final, may be left out from here on.
    fn left_out(&mut self, query: u64, kept: Option<Likeness>) {
        for (_, likeness) in self.sets.get(&query).into_iter().flatten() {
            if Some(likeness) != kept.as_ref() {
                self.present.remove(likeness);
            }
        }
    }
}
