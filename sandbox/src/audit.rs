//! The built-in federation audits itself: its log is fetched as an auditor fetches it, and checked offline by the keys
//! that its operators accepted.

use std::path::Path;
use std::time::Duration;

use optelsom_cli::audit::arguments::TrustArguments;
use optelsom_cli::audit::examine::{Examined, examine};
use optelsom_cli::audit::export::{Exported, Source, export};
use optelsom_cli::audit::trust::Accepted;
use optelsom_cli::audit::verdict::Verdict;
use optelsom_cli::configuration::Configuration;
use optelsom_cli::failure::Failure;
use optelsom_codebook::Lang;

use crate::federation::Folder;

/// The end of a query is witnessed a moment after the table has come.
const TRIES: usize = 50;
const BETWEEN: Duration = Duration::from_millis(50);

/// Fetches the log into folders of `place`, and checks it; yields what is to be said of it.
///
/// # Errors
/// When it cannot be fetched. What the audit finds is the inner error, in words.
pub async fn audit(folder: &Folder, configuration: &Path, place: &Path) -> Result<Result<String, String>, Failure> {
    let arguments = TrustArguments { trust: Some(folder.trust()), roster: vec![folder.roster()] };
    let accepted = Accepted::read(&arguments, || Configuration::load(Some(configuration)))?;
    let configuration = Configuration::load(Some(configuration))?;
    let mut tries = 0;
    let (done, examined) = loop {
        let (done, examined) = once(&configuration, &accepted, &place.join(format!("audit-{tries}"))).await?;
        tries += 1;
        if tries == TRIES || examined.report.endings.unended().next().is_none() {
            break (done, examined);
        }
        tokio::time::sleep(BETWEEN).await;
    };
    let (witnesses, queries) = (examined.report.witnessed.len(), examined.report.endings.queries());
    if !Verdict::new(&examined.report.findings, Lang::En).passed {
        let findings: Vec<_> = examined.report.findings.iter().map(ToString::to_string).collect();
        return Ok(Err(findings.join("; ")));
    }
    Ok(Ok(format!(
        "the federation's log was fetched and audited offline: {} entries, {witnesses} witnesses, {queries} query; nothing is \
         amiss",
        done.entries
    )))
}

async fn once(
    configuration: &Configuration,
    accepted: &Accepted,
    folder: &Path,
) -> Result<(Exported, Examined), Failure> {
    let done = export(Source::open(configuration).await?, accepted, folder, Lang::En).await?;
    Ok((done, examine(folder, None, accepted)?))
}
