//! `up`: keeps a federation running until somebody ends it.

use std::path::Path;

use optelsom_codebook::{Codebook, CodebookErrors, EditionId, IdError};
use optelsom_node::configuration::Configuration;
use optelsom_proto::output::{OutputError, print_line};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::federation::{Federation, Folder, FolderError, Listening, RunError};
use crate::session::{SessionError, now};
use crate::stages::Stages;

/// Why a federation cannot be kept running.
#[derive(Debug, Error)]
pub enum KeepError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A daemon.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The clock.
    #[error(transparent)]
    Machine(#[from] SessionError),
    /// The codebook has mistakes.
    #[error("{0}")]
    Codebook(#[from] CodebookErrors),
    /// The edition's name.
    #[error("{0}")]
    Edition(#[from] IdError),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The codebook cannot be read, or signals cannot be waited for.
    #[error("{0}")]
    File(#[from] std::io::Error),
}

/// Starts the federation of this folder, announces the edition, says how to ask, and waits until Ctrl-C or SIGTERM ends it.
///
/// # Errors
/// When the folder is no federation, a daemon does not start, or a node cannot freeze its records.
pub async fn run(folder: &Path, edition: &str, listening: Listening) -> Result<(), KeepError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let edition = EditionId::try_from(edition)?;
    let stages = Stages::new();
    let folder = Folder::at(folder)?;
    let federation = Federation::start(folder, listening, now()?).await?;
    stages.done(&format!("a coordinator on {} and {} nodes", federation.address(), federation.node_count()));
    let running = async {
        announce(&federation, &edition, &stages).await?;
        std::future::pending().await
    };
    // Freezing may take long: whoever ends it meanwhile is heard.
    let ended = tokio::select! {
        failed = running => failed,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    federation.stop().await;
    ended
}

/// Announces the edition of every dataset, waits until it is frozen, and says how to ask.
async fn announce(federation: &Federation, edition: &EditionId, stages: &Stages) -> Result<(), KeepError> {
    let codebook = Codebook::parse(&std::fs::read_to_string(federation.folder().codebook())?)?;
    let mut example = None;
    for dataset in codebook.datasets() {
        match federation.announce(dataset.name(), edition).await {
            Ok(0) => stages.done(&format!("nobody holds {}", dataset.name())),
            Ok(holders) => {
                example = example.or(Some((dataset.name(), dataset.period())));
                stages.done(&format!("edition {edition} of {} is frozen by {holders} nodes", dataset.name()))
            }
            // Those who freeze by hand may take their time; the others' logs say what is wrong.
            Err(error @ RunError::NotFrozen { .. }) => stages.done(&error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let analyst = federation.analyst()?;
    print_line("Ask it from another terminal, for instance:\n")?;
    print_line(format_args!("  export OPTELSOM_CONFIG={}", analyst.display()))?;
    print_line("  cargo run --release -p optelsom-cli -- codebook")?;
    if let Some((name, period)) = example {
        let years = years_held(federation.folder(), &codebook, name);
        let held =
            years.map_or_else(String::new, |(first, last)| format!(" WHERE {period} BETWEEN {first} AND {last}"));
        let question = format!("SELECT {period}, COUNT(*) FROM {name}{held} GROUP BY {period}");
        print_line(format_args!("  cargo run --release -p optelsom-cli -- query \"{question}\""))?;
    }
    let folder = federation.folder().path().display();
    Ok(print_line(format_args!("\nCtrl-C ends it. What it has promised stays in {folder}."))?)
}

/// The years that all holders of a dataset hold: others would be refused. None where a holder names none.
fn years_held(folder: &Folder, codebook: &Codebook, dataset: &str) -> Option<(i32, i32)> {
    let mut common: Option<(i32, i32)> = None;
    for supplier in folder.supplier_names().ok()? {
        let path = folder.node_configuration(supplier.as_str());
        let bindings = Configuration::load(&path, &|_| None).ok()?.bindings(codebook).ok()?;
        let Some(binding) = bindings.iter().find(|binding| binding.dataset() == dataset) else { continue };
        let years = binding.years()?;
        let (first, last) = common.unwrap_or((i32::MIN, i32::MAX));
        common = Some((first.max(*years.start()), last.min(*years.end())));
    }
    common.filter(|(first, last)| first <= last)
}
