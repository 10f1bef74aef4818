//! Whom the combiner names for what suppliers send, and that nothing of it stops the others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use federation::{Event, Federation, key, name};
use optelsom_codebook::{EditionId, Hash256};
use optelsom_secagg::combiner::{Input, Outcome};
use optelsom_secagg::messages::{
    Attempt, AttemptFault, Card, CoordinatorMessage, Disagreement, Encapsulation, SubmissionHeader, SupplierMessage,
    answer,
};
use optelsom_secagg::{Fault, FaultKind, Party, Round, Rules, Verifier};

fn started(n: usize, seed: u64) -> Federation {
    let mut federation = Federation::new(n, 1, 2, seed);
    federation.combine(Input::Started);
    federation
}

fn round(federation: &Federation) -> Round {
    Round { query: federation.id(), attempt: Attempt::FIRST, roster: federation.roster.hash() }
}

/// What the combiner rejects when this comes; nothing else may follow from it.
fn blamed(federation: &mut Federation, from: usize, message: SupplierMessage) -> Fault {
    let before = (federation.queue.len(), federation.faults.len(), federation.combiner_record.clone());
    federation.combine(Input::Message { from: name(from), message });
    let fault = federation.faults.pop().expect("a fault");
    assert_eq!((federation.queue.len(), federation.faults.len(), federation.combiner_record.clone()), before);
    fault
}

fn by(supplier: usize, what: FaultKind) -> Fault {
    Fault { party: Party::Supplier(name(supplier)), what }
}

/// Delivers until such a message of this supplier comes, and takes it out of the queue.
fn until(federation: &mut Federation, from: usize, fits: fn(&SupplierMessage) -> bool) -> SupplierMessage {
    while let Some(event) = federation.queue.pop_front() {
        match event {
            Event::ToCombiner(id, message) if id == name(from) && fits(&message) => return message,
            other => federation.deliver(other),
        }
    }
    panic!("no such message came");
}

/// From here on as if nothing had been: all take part, in the first attempt.
fn opens_over_all(mut federation: Federation, from: usize, right: SupplierMessage) {
    federation.combine(Input::Message { from: name(from), message: right });
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    let certificate = &federation.opened[0].certificate.certificate;
    assert_eq!((certificate.attempt, certificate.participants.len()), (Attempt::FIRST, federation.nodes.len()));
    assert_eq!(federation.faults, []);
}

fn card_of(message: &SupplierMessage) -> Card {
    let SupplierMessage::Card { card, .. } = message else { panic!("{message:?}") };
    card.clone()
}

fn joins(card: Card) -> SupplierMessage {
    SupplierMessage::Card { attempt: Attempt::FIRST, card }
}

/// The card with something else in it, and its owner's signature under that.
fn another(federation: &Federation, owner: u8, card: &Card, change: impl Fn(&mut Card)) -> Card {
    let mut card = card.clone();
    change(&mut card);
    let Card { supplier, public_key, checkpoint, edition, .. } = card;
    Card::sign(&key(owner + 1), &round(federation), supplier, public_key, checkpoint, edition)
}

#[test]
fn two_valid_cards_convict_who_signed_them() {
    let mut federation = started(5, 1);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Card { .. }));
    federation.combine(Input::Message { from: name(2), message: right.clone() });
    let second = another(&federation, 2, &card_of(&right), |card| card.public_key[1200] ^= 1);
    let fault = blamed(&mut federation, 2, joins(second));
    assert_eq!(fault, by(2, FaultKind::TwoStatements { statement: "card" }));
    opens_over_all(federation, 2, right);
}

#[test]
fn two_valid_submissions_convict_who_signed_them() {
    let mut federation = started(5, 2);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Submission { .. }));
    federation.combine(Input::Message { from: name(2), message: right.clone() });
    let SupplierMessage::Submission { attempt, header, shares } = right.clone() else { panic!() };
    let second = SubmissionHeader { table_digest: Hash256::of(b"another"), ..header };
    let header = second.sign(&key(3), &round(&federation));
    let fault = blamed(&mut federation, 2, SupplierMessage::Submission { attempt, header, shares });
    assert_eq!(fault, by(2, FaultKind::TwoStatements { statement: "submission" }));
    opens_over_all(federation, 2, right);
}

