//! Those who ask.

use std::sync::Arc;

use optelsom_codebook::{Dataset, EditionId, Hash256, QueryId, SupplierId};
use optelsom_disclosure::PolicyError;
use optelsom_ledger::QueryEntry;
use optelsom_ledger::entry::{Approval, ApprovalRule, verify_approval};
use optelsom_proto::v1;
use optelsom_proto::v1::analyst_service_server::AnalystService;
use optelsom_proto::wire::Asked;
use optelsom_secagg::messages::RoundOutcome;
use tonic::{Request, Response, Status};

use super::events::{self, Events};
use super::overlap::overlaps;
use super::{analyst_of, find, peer, summary};
use crate::acceptance::{NotAccepted, Standing, accept};
use crate::clock;
use crate::shared::Shared;
use crate::store::Accepted;

/// The most queries in one list.
const LONGEST_LIST: u32 = 10_000;

/// The conversation with those who ask.
#[derive(Debug)]
pub struct Analysts(Arc<Shared>);

impl Analysts {
    /// The conversation of this coordinator.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Why the guard would refuse a total over these suppliers, as the log stands now; empty where it would not.
    fn guard(&self, dataset: &str, document: Vec<u8>, scope: &[String]) -> Result<String, Status> {
        if document.is_empty() {
            return Ok(String::new());
        }
        let malformed = |_| Status::invalid_argument("malformed message: field `explain.scope` names no supplier");
        let scope: Vec<SupplierId> = scope
            .iter()
            .map(|name| SupplierId::try_from(name.as_str()).map_err(malformed))
            .collect::<Result<_, _>>()?;
        let shared = &self.0;
        let edition = EditionId::try_from("any").map_err(|cause| Status::internal(cause.to_string()))?;
        // Not a question that anybody has asked: the guard looks at what it would be about, and at nothing else of it.
        let question = QueryEntry {
            query: Hash256::of(&document),
            dataset: dataset.to_owned(),
            edition,
            purpose: String::new(),
            requester: String::new(),
            codebook: shared.codebook.hash(),
            roster: shared.roster.hash(),
            disclosure_policy: Hash256::from_bytes([0; 32]),
            collusion: shared.roster.collusion() as u64,
            min_suppliers: scope.len() as u64,
            scope: scope.clone(),
            asked_at: clock::now(),
            expires_at: clock::now(),
            nonce: [0; 16],
        };
        let refused = shared.ledger.view().would_refuse(&question, &scope, &|_| Some(document.clone()));
        Ok(refused.err().map(|refusal| refusal.to_string()).unwrap_or_default())
    }

    async fn owes_nothing(&self, id: &QueryId) -> Result<bool, Status> {
        Ok(self.0.store.owed_by(id).await?.is_empty())
    }

    async fn standing(&self, request: Request<v1::QueryName>) -> Result<Events, Status> {
        let requester = analyst_of(&request)?;
        let found = find(&self.0.store, request.into_inner(), Some(requester.as_str())).await?;
        match (self.0.drivers.of(&found.id), found.outcome) {
            (_, Some(outcome)) => Ok(events::ended(Arc::clone(&self.0), found.id, outcome)),
            (Some(driver), None) => Ok(events::follow(Arc::clone(&self.0), found.id, driver)),
            // It may have ended between the two looks.
            (None, None) => match self.0.store.summary(&found.id).await?.and_then(|summary| summary.outcome) {
                Some(outcome) => Ok(events::ended(Arc::clone(&self.0), found.id, outcome)),
                None => Err(Status::unavailable("the query waits for the coordinator's operator; see its log")),
            },
        }
    }
}

#[tonic::async_trait]
impl AnalystService for Analysts {
    type AskStream = Events;
    type WatchStream = Events;
    type FetchStream = Events;

    async fn ask(&self, request: Request<v1::AskRequest>) -> Result<Response<Events>, Status> {
        let requester = analyst_of(&request)?;
        let address = peer(&request)?.address;
        let asked = Asked::try_from(request.into_inner())?;
        let id = asked.query().entry.id();
        match accept(&self.0, &requester, asked).await {
            Ok(Standing::Running(driver)) => Ok(Response::new(events::follow(Arc::clone(&self.0), id, driver))),
            Ok(Standing::Ended(outcome)) => Ok(Response::new(events::ended(Arc::clone(&self.0), id, outcome))),
            Err(error) => {
                self.0.metrics.refused_messages.inc();
                log_refusal(&requester.to_string(), &address.to_string(), &error);
                Err(error.into())
            }
        }
    }

    async fn watch(&self, request: Request<v1::QueryName>) -> Result<Response<Events>, Status> {
        self.standing(request).await.map(Response::new)
    }

