//! The command line.

mod budget;
mod check;
mod daemon;
mod decide;
mod editions;
mod freeze;
mod identity;
mod journal;
mod preview;
mod run;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};
use optelsom_codebook::Timestamp;
use optelsom_proto::output::complain;
use tracing_subscriber::EnvFilter;

use crate::configuration::{Configuration, ConfigurationError};
use crate::freeze::FreezeError;

pub use preview::{Here, Preview, PreviewError, Sent, SentError};

/// What a command's exit code says; every command's help repeats it.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 something is wrong, said on standard error; 2 the command line is wrong; \
    3 values stand for no code, so nothing was frozen; 4 a check failed. \
    Whoever stops reading the output, as `head` does, changes none of them";
const VALUES_WITHOUT_CODE: u8 = 3;
const CHECK_FAILED: u8 = 4;

/// The supplier's node: freezes its own records, and counts in them what its agreement admits.
#[derive(Debug, Parser)]
#[command(name = "optelsom-node", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The node's configuration.
    #[arg(long, short, global = true, default_value = "node.toml", env = "OPTELSOM_NODE_CONFIGURATION")]
    configuration: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a source once and keep it as an edition.
    #[command(after_help = EXIT_CODES)]
    Freeze(freeze::Freeze),
    /// Look at everything that the node needs, and say how to mend what is wrong.
    #[command(after_help = EXIT_CODES)]
    Check(check::Check),
    /// Show what a question would count here, and byte for byte what would be sent, without any connection.
    #[command(after_help = EXIT_CODES)]
    Preview(preview::PreviewCommand),
    /// The key that this supplier signs with.
    #[command(after_help = EXIT_CODES)]
    Identity(identity::Identity),
    /// List the editions that are kept.
    #[command(after_help = EXIT_CODES)]
    Editions(editions::Editions),
    /// Attend the coordinator, and answer what the agreement admits, until told to stop.
    #[command(after_help = EXIT_CODES)]
    Run(daemon::Run),
    /// List the queries that wait for a person.
    #[command(after_help = EXIT_CODES)]
    Pending(daemon::Pending),
    /// Let the node answer a query that waits.
    #[command(after_help = EXIT_CODES)]
    Approve(daemon::Decide),
    /// Have the node refuse a query that waits.
    #[command(after_help = EXIT_CODES)]
    Deny(daemon::Decide),
    /// Let a node begin again whose store was put back from a backup. The node must not be running.
    #[command(after_help = EXIT_CODES)]
    Reconcile(daemon::Reconcile),
    /// Show what answers with noise have been charged to the privacy budget, and what is left of it.
    #[command(after_help = EXIT_CODES)]
    Budget(budget::Budget),
    /// Show what was asked of this node, and what it answered.
    #[command(after_help = EXIT_CODES)]
    Journal(journal::Journal),
}

type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Does what the command line says. Results go to standard output, everything else to standard error.
pub fn run(cli: Cli) -> ExitCode {
    if !matches!(cli.command, Command::Run(_)) {
        let filter = EnvFilter::new("optelsom_node=warn,optelsom_proto=warn");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // Where there is one already, as in a test of several commands, it serves as well.
        let _ = log.with_target(false).with_ansi(false).without_time().try_init();
    }
    let configuration = || load(&cli.configuration);
    let outcome = match &cli.command {
        Command::Freeze(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Check(command) => command.run(configuration()),
        Command::Preview(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Identity(command) => command.run(),
        Command::Editions(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Run(command) => configuration().map_err(Into::into).and_then(|found| command.run(found)),
        Command::Pending(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Approve(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found, true)),
        Command::Deny(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found, false)),
        Command::Reconcile(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Budget(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
        Command::Journal(command) => configuration().map_err(Into::into).and_then(|found| command.run(&found)),
    };
    outcome.unwrap_or_else(|error| {
        complain(format_args!("optelsom-node: {error}"));
        match error.downcast_ref::<FreezeError>() {
            Some(FreezeError::Complaints(_)) => VALUES_WITHOUT_CODE.into(),
            _ => ExitCode::FAILURE,
        }
    })
}

fn load(path: &std::path::Path) -> Result<Configuration, ConfigurationError> {
    Configuration::load(path, &|name| std::env::var_os(name))
}

/// The moment of the command.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
