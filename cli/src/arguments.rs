//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use optelsom_codebook::{Epsilon, Lang, SupplierId};

use crate::audit::arguments::{AuditArguments, TrustArguments};
use crate::deadline::Deadline;
use crate::failure::EXIT_CODES;

/// Asks a federation of suppliers "how many?", and reads what it answers.
#[derive(Debug, Parser)]
#[command(name = "optelsom", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Arguments {
    /// Configuration file; by default analyst.toml in the folder optelsom of ~/.config
    #[arg(long, global = true, env = "OPTELSOM_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Language of labels and notes
    #[arg(long, global = true, value_enum)]
    pub lang: Option<LangArgument>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a question and wait for its table
    Query(QueryArguments),
    /// Tell what a question would do, without touching data
    Explain(ExplainArguments),
    /// Browse what can be asked
    Codebook(CodebookArguments),
    /// Print the table of a query that was answered before
    Fetch(FetchArguments),
    /// Check a release with its proofs, offline: `fetch ID -o DIR` makes the folder
    #[command(after_help = VERIFY_CODES)]
    Verify(VerifyArguments),
    /// Approve another person's question, where every question needs two persons; list those that wait
    Approve(ApproveArguments),
    /// List your queries, latest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        most: u32,
    },
    /// Follow a query that was asked before, and print its table
    Watch(FetchArguments),
    /// Make the key that your questions are signed with
    Identity {
        /// The new file; it is never overwritten
        file: PathBuf,
    },
    /// Check the log: what was asked, by whom, on what ground, and what came of it
    Audit(AuditArguments),
}

/// A question, in SQL or in a file.
#[derive(Args, Debug)]
pub struct QuestionArgument {
    /// The question in SQL, or the name of a file with SQL or a query document, or - for standard input
    #[arg(value_name = "SQL|FILE")]
    pub question: String,
}

/// Arguments of `query`.
#[derive(Args, Debug)]
pub struct QueryArguments {
    /// What is asked
    #[command(flatten)]
    pub question: QuestionArgument,
    /// Why it is asked; one of the purposes that agreements name
    #[arg(long)]
    pub purpose: Option<String>,
    /// Within what time the table must be there: a number with s, m, h or d. Suppliers are waited for until a few
    /// minutes before, so that the sum can still be made, and for at least half of it
    #[arg(long, default_value = "10m", value_name = "TIME")]
    pub deadline: Deadline,
    /// The suppliers to ask, by name; by default all that hold the dataset
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = supplier)]
    pub scope: Vec<SupplierId>,
    /// Accept a total of so many suppliers, when the others are absent at the deadline
    #[arg(long, value_name = "N")]
    pub at_least: Option<u64>,
    /// Ask for noise in place of hiding, with this ε: from 0.001 to 10, the smaller the more noise
    #[arg(long, value_name = "EPSILON")]
    pub epsilon: Option<Epsilon>,
    /// Answer yes when asked whether to go on
    #[arg(long)]
    pub yes: bool,
    /// How and where to print the table
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How and where to print a table.
#[derive(Args, Debug)]
pub struct OutputArguments {
    /// How to print the table, `table` unless given
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// With --format: write to this file. Without: make this folder, and write the release into it with all its proofs,
    /// for `optelsom verify`
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Whom to trust, for a folder with proofs
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// What would be asked
    #[command(flatten)]
    pub question: QuestionArgument,
    /// Why it would be asked
    #[arg(long)]
    pub purpose: Option<String>,
    /// The suppliers that would be asked, by name; by default all that hold the dataset
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = supplier)]
    pub scope: Vec<SupplierId>,
    /// How many suppliers the total would have to have; by default all that are asked
    #[arg(long, value_name = "N")]
    pub at_least: Option<u64>,
    /// Ask for noise in place of hiding, with this ε
    #[arg(long, value_name = "EPSILON")]
    pub epsilon: Option<Epsilon>,
    /// Use this codebook, without a coordinator: then nothing is said of suppliers
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scope", "at_least", "purpose"])]
    pub codebook: Option<PathBuf>,
    /// Print only the canonical query document
    #[arg(long)]
    pub document: bool,
}

/// Arguments of `codebook`.
#[derive(Args, Debug)]
pub struct CodebookArguments {
    /// The dataset to look into
    pub dataset: Option<String>,
    /// The variable or measure of it
    pub name: Option<String>,
    /// Use this codebook, without a coordinator
    #[arg(long, value_name = "FILE")]
    pub codebook: Option<PathBuf>,
}

/// Arguments of `fetch` and `watch`.
#[derive(Args, Debug)]
pub struct FetchArguments {
    /// The query's identifier, or at least its first six digits
    #[arg(value_name = "ID", value_parser = query_name)]
    pub id: String,
    /// How and where to print the table
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `approve`.
#[derive(Args, Debug)]
pub struct ApproveArguments {
    /// The query's identifier, or its first digits; without it, all that wait are listed
    pub id: Option<String>,
    /// Approve without asking
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The folder
    pub folder: PathBuf,
    /// Whom to trust
    #[command(flatten)]
    pub trust: TrustArguments,
}

/// The exit codes of `optelsom verify`, beside those of every command.
pub const VERIFY_CODES: &str = "\
Exit codes of a release that does not hold, as of an audit:
  10  a file is damaged, or not the one that was logged
  11  a file is missing, or there is one that does not belong here
  12  the checkpoint is not the log's, or too few witnesses have seen it
  14  a signature does not hold, or is missing
  15  entries do not belong together, or the roster is another than those of --roster
  17  the table is not what its participants committed to, or says otherwise than the log";

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// Comma-separated, RFC 4180, a status beside every figure
    Csv,
    /// For a spreadsheet set to Dutch: semicolons, decimal commas
    CsvNl,
    /// Excel workbook with a sheet of notes
    Xlsx,
    /// Parquet, notes as metadata
    Parquet,
    /// The whole release
    Json,
    /// SDMX-CSV 2.0 with OBS_STATUS and CONF_STATUS
    SdmxCsv,
    /// Page that stands alone, with table and chart
    Html,
    /// Chart
    Svg,
}

/// A language on the command line and in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LangArgument {
    /// Dutch
    Nl,
    /// English
    En,
}

impl From<LangArgument> for Lang {
    fn from(argument: LangArgument) -> Self {
        match argument {
            LangArgument::Nl => Self::Nl,
            LangArgument::En => Self::En,
        }
    }
}

fn supplier(text: &str) -> Result<SupplierId, String> {
    SupplierId::try_from(text.trim()).map_err(|error| error.to_string())
}

/// The name of a query: 6 to 64 hexadecimal digits.
fn query_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    if (6..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(name)
    } else {
        Err("a query is named by its identifier, or at least its first six hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn scopes_and_names_are_parsed() {
        let parsed =
            Arguments::try_parse_from(["optelsom", "query", "SELECT 1", "--scope", "police,shelters"]).unwrap();
        let Command::Query(query) = parsed.command else { unreachable!("query was given") };
        assert_eq!(query.scope.iter().map(SupplierId::as_str).collect::<Vec<_>>(), ["police", "shelters"]);
        assert!(Arguments::try_parse_from(["optelsom", "query", "SELECT 1", "--scope", "Police"]).is_err());
        assert!(Arguments::try_parse_from(["optelsom", "fetch", "12345"]).is_err());
        assert!(Arguments::try_parse_from(["optelsom", "fetch", "../../x"]).is_err());
    }
}
