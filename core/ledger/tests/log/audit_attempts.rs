//! What an audit finds where one attempt is logged in several ways.

use optelsom_codebook::Hash256;
use optelsom_ledger::audit::{Finding, Kind};
use optelsom_ledger::entry::{Entry, FinalEntry, ParticipantsEntry, SigningError};

use crate::audit::Book;
use crate::fixture::supplier;

impl Book {
    fn attempt_at(&self, at: u64) -> ParticipantsEntry {
        let Ok(Entry::Participants(entry)) = Entry::from_bytes(self.log.leaves[at as usize].as_bytes()) else {
            panic!("no attempt stands there")
        };
        entry
    }

    /// Logs the attempt once more, with other names beside the same submissions.
    fn twin_of(&mut self, at: u64, suppliers: impl IntoIterator<Item = usize>) -> u64 {
        let participants = suppliers.into_iter().map(supplier).collect();
        let twin = ParticipantsEntry { participants, ..self.attempt_at(at) };
        self.log.push(&Entry::Participants(twin))
    }
}

#[test]
fn other_names_for_the_same_submissions_are_found_and_votes_do_not_hold_for_them() {
    let mut book = Book::of(7);
    let query = book.ask(1);
    let earlier = book.attempt_of(query, 1, 0..7);
    let twin = book.twin_of(earlier, 0..6);
    let differ = Finding::NamesDiffer { index: twin, query, attempt: 1, earlier };
    assert_eq!((book.finding(), differ.kind()), (differ.clone(), Kind::Disorder));

    let votes = book.finality(query, earlier);
    let pointed = book.log.push(&Entry::Final(FinalEntry { participants: twin, ..votes }));
    let report = book.audit();
    let cause = SigningError::Supplier { supplier: supplier(0), entry: "final" };
    assert_eq!(report.findings, vec![differ.clone(), Finding::Signature { index: pointed, cause }]);
    // Nor does the account tell of a certificate that does not hold.
    assert_eq!(report.account.queries().next().unwrap().finality, None);

    // And the first list is not forgotten: the question without supplier 6 gives it away.
    let next = book.ask(2);
    let fewer = book.attempt_of(next, 1, 0..6);
    let index = book.finish(next, fewer);
    let findings = book.audit().findings;
    let breached = |finding: &Finding| matches!(finding, Finding::GuardBreached { index: at, .. } if *at == index);
    assert!(findings.len() == 3 && findings.iter().any(breached), "{findings:?}");
}

#[test]
fn one_attempt_with_two_contents_is_found() {
    let mut book = Book::of(7);
    let query = book.ask(1);
    let earlier = book.attempt_of(query, 1, 0..7);
    let other = ParticipantsEntry { submissions: Hash256::of(b"others"), ..book.attempt_at(earlier) };
    let index = book.log.push(&Entry::Participants(other));
    assert_eq!(book.finding(), Finding::AttemptTwice { index, query, attempt: 1, earlier });
}

#[test]
fn another_attempt_or_the_same_one_again_is_none_of_that() {
    let mut book = Book::of(7);
    let query = book.ask(1);
    let attempt = book.attempt_of(query, 1, 0..7);
    // With another certificate: one of the signatures was made anew.
    let again = ParticipantsEntry { certificate: Hash256::of(b"again"), ..book.attempt_at(attempt) };
    book.log.push(&Entry::Participants(again));
    book.attempt_of(query, 2, 0..7);
    assert_eq!(book.audit().findings, vec![]);
}

/// A set of a query that had been made final otherwise is left out when the next comes, and its like of another query is not.
#[test]
fn what_was_left_out_is_not_there_for_others_like_it() {
    let mut book = Book::of(8);
    let settled = book.ask(1);
    let whole = book.attempt_of(settled, 1, 0..8);
    book.finish(settled, whole);
    book.attempt_of(settled, 2, 1..8);
    // Passes, since the other attempt was never opened.
    let query = book.ask(7);
    let passes = book.attempt_of(query, 1, 0..8);
    book.finish(query, passes);
    assert_eq!(book.audit().findings, vec![]);
    // The like of that attempt, by another query, which may be opened for all that the log tells.
    let query = book.ask(13);
    book.attempt_of(query, 1, 1..8);
    let query = book.ask(19);
    let participants = book.attempt_of(query, 1, 0..8);
    let index = book.finish(query, participants);
    let finding = book.finding();
    assert!(
        matches!(finding, Finding::GuardBreached { index: at, participants: of, .. } if (at, of) == (index, participants))
    );
}
