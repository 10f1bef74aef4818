//! The binary of the bureau's daemon.
// They panic where standard output is closed or full: see `optelsom_proto::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod commands;

use std::process::ExitCode;

use clap::Parser;
use optelsom_proto::output::complain;

fn main() -> ExitCode {
    match commands::Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(format_args!("optelsom-coordinator: {failure}"));
            failure.exit_code()
        }
    }
}
