//! `optelsom-node run`: the daemon, until it is told to stop.

use std::io;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::Configuration;
use crate::daemon::{Settings, SettingsError, StartError, start};

/// Why the daemon does not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// Its configuration, or a file that it names.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its state, or its health pages.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system's signals.
    #[error("the system's signals cannot be listened to: {0}")]
    Signals(#[from] io::Error),
}

/// Runs until SIGINT or SIGTERM. What the node has promised stays on the disk, whenever and however it ends.
///
/// # Errors
/// When the daemon cannot start.
pub(super) async fn run(configuration: Configuration) -> Result<(), RunError> {
    let settings = Settings::load(configuration)?;
    let supplier = settings.supplier().clone();
    let running = start(settings).await?;
    tracing::info!(%supplier, health = %format_args!("http://{}/readyz", running.health()), "running");
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    tracing::info!(%supplier, "stopping");
    running.stop().await;
    Ok(())
}
