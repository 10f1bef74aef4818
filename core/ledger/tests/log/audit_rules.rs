//! What an audit finds in a log that adds up: rules that were broken over several entries, and another log beside it.

use std::collections::BTreeSet;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};
use optelsom_ledger::audit::{CHECKPOINT, End, Finding, Kind, Kinship, Policy, audit, compare, release_folder};
use optelsom_ledger::entry::{AbandonmentEntry, Entry, RefusalEntry, RefusedBy};
use optelsom_ledger::guard::GuardRefusal;
use optelsom_ledger::view::LogView;
use optelsom_ledger::{Roster, Trust};
use proptest::prelude::*;

use crate::audit::{Book, FIRST_QUERY};
use crate::fixture::{NOW, reason, supplier, supplier_key};

impl Book {
    /// A query that all but some answered, and that was made final.
    fn total(&mut self, seed: u8, suppliers: impl IntoIterator<Item = usize>) -> (u64, u64) {
        let query = self.ask(seed);
        let attempt = self.attempt_of(query, 1, suppliers);
        (attempt, self.finish(query, attempt))
    }
}

#[test]
fn a_total_that_gives_a_supplier_away_is_found() {
    let mut book = Book::of(7);
    book.total(1, 0..7);
    assert_eq!(book.audit().findings, vec![]);
    let (participants, index) = book.total(2, 0..6);
    let finding = book.finding();
    assert_eq!(finding.kind(), Kind::Guard);
    let Finding::GuardBreached { index: at, participants: of, cause } = finding else { panic!("{finding}") };
    assert_eq!((at, of), (index, participants));
    let GuardRefusal::Differencing(cause) = cause else { panic!("{cause}") };
    assert_eq!(cause.part, vec![supplier(6)]);
}

#[test]
fn what_was_never_made_final_may_have_been_refused() {
    let mut book = Book::of(7);
    book.total(1, 0..7);
    let query = book.ask(2);
    book.attempt_of(query, 1, 0..6);
    assert_eq!(book.audit().findings, vec![]);
}

/// What the guard says of each attempt that was made final, one by one.
fn judged_singly(book: &Book) -> Vec<u64> {
    let mut view = LogView::new();
    let documents = |hash: &Hash256| book.documents.iter().find(|text| Hash256::of(text) == *hash).cloned();
    let mut refused = Vec::new();
    for (index, leaf) in (0..).zip(&book.log.leaves) {
        let entry = Entry::from_bytes(leaf.as_bytes()).unwrap();
        let _ = view.observe(Some(&entry), &documents);
        let Entry::Final(entry) = entry else { continue };
        refused.extend(view.judge(entry.participants).err().map(|_| index));
    }
    refused
}

/// One step of a history: a query, and its attempts with the suppliers in each; whether one of them is made final, or
/// the query declared void.
#[derive(Clone, Debug)]
enum Outcome {
    Final,
    Void,
    Open,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The audit keeps verdicts; it must come to those that the guard comes to without.
    #[test]
    fn verdicts_kept_are_verdicts_made_anew(
        history in prop::collection::vec(
            (
                prop::collection::vec(prop::sample::select(vec![(0, 8), (0, 4), (4, 8), (0, 5), (1, 8)]), 1..3),
                prop::sample::select(vec![Outcome::Final, Outcome::Final, Outcome::Void, Outcome::Open]),
                // Further sets after that: what is left out by then is not there for others like it.
                prop::option::of(prop::sample::select(vec![(0, 8), (0, 4), (1, 8)])),
            ),
            1..14,
        )
    ) {
        let mut book = Book::of(8);
        for (seed, (attempts, outcome, late)) in (1..).zip(history) {
            let query = book.ask(seed);
            let mut last = 0;
            for (number, (from, to)) in (1..).zip(attempts) {
                last = book.attempt_of(query, number, from..to);
            }
            match outcome {
                Outcome::Final => drop(book.finish(query, last)),
                Outcome::Void => {
                    let id = book.federation.query(seed).id();
                    let void = book.federation.void(id, query);
                    book.log.push(&Entry::Void(void));
                }
                Outcome::Open => {}
            }
            if let Some((from, to)) = late {
                book.attempt_of(query, 9, from..to);
            }
        }
        let breached = |finding: &Finding| match finding {
            Finding::GuardBreached { index, .. } => Some(*index),
            Finding::Ending(_) => None,
            other => panic!("{other}"),
        };
        let found: Vec<u64> = book.audit().findings.iter().filter_map(breached).collect();
        prop_assert_eq!(found, judged_singly(&book));
    }
}

