//! Which role may call what, and how much of it at once: one table, enforced before any service sees a request.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

use crate::listen::Peer;
use crate::places::{Held, Places};
use crate::role::{Role, RoleKind};

/// Every call that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A node's standing connection.
    Attend,
    /// A node's masked table.
    Submit,
    /// A question.
    Ask,
    /// Following a question.
    Watch,
    /// A release.
    Fetch,
    /// One's questions.
    List,
    /// What waits for a second person.
    Pending,
    /// A second person's signature.
    Approve,
    /// What can be asked.
    Catalogue,
    /// What suppliers say of themselves.
    Explain,
    /// A new edition.
    AnnounceEdition,
    /// Ends an uncertified query.
    CancelQuery,
    /// Declares a certified query void.
    VoidQuery,
    /// How the coordinator is.
    Status,
    /// A file of the ledger.
    Read,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Attend,
        Self::Submit,
        Self::Ask,
        Self::Watch,
        Self::Fetch,
        Self::List,
        Self::Pending,
        Self::Approve,
        Self::Catalogue,
        Self::Explain,
        Self::AnnounceEdition,
        Self::CancelQuery,
        Self::VoidQuery,
        Self::Status,
        Self::Read,
    ];

    /// The path of the gRPC request.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Attend => "/optelsom.v1.NodeService/Attend",
            Self::Submit => "/optelsom.v1.NodeService/Submit",
            Self::Ask => "/optelsom.v1.AnalystService/Ask",
            Self::Watch => "/optelsom.v1.AnalystService/Watch",
            Self::Fetch => "/optelsom.v1.AnalystService/Fetch",
            Self::List => "/optelsom.v1.AnalystService/List",
            Self::Pending => "/optelsom.v1.AnalystService/Pending",
            Self::Approve => "/optelsom.v1.AnalystService/Approve",
            Self::Catalogue => "/optelsom.v1.AnalystService/Catalogue",
            Self::Explain => "/optelsom.v1.AnalystService/Explain",
            Self::AnnounceEdition => "/optelsom.v1.BureauService/AnnounceEdition",
            Self::CancelQuery => "/optelsom.v1.BureauService/CancelQuery",
            Self::VoidQuery => "/optelsom.v1.BureauService/VoidQuery",
            Self::Status => "/optelsom.v1.BureauService/Status",
            Self::Read => "/optelsom.v1.LedgerService/Read",
        }
    }

    /// The call of this path.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.path() == path)
    }

    /// How many such calls of one party are taken in at once; more of them wait. So a party has the memory of so many of
    /// its longest messages, and of so many replies that it does not read.
    pub const fn at_once(self) -> usize {
        match self {
            // Until it has said Hello. A node attends once, and its Hello is the longest message there is.
            Self::Attend => 1,
            // One for each query that is between Pair and Certify; parts are short.
            Self::Submit => 32,
            _ => 4,
        }
    }

    /// Whether the reply goes on for as long as somebody follows it: the call is taken in when the reply begins. All other
    /// replies keep their place until they are sent.
    pub const fn is_followed(self) -> bool {
        matches!(self, Self::Attend | Self::Ask | Self::Watch)
    }
}

/// The table: whether this role may make this call.
pub const fn permitted(role: RoleKind, call: Call) -> bool {
    match call {
        Call::Attend | Call::Submit => matches!(role, RoleKind::Node),
        Call::Ask | Call::Watch | Call::Fetch | Call::List | Call::Explain | Call::Pending | Call::Approve => {
            matches!(role, RoleKind::Analyst)
        }
        Call::Catalogue => matches!(role, RoleKind::Analyst | RoleKind::Operator),
        Call::AnnounceEdition | Call::CancelQuery | Call::VoidQuery | Call::Status => {
            matches!(role, RoleKind::Operator)
        }
        Call::Read => !matches!(role, RoleKind::Coordinator),
    }
}

/// Puts [`Gate`] before all services of a server.
#[derive(Clone, Debug, Default)]
pub struct GateLayer {
    places: Places,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, places: self.places.clone() }
    }
}

/// Lets through what [`permitted`] allows to the role of the connection, and [`Call::at_once`] to its party.
#[derive(Clone, Debug)]
pub struct Gate<S> {
    inner: S,
    places: Places,
}

fn judge(request: &Request<Body>) -> Result<(Role, Call), Status> {
    let path = request.uri().path();
    let call = Call::of_path(path).ok_or_else(|| Status::unimplemented(format!("there is no call {path}")))?;
    let peer = request.extensions().get::<Peer>().ok_or_else(|| Status::unauthenticated("no certificate was shown"))?;
    if permitted(peer.role.kind(), call) {
        return Ok((peer.role.clone(), call));
    }
    tracing::warn!(peer = %peer.role, path, "call refused: not for this role");
    Err(Status::permission_denied(format!(
        "{} may not call {path}: it is not for the role {}",
        peer.role,
        peer.role.kind()
    )))
}

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (role, call) = match judge(&request) {
            Ok(let_through) => let_through,
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        // The one that is ready goes along; its clone gets ready for the next call.
        let next = self.inner.clone();
        let (mut inner, places) = (mem::replace(&mut self.inner, next), self.places.clone());
        Box::pin(async move {
            let place = places.take(&role, call).await;
            let reply = inner.call(request).await?;
            if call.is_followed() {
                return Ok(reply);
            }
            Ok(reply.map(|body| Body::new(Held { body, _place: place })))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_a_call_of_its_own() {
        for call in Call::ALL {
            assert_eq!(Call::of_path(call.path()), Some(call));
        }
        assert_eq!(Call::of_path("/optelsom.v1.NodeService/Nothing"), None);
    }

    #[test]
    fn who_answers_never_asks_and_who_asks_never_answers() {
        // All of the federation read the ledger.
        for call in Call::ALL.into_iter().filter(|call| *call != Call::Read) {
            assert!(!permitted(RoleKind::Coordinator, call));
            assert!(!permitted(RoleKind::Auditor, call));
            assert!(!(permitted(RoleKind::Node, call) && permitted(RoleKind::Analyst, call)));
            assert!(!(permitted(RoleKind::Node, call) && permitted(RoleKind::Operator, call)));
        }
    }
}
