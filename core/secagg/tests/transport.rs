//! What a network may do to any message, in either direction: it comes twice, late, before its time, cut short or too long.
//! No machine is in another state for it, and where there is a fault, it names who brought it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use federation::watched::{Ending, KINDS, Watched, kind, same_way};
use federation::{Event, name};
use optelsom_codebook::SupplierId;
use optelsom_secagg::messages::{
    Certificate, CoordinatorMessage, FinalCertificate, Participants, RelayedHeader, Share, SupplierMessage,
};

const NONCE: [u8; 16] = [7; 16];

fn both_endings(seed: u64, mut before: impl FnMut(&mut Watched, &Event)) {
    for ending in [Ending::Opened, Ending::Void] {
        let mut watched = Watched::new(seed, NONCE, ending);
        watched.run(&mut before);
        watched.ended_well();
    }
}

/// Before each message, all that went the same way before come once more, the latest first and last.
#[test]
fn a_message_that_comes_twice_or_late_changes_nothing() {
    let mut repeated = BTreeSet::new();
    for seed in 1..=2 {
        both_endings(seed, |watched, event| {
            let mut earlier: Vec<_> = watched.said.iter().filter(|said| same_way(said, event)).cloned().collect();
            earlier.reverse();
            earlier.extend(earlier.first().cloned());
            repeated.extend(earlier.iter().map(kind));
            watched.comes_to_nothing(earlier);
        });
    }
    let last = ["to supplier: ended", "to combiner: void", "to combiner: opening", "to combiner: recovered shares"];
    let missed: Vec<_> = KINDS.into_iter().filter(|kind| !repeated.contains(kind) && !last.contains(kind)).collect();
    assert!(missed.is_empty(), "never came again: {missed:?}");
}

/// The last that anybody says, and everything else, again when all is over.
#[test]
fn a_message_that_comes_when_all_is_over_changes_nothing() {
    for ending in [Ending::Opened, Ending::Void] {
        let mut watched = Watched::new(3, NONCE, ending);
        watched.run(|_, _| {});
        let said = watched.said.clone();
        watched.comes_to_nothing(said);
        watched.ended_well();
    }
}

/// What is to come later on the same way comes already now.
#[test]
fn a_message_that_comes_before_its_time_changes_nothing() {
    let mut refused = BTreeSet::new();
    for ending in [Ending::Opened, Ending::Void] {
        let mut all = Watched::new(4, NONCE, ending);
        all.run(|_, _| {});
        let mut to_come = all.said;
        let mut watched = Watched::new(4, NONCE, ending);
        watched.run(|watched, event| {
            assert_eq!(format!("{event:?}"), format!("{:?}", to_come.remove(0)), "the same round");
            let begun = watched.said.iter().any(|said| same_way(said, event));
            let later = to_come.iter().filter(|later| same_way(later, event) && !stands_by_itself(begun, event, later));
            let later: Vec<_> = later.cloned().collect();
            for one in later {
                let kind = kind(&one);
                if !watched.comes_to_nothing([one]).is_empty() {
                    refused.insert(kind);
                }
            }
        });
        watched.ended_well();
    }
    // The combiner passes over what is not due; a supplier's machine says that it is not.
    let due_later = ["pair", "exchange", "certify", "finalise", "open", "recover shares", "join"];
    for kind in due_later.map(|kind| format!("to supplier: {kind}")) {
        assert!(refused.contains(kind.as_str()), "{kind} was never refused before its time");
    }
}

/// What holds whenever it comes: a question, and a request to end, once there is one; what all or a quorum have decided, once
/// this supplier has certified; and a table before its header. `begun` says that something went this way before.
fn stands_by_itself(begun: bool, next: &Event, later: &Event) -> bool {
    let (next, later) = match (next, later) {
        (Event::ToSupplier(_, next), Event::ToSupplier(_, later)) => (next, later),
        (Event::ToCombiner(_, next), Event::ToCombiner(_, later)) => {
            let table = matches!((next, later), (SupplierMessage::Submission { .. }, SupplierMessage::Chunk(_)));
            // A supplier that is asked once more before it votes says once more whether it is ready.
            let again = begun && matches!(next, SupplierMessage::Ready { .. } | SupplierMessage::Refused { .. });
            let vote = again && matches!(later, SupplierMessage::Final { .. } | SupplierMessage::Void { .. });
            // Once a quorum has voted, what opens is as good before the last votes as after.
            let opens = matches!(later, SupplierMessage::Opening { .. } | SupplierMessage::RecoveredShares { .. });
            let opens =
                opens && (again || matches!(next, SupplierMessage::Final { .. } | SupplierMessage::Opening { .. }));
            return table || vote || opens || next == later;
        }
        _ => return false,
    };
    let certified = begun
        && matches!(
            next,
            CoordinatorMessage::Ask { .. } | CoordinatorMessage::Finalise { .. } | CoordinatorMessage::Open { .. }
        );
    match later {
        CoordinatorMessage::Ask { .. } => true,
        CoordinatorMessage::Ended { .. } | CoordinatorMessage::Void => begun,
        CoordinatorMessage::Finalise { .. }
        | CoordinatorMessage::Open { .. }
        | CoordinatorMessage::RecoverShares { .. } => certified,
        _ => false,
    }
}

