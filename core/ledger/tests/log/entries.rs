//! Entries: their bytes, their signatures, and how queries end.

use optelsom_codebook::{EditionId, Hash256, MAX_TEXT_BYTES, SupplierId};
use optelsom_ledger::canonical::CanonicalError;
use optelsom_ledger::entry::signing::refused_bytes;
use optelsom_ledger::entry::{
    AbandonmentEntry, Approval, ApprovalRule, AuthorisationEntry, AuthorisationError, DecodeError, DocumentEntry,
    EditionEntry, Ended, Ending, EndingFault, Endings, Entry, Outcome, ReasonCode, RefusalEntry, RefusedBy,
    ReleaseEntry, SigningError, SpentEntry, Subject, Votes, salted_digest, verify_approval,
};
use optelsom_ledger::{EntryError, IdentityKey, Member, Requester, Roster, RosterError, Signature, leaf_hash};

use crate::fixture::{Federation, NOW, key, reason, supplier, supplier_key};

const QUERY: u64 = 3;

fn release() -> ReleaseEntry {
    ReleaseEntry {
        query: QUERY,
        outcome: Outcome::Incomplete,
        table: salted_digest(&[1; 32], b"table"),
        hidden: vec![(reason("secondary"), 4), (reason("too-few"), 12)],
        participants: Hash256::of(b"participants"),
        proof: Hash256::of(b"proof"),
    }
}

fn refused_by_supplier(federation: &Federation) -> RefusalEntry {
    let (id, roster) = (federation.query(1).id(), federation.roster.hash());
    let (who, why) = (supplier(2), reason("outside-period"));
    let signature = supplier_key(2).sign(&refused_bytes(&id, &roster, &who, &why));
    RefusalEntry { query: QUERY, reason: why, by: RefusedBy::Supplier(who), signature }
}

fn agreement(federation: &Federation) -> DocumentEntry {
    let (document, named) = (Hash256::of(b"agreement"), Hash256::of(b"named"));
    DocumentEntry::agreement(supplier(2), document, named, Some(1), |change| {
        (change.sign(&federation.operator), change.sign(&supplier_key(2)))
    })
}

/// One entry of each kind, with the name that stands in its bytes.
fn all(federation: &Federation) -> Vec<(&'static str, Entry)> {
    let id = federation.query(1).id();
    let attempt = federation.participants(QUERY, 2, vec![supplier(0), supplier(1), supplier(4)]);
    let operator = &federation.operator;
    let approval = Some(Approval::sign(&key(202), "analyst-2", &id));
    let requester = federation.signed(1).signature;
    let edition = EditionId::try_from("2024-12").unwrap();
    vec![
        ("query", Entry::Query(federation.query(1))),
        ("entry/authorisation", Entry::Authorisation(AuthorisationEntry { query: QUERY, requester, approval })),
        ("entry/refusal", Entry::Refusal(RefusalEntry::of_query(QUERY, reason("policy"), operator))),
        ("entry/refusal", Entry::Refusal(refused_by_supplier(federation))),
        ("entry/release", Entry::Release(release())),
        ("entry/final", Entry::Final(federation.finality(id, 5, &attempt))),
        ("entry/participants", Entry::Participants(attempt)),
        ("entry/edition", Entry::Edition(EditionEntry::sign("victims".to_owned(), edition, NOW, operator))),
        ("entry/abandonment", Entry::Abandonment(AbandonmentEntry::sign(QUERY, reason("deadline"), operator))),
        ("entry/void", Entry::Void(federation.void(id, QUERY))),
        ("entry/spent", Entry::Spent(SpentEntry::sign(QUERY, reason("commitment"), operator))),
        ("entry/document", federation.document_entry(Subject::Policy, b"policy", Hash256::of(b"policy"), None)),
        ("entry/document", Entry::Document(agreement(federation))),
    ]
}

#[test]
fn entries_read_as_they_are_written() {
    let federation = Federation::new(5, 1);
    for (kind, entry) in all(&federation) {
        let leaf = entry.to_leaf().unwrap();
        assert_eq!(entry.kind(), kind);
        assert_eq!(Entry::from_bytes(leaf.as_bytes()).unwrap(), entry, "{kind}");
        // Every kind says so in its second field, after the version.
        let start = [&[0, 0, 0, 10], b"optelsom/1".as_slice(), &[0, 0, 0, kind.len() as u8], kind.as_bytes()].concat();
        assert!(leaf.as_bytes().starts_with(&start), "{kind}");
    }
}

#[test]
fn the_leaf_hash_of_a_query_is_its_lambda() {
    let query = Federation::new(5, 1).query(1);
    let leaf = Entry::Query(query.clone()).to_leaf().unwrap();
    assert_eq!(leaf.hash().as_bytes(), query.id().as_bytes());
    assert_eq!(leaf_hash(leaf.as_bytes()), query.id());
}

