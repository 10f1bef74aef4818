//! What a log tells of each query, put together from its entries: who asked, on what ground, who answered or refused,
//! how it ended. Every fact carries the index of the entry that says so.

use std::collections::BTreeMap;

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId, Timestamp};

use crate::entry::{DocumentChange, Ending, Entry, ReasonCode, RefusedBy, ReleaseEntry};
use crate::query::QueryEntry;

/// A fact, and the index of the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged<T> {
    /// Index of the entry, from 0.
    pub at: u64,
    /// What it says.
    pub fact: T,
}

/// Who takes part in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// α, from 1.
    pub number: u32,
    /// The participants, by name.
    pub participants: Vec<SupplierId>,
    /// The digest of what final votes are about: their names, and all that they have submitted.
    pub statement: Hash256,
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A table was released.
    Release(ReleaseEntry),
    /// Without one, for this reason.
    Without {
        /// How.
        ending: Ending,
        /// Why.
        reason: ReasonCode,
    },
}

/// All that the log tells of one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryAccount {
    /// Index of its entry.
    pub at: u64,
    /// λ.
    pub id: QueryId,
    /// The entry.
    pub entry: QueryEntry,
    /// The entry that carries the requester's signature, and who approved, where a second person did.
    pub authorised: Option<Logged<Option<String>>>,
    /// Suppliers that refused their data, and why.
    pub refusals: Vec<Logged<(SupplierId, ReasonCode)>>,
    /// The attempts that were certified, in the order of the log.
    pub attempts: Vec<Logged<Attempt>>,
    /// Index of the participants entry that was made final.
    pub finality: Option<Logged<u64>>,
    /// How it ended, if it has.
    pub end: Option<Logged<End>>,
}

impl QueryAccount {
    /// The attempt that counts: the one made final, or else the latest.
    pub fn attempt(&self) -> Option<&Logged<Attempt>> {
        let made_final = self.finality.as_ref().map(|finality| finality.fact);
        let chosen = self.attempts.iter().find(|attempt| Some(attempt.at) == made_final);
        chosen.or(self.attempts.last())
    }

    /// The indexes of all entries that speak of it, its own first.
    pub fn entries(&self) -> Vec<u64> {
        let mut entries = vec![self.at];
        entries.extend(self.authorised.iter().map(|logged| logged.at));
        entries.extend(self.refusals.iter().map(|logged| logged.at));
        entries.extend(self.attempts.iter().map(|logged| logged.at));
        entries.extend(self.finality.iter().map(|logged| logged.at));
        entries.extend(self.end.iter().map(|logged| logged.at));
        entries.sort_unstable();
        entries
    }
}

/// The announcement of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionAccount {
    /// The dataset.
    pub dataset: String,
    /// Its name.
    pub edition: EditionId,
    /// The moment of freezing.
    pub frozen_at: Timestamp,
}

/// What a log tells; a fold over its entries.
#[derive(Clone, Debug, Default)]
pub struct Account {
    queries: BTreeMap<u64, QueryAccount>,
    documents: Vec<Logged<DocumentChange>>,
    editions: Vec<Logged<EditionAccount>>,
}

impl Account {
    /// Takes the entry at this index into account. What speaks of no query that stands before it is left out: the
    /// audit finds it.
    pub fn observe(&mut self, at: u64, entry: &Entry) {
        match entry {
            Entry::Query(entry) => drop(self.queries.insert(at, asked(at, entry))),
            Entry::Document(entry) => self.documents.push(Logged { at, fact: entry.change().clone() }),
            Entry::Edition(entry) => {
                let (dataset, edition) = (entry.dataset.clone(), entry.edition.clone());
                self.editions
                    .push(Logged { at, fact: EditionAccount { dataset, edition, frozen_at: entry.frozen_at } });
            }
            _ => self.goes_on(at, entry),
        }
    }

    fn goes_on(&mut self, at: u64, entry: &Entry) {
        let Some(query) = entry.about().and_then(|index| self.queries.get_mut(&index)) else { return };
        match entry {
            Entry::Authorisation(entry) if query.authorised.is_none() => {
                let approver = entry.approval.as_ref().map(|approval| approval.approver.clone());
                query.authorised = Some(Logged { at, fact: approver });
            }
            Entry::Participants(entry) => {
                let (participants, statement) = (entry.participants.clone(), entry.statement());
                let attempt = Attempt { number: entry.attempt, participants, statement };
                query.attempts.push(Logged { at, fact: attempt });
            }
            Entry::Final(entry) if query.finality.is_none() => {
                query.finality = Some(Logged { at, fact: entry.participants });
            }
            Entry::Refusal(entry) => match &entry.by {
                RefusedBy::Supplier(supplier) => {
                    query.refusals.push(Logged { at, fact: (supplier.clone(), entry.reason.clone()) });
                }
                RefusedBy::Coordinator => query.ended(at, without(Ending::Refusal, &entry.reason)),
            },
            Entry::Release(entry) => query.ended(at, End::Release(entry.clone())),
            Entry::Abandonment(entry) => query.ended(at, without(Ending::Abandonment, &entry.reason)),
            Entry::Void(entry) => query.ended(at, without(Ending::Void, &entry.reason)),
            Entry::Spent(entry) => query.ended(at, without(Ending::Spent, &entry.reason)),
            _ => {}
        }
    }

    /// The queries, in the order of the log.
    pub fn queries(&self) -> impl Iterator<Item = &QueryAccount> {
        self.queries.values()
    }

    /// The query of this λ.
    pub fn query(&self, id: &QueryId) -> Option<&QueryAccount> {
        self.queries.values().find(|query| query.id == *id)
    }

    /// The changes of roster, codebook, agreements, policy and software, in the order of the log.
    pub fn documents(&self) -> &[Logged<DocumentChange>] {
        &self.documents
    }

    /// The editions that were announced, in the order of the log.
    pub fn editions(&self) -> &[Logged<EditionAccount>] {
        &self.editions
    }
}

impl QueryAccount {
    fn ended(&mut self, at: u64, end: End) {
        self.end.get_or_insert(Logged { at, fact: end });
    }
}

fn without(ending: Ending, reason: &ReasonCode) -> End {
    End::Without { ending, reason: reason.clone() }
}

fn asked(at: u64, entry: &QueryEntry) -> QueryAccount {
    QueryAccount {
        at,
        id: entry.id(),
        entry: entry.clone(),
        authorised: None,
        refusals: Vec::new(),
        attempts: Vec::new(),
        finality: None,
        end: None,
    }
}
