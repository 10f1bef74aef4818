//! What travels between nodes and coordinator.

use std::fmt::Debug;

use optelsom_codebook::{Hash256, Timestamp};
use optelsom_ledger::entry::Approval;
use optelsom_ledger::note::{Cosignature, SignedCheckpoint};
use optelsom_ledger::tiles::{prove_consistency, prove_inclusion};
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::{
    AgreementSigned, Announced, Answer, Documents, Evidence, Hello, Holding, Holdings, LedgerUpdate, Request,
    SignedAgreement, WireError, answer, request, table_part,
};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage, TableChunk};
use prost::Message;

use super::message;
use super::sample::export::EXPORT;
use super::sample::log::Writing;
use super::sample::round::{PLAYED, SETTING};
use super::sample::{self, ASKED, CODEBOOK, agreement, good, log_key, roster, supplier, supplier_keys, there};

/// Reads a message into the core's types, writes it, and reads it again.
fn same<W, T>(wire: W, write: impl Fn(T) -> W) -> bool
where
    W: Clone + Message + Default,
    T: TryFrom<W, Error = WireError> + Clone + Debug + PartialEq,
{
    let Ok(read) = T::try_from(wire) else { return false };
    let written = write(read.clone()).encode_to_vec();
    assert_eq!(T::try_from(good(W::decode(written.as_slice()))).as_ref(), Ok(&read));
    true
}

/// What a node says, on the call that it attends by.
pub fn node_message(bytes: &[u8]) -> bool {
    match message::<v1::NodeMessage>(bytes).and_then(|said| said.message) {
        None => false,
        Some(Up::Hello(hello)) => same::<_, Hello>(hello, v1::Hello::from),
        Some(Up::Holdings(holdings)) => same::<_, Holdings>(holdings, v1::Holdings::from),
        Some(Up::Answer(said)) => {
            let write = |said: Answer| there(answer(&said.query, &said.message));
            same::<_, Answer>(said, write)
        }
        Some(Up::LedgerState(state)) => {
            state.checkpoint.is_empty() || SignedCheckpoint::parse(&state.checkpoint, log_key().verifier()).is_ok()
        }
        Some(Up::Cosigned(cosigned)) => Cosignature::parse(&cosigned.line).is_ok(),
        Some(Up::Agreement(signed)) => same::<_, AgreementSigned>(signed, v1::AgreementSigned::from),
    }
}

pub(super) fn node_messages() -> Vec<Vec<u8>> {
    let log = Writing::of(300);
    let checkpoint = log.unseen().to_bytes();
    let line = log.cosignatures(ASKED).iter().map(|line| good(line.to_text())).next();
    let signature = SETTING.query.signature;
    let mut messages = vec![
        Up::Hello(hello().into()),
        Up::Holdings(hello().holdings.into()),
        Up::LedgerState(v1::LedgerState { size: 300, checkpoint }),
        Up::LedgerState(v1::LedgerState::default()),
        Up::Cosigned(v1::Cosigned { line: there(line) }),
        Up::Agreement(AgreementSigned { predecessor: Some(6), signature }.into()),
    ];
    let id = SETTING.id();
    messages.extend(PLAYED.answers.iter().filter_map(|said| answer(&id, said)).map(Up::Answer));
    messages.into_iter().map(|message| v1::NodeMessage { message: Some(message) }.encode_to_vec()).collect()
}

fn hello() -> Hello {
    let (name, key) = (supplier("east"), there(supplier_keys().into_iter().next()));
    let holding = Holding {
        dataset: "victims".to_owned(),
        variables: vec!["year".to_owned(), "form".to_owned()],
        measures: vec!["days".to_owned()],
        years: 2023..=2024,
        editions: vec![sample::edition()],
    };
    Hello {
        software: optelsom_proto::SOFTWARE.to_owned(),
        clock: ASKED,
        roster: roster().hash(),
        codebook: CODEBOOK.hash(),
        agreement: SignedAgreement::sign(agreement("east"), &name, &key),
        holdings: Holdings(vec![holding]),
        unfinished: vec![SETTING.id()],
    }
}

/// What the coordinator says on it.
pub fn coordinator_message(bytes: &[u8]) -> bool {
    match message::<v1::CoordinatorMessage>(bytes).and_then(|said| said.message) {
        None => false,
        Some(Down::Welcome(welcome)) => {
            welcome.editions.into_iter().all(|edition| same::<_, Announced>(edition, v1::Edition::from))
        }
        Some(Down::Edition(edition)) => same::<_, Announced>(edition, v1::Edition::from),
        Some(Down::Notice(_)) => true,
        Some(Down::Request(asked)) => same::<_, Request>(asked, written),
        Some(Down::LedgerUpdate(update)) => ledger_update(update),
        Some(Down::Witnessed(note)) => SignedCheckpoint::parse(&note.checkpoint, log_key().verifier()).is_ok(),
    }
}

