//! Starting and stopping.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use optelsom_codebook::{Codebook, CodebookErrors};
use optelsom_ledger::note::LogKey;
use optelsom_ledger::{IdentityKey, PublicIdentity, Roster, RosterError, Trust, TrustError};
use optelsom_proto::health::{self, Probe, Readiness};
use optelsom_proto::key_file::{KeyFileError, read_identity};
use optelsom_proto::limits::{NAMES_BYTES, QUESTION_BYTES, STREAMS};
use optelsom_proto::listen::incoming;
use optelsom_proto::v1::analyst_service_server::AnalystServiceServer;
use optelsom_proto::v1::bureau_service_server::BureauServiceServer;
use optelsom_proto::v1::ledger_service_server::LedgerServiceServer;
use optelsom_proto::{Credentials, CredentialsError, GateLayer, Role, public};
use optelsom_secagg::Generators;
use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;

use crate::clock;
use crate::configuration::Configuration;
use crate::documents;
use crate::driver::{self, Drivers, Histories};
use crate::hub::Hub;
use crate::ledger::{self, Keeper, LedgerError};
use crate::metrics::Metrics;
use crate::services::{Analysts, Bureau, Files, Nodes};
use crate::shared::Shared;
use crate::store::{OpenError, Store, StoreError};
use crate::turn::Turns;

/// How long open work may take to end when the coordinator stops; what is accepted is stored already.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Why the coordinator does not start. The operator's to mend.
#[derive(Debug, Error)]
pub enum StartError {
    /// A file cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The codebook has mistakes.
    #[error("{path}: {cause}")]
    Codebook {
        /// Which file.
        path: PathBuf,
        /// All of them.
        cause: CodebookErrors,
    },
    /// The roster has mistakes.
    #[error("{path}: {cause}")]
    Roster {
        /// Which file.
        path: PathBuf,
        /// The first.
        cause: RosterError,
    },
    /// A dataset that the codebook does not have.
    #[error("minimum_frequency names the dataset `{0}`, which the codebook does not have")]
    UnknownDataset(String),
    /// Certificate, key, authority.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Another party's certificate.
    #[error("these are the credentials of {0}, not of a coordinator; issue some with the role optelsom:coordinator")]
    NotACoordinator(Role),
    /// The trust document.
    #[error("{path}: {cause}")]
    Trust {
        /// Which file.
        path: PathBuf,
        /// The first mistake.
        cause: TrustError,
    },
    /// Another log's key.
    #[error("{path} holds the key {held}, but trust.toml names {wanted} as the log's; use the key that belongs to it")]
    OtherLogKey {
        /// The key file.
        path: PathBuf,
        /// Whose it is.
        held: PublicIdentity,
        /// Whose it should be.
        wanted: PublicIdentity,
    },
    /// The log's key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store, a moment later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
}

