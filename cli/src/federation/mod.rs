//! The coordinator as the analyst meets it.

mod catalogue;
mod events;
mod facts;
mod outlast;

use optelsom_codebook::{EditionId, Query, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{Overlap, OverlapKind};
use optelsom_ledger::entry::Approval;
use optelsom_proto::dial::{dial, explain};
use optelsom_proto::limits::MESSAGE_BYTES;
use optelsom_proto::v1;
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::overlap::Kind;
use optelsom_proto::wire::Asked;
use optelsom_proto::{Credentials, Role, RoleKind, WireError};
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

pub use catalogue::Catalogue;
pub use events::{Ended, Moment, Stage, follow};
pub use facts::SupplierFacts;
pub use outlast::Wanted;

use crate::configuration::Configuration;
use crate::failure::Failure;

/// An open connection to the coordinator.
#[derive(Debug)]
pub struct Federation {
    client: AnalystServiceClient<Channel>,
}

/// What of the past stands in the way of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Why the guard against differencing would refuse a total over all that are asked, as the log stands now.
    pub refused: Option<String>,
    /// The releases that its table would overlap with.
    pub overlaps: Vec<Overlap>,
}

/// One of the analyst's queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub query: QueryId,
    /// What it was about.
    pub dataset: String,
    /// Of which edition.
    pub edition: EditionId,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
}

impl Federation {
    /// Connects as the analyst of this configuration.
    ///
    /// # Errors
    /// When the credentials cannot be used or are not an analyst's, or there is no connection.
    pub async fn open(configuration: &Configuration) -> Result<Self, Failure> {
        let credentials = Credentials::read(&configuration.certificate, &configuration.key, &configuration.authority)?;
        if credentials.role().kind() != RoleKind::Analyst {
            return Err(not_an_analyst(credentials.role()));
        }
        let connection = dial(&credentials, &configuration.target).await?;
        // A catalogue has codebook and roster in it, each as long as a document beside the log may be.
        Ok(Self { client: AnalystServiceClient::new(connection.channel).max_decoding_message_size(MESSAGE_BYTES) })
    }

    /// What can be asked: codebook, roster, editions, policies.
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or its answer cannot be used.
    pub async fn catalogue(&mut self) -> Result<Catalogue, Failure> {
        let reply = self.client.catalogue(v1::CatalogueRequest {}).await;
        Catalogue::try_from(unary(reply)?)
    }

    /// What each supplier has said of itself, as far as this dataset goes.
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or its answer cannot be used.
    pub async fn facts(&mut self, catalogue: &Catalogue, dataset: &str) -> Result<Vec<SupplierFacts>, Failure> {
        let request = v1::ExplainRequest { dataset: dataset.to_owned(), ..v1::ExplainRequest::default() };
        unary(self.client.explain(request).await)?
            .suppliers
            .into_iter()
            .map(|facts| SupplierFacts::read(facts, catalogue))
            .collect()
    }

