//! `optelsom-node budget`: what noised answers have been charged to, and what is left.

use std::process::ExitCode;

use clap::Args;
use optelsom_codebook::format_decimal;
use optelsom_proto::output::print;
use tokio::runtime::Runtime;

use super::Outcome;
use crate::configuration::Configuration;
use crate::daemon::store::Store;

/// Arguments of `budget`.
#[derive(Debug, Args)]
pub struct Budget {}

impl Budget {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let codebook = configuration.read_codebook()?;
        let agreement = configuration.read_agreement(&codebook)?;
        let charges =
            Runtime::new()?.block_on(async { Store::open(configuration.state()).await?.noise_charges().await })?;
        let mut text = String::new();
        for (dataset, terms) in agreement.datasets() {
            let charged = || charges.iter().filter(|charge| charge.dataset == dataset);
            let spent: u64 = charged().map(|charge| charge.thousandths).sum();
            match terms.privacy_budget() {
                Some(budget) => {
                    let left = u64::from(budget.thousandths()).saturating_sub(spent);
                    text += &format!("{dataset}: ε {} spent of {budget}, {} left\n", epsilon(spent), epsilon(left));
                }
                None => text += &format!("{dataset}: no answers with noise (ε {} spent)\n", epsilon(spent)),
            }
            for charge in charged() {
                text += &format!("  {}  ε {}  query {}\n", charge.at, epsilon(charge.thousandths), charge.query);
            }
        }
        print(text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// ε from thousandths.
fn epsilon(thousandths: u64) -> String {
    format_decimal(i64::try_from(thousandths).unwrap_or(i64::MAX), 3)
}
