//! `optelsom-node check`.

use std::process::ExitCode;

use clap::Args;
use optelsom_proto::output::print;

use super::{CHECK_FAILED, Outcome, now};
use crate::check::{Depth, check};
use crate::configuration::{Configuration, ConfigurationError};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Only open the sources, without reading them to the end.
    #[arg(long)]
    quick: bool,
}

impl Check {
    pub(super) fn run(&self, configuration: Result<Configuration, ConfigurationError>) -> Outcome {
        let depth = if self.quick { Depth::Heads } else { Depth::Everything };
        let list = check(configuration, depth, now());
        print(&list)?;
        Ok(if list.all_sound() { ExitCode::SUCCESS } else { CHECK_FAILED.into() })
    }
}