#[test]
fn two_valid_encapsulations_convict_who_signed_them() {
    let mut federation = started(5, 3);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Encapsulations { .. }));
    federation.combine(Input::Message { from: name(2), message: right.clone() });
    let SupplierMessage::Encapsulations { attempt, mut encapsulations } = right.clone() else { panic!() };
    let scope = federation.roster.scope(&federation.query.entry.scope).unwrap();
    let verifier = Verifier::new(federation.id(), attempt, &scope, Rules::all());
    let listed = federation.cards.iter().map(|card| (card.supplier.clone(), card.digest(verifier.round())));
    let participants = optelsom_secagg::messages::Participants::new(listed.collect()).unwrap();
    let to = federation.cards[3].clone().verify(&verifier).unwrap();
    let ciphertext = Box::new([5; optelsom_secagg::messages::CIPHERTEXT_BYTES]);
    encapsulations[0] = Encapsulation::sign(&key(3), verifier.round(), &participants, name(2), &to, ciphertext);
    let fault = blamed(&mut federation, 2, SupplierMessage::Encapsulations { attempt, encapsulations });
    assert_eq!(fault, by(2, FaultKind::TwoStatements { statement: "encapsulation" }));
    opens_over_all(federation, 2, right);
}

#[test]
fn a_card_on_other_ground_or_with_a_key_that_is_none() {
    let mut federation = started(5, 4);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Card { .. }));
    let card = card_of(&right);
    let edition = EditionId::try_from("2023-06").unwrap();
    let elsewhere = another(&federation, 2, &card, |card| card.checkpoint = Hash256::of(b"another"));
    assert_eq!(blamed(&mut federation, 2, joins(elsewhere)), by(2, FaultKind::CardsDiffer));
    let earlier = another(&federation, 2, &card, |card| card.edition = edition.clone());
    assert_eq!(blamed(&mut federation, 2, joins(earlier)), by(2, FaultKind::CardsDiffer));
    let unusable = another(&federation, 2, &card, |card| card.public_key.fill(0xff));
    assert_eq!(blamed(&mut federation, 2, joins(unusable)), by(2, FaultKind::PublicKey(name(2))));
    opens_over_all(federation, 2, right);
}

#[test]
fn ready_from_another_edition() {
    let mut federation = started(5, 5);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Ready { .. }));
    let edition = EditionId::try_from("2023-06").unwrap();
    let (id, roster) = (federation.id(), federation.roster.hash());
    let signature = answer::sign_ready(&key(3), &id, &roster, &name(2), &edition);
    let fault = blamed(&mut federation, 2, SupplierMessage::Ready { edition, signature });
    assert_eq!(fault, by(2, FaultKind::CardsDiffer));
    opens_over_all(federation, 2, right);
}

/// How a header is spoilt.
type Change = fn(&mut SubmissionHeader);

#[test]
fn headers_of_another_form_than_is_due() {
    let mut federation = started(5, 6);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Submission { .. }));
    let header = |detail| FaultKind::Header { of: name(2), detail };
    let cases: [(Change, FaultKind); 8] = [
        (|h| h.participants = Hash256::of(b"others"), header("it is for other participants")),
        (|h| h.columns.truncate(h.columns.len() - 1), header("the number of its columns")),
        (|h| h.columns.push(h.columns[0].clone()), header("the number of its columns")),
        (|h| h.share_commitments.truncate(h.share_commitments.len() - 1), header("it has not one share for each peer")),
        (|h| h.sealed_shares.swap(0, 1), header("it has not one share for each peer")),
        (|h| h.columns[0].masked_blinding = [0xff; 32], header("a blinding is no scalar")),
        (|h| h.columns[0].commitment = [0xff; 32], FaultKind::Commitment(name(2))),
        (|h| h.sealed_shares[1].1 = Hash256::of(b"another"), FaultKind::NotOneEach { what: "share" }),
    ];
    for (change, what) in cases {
        let SupplierMessage::Submission { attempt, mut header, shares } = right.clone() else { panic!() };
        change(&mut header);
        let header = header.sign(&key(3), &round(&federation));
        let fault = blamed(&mut federation, 2, SupplierMessage::Submission { attempt, header, shares });
        assert_eq!(fault, by(2, what));
    }
    opens_over_all(federation, 2, right);
}

