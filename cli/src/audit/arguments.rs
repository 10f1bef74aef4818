//! The command line of `optelsom audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use optelsom_codebook::SupplierId;

use super::search::Moment;
use super::verdict::EXIT_CODES;

/// Arguments of `audit`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct AuditArguments {
    /// What to do
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What an auditor can do.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Fetch the whole log, its documents and releases into a folder
    Export(ExportArguments),
    /// Check an exported folder, offline
    Verify(VerifyArguments),
    /// Tell who asked what, on what ground, and what came of it
    Report(ReportArguments),
    /// Hold a node's journal against the log, and find what either lacks
    Compare(CompareArguments),
}

/// Whom to trust: never what a folder says of itself.
#[derive(Args, Debug)]
pub struct TrustArguments {
    /// The trust file that you were given by somebody you trust; by default the one that the configuration names
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// A roster that you accept; another one in the log is a finding. May be given several times
    #[arg(long, value_name = "FILE")]
    pub roster: Vec<PathBuf>,
}

/// Arguments of `audit export`.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// The folder to make; it must not exist yet
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Whom to trust
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// Arguments of `audit verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The exported folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Another export of the same log, made elsewhere or earlier: finds forks
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
    /// Leave the proofs of the releases out, which takes less time; that their files are those of the log is checked all the
    /// same
    #[arg(long)]
    pub without_proofs: bool,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
    /// Whom to trust
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// Arguments of `audit report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// The exported folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only queries that this key id asked or approved
    #[arg(long, value_name = "KEYID")]
    pub person: Option<String>,
    /// Only queries that this supplier was asked
    #[arg(long, value_name = "NAME")]
    pub supplier: Option<SupplierId>,
    /// Only queries that look at this variable or measure
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    /// Only queries asked on this day or later: 2026-01-31, or a moment
    #[arg(long, value_name = "DAY")]
    pub from: Option<Moment>,
    /// Only queries asked on this day or earlier
    #[arg(long, value_name = "DAY")]
    pub to: Option<Moment>,
    /// Whom to trust
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// Arguments of `audit compare`.
#[derive(Args, Debug)]
pub struct CompareArguments {
    /// The journal, as `optelsom-node journal --format json` writes it
    pub journal: PathBuf,
    /// The exported folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The supplier whose journal it is, where the journal does not say so itself
    #[arg(long, value_name = "NAME")]
    pub supplier: Option<SupplierId>,
    /// How to print the differences
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
    /// Whom to trust
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal
    Text,
    /// One page by itself, to read and to print
    Html,
    /// For programs
    Json,
}
