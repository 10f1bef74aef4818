//! The audit of an exported log: a good one passes, every flipped bit is found and named, and so is what a coordinator
//! could do that holds its own keys.

use std::collections::BTreeSet;

use optelsom_codebook::{Codebook, Hash256};
use optelsom_ledger::audit::{
    CHECKPOINT, Files, Finding, Place, Policy, RELEASE_FILES, Report, audit, document_path, release_folder,
};
use optelsom_ledger::entry::{
    AbandonmentEntry, ApprovalRule, Ending, EndingFault, Entry, FinalEntry, Outcome, RefusalEntry, ReleaseEntry,
    Subject, Votes, salted_digest,
};
use optelsom_ledger::note::CommitteeError;
use optelsom_ledger::tiles::TilePath;
use optelsom_ledger::{Member, Requester, Roster};

use crate::fixture::{CODEBOOK, Federation, Log, key, numbered, reason, supplier};

/// A log and the documents beside it.
pub(crate) struct Book {
    pub(crate) federation: Federation,
    pub(crate) log: Log,
    pub(crate) documents: Vec<Vec<u8>>,
}

pub(crate) const FIRST_QUERY: u64 = 3;
const TABLE: &[u8] = b"{\"rows\":[]}";
const SALT: [u8; 32] = [9; 32];
const PROOF: &[u8] = b"proof";
const COMMITMENTS: &[u8] = b"commitments";

impl Book {
    /// The documents that queries go by.
    pub(crate) fn opened() -> Self {
        Self::of(4)
    }

    /// The same, of so many suppliers.
    pub(crate) fn of(suppliers: usize) -> Self {
        let mut book = Self { federation: Federation::new(suppliers, 1), log: Log::default(), documents: Vec::new() };
        let roster = book.federation.roster.clone();
        book.document(Subject::Roster, roster.to_toml().as_bytes(), roster.hash(), None);
        let codebook = Codebook::parse(CODEBOOK).unwrap().hash();
        book.document(Subject::Codebook, CODEBOOK.as_bytes(), codebook, None);
        book.document(Subject::Policy, b"policy", Hash256::of(b"policy"), None);
        book
    }

    /// And one query from asking to release.
    pub(crate) fn good() -> Self {
        let mut book = Self::opened();
        let query = book.ask(1);
        let attempt = book.attempt(query);
        book.finish(query, attempt);
        book.release(query);
        book
    }

    pub(crate) fn document(&mut self, subject: Subject, text: &[u8], named: Hash256, after: Option<u64>) -> u64 {
        self.documents.push(text.to_vec());
        let entry = self.federation.document_entry(subject, text, named, after);
        self.log.push(&entry)
    }

    pub(crate) fn ask(&mut self, seed: u8) -> u64 {
        let query = self.log.push(&Entry::Query(self.federation.query(seed)));
        self.documents.push(self.federation.document(seed));
        self.log.push(&self.federation.authorisation(query, seed));
        query
    }

    fn attempt(&mut self, query: u64) -> u64 {
        self.attempt_of(query, 1, 0..4)
    }

    pub(crate) fn attempt_of(&mut self, query: u64, attempt: u32, suppliers: impl IntoIterator<Item = usize>) -> u64 {
        let participants = suppliers.into_iter().map(supplier).collect();
        self.log.push(&Entry::Participants(self.federation.participants(query, attempt, participants)))
    }

    pub(crate) fn finality(&self, query: u64, attempt: u64) -> FinalEntry {
        let read = |at: u64| Entry::from_bytes(self.log.leaves[at as usize].as_bytes()).unwrap();
        let (Entry::Query(entry), Entry::Participants(list)) = (read(query), read(attempt)) else { panic!() };
        self.federation.finality(entry.id(), attempt, &list)
    }

    pub(crate) fn finish(&mut self, query: u64, attempt: u64) -> u64 {
        let entry = self.finality(query, attempt);
        self.log.push(&Entry::Final(entry))
    }

