//! `optelsom-node preview`: what a question would count here, and what would leave for it, for the supplier's own eyes.

mod sent;
mod words;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use optelsom_codebook::{
    Admission, Agreement, Codebook, EditionId, Lang, Plan, PlanError, Query, Refusal, Request, SupplierId, Timestamp,
};
use optelsom_disclosure::{Policy, PolicyError};
use optelsom_ledger::Roster;
use optelsom_proto::output::{print, print_line};
use optelsom_secagg::{Bound, LocalTable};

use super::{Outcome, now};
use crate::aggregate::{AggregateError, aggregate};
use crate::configuration::{Binding, Configuration};
use crate::edition::{EditionError, EditionStore};
use crate::held::{NotHeld, bound};

pub use sent::{Sent, SentError};

#[derive(Debug, Args)]
pub(super) struct PreviewCommand {
    /// The question, in SQL.
    #[arg(required_unless_present = "document")]
    question: Option<String>,
    /// The question as a query document, in JSON.
    #[arg(long, conflicts_with = "question")]
    document: Option<PathBuf>,
    /// What it is asked for; the agreement's first purpose unless given.
    #[arg(long)]
    purpose: Option<String>,
    /// Write labels in Dutch.
    #[arg(long)]
    dutch: bool,
    /// Print every byte that would be sent, in hexadecimal.
    #[arg(long)]
    bytes: bool,
    /// Write the bytes that would be sent to this file; never replaced.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl PreviewCommand {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let codebook = configuration.read_codebook()?;
        let agreement = configuration.read_agreement(&codebook)?;
        let query = match (&self.document, &self.question) {
            (Some(path), _) => Query::from_json(&codebook, &std::fs::read_to_string(path)?)?,
            (None, question) => Query::from_sql(&codebook, question.as_deref().unwrap_or_default())?,
        };
        let store = EditionStore::new(configuration.state());
        let roster = sent::read_roster(configuration);
        let suppliers = roster.as_ref().map_or(0, |roster| roster.members().len());
        let bindings = configuration.bindings(&codebook)?;
        let here = Here { codebook: &codebook, agreement: &agreement, bindings: Some(&bindings), store: &store };
        let preview = Preview::new(here, query, self.purpose.as_deref(), now(), suppliers)?;
        let lang = if self.dutch { Lang::Nl } else { Lang::En };
        print(preview.in_words(lang))?;
        self.sent(configuration, roster.and_then(|roster| preview.rehearse(configuration.supplier(), roster)))
    }

    /// Says what would be sent; that it cannot be said is a failure only to whoever asked for the bytes.
    fn sent(&self, configuration: &Configuration, sent: Result<Sent, SentError>) -> Outcome {
        let sent = match sent {
            Ok(sent) => sent,
            Err(cause) if self.bytes || self.output.is_some() => return Err(cause.into()),
            Err(cause) => {
                let supplier = configuration.supplier();
                print_line(format_args!("what would be sent cannot be shown for {supplier}: {cause}"))?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        print(&sent)?;
        if self.bytes {
            for line in sent.bytes().chunks(32) {
                print_line(hex::encode(line))?;
            }
        }
        if let Some(path) = &self.output {
            sent.write(path)?;
            print_line(format_args!("written to {}", path.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The question cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Codebook and agreement contradict each other.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The node would refuse it.
    #[error("this node would refuse the question: {}", .0.explain(Lang::En))]
    Refused(Refusal),
    /// The node would refuse it, since it does not hold what is asked.
    #[error("this node would refuse the question: {0}")]
    NotHeld(#[from] NotHeld),
    /// There is no edition to count in.
    #[error("no edition of `{0}` is frozen yet: optelsom-node freeze {0} --edition NAME")]
    NoEdition(String),
    /// The edition cannot be opened.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// Counting failed.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
}

/// What the edition does not hold is refused by a running node, and no mishap.
fn refused(error: AggregateError) -> PreviewError {
    match error {
        AggregateError::NotHeld(cause) => PreviewError::NotHeld(cause),
        other => PreviewError::Aggregate(other),
    }
}

/// What a question is held against and counted in.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// What can be asked.
    pub codebook: &'a Codebook,
    /// What was agreed.
    pub agreement: &'a Agreement,
    /// What is bound today; none for a question that was answered before, whatever is bound now.
    pub bindings: Option<&'a [Binding]>,
    /// The editions.
    pub store: &'a EditionStore,
}

/// What a question counts here. It is this supplier's own: neither protected nor for publication.
pub struct Preview {
    plan: Plan,
    edition: EditionId,
    purpose: String,
    fewest: usize,
    policy: Policy,
    waits_for_approval: bool,
    table: LocalTable,
}

impl Preview {
    /// Counts a question that the agreement admits, as if its smallest sum were asked today for the first time of so many
    /// suppliers, or of that fewest where nobody knows how many there are.
    ///
    /// # Errors
    /// When the question cannot be planned, would be refused, is not held here, or cannot be counted.
    pub fn new(
        here: Here<'_>,
        query: Query,
        purpose: Option<&str>,
        now: Timestamp,
        suppliers: usize,
    ) -> Result<Self, PreviewError> {
        let Here { codebook, agreement, bindings, store } = here;
        let dataset = query.dataset().name().to_owned();
        let edition = match query.edition() {
            Some(edition) => edition.clone(),
            None => store.latest(&dataset)?.ok_or(PreviewError::NoEdition(dataset.clone()))?,
        };
        let plan = Plan::new(codebook, &query.with_edition(edition.clone()))?;
        if let Some(bindings) = bindings {
            bound(bindings, &plan)?;
        }
        let terms = agreement.dataset(&dataset);
        let fewest = terms.map_or(0, |terms| usize::try_from(terms.minimum_suppliers()).unwrap_or(usize::MAX));
        let first_purpose = terms.and_then(|terms| terms.purposes().next()).unwrap_or_default();
        let purpose = purpose.unwrap_or(first_purpose);
        let policy = Policy::for_dataset(plan.dataset())?.with_agreements(plan.dataset(), [agreement])?;
        let rules = policy.rules();
        let request = Request { plan: &plan, purpose, now, min_suppliers: fewest, rules, queries_today: 0 };
        let (admitted, waits_for_approval) = match agreement.admit(&request).map_err(PreviewError::Refused)? {
            Admission::Admitted(admitted) => (admitted, false),
            Admission::NeedsApproval(pending) => (pending.approve(), true),
        };
        let opened = store.open(&dataset, &edition, codebook)?;
        let table = aggregate(&admitted, &opened, Bound::for_suppliers(fewest.max(suppliers))).map_err(refused)?;
        let purpose = purpose.to_owned();
        Ok(Self { plan, edition, purpose, fewest, policy, waits_for_approval, table })
    }

    /// What would be counted.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The figures, as they would be masked.
    pub fn table(&self) -> &LocalTable {
        &self.table
    }

    /// The table for people; cells with nothing in them are left out and counted.
    pub fn in_words(&self, lang: Lang) -> impl fmt::Display + '_ {
        words::Words { preview: self, lang }
    }

    /// Makes what this supplier would send, were all of the roster asked.
    ///
    /// # Errors
    /// When it is not on the roster, or the machine gives no randomness or cipher.
    pub fn rehearse(self, supplier: &SupplierId, roster: Roster) -> Result<Sent, SentError> {
        Sent::rehearse(self, supplier, roster)
    }
}
