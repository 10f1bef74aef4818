//! `optelsom-node run`, `pending`, `approve` and `deny`: the daemon, and what a person sees and says of it.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use optelsom_codebook::{Codebook, Query};
use optelsom_proto::output::{OutputError, print_line};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use super::{Outcome, decide, now, run};
use crate::configuration::Configuration;
use crate::daemon::store::{Question, Store};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Write the log as JSON, one object a line. What is logged is set by OPTELSOM_LOG, as in OPTELSOM_LOG=debug.
    #[arg(long)]
    log_json: bool,
}

impl Run {
    pub(super) fn run(&self, configuration: Configuration) -> Outcome {
        let filter = EnvFilter::try_from_env("OPTELSOM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        if self.log_json {
            log.json().init();
        } else {
            log.with_ansi(std::io::stderr().is_terminal()).init();
        }
        Runtime::new()?.block_on(run::run(configuration))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Arguments of `approve` and `deny`.
#[derive(Debug, Args)]
pub struct Decide {
    /// The query's identifier, or its first digits.
    query: String,
}

impl Decide {
    pub(super) fn run(&self, configuration: &Configuration, approved: bool) -> Outcome {
        let question = Runtime::new()?.block_on(decide::decide(configuration.state(), &self.query, approved, now()))?;
        let done = if approved { "approved" } else { "denied" };
        let id = question.query.short();
        print_line(format_args!("Query {id} is {done}. A running node acts on it within a second."))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Arguments of `pending`.
#[derive(Debug, Args)]
pub struct Pending {}

impl Pending {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let waiting = Runtime::new()?.block_on(decide::pending(configuration.state(), now()))?;
        if waiting.is_empty() {
            print_line("No query waits for a person.")?;
        }
        let codebook = configuration.read_codebook()?;
        for question in &waiting {
            describe(question, &codebook)?;
            let id = question.query.short();
            print_line(format_args!("  optelsom-node approve {id}, or optelsom-node deny {id}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct Reconcile {}

impl Reconcile {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        // Held until it is done: a node that runs would go on with what it had.
        let _lock = crate::daemon::lock(configuration.state())?;
        let reconciled = async {
            let store = Store::open(configuration.state()).await?;
            crate::daemon::reconcile(&store, configuration.incarnation()).await
        };
        Runtime::new()?.block_on(reconciled)?;
        print_line(
            "The node may be started. It answers and cosigns again once enough other witnesses have seen the log after \
             this moment; whatever stands in the log before that it never answers.",
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn describe(question: &Question, codebook: &Codebook) -> Result<(), OutputError> {
    let sql = Query::from_json(codebook, &question.document).map(|query| query.to_sql());
    print_line(format_args!("{}  {}", question.query, question.received_at))?;
    print_line(format_args!("  {}", sql.as_deref().unwrap_or("(asked under another codebook)")))?;
    print_line(format_args!("  purpose {}, asked by {}", question.purpose, question.requester))?;
    match question.decision {
        Some(decision) => print_line(format_args!("  by a person here: {}", decision.told())),
        None => Ok(()),
    }
}