    pub(crate) fn release(&mut self, query: u64) -> u64 {
        self.log.push(&Entry::Release(ReleaseEntry {
            query,
            outcome: Outcome::Complete,
            table: salted_digest(&SALT, TABLE),
            hidden: vec![(reason("too-few"), 3)],
            participants: Hash256::of(COMMITMENTS),
            proof: Hash256::of(PROOF),
        }))
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            log: self.federation.log.verifier().clone(),
            committee: self.federation.committee.clone(),
            operator: self.federation.operator.public(),
            approvals: ApprovalRule::OnePerson,
            rosters: BTreeSet::new(),
        }
    }

    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        files.insert(CHECKPOINT.to_owned(), self.federation.cosigned(&self.log).to_bytes());
        for path in TilePath::all(self.log.edge.size()) {
            files.insert(path.to_string(), self.log.tiles[&path].clone());
        }
        for document in &self.documents {
            files.insert(document_path(&Hash256::of(document)), document.clone());
        }
        for leaf in &self.log.leaves {
            let Ok(Entry::Release(release)) = Entry::from_bytes(leaf.as_bytes()) else { continue };
            let Ok(Entry::Query(query)) = Entry::from_bytes(self.log.leaves[release.query as usize].as_bytes()) else {
                continue;
            };
            for (name, bytes) in RELEASE_FILES.into_iter().zip([TABLE, &SALT, PROOF, COMMITMENTS]) {
                files.insert(format!("{}{name}", release_folder(&query.id())), bytes.to_vec());
            }
        }
        files
    }

    pub(crate) fn audit(&self) -> Report {
        audit(&self.files(), &self.policy())
    }

    pub(crate) fn finding(&self) -> Finding {
        let mut findings = self.audit().findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }
}

#[test]
fn a_good_log_passes() {
    let report = Book::good().audit();
    assert_eq!(report.findings, vec![]);
    assert_eq!((report.head.unwrap().size(), report.witnessed.len()), (8, 4));
    assert_eq!(report.endings.of(FIRST_QUERY).map(|ended| ended.ending), Some(Ending::Release));
    assert_eq!(report.endings.unended().count(), 0);
}

#[test]
fn what_has_not_ended_is_told() {
    let mut book = Book::good();
    let query = book.ask(2);
    let report = book.audit();
    assert_eq!(report.findings, vec![]);
    assert_eq!(report.endings.unended().map(|(index, _)| index).collect::<Vec<_>>(), vec![query]);
}

/// Which files an altered file may be named by: itself, or an entry that stands in it.
fn names(place: &Place, path: &str) -> bool {
    match place {
        Place::File(file) => file == path,
        Place::Entry(_) => path.starts_with("tile/entries/"),
        Place::Log => false,
    }
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let book = Book::good();
    let (files, policy) = (book.files(), book.policy());
    let all: Vec<(&String, usize)> =
        files.iter().flat_map(|(path, bytes)| (0..bytes.len() * 8).map(move |bit| (path, bit))).collect();
    assert!(all.len() > 20_000);
    let check = |part: &[(&String, usize)]| {
        let mut altered = files.clone();
        for (path, bit) in part {
            let flip = |files: &mut Files| files.get_mut(*path).unwrap()[bit / 8] ^= 1 << (bit % 8);
            flip(&mut altered);
            let findings = audit(&altered, &policy).findings;
            assert!(findings.iter().any(|f| names(&f.place(), path)), "{path}, bit {bit}: {findings:?}");
            flip(&mut altered);
        }
    };
    let (one, other) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| check(one));
        scope.spawn(|| check(other));
    });
}

#[test]
fn missing_and_foreign_files_are_found() {
    let book = Book::good();
    let (files, policy) = (book.files(), book.policy());
    for path in files.keys() {
        let mut fewer = files.clone();
        fewer.remove(path);
        let findings = audit(&fewer, &policy).findings;
        let named = |finding: &Finding| match finding {
            Finding::FileMissing(missing) => missing == path,
            Finding::DocumentMissing { document, .. } => document_path(document) == *path,
            Finding::ReleaseMissing { path: missing, .. } => missing == path,
            _ => false,
        };
        assert!(findings.iter().any(named), "{path}: {findings:?}");
    }
    for path in ["tile/0/001", "tile/0/000", "tile/0/000.p/3", "notes.txt", "documents/x", "../checkpoint"] {
        let mut more = files.clone();
        more.insert(path.to_owned(), b"something".to_vec());
        assert_eq!(audit(&more, &policy).findings, vec![Finding::FileUnexpected(path.to_owned())]);
    }
    let mut more = files;
    let stray = Hash256::of(b"stray");
    more.insert(document_path(&stray), b"stray".to_vec());
    assert_eq!(audit(&more, &policy).findings, vec![Finding::DocumentUnreferenced(stray)]);
}