#[test]
fn dates_that_cannot_be_are_found() {
    // Asked an hour after all that came before it, logged; then one that had expired by then.
    let mut book = Book::opened();
    let mut later = book.federation.query(1);
    later.asked_at = NOW.plus_millis(2 * 3_600_000);
    later.expires_at = NOW.plus_millis(3 * 3_600_000);
    let after = book.log.push(&Entry::Query(later));
    book.documents.push(book.federation.document(1));
    let index = book.ask(2);
    let expires_at = NOW.plus_millis(3_600_000);
    let findings = book.audit().findings;
    assert!(findings.contains(&Finding::BackDated { index, expires_at, after }), "{findings:?}");
    // The witnesses saw the log at NOW.
    let asked_at = NOW.plus_millis(2 * 3_600_000);
    let early = Finding::FromTheFuture { index: after, asked_at, witnessed: NOW };
    assert!(findings.contains(&early), "{findings:?}");
}

fn seen_at(book: &Book, moment: Timestamp) -> Vec<Finding> {
    let mut files = book.files();
    files.insert(CHECKPOINT.to_owned(), book.federation.cosigned_at(&book.log, moment).to_bytes());
    audit(&files, &book.policy()).findings
}

#[test]
fn queries_that_should_have_ended_are_found() {
    let mut book = Book::good();
    let index = book.ask(2);
    let (hour, day) = (3_600_000, 24 * 3_600_000);
    assert_eq!(seen_at(&book, NOW.plus_millis(hour + day)), vec![]);
    let witnessed = NOW.plus_millis(hour + day + 1000);
    let overdue = Finding::Overdue { index, expires_at: NOW.plus_millis(hour), witnessed };
    assert_eq!(seen_at(&book, witnessed), vec![overdue]);
    let ended = AbandonmentEntry::sign(index, reason("deadline"), &book.federation.operator);
    book.log.push(&Entry::Abandonment(ended));
    assert_eq!(seen_at(&book, witnessed), vec![]);
}

#[test]
fn rosters_are_held_against_those_accepted() {
    let book = Book::good();
    let ours = book.federation.roster.hash();
    let mut policy = Policy { rosters: BTreeSet::from([ours]), ..book.policy() };
    assert_eq!(audit(&book.files(), &policy).findings, vec![]);
    policy.rosters = BTreeSet::from([Hash256::of(b"another")]);
    let refused = Finding::RosterNotAccepted { index: 0, roster: ours };
    assert_eq!(audit(&book.files(), &policy).findings, vec![refused]);
    // By a roster where two may collude, one lying witness is too few to reckon with.
    let mut book = Book::good();
    let members = (0..9).map(|n| optelsom_ledger::Member { supplier: supplier(n), identity: supplier_key(n).public() });
    let grown = Roster::new(members.collect(), book.federation.roster.requesters().to_vec(), Some(2)).unwrap();
    let subject = optelsom_ledger::entry::Subject::Roster;
    let index = book.document(subject, grown.to_toml().as_bytes(), grown.hash(), Some(0));
    assert_eq!(book.finding(), Finding::TooTrusting { index, collusion: 2, faulty: 1 });
}

