//! Replay: what belongs to another question, another attempt or another roster is refused at every step, by both machines,
//! and changes nothing.
//!
//! Join, void and ended, and that somebody cannot go on, carry no signature: they are requests that the host has matched to
//! the question, and a number of an attempt.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::collections::BTreeSet;
use std::sync::Arc;

use federation::watched::{Ending, KINDS, Watched, kind};
use federation::{Event, Federation, key, name};
use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::IdentityKey;
use optelsom_secagg::messages::{
    Attempt, Card, Certificate, CoordinatorMessage, Encapsulation, FinalCertificate, FinalVote, Participants,
    Statement, SupplierMessage, VoidVote, answer,
};
use optelsom_secagg::{FaultKind, Round, Rules, Verifier};

const NONCE: [u8; 16] = [7; 16];
const SECOND: Attempt = Attempt::new(2).unwrap();

fn key_of(supplier: &SupplierId) -> IdentityKey {
    key((0..6).find(|index| name(*index) == *supplier).map(|index| u8::try_from(index).unwrap() + 1).unwrap())
}

fn round(federation: &Federation) -> Round {
    Round { query: federation.id(), attempt: Attempt::FIRST, roster: federation.roster.hash() }
}

/// Signs the same things for another round, with the right keys.
struct Resigner<'a> {
    federation: &'a Federation,
    other: Round,
}

impl Resigner<'_> {
    fn participants(&self) -> Participants {
        let digest = |card: &Card| (card.supplier.clone(), card.digest(&round(self.federation)));
        Participants::new(self.federation.cards.iter().map(digest).collect()).unwrap()
    }

    fn card(&self, card: &Card) -> Card {
        let Card { supplier, public_key, checkpoint, edition, .. } = card.clone();
        Card::sign(&key_of(&supplier), &self.other, supplier, public_key, checkpoint, edition)
    }

    fn encapsulation(&self, made: &Encapsulation) -> Encapsulation {
        let scope = self.federation.roster.scope(&self.federation.query.entry.scope).unwrap();
        let verifier = Verifier::new(self.federation.id(), Attempt::FIRST, &scope, Rules::all());
        let card = self.federation.cards.iter().find(|card| card.supplier == made.to).unwrap().clone();
        let (card, from, ciphertext) = (card.verify(&verifier).unwrap(), made.from.clone(), made.ciphertext.clone());
        Encapsulation::sign(&key_of(&from), &self.other, &self.participants(), from, &card, ciphertext)
    }

    fn statement(&self) -> Statement {
        let mut headers: Vec<_> = self.federation.submitted.iter().collect();
        headers.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        let digests = headers.iter().map(|header| (header.supplier.clone(), header.digest(&round(self.federation))));
        Statement { participants: self.participants(), digests: digests.collect() }
    }

    fn certificate(&self, certificate: &Certificate) -> Arc<Certificate> {
        let statement = certificate.statement();
        let signed = certificate.participants.suppliers();
        let signatures = signed.map(|who| statement.sign_prepared(&key_of(who), &self.other, who.clone())).collect();
        Arc::new(Certificate { signatures, ..certificate.clone() })
    }

    fn vote(&self, vote: &FinalVote, statement: &Statement) -> FinalVote {
        let digest = statement.digest(&self.other);
        FinalVote::sign(&key_of(&vote.supplier), &self.other, &digest, vote.supplier.clone())
    }

    /// The right certificate, with votes for another round.
    fn last(&self, last: &FinalCertificate) -> Arc<FinalCertificate> {
        let statement = last.certificate.statement();
        let votes = last.votes.iter().map(|vote| self.vote(vote, &statement)).collect();
        Arc::new(FinalCertificate { certificate: Arc::clone(&last.certificate), votes })
    }

    /// The event, signed for the other round. None where nothing in it is signed by a supplier.
    fn event(&self, event: &Event) -> Option<Event> {
        Some(match event {
            Event::ToSupplier(to, message) => Event::ToSupplier(to.clone(), self.to_supplier(message)?),
            Event::ToCombiner(from, message) => Event::ToCombiner(from.clone(), self.to_combiner(from, message)?),
        })
    }

    fn to_supplier(&self, message: &CoordinatorMessage) -> Option<CoordinatorMessage> {
        Some(match message.clone() {
            CoordinatorMessage::Pair { attempt, cards } => {
                CoordinatorMessage::Pair { attempt, cards: cards.iter().map(|card| self.card(card)).collect() }
            }
            CoordinatorMessage::Exchange { attempt, encapsulations } if !encapsulations.is_empty() => {
                let encapsulations = encapsulations.iter().map(|made| self.encapsulation(made)).collect();
                CoordinatorMessage::Exchange { attempt, encapsulations }
            }
            CoordinatorMessage::Certify { attempt, headers, shares } => {
                let resign = |header: &optelsom_secagg::messages::RelayedHeader| {
                    header.clone().sign(&key_of(&header.supplier), &self.other)
                };
                CoordinatorMessage::Certify { attempt, headers: headers.iter().map(resign).collect(), shares }
            }
            CoordinatorMessage::Finalise { certificate } => {
                CoordinatorMessage::Finalise { certificate: self.certificate(&certificate) }
            }
            CoordinatorMessage::Open { certificate } => {
                CoordinatorMessage::Open { certificate: self.last(&certificate) }
            }
            CoordinatorMessage::RecoverShares { certificate, of } => {
                CoordinatorMessage::RecoverShares { certificate: self.last(&certificate), of }
            }
            _ => return None,
        })
    }

    fn to_combiner(&self, from: &SupplierId, message: &SupplierMessage) -> Option<SupplierMessage> {
        let (own, Round { query, roster, .. }) = (key_of(from), self.other);
        // What is said once per question names no attempt.
        let once = (query, roster) != (self.federation.id(), self.federation.roster.hash());
        Some(match message.clone() {
            SupplierMessage::Ready { edition, .. } if once => {
                let signature = answer::sign_ready(&own, &query, &roster, from, &edition);
                SupplierMessage::Ready { edition, signature }
            }
            SupplierMessage::Refused { reason, .. } if once => {
                let signature = answer::sign_refused(&own, &query, &roster, from, reason);
                SupplierMessage::Refused { reason, signature }
            }
            SupplierMessage::Void { .. } if once => {
                SupplierMessage::Void { vote: VoidVote::sign(&own, &query, &roster, from.clone()) }
            }
            SupplierMessage::Card { attempt, card } => SupplierMessage::Card { attempt, card: self.card(&card) },
            SupplierMessage::Encapsulations { attempt, encapsulations } if !encapsulations.is_empty() => {
                let encapsulations = encapsulations.iter().map(|made| self.encapsulation(made)).collect();
                SupplierMessage::Encapsulations { attempt, encapsulations }
            }
            SupplierMessage::Submission { attempt, header, shares } => {
                SupplierMessage::Submission { attempt, header: header.sign(&own, &self.other), shares }
            }
            SupplierMessage::Prepared { attempt, .. } => {
                let prepared = self.statement().sign_prepared(&own, &self.other, from.clone());
                SupplierMessage::Prepared { attempt, prepared }
            }
            SupplierMessage::Final { attempt, vote } => {
                SupplierMessage::Final { attempt, vote: self.vote(&vote, &self.statement()) }
            }
            _ => return None,
        })
    }
}