    async fn fetch(&self, request: Request<v1::QueryName>) -> Result<Response<Events>, Status> {
        let requester = analyst_of(&request)?;
        let found = find(&self.0.store, request.into_inner(), Some(requester.as_str())).await?;
        match found.outcome {
            Some(outcome) if outcome.outcome == RoundOutcome::Opened && !self.owes_nothing(&found.id).await? => {
                let text =
                    "the release does not stand in the log yet as enough witnesses have seen it; `watch` waits for it";
                Err(Status::failed_precondition(text))
            }
            Some(outcome) => Ok(Response::new(events::ended(Arc::clone(&self.0), found.id, outcome))),
            None => Err(Status::failed_precondition("the query has not ended yet; `watch` follows it")),
        }
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Result<Response<v1::ListReply>, Status> {
        let requester = analyst_of(&request)?;
        let most = match request.into_inner().most {
            0 => 100,
            most => most.min(LONGEST_LIST),
        };
        let queries = self.0.store.list(Some(requester.as_str()), most).await?;
        Ok(Response::new(v1::ListReply { queries: queries.into_iter().map(summary).collect() }))
    }

    async fn pending(&self, request: Request<v1::PendingRequest>) -> Result<Response<v1::PendingReply>, Status> {
        let approver = analyst_of(&request)?;
        let mut queries = Vec::new();
        for stored in self.0.waiting_for_approval().await? {
            let Accepted { question, document, .. } = stored;
            if question.entry.requester != approver.as_str() {
                queries.push(v1::AskRequest { query: Some((&question).into()), document });
            }
        }
        Ok(Response::new(v1::PendingReply { queries }))
    }

    async fn approve(&self, request: Request<v1::ApproveRequest>) -> Result<Response<v1::QuerySummary>, Status> {
        let person = analyst_of(&request)?;
        let v1::ApproveRequest { query, approval } = request.into_inner();
        let id = QueryId::try_from(query.as_slice())
            .map_err(|_| Status::invalid_argument("malformed message: field `approve.query` is no query's id"))?;
        let approval = approval.ok_or_else(|| Status::invalid_argument("malformed message: no approval in it"))?;
        let approval = Approval::try_from(approval)?;
        if approval.approver != person.as_str() {
            return Err(Status::permission_denied(format!("the approval is signed as `{}`", approval.approver)));
        }
        let mut waiting = self.0.waiting_for_approval().await?.into_iter();
        let Some(accepted) = waiting.find(|accepted| accepted.question.entry.id() == id) else {
            return Err(Status::failed_precondition("that query does not wait for a second person"));
        };
        verify_approval(&accepted.question, Some(&approval), ApprovalRule::TwoPersons, &self.0.roster)
            .map_err(|cause| Status::permission_denied(cause.to_string()))?;
        if self.0.store.approve(&id, &approval).await? {
            tracing::info!(query = %id.short(), approver = %person, "approved");
            self.0.approved.notify_waiters();
        }
        let found = self.0.store.summary(&id).await?;
        found.map(|found| Response::new(summary(found))).ok_or_else(|| Status::not_found("the query is gone"))
    }

    async fn catalogue(&self, _request: Request<v1::CatalogueRequest>) -> Result<Response<v1::CatalogueReply>, Status> {
        let shared = &self.0;
        let policy = |dataset: &Arc<Dataset>| {
            let policy = shared.policy_of(dataset)?.canonical_bytes();
            Ok(v1::DatasetPolicy { dataset: dataset.name().to_owned(), policy })
        };
        let policies = shared.codebook.datasets().map(policy).collect::<Result<Vec<_>, PolicyError>>();
        Ok(Response::new(v1::CatalogueReply {
            codebook: shared.codebook_text.clone(),
            roster: shared.roster.to_toml(),
            editions: shared.store.editions().await?.into_iter().map(Into::into).collect(),
            policies: policies.map_err(|error| Status::failed_precondition(error.to_string()))?,
            most_words: shared.configuration.limits.words,
            longest_deadline_ms: shared.configuration.limits.deadline_minutes.saturating_mul(60_000),
            clock: clock::now().as_millis(),
        }))
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainReply>, Status> {
        let v1::ExplainRequest { dataset, document, scope } = request.into_inner();
        let overlaps = overlaps(&self.0, &dataset, &document, &scope).await?;
        let guard = self.guard(&dataset, document, &scope)?;
        let announced = self.0.store.announcements().await?;
        let mut suppliers = Vec::with_capacity(self.0.roster.members().len());
        for member in self.0.roster.members() {
            let known = announced.iter().find(|node| node.supplier == member.supplier);
            let mut facts = v1::SupplierFacts {
                supplier: member.supplier.to_string(),
                attending: self.0.hub.attends(&member.supplier),
                ..v1::SupplierFacts::default()
            };
            if let Some(node) = known {
                facts.last_seen = node.last_seen.as_millis();
                facts.agreement.clone_from(&node.hello.agreement.document);
                facts.agreement_signature = node.hello.agreement.signature.as_bytes().to_vec();
                facts.holding = node.hello.holdings.of(&dataset).cloned().map(Into::into);
                facts.codebook = node.hello.codebook.as_bytes().to_vec();
                facts.roster = node.hello.roster.as_bytes().to_vec();
            }
            suppliers.push(facts);
        }
        Ok(Response::new(v1::ExplainReply { suppliers, guard, overlaps }))
    }
}

fn log_refusal(requester: &str, address: &str, error: &NotAccepted) {
    tracing::warn!(requester, address, cause = %error, "a question was not accepted");
}
