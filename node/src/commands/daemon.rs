//! `optelsom-node run`, `pending`, `approve` and `deny`: the daemon, and what a person sees and says of it.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use optelsom_codebook::{Codebook, Query};
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
        println!("Query {} is {done}. A running node acts on it within a second.", question.query.short());
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
            println!("No query waits for a person.");
        }
        let codebook = configuration.read_codebook()?;
        for question in &waiting {
            describe(question, &codebook);
            println!("  optelsom-node approve {0}, or optelsom-node deny {0}", question.query.short());
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
        println!(
            "The node may be started. It answers and cosigns again once enough other witnesses have seen the log after \
             this moment; whatever stands in the log before that it never answers."
        );
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn describe(question: &Question, codebook: &Codebook) {
    let sql = Query::from_json(codebook, &question.document).map(|query| query.to_sql());
    println!("{}  {}", question.query, question.received_at);
    println!("  {}", sql.as_deref().unwrap_or("(asked under another codebook)"));
    println!("  purpose {}, asked by {}", question.purpose, question.requester);
    if let Some(decision) = question.decision {
        println!("  by a person here: {}", decision.told());
    }
}
