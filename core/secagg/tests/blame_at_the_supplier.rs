//! Whom a supplier's machine names for what it is shown, and that it goes on with what is right afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::sync::Arc;

use federation::{Event, Federation, entry, key, name, roster};
use optelsom_codebook::{EditionId, Hash256, SupplierId, Timestamp};
use optelsom_secagg::combiner::{self, Outcome};
use optelsom_secagg::messages::{
    Attempt, AttemptFault, Card, Certificate, CoordinatorMessage, Disagreement, Encapsulation, FinalCertificate,
    FinalVote, Participants, RelayedHeader, RoundOutcome, Statement, SupplierMessage,
};
use optelsom_secagg::supplier::{Effect, Input, Supplier, SupplierConfig};
use optelsom_secagg::{
    Bound, Entropy, Fault, FaultKind, Generators, LocalTable, Party, PreparedTable, Round, Rules, Verifier,
};

/// A round that has come to this supplier's being told this, with the message.
fn at(n: usize, to: usize, seed: u64, fits: fn(&CoordinatorMessage) -> bool) -> (Federation, CoordinatorMessage) {
    let mut federation = Federation::new(n, 1, 2, seed);
    let message = started(&mut federation, to, fits);
    (federation, message)
}

fn started(federation: &mut Federation, to: usize, fits: fn(&CoordinatorMessage) -> bool) -> CoordinatorMessage {
    federation.combine(combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        match event {
            Event::ToSupplier(id, message) if id == name(to) && fits(&message) => return message,
            other => federation.deliver(other),
        }
    }
    panic!("no such message came");
}

fn tell(federation: &mut Federation, to: usize, message: CoordinatorMessage) -> Vec<Effect> {
    let node = federation.nodes.get_mut(&name(to)).unwrap();
    let input = Input::Message { message, entropy: Entropy::new([77; 32]) };
    let (machine, effects) = node.machine.take().unwrap().handle(federation.now, input);
    node.machine = Some(machine);
    effects
}

/// What this supplier rejects when it is told this, and what it says to it; nothing is written for it.
fn blamed(federation: &mut Federation, to: usize, message: CoordinatorMessage) -> (Fault, Option<SupplierMessage>) {
    let (mut faults, mut said) = (Vec::new(), Vec::new());
    for effect in tell(federation, to, message) {
        match effect {
            Effect::Reject(fault) => faults.push(fault),
            Effect::Send(message) => said.push(message),
            other => panic!("{other:?}"),
        }
    }
    assert!(faults.len() == 1 && said.len() <= 1, "{faults:?} {said:?}");
    (faults.remove(0), said.pop())
}

fn coordinator(what: FaultKind) -> (Fault, Option<SupplierMessage>) {
    (Fault { party: Party::Coordinator, what }, None)
}

fn by(supplier: usize, what: FaultKind) -> Fault {
    Fault { party: Party::Supplier(name(supplier)), what }
}

fn disagrees(peer: usize, over: Disagreement) -> Option<SupplierMessage> {
    let cause = AttemptFault::DisagreesWith { peer: name(peer), over };
    Some(SupplierMessage::CannotContinue { attempt: Attempt::FIRST, cause })
}

/// From here on as if nothing had been: all take part, in the first attempt.
fn opens_over_all(mut federation: Federation, to: usize, right: CoordinatorMessage) {
    federation.deliver(Event::ToSupplier(name(to), right));
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    let certificate = &federation.opened[0].certificate.certificate;
    assert_eq!((certificate.attempt, certificate.participants.len()), (Attempt::FIRST, federation.nodes.len()));
    assert_eq!(federation.faults, []);
}

fn round(federation: &Federation) -> Round {
    Round { query: federation.id(), attempt: Attempt::FIRST, roster: federation.roster.hash() }
}

fn participants(round: &Round, cards: &[Card]) -> Participants {
    Participants::new(cards.iter().map(|card| (card.supplier.clone(), card.digest(round))).collect()).unwrap()
}

fn key_of(supplier: &SupplierId) -> optelsom_ledger::IdentityKey {
    key((0..20).find(|index| name(*index) == *supplier).map(|index| u8::try_from(index).unwrap() + 1).unwrap())
}

/// The card with something else in it, and its owner's signature under that.
fn another(round: &Round, card: &Card, change: impl Fn(&mut Card)) -> Card {
    let mut card = card.clone();
    change(&mut card);
    let Card { supplier, public_key, checkpoint, edition, .. } = card;
    Card::sign(&key_of(&supplier), round, supplier, public_key, checkpoint, edition)
}