/// At each step the right message comes first as it would be signed for another round, by the right keys.
fn refuses_what_is_signed_for(other: fn(Round) -> Round) -> BTreeSet<&'static str> {
    let mut refused = BTreeSet::new();
    for ending in [Ending::Opened, Ending::Void] {
        let mut watched = Watched::new(1, NONCE, ending);
        watched.run(|watched, event| {
            let other = other(round(&watched.federation));
            let Some(foreign) = (Resigner { federation: &watched.federation, other }).event(event) else { return };
            for fault in watched.comes_to_nothing([foreign]) {
                assert!(matches!(fault.what, FaultKind::Signature { .. }), "{}: {fault}", kind(event));
                refused.insert(kind(event));
            }
        });
        watched.ended_well();
    }
    refused
}

/// What suppliers sign, in whatever message it travels.
fn signed(once: bool) -> BTreeSet<&'static str> {
    let unsigned = ["ask", "chunk", "ended", "join", "opening", "recovered shares", "to supplier: void"];
    let of_the_question = ["ready", "refused", "void"];
    let is = |kind: &&str, ends: &[&str]| ends.iter().any(|end| kind.ends_with(end));
    KINDS.into_iter().filter(|kind| !is(kind, &unsigned) && (once || !is(kind, &of_the_question))).collect()
}

#[test]
fn what_is_signed_for_another_question_is_refused() {
    let refused = refuses_what_is_signed_for(|round| Round { query: QueryId::from_bytes([4; 32]), ..round });
    assert_eq!(refused, signed(true));
}