fn written(asked: Request) -> v1::Request {
    let documents = Documents {
        query: asked.document.unwrap_or_default(),
        policy: asked.policy.unwrap_or_default(),
        evidence: asked.evidence,
    };
    request(&asked.message, &asked.query, &documents)
}

/// Taken in as a follower of the log does, whose copy ends where the update begins.
fn ledger_update(update: v1::LedgerUpdate) -> bool {
    let Ok(update) = LedgerUpdate::try_from(update) else { return false };
    let Ok(checkpoint) = SignedCheckpoint::parse(&update.checkpoint, log_key().verifier()) else { return false };
    let own = Writing::of(update.first.min(300)).edge;
    let Ok(extension) = own.extend(&update.leaves) else { return false };
    update.consistency.verify(&extension.head, checkpoint.head()).is_ok()
}

pub(super) fn coordinator_messages() -> Vec<Vec<u8>> {
    let edition = |at| v1::Edition::from(Announced { dataset: "d".to_owned(), edition: sample::edition(), at });
    let mut messages = vec![
        Down::Welcome(v1::Welcome { editions: vec![edition(ASKED)], ..v1::Welcome::default() }),
        Down::Edition(edition(Timestamp::from_millis(u64::MAX))),
        Down::Notice(v1::Notice { kind: v1::NoticeKind::RosterDiffers.into(), text: "differs".to_owned() }),
        Down::Witnessed(v1::Witnessed { checkpoint: Writing::of(300).checkpoint(ASKED).to_bytes() }),
    ];
    let pieces = [(0, 300), (290, 300), (300, 300), (280, 290)];
    messages.extend(pieces.map(|(first, end)| Down::LedgerUpdate(grown(first, end))));
    let (id, documents) = (SETTING.id(), Documents::default());
    let asks = |message: &&CoordinatorMessage| !matches!(message, CoordinatorMessage::Ask { .. });
    messages.extend(PLAYED.requests.iter().filter(asks).map(|said| Down::Request(request(said, &id, &documents))));
    messages.extend(asked().map(Down::Request));
    messages.into_iter().map(|message| v1::CoordinatorMessage { message: Some(message) }.encode_to_vec()).collect()
}

/// A piece of what the log grew by on its way to 300 entries.
fn grown(first: usize, end: usize) -> v1::LedgerUpdate {
    let log = Writing::of(300);
    let leaves = log.leaves.get(first..end).unwrap_or_default();
    let proof = good(prove_consistency(&good(log.edge.head()), end as u64, &log.tiles));
    v1::LedgerUpdate {
        checkpoint: log.unseen().to_bytes(),
        first: first as u64,
        leaves: leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect(),
        documents: vec![b"a document".to_vec()],
        consistency: proof.hashes().iter().map(|hash| hash.as_bytes().to_vec()).collect(),
    }
}

/// A question with all that comes beside it, approved and not.
fn asked() -> impl Iterator<Item = v1::Request> {
    let log = &EXPORT.log;
    let checkpoint = log.checkpoint(ASKED);
    let question = &sample::release::ANSWER.question;
    let leaf = question.entry.to_bytes();
    let index = (0..).zip(&log.leaves).find(|(_, logged)| logged.as_bytes() == leaf).map_or(0, |(index, _)| index);
    let inclusion = good(prove_inclusion(checkpoint.head(), index, &log.tiles));
    let approval = Approval { approver: "analyst-2".to_owned(), signature: question.signature };
    [None, Some(approval)].into_iter().map(move |approval| {
        let note = checkpoint.to_bytes();
        let evidence = Evidence { index, checkpoint: note, inclusion: inclusion.clone(), approval };
        let documents = Documents {
            query: sample::release::ANSWER.document.clone(),
            policy: sample::release::ANSWER.policy.canonical_bytes(),
            evidence: Some(evidence),
        };
        request(&CoordinatorMessage::Ask { query: question.clone() }, &question.entry.id(), &documents)
    })
}

/// A run of words of a masked table.
pub fn table_chunk(bytes: &[u8]) -> bool {
    let Some(part) = message::<v1::TablePart>(bytes) else { return false };
    let Ok(chunk) = TableChunk::try_from(&part) else { return false };
    let Ok(query) = optelsom_codebook::QueryId::try_from(part.query.as_slice()) else { return false };
    assert_eq!(table_part(&query, &chunk), part, "a part of a table does not read back");
    true
}

pub(super) fn table_chunks() -> Vec<Vec<u8>> {
    let id = SETTING.id();
    let chunks = PLAYED.answers.iter().filter_map(|said| match said {
        SupplierMessage::Chunk(chunk) => Some(table_part(&id, chunk).encode_to_vec()),
        _ => None,
    });
    chunks.take(3).collect()
}

/// The digest of a name, where any will do.
pub(super) fn any_digest(name: &str) -> Vec<u8> {
    Hash256::of(name.as_bytes()).as_bytes().to_vec()
}
