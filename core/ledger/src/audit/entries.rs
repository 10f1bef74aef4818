//! Whether the entries make sense: on whose word, under which documents, with which end.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Codebook, Hash256, QueryId};

use crate::audit::account::Account;
use crate::audit::finding::Finding;
use crate::audit::guarded::Guarded;
use crate::audit::{Files, Policy, bytes_of, document_path};
use crate::entry::{
    AuthorisationEntry, DocumentEntry, Endings, Entry, FinalEntry, ParticipantsEntry, RefusalEntry, SigningError,
    Subject, VoidEntry,
};
use crate::leaf::Leaf;
use crate::query::{QueryEntry, SignedQuery};
use crate::roster::{Roster, Scope};

struct Query {
    entry: QueryEntry,
    id: QueryId,
    authorised: bool,
    /// Where it was made final or void.
    certified: Option<u64>,
    is_final: bool,
}

/// A fold over the entries.
pub(super) struct Reading<'a> {
    files: &'a Files,
    policy: &'a Policy,
    rosters: BTreeMap<Hash256, Roster>,
    newest_roster: Option<Hash256>,
    /// What queries may name: kind and hash.
    named: BTreeSet<(&'static str, Hash256)>,
    newest: BTreeMap<Subject, u64>,
    queries: BTreeMap<u64, Query>,
    ids: BTreeMap<QueryId, u64>,
    attempts: BTreeMap<u64, ParticipantsEntry>,
    /// Where each attempt at a query stands first.
    first_attempts: BTreeMap<(QueryId, u32), u64>,
    endings: Endings,
    account: Account,
    guarded: Guarded,
    documents: BTreeSet<Hash256>,
    findings: Vec<Finding>,
}

