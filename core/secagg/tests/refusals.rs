//! What a supplier's machine refuses, and that a refusal changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::sync::Arc;

use federation::{EXPIRY, Event, Federation, entry, key, name, roster};
use optelsom_codebook::{Hash256, RefusalReason, Timestamp};
use optelsom_ledger::{EntryError, Signature};
use optelsom_secagg::messages::{Attempt, AttemptFault, CoordinatorMessage, Dealt, Disagreement, SupplierMessage};
use optelsom_secagg::supplier::{Effect, Input, Supplier, SupplierConfig, SupplierRecord};
use optelsom_secagg::{Entropy, Fault, FaultKind, Party};

fn tell(machine: Supplier, message: CoordinatorMessage) -> (Supplier, Vec<Effect>) {
    let now = Timestamp::from_millis(federation::START + 1);
    machine.handle(now, Input::Message { message, entropy: Entropy::new([77; 32]) })
}

fn rejected(effects: &[Effect]) -> &Fault {
    let faults: Vec<_> = effects
        .iter()
        .filter_map(|effect| if let Effect::Reject(fault) = effect { Some(fault) } else { None })
        .collect();
    let [fault] = &faults[..] else { panic!("not one fault: {effects:?}") };
    fault
}

/// Runs a round until a message to this supplier that fits, and takes it out of the queue.
fn until(federation: &mut Federation, to: usize, fits: fn(&CoordinatorMessage) -> bool) -> CoordinatorMessage {
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        match event {
            Event::ToSupplier(id, message) if id == name(to) && fits(&message) => return message,
            other => federation.deliver(other),
        }
    }
    panic!("no such message came");
}

fn take(federation: &mut Federation, index: usize) -> Supplier {
    federation.nodes.get_mut(&name(index)).unwrap().machine.take().unwrap()
}

#[test]
fn the_gate() {
    let roster = roster(5);
    let config = Arc::new(SupplierConfig::new(name(0), key(1), roster.clone()));
    let good = entry(&roster, 4);
    let ask = |config: &Arc<SupplierConfig>, query| {
        let (machine, effects) = tell(Supplier::new(config.clone()), CoordinatorMessage::Ask { query });
        let refused = effects.iter().any(|effect| {
            matches!(effect, Effect::Send(SupplierMessage::Refused { reason: RefusalReason::Policy, .. }))
        });
        let fault = effects.iter().find_map(|effect| match effect {
            Effect::Reject(fault) => Some(fault.clone()),
            _ => None,
        });
        // What is refused can be asked rightly afterwards.
        let (_, after) = tell(machine, CoordinatorMessage::Ask { query: good.clone().sign(&key(200)) });
        assert!(fault.is_none() || refused == (fault.as_ref().unwrap().what != FaultKind::NotAsked));
        assert!(fault.is_none() || after.iter().any(|effect| matches!(effect, Effect::Compute(_) | Effect::Reject(_))));
        fault
    };
    assert_eq!(ask(&config, good.clone().sign(&key(200))), None);

    let mut forged = good.clone().sign(&key(200));
    forged.signature = Signature::from_bytes([1; 64]);
    let by_requester = |error| Some(Fault { party: Party::Requester, what: FaultKind::Question(error) });
    assert_eq!(ask(&config, forged), by_requester(EntryError::Signature("analyst".into())));
    let mut changed = good.clone().sign(&key(200));
    changed.entry.purpose = "other".into();
    assert_eq!(ask(&config, changed), by_requester(EntryError::Signature("analyst".into())));

    let mut expired = good.clone();
    expired.expires_at = Timestamp::from_millis(federation::START);
    assert!(matches!(ask(&config, expired.sign(&key(200))), Some(Fault { party: Party::Requester, .. })));
    let mut early = good.clone();
    early.asked_at = Timestamp::from_millis(federation::START + 10_000_000);
    assert!(matches!(ask(&config, early.sign(&key(200))), Some(Fault { party: Party::Requester, .. })));
    let mut few = good.clone();
    few.min_suppliers = 2;
    assert!(matches!(ask(&config, few.sign(&key(200))), Some(Fault { party: Party::Requester, .. })));

    let mut foreign = good.clone();
    foreign.roster = Hash256::from_bytes([0; 32]);
    assert!(matches!(ask(&config, foreign.sign(&key(200))), Some(Fault { party: Party::Coordinator, .. })));
    let mut low = good.clone();
    low.collusion = 0;
    assert!(matches!(ask(&config, low.sign(&key(200))), Some(Fault { party: Party::Coordinator, .. })));
    let mut small = good.clone();
    small.scope.truncate(3);
    small.min_suppliers = 3;
    assert!(matches!(ask(&config, small.sign(&key(200))), Some(Fault { what: FaultKind::Scope(_), .. })));
    let mut without = good.clone();
    without.scope.remove(0);
    assert!(matches!(ask(&config, without.sign(&key(200))), Some(Fault { what: FaultKind::NotAsked, .. })));
}

