//! `optelsom-node freeze`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use optelsom_codebook::EditionId;
use optelsom_proto::output::print;

use super::{Outcome, now};
use crate::configuration::Configuration;
use crate::edition::{EditionStore, Manifest};
use crate::freeze::Freezing;
use crate::source::Progress;

#[derive(Debug, Args)]
pub(super) struct Freeze {
    /// The dataset, by its name in the codebook.
    dataset: String,
    /// What the edition is called, as the bureau announced it: 2024-12.
    #[arg(long)]
    edition: EditionId,
}

impl Freeze {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let codebook = configuration.read_codebook()?;
        let binding = configuration.binding(&codebook, &self.dataset)?;
        let freezing = Freezing {
            binding: &binding,
            codebook: &codebook,
            supplier: configuration.supplier(),
            edition: &self.edition,
            frozen_at: now(),
        };
        let bar = Bar::new();
        let manifest = freezing.run(&EditionStore::new(configuration.state()), &mut |progress| bar.show(progress));
        bar.0.finish_and_clear();
        print(report(&manifest?))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Progress on standard error; nothing where that is no terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        Self(ProgressBar::new_spinner())
    }

    fn show(&self, progress: Progress) {
        if let (Some(total), None) = (progress.total_bytes, self.0.length()) {
            self.0.set_length(total);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}%  {msg}  {bytes_per_sec}") {
                self.0.set_style(style);
            }
        }
        self.0.set_position(progress.bytes);
        self.0.set_message(format!("{} rows", progress.rows));
    }
}

/// What freezing has to say.
fn report(manifest: &Manifest) -> String {
    let (origin, summary) = (manifest.origin(), manifest.summary());
    let mut text = format!(
        "edition {} of {} frozen: {} rows from {}, codebook {} ({})\n",
        origin.edition,
        origin.dataset,
        summary.rows,
        origin.source,
        origin.codebook_version,
        origin.codebook.short()
    );
    if summary.rows == 0 {
        text += "the source has no rows: every count from this edition is a true zero\n";
    }
    let names = summary.variables.iter().map(|variable| variable.name.len());
    let width = names.chain(summary.measures.iter().map(|measure| measure.name.len())).max().unwrap_or(0);
    for variable in &summary.variables {
        let (name, mapped, missing) = (&variable.name, variable.mapped, variable.missing);
        let _ = write!(text, "  {name:width$}  {mapped} mapped, {missing} missing");
        let _ = match variable.otherwise {
            0 => writeln!(text),
            otherwise => writeln!(text, ", {otherwise} without a code of their own"),
        };
    }
    for measure in &summary.measures {
        let _ =
            writeln!(text, "  {:width$}  {} with a value, {} without", measure.name, measure.present, measure.missing);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition::{ExtractFacts, MeasureSummary, Origin, Summary, VariableSummary};
    use optelsom_codebook::{Hash256, IdError, Timestamp};

    #[test]
    fn an_empty_source_is_said_to_be_a_true_zero() -> Result<(), IdError> {
        let origin = Origin {
            supplier: "police".parse()?,
            dataset: "victims".to_owned(),
            edition: "2024-12".parse()?,
            codebook_version: "1".to_owned(),
            codebook: Hash256::of(b""),
            source: "csv".to_owned(),
            years: None,
            frozen_at: Timestamp::from_millis(0),
        };
        let summary = Summary {
            rows: 0,
            variables: vec![VariableSummary { otherwise: 2, ..VariableSummary::new("form".to_owned()) }],
            measures: vec![MeasureSummary::new("duration_days".to_owned())],
        };
        let facts = ExtractFacts { bytes: 0, sha256: Hash256::of(b"") };
        insta::assert_snapshot!(report(&Manifest::new(origin, summary, facts)), @r"
        edition 2024-12 of victims frozen: 0 rows from csv, codebook 1 (e3b0c44298fc)
        the source has no rows: every count from this edition is a true zero
          form           0 mapped, 0 missing, 2 without a code of their own
          duration_days  0 with a value, 0 without
        ");
        Ok(())
    }
}
