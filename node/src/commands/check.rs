//! `optelsom-node check`.

use std::process::ExitCode;

use clap::Args;

use super::{CHECK_FAILED, now};
use crate::check::{Depth, check};
use crate::configuration::{Configuration, ConfigurationError};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Only open the sources, without reading them to the end.
    #[arg(long)]
    quick: bool,
}

impl Check {
    pub(super) fn run(&self, configuration: Result<Configuration, ConfigurationError>) -> ExitCode {
        let depth = if self.quick { Depth::Heads } else { Depth::Everything };
        let list = check(configuration, depth, now());
        print!("{list}");
        if list.all_sound() { ExitCode::SUCCESS } else { CHECK_FAILED.into() }
    }
}
