//! `optelsom-node identity`: the key that this supplier signs with.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use optelsom_proto::key_file::{new_identity, read_identity};
use optelsom_proto::output::print_line;

use super::Outcome;

/// Arguments of `identity`.
#[derive(Debug, Args)]
pub struct Identity {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a fresh key, and print its public half for the roster.
    New {
        /// The key file to write, mode 0600; never replaced.
        file: PathBuf,
    },
    /// Print the public half of a key, for the roster.
    Show {
        /// The key file.
        file: PathBuf,
    },
}

impl Identity {
    /// Prints the public identity, and nothing else.
    pub(super) fn run(&self) -> Outcome {
        let key = match &self.command {
            Command::New { file } => new_identity(file)?,
            Command::Show { file } => read_identity(file)?,
        };
        print_line(key.public())?;
        Ok(ExitCode::SUCCESS)
    }
}