#[test]
fn two_forks_are_told_by_their_first_difference() {
    let book = Book::good();
    let (files, head) = (book.files(), book.log.head());
    assert_eq!(compare((&files, &head), (&files, &head)), Kinship::Same);
    let mut more = Book::good();
    let query = more.ask(2);
    let (longer, longer_head) = (more.files(), more.log.head());
    assert_eq!(compare((&files, &head), (&longer, &longer_head)), Kinship::Before(2));
    assert_eq!(compare((&longer, &longer_head), (&files, &head)), Kinship::After(2));
    let mut other = Book::good();
    other.ask(3);
    other.ask(2);
    let (forked, forked_head) = (other.files(), other.log.head());
    // Each of them passes for itself.
    assert_eq!((more.audit().findings, other.audit().findings), (vec![], vec![]));
    assert_eq!(compare((&longer, &longer_head), (&forked, &forked_head)), Kinship::Forked(query));
    let mut damaged = longer.clone();
    damaged.insert(format!("tile/entries/000.p/{}", longer_head.size()), Vec::new());
    assert_eq!(compare((&files, &head), (&damaged, &longer_head)), Kinship::Unreadable(0));
}

#[test]
fn the_account_tells_what_each_entry_says() {
    let mut book = Book::good();
    let query = book.ask(2);
    let roster = book.federation.roster.hash();
    let id = book.federation.query(2).id();
    let why = reason("outside-period");
    let statement = optelsom_ledger::entry::signing::refused_bytes(&id, &roster, &supplier(2), &why);
    let refused = book.log.push(&Entry::Refusal(RefusalEntry {
        query,
        reason: why,
        by: RefusedBy::Supplier(supplier(2)),
        signature: supplier_key(2).sign(&statement),
    }));
    let report = book.audit();
    assert_eq!(report.findings, vec![]);
    let accounts: Vec<_> = report.account.queries().collect();
    let [first, second] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert_eq!(first.entries(), vec![FIRST_QUERY, 4, 5, 6, 7]);
    let all: Vec<SupplierId> = (0..4).map(supplier).collect();
    assert_eq!(first.attempt().map(|attempt| (attempt.at, &attempt.fact.participants)), Some((5, &all)));
    assert!(matches!(&first.end, Some(end) if end.at == 7 && matches!(end.fact, End::Release(_))));
    assert_eq!(second.entries(), vec![query, query + 1, refused]);
    assert_eq!((second.refusals.len(), second.end.is_none()), (1, true));
    assert_eq!(report.account.query(&id).map(|account| account.at), Some(query));
    assert_eq!(report.account.documents().len(), 3);
}

#[test]
fn releases_are_those_that_the_log_names() {
    let mut book = Book::good();
    let open = book.ask(2);
    assert!(open > FIRST_QUERY);
    let good = book.files();
    assert_eq!(audit(&good, &book.policy()).findings, vec![]);
    let path = |seed: u8, name: &str| format!("{}{name}", release_folder(&book.federation.query(seed).id()));
    let altered = |name: &str| Finding::ReleaseAltered { index: 7, path: path(1, name) };
    for (name, expected) in [
        ("release.json", vec![altered("release.json"), altered("salt")]),
        ("salt", vec![altered("release.json"), altered("salt")]),
        ("proof", vec![altered("proof")]),
    ] {
        // A table of another query with its salt is none of this one's either.
        let mut files = good.clone();
        files.insert(path(1, name), b"something else".to_vec());
        assert_eq!(audit(&files, &book.policy()).findings, expected);
        files.remove(&path(1, name));
        let missing = Finding::ReleaseMissing { index: 7, path: path(1, name) };
        assert_eq!(audit(&files, &book.policy()).findings, vec![missing]);
    }
    for stray in [path(2, "release.json"), path(1, "notes.txt")] {
        let mut files = good.clone();
        files.insert(stray.clone(), b"{}".to_vec());
        assert_eq!(audit(&files, &book.policy()).findings, vec![Finding::FileUnexpected(stray)]);
    }
}

#[test]
fn a_trust_document_is_a_policy() {
    let book = Book::good();
    let log = book.federation.log.verifier().clone();
    let trust = Trust::new(log, book.federation.committee.clone(), optelsom_ledger::entry::ApprovalRule::OnePerson);
    // In a trust document, entries are signed by the key of the log.
    assert_eq!(Policy::from(&trust).operator, *book.federation.log.verifier().identity());
}
