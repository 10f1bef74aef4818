//! The conversions from the wire: what is written reads back, and what was damaged is refused, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use optelsom_codebook::{EditionId, Hash256, QueryId, RefusalReason, SupplierId, Timestamp};
use optelsom_ledger::{IdentityKey, QueryEntry, Signature};
use optelsom_proto::v1;
use optelsom_proto::wire::{Answer, Asked, Documents, Hello, Request, answer, request, table_part};
use optelsom_secagg::messages::{
    Attempt, AttemptFault, Card, Certificate, ColumnHeader, CoordinatorMessage, Dealt, Disagreement, Encapsulation,
    EncryptedShare, FinalCertificate, FinalVote, Participants, Prepared, RoundOutcome, SelfMask, Share,
    SubmissionHeader, SupplierMessage, TableChunk, VoidVote,
};
use proptest::prelude::*;
use prost::Message;

fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

fn hash(byte: u8) -> Hash256 {
    Hash256::from_bytes([byte; 32])
}

fn signature(byte: u8) -> Signature {
    Signature::from_bytes([byte; 64])
}

fn attempt() -> Attempt {
    Attempt::new(3).unwrap()
}

fn edition() -> EditionId {
    EditionId::try_from("2024-12").unwrap()
}

fn card() -> Card {
    let public_key = Box::new([7; optelsom_secagg::messages::PUBLIC_KEY_BYTES]);
    Card { supplier: supplier("police"), public_key, checkpoint: hash(1), edition: edition(), signature: signature(2) }
}

fn encapsulation() -> Encapsulation {
    let ciphertext = Box::new([9; optelsom_secagg::messages::CIPHERTEXT_BYTES]);
    Encapsulation { from: supplier("a"), to: supplier("b"), ciphertext, signature: signature(3) }
}

fn header() -> SubmissionHeader {
    SubmissionHeader {
        supplier: supplier("a"),
        participants: hash(4),
        table_digest: hash(5),
        columns: vec![ColumnHeader { masked_blinding: [6; 32], commitment: [7; 32] }],
        self_mask_commitment: hash(8),
        share_commitments: vec![(supplier("b"), hash(9))],
        sealed_shares: vec![(supplier("b"), hash(10))],
        signature: signature(11),
    }
}

fn share() -> EncryptedShare {
    EncryptedShare { from: supplier("a"), to: supplier("b"), sealed: vec![1; 48] }
}

fn certificate() -> Certificate {
    Certificate {
        attempt: attempt(),
        participants: Participants::new(vec![(supplier("a"), hash(1)), (supplier("b"), hash(2))]).unwrap(),
        digests: vec![(supplier("a"), hash(3)), (supplier("b"), hash(4))],
        signatures: vec![Prepared { supplier: supplier("a"), signature: signature(5) }],
    }
}

fn final_certificate() -> FinalCertificate {
    let votes = vec![FinalVote { supplier: supplier("b"), signature: signature(6) }];
    FinalCertificate { certificate: Arc::new(certificate()), votes }
}

fn entry(document: &[u8]) -> QueryEntry {
    QueryEntry {
        query: Hash256::of(document),
        dataset: "victims".to_owned(),
        edition: edition(),
        purpose: "monitor".to_owned(),
        requester: "analyst-1".to_owned(),
        codebook: hash(1),
        roster: hash(2),
        disclosure_policy: hash(3),
        scope: vec![supplier("a"), supplier("b"), supplier("c"), supplier("d")],
        collusion: 1,
        min_suppliers: 4,
        asked_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(2),
        nonce: [4; 16],
    }
}

