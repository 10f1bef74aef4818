//! What analysts and operators ask of the coordinator, and what they are answered.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use optelsom_cli::federation::{Before, Catalogue, Summary, SupplierFacts, follow};
use optelsom_codebook::{EditionId, Lang, Query, QueryId, SupplierId};
use optelsom_disclosure::Policy;
use optelsom_ledger::entry::Approval;
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use optelsom_proto::wire::{Announced, Asked, SignedAgreement};
use prost::Message;

use super::documents;
use super::message;
use super::questions::check_query;
use super::sample::release::ANSWER;
use super::sample::{self, ASKED, CODEBOOK, CODEBOOK_TEXT, agreement, good, roster, supplier, supplier_keys, there};
use super::text;

/// A question as an analyst hands it in.
pub fn ask_request(bytes: &[u8]) -> bool {
    let Some(asked) = message::<v1::AskRequest>(bytes).and_then(|wire| Asked::try_from(wire).ok()) else {
        return false;
    };
    assert_eq!(Asked::try_from(v1::AskRequest::from(&asked)).as_ref(), Ok(&asked));
    if let Some(query) = text(asked.document()).and_then(|text| Query::from_json(&CODEBOOK, text).ok()) {
        check_query(&CODEBOOK, &query);
    }
    true
}

fn asked() -> v1::AskRequest {
    v1::AskRequest::from(&good(Asked::new(ANSWER.question.clone(), ANSWER.document.clone())))
}

pub(super) fn ask_requests() -> Vec<Vec<u8>> {
    vec![asked().encode_to_vec()]
}

/// Which query is meant: by whom it was asked or by an operator.
pub fn query_name(bytes: &[u8]) -> bool {
    match message::<v1::QueryName>(bytes).and_then(|wire| wire.name) {
        Some(v1::query_name::Name::Query(id)) => QueryId::try_from(id.as_slice()).is_ok(),
        Some(v1::query_name::Name::Prefix(_)) => true,
        None => false,
    }
}

pub(super) fn query_names() -> Vec<Vec<u8>> {
    let id = ANSWER.question.entry.id();
    let names = [
        v1::query_name::Name::Query(id.as_bytes().to_vec()),
        v1::query_name::Name::Prefix(id.to_string().chars().take(8).collect()),
    ];
    names.map(|name| v1::QueryName { name: Some(name) }.encode_to_vec()).to_vec()
}

/// What an analyst wants to know beforehand.
pub fn explain_request(bytes: &[u8]) -> bool {
    let Some(wire) = message::<v1::ExplainRequest>(bytes) else { return false };
    let query = text(&wire.document).and_then(|text| Query::from_json(&CODEBOOK, text).ok());
    query.iter().for_each(|query| check_query(&CODEBOOK, query));
    let known = wire.scope.iter().all(|name| SupplierId::try_from(name.as_str()).is_ok());
    known && (query.is_some() || wire.document.is_empty())
}

pub(super) fn explain_requests() -> Vec<Vec<u8>> {
    let (dataset, document) = ("d".to_owned(), ANSWER.document.clone());
    let scope = sample::SUPPLIERS.map(str::to_owned).to_vec();
    let whole = v1::ExplainRequest { dataset, document, scope };
    let facts = v1::ExplainRequest { dataset: "victims".to_owned(), ..v1::ExplainRequest::default() };
    [whole, facts].map(|wire| wire.encode_to_vec()).to_vec()
}

/// A second person's approval.
pub fn approve_request(bytes: &[u8]) -> bool {
    let Some(v1::ApproveRequest { query, approval }) = message::<v1::ApproveRequest>(bytes) else { return false };
    let Some(approval) = approval.and_then(|approval| Approval::try_from(approval).ok()) else { return false };
    assert_eq!(Approval::try_from(v1::Approval::from(&approval)).as_ref(), Ok(&approval));
    QueryId::try_from(query.as_slice()).is_ok()
}