#[test]
fn the_operators_marks() {
    let roster = roster(5);
    let query = entry(&roster, 4).sign(&key(200));
    let mut config = SupplierConfig::new(name(0), key(1), roster);
    config.accepted_peers.remove(&name(4));
    let (_, effects) = tell(Supplier::new(Arc::new(config.clone())), CoordinatorMessage::Ask { query: query.clone() });
    let expected = FaultKind::UnacceptedPeers { unaccepted: 1, floor: 1, collusion: 1 };
    assert_eq!(rejected(&effects).what, expected);
    // With no colluder among those accepted there is room for one that is not real.
    config.collusion_floor = 0;
    let (_, effects) = tell(Supplier::new(Arc::new(config.clone())), CoordinatorMessage::Ask { query: query.clone() });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Compute(_))));
    config.accepted_peers.insert(name(4));
    config.collusion_floor = 2;
    let (_, effects) = tell(Supplier::new(Arc::new(config)), CoordinatorMessage::Ask { query });
    assert_eq!(rejected(&effects).what, FaultKind::CollusionFloor { collusion: 1, floor: 2 });
}

#[test]
fn an_attempt_is_joined_once_also_after_a_restart() {
    let mut federation = Federation::new(5, 1, 2, 1);
    let join = until(&mut federation, 2, |message| matches!(message, CoordinatorMessage::Join { .. }));
    let (machine, first) = tell(take(&mut federation, 2), join.clone());
    let [Effect::Persist(record)] = &first[..] else { panic!("{first:?}") };
    let record = SupplierRecord::from_bytes(&record.to_bytes()).unwrap();
    let (machine, sent) = machine.handle(federation.now, Input::Persisted);
    let (machine, again) = tell(machine, join.clone());
    let [Effect::Send(card)] = &sent[..] else { panic!("{sent:?}") };
    assert!(matches!(&again[..], [Effect::Send(same)] if same == card));
    let CoordinatorMessage::Join { attempt, .. } = join else { panic!() };
    let other = CoordinatorMessage::Join { attempt, checkpoint: Hash256::from_bytes([8; 32]) };
    let (_, effects) = tell(machine, other);
    assert_eq!(rejected(&effects).what, FaultKind::TwoStatements { statement: "checkpoint" });

    let restored = Supplier::restore(federation.nodes[&name(2)].config.clone(), record).unwrap();
    let (_, effects) = tell(restored, join);
    let lost = SupplierMessage::CannotContinue { attempt, cause: AttemptFault::KeysLost };
    assert!(matches!(&effects[..], [Effect::Send(message)] if *message == lost));
}

#[test]
fn nobody_joins_an_expired_query() {
    let mut federation = Federation::new(5, 1, 2, 1);
    let message = until(&mut federation, 2, |message| matches!(message, CoordinatorMessage::Join { .. }));
    let input = Input::Message { message, entropy: Entropy::new([1; 32]) };
    let (_, effects) = take(&mut federation, 2).handle(Timestamp::from_millis(EXPIRY), input);
    assert_eq!(rejected(&effects).what, FaultKind::Expired);
}

#[test]
fn one_list_of_participants_per_attempt() {
    let mut federation = Federation::new(6, 1, 2, 2);
    let pair = until(&mut federation, 0, |message| matches!(message, CoordinatorMessage::Pair { .. }));
    let CoordinatorMessage::Pair { attempt, cards } = pair.clone() else { panic!() };
    let with = |cards: &[_]| CoordinatorMessage::Pair { attempt, cards: cards.into() };
    let machine = take(&mut federation, 0);

    let (machine, effects) = tell(machine, with(&cards[1..]));
    assert_eq!(rejected(&effects).what, FaultKind::WithoutSelf);
    let (machine, effects) = tell(machine, with(&cards[..3]));
    let few = effects.iter().any(|effect| {
        let fault = FaultKind::TooFewParticipants { participants: 3, least: 4 };
        matches!(effect, Effect::Reject(found) if found.what == fault)
    });
    assert!(few, "{effects:?}");
    let mut reversed = cards.to_vec();
    reversed.reverse();
    let (machine, effects) = tell(machine, with(&reversed));
    assert_eq!(rejected(&effects).what, FaultKind::ParticipantsUnsorted);
    let mut forged = cards.to_vec();
    forged[3].public_key[7] ^= 1;
    let (machine, effects) = tell(machine, with(&forged));
    assert_eq!(rejected(&effects).party, Party::Coordinator);
    assert_eq!(rejected(&effects).what, FaultKind::Signature { statement: "card", of: name(3) });

    // None of that has changed anything: the right list is taken, and from then on no other.
    let (machine, first) = tell(machine, pair.clone());
    let (machine, again) = tell(machine, pair);
    let [Effect::Send(first)] = &first[..] else { panic!("{first:?}") };
    assert!(matches!(&again[..], [Effect::Send(same)] if same == first));
    let (_, effects) = tell(machine, with(&cards[..5]));
    assert_eq!(rejected(&effects).what, FaultKind::OtherParticipants);
}

