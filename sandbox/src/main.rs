//! `optelsom-sandbox`: a whole federation on one machine.

use std::error::Error;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use optelsom_sandbox::arguments::{Arguments, Command};
use optelsom_sandbox::data::national::registrations;
use optelsom_sandbox::federation::{Folder, FolderError, Listening, SEED, generate};
use optelsom_sandbox::{demonstration, keep};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("OPTELSOM_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("optelsom-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.command {
        None => demonstration::run(arguments.format).await?,
        Some(Command::Up { federation, edition, any_port }) => {
            let listening = if any_port { Listening::AnyPort } else { Listening::AsConfigured };
            keep::run(&federation, &edition, listening).await?
        }
        Some(Command::Generate { folder }) => write_example(&folder).await?,
    }
    Ok(())
}

async fn write_example(folder: &Path) -> Result<(), FolderError> {
    let folder = Folder::at(folder)?;
    generate(&folder, &registrations(SEED)).await?;
    println!(
        "Written to {}. Each file says in comments what it is; change what you like, then:\n",
        folder.path().display()
    );
    println!("  cargo run --release -- up --federation {}", folder.path().display());
    Ok(())
}
