//! The node as a daemon: attends the coordinator, and answers what its agreement lets it answer.
//!
//! [`attend`] keeps the connection, [`hosts`] and [`host`] run the supplier's machine of each query, [`desk`] counts
//! tables and freezes editions, [`admission`] asks the agreement, [`decision`] keeps what people say,
//! [`store`] keeps promises and the journal, [`ending`] forgets what was secret.

mod admission;
mod attend;
pub mod budget;
pub mod clock;
mod decision;
mod desk;
mod ending;
mod follower;
mod gatekeeper;
mod host;
mod hosts;
mod incarnation;
mod log_store;
mod metrics;
mod settings;
pub mod store;
mod uplink;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use optelsom_codebook::Hash256;
use optelsom_proto::health::{self, Probe, Readiness};
use optelsom_proto::private;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::attend::Attendance;
use self::desk::Desk;
use self::follower::{Follower, Following};
use self::gatekeeper::Gatekeeper;
use self::host::Surroundings;
use self::hosts::Hosts;
use self::metrics::Metrics;
use self::store::{Store, StoreError};
use self::uplink::Uplink;

pub use self::desk::CountError;
pub use self::follower::FollowError;
pub use self::incarnation::{IncarnationError, reconcile};
pub use self::log_store::PassedGate;
pub use self::settings::{Settings, SettingsError};

/// Why a node does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its store is another than the one that last ran here.
    #[error(transparent)]
    Incarnation(#[from] IncarnationError),
    /// Its copy of the log.
    #[error(transparent)]
    Log(#[from] FollowError),
    /// Its health pages.
    #[error("the health pages cannot be served on {address}: {cause}")]
    Health {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
}

/// A node that runs.
#[derive(Debug)]
pub struct Running {
    health: SocketAddr,
    stop: CancellationToken,
    attendance: JoinHandle<()>,
    readiness: Readiness,
    _lock: File,
}

impl Running {
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub fn health(&self) -> SocketAddr {
        self.health
    }

    /// Whether the coordinator is attended and can be answered now.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), String> {
        self.readiness.get()
    }

    /// Ends the connection and stops; what the node has promised stays on the disk.
    pub async fn stop(self) {
        self.stop.cancel();
        // It ends at the next step; a panic in it has been reported already.
        let _ = self.attendance.await;
    }
}

/// Starts a node; it dials out, and dials again whenever the connection ends.
///
/// # Errors
/// When its state folder, its store or its health pages cannot be used.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let lock = lock(settings.state())?;
    let store = Store::open(settings.state()).await?;
    incarnation::begin(&store, settings.incarnation()).await?;
    store.stop_waiting_for_what_is_over(clock::now()).await?;
    // An earlier life may have been ended between forgetting and this.
    store.leave_no_trace().await;
    let settings = Arc::new(settings);
    let (metrics, registry) = Metrics::registered(settings.credentials().expires_at());
    let readiness = Readiness::default();
    let stop = CancellationToken::new();
    let listen = settings.health();
    let probed = store.clone();
    let probe = Probe::new(move || {
        let store = probed.clone();
        async move { store.probe(clock::now()).await.map_err(|error| error.to_string()) }
    });
    let health = health::serve(listen, readiness.clone(), probe, Arc::new(registry), stop.clone())
        .await
        .map_err(|cause| StartError::Health { address: listen, cause })?;
    let desk = Arc::new(Desk::new(Arc::clone(&settings), store.clone()));
    let following = Following {
        trust: settings.trust.clone(),
        supplier: settings.supplier().clone(),
        identity: settings.machine.identity.clone(),
        witness: settings.witness.clone(),
        agreement: Hash256::of(settings.signed_agreement.document.as_bytes()),
    };
    let follower = Arc::new(Follower::open(store.clone(), following).await?);
    let gatekeeper =
        Gatekeeper { store: store.clone(), follower: Arc::clone(&follower), machine: Arc::clone(&settings.machine) };
    let (connection, connected) = watch::channel(None);
    let around = Surroundings {
        store: store.clone(),
        desk: Arc::clone(&desk),
        uplink: Uplink::new(connected),
        metrics: metrics.clone(),
        gatekeeper,
    };
    let hosts = Hosts::new(Arc::clone(&settings.machine), around);
    let attendance =
        Attendance { settings, desk, hosts, follower, store, readiness: readiness.clone(), metrics, connection };
    let attendance = tokio::spawn(attendance.run(stop.clone()));
    Ok(Running { health, stop, attendance, readiness, _lock: lock })
}

/// Two daemons on one state would forget each other's promises.
pub(crate) fn lock(state: &Path) -> Result<File, StoreError> {
    let folder = |cause| StoreError::Folder { path: state.to_owned(), cause };
    private::folder(state)?;
    let file = private::file(&state.join("node.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse(state.to_owned())),
        Err(std::fs::TryLockError::Error(cause)) => Err(folder(cause)),
    }
}
