//! The binary of the bureau's daemon.

mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("optelsom-coordinator: {failure}");
            failure.exit_code()
        }
    }
}
