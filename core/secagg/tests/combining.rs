//! What the combiner makes of suppliers that send something wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::cell::Cell;
use std::rc::Rc;

use federation::{Event, Federation, key, name};
use optelsom_codebook::Hash256;
use optelsom_secagg::combiner::{CombinerRecord, Input, Outcome, SpentReason};
use optelsom_secagg::messages::{
    Attempt, AttemptFault, CoordinatorMessage, Disagreement, SelfMask, Share, Statement, SupplierMessage,
};
use optelsom_secagg::supplier::SupplierRecord;
use optelsom_secagg::{FaultKind, Party, Round};
use proptest::prelude::*;

fn round(federation: &Federation) -> Round {
    Round { query: federation.id(), attempt: Attempt::FIRST, roster: federation.roster.hash() }
}

fn say(federation: &mut Federation, from: usize, message: SupplierMessage) {
    federation.combine(Input::Message { from: name(from), message });
}

/// Delivers until such a message to the combiner comes, and takes it out of the queue.
fn until(federation: &mut Federation, from: usize, fits: fn(&SupplierMessage) -> bool) -> SupplierMessage {
    while let Some(event) = federation.queue.pop_front() {
        match event {
            Event::ToCombiner(id, message) if id == name(from) && fits(&message) => return message,
            other => federation.deliver(other),
        }
    }
    panic!("no such message came");
}

fn named(federation: &Federation, party: &Party, what: &FaultKind) -> bool {
    federation.faults.iter().any(|fault| fault.party == *party && fault.what == *what)
}

#[test]
fn a_wrong_self_mask_or_share_is_named_and_done_without() {
    let mut federation = Federation::new(7, 2, 3, 1);
    federation.combine(Input::Started);
    let right = until(&mut federation, 0, |message| matches!(message, SupplierMessage::Opening { .. }));
    let attempt = Attempt::FIRST;
    say(&mut federation, 0, SupplierMessage::Opening { attempt, self_mask: SelfMask::from_bytes([3; 32]) });
    assert!(named(&federation, &Party::Supplier(name(0)), &FaultKind::SelfMask));
    // Supplier 0 never opens; another gives a wrong share of its self-mask; the right ones of the others do.
    federation.nodes.get_mut(&name(0)).unwrap().machine = None;
    let wrong = vec![(name(0), Share::from_bytes([4; 32]))];
    say(&mut federation, 1, SupplierMessage::RecoveredShares { attempt, shares: wrong });
    assert!(named(&federation, &Party::Supplier(name(1)), &FaultKind::Share(name(0))));
    federation.filter = Box::new(
        |event| !matches!(event, Event::ToCombiner(id, SupplierMessage::RecoveredShares { .. }) if *id == name(1)),
    );
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    drop(right);
}

/// Supplier 4 goes on by hand from its submission: its machine would not certify what it did not send.
fn submits_something_else(federation: &mut Federation, change: fn(&mut SupplierMessage)) -> Option<Outcome> {
    federation.combine(Input::Started);
    let mut submission = until(federation, 4, |message| matches!(message, SupplierMessage::Submission { .. }));
    change(&mut submission);
    let round = round(federation);
    if let SupplierMessage::Submission { header, .. } = &mut submission {
        *header = header.clone().sign(&key(5), &round);
    }
    say(federation, 4, submission);
    while let Some(event) = federation.queue.pop_front() {
        match &event {
            Event::ToSupplier(id, CoordinatorMessage::Certify { headers, attempt, .. }) if *id == name(4) => {
                let digests: Vec<_> = headers.iter().map(|h| (h.supplier.clone(), h.digest(&round))).collect();
                let participants = federation_participants(federation, headers[0].participants);
                let statement = Statement { participants, digests };
                let prepared = statement.sign_prepared(&key(5), &round, name(4));
                let attempt = *attempt;
                federation.nodes.get_mut(&name(4)).unwrap().machine = None;
                say(federation, 4, SupplierMessage::Prepared { attempt, prepared });
            }
            _ => federation.deliver(event),
        }
    }
    federation.go_on()
}

/// P, from the record of an honest participant.
fn federation_participants(federation: &Federation, hash: Hash256) -> optelsom_secagg::messages::Participants {
    let entries = federation.cards.iter().map(|card| (card.supplier.clone(), card.digest(&round(federation))));
    let participants = optelsom_secagg::messages::Participants::new(entries.collect()).unwrap();
    assert_eq!(participants.hash(), hash);
    participants
}

