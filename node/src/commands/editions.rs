//! `optelsom-node editions`.

use std::process::ExitCode;

use clap::Args;
use optelsom_proto::output::print_line;

use super::Outcome;
use crate::configuration::Configuration;
use crate::edition::EditionStore;

#[derive(Debug, Args)]
pub(super) struct Editions {
    /// One dataset only.
    dataset: Option<String>,
}

impl Editions {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let store = EditionStore::new(configuration.state());
        let wanted = |dataset: &&str| self.dataset.as_deref().is_none_or(|wanted| wanted == *dataset);
        for dataset in configuration.datasets().filter(wanted) {
            for edition in store.editions(dataset)? {
                let manifest = store.manifest(dataset, &edition)?;
                let (origin, rows) = (manifest.origin(), manifest.summary().rows);
                let (moment, version) = (origin.frozen_at, &origin.codebook_version);
                let codebook = origin.codebook.short();
                print_line(format_args!(
                    "{dataset}  {edition}  {rows} rows  frozen {moment}  codebook {version} ({codebook})"
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
