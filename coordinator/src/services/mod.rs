//! The conversations. Who may have which is decided before, by the gate.

mod analyst;
mod attendance;
mod bureau;
mod events;
mod ledger;
mod node;
mod overlap;

use optelsom_codebook::SupplierId;
use optelsom_proto::listen::Peer;
use optelsom_proto::v1;
use optelsom_proto::{PartyName, Role};
use tonic::{Request, Status};

use crate::store::{Found, Store, StoreError, Summary};

pub use analyst::Analysts;
pub use bureau::Bureau;
pub use ledger::Files;
pub use node::Nodes;

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        tracing::error!(cause = %error, "the store failed");
        Self::unavailable("the coordinator's store does not answer; try again later, its operator is told")
    }
}

fn peer<T>(request: &Request<T>) -> Result<&Peer, Status> {
    request.extensions().get::<Peer>().ok_or_else(|| Status::unauthenticated("no certificate was shown"))
}

fn node_of<T>(request: &Request<T>) -> Result<SupplierId, Status> {
    match &peer(request)?.role {
        Role::Node(supplier) => Ok(supplier.clone()),
        other => Err(Status::permission_denied(format!("{other} is no node"))),
    }
}

fn analyst_of<T>(request: &Request<T>) -> Result<PartyName, Status> {
    match &peer(request)?.role {
        Role::Analyst(name) => Ok(name.clone()),
        other => Err(Status::permission_denied(format!("{other} is no analyst"))),
    }
}

fn operator_of<T>(request: &Request<T>) -> Result<PartyName, Status> {
    match &peer(request)?.role {
        Role::Operator(name) => Ok(name.clone()),
        other => Err(Status::permission_denied(format!("{other} is no operator"))),
    }
}

/// The fewest digits of an id that are looked for.
const LEAST_DIGITS: usize = 6;

/// The query of this name, among those of one requester or among all.
async fn find(store: &Store, name: v1::QueryName, requester: Option<&str>) -> Result<Summary, Status> {
    let prefix = match name.name {
        Some(v1::query_name::Name::Query(bytes)) => optelsom_codebook::QueryId::try_from(bytes.as_slice())
            .map_err(|_| Status::invalid_argument("the id of a query has 32 bytes"))?
            .to_string(),
        Some(v1::query_name::Name::Prefix(prefix)) => prefix.trim().to_ascii_lowercase(),
        None => return Err(Status::invalid_argument("which query? give its id, or its first digits")),
    };
    if prefix.len() < LEAST_DIGITS || !prefix.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Status::invalid_argument("the id of a query is given by 6 or more hexadecimal digits"));
    }
    match store.find(&prefix, requester).await? {
        Found::One(summary) => Ok(*summary),
        Found::None => Err(Status::not_found(match requester {
            Some(requester) => format!("{requester} has asked no query {prefix}"),
            None => format!("there is no query {prefix}"),
        })),
        Found::Several => Err(Status::invalid_argument(format!("more than one query begins with {prefix}"))),
    }
}

fn summary(summary: Summary) -> v1::QuerySummary {
    let reason = summary.outcome.as_ref().map(|stored| stored.reason.clone()).unwrap_or_default();
    v1::QuerySummary {
        query: summary.id.as_bytes().to_vec(),
        dataset: summary.entry.dataset,
        edition: summary.entry.edition.to_string(),
        purpose: summary.entry.purpose,
        asked_at: summary.entry.asked_at.as_millis(),
        expires_at: summary.entry.expires_at.as_millis(),
        outcome: summary.outcome.map(|stored| v1::Outcome::from(stored.outcome).into()),
        reason,
    }
}