pub(super) fn approve_requests() -> Vec<Vec<u8>> {
    let id = ANSWER.question.entry.id();
    let approval = Approval::sign(&sample::approver(), "analyst-2", &id);
    let wire = v1::ApproveRequest { query: id.as_bytes().to_vec(), approval: Some((&approval).into()) };
    vec![wire.encode_to_vec()]
}

/// An edition that an operator announces.
pub fn announce_request(bytes: &[u8]) -> bool {
    let Some(wire) = message::<v1::AnnounceEditionRequest>(bytes) else { return false };
    CODEBOOK.dataset(&wire.dataset).is_some() && EditionId::try_from(wire.edition.as_str()).is_ok()
}

pub(super) fn announce_requests() -> Vec<Vec<u8>> {
    let wire = v1::AnnounceEditionRequest { dataset: "d".to_owned(), edition: "2024-12".to_owned() };
    vec![wire.encode_to_vec()]
}

/// The events of a query, up to its release.
pub fn query_events(mut bytes: &[u8]) -> bool {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let Ok(event) = v1::QueryEvent::decode_length_delimited(&mut bytes) else { return false };
        events.push(Ok(event));
    }
    let followed = pin!(follow(tokio_stream::iter(events), Lang::En, |moment| drop(format!("{moment:?}"))));
    // All events are there, so there is nothing to wait for.
    let Poll::Ready(release) = followed.poll(&mut Context::from_waker(Waker::noop())) else { return false };
    release.inspect(super::releases::check_release).is_ok()
}

pub(super) fn followed() -> Vec<Vec<u8>> {
    let table = ANSWER.table();
    let (first, rest) = table.split_at(table.len() / 2);
    let refusals = vec![v1::Refusal { supplier: "west".to_owned(), reason: "outside-period".to_owned() }];
    let progress = v1::Progress { stage: v1::Stage::Pairing.into(), attempt: 1, done: 1, of: 4, refusals, at: 1 };
    let end = v1::QueryEnd { outcome: v1::Outcome::Opened.into(), reason: String::new() };
    let events = [
        Event::Accepted(v1::Accepted { query: ANSWER.question.entry.id().as_bytes().to_vec() }),
        Event::Progress(progress),
        Event::Release(first.to_vec().into()),
        Event::Release(rest.to_vec().into()),
        Event::End(end),
    ];
    let events = events.map(|event| v1::QueryEvent { event: Some(event) }.encode_length_delimited_to_vec());
    vec![events.concat()]
}

/// What can be asked, as the coordinator says.
pub fn catalogue_reply(bytes: &[u8]) -> bool {
    let Some(catalogue) = message::<v1::CatalogueReply>(bytes).and_then(|wire| Catalogue::try_from(wire).ok()) else {
        return false;
    };
    for dataset in catalogue.codebook.datasets() {
        if let Ok(policy) = catalogue.policy(dataset) {
            documents::policy(&policy.canonical_bytes());
        }
        catalogue.latest_edition(dataset.name());
    }
    true
}

fn catalogue() -> v1::CatalogueReply {
    let policies = CODEBOOK.datasets().map(|dataset| v1::DatasetPolicy {
        dataset: dataset.name().to_owned(),
        policy: good(Policy::for_dataset(dataset)).canonical_bytes(),
    });
    let announced = Announced { dataset: "d".to_owned(), edition: sample::edition(), at: ASKED };
    v1::CatalogueReply {
        codebook: CODEBOOK_TEXT.to_owned(),
        roster: roster().to_toml(),
        editions: vec![announced.into()],
        policies: policies.collect(),
        most_words: 4_000_000,
        longest_deadline_ms: sample::HOUR,
        clock: ASKED.as_millis(),
    }
}

pub(super) fn catalogues() -> Vec<Vec<u8>> {
    vec![catalogue().encode_to_vec()]
}