#[test]
fn certify_shows_what_was_sent_and_names_who_does_not_fit() {
    let mut federation = Federation::new(5, 1, 2, 3);
    let certify = until(&mut federation, 1, |message| matches!(message, CoordinatorMessage::Certify { .. }));
    let CoordinatorMessage::Certify { attempt, headers, shares } = certify.clone() else { panic!() };
    let machine = take(&mut federation, 1);
    let with = |headers: &[_], shares: &[_]| CoordinatorMessage::Certify {
        attempt,
        headers: headers.into(),
        shares: shares.to_vec(),
    };

    let mut swapped = headers.to_vec();
    swapped[0].table_digest = Hash256::from_bytes([0; 32]);
    let (machine, effects) = tell(machine, with(&swapped, &shares));
    assert_eq!(rejected(&effects).what, FaultKind::Signature { statement: "submission", of: name(0) });
    let (machine, effects) = tell(machine, with(&headers[..4], &shares));
    assert_eq!(rejected(&effects).what, FaultKind::NotOneEach { what: "header" });
    let mut broken = shares.clone();
    broken[2].share.sealed[0] ^= 1;
    let (machine, effects) = tell(machine, with(&headers, &broken));
    assert_eq!(rejected(&effects).what, FaultKind::ShareChanged(name(3)));
    assert_eq!(rejected(&effects).party, Party::Coordinator);
    // Neither another commitment than the dealer's, nor what it dealt to somebody else.
    let mut uncommitted = shares.clone();
    uncommitted[2].commitment = Hash256::from_bytes([0; 32]);
    let (machine, effects) = tell(machine, with(&headers, &uncommitted));
    assert_eq!(rejected(&effects).what, FaultKind::ShareChanged(name(3)));
    let mut submitted = federation.submitted.iter().find(|header| header.supplier == name(3)).unwrap().clone();
    let mut foreign = shares.clone();
    foreign[2] = Dealt::of(&submitted).relay(2, foreign[2].share.clone()).unwrap();
    let (machine, effects) = tell(machine, with(&headers, &foreign));
    assert_eq!(rejected(&effects).what, FaultKind::ShareChanged(name(3)));

    // A dealer that signs for a share that does not open: neither end is convicted.
    let round = optelsom_secagg::Round { query: federation.id(), attempt, roster: federation.roster.hash() };
    submitted.sealed_shares[1].1 = broken[2].share.digest();
    broken[2] = Dealt::of(&submitted).relay(1, broken[2].share.clone()).unwrap();
    let mut dealt = headers.to_vec();
    dealt[3] = submitted.sign(&key(4), &round).relayed();
    let (machine, effects) = tell(machine, with(&dealt, &broken));
    assert_eq!(rejected(&effects).party, Party::Unattributable { between: vec![name(1), name(3)] });
    let cause = AttemptFault::DisagreesWith { peer: name(3), over: Disagreement::Share };
    let told = SupplierMessage::CannotContinue { attempt, cause };
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Send(message) if *message == told)));

    // Prepared only when that is durable; then the same again and again.
    let (machine, effects) = tell(machine, certify.clone());
    assert!(matches!(&effects[..], [Effect::Persist(_)]), "{effects:?}");
    let (machine, sent) = machine.handle(federation.now, Input::Persisted);
    let [Effect::Send(prepared)] = &sent[..] else { panic!("{sent:?}") };
    let (_, again) = tell(machine, certify);
    assert!(matches!(&again[..], [Effect::Send(same)] if same == prepared));
}

