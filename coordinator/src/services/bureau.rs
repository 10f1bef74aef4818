//! The bureau's operator.

use std::sync::Arc;

use optelsom_codebook::EditionId;
use optelsom_proto::SOFTWARE;
use optelsom_proto::v1;
use optelsom_proto::v1::bureau_service_server::BureauService;
use optelsom_proto::v1::coordinator_message::Message;
use optelsom_proto::wire::Announced;
use optelsom_secagg::combiner::Input;
use tonic::{Request, Response, Status};

use super::{find, operator_of, summary};
use crate::clock;
use crate::driver::until_done;
use crate::shared::Shared;

/// The conversation with the bureau's operator.
#[derive(Debug)]
pub struct Bureau(Arc<Shared>);

impl Bureau {
    /// The conversation of this coordinator.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    async fn tell(
        &self,
        request: Request<v1::QueryName>,
        what: &'static str,
        input: impl FnOnce(String) -> Input,
    ) -> Result<Response<v1::QuerySummary>, Status> {
        let operator = operator_of(&request)?;
        let found = find(&self.0.store, request.into_inner(), None).await?;
        let Some(driver) = self.0.drivers.of(&found.id) else {
            return Err(Status::failed_precondition(format!("query {} has ended", found.id.short())));
        };
        tracing::info!(query = %found.id.short(), %operator, what, "told by an operator");
        self.0.store.note(&found.id, clock::now(), "", what, operator.as_str()).await?;
        driver.door.tell(input(operator.to_string()));
        Ok(Response::new(summary(found)))
    }
}

#[tonic::async_trait]
impl BureauService for Bureau {
    async fn announce_edition(
        &self,
        request: Request<v1::AnnounceEditionRequest>,
    ) -> Result<Response<v1::Edition>, Status> {
        let operator = operator_of(&request)?;
        let v1::AnnounceEditionRequest { dataset, edition } = request.into_inner();
        if self.0.codebook.dataset(&dataset).is_none() {
            let known: Vec<_> = self.0.codebook.datasets().map(|dataset| dataset.name()).collect();
            return Err(Status::invalid_argument(format!("no dataset `{dataset}`; there are {}", known.join(", "))));
        }
        let edition =
            EditionId::try_from(edition.as_str()).map_err(|cause| Status::invalid_argument(cause.to_string()))?;
        let announced = self.0.store.announce(Announced { dataset, edition, at: clock::now() }).await?;
        tracing::info!(%operator, dataset = announced.dataset, edition = %announced.edition, "edition announced");
        let (shared, logged) = (Arc::clone(&self.0), announced.clone());
        // No query about it is logged before it is.
        self.0.tasks.spawn(async move {
            until_done(&shared, "an edition", || shared.ledger.edition(&logged)).await;
        });
        let edition = v1::Edition::from(announced);
        self.0.hub.send_all(&Message::Edition(edition.clone()));
        Ok(Response::new(edition))
    }

    async fn cancel_query(&self, request: Request<v1::QueryName>) -> Result<Response<v1::QuerySummary>, Status> {
        self.tell(request, "cancel", |by| Input::Cancel { by }).await
    }

    async fn void_query(&self, request: Request<v1::QueryName>) -> Result<Response<v1::QuerySummary>, Status> {
        self.tell(request, "void", |_| Input::AskVoid).await
    }

    async fn status(&self, _request: Request<v1::StatusRequest>) -> Result<Response<v1::StatusReply>, Status> {
        let shared = &self.0;
        let (codebook, roster) = (shared.codebook.hash(), shared.roster.hash());
        let announced = shared.store.announcements().await?;
        let node = |member: &optelsom_ledger::Member| {
            let mut status = v1::NodeStatus {
                supplier: member.supplier.to_string(),
                attending: shared.hub.attends(&member.supplier),
                ..v1::NodeStatus::default()
            };
            if let Some(known) = announced.iter().find(|node| node.supplier == member.supplier) {
                status.last_seen = known.last_seen.as_millis();
                status.software.clone_from(&known.hello.software);
                status.codebook_matches = known.hello.codebook == codebook;
                status.roster_matches = known.hello.roster == roster;
                status.holdings = known.hello.holdings.0.iter().cloned().map(Into::into).collect();
            }
            status
        };
        let running = shared.store.list(None, 10_000).await?.into_iter().filter(|query| query.outcome.is_none());
        Ok(Response::new(v1::StatusReply {
            software: SOFTWARE.to_owned(),
            codebook: codebook.as_bytes().to_vec(),
            roster: roster.as_bytes().to_vec(),
            nodes: shared.roster.members().iter().map(node).collect(),
            running: running.map(summary).collect(),
            clock: clock::now().as_millis(),
        }))
    }
}
