//! Suppliers' nodes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_proto::Call;
use optelsom_proto::limits::{CLOCK_TOLERANCE_MS, MESSAGE_BYTES, NODE_MESSAGE_BYTES, PART_MESSAGE_BYTES};
use optelsom_proto::v1;
use optelsom_proto::v1::node_message::Message;
use optelsom_proto::v1::node_service_server::{NodeService, NodeServiceServer};
use optelsom_proto::wire::Hello;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};

use super::attendance::{Attending, HELLO_LIMIT};
use super::node_of;
use crate::clock;
use crate::hub::Outflow;
use crate::shared::Shared;

/// The conversation with suppliers' nodes.
#[derive(Debug)]
pub struct Nodes(Arc<Shared>);

impl Nodes {
    /// The conversation of this coordinator.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// As it is served.
    pub fn serve(self) -> NodeServer {
        let nodes = NodeServiceServer::new(self).max_encoding_message_size(MESSAGE_BYTES);
        NodeServer {
            attend: nodes.clone().max_decoding_message_size(NODE_MESSAGE_BYTES),
            submit: nodes.max_decoding_message_size(PART_MESSAGE_BYTES),
        }
    }
}

/// The conversation with suppliers' nodes, each call with the longest message that it needs: many tables may come at once,
/// and their parts are short.
#[derive(Clone, Debug)]
pub struct NodeServer {
    attend: NodeServiceServer<Nodes>,
    submit: NodeServiceServer<Nodes>,
}

impl NamedService for NodeServer {
    const NAME: &'static str = NodeServiceServer::<Nodes>::NAME;
}

impl Service<http::Request<Body>> for NodeServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let submits = request.uri().path() == Call::Submit.path();
        if submits { self.submit.call(request) } else { self.attend.call(request) }
    }
}

#[tonic::async_trait]
impl NodeService for Nodes {
    type AttendStream = Outflow;

    async fn attend(
        &self,
        request: Request<Streaming<v1::NodeMessage>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let supplier = node_of(&request)?;
        let mut messages = request.into_inner();
        let hello = read_hello(&self.0, &supplier, &mut messages).await.inspect_err(|status| {
            self.0.metrics.refused_messages.inc();
            tracing::warn!(%supplier, cause = status.message(), "a node was turned away");
        })?;
        let (attending, outflow) = Attending::begin(Arc::clone(&self.0), supplier, hello).await?;
        self.0.tasks.spawn(attending.run(messages));
        Ok(Response::new(outflow))
    }

    async fn submit(&self, request: Request<Streaming<v1::TablePart>>) -> Result<Response<v1::SubmitReply>, Status> {
        let supplier = node_of(&request)?;
        let mut parts = request.into_inner();
        let mut words = 0_u64;
        while let Some(part) = parts.message().await? {
            words += give_part(&self.0, &supplier, &part).await.inspect_err(|status| {
                self.0.metrics.refused_messages.inc();
                tracing::warn!(%supplier, cause = status.message(), "a part of a table was refused");
            })?;
        }
        Ok(Response::new(v1::SubmitReply { words }))
    }
}

/// Hands one part of a table on, and waits while the sum is not ready for it.
async fn give_part(shared: &Shared, supplier: &SupplierId, part: &v1::TablePart) -> Result<u64, Status> {
    let query = QueryId::try_from(part.query.as_slice())
        .map_err(|_| Status::invalid_argument("malformed message: field `part.query` is no query's id"))?;
    let chunk = optelsom_secagg::messages::TableChunk::try_from(part)?;
    let words = chunk.words.len() as u64;
    let driver = shared
        .drivers
        .of(&query)
        .ok_or_else(|| Status::failed_precondition(format!("query {} does not go on", query.short())))?;
    driver.door.part(supplier, chunk).await;
    Ok(words)
}

async fn read_hello(
    shared: &Shared,
    supplier: &SupplierId,
    messages: &mut Streaming<v1::NodeMessage>,
) -> Result<Hello, Status> {
    let Some(member) = shared.roster.member(supplier) else {
        return Err(Status::permission_denied(format!("supplier `{supplier}` is not on the roster")));
    };
    let first = tokio::time::timeout(HELLO_LIMIT, messages.message())
        .await
        .map_err(|_| Status::deadline_exceeded("no Hello came within 10 seconds"))??;
    let Some(v1::NodeMessage { message: Some(Message::Hello(hello)) }) = first else {
        return Err(Status::invalid_argument("the first message of a node is Hello"));
    };
    let hello = Hello::try_from(hello)?;
    check_clock(supplier, &hello)?;
    hello.agreement.verify(supplier, &member.identity).map_err(|_| {
        Status::permission_denied(format!(
            "the agreement is not signed with the identity that the roster gives to `{supplier}`; look at the identity \
             file and at the roster"
        ))
    })?;
    Ok(hello)
}

fn check_clock(supplier: &SupplierId, hello: &Hello) -> Result<(), Status> {
    let (ours, theirs) = (clock::now().as_millis(), hello.clock.as_millis());
    let off = ours.abs_diff(theirs);
    if off <= CLOCK_TOLERANCE_MS {
        return Ok(());
    }
    let way = if theirs > ours { "ahead of" } else { "behind" };
    Err(Status::failed_precondition(format!(
        "the clock of `{supplier}` is {} seconds {way} the coordinator's; 300 are tolerated: set it, by NTP for instance",
        off / 1000
    )))
}
