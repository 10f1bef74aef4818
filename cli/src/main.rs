//! The command line of those who ask.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use optelsom_cli::{Arguments, Failure};
use optelsom_proto::output::complain;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::Machine(cause.to_string()))
        .and_then(|runtime| runtime.block_on(optelsom_cli::run(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough, as `head` does.
        Err(Failure::Output(cause)) if cause.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            complain(format_args!("optelsom: {failure}"));
            ExitCode::from(&failure)
        }
    }
}