/// What the coordinator says beforehand of suppliers and earlier releases.
pub fn explain_reply(bytes: &[u8]) -> bool {
    let Some(wire) = message::<v1::ExplainReply>(bytes) else { return false };
    let catalogue = good(Catalogue::try_from(catalogue()));
    let facts = wire.suppliers.iter().cloned().map(|facts| SupplierFacts::read(facts, &catalogue));
    let facts: Result<Vec<_>, _> = facts.collect();
    facts.is_ok() && Before::try_from(wire).is_ok()
}

pub(super) fn explain_replies() -> Vec<Vec<u8>> {
    let (name, key) = (supplier("east"), there(supplier_keys().into_iter().next()));
    let signed = SignedAgreement::sign(agreement("east"), &name, &key);
    let facts = v1::SupplierFacts {
        supplier: name.to_string(),
        attending: true,
        last_seen: ASKED.as_millis(),
        agreement: signed.document,
        agreement_signature: signed.signature.as_bytes().to_vec(),
        holding: Some(v1::Holding { dataset: "victims".to_owned(), first_year: 2023, ..v1::Holding::default() }),
        codebook: CODEBOOK.hash().as_bytes().to_vec(),
        roster: roster().hash().as_bytes().to_vec(),
    };
    let kinds = [
        v1::overlap::Kind::Same(v1::SameTable {}),
        v1::overlap::Kind::Differences(v1::Differences { cells: 3, other_suppliers: true }),
        v1::overlap::Kind::TooMuch(v1::TooMuch {}),
    ];
    let query = super::wire::any_digest("query");
    let overlaps = kinds.map(|kind| v1::Overlap { query: query.clone(), kind: Some(kind) }).to_vec();
    vec![v1::ExplainReply { suppliers: vec![facts], guard: "refuses".to_owned(), overlaps }.encode_to_vec()]
}

/// The queries of an analyst.
pub fn list_reply(bytes: &[u8]) -> bool {
    let Some(wire) = message::<v1::ListReply>(bytes) else { return false };
    let summaries: Result<Vec<_>, _> = wire.queries.into_iter().map(Summary::try_from).collect();
    let Ok(summaries) = summaries else { return false };
    for summary in summaries {
        summary.ended.iter().for_each(|ended| drop(ended.text(Lang::Nl)));
        summary.asked_at.to_string();
    }
    true
}

pub(super) fn list_replies() -> Vec<Vec<u8>> {
    let summary = |outcome: Option<v1::Outcome>| v1::QuerySummary {
        query: super::wire::any_digest("query"),
        dataset: "d".to_owned(),
        edition: "2024-12".to_owned(),
        purpose: "monitor".to_owned(),
        asked_at: ASKED.as_millis(),
        expires_at: u64::MAX,
        outcome: outcome.map(Into::into),
        reason: "why".to_owned(),
    };
    let queries = [None, Some(v1::Outcome::Opened), Some(v1::Outcome::Spent)].map(summary).to_vec();
    vec![v1::ListReply { queries }.encode_to_vec()]
}

/// The questions that wait for a second person.
pub fn pending_reply(bytes: &[u8]) -> bool {
    let Some(wire) = message::<v1::PendingReply>(bytes) else { return false };
    wire.queries.into_iter().all(|asked| Asked::try_from(asked).is_ok())
}

pub(super) fn pending_replies() -> Vec<Vec<u8>> {
    vec![v1::PendingReply { queries: vec![asked()] }.encode_to_vec()]
}

/// How the coordinator stands, as an operator is told.
pub fn status_reply(bytes: &[u8]) -> bool {
    message::<v1::StatusReply>(bytes).is_some()
}

pub(super) fn status_replies() -> Vec<Vec<u8>> {
    let node = v1::NodeStatus { supplier: "east".to_owned(), last_seen: 1, ..v1::NodeStatus::default() };
    let status = v1::StatusReply { software: "optelsom".to_owned(), nodes: vec![node], ..v1::StatusReply::default() };
    vec![status.encode_to_vec()]
}