/// A coordinator that runs. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    health: Option<SocketAddr>,
    published: Option<SocketAddr>,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its health pages are.
    pub fn health(&self) -> Option<SocketAddr> {
        self.health
    }

    /// Where everybody can read the log.
    pub fn published(&self) -> Option<SocketAddr> {
        self.published
    }

    /// Waits until the server has ended of itself, which it does only when something is wrong; yields what, where that
    /// is known.
    pub async fn ended(&mut self) -> Option<String> {
        let _ = (&mut self.server).await;
        self.shared.failure.get().map(ToString::to_string)
    }

    /// Stops: takes no more, lets go of all connections, and ends when the last task has. What was accepted goes on at
    /// the next start.
    pub async fn shutdown(mut self) {
        self.shared.readiness.not_ready("stopping");
        self.shared.stop.cancel();
        self.shared.hub.close();
        self.shared.tasks.close();
        let all = async {
            let _ = (&mut self.server).await;
            self.shared.tasks.wait().await;
        };
        if tokio::time::timeout(STOP_LIMIT, all).await.is_err() {
            tracing::warn!("some connections did not end within 10 seconds; they are cut");
            self.server.abort();
        }
        self.shared.store.close().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Starts a coordinator: opens the store, goes on with every query that has not ended, listens.
///
/// # Errors
/// When a file, the store or the address cannot be used.
pub async fn start(configuration: Configuration) -> Result<Running, StartError> {
    let credentials = &configuration.credentials;
    let credentials = Credentials::read(&credentials.certificate, &credentials.key, &credentials.authority)?;
    if *credentials.role() != Role::Coordinator {
        return Err(StartError::NotACoordinator(credentials.role().clone()));
    }
    let tls = credentials.server_config()?;
    let store = Store::open(&configuration.store).await?;
    let (metrics, registry) = Metrics::new();
    let (shared, keeper) = read(configuration, store, metrics).await?;
    let shared = Arc::new(shared);
    let listen = shared.configuration.listen;
    let listen_error = |cause| StartError::Listen { address: listen, cause };
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let health = serve_health(&shared, registry).await?;
    keep(&shared, keeper);
    let published = publish(&shared, &credentials).await?;
    restore(&shared).await?;
    let stop = shared.stop.clone();
    let router = Server::builder()
        .layer(GateLayer::default())
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(2 * 1024 * 1024)
        .add_service(Nodes::new(Arc::clone(&shared)).serve())
        .add_service(
            AnalystServiceServer::new(Analysts::new(Arc::clone(&shared))).max_decoding_message_size(QUESTION_BYTES),
        )
        .add_service(BureauServiceServer::new(Bureau::new(Arc::clone(&shared))).max_decoding_message_size(NAMES_BYTES))
        .add_service(LedgerServiceServer::new(Files::new(Arc::clone(&shared))).max_decoding_message_size(NAMES_BYTES));
    let connections = incoming(listener, tls, stop.clone());
    let server = tokio::spawn(async move {
        if let Err(cause) = router.serve_with_incoming_shutdown(connections, stop.cancelled_owned()).await {
            tracing::error!(%cause, "the server has ended");
        }
    });
    shared.readiness.ready();
    tracing::info!(%address, codebook = %shared.codebook.hash().short(), roster = %shared.roster.hash().short(), "listening");
    Ok(Running { address, health, published, shared, server })
}

/// Serves the log to everybody, if it is configured: checkpoint and tiles. The documents beside it, and the tables, are
/// for those of the federation.
async fn publish(shared: &Arc<Shared>, credentials: &Credentials) -> Result<Option<SocketAddr>, StartError> {
    let Some(address) = shared.configuration.ledger.publish else { return Ok(None) };
    let ledger = shared.ledger.clone();
    let read = move |path: String| {
        let ledger = ledger.clone();
        let public = path == "checkpoint" || path.starts_with("tile/");
        async move { if public { ledger.file(&path).await.ok() } else { None } }
    };
    let served = public::serve(address, credentials.public_server_config()?, read, shared.stop.clone()).await;
    served.map(Some).map_err(|cause| StartError::Listen { address, cause })
}

async fn read(configuration: Configuration, store: Store, metrics: Metrics) -> Result<(Shared, Keeper), StartError> {
    let codebook_text = read_file(&configuration.codebook)?;
    let codebook = Codebook::parse(&codebook_text)
        .map_err(|cause| StartError::Codebook { path: configuration.codebook.clone(), cause })?;
    if let Some(unknown) = configuration.minimum_frequency.keys().find(|name| codebook.dataset(name).is_none()) {
        return Err(StartError::UnknownDataset(unknown.clone()));
    }
    let roster = Roster::parse(&read_file(&configuration.roster)?)
        .map_err(|cause| StartError::Roster { path: configuration.roster.clone(), cause })?;
    let (trust, key, operator) = ledger_keys(&configuration, &roster)?;
    let hub = Arc::new(Hub::default());
    let (keeper, ledger) = Keeper::new(store.clone(), trust, key, operator, Arc::clone(&hub)).await?;
    let shared = Shared {
        configuration,
        codebook,
        codebook_text,
        roster: Arc::new(roster),
        store,
        ledger,
        hub,
        drivers: Drivers::default(),
        turns: Turns::default(),
        histories: Histories::default(),
        generators: Generators::default(),
        metrics,
        readiness: Readiness::default(),
        approved: Notify::new(),
        settled: Notify::new(),
        failure: OnceLock::new(),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    Ok((shared, keeper))
}

/// The log's key with its name, and whom everybody trusts with it.
fn ledger_keys(configuration: &Configuration, roster: &Roster) -> Result<(Trust, LogKey, IdentityKey), StartError> {
    let path = &configuration.ledger.trust;
    let trust = Trust::parse(&read_file(path)?, roster.collusion())
        .map_err(|cause| StartError::Trust { path: path.clone(), cause })?;
    let operator = read_identity(&configuration.ledger.key)?;
    if operator.public() != *trust.operator() {
        let (held, wanted) = (operator.public(), *trust.operator());
        return Err(StartError::OtherLogKey { path: configuration.ledger.key.clone(), held, wanted });
    }
    let key = LogKey::new(trust.log().name().clone(), operator.clone());
    Ok((trust, key, operator))
}

/// Begins the log of a federation that has never had one.
///
/// # Errors
/// When there is one already, or a file or the store cannot be used.
pub async fn create_log(configuration: &Configuration) -> Result<(), StartError> {
    let roster = Roster::parse(&read_file(&configuration.roster)?)
        .map_err(|cause| StartError::Roster { path: configuration.roster.clone(), cause })?;
    let (trust, key, _) = ledger_keys(configuration, &roster)?;
    let store = Store::open(&configuration.store).await?;
    let created = ledger::create(&store, &trust, &key).await;
    store.close().await;
    Ok(created?)
}

fn read_file(path: &PathBuf) -> Result<String, StartError> {
    fs::read_to_string(path).map_err(|cause| StartError::File { path: path.clone(), cause })
}

async fn serve_health(shared: &Arc<Shared>, registry: Registry) -> Result<Option<SocketAddr>, StartError> {
    let Some(configured) = &shared.configuration.health else { return Ok(None) };
    let probed = shared.store.clone();
    let probe = Probe::new(move || {
        let store = probed.clone();
        async move { store.probe(clock::now()).await.map_err(|error| error.to_string()) }
    });
    let (readiness, stop) = (shared.readiness.clone(), shared.stop.clone());
    let served = health::serve(configured.listen, readiness, probe, Arc::new(registry), stop).await;
    served.map(Some).map_err(|cause| StartError::Listen { address: configured.listen, cause })
}

/// Has the log kept. When it must not be written any more, the coordinator stops: what it says of why is for its operator.
fn keep(shared: &Arc<Shared>, keeper: Keeper) {
    let (stop, kept) = (shared.stop.clone(), Arc::clone(shared));
    shared.tasks.spawn(async move {
        if let Err(cause) = keeper.run(stop).await {
            kept.readiness.not_ready(cause.to_string());
            let _ = kept.failure.set(cause);
            kept.stop.cancel();
        }
    });
    shared.tasks.spawn(documents::log_all(Arc::clone(shared)));
}

/// Goes on with every query that has not ended. One that cannot be gone on with (under another codebook or roster, say)
/// stays in the store and is told to the operator; the others are not held up by it.
async fn restore(shared: &Arc<Shared>) -> Result<(), StartError> {
    for stored in shared.store.unfinished().await? {
        let id = stored.accepted.question.entry.id();
        match driver::restore(shared, stored).await {
            Ok(_) => tracing::info!(query = %id.short(), "goes on after a restart"),
            Err(cause) => tracing::error!(query = %id, %cause, "cannot be gone on with; it is kept"),
        }
    }
    Ok(())
}