/// Entries exchanged, removed or added by somebody who cannot sign for log and witnesses.
#[test]
fn entries_of_another_log_are_found() {
    let good = Book::good();
    let mut other = Book::opened();
    other.ask(2);
    let mut files = other.files();
    files.insert(CHECKPOINT.to_owned(), good.files()[CHECKPOINT].clone());
    let findings = audit(&files, &good.policy()).findings;
    assert!(findings.iter().any(|finding| matches!(finding, Finding::FileMissing(_))), "{findings:?}");

    // Of the same number, with tiles made to match: only the root tells.
    let mut other = Book::opened();
    let query = other.ask(2);
    let attempt = other.attempt(query);
    other.finish(query, attempt);
    other.release(query);
    let mut files = other.files();
    files.insert(CHECKPOINT.to_owned(), good.files()[CHECKPOINT].clone());
    assert!(audit(&files, &good.policy()).findings.contains(&Finding::RootDiffers));
}

#[test]
fn a_checkpoint_without_its_witnesses_is_found() {
    let book = Book::good();
    let mut files = book.files();
    files.insert(CHECKPOINT.to_owned(), book.log.checkpoint(&book.federation).to_bytes());
    let too_few = Finding::Witnesses(CommitteeError::TooFew { found: 0, wanted: 3 });
    assert_eq!(audit(&files, &book.policy()).findings, vec![too_few]);
    let mut stranger = book.policy();
    stranger.log = Federation::new(4, 1).cosigners[0].verifier().to_string().parse().unwrap_or(stranger.log);
    stranger.operator = key(9).public();
    let findings = audit(&book.files(), &stranger).findings;
    assert_eq!(findings.iter().filter(|finding| matches!(finding, Finding::Signature { .. })).count(), 3);
}

#[test]
fn a_query_on_nobodys_word_is_found() {
    let mut book = Book::good();
    let query = book.log.push(&Entry::Query(book.federation.query(2)));
    book.documents.push(book.federation.document(2));
    assert_eq!(book.finding(), Finding::Unauthorised(query));

    let mut book = Book::good();
    let query = book.log.push(&Entry::Query(book.federation.query(2)));
    book.documents.push(book.federation.document(2));
    // The signature on another query.
    let index = book.log.push(&book.federation.authorisation(query, 1));
    assert!(matches!(book.finding(), Finding::Authorisation { index: at, .. } if at == index));

    let mut policy = Book::good().policy();
    policy.approvals = ApprovalRule::TwoPersons;
    let findings = audit(&Book::good().files(), &policy).findings;
    assert!(matches!(findings.as_slice(), [Finding::Authorisation { index: 4, .. }]), "{findings:?}");

    let mut book = Book::good();
    let index = book.log.push(&book.federation.authorisation(FIRST_QUERY, 1));
    assert_eq!(book.finding(), Finding::AuthorisedTwice { index, query: FIRST_QUERY });
}

#[test]
fn a_query_that_is_logged_twice_is_found() {
    let mut book = Book::good();
    let second = book.ask(1);
    let id = book.federation.query(1).id();
    assert_eq!(book.finding(), Finding::QueryTwice { id, first: FIRST_QUERY, second });
}

#[test]
fn what_ends_twice_or_without_a_quorum_is_found() {
    let mut book = Book::good();
    let again = AbandonmentEntry::sign(FIRST_QUERY, reason("deadline"), &book.federation.operator);
    book.log.push(&Entry::Abandonment(again));
    assert!(matches!(book.finding(), Finding::Ending(EndingFault::Twice { query: FIRST_QUERY, .. })));

    let mut book = Book::opened();
    let query = book.ask(1);
    let index = book.release(query);
    assert_eq!(book.finding(), Finding::NotFinal { index, query });

    let mut book = Book::opened();
    let query = book.ask(1);
    let attempt = book.attempt(query);
    let mut few = book.finality(query, attempt);
    few.votes = Votes::new(few.votes.as_slice()[2..].to_vec());
    let at = book.log.push(&Entry::Final(few));
    let released = book.release(query);
    let findings = book.audit().findings;
    assert!(
        matches!(findings.as_slice(), [Finding::Signature { index, .. }, Finding::NotFinal { index: end, .. }]
        if *index == at && *end == released),
        "{findings:?}"
    );

    let mut book = Book::opened();
    let (one, other) = (book.ask(1), book.ask(2));
    let attempt = book.attempt(one);
    let borrowed = FinalEntry { query: other, ..book.finality(one, attempt) };
    let index = book.log.push(&Entry::Final(borrowed));
    assert!(matches!(book.finding(), Finding::Reference { index: at, of, .. } if at == index && of == attempt));
}

