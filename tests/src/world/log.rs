//! The log of the simulated world: append-only, and the same for everybody, since witnesses see to that. Whoever writes
//! it may write anything, and may keep documents that stand beside it from whomever it likes.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::entry::{DocumentChange, DocumentEntry, Entry, FinalEntry, ParticipantsEntry, Subject, VoidEntry};
use optelsom_ledger::{IdentityKey, QueryEntry, Roster};
use optelsom_secagg::Round;
use optelsom_secagg::messages::Certificate;

use crate::questions::{CODEBOOK, CODEBOOK_DOCUMENT, agreement};

/// Entries and documents.
#[derive(Debug)]
pub struct Log {
    entries: Vec<Entry>,
    documents: BTreeMap<Hash256, Vec<u8>>,
    withheld: BTreeMap<SupplierId, BTreeSet<Hash256>>,
    operator: IdentityKey,
}

impl Log {
    /// A log with the codebook and a roster in it.
    pub fn new(operator: IdentityKey, roster: &Roster) -> Self {
        let mut log = Self { entries: Vec::new(), documents: BTreeMap::new(), withheld: BTreeMap::new(), operator };
        log.document(Subject::Codebook, CODEBOOK_DOCUMENT, CODEBOOK.hash());
        log.roster(roster);
        log
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds any entry; yields its index.
    pub fn push(&mut self, entry: Entry) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64 - 1
    }

    /// Keeps a document beside the log.
    pub fn keep(&mut self, document: &[u8]) -> Hash256 {
        let digest = Hash256::of(document);
        self.documents.insert(digest, document.to_vec());
        digest
    }

    /// Never gives this document to this supplier.
    pub fn withhold(&mut self, document: Hash256, from: &SupplierId) {
        self.withheld.entry(from.clone()).or_default().insert(document);
    }

    /// The document of this digest, as far as this supplier gets it.
    pub fn document_for(&self, supplier: &SupplierId, digest: &Hash256) -> Option<Vec<u8>> {
        let withheld = self.withheld.get(supplier).is_some_and(|withheld| withheld.contains(digest));
        self.documents.get(digest).filter(|_| !withheld).cloned()
    }

    fn newest(&self, subject: &Subject) -> Option<u64> {
        let entries = (0..).zip(&self.entries);
        let of_subject =
            entries.filter(|(_, entry)| matches!(entry, Entry::Document(entry) if entry.change().subject == *subject));
        of_subject.map(|(at, _)| at).last()
    }

    fn document(&mut self, subject: Subject, document: &str, named: Hash256) -> u64 {
        let predecessor = self.newest(&subject);
        let change = DocumentChange { subject, document: self.keep(document.as_bytes()), named, predecessor };
        let signature = change.sign(&self.operator);
        let Ok(entry) = DocumentEntry::new(change, signature) else { unreachable!("no agreement") };
        self.push(Entry::Document(entry))
    }

    /// Logs a roster as the one in force from here.
    pub fn roster(&mut self, roster: &Roster) -> u64 {
        self.document(Subject::Roster, &roster.to_toml(), roster.hash())
    }

    /// Logs a query, unless it stands there already.
    pub fn query(&mut self, query: &QueryEntry, document: &[u8]) -> u64 {
        self.keep(document);
        self.index_of(&query.id()).unwrap_or_else(|| self.push(Entry::Query(query.clone())))
    }

    /// Logs an agreement on victims as this supplier's, signed with whatever key is given.
    pub fn agreement(&mut self, supplier: &SupplierId, waives: bool, key: &IdentityKey) -> u64 {
        let version = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let document = self.keep(agreement(supplier, version, waives).as_bytes());
        let predecessor = self.newest(&Subject::Agreement(supplier.clone()));
        let entry = DocumentEntry::agreement(supplier.clone(), document, document, predecessor, |change| {
            (change.sign(&self.operator), change.sign(key))
        });
        self.push(Entry::Document(entry))
    }

    /// Where a query stands first.
    pub fn index_of(&self, query: &QueryId) -> Option<u64> {
        let mut entries = (0..).zip(&self.entries);
        entries.find_map(|(at, entry)| matches!(entry, Entry::Query(entry) if entry.id() == *query).then_some(at))
    }

    /// The query at this index.
    pub fn query_at(&self, index: u64) -> Option<&QueryEntry> {
        match usize::try_from(index).ok().and_then(|index| self.entries.get(index)) {
            Some(Entry::Query(query)) => Some(query),
            _ => None,
        }
    }

    /// The participants entry at this index.
    pub fn participants_at(&self, index: u64) -> Option<&ParticipantsEntry> {
        match usize::try_from(index).ok().and_then(|index| self.entries.get(index)) {
            Some(Entry::Participants(entry)) => Some(entry),
            _ => None,
        }
    }

    /// Logs who takes part in an attempt, unless that stands there already. None, if the query does not.
    pub fn participants(&mut self, round: &Round, certificate: &Certificate) -> Option<u64> {
        if let Some(at) = self.listed(round, certificate) {
            return Some(at);
        }
        let entry = self.participants_entry(round, certificate)?;
        Some(self.push(Entry::Participants(entry)))
    }

    /// Where the participants of an attempt stand.
    pub fn listed(&self, round: &Round, certificate: &Certificate) -> Option<u64> {
        let wanted = Entry::Participants(self.participants_entry(round, certificate)?);
        (0..).zip(&self.entries).find(|(_, entry)| **entry == wanted).map(|(at, _)| at)
    }

    fn participants_entry(&self, round: &Round, certificate: &Certificate) -> Option<ParticipantsEntry> {
        Some(ParticipantsEntry {
            query: self.index_of(&round.query)?,
            attempt: round.attempt.number(),
            participants: certificate.participants.suppliers().cloned().collect(),
            submissions: certificate.statement().submissions(round),
            certificate: certificate.digest(round),
        })
    }

    /// The final certificates before this index, each with where it stands.
    pub fn finals(&self, before: u64) -> impl Iterator<Item = &FinalEntry> {
        (0..before).zip(&self.entries).filter_map(|(_, entry)| match entry {
            Entry::Final(entry) => Some(entry),
            _ => None,
        })
    }

    /// The void certificates before this index.
    pub fn voids(&self, before: u64) -> impl Iterator<Item = &VoidEntry> {
        (0..before).zip(&self.entries).filter_map(|(_, entry)| match entry {
            Entry::Void(entry) => Some(entry),
            _ => None,
        })
    }
}