#[test]
fn entries_that_are_cut_or_grown_are_refused() {
    for (kind, entry) in all(&Federation::new(5, 1)) {
        let bytes = entry.to_leaf().unwrap().as_bytes().to_vec();
        for length in 0..bytes.len() {
            assert!(Entry::from_bytes(&bytes[..length]).is_err(), "{kind} cut to {length}");
        }
        assert!(Entry::from_bytes(&[bytes, vec![0]].concat()).is_err(), "{kind} with a byte more");
    }
    assert_eq!(Entry::from_bytes(b""), Err(DecodeError::UnknownKind));
    assert!(matches!(Entry::from_bytes(&vec![0; 65_536]), Err(DecodeError::TooLong(_))));
}

/// Whatever bit is flipped, nothing is read as the same entry: one content has one encoding.
#[test]
fn one_entry_has_one_encoding() {
    for (kind, entry) in all(&Federation::new(5, 1)) {
        let bytes = entry.to_leaf().unwrap().as_bytes().to_vec();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Entry::from_bytes(&other) {
                assert_ne!(read, entry, "{kind}, bit {bit}");
                assert_eq!(read.to_leaf().unwrap().as_bytes(), other, "{kind}, bit {bit}");
            }
        }
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    let federation = Federation::new(5, 1);
    let refuse = |entry: &Entry| match Entry::from_bytes(entry.to_leaf().unwrap().as_bytes()) {
        Err(DecodeError::Malformed { cause: CanonicalError::Field { wanted, .. }, .. }) => wanted,
        other => panic!("{other:?}"),
    };
    let unsorted = federation.participants(QUERY, 1, vec![supplier(1), supplier(0)]);
    assert_eq!(refuse(&Entry::Participants(unsorted)), "the end of a list that is sorted by supplier");
    let twice = federation.participants(QUERY, 1, vec![supplier(1), supplier(1)]);
    assert_eq!(refuse(&Entry::Participants(twice)), "the end of a list that is sorted by supplier");
    let no_attempt = federation.participants(QUERY, 0, vec![supplier(1)]);
    assert_eq!(refuse(&Entry::Participants(no_attempt)), "the number of an attempt, from 1 to 4,294,967,295");
    let hidden = vec![(reason("b"), 1), (reason("a"), 1)];
    assert_eq!(
        refuse(&Entry::Release(ReleaseEntry { hidden, ..release() })),
        "the end of a list that is sorted by rule"
    );
    let hidden = vec![(reason("a"), 0)];
    assert_eq!(refuse(&Entry::Release(ReleaseEntry { hidden, ..release() })), "a number of hidden cells, at least 1");
}

