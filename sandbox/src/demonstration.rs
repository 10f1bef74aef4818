//! The built-in federation: started, asked one question, and held against what is true.

use std::io;
use std::time::Instant;

use optelsom_cli::{Failure, publication};
use optelsom_codebook::{Codebook, EditionId, IdError, Lang};
use optelsom_disclosure::{CellValue, Release, Status};
use thiserror::Error;

use crate::arguments::Format;
use crate::audit::audit;
use crate::data::national::{Registration, registrations};
use crate::data::truth::women_by_year_and_form;
use crate::federation::{Federation, Folder, FolderError, Listening, RunError, SEED, generate};
use crate::session::{Session, SessionError, now};
use crate::stages::Stages;

/// The question that is asked.
pub const QUESTION: &str = "SELECT year, form, COUNT(*) FROM victims \
                            WHERE year BETWEEN 2020 AND 2024 AND sex = 'F' GROUP BY year, form";
const DATASET: &str = "victims";
const EDITION: &str = "2024-12";
const PURPOSE: &str = "monitor";

/// Why the demonstration ends without a table, or with a wrong one.
#[derive(Debug, Error)]
pub enum DemonstrationError {
    /// No temporary folder.
    #[error("no temporary folder: {0}; point TMPDIR to a place that can be written to")]
    Temporary(std::io::Error),
    /// The federation's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The federation.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The question or its answer.
    #[error(transparent)]
    Ask(#[from] SessionError),
    /// The table cannot be printed.
    #[error(transparent)]
    Print(#[from] Failure),
    /// A bug: a constant of this file.
    #[error(transparent)]
    Name(#[from] IdError),
    /// The audit found something: a bug.
    #[error("THE AUDIT FOUND: {0}")]
    Audit(String),
    /// The total is wrong: a bug, and the worst there is.
    #[error("THE TABLE IS WRONG: {0}")]
    Wrong(String),
}

/// Runs it. Progress goes to standard error, the table to standard output.
///
/// # Errors
/// When something does not work, or the table is not what is true.
pub async fn run(format: Format) -> Result<(), DemonstrationError> {
    let begin = Instant::now();
    let stages = Stages::new();
    let place = tempfile::tempdir().map_err(DemonstrationError::Temporary)?;
    let folder = Folder::at(&place.path().join("federation"))?;
    let records = registrations(SEED);
    generate(&folder, &records).await?;
    stages.done(&format!("{} made-up reports, in six suppliers' own files", records.len()));
    let federation = Federation::start(folder, Listening::AnyPort, now()?).await?;
    let nodes = federation.node_count();
    stages.done(&format!("a coordinator on {} and {nodes} nodes, each with its own keys", federation.address()));
    federation.announce(DATASET, &EditionId::try_from(EDITION)?).await?;
    stages.done(&format!("edition {EDITION} announced; every node has frozen its own records"));
    let release = ask(&federation, &stages).await?;
    let checked = check(&release, &records)?;
    print(&release, format)?;
    stages.done(&checked);
    let audited = audit(federation.folder(), &federation.analyst()?, place.path()).await?;
    federation.stop().await;
    stages.done(&audited.map_err(DemonstrationError::Audit)?);
    stages.done(&format!("all of it took {:.1} s", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// Asks as an analyst does, and tells how it goes.
async fn ask(federation: &Federation, stages: &Stages) -> Result<Release, DemonstrationError> {
    let mut session = Session::open(&federation.analyst()?).await?;
    stages.say(&format!("\n  {QUESTION}\n"));
    let asking = session.prepare(QUESTION, PURPOSE).await?;
    let (cells, columns) = (asking.plan.cell_count(), asking.plan.columns().len());
    let suppliers = asking.scope.members().len();
    stages.say(&format!("  {cells} cells, {columns} column; asked of {suppliers} suppliers\n"));
    Ok(session.ask(&asking, |moment| stages.tell(moment)).await?)
}

/// Holds every cell against the records, which only this process knows all of.
fn check(release: &Release, records: &[Registration]) -> Result<String, DemonstrationError> {
    let truth = women_by_year_and_form(records);
    let codebook = Codebook::builtin().map_err(|cause| DemonstrationError::Wrong(cause.to_string()))?;
    let fewest = codebook.dataset(DATASET).map_or(1, |dataset| dataset.minimum_suppliers());
    let k = release.minimum_frequency();
    let (mut shown, mut zeros, mut hidden, mut reports) = (0, 0, 0, 0);
    for row in release.table().rows() {
        let codes: Vec<&str> = release.table().places(row).flatten().map(|place| place.code.as_str()).collect();
        let [year, form] = codes[..] else {
            return Err(DemonstrationError::Wrong(format!("a row of {codes:?} where year and form were asked")));
        };
        let truth = truth.get(&(year.to_owned(), form.to_owned())).cloned().unwrap_or_default();
        let (count, suppliers) = (truth.reports, truth.suppliers.len() as u64);
        let right = match row.figures() {
            [CellValue::Shown(value)] => {
                shown += 1;
                reports += count;
                count >= k && suppliers >= fewest && value.to_string() == count.to_string()
            }
            [CellValue::TrueZero(_)] => {
                zeros += 1;
                count == 0
            }
            [cell] => {
                hidden += 1;
                match cell.status() {
                    Status::HiddenTooFew => (1..k).contains(&count),
                    Status::HiddenTooFewSuppliers => (1..fewest).contains(&suppliers),
                    Status::HiddenProtectsOthers => count > 0,
                    _ => false,
                }
            }
            _ => false,
        };
        if !right {
            let told = row.figures();
            return Err(DemonstrationError::Wrong(format!("{year}, {form}: {told:?}, but {truth:?} is true")));
        }
    }
    Ok(format!(
        "the sandbox made the records up, so it alone can check: all {shown} shown cells ({reports} reports) are exact, the \
         {zeros} noughts are true, and the {hidden} hidden ones are so for the reason that they give"
    ))
}

fn print(release: &Release, format: Format) -> Result<(), DemonstrationError> {
    let format = match format {
        Format::Table => optelsom_cli::arguments::Format::Table,
        Format::Json => optelsom_cli::arguments::Format::Json,
    };
    match publication::print(release, Lang::En, format) {
        // Whoever reads has seen enough, as `head` does; what follows is told on standard error.
        Err(Failure::Output(cause)) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}
