//! `/healthz`, `/readyz` and `/metrics`, on loopback only.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::accept::{Room, accept};
use crate::limits::{HEADER_LIMIT, HEALTH_CONNECTIONS, HEALTH_PATIENCE};
use crate::pages::pages;

/// What a daemon says of itself: whether it can do its work now, and if not, why.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<Result<(), String>>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Err("starting".to_owned()))))
    }
}

impl Readiness {
    /// From now on the daemon can do its work.
    pub fn ready(&self) {
        self.set(Ok(()));
    }

    /// From now on it cannot, because of this.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.set(Err(why.into()));
    }

    /// Whether it can.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn get(&self) -> Result<(), String> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn set(&self, state: Result<(), String>) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = state;
    }
}

/// How long a probe may take before it counts as failed.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

type Probing = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What is tried out each time that somebody asks whether the daemon is ready: that its store takes a write, for instance.
#[derive(Clone)]
pub struct Probe(Arc<dyn Fn() -> Probing + Send + Sync>);

impl Probe {
    /// A probe that is whatever this future is; its error says in words what fails.
    pub fn new<F: Future<Output = Result<(), String>> + Send + 'static>(
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move || Box::pin(probe())))
    }

    async fn run(&self) -> Result<(), String> {
        let tried = tokio::time::timeout(PROBE_LIMIT, (self.0)()).await;
        tried.unwrap_or_else(|_| Err("the store has not answered for 5 seconds".to_owned()))
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Probe")
    }
}

#[derive(Clone)]
struct Shown {
    readiness: Readiness,
    probe: Probe,
    registry: Arc<Registry>,
}

/// Serves the three pages until `stop`; yields the address, which matters where the port is 0. `/readyz` says yes when
/// the daemon does and the probe succeeds.
///
/// # Errors
/// When the address is not on loopback, or cannot be listened on.
pub async fn serve(
    listen: SocketAddr,
    readiness: Readiness,
    probe: Probe,
    registry: Arc<Registry>,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    if !listen.ip().is_loopback() {
        let text = format!("health pages are for this machine alone: {listen} is not on loopback, use 127.0.0.1");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Shown { readiness, probe, registry });
    let room = Room { most: HEALTH_CONNECTIONS, patience: HEALTH_PATIENCE };
    tokio::spawn(accept(listener, room, stop, move |stream, _| pages(stream, router.clone(), HEADER_LIMIT)));
    Ok(address)
}

async fn readyz(State(shown): State<Shown>) -> impl IntoResponse {
    let ready = match shown.readiness.get() {
        Ok(()) => shown.probe.run().await,
        not_ready => not_ready,
    };
    match ready {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &shown.registry) {
        Ok(()) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
            text,
        ),
        Err(cause) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], cause.to_string()),
    }
}