#[test]
fn one_decision_per_query() {
    let mut federation = Federation::new(5, 1, 2, 4);
    let finalise = until(&mut federation, 1, |message| matches!(message, CoordinatorMessage::Finalise { .. }));
    let config = federation.nodes[&name(1)].config.clone();
    let record = || SupplierRecord::from_bytes(federation.nodes[&name(1)].record.as_ref().unwrap()).unwrap();
    let fresh = || Supplier::restore(config.clone(), record()).unwrap();

    // A certificate without one of the signatures is none.
    let CoordinatorMessage::Finalise { certificate } = &finalise else { panic!() };
    let mut short = certificate.clone();
    Arc::make_mut(&mut short).signatures.pop();
    let (_, effects) = tell(fresh(), CoordinatorMessage::Finalise { certificate: short });
    assert_eq!(rejected(&effects).what, FaultKind::CertificateIncomplete);

    // Final, then void: the final vote stands, also after a restart.
    let (_, effects) = tell(fresh(), finalise.clone());
    let [Effect::Persist(voted)] = &effects[..] else { panic!("{effects:?}") };
    let voted = SupplierRecord::from_bytes(&voted.to_bytes()).unwrap();
    let (machine, effects) = tell(Supplier::restore(config.clone(), voted).unwrap(), CoordinatorMessage::Void);
    assert!(matches!(&effects[..], [Effect::Send(SupplierMessage::Final { .. })]), "{effects:?}");
    let next = CoordinatorMessage::Join { attempt: Attempt::new(2).unwrap(), checkpoint: Hash256::from_bytes([9; 32]) };
    let (_, effects) = tell(machine, next);
    assert_eq!(rejected(&effects).what, FaultKind::FinalStands(Attempt::FIRST));

    // Void, then final: void stands, and nothing is ever opened.
    let (_, effects) = tell(fresh(), CoordinatorMessage::Void);
    let [Effect::Persist(voided)] = &effects[..] else { panic!("{effects:?}") };
    let voided = SupplierRecord::from_bytes(&voided.to_bytes()).unwrap();
    let (_, effects) = tell(Supplier::restore(config.clone(), voided).unwrap(), finalise);
    assert!(matches!(&effects[0], Effect::Send(SupplierMessage::Void { .. })));
    assert_eq!(rejected(&effects).what, FaultKind::VoidStands);
}

#[test]
fn nothing_is_opened_without_a_quorum() {
    let mut federation = Federation::new(5, 1, 2, 5);
    let open = until(&mut federation, 1, |message| matches!(message, CoordinatorMessage::Open { .. }));
    let CoordinatorMessage::Open { certificate } = &open else { panic!() };
    let machine = take(&mut federation, 1);
    let mut few = certificate.clone();
    Arc::make_mut(&mut few).votes.pop();
    let (machine, effects) = tell(machine, CoordinatorMessage::Open { certificate: few.clone() });
    let (votes, quorum) = (few.votes.len(), few.votes.len() + 1);
    assert_eq!(rejected(&effects).what, FaultKind::NoQuorum { votes, quorum });
    let mut twice = certificate.clone();
    let last = twice.votes.len() - 1;
    let again = twice.votes[0].clone();
    Arc::make_mut(&mut twice).votes[last] = again;
    let (machine, effects) = tell(machine, CoordinatorMessage::Open { certificate: twice });
    assert_eq!(rejected(&effects).what, FaultKind::NotOneEach { what: "vote" });
    let of = vec![name(1)];
    let (machine, effects) = tell(machine, CoordinatorMessage::RecoverShares { certificate: few, of: of.clone() });
    assert!(matches!(rejected(&effects).what, FaultKind::NoQuorum { .. }));
    let certificate = certificate.clone();
    let (machine, effects) = tell(machine, CoordinatorMessage::RecoverShares { certificate, of });
    assert_eq!(rejected(&effects).what, FaultKind::NoShare(name(1)));
    // Opened at last; and once the query has ended, never again.
    let (machine, effects) = tell(machine, open.clone());
    assert!(matches!(&effects[..], [Effect::Persist(_)]), "{effects:?}");
    let (machine, effects) = machine.handle(federation.now, Input::Persisted);
    assert!(matches!(&effects[..], [Effect::Send(SupplierMessage::Opening { .. })]));
    let outcome = optelsom_secagg::messages::RoundOutcome::Opened;
    let (machine, _) = tell(machine, CoordinatorMessage::Ended { outcome });
    assert!(machine.ended());
    let (_, effects) = tell(machine, open);
    assert_eq!(rejected(&effects).what, FaultKind::AlreadyEnded);
}
