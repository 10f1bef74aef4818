//! `optelsom-node preview`: what a question would count here, for the supplier's own eyes.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use optelsom_codebook::{
    Admission, Agreement, Codebook, Column, EditionId, Lang, Plan, PlanError, Query, Refusal, Request, Timestamp,
    format_decimal,
};
use optelsom_secagg::{Bound, LocalTable};

use super::{Outcome, now};
use crate::aggregate::{AggregateError, aggregate};
use crate::configuration::Configuration;
use crate::edition::{EditionError, EditionStore};

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
        let preview = Preview::new(&codebook, &agreement, &store, query, self.purpose.as_deref(), now())?;
        let lang = if self.dutch { Lang::Nl } else { Lang::En };
        print!("{}", preview.in_words(lang));
        Ok(ExitCode::SUCCESS)
    }
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The question cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The node would refuse it.
    #[error("this node would refuse the question: {}", .0.explain(Lang::En))]
    Refused(Refusal),
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

/// What a question counts here. It is this supplier's own: neither protected nor for publication.
pub struct Preview {
    plan: Plan,
    edition: EditionId,
    waits_for_approval: bool,
    table: LocalTable,
}

impl Preview {
    /// Counts a question that the agreement admits, as if its smallest sum were asked today for the first time.
    ///
    /// # Errors
    /// When the question cannot be planned, would be refused, or cannot be counted.
    pub fn new(
        codebook: &Codebook,
        agreement: &Agreement,
        store: &EditionStore,
        query: Query,
        purpose: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, PreviewError> {
        let dataset = query.dataset().name().to_owned();
        let edition = match query.edition() {
            Some(edition) => edition.clone(),
            None => store.latest(&dataset)?.ok_or(PreviewError::NoEdition(dataset.clone()))?,
        };
        let plan = Plan::new(codebook, &query.with_edition(edition.clone()))?;
        let terms = agreement.dataset(&dataset);
        let fewest = terms.map_or(0, |terms| usize::try_from(terms.minimum_suppliers()).unwrap_or(usize::MAX));
        let first_purpose = terms.and_then(|terms| terms.purposes().next()).unwrap_or_default();
        let request = Request {
            plan: &plan,
            purpose: purpose.unwrap_or(first_purpose),
            now,
            min_suppliers: fewest,
            minimum_frequency: terms
                .and_then(|terms| terms.minimum_frequency())
                .unwrap_or(plan.dataset().minimum_frequency()),
            queries_today: 0,
        };
        let (admitted, waits_for_approval) = match agreement.admit(&request).map_err(PreviewError::Refused)? {
            Admission::Admitted(admitted) => (admitted, false),
            Admission::NeedsApproval(pending) => (pending.approve(), true),
        };
        let opened = store.open(&dataset, &edition, codebook)?;
        let table = aggregate(&admitted, &opened, Bound::for_suppliers(fewest))?;
        Ok(Self { plan, edition, waits_for_approval, table })
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
        Words { preview: self, lang }
    }
}

struct Words<'a> {
    preview: &'a Preview,
    lang: Lang,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, table) = (&self.preview.plan, &self.preview.table);
        let axes = plan.axes().iter().map(|axis| axis.name().to_owned());
        let heads: Vec<String> = axes.chain(plan.columns().iter().map(|column| column_name(plan, *column))).collect();
        let mut lines = vec![heads];
        let mut empty = 0u64;
        for cell in 0..table.cells() {
            let figures: Vec<i64> = table.columns().iter().filter_map(|column| column.get(cell).copied()).collect();
            if figures.iter().all(|figure| *figure == 0) {
                empty += 1;
                continue;
            }
            lines.push(self.line(cell, &figures));
        }
        write_aligned(f, &lines)?;
        let (edition, unit) = (&self.preview.edition, plan.dataset().unit().label(self.lang));
        writeln!(f, "{} cells, {empty} of them with nothing in them; {unit}, edition {edition}", table.cells())?;
        if self.preview.waits_for_approval {
            writeln!(f, "a question like this waits until a person approves it")?;
        }
        writeln!(f, "these are this supplier's own figures: not protected, and not to be passed on")
    }
}

impl Words<'_> {
    fn line(&self, cell: usize, figures: &[i64]) -> Vec<String> {
        let plan = &self.preview.plan;
        let positions = plan.cell(cell).map(|cell| cell.positions).unwrap_or_default();
        let names = plan.axes().iter().zip(positions).map(|(axis, position)| {
            let code = position.and_then(|position| axis.codes().get(usize::try_from(position).ok()?));
            code.map_or("(all)", |code| code.label().get(self.lang)).to_owned()
        });
        let columns = plan.columns().iter().zip(figures);
        names.chain(columns.map(|(column, figure)| format_decimal(*figure, decimals(plan, *column)))).collect()
    }
}

fn column_name(plan: &Plan, column: Column) -> String {
    let measure =
        column.measure().and_then(|at| plan.dataset().measures().get(at)).map_or("", |measure| measure.name());
    match column {
        Column::Count => "count".to_owned(),
        Column::Present { .. } => format!("rows with {measure}"),
        Column::Sum { .. } => format!("sum of {measure}"),
        Column::SumOfSquares { .. } => format!("sum of {measure}²"),
    }
}

fn decimals(plan: &Plan, column: Column) -> u32 {
    let of = |at: usize| plan.dataset().measures().get(at).map_or(0, |measure| measure.decimals());
    match column {
        Column::Count | Column::Present { .. } => 0,
        Column::Sum { measure } => of(measure),
        Column::SumOfSquares { measure } => 2 * of(measure),
    }
}

fn write_aligned(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let columns = lines.first().map_or(0, Vec::len);
    let longest = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| longest(at).unwrap_or(0)).collect();
    for line in lines {
        let texts: Vec<String> = line.iter().zip(&widths).map(|(text, &width)| format!("{text:width$}")).collect();
        writeln!(f, "{}", texts.join("  ").trim_end())?;
    }
    Ok(())
}