    /// What was asked and released before that stands in the way of this question to these suppliers.
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or its answer cannot be used.
    pub async fn before<'s>(
        &mut self,
        query: &Query,
        suppliers: impl IntoIterator<Item = &'s SupplierId>,
    ) -> Result<Before, Failure> {
        let request = v1::ExplainRequest {
            dataset: query.dataset().name().to_owned(),
            document: query.canonical_bytes(),
            scope: suppliers.into_iter().map(SupplierId::to_string).collect(),
        };
        Before::try_from(unary(self.client.explain(request).await)?)
    }

    /// Asks. The query is kept by the coordinator once the first event has arrived.
    ///
    /// # Errors
    /// When the coordinator refuses, or cannot be reached.
    pub async fn ask(&mut self, asked: &Asked) -> Result<Streaming<v1::QueryEvent>, Failure> {
        unary(self.client.ask(v1::AskRequest::from(asked)).await)
    }

    /// Follows a query from where it stands.
    ///
    /// # Errors
    /// When there is no such query, or the coordinator cannot be reached.
    pub async fn watch(&mut self, name: &str) -> Result<Streaming<v1::QueryEvent>, Failure> {
        unary(self.client.watch(query_name(name)).await)
    }

    /// The release of a query that has ended.
    ///
    /// # Errors
    /// When there is none, or the coordinator cannot be reached.
    pub async fn fetch(&mut self, name: &str) -> Result<Streaming<v1::QueryEvent>, Failure> {
        unary(self.client.fetch(query_name(name)).await)
    }

    /// The questions of others that wait for a second person.
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or its answer cannot be used.
    pub async fn pending(&mut self) -> Result<Vec<Asked>, Failure> {
        let reply = unary(self.client.pending(v1::PendingRequest {}).await)?;
        let asked = |wire| Asked::try_from(wire).map_err(|error: WireError| Failure::Answer(error.to_string()));
        reply.queries.into_iter().map(asked).collect()
    }

    /// Approves a question.
    ///
    /// # Errors
    /// When the coordinator refuses, or cannot be reached.
    pub async fn approve(&mut self, query: &QueryId, approval: &Approval) -> Result<(), Failure> {
        let request = v1::ApproveRequest { query: query.as_bytes().to_vec(), approval: Some(approval.into()) };
        unary(self.client.approve(request).await).map(drop)
    }

    /// The analyst's queries, latest first.
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or its answer cannot be used.
    pub async fn list(&mut self, most: u32) -> Result<Vec<Summary>, Failure> {
        let reply = unary(self.client.list(v1::ListRequest { most }).await)?;
        reply.queries.into_iter().map(Summary::try_from).collect()
    }
}

fn not_an_analyst(role: &Role) -> Failure {
    Failure::NotAuthorised(format!("the certificate is that of {role}; asking needs one of optelsom:analyst:<key id>"))
}

fn query_name(prefix: &str) -> v1::QueryName {
    v1::QueryName { name: Some(v1::query_name::Name::Prefix(prefix.to_owned())) }
}

/// The answer, or why there is none: in TLS 1.3 a refused certificate shows only at the first call, if at all.
fn unary<T>(reply: Result<Response<T>, Status>) -> Result<T, Failure> {
    reply.map(Response::into_inner).map_err(|status| {
        if std::error::Error::source(&status).is_none() {
            return Failure::from(status);
        }
        let explained = explain(&status);
        if explained != status.to_string() {
            return Failure::Unavailable(explained);
        }
        Failure::Unavailable(
            "it ended the connection without an answer; it may be going down, or not accept this certificate (is it of the \
             federation's authority, and still valid?)"
                .to_owned(),
        )
    })
}

impl TryFrom<v1::ExplainReply> for Before {
    type Error = Failure;

    fn try_from(wire: v1::ExplainReply) -> Result<Self, Failure> {
        let v1::ExplainReply { guard, overlaps, .. } = wire;
        let overlaps = overlaps.into_iter().map(overlap).collect::<Option<_>>();
        let overlaps = overlaps.ok_or_else(|| Failure::Answer("an overlap with an earlier release".to_owned()))?;
        Ok(Self { refused: Some(guard).filter(|refused| !refused.is_empty()), overlaps })
    }
}

impl TryFrom<v1::QuerySummary> for Summary {
    type Error = Failure;

    fn try_from(wire: v1::QuerySummary) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::Answer(format!("a query's {what} in its list"));
        let ended = match wire.outcome {
            None => None,
            Some(outcome) => Some(Ended::read(outcome, wire.reason)?),
        };
        Ok(Self {
            query: QueryId::try_from(wire.query.as_slice()).map_err(|_| wrong("name"))?,
            edition: EditionId::try_from(wire.edition.as_str()).map_err(|_| wrong("edition"))?,
            dataset: wire.dataset,
            asked_at: Timestamp::from_millis(wire.asked_at),
            ended,
        })
    }
}

/// A release that a question would overlap with; none for what is no such thing.
fn overlap(wire: v1::Overlap) -> Option<Overlap> {
    let kind = match wire.kind? {
        Kind::Same(v1::SameTable {}) => OverlapKind::Same,
        Kind::Differences(v1::Differences { cells, other_suppliers }) => {
            OverlapKind::Differences { cells: usize::try_from(cells).ok()?, other_suppliers }
        }
        Kind::TooMuch(v1::TooMuch {}) => OverlapKind::TooMuch,
    };
    Some(Overlap { query: QueryId::try_from(wire.query.as_slice()).ok()?, kind })
}