/// Shorter and longer than it is, in each of its lists.
fn misshapen(event: &Event) -> Vec<(&'static str, Event)> {
    match event {
        Event::ToSupplier(to, message) => {
            let bad = bad_requests(message).into_iter();
            bad.map(|(what, message)| (what, Event::ToSupplier(to.clone(), message))).collect()
        }
        Event::ToCombiner(from, message) => {
            let bad = bad_answers(message).into_iter();
            bad.map(|(what, message)| (what, Event::ToCombiner(from.clone(), message))).collect()
        }
    }
}

fn cut<T: Clone>(list: &[T]) -> Vec<T> {
    list[..list.len().saturating_sub(1)].to_vec()
}

fn grown<T: Clone>(list: &[T]) -> Vec<T> {
    list.iter().chain(list.last()).cloned().collect()
}

fn bad_requests(message: &CoordinatorMessage) -> Vec<(&'static str, CoordinatorMessage)> {
    match message.clone() {
        CoordinatorMessage::Pair { attempt, cards } => {
            let with = |cards: Vec<_>| CoordinatorMessage::Pair { attempt, cards: cards.into() };
            vec![("fewer cards", with(cards[..3].to_vec())), ("more cards", with(grown(&cards)))]
        }
        CoordinatorMessage::Exchange { attempt, encapsulations } if !encapsulations.is_empty() => {
            let with = |made: Vec<_>| CoordinatorMessage::Exchange { attempt, encapsulations: made.into() };
            let (fewer, more) = (with(cut(&encapsulations)), with(grown(&encapsulations)));
            vec![("fewer encapsulations handed out", fewer), ("more encapsulations handed out", more)]
        }
        CoordinatorMessage::Certify { attempt, headers, shares } => {
            let with = |headers: &[RelayedHeader], shares: &[_]| CoordinatorMessage::Certify {
                attempt,
                headers: headers.into(),
                shares: shares.to_vec(),
            };
            let (mut short, mut long) = (shares.clone(), shares.clone());
            short[0].share.sealed.pop();
            long[0].share.sealed.push(0);
            let (mut narrow, mut wide) = (headers.to_vec(), headers.to_vec());
            narrow[1].columns.pop();
            wide[1].columns.push(headers[1].columns[0].clone());
            vec![
                ("fewer headers", with(&cut(&headers), &shares)),
                ("more headers", with(&grown(&headers), &shares)),
                ("fewer shares handed out", with(&headers, &cut(&shares))),
                ("more shares handed out", with(&headers, &grown(&shares))),
                ("a shorter share handed out", with(&headers, &short)),
                ("a longer share handed out", with(&headers, &long)),
                ("fewer columns shown", with(&narrow, &shares)),
                ("more columns shown", with(&wide, &shares)),
            ]
        }
        CoordinatorMessage::Finalise { certificate } => bad_certificates(&certificate)
            .map(|(what, certificate)| (what, CoordinatorMessage::Finalise { certificate: Arc::new(certificate) }))
            .into(),
        CoordinatorMessage::Open { certificate } => {
            let with = |certificate| CoordinatorMessage::Open { certificate: Arc::new(certificate) };
            bad_finals(&certificate).into_iter().map(|(what, certificate)| (what, with(certificate))).collect()
        }
        CoordinatorMessage::RecoverShares { certificate, of } => {
            let longer = of.iter().cloned().chain([name(5)]).collect();
            let unknown = CoordinatorMessage::RecoverShares { certificate: certificate.clone(), of: longer };
            let with = |certificate| CoordinatorMessage::RecoverShares { certificate, of: of.clone() };
            let bad = bad_finals(&certificate).into_iter();
            let bad = bad.map(|(what, certificate)| (what, with(Arc::new(certificate))));
            bad.chain([("more shares asked for", unknown)]).collect()
        }
        _ => Vec::new(),
    }
}