#[test]
fn commitments_to_another_table_spend_the_query() {
    let mut federation = Federation::new(5, 2, 3, 2);
    let ended = submits_something_else(&mut federation, |message| {
        if let SupplierMessage::Submission { header, .. } = message {
            header.columns[1].commitment = header.columns[0].commitment;
        }
    });
    assert_eq!(ended, Some(Outcome::Spent { reason: SpentReason::SumMismatch }));
    let between = (0..5).map(name).collect();
    assert!(named(&federation, &Party::Unattributable { between }, &FaultKind::SumMismatch));
    assert!(federation.opened.is_empty());
    // A coordinator that starts again opens nothing either.
    federation.restart_combiner();
    assert_eq!(federation.go_on(), Some(Outcome::Spent { reason: SpentReason::SumMismatch }));
    assert!(federation.opened.is_empty());
}

#[test]
fn a_dealer_of_shares_that_do_not_belong_together_is_named() {
    let mut federation = Federation::new(5, 1, 3, 3);
    let ended = submits_something_else(&mut federation, |message| {
        if let SupplierMessage::Submission { header, .. } = message {
            header.self_mask_commitment = Hash256::from_bytes([6; 32]);
        }
    });
    assert_eq!(ended, Some(Outcome::Spent { reason: SpentReason::SelfMasksLost { of: vec![name(4)] } }));
    assert!(named(&federation, &Party::Supplier(name(4)), &FaultKind::InconsistentDealing));
    assert!(federation.opened.is_empty());
}

#[test]
fn a_dealer_is_named_by_the_first_shares_that_should_have_been_enough_and_no_more_are_asked_for() {
    let mut federation = Federation::new(9, 1, 3, 5);
    let enough = federation.roster.collusion() + 1;
    let (asked, given) = (Rc::new(Cell::new(0)), Cell::new(0));
    let counted = Rc::clone(&asked);
    federation.filter = Box::new(move |event| match event {
        Event::ToSupplier(_, CoordinatorMessage::RecoverShares { .. }) => {
            counted.set(counted.get() + 1);
            true
        }
        Event::ToCombiner(_, SupplierMessage::RecoveredShares { .. }) => given.replace(given.get() + 1) < enough,
        _ => true,
    });
    let ended = submits_something_else(&mut federation, |message| {
        if let SupplierMessage::Submission { header, .. } = message {
            header.self_mask_commitment = Hash256::from_bytes([6; 32]);
        }
    });
    assert_eq!(ended, Some(Outcome::Spent { reason: SpentReason::SelfMasksLost { of: vec![name(4)] } }));
    let convicting = federation.faults.iter().filter(|fault| fault.what == FaultKind::InconsistentDealing);
    assert!(convicting.map(|fault| &fault.party).eq([&Party::Supplier(name(4))]));
    // Each of the others once; what they gave said all that there is to know.
    assert_eq!(asked.get(), 8);
}

#[test]
fn a_table_that_is_not_the_signed_one_costs_its_sender_the_next_attempt() {
    let mut federation = Federation::new(6, 1, 3, 4);
    federation.combine(Input::Started);
    let chunk = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Chunk(_)));
    let SupplierMessage::Chunk(mut chunk) = chunk else { panic!() };
    chunk.words[1] ^= 1;
    say(&mut federation, 2, SupplierMessage::Chunk(chunk));
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    assert!(named(&federation, &Party::Supplier(name(2)), &FaultKind::TableDigest));
    assert_eq!(federation.opened[0].headers.len(), 5);
    assert_eq!(federation.opened[0].certificate.certificate.attempt, Attempt::new(2).unwrap());
}

#[test]
fn chunks_outside_the_table_change_nothing() {
    let mut federation = Federation::new(5, 1, 3, 5);
    federation.combine(Input::Started);
    let chunk = until(&mut federation, 2, |message| matches!(message, SupplierMessage::Chunk(_)));
    let SupplierMessage::Chunk(good) = chunk else { panic!() };
    for (offset, length) in [(3, 1), (0, 4), (u64::MAX, 1), (2, 2)] {
        let mut chunk = good.clone();
        (chunk.offset, chunk.words) = (offset, vec![1; length]);
        say(&mut federation, 2, SupplierMessage::Chunk(chunk));
        assert!(named(&federation, &Party::Supplier(name(2)), &FaultKind::ChunkOutside), "{offset}+{length}");
        federation.faults.clear();
    }
    // In pieces, out of order, twice: only what joins on is taken.
    for (offset, length) in [(2, 1), (0, 1), (0, 1), (0, 2), (1, 2), (0, 3)] {
        let mut chunk = good.clone();
        chunk.offset = offset;
        let from = usize::try_from(offset).unwrap();
        chunk.words = good.words[from..from + length].to_vec();
        say(&mut federation, 2, SupplierMessage::Chunk(chunk));
    }
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    assert_eq!(federation.faults, vec![]);
}