#[test]
fn cards_that_convict_their_owner_or_the_coordinator() {
    let (mut federation, right) = at(5, 1, 1, |message| matches!(message, CoordinatorMessage::Pair { .. }));
    let CoordinatorMessage::Pair { attempt, cards } = right.clone() else { panic!() };
    let (round, edition) = (round(&federation), EditionId::try_from("2023-06").unwrap());
    let with = |cards: Vec<Card>| CoordinatorMessage::Pair { attempt, cards: cards.into() };
    let replaced = |card: Card| {
        let other = |old: &Card| if old.supplier == card.supplier { card.clone() } else { old.clone() };
        with(cards.iter().map(other).collect())
    };

    let mut twice = cards.to_vec();
    twice.insert(4, another(&round, &cards[3], |card| card.public_key[1200] ^= 1));
    let (fault, _) = blamed(&mut federation, 1, with(twice));
    assert_eq!(fault, by(3, FaultKind::TwoStatements { statement: "card" }));
    let elsewhere = another(&round, &cards[3], |card| card.checkpoint = Hash256::of(b"another"));
    assert_eq!(blamed(&mut federation, 1, replaced(elsewhere)), coordinator(FaultKind::CardsDiffer));
    let earlier = another(&round, &cards[3], |card| card.edition = edition.clone());
    assert_eq!(blamed(&mut federation, 1, replaced(earlier)), coordinator(FaultKind::CardsDiffer));
    let unusable = another(&round, &cards[3], |card| card.public_key.fill(0xff));
    let (fault, said) = blamed(&mut federation, 1, replaced(unusable));
    assert_eq!((fault, said), (by(3, FaultKind::PublicKey(name(3))), disagrees(3, Disagreement::Card)));
    let mut stranger = cards.to_vec();
    stranger.push(Card { supplier: name(9), ..cards[3].clone() });
    assert_eq!(blamed(&mut federation, 1, with(stranger)), coordinator(FaultKind::NotInScope(name(9))));
    opens_over_all(federation, 1, right);
}

#[test]
fn too_few_participants_that_the_operator_accepts_as_real() {
    // Of seven suppliers two may collude. With none among those that it accepts, its operator lets two be invented.
    let mut federation = Federation::new(7, 1, 2, 2);
    let node = federation.nodes.get_mut(&name(0)).unwrap();
    let config = Arc::make_mut(&mut node.config);
    config.collusion_floor = 0;
    config.accepted_peers.retain(|peer| ![name(5), name(6)].contains(peer));
    node.machine = Some(Supplier::new(node.config.clone()));
    let right = started(&mut federation, 0, |message| matches!(message, CoordinatorMessage::Pair { .. }));
    let CoordinatorMessage::Pair { attempt, cards } = right.clone() else { panic!() };
    let few = [0, 1, 2, 5, 6].map(|index| cards[index].clone());
    let (fault, said) = blamed(&mut federation, 0, CoordinatorMessage::Pair { attempt, cards: few.into() });
    let what = FaultKind::TooFewAccepted { accepted: 2, least: 3 };
    assert_eq!(fault, Fault { party: Party::Coordinator, what });
    let cause = AttemptFault::RefusesParticipants;
    assert_eq!(said, Some(SupplierMessage::CannotContinue { attempt, cause }));
    opens_over_all(federation, 0, right);
}

#[test]
fn an_encapsulation_that_gives_no_secret() {
    let (mut federation, right) = at(5, 3, 3, |message| matches!(message, CoordinatorMessage::Exchange { .. }));
    let CoordinatorMessage::Exchange { attempt, encapsulations } = right.clone() else { panic!() };
    let (round, scope) = (round(&federation), federation.roster.scope(&federation.query.entry.scope).unwrap());
    let own = federation.cards[3].clone().verify(&Verifier::new(round.query, attempt, &scope, Rules::all())).unwrap();
    let listed = participants(&round, &federation.cards);
    // The last 32 bytes are a point of X25519; that of order one makes every secret the same.
    let mut ciphertext = encapsulations[1].ciphertext.clone();
    ciphertext.iter_mut().rev().take(32).for_each(|byte| *byte = 0);
    let mut given = encapsulations.to_vec();
    given[1] = Encapsulation::sign(&key(2), &round, &listed, name(1), &own, ciphertext);
    let message = CoordinatorMessage::Exchange { attempt, encapsulations: given.into() };
    let (fault, said) = blamed(&mut federation, 3, message);
    assert_eq!((fault, said), (by(1, FaultKind::Encapsulation(name(1))), disagrees(1, Disagreement::Encapsulation)));
    // Having submitted, it takes no other encapsulations.
    let changed = CoordinatorMessage::Exchange { attempt, encapsulations: encapsulations[..2].into() };
    federation.deliver(Event::ToSupplier(name(3), right.clone()));
    let what = FaultKind::TwoStatements { statement: "encapsulation" };
    assert_eq!(blamed(&mut federation, 3, changed), coordinator(what));
    opens_over_all(federation, 3, right);
}

