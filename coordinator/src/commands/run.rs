//! `run`: the daemon, until a signal.

use std::io::IsTerminal;
use std::path::Path;

use optelsom_coordinator::{Configuration, start};
use optelsom_proto::output::print_line;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Failure;

pub(super) async fn run(path: &Path) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // No colours in a file.
    log.with_ansi(std::io::stderr().is_terminal()).init();
    let configuration = Configuration::read(path)?;
    let no_signal = |cause| Failure::System { what: "signals", cause };
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
    let mut running = start(configuration).await?;
    // For whoever started it with port 0; nobody else misses it.
    let mut said = print_line(format_args!("listening on {}", running.address()));
    if let Some(health) = running.health() {
        said = said.and(print_line(format_args!("health on {health}")));
    }
    if let Err(cause) = said {
        tracing::warn!(%cause, "the addresses cannot be said on standard output");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        why = running.ended() => return Err(why.map_or(Failure::Ended, Failure::Log)),
    }
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}
