//! An exported log, audited as a whole: the log itself, the releases beside it, and another export of it.

use std::path::Path;

use optelsom_ledger::audit::{Files, Finding, Kinship, Report, audit, compare};

use super::folder::Export;
use super::trust::Accepted;
use crate::failure::Failure;

/// An audited export.
#[derive(Debug)]
pub struct Examined {
    /// Its files.
    pub files: Files,
    /// What was found, and what the log tells.
    pub report: Report,
    /// How another export stands to it, where one was compared.
    pub kinship: Option<Kinship>,
}

/// Audits a folder, and holds it against another one.
///
/// # Errors
/// When a folder cannot be read, or the other one has no checkpoint that could be held against this one.
pub fn examine(folder: &Path, against: Option<&Path>, accepted: &Accepted) -> Result<Examined, Failure> {
    let mut examined = examine_export(Export::read(folder)?, accepted);
    if let Some(other) = against {
        let theirs = examine_export(Export::read(other)?, accepted);
        examined.kinship = Some(hold_against(&mut examined, &theirs, other)?);
    }
    Ok(examined)
}

/// Audits an export that has been read.
pub fn examine_export(export: Export, accepted: &Accepted) -> Examined {
    let mut report = audit(&export.files, &accepted.policy());
    if export.trust.is_some_and(|copy| copy != accepted.copy().as_bytes()) {
        report.findings.push(Finding::TrustCopyDiffers);
    }
    Examined { files: export.files, report, kinship: None }
}

fn hold_against(ours: &mut Examined, theirs: &Examined, other: &Path) -> Result<Kinship, Failure> {
    let Some(head) = theirs.report.head else {
        return Err(Failure::contents(other, "it has no checkpoint of this log; audit that folder by itself first"));
    };
    // Without a checkpoint of its own, this export has its finding already.
    let Some(own) = ours.report.head else { return Ok(Kinship::Unreadable(0)) };
    let kinship = compare((&ours.files, &own), (&theirs.files, &head));
    match kinship {
        Kinship::Forked(index) => ours.report.findings.push(Finding::Forked(index)),
        Kinship::Unreadable(index) if ours.report.findings.is_empty() => {
            let cause = format!("its entries cannot be read from {index} on; audit that folder by itself first");
            return Err(Failure::contents(other, cause));
        }
        _ => {}
    }
    Ok(kinship)
}