#[test]
fn final_and_void_cannot_both_be_honest() {
    let mut book = Book::opened();
    let query = book.ask(1);
    let attempt = book.attempt(query);
    let earlier = book.finish(query, attempt);
    let id = book.federation.query(1).id();
    let index = book.log.push(&Entry::Void(book.federation.void(id, query)));
    assert_eq!(book.finding(), Finding::CertifiedTwice { index, query, earlier });
}

#[test]
fn a_refusal_that_nobody_signed_is_found() {
    let mut book = Book::opened();
    let query = book.ask(1);
    let index = book.log.push(&Entry::Refusal(RefusalEntry::of_query(query, reason("policy"), &key(9))));
    assert!(matches!(book.finding(), Finding::Signature { index: at, .. } if at == index));
}

#[test]
fn a_roster_that_quietly_grew_is_found() {
    // A query under a roster that was never logged.
    let mut book = Book::opened();
    let mut members = book.federation.roster.members().to_vec();
    members.push(Member { supplier: supplier(40), identity: key(40).public() });
    let grown = Roster::new(members, book.federation.roster.requesters().to_vec(), Some(1)).unwrap();
    let mut query = book.federation.query(1);
    query.roster = grown.hash();
    let index = book.log.push(&Entry::Query(query));
    book.documents.push(book.federation.document(1));
    let findings = book.audit().findings;
    let unlogged = Finding::NotLogged { index, kind: "roster", hash: grown.hash() };
    assert!(findings.contains(&unlogged), "{findings:?}");

    // One that was logged beside the chain, as if there were none before it.
    let mut book = Book::good();
    let index = book.document(Subject::Roster, grown.to_toml().as_bytes(), grown.hash(), None);
    assert_eq!(book.finding(), Finding::Chain { index });
    // In the chain it is in order, and there for everybody to see.
    let mut book = Book::good();
    book.document(Subject::Roster, grown.to_toml().as_bytes(), grown.hash(), Some(0));
    assert_eq!(book.audit().findings, vec![]);
    // A document that is another than its entry says.
    let mut book = Book::good();
    let index = book.document(Subject::Roster, grown.to_toml().as_bytes(), Hash256::of(b"other"), Some(0));
    assert!(matches!(book.finding(), Finding::DocumentMismatch { index: at, kind: "roster", .. } if at == index));
    let requester = Requester { key_id: "analyst-9".to_owned(), identity: key(99).public() };
    assert!(Roster::new(grown.members().to_vec(), vec![requester], Some(1)).is_ok());
}

#[test]
fn entries_that_nobody_can_read_are_found() {
    let mut book = Book::good();
    let index = book.log.push_leaf(numbered(1).leaves.remove(0));
    assert!(matches!(book.finding(), Finding::EntryMalformed { index: at, .. } if at == index));
    let mut book = Book::good();
    let at =
        book.log.push(&Entry::Abandonment(AbandonmentEntry::sign(1, reason("deadline"), &book.federation.operator)));
    assert_eq!(book.finding(), Finding::Ending(EndingFault::NoQuery { query: 1, at }));
}

/// Where a bundle of many is altered, the very entry is named.
#[test]
fn the_altered_entry_is_named() {
    let federation = Federation::new(4, 1);
    let mut book = Book { federation, log: Log::default(), documents: Vec::new() };
    for index in 0..600 {
        book.log.push_leaf(numbered(1).leaves.remove(0));
        assert_eq!(book.log.edge.size(), index + 1);
    }
    let mut files = book.files();
    let bundle = files.get_mut("tile/entries/002.p/88").unwrap();
    let length = bundle.len();
    bundle[length - 1] ^= 1;
    let findings = audit(&files, &book.policy()).findings;
    assert!(findings.contains(&Finding::EntryAltered(599)), "{findings:?}");
    let other = |finding: &&Finding| !matches!(finding, Finding::EntryMalformed { .. } | Finding::EntryAltered(599));
    assert_eq!(findings.iter().find(other), None);
}