/// What the entries came to.
pub(super) struct Read {
    pub(super) findings: Vec<Finding>,
    pub(super) endings: Endings,
    pub(super) account: Account,
    /// The documents that entries name.
    pub(super) documents: BTreeSet<Hash256>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(files: &'a Files, policy: &'a Policy) -> Self {
        Self {
            files,
            policy,
            rosters: BTreeMap::new(),
            newest_roster: None,
            named: BTreeSet::new(),
            newest: BTreeMap::new(),
            queries: BTreeMap::new(),
            ids: BTreeMap::new(),
            attempts: BTreeMap::new(),
            first_attempts: BTreeMap::new(),
            endings: Endings::new(),
            account: Account::default(),
            guarded: Guarded::default(),
            documents: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, index: u64, leaf: &Leaf) {
        let files = self.files;
        let documents = |document: &Hash256| bytes_of(files, &document_path(document)).map(<[u8]>::to_vec);
        let entry = match Entry::from_bytes(leaf.as_bytes()) {
            Ok(entry) => entry,
            Err(cause) => {
                self.guarded.observe(None, &documents);
                return self.findings.push(Finding::EntryMalformed { index, cause });
            }
        };
        let breach = self.guarded.observe(Some(&entry), &documents);
        if !matches!(entry, Entry::Final(_)) {
            self.account.observe(index, &entry);
        }
        if let Err(fault) = self.endings.observe(index, &entry) {
            self.findings.push(Finding::Ending(fault));
        }
        let operator = &self.policy.operator;
        match entry {
            Entry::Query(query) => self.query(index, query),
            Entry::Authorisation(entry) => self.authorisation(index, &entry),
            Entry::Refusal(entry) => self.refusal(index, &entry),
            Entry::Participants(entry) => self.participants(index, entry),
            Entry::Final(entry) => {
                let breached = |cause| Finding::GuardBreached { index, participants: entry.participants, cause };
                self.findings.extend(breach.map(breached));
                if self.finality(index, &entry) {
                    self.account.observe(index, &Entry::Final(entry));
                }
            }
            Entry::Void(entry) => self.void(index, &entry),
            Entry::Release(entry) => self.needs_final(index, entry.query),
            Entry::Spent(entry) => {
                let checked = entry.verify(operator);
                self.signed(index, checked);
                self.needs_final(index, entry.query);
            }
            Entry::Abandonment(entry) => {
                let checked = entry.verify(operator);
                self.signed(index, checked);
            }
            Entry::Edition(entry) => {
                let checked = entry.verify(operator);
                self.signed(index, checked);
            }
            Entry::Document(entry) => self.document(index, &entry),
        }
    }

    /// What was found, and how the queries ended.
    pub(super) fn finish(mut self) -> Read {
        let silent = self.queries.iter().filter(|(_, query)| !query.authorised).map(|(index, _)| *index);
        self.findings.extend(silent.map(Finding::Unauthorised));
        Read { findings: self.findings, endings: self.endings, account: self.account, documents: self.documents }
    }

    fn signed(&mut self, index: u64, checked: Result<(), SigningError>) {
        self.findings.extend(checked.err().map(|cause| Finding::Signature { index, cause }));
    }

    fn query(&mut self, index: u64, entry: QueryEntry) {
        self.want_document(index, entry.query);
        let goes_by = [("roster", entry.roster), ("codebook", entry.codebook), ("policy", entry.disclosure_policy)];
        for (kind, hash) in goes_by {
            if !self.named.contains(&(kind, hash)) {
                self.findings.push(Finding::NotLogged { index, kind, hash });
            }
        }
        let id = entry.id();
        match self.ids.get(&id) {
            Some(first) => self.findings.push(Finding::QueryTwice { id, first: *first, second: index }),
            None => drop(self.ids.insert(id, index)),
        }
        self.queries.insert(index, Query { entry, id, authorised: false, certified: None, is_final: false });
    }

    fn authorisation(&mut self, index: u64, entry: &AuthorisationEntry) {
        // That no query stands there is an ending's fault, and found there.
        let Some(query) = self.queries.get_mut(&entry.query) else { return };
        if query.authorised {
            self.findings.push(Finding::AuthorisedTwice { index, query: entry.query });
            return;
        }
        query.authorised = true;
        // That its roster was not logged is found with the query.
        let Some(roster) = self.rosters.get(&query.entry.roster) else { return };
        let signed = SignedQuery { entry: query.entry.clone(), signature: entry.requester };
        let checked = entry.verify(&signed, self.policy.approvals, roster);
        self.findings.extend(checked.err().map(|cause| Finding::Authorisation { index, cause }));
    }

    fn scope(&self, query: u64) -> Option<(QueryId, Scope)> {
        let query = self.queries.get(&query)?;
        let scope = self.rosters.get(&query.entry.roster)?.scope(&query.entry.scope).ok()?;
        Some((query.id, scope))
    }

    fn refusal(&mut self, index: u64, entry: &RefusalEntry) {
        let Some((id, scope)) = self.scope(entry.query) else { return };
        let checked = entry.verify(&id, &scope, &self.policy.operator);
        self.signed(index, checked);
    }

    fn participants(&mut self, index: u64, entry: ParticipantsEntry) {
        if let Some((_, scope)) = self.scope(entry.query) {
            let stranger = entry.participants.iter().find(|supplier| scope.member(supplier).is_none());
            let cause = stranger.map(|supplier| SigningError::NotInScope(supplier.clone()));
            self.findings.extend(cause.map(|cause| Finding::Signature { index, cause }));
        }
        self.once(index, &entry);
        self.documents.insert(entry.certificate);
        self.attempts.insert(index, entry);
    }

    /// An attempt has one list of names and one content, however often it is logged.
    fn once(&mut self, index: u64, entry: &ParticipantsEntry) {
        let (query, attempt) = (entry.query, entry.attempt);
        let Some(id) = self.queries.get(&query).map(|query| query.id) else { return };
        let earlier = *self.first_attempts.entry((id, attempt)).or_insert(index);
        let Some(first) = self.attempts.get(&earlier) else { return };
        if first.submissions != entry.submissions {
            self.findings.push(Finding::AttemptTwice { index, query, attempt, earlier });
        } else if first.participants != entry.participants {
            self.findings.push(Finding::NamesDiffer { index, query, attempt, earlier });
        }
    }

    /// Whether it makes an attempt final: one that does not hold is found, and says nothing else.
    fn finality(&mut self, index: u64, entry: &FinalEntry) -> bool {
        let attempt = self.attempts.get(&entry.participants).filter(|attempt| attempt.query == entry.query);
        let Some(attempt) = attempt else {
            let wanted = "the participants of the same query";
            self.findings.push(Finding::Reference { index, of: entry.participants, wanted });
            return false;
        };
        let certified = self.guarded.certified(entry.query, index);
        let verify =
            |(id, scope): (QueryId, Scope)| if certified { Ok(()) } else { entry.verify(&id, attempt, &scope) };
        let checked = self.scope(entry.query).map(verify);
        // Without its roster nobody can say, and that this is missing is found by itself.
        let Some(checked) = checked else { return true };
        let holds = checked.is_ok();
        self.signed(index, checked);
        self.certified(index, entry.query, holds, true);
        holds
    }

    fn void(&mut self, index: u64, entry: &VoidEntry) {
        let Some((id, scope)) = self.scope(entry.query) else { return };
        let certified = self.guarded.certified(entry.query, index);
        let checked = if certified { Ok(()) } else { entry.verify(&id, &scope) };
        let holds = checked.is_ok();
        self.signed(index, checked);
        self.certified(index, entry.query, holds, false);
    }

    fn certified(&mut self, index: u64, query: u64, holds: bool, is_final: bool) {
        let Some(state) = self.queries.get_mut(&query).filter(|_| holds) else { return };
        match state.certified {
            Some(earlier) => self.findings.push(Finding::CertifiedTwice { index, query, earlier }),
            None => {
                state.certified = Some(index);
                state.is_final = is_final;
            }
        }
    }

    fn needs_final(&mut self, index: u64, query: u64) {
        if self.queries.get(&query).is_some_and(|state| !state.is_final) {
            self.findings.push(Finding::NotFinal { index, query });
        }
    }

    fn want_document(&mut self, index: u64, document: Hash256) {
        self.documents.insert(document);
        if bytes_of(self.files, &document_path(&document)).is_none() {
            self.findings.push(Finding::DocumentMissing { index, document });
        }
    }

    fn document(&mut self, index: u64, entry: &DocumentEntry) {
        let change = entry.change();
        let in_force = self.newest_roster.and_then(|hash| self.rosters.get(&hash));
        let checked = entry.verify(&self.policy.operator, in_force);
        self.signed(index, checked);
        if self.newest.insert(change.subject.clone(), index) != change.predecessor {
            self.findings.push(Finding::Chain { index });
        }
        self.want_document(index, change.document);
        let text = bytes_of(self.files, &document_path(&change.document)).map(String::from_utf8_lossy);
        let kind = match (&change.subject, text) {
            (Subject::Roster, Some(text)) => match Roster::parse(&text).ok().filter(|r| r.hash() == change.named) {
                Some(roster) => {
                    self.newest_roster = Some(roster.hash());
                    self.accepted(index, &roster);
                    self.rosters.insert(roster.hash(), roster);
                    "roster"
                }
                None => return self.mismatch(index, change.document, "roster"),
            },
            (Subject::Codebook, Some(text)) => match Codebook::parse(&text) {
                Ok(codebook) if codebook.hash() == change.named => "codebook",
                _ => return self.mismatch(index, change.document, "codebook"),
            },
            (Subject::Roster | Subject::Codebook, None) => return,
            (Subject::Policy, _) => "policy",
            (Subject::Agreement(_), _) => "agreement",
            (Subject::Software, _) => "software",
        };
        self.named.insert((kind, change.named));
    }

    fn accepted(&mut self, index: u64, roster: &Roster) {
        let (faulty, collusion) = (self.policy.committee.faulty(), roster.collusion());
        if faulty < collusion {
            self.findings.push(Finding::TooTrusting { index, collusion, faulty });
        }
        let accepted = &self.policy.rosters;
        if !accepted.is_empty() && !accepted.contains(&roster.hash()) {
            self.findings.push(Finding::RosterNotAccepted { index, roster: roster.hash() });
        }
    }

    fn mismatch(&mut self, index: u64, document: Hash256, kind: &'static str) {
        self.findings.push(Finding::DocumentMismatch { index, document, kind });
    }
}