#[test]
fn nobody_can_push_out_more_than_one_other() {
    let mut federation = Federation::new(7, 1, 2, 6);
    federation.filter = Box::new(|event| {
        // Supplier 6 always disagrees instead of certifying.
        !matches!(event, Event::ToSupplier(id, CoordinatorMessage::Certify { .. }) if *id == name(6))
    });
    federation.combine(Input::Started);
    let mut accused = [0, 1, 2].into_iter();
    while let Some(event) = federation.queue.pop_front() {
        let (to_six, attempt) = match &event {
            Event::ToSupplier(id, CoordinatorMessage::Certify { attempt, .. }) => (*id == name(6), Some(*attempt)),
            _ => (false, None),
        };
        federation.deliver(event);
        if let (true, Some(attempt)) = (to_six, attempt) {
            let peer = name(accused.next().unwrap());
            let cause = AttemptFault::DisagreesWith { peer, over: Disagreement::Share };
            say(&mut federation, 6, SupplierMessage::CannotContinue { attempt, cause });
        }
    }
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    let participants = federation.opened[0].certificate.certificate.participants.suppliers().cloned();
    assert_eq!(participants.collect::<Vec<_>>(), [1, 2, 3, 4, 5].map(name));
    federation.opened_the_right_total();
}

#[test]
fn a_final_vote_bars_the_way_to_void() {
    let mut federation = Federation::new(5, 1, 2, 7);
    federation.combine(Input::Started);
    let vote = until(&mut federation, 1, |message| matches!(message, SupplierMessage::Final { .. }));
    say(&mut federation, 1, vote);
    federation.combine(Input::AskVoid);
    assert!(named(&federation, &Party::ThisHost, &FaultKind::FinalStands(Attempt::FIRST)));
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
}

#[test]
fn a_query_that_is_cancelled_before_its_certificate_is_abandoned() {
    let mut federation = Federation::new(5, 1, 2, 8);
    federation.combine(Input::Started);
    let _ = until(&mut federation, 1, |message| matches!(message, SupplierMessage::Submission { .. }));
    federation.combine(Input::Cancel { by: "operator-1".into() });
    assert!(matches!(federation.go_on(), Some(Outcome::Abandoned { .. })));
    assert!(federation.nodes.values().all(|node| node.machine.as_ref().unwrap().ended()));
    federation.restart_combiner();
    assert!(matches!(federation.go_on(), Some(Outcome::Abandoned { .. })));
}

/// Records of both machines, from every stage of a round, with the sums that belong to the combiner's.
fn records() -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for step in 0..6 {
        let mut federation = Federation::new(4, 1, 2, 9);
        federation.combine(Input::Started);
        for _ in 0..step * 16 {
            if let Some(event) = federation.queue.pop_front() {
                federation.deliver(event);
            }
        }
        all.extend(federation.combiner_record.map(|record| (record, federation.combiner_sum)));
        all.extend(federation.nodes.into_values().filter_map(|node| Some((node.record?, None))));
    }
    all
}

#[test]
fn records_that_are_cut_or_changed_never_panic() {
    for (bytes, sum) in records() {
        for end in 0..bytes.len() {
            assert!(SupplierRecord::from_bytes(&bytes[..end]).is_err());
            assert!(CombinerRecord::from_bytes(&bytes[..end], sum.as_deref()).is_err());
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] = changed[at].wrapping_add(1);
            if let Ok(read) = SupplierRecord::from_bytes(&changed) {
                assert_eq!(*read.to_bytes(), changed);
            }
            if let Ok(read) = CombinerRecord::from_bytes(&changed, sum.as_deref()) {
                assert_eq!(*read.to_bytes(), changed);
            }
        }
    }
}

#[test]
fn a_record_is_not_read_without_the_sum_that_belongs_to_it() {
    let mut with_sums = 0;
    for (record, sum) in records() {
        let Some(sum) = sum else { continue };
        with_sums += 1;
        assert!(CombinerRecord::from_bytes(&record, Some(&sum)).is_ok());
        assert!(CombinerRecord::from_bytes(&record, None).is_err());
        assert!(CombinerRecord::from_bytes(&record, Some(&sum[8..])).is_err());
        assert!(CombinerRecord::from_bytes(&record, Some(&sum[1..])).is_err());
    }
    assert!(with_sums > 0);
}

#[test]
fn records_do_not_print_secrets() {
    for (bytes, _) in records() {
        let Ok(record) = SupplierRecord::from_bytes(&bytes) else { continue };
        let printed = format!("{record:?}");
        assert!(!printed.contains("Share(") && printed.len() < 300, "{printed}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_record_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(SupplierRecord::from_bytes(&bytes).is_err());
        prop_assert!(CombinerRecord::from_bytes(&bytes, None).is_err());
    }
}