fn requests() -> Vec<CoordinatorMessage> {
    let query = entry(b"{}").sign(&IdentityKey::from_seed(&[1; 32]));
    vec![
        CoordinatorMessage::Ask { query },
        CoordinatorMessage::Join { attempt: attempt(), checkpoint: hash(1) },
        CoordinatorMessage::Pair { attempt: attempt(), cards: [card()].into() },
        CoordinatorMessage::Exchange { attempt: attempt(), encapsulations: [encapsulation()].into() },
        CoordinatorMessage::Certify {
            attempt: attempt(),
            headers: [header().relayed()].into(),
            shares: vec![Dealt::of(&header()).relay(0, share()).unwrap()],
        },
        CoordinatorMessage::Finalise { certificate: Arc::new(certificate()) },
        CoordinatorMessage::Open { certificate: Arc::new(final_certificate()) },
        CoordinatorMessage::RecoverShares { certificate: Arc::new(final_certificate()), of: vec![supplier("a")] },
        CoordinatorMessage::Void,
        CoordinatorMessage::Ended { outcome: RoundOutcome::Spent },
    ]
}

fn answers() -> Vec<SupplierMessage> {
    let disagrees = AttemptFault::DisagreesWith { peer: supplier("b"), over: Disagreement::Share };
    let faults = [
        AttemptFault::KeysLost,
        AttemptFault::NotReady,
        AttemptFault::RefusesParticipants,
        AttemptFault::GuardRefuses,
        disagrees,
    ];
    let mut answers = vec![
        SupplierMessage::Ready { edition: edition(), signature: signature(1) },
        SupplierMessage::Card { attempt: attempt(), card: card() },
        SupplierMessage::Encapsulations { attempt: attempt(), encapsulations: vec![encapsulation()] },
        SupplierMessage::Submission { attempt: attempt(), header: header(), shares: vec![share()] },
        SupplierMessage::Prepared {
            attempt: attempt(),
            prepared: Prepared { supplier: supplier("a"), signature: signature(2) },
        },
        SupplierMessage::Final {
            attempt: attempt(),
            vote: FinalVote { supplier: supplier("a"), signature: signature(3) },
        },
        SupplierMessage::Opening { attempt: attempt(), self_mask: SelfMask::from_bytes([165; 32]) },
        SupplierMessage::RecoveredShares {
            attempt: attempt(),
            shares: vec![(supplier("b"), Share::from_bytes([182; 32]))],
        },
        SupplierMessage::Void { vote: VoidVote { supplier: supplier("a"), signature: signature(6) } },
    ];
    answers.extend(faults.map(|cause| SupplierMessage::CannotContinue { attempt: attempt(), cause }));
    let refused = |reason: &RefusalReason| SupplierMessage::Refused { reason: *reason, signature: signature(7) };
    answers.extend(RefusalReason::ALL.iter().map(refused));
    answers
}

fn query_of(message: &CoordinatorMessage) -> QueryId {
    match message {
        CoordinatorMessage::Ask { query } => query.entry.id(),
        _ => QueryId::from_bytes([8; 32]),
    }
}

fn documents() -> Documents {
    Documents { query: b"{}".to_vec(), policy: b"policy".to_vec(), evidence: None }
}