#[test]
fn reasons_are_codes() {
    for bad in ["", "Free text", "jan@example.nl", "naam_van_iemand", &"a".repeat(65)] {
        assert!(ReasonCode::try_from(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_digest_of_a_table_cannot_be_guessed_without_its_salt() {
    assert_ne!(salted_digest(&[1; 32], b"table"), salted_digest(&[2; 32], b"table"));
    assert_ne!(salted_digest(&[1; 32], b"table"), salted_digest(&[1; 32], b"tablf"));
}

#[test]
fn a_query_is_on_its_requesters_word() {
    let federation = Federation::new(5, 1);
    let signed = federation.signed(1);
    let entry = AuthorisationEntry { query: QUERY, requester: signed.signature, approval: None };
    assert_eq!(entry.verify(&signed, ApprovalRule::OnePerson, &federation.roster), Ok(()));
    // The same years later: expiry bound the nodes, not the reader.
    let missing = entry.verify(&signed, ApprovalRule::TwoPersons, &federation.roster);
    assert_eq!(missing, Err(AuthorisationError::Approval(SigningError::NotApproved)));
    let other = federation.query(1).sign(&key(9));
    let unfit = AuthorisationEntry { requester: other.signature, ..entry }.verify(
        &other,
        ApprovalRule::OnePerson,
        &federation.roster,
    );
    assert!(matches!(unfit, Err(AuthorisationError::Query(EntryError::Signature(_)))));
}

#[test]
fn an_approval_is_by_a_second_person_for_these_bytes() {
    let federation = Federation::new(5, 1);
    let signed = federation.signed(1);
    let id = signed.entry.id();
    let verify =
        |approval: Approval| verify_approval(&signed, Some(&approval), ApprovalRule::TwoPersons, &federation.roster);
    assert_eq!(verify(Approval::sign(&key(202), "analyst-2", &id)), Ok(()));
    let other_bytes = Approval::sign(&key(202), "analyst-2", &federation.query(2).id());
    assert_eq!(verify(other_bytes), Err(SigningError::Person("analyst-2".to_owned())));
    let by_requester = Approval::sign(&key(201), "analyst-1", &id);
    assert_eq!(verify(by_requester), Err(SigningError::ApprovedByRequester("analyst-1".to_owned())));
    let by_other_key = Approval::sign(&key(201), "analyst-2", &id);
    assert_eq!(verify(by_other_key), Err(SigningError::Person("analyst-2".to_owned())));
    let by_stranger = Approval::sign(&key(77), "stranger", &id);
    assert_eq!(verify(by_stranger), Err(SigningError::UnknownPerson("stranger".to_owned())));
}

#[test]
fn refusals_are_signed_by_who_refuses() {
    let federation = Federation::new(5, 1);
    let (id, scope, operator) = (federation.query(1).id(), federation.scope(), federation.operator.public());
    let whole = RefusalEntry::of_query(QUERY, reason("policy"), &federation.operator);
    assert_eq!(whole.verify(&id, &scope, &operator), Ok(()));
    assert!(whole.ends_query());
    let other_reason = RefusalEntry { reason: reason("denied"), ..whole.clone() };
    assert_eq!(other_reason.verify(&id, &scope, &operator), Err(SigningError::Operator("refusal")));
    let other_query = RefusalEntry { query: 4, ..whole };
    assert_eq!(other_query.verify(&id, &scope, &operator), Err(SigningError::Operator("refusal")));

    let one = refused_by_supplier(&federation);
    assert_eq!(one.verify(&id, &scope, &operator), Ok(()));
    assert!(!one.ends_query());
    let unfit = SigningError::Supplier { supplier: supplier(2), entry: "refusal" };
    assert_eq!(one.verify(&federation.query(2).id(), &scope, &operator), Err(unfit));
    let stranger = RefusalEntry { by: RefusedBy::Supplier(supplier(9)), ..one };
    assert_eq!(stranger.verify(&id, &scope, &operator), Err(SigningError::NotInScope(supplier(9))));
}

#[test]
fn endings_and_editions_are_signed_by_the_coordinator() {
    let federation = Federation::new(5, 1);
    let operator = federation.operator.public();
    let abandoned = AbandonmentEntry::sign(QUERY, reason("deadline"), &federation.operator);
    let spent = SpentEntry::sign(QUERY, reason("deadline"), &federation.operator);
    assert_eq!((abandoned.verify(&operator), spent.verify(&operator)), (Ok(()), Ok(())));
    // A signature under the one is none under the other.
    let crossed = SpentEntry { signature: abandoned.signature, ..spent };
    assert_eq!(crossed.verify(&operator), Err(SigningError::Operator("spent")));
    let moved = AbandonmentEntry { query: 4, ..abandoned };
    assert_eq!(moved.verify(&operator), Err(SigningError::Operator("abandonment")));

    let name = EditionId::try_from("2024-12").unwrap();
    let edition = EditionEntry::sign("victims".to_owned(), name, NOW, &federation.operator);
    assert_eq!(edition.verify(&operator), Ok(()));
    let back_dated = EditionEntry { frozen_at: optelsom_codebook::Timestamp::from_millis(0), ..edition };
    assert_eq!(back_dated.verify(&operator), Err(SigningError::Operator("edition")));
}

#[test]
fn a_quorum_makes_final_or_void() {
    // Of five of whom one may collude, four are a quorum.
    let federation = Federation::new(5, 1);
    let (id, scope) = (federation.query(1).id(), federation.scope());
    let attempt = federation.participants(QUERY, 1, vec![supplier(0), supplier(1), supplier(2)]);
    let good = federation.finality(id, 5, &attempt);
    assert_eq!((good.verify(&id, &attempt, &scope), good.votes.as_slice().len()), (Ok(()), 4));
    let mut other = attempt.clone();
    other.attempt = 2;
    assert!(good.verify(&id, &other, &scope).is_err());
    other = attempt.clone();
    other.submissions = Hash256::of(b"other");
    assert!(good.verify(&id, &other, &scope).is_err());
    // The names are voted on, too.
    other = attempt.clone();
    other.participants.pop();
    assert!(good.verify(&id, &other, &scope).is_err());
    assert!(good.verify(&federation.query(2).id(), &attempt, &scope).is_err());

    let void = federation.void(id, QUERY);
    assert_eq!(void.verify(&id, &scope), Ok(()));
    assert!(void.verify(&federation.query(2).id(), &scope).is_err());
    let mut fewer = void.clone();
    fewer.votes = Votes::new(void.votes.as_slice()[1..].to_vec());
    assert_eq!(fewer.verify(&id, &scope), Err(SigningError::NoQuorum { entry: "void", votes: 3, quorum: 4 }));
    // One voter's word twice is one vote.
    let mut votes = void.votes.as_slice()[1..].to_vec();
    votes.push(votes[0].clone());
    fewer.votes = Votes::new(votes);
    assert!(matches!(fewer.verify(&id, &scope), Err(SigningError::NoQuorum { votes: 3, .. })));
    let mut forged = void.votes.as_slice().to_vec();
    forged[0].signature = Signature::from_bytes([0; 64]);
    fewer.votes = Votes::new(forged);
    assert_eq!(fewer.verify(&id, &scope), Err(SigningError::Supplier { supplier: supplier(0), entry: "void" }));
}

#[test]
fn an_agreement_is_signed_by_both() {
    let federation = Federation::new(5, 1);
    let operator = federation.operator.public();
    let good = agreement(&federation);
    assert_eq!(good.verify(&operator, Some(&federation.roster)), Ok(()));
    assert_eq!(good.verify(&operator, None), Err(SigningError::NotInScope(supplier(2))));
    assert_eq!(good.verify(&key(9).public(), Some(&federation.roster)), Err(SigningError::Operator("agreement")));
    let (document, named) = (Hash256::of(b"agreement"), Hash256::of(b"named"));
    let by_another = DocumentEntry::agreement(supplier(2), document, named, None, |change| {
        (change.sign(&federation.operator), change.sign(&supplier_key(3)))
    });
    let unfit = SigningError::Supplier { supplier: supplier(2), entry: "agreement" };
    assert_eq!(by_another.verify(&operator, Some(&federation.roster)), Err(unfit.clone()));
    let change = good.change().clone();
    let signature = change.sign(&federation.operator);
    assert_eq!(DocumentEntry::new(change, signature), Err(unfit));
}

#[test]
fn every_query_ends_once() {
    let federation = Federation::new(5, 1);
    let mut endings = Endings::new();
    let query = |seed| Entry::Query(federation.query(seed));
    let abandon = |at| Entry::Abandonment(AbandonmentEntry::sign(at, reason("deadline"), &federation.operator));
    let release = |at| Entry::Release(ReleaseEntry { query: at, ..release() });
    assert_eq!(endings.observe(0, &query(1)), Ok(()));
    assert_eq!(endings.observe(1, &query(2)), Ok(()));
    assert_eq!(endings.unended().collect::<Vec<_>>(), vec![(0, NOW), (1, NOW)]);
    assert_eq!(endings.observe(2, &release(0)), Ok(()));
    let first = Ended { ending: Ending::Release, at: 2 };
    assert_eq!(endings.of(0), Some(first));
    let second = Ended { ending: Ending::Abandonment, at: 3 };
    assert_eq!(endings.observe(3, &abandon(0)), Err(EndingFault::Twice { query: 0, first, second }));
    let attempt = federation.participants(0, 1, vec![supplier(0)]);
    let after = EndingFault::AfterEnd { query: 0, ended: first, at: 4 };
    assert_eq!(endings.observe(4, &Entry::Participants(attempt)), Err(after));
    // One supplier's refusal ends nothing; of nothing there is no ending.
    let one = RefusalEntry { query: 1, ..refused_by_supplier(&federation) };
    assert_eq!(endings.observe(5, &Entry::Refusal(one)), Ok(()));
    assert_eq!(endings.observe(6, &abandon(2)), Err(EndingFault::NoQuery { query: 2, at: 6 }));
    assert_eq!(endings.observe(6, &abandon(9)), Err(EndingFault::NoQuery { query: 9, at: 6 }));
    assert_eq!(endings.unended().collect::<Vec<_>>(), vec![(1, NOW)]);
    let whole = Entry::Refusal(RefusalEntry::of_query(1, reason("policy"), &federation.operator));
    assert_eq!(endings.observe(7, &whole), Ok(()));
    assert_eq!((endings.unended().count(), endings.queries()), (0, 2));
}

#[test]
fn a_roster_that_no_node_would_take_beside_the_log_is_refused() {
    let identity = |name: &str| IdentityKey::from_seed(Hash256::of(name.as_bytes()).as_bytes()).public();
    let of = |requesters: usize| {
        let supplier = |nth: usize| SupplierId::try_from(format!("s{nth}").as_str()).unwrap();
        let member = |nth| Member { supplier: supplier(nth), identity: identity(&format!("s{nth}")) };
        let requester = |nth: usize| {
            let key_id = format!("analyst-{nth:05}");
            Requester { identity: identity(&key_id), key_id }
        };
        let members = (0..6).map(member).collect();
        Roster::new(members, (0..requesters).map(requester).collect(), None).unwrap().to_toml()
    };
    let each = (of(101).len() - of(1).len()) / 100;
    let most = (MAX_TEXT_BYTES - of(0).len()) / each;
    assert!(Roster::parse(&of(most - 1)).is_ok());
    assert!(matches!(Roster::parse(&of(most + 1)), Err(RosterError::TooLong(_))));
}