#[test]
fn what_is_signed_for_another_attempt_is_refused() {
    let refused = refuses_what_is_signed_for(|round| Round { attempt: SECOND, ..round });
    assert_eq!(refused, signed(false));
}

#[test]
fn what_is_signed_under_another_roster_is_refused() {
    let refused = refuses_what_is_signed_for(|round| Round { roster: Hash256::of(b"another"), ..round });
    assert_eq!(refused, signed(true));
}

/// Everything that is said in rounds of this question.
fn transcript(seed: u64, nonce: [u8; 16]) -> Vec<Event> {
    let rounds = [Ending::Opened, Ending::Void].map(|ending| {
        let mut watched = Watched::new(seed, nonce, ending);
        watched.run(|_, _| {});
        watched.ended_well();
        watched.said
    });
    rounds.concat()
}

/// Whether the machine that this goes to is the same.
fn same_machine(one: &Event, other: &Event) -> bool {
    match (one, other) {
        (Event::ToSupplier(a, _), Event::ToSupplier(b, _)) => a == b,
        (Event::ToCombiner(..), Event::ToCombiner(..)) => true,
        _ => false,
    }
}

/// Whether anything in it is signed or committed to. (Who has the highest name encapsulates to nobody, and nobody to the
/// lowest.)
fn binds(event: &Event) -> bool {
    let made = match event {
        Event::ToCombiner(_, SupplierMessage::Encapsulations { encapsulations, .. }) => Some(encapsulations.len()),
        Event::ToSupplier(_, CoordinatorMessage::Exchange { encapsulations, .. }) => Some(encapsulations.len()),
        _ => None,
    };
    if made == Some(0) {
        return false;
    }
    !matches!(
        event,
        Event::ToSupplier(
            _,
            CoordinatorMessage::Join { .. } | CoordinatorMessage::Void | CoordinatorMessage::Ended { .. }
        ) | Event::ToCombiner(_, SupplierMessage::Chunk(_) | SupplierMessage::CannotContinue { .. })
    )
}

#[test]
fn whatever_was_said_at_another_question_is_refused_at_every_step() {
    let foreign: Vec<_> = transcript(2, [8; 16]).into_iter().filter(binds).collect();
    for ending in [Ending::Opened, Ending::Void] {
        let mut kinds = BTreeSet::new();
        let mut watched = Watched::new(1, NONCE, ending);
        watched.run(|watched, event| {
            // A machine that has not been asked takes any question: the host has one machine for each.
            let asked = !matches!(event, Event::ToSupplier(_, CoordinatorMessage::Ask { .. }));
            for other in foreign.iter().filter(|other| asked && same_machine(event, other)) {
                if !watched.comes_to_nothing([other.clone()]).is_empty() {
                    kinds.insert(kind(other));
                }
            }
        });
        watched.ended_well();
        // Void votes are due in the second round alone, openings in the first.
        let due = |kind: &&str| match ending {
            Ending::Opened => *kind != "to combiner: void",
            Ending::Void => !kind.contains("combiner: opening") && !kind.ends_with("recovered shares"),
        };
        let unsigned = ["chunk", "ended", "join", "to supplier: void", "final"];
        let bound = KINDS.into_iter().filter(due).filter(|kind| !unsigned.iter().any(|end| kind.ends_with(end)));
        let missed: Vec<_> = bound.filter(|kind| !kinds.contains(kind)).collect();
        assert!(missed.is_empty(), "never refused: {missed:?}");
    }
}