#[test]
fn headers_that_convict_their_owner_or_the_coordinator() {
    let (mut federation, right) = at(5, 1, 4, |message| matches!(message, CoordinatorMessage::Certify { .. }));
    let CoordinatorMessage::Certify { attempt, headers, shares } = right.clone() else { panic!() };
    let round = round(&federation);
    let with = |of: usize, change: fn(&mut RelayedHeader)| {
        let mut headers = headers.to_vec();
        change(&mut headers[of]);
        headers[of] = headers[of].clone().sign(&key(u8::try_from(of).unwrap() + 1), &round);
        CoordinatorMessage::Certify { attempt, headers: headers.into(), shares: shares.clone() }
    };
    for change in [
        (|h| h.table_digest = Hash256::of(b"another")) as fn(&mut RelayedHeader),
        |h| h.self_mask_commitment = Hash256::of(b"another"),
        |h| h.dealt = Hash256::of(b"another"),
        |h| h.columns[0].commitment = [1; 32],
    ] {
        assert_eq!(blamed(&mut federation, 1, with(1, change)), coordinator(FaultKind::NotAsSent));
    }
    for (change, detail) in [
        ((|h| h.participants = Hash256::of(b"others")) as fn(&mut RelayedHeader), "it is for other participants"),
        (|h| h.columns.truncate(h.columns.len() - 1), "the number of its columns"),
    ] {
        let (fault, said) = blamed(&mut federation, 1, with(3, change));
        let header = FaultKind::Header { of: name(3), detail };
        assert_eq!((fault, said), (by(3, header), disagrees(3, Disagreement::Header)));
    }
    opens_over_all(federation, 1, right);
}

/// A certificate of these participants under which all of them have put their names, for other submissions or not.
fn certificate(round: &Round, participants: Participants, digests: Vec<(SupplierId, Hash256)>) -> Certificate {
    let statement = Statement { participants, digests };
    let signed = statement.participants.suppliers();
    let signatures = signed.map(|who| statement.sign_prepared(&key_of(who), round, who.clone())).collect();
    let Statement { participants, digests } = statement;
    Certificate { attempt: round.attempt, participants, digests, signatures }
}

#[test]
fn a_certificate_of_what_was_not_prepared_or_of_strangers() {
    let (mut federation, right) = at(5, 1, 5, |message| matches!(message, CoordinatorMessage::Finalise { .. }));
    let CoordinatorMessage::Finalise { certificate: good } = right.clone() else { panic!() };
    let round = round(&federation);
    let mut digests = good.digests.clone();
    digests[3].1 = Hash256::of(b"another");
    let other = Arc::new(certificate(&round, good.participants.clone(), digests));
    let finalise = |certificate: &Arc<Certificate>| CoordinatorMessage::Finalise { certificate: certificate.clone() };
    assert_eq!(blamed(&mut federation, 1, finalise(&other)), coordinator(FaultKind::NotPrepared));

    let mut entries = good.participants.entries().to_vec();
    entries.push((name(9), Hash256::of(b"card")));
    let mut digests = good.digests.clone();
    digests.push((name(9), Hash256::of(b"submission")));
    let strange = Arc::new(certificate(&round, Participants::new(entries).unwrap(), digests));
    assert_eq!(blamed(&mut federation, 1, finalise(&strange)), coordinator(FaultKind::NotInScope(name(9))));

    let few: Vec<_> = good.participants.entries()[..3].to_vec();
    let small = certificate(&round, Participants::new(few).unwrap(), good.digests[..3].to_vec());
    let what = FaultKind::TooFewParticipants { participants: 3, least: 4 };
    assert_eq!(blamed(&mut federation, 1, finalise(&Arc::new(small))), coordinator(what));

    // Nor is such a one opened, though a quorum had made it final.
    let digest = other.statement().digest(&round);
    let votes = (0..5).map(name).map(|who| FinalVote::sign(&key_of(&who), &round, &digest, who)).collect();
    let last = Arc::new(FinalCertificate { certificate: other, votes });
    let open = CoordinatorMessage::Open { certificate: last.clone() };
    assert_eq!(blamed(&mut federation, 1, open), coordinator(FaultKind::NotPrepared));
    let recover = CoordinatorMessage::RecoverShares { certificate: last, of: vec![name(3)] };
    assert_eq!(blamed(&mut federation, 1, recover), coordinator(FaultKind::NotPrepared));
    opens_over_all(federation, 1, right);
}

#[test]
fn one_that_takes_no_part_opens_nothing() {
    let mut federation = Federation::new(6, 1, 2, 6);
    federation.nodes.get_mut(&name(5)).unwrap().columns = None;
    let open = started(&mut federation, 0, |message| matches!(message, CoordinatorMessage::Open { .. }));
    let CoordinatorMessage::Open { certificate } = open.clone() else { panic!() };
    assert_eq!(blamed(&mut federation, 5, open), coordinator(FaultKind::NoParticipant));
    let recover = CoordinatorMessage::RecoverShares { certificate, of: vec![name(3)] };
    assert_eq!(blamed(&mut federation, 5, recover), coordinator(FaultKind::NoParticipant));
}

