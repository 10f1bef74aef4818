//! `optelsom-node`, the supplier's daemon and its commands.

use std::process::ExitCode;

use clap::Parser as _;
use optelsom_node::commands::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
