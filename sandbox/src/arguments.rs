//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A whole federation on one machine.
///
/// Without a command: starts the built-in one (a coordinator and six suppliers, each with its own keys, storage and TLS
/// connection on loopback, over made-up records), asks one question, prints the table, and holds it against the records.
#[derive(Debug, Parser)]
#[command(name = "optelsom-sandbox", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// How the table of the built-in federation is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Something else than the built-in federation
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 something failed, and standard error says what; 2 the command line is wrong.";

/// What else can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep a federation of one's own running until Ctrl-C or SIGTERM
    Up {
        /// Its folder: codebook.toml, and suppliers/NAME/ with node.toml, agreement.toml and files
        #[arg(long, value_name = "DIR")]
        federation: PathBuf,
        /// Announce this edition of every dataset when all nodes have come
        #[arg(long, default_value = "2024-12")]
        edition: String,
        /// Listen on any free port, whatever coordinator.toml says, and tell the nodes and the analyst
        #[arg(long)]
        any_port: bool,
    },
    /// Write the built-in federation out, as an example to change
    Generate {
        /// A folder that is empty or does not exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// The release as a JSON document, alone on standard output
    Json,
}