#[test]
fn what_is_not_due() {
    let pair = |message: &CoordinatorMessage| matches!(message, CoordinatorMessage::Pair { .. });
    let (mut federation, right) = at(5, 1, 7, pair);
    let attempt = Attempt::FIRST;
    let exchange = CoordinatorMessage::Exchange { attempt, encapsulations: Arc::new([]) };
    let certify = CoordinatorMessage::Certify { attempt, headers: Arc::new([]), shares: Vec::new() };
    let not_due = |message| coordinator(FaultKind::NotDue { message });
    assert_eq!(blamed(&mut federation, 1, exchange.clone()), not_due("exchange"));
    assert_eq!(blamed(&mut federation, 1, certify.clone()), not_due("certify"));
    let attempt = Attempt::new(2).unwrap();
    let CoordinatorMessage::Pair { cards, .. } = right.clone() else { panic!() };
    assert_eq!(blamed(&mut federation, 1, CoordinatorMessage::Pair { attempt, cards }), not_due("pair"));
    opens_over_all(federation, 1, right.clone());

    // Nothing at all is due before it has been asked, and nothing of another query afterwards.
    let roster = roster(5);
    let mut config = SupplierConfig::new(name(1), key(2), roster.clone());
    config.rules = Rules::all();
    let now = Timestamp::from_millis(federation::START);
    let told = |machine: Supplier, message| {
        let (machine, effects) = machine.handle(now, Input::Message { message, entropy: Entropy::new([1; 32]) });
        let faults: Vec<_> = effects.into_iter().filter_map(rejection).collect();
        (machine, faults)
    };
    let mut machine = Supplier::new(Arc::new(config));
    for message in [right, exchange, certify, CoordinatorMessage::Void] {
        let (same, faults) = told(machine, message);
        assert_eq!(faults, [coordinator(FaultKind::NotAdmitted).0]);
        machine = same;
    }
    let asked = entry(&roster, 4);
    let (machine, faults) = told(machine, CoordinatorMessage::Ask { query: asked.clone().sign(&key(200)) });
    assert_eq!(faults, []);
    let mut other = asked;
    other.nonce = [8; 16];
    let ask = CoordinatorMessage::Ask { query: other.sign(&key(200)) };
    let (machine, faults) = told(machine, ask.clone());
    assert_eq!(faults, [coordinator(FaultKind::OtherQuery).0]);
    let (machine, _) = told(machine, CoordinatorMessage::Ended { outcome: RoundOutcome::Abandoned });
    let (_, faults) = told(machine, CoordinatorMessage::Void);
    assert_eq!(faults, [coordinator(FaultKind::AlreadyEnded).0]);
}

fn rejection(effect: Effect) -> Option<Fault> {
    if let Effect::Reject(fault) = effect { Some(fault) } else { None }
}

#[test]
fn a_host_that_speaks_out_of_turn_or_counts_beyond_the_bound() {
    let roster = roster(5);
    let now = Timestamp::from_millis(federation::START);
    let table = |suppliers| {
        let table = LocalTable::new(2, vec![vec![1, 2]], Bound::for_suppliers(suppliers)).unwrap();
        Input::TableReady(PreparedTable::new(table, &Generators::with_capacity(2)))
    };
    let given = |machine: Supplier, input| {
        let (machine, effects) = machine.handle(now, input);
        (machine, effects.into_iter().filter_map(rejection).map(|fault| (fault.party, fault.what)).collect::<Vec<_>>())
    };
    let out_of_turn = |what| [(Party::ThisHost, FaultKind::OutOfTurn(what))];
    let machine = Supplier::new(Arc::new(SupplierConfig::new(name(1), key(2), roster.clone())));
    let (machine, faults) = given(machine, table(5));
    assert_eq!(faults, out_of_turn("nothing has been asked yet"));
    let message = CoordinatorMessage::Ask { query: entry(&roster, 4).sign(&key(200)) };
    let (machine, _) = given(machine, Input::Message { message, entropy: Entropy::new([1; 32]) });
    let (machine, _) = given(machine, Input::Persisted);
    let (machine, faults) = given(machine, Input::Persisted);
    assert_eq!(faults, out_of_turn("no record is being persisted"));
    let (machine, faults) = given(machine, table(1));
    let wide = FaultKind::Table("its bound is too wide for so many suppliers");
    assert_eq!(faults, [(Party::ThisHost, wide)]);
    let (machine, faults) = given(machine, table(5));
    assert_eq!(faults, []);
    let (_, faults) = given(machine, table(5));
    assert_eq!(faults, out_of_turn("no table is awaited"));
}