#[test]
fn every_request_reads_back_as_written() {
    for message in requests() {
        let id = query_of(&message);
        let bytes = request(&message, &id, &documents()).encode_to_vec();
        let read = Request::try_from(v1::Request::decode(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!((read.query, &read.message), (id, &message));
        let asks = matches!(message, CoordinatorMessage::Ask { .. });
        assert_eq!((read.document.is_some(), read.policy), (asks, asks.then(|| b"policy".to_vec())));
    }
}

#[test]
fn every_answer_reads_back_as_written() {
    let id = QueryId::from_bytes([8; 32]);
    for message in answers() {
        let bytes = answer(&id, &message).unwrap().encode_to_vec();
        let read = Answer::try_from(v1::Answer::decode(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!(read, Answer { query: id, message });
    }
}

#[test]
fn parts_of_tables_read_back_and_only_whole_words_do() {
    let id = QueryId::from_bytes([8; 32]);
    let chunk = TableChunk { attempt: attempt(), offset: 5, words: vec![1, u64::MAX, 1 << 63] };
    let mut part = table_part(&id, &chunk);
    assert_eq!(TableChunk::try_from(&part).unwrap(), chunk);
    part.words.truncate(part.words.len() - 1);
    assert!(TableChunk::try_from(&part).is_err());
    part.words.clear();
    assert!(TableChunk::try_from(&part).is_err());
    part.words = vec![0; (optelsom_proto::limits::PART_WORDS + 1) * 8].into();
    assert!(TableChunk::try_from(&part).unwrap_err().to_string().contains("part.words"));
}

#[test]
fn a_wrong_field_is_named_and_not_repeated() {
    let id = QueryId::from_bytes([8; 32]);
    let opening = SupplierMessage::Opening { attempt: attempt(), self_mask: SelfMask::from_bytes([0xAB; 32]) };
    let mut wire = answer(&id, &opening).unwrap();
    let Some(v1::answer::Answer::Opening(secret)) = &mut wire.answer else { unreachable!() };
    secret.self_mask.push(0xAB);
    let said = Answer::try_from(wire).unwrap_err().to_string();
    assert_eq!(said, "malformed message: field `opening.self_mask` has 33 bytes, 32 are wanted");
}

#[test]
fn unknown_numbers_are_errors() {
    let id = vec![8; 32];
    let unknown = v1::CannotContinue { attempt: 1, fault: 99, ..v1::CannotContinue::default() };
    let wire = v1::Answer { query: id.clone(), answer: Some(v1::answer::Answer::CannotContinue(unknown)) };
    assert!(Answer::try_from(wire).unwrap_err().to_string().contains("cannot_continue.fault"));
    let ended = v1::request::Request::Ended(v1::Ended { outcome: 0 });
    assert!(Request::try_from(v1::Request { query: id, request: Some(ended) }).is_err());
}

#[test]
fn a_document_fits_its_entry_or_is_refused() {
    let query = entry(b"{}").sign(&IdentityKey::from_seed(&[1; 32]));
    assert!(Asked::new(query.clone(), b"{}".to_vec()).is_ok());
    assert!(Asked::new(query, b"{ }".to_vec()).is_err());
}

#[test]
fn secrets_are_not_printed() {
    let id = QueryId::from_bytes([8; 32]);
    for message in answers() {
        let shown = format!("{:?} {message:?}", answer(&id, &message));
        assert!(!shown.contains("165, 165") && !shown.contains("182, 182"), "{shown}");
    }
}

proptest! {
    #[test]
    fn damaged_messages_never_panic(which in 0_usize..64, at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let id = QueryId::from_bytes([8; 32]);
        let all: Vec<Vec<u8>> = requests()
            .iter()
            .map(|message| request(message, &query_of(message), &documents()).encode_to_vec())
            .chain(answers().iter().filter_map(|message| answer(&id, message)).map(|wire| wire.encode_to_vec()))
            .collect();
        let mut bytes = all[which % all.len()].clone();
        let place = at.index(bytes.len());
        if cut { bytes.truncate(place) } else { bytes[place] ^= byte }
        if let Ok(wire) = v1::Request::decode(bytes.as_slice()) {
            let _ = Request::try_from(wire);
        }
        if let Ok(wire) = v1::Answer::decode(bytes.as_slice()) {
            let _ = Answer::try_from(wire);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(wire) = v1::Request::decode(bytes.as_slice()) {
            let _ = Request::try_from(wire);
        }
        if let Ok(wire) = v1::Answer::decode(bytes.as_slice()) {
            let _ = Answer::try_from(wire);
        }
        if let Ok(wire) = v1::Hello::decode(bytes.as_slice()) {
            let _ = Hello::try_from(wire);
        }
        if let Ok(wire) = v1::AskRequest::decode(bytes.as_slice()) {
            let _ = Asked::try_from(wire);
        }
    }
}
