//! `optelsom-sandbox`: a whole federation on one machine.
// They panic where standard output is closed or full: see `optelsom_proto::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use optelsom_proto::output::{complain, print};
use optelsom_sandbox::arguments::{Arguments, Command};
use optelsom_sandbox::data::national::registrations;
use optelsom_sandbox::federation::{Folder, Listening, SEED, generate};
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
            complain(format_args!("optelsom-sandbox: {error}"));
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

async fn write_example(folder: &Path) -> Result<(), Box<dyn Error>> {
    let folder = Folder::at(folder)?;
    generate(&folder, &registrations(SEED)).await?;
    let path = folder.path().display();
    Ok(print(format_args!(
        "Written to {path}. Each file says in comments what it is; change what you like, then:\n\n  cargo run --release -- up \
         --federation {path}\n"
    ))?)
}