/// The event with the number of another attempt on it, where it has one.
fn renumbered(event: &Event) -> Option<Event> {
    let attempt = SECOND;
    let certificate = |old: &Arc<Certificate>| Arc::new(Certificate { attempt, ..Certificate::clone(old) });
    let last = |old: &FinalCertificate| {
        Arc::new(FinalCertificate { certificate: certificate(&old.certificate), votes: old.votes.clone() })
    };
    Some(match event.clone() {
        Event::ToCombiner(from, message) => {
            let message = match message {
                SupplierMessage::Card { card, .. } => SupplierMessage::Card { attempt, card },
                SupplierMessage::Encapsulations { encapsulations, .. } if !encapsulations.is_empty() => {
                    SupplierMessage::Encapsulations { attempt, encapsulations }
                }
                SupplierMessage::Submission { header, shares, .. } => {
                    SupplierMessage::Submission { attempt, header, shares }
                }
                SupplierMessage::Prepared { prepared, .. } => SupplierMessage::Prepared { attempt, prepared },
                SupplierMessage::Final { vote, .. } => SupplierMessage::Final { attempt, vote },
                SupplierMessage::Opening { self_mask, .. } => SupplierMessage::Opening { attempt, self_mask },
                SupplierMessage::RecoveredShares { shares, .. } => SupplierMessage::RecoveredShares { attempt, shares },
                _ => return None,
            };
            Event::ToCombiner(from, message)
        }
        Event::ToSupplier(to, message) => {
            let message = match message {
                CoordinatorMessage::Pair { cards, .. } => CoordinatorMessage::Pair { attempt, cards },
                CoordinatorMessage::Exchange { encapsulations, .. } if !encapsulations.is_empty() => {
                    CoordinatorMessage::Exchange { attempt, encapsulations }
                }
                CoordinatorMessage::Certify { headers, shares, .. } => {
                    CoordinatorMessage::Certify { attempt, headers, shares }
                }
                CoordinatorMessage::Finalise { certificate: old } => {
                    CoordinatorMessage::Finalise { certificate: certificate(&old) }
                }
                CoordinatorMessage::Open { certificate } => {
                    CoordinatorMessage::Open { certificate: last(&certificate) }
                }
                CoordinatorMessage::RecoverShares { certificate, of } => {
                    CoordinatorMessage::RecoverShares { certificate: last(&certificate), of }
                }
                _ => return None,
            };
            Event::ToSupplier(to, message)
        }
    })
}

/// The first attempt fails when supplier 2 is to certify: it has been restarted, and its keys are lost. Everything that was
/// said in it comes again in the second, as it was and with its number; so does what was said in a first attempt that went to
/// the end elsewhere.
#[test]
fn whatever_was_said_at_another_attempt_is_refused_at_every_step() {
    let elsewhere: Vec<_> = transcript(3, NONCE).iter().filter_map(renumbered).collect();
    let mut kinds = BTreeSet::new();
    let mut watched = Watched::new(1, NONCE, Ending::Opened);
    let (mut restarted, mut joined) = (false, BTreeSet::new());
    watched.run(|watched, event| {
        if let Event::ToSupplier(id, CoordinatorMessage::Certify { .. }) = event
            && *id == name(2)
            && !restarted
        {
            restarted = true;
            watched.federation.restart(id);
        }
        let ready = match event {
            Event::ToSupplier(to, _) => joined.contains(to),
            Event::ToCombiner(..) => !joined.is_empty(),
        };
        if let Event::ToSupplier(to, CoordinatorMessage::Join { attempt: SECOND, .. }) = event {
            joined.insert(to.clone());
        }
        if !ready {
            return;
        }
        let of_first = |said: &&Event| attempt_of(said) == Some(Attempt::FIRST);
        let first: Vec<_> = watched.said.iter().filter(of_first).cloned().collect();
        let again = first.iter().filter_map(renumbered);
        let all: Vec<_> = first.iter().cloned().chain(again).chain(elsewhere.iter().cloned()).collect();
        for other in all.into_iter().filter(|other| same_machine(event, other)) {
            let kind = kind(&other);
            if !watched.comes_to_nothing([other]).is_empty() {
                kinds.insert(kind);
            }
        }
    });
    assert!(restarted && joined.len() == 5);
    watched.ended_well();
    assert_eq!(watched.federation.opened[0].certificate.certificate.attempt, SECOND);
    let opened = ["opening", "recovered shares", "to supplier: open", "to supplier: recover shares"];
    let due = signed(false).into_iter().chain(KINDS.into_iter().filter(|kind| opened.contains(kind)));
    let missed: Vec<_> = due.filter(|kind| !kinds.contains(kind)).collect();
    assert!(missed.is_empty(), "never refused: {missed:?}");
}

fn attempt_of(event: &Event) -> Option<Attempt> {
    match event {
        Event::ToSupplier(_, message) => match message {
            CoordinatorMessage::Join { attempt, .. }
            | CoordinatorMessage::Pair { attempt, .. }
            | CoordinatorMessage::Exchange { attempt, .. }
            | CoordinatorMessage::Certify { attempt, .. } => Some(*attempt),
            _ => None,
        },
        Event::ToCombiner(_, message) => match message {
            SupplierMessage::Card { attempt, .. }
            | SupplierMessage::Encapsulations { attempt, .. }
            | SupplierMessage::Submission { attempt, .. }
            | SupplierMessage::Prepared { attempt, .. }
            | SupplierMessage::CannotContinue { attempt, .. } => Some(*attempt),
            SupplierMessage::Chunk(chunk) => Some(chunk.attempt),
            _ => None,
        },
    }
}