fn bad_certificates(right: &Certificate) -> [(&'static str, Certificate); 6] {
    let list = |entries: &[(SupplierId, _)]| Participants::new(entries.to_vec()).unwrap();
    let entries = right.participants.entries();
    let longer = [entries, &[(name(5), entries[0].1)]].concat();
    let with = |participants| Certificate { participants, ..right.clone() };
    [
        ("fewer signatures", Certificate { signatures: cut(&right.signatures), ..right.clone() }),
        ("more signatures", Certificate { signatures: grown(&right.signatures), ..right.clone() }),
        ("fewer digests", Certificate { digests: cut(&right.digests), ..right.clone() }),
        ("more digests", Certificate { digests: grown(&right.digests), ..right.clone() }),
        ("fewer participants", with(list(&entries[..4]))),
        ("more participants", with(list(&longer))),
    ]
}

fn bad_finals(right: &FinalCertificate) -> Vec<(&'static str, FinalCertificate)> {
    let with = |certificate| FinalCertificate { certificate: Arc::new(certificate), votes: right.votes.clone() };
    let mut all: Vec<_> =
        bad_certificates(&right.certificate).map(|(what, certificate)| (what, with(certificate))).into();
    all.push(("fewer votes", FinalCertificate { votes: right.votes[..3].to_vec(), ..right.clone() }));
    all.push(("more votes", FinalCertificate { votes: grown(&right.votes), ..right.clone() }));
    all
}

fn bad_answers(message: &SupplierMessage) -> Vec<(&'static str, SupplierMessage)> {
    match message.clone() {
        SupplierMessage::Encapsulations { attempt, encapsulations } if !encapsulations.is_empty() => {
            let with = |encapsulations| SupplierMessage::Encapsulations { attempt, encapsulations };
            let (fewer, more) = (with(cut(&encapsulations)), with(grown(&encapsulations)));
            vec![("fewer encapsulations", fewer), ("more encapsulations", more)]
        }
        SupplierMessage::Submission { attempt, header, shares } => {
            let with = |header, shares| SupplierMessage::Submission { attempt, header, shares };
            let (mut short, mut long) = (shares.clone(), shares.clone());
            short[0].sealed.pop();
            long[0].sealed.push(0);
            let (mut narrow, mut wide) = (header.clone(), header.clone());
            narrow.columns.pop();
            wide.columns.push(header.columns[0].clone());
            let (mut uncommitted, mut unsealed) = (header.clone(), header.clone());
            uncommitted.share_commitments.pop();
            unsealed.sealed_shares.pop();
            vec![
                ("fewer shares", with(header.clone(), cut(&shares))),
                ("more shares", with(header.clone(), grown(&shares))),
                ("a shorter share", with(header.clone(), short)),
                ("a longer share", with(header, long)),
                ("fewer columns", with(narrow, shares.clone())),
                ("more columns", with(wide, shares.clone())),
                ("fewer commitments", with(uncommitted, shares.clone())),
                ("fewer digests of shares", with(unsealed, shares)),
            ]
        }
        SupplierMessage::Chunk(chunk) => {
            let (mut long, mut far) = (chunk.clone(), chunk.clone());
            // Ten words, in columns of five, are the whole table.
            long.words.resize(11, 0);
            far.offset = u64::MAX;
            vec![("a longer chunk", SupplierMessage::Chunk(long)), ("a chunk far out", SupplierMessage::Chunk(far))]
        }
        SupplierMessage::RecoveredShares { attempt, shares } => {
            let longer = shares.into_iter().chain([(name(5), Share::from_bytes([1; 32]))]).collect();
            vec![("more shares given", SupplierMessage::RecoveredShares { attempt, shares: longer })]
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_message_that_is_cut_short_or_too_long_is_refused() {
    let mut refused: BTreeMap<&str, bool> = BTreeMap::new();
    both_endings(5, |watched, event| {
        for (what, bad) in misshapen(event) {
            // A late answer is passed over, whatever is in it.
            *refused.entry(what).or_default() |= !watched.comes_to_nothing([bad]).is_empty();
        }
    });
    assert_eq!(refused.len(), 34, "{refused:?}");
    assert!(refused.values().all(|refused| *refused), "{refused:?}");
}

/// Part of a chunk is a chunk; none of its words is counted twice.
#[test]
fn a_table_in_whatever_pieces_is_the_same_table() {
    let mut watched = Watched::new(6, NONCE, Ending::Opened);
    watched.run(|watched, event| {
        let Event::ToCombiner(from, SupplierMessage::Chunk(chunk)) = event else { return };
        for words in 0..=chunk.words.len() {
            let mut part = chunk.clone();
            part.words.truncate(words);
            watched.federation.deliver(Event::ToCombiner(from.clone(), SupplierMessage::Chunk(part)));
        }
    });
    watched.ended_well();
}