#[test]
fn whoever_brings_what_another_has_signed() {
    let kinds: [fn(&SupplierMessage) -> bool; 4] = [
        |message| matches!(message, SupplierMessage::Card { .. }),
        |message| matches!(message, SupplierMessage::Submission { .. }),
        |message| matches!(message, SupplierMessage::Prepared { .. }),
        |message| matches!(message, SupplierMessage::Final { .. }),
    ];
    for (seed, kind) in (7..).zip(kinds) {
        let mut federation = started(5, seed);
        let right = until(&mut federation, 2, kind);
        let fault = blamed(&mut federation, 3, right.clone());
        assert_eq!(fault, by(3, FaultKind::SpeaksForAnother(name(2))), "{right:?}");
        opens_over_all(federation, 2, right);
    }
    let mut federation = started(5, 11);
    let of_first = until(&mut federation, 0, |message| matches!(message, SupplierMessage::Encapsulations { .. }));
    let SupplierMessage::Encapsulations { attempt, encapsulations } = of_first.clone() else { panic!() };
    let brought = SupplierMessage::Encapsulations { attempt, encapsulations: encapsulations[1..].to_vec() };
    assert_eq!(blamed(&mut federation, 1, brought), by(1, FaultKind::SpeaksForAnother(name(0))));
    opens_over_all(federation, 0, of_first);
}

#[test]
fn whoever_brings_anothers_vote_for_void() {
    let mut federation = started(5, 12);
    federation.filter = Box::new(|event| !matches!(event, Event::ToSupplier(_, CoordinatorMessage::Finalise { .. })));
    while let Some(event) = federation.queue.pop_front() {
        federation.deliver(event);
    }
    federation.combine(Input::AskVoid);
    let vote = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Void { .. }));
    assert_eq!(blamed(&mut federation, 3, vote.clone()), by(3, FaultKind::SpeaksForAnother(name(2))));
    federation.combine(Input::Message { from: name(2), message: vote });
    assert!(matches!(federation.go_on(), Some(Outcome::Void { .. })));
}

#[test]
fn strangers_and_accusations_of_strangers() {
    let mut federation = started(5, 13);
    let right = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Submission { .. }));
    assert_eq!(blamed(&mut federation, 9, right.clone()), by(9, FaultKind::NotInScope(name(9))));
    let attempt = Attempt::FIRST;
    for peer in [9, 2] {
        let cause = AttemptFault::DisagreesWith { peer: name(peer), over: Disagreement::Share };
        let fault = blamed(&mut federation, 2, SupplierMessage::CannotContinue { attempt, cause });
        assert_eq!(fault, by(2, FaultKind::NotInScope(name(peer))));
    }
    opens_over_all(federation, 2, right);
}

#[test]
fn of_two_who_disagree_neither_is_convicted() {
    let mut federation = started(6, 14);
    let _ = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Prepared { .. }));
    let cause = AttemptFault::DisagreesWith { peer: name(4), over: Disagreement::Share };
    let message = SupplierMessage::CannotContinue { attempt: Attempt::FIRST, cause };
    federation.combine(Input::Message { from: name(2), message });
    let between = vec![name(2), name(4)];
    let fault = Fault { party: Party::Unattributable { between }, what: FaultKind::Disagreement };
    assert_eq!(federation.faults, [fault]);
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    let participants = federation.opened[0].certificate.certificate.participants.suppliers().cloned();
    assert_eq!(participants.collect::<Vec<_>>(), [0, 1, 2, 3, 5].map(name));
}

#[test]
fn a_host_that_speaks_out_of_turn() {
    let mut federation = started(5, 15);
    let this_host = |what| Fault { party: Party::ThisHost, what: FaultKind::OutOfTurn(what) };
    for (input, what) in [
        (Input::Persisted, "no record is being persisted"),
        (Input::GuardPassed, "the guard is not being asked"),
        (Input::GuardRefused { why: "no".into() }, "the guard is not being asked"),
        (Input::ParticipantsLogged, "no participants are being logged"),
        (Input::AskVoid, "nothing is certified yet; cancel the query instead"),
    ] {
        federation.combine(input);
        assert_eq!(federation.faults.pop(), Some(this_host(what)));
    }
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.combine(Input::Cancel { by: "operator-1".into() });
    federation.combine(Input::AskVoid);
    let ended = Fault { party: Party::ThisHost, what: FaultKind::AlreadyEnded };
    assert_eq!(federation.faults, [ended.clone(), ended]);
}
