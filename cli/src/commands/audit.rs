//! `optelsom audit`: export, verify, report, compare.

use std::io::{self, Write};
use std::path::Path;

use optelsom_codebook::Lang;
use optelsom_ledger::audit::Kinship;
use optelsom_proto::output::complain;

use super::{Session, print};
use crate::audit::arguments::{
    AuditArguments, AuditCommand, CompareArguments, ExportArguments, FindingFormat, ReportArguments, ReportFormat,
    VerifyArguments,
};
use crate::audit::examine::{Examined, examine};
use crate::audit::export::{Source, export, refuse_existing};
use crate::audit::search::Search;
use crate::audit::tale::tell;
use crate::audit::trust::Accepted;
use crate::audit::verdict::{JOURNAL_DIFFERS, Verdict};
use crate::audit::{html, journal, text};
use crate::bundle::exported::unproved;
use crate::configuration::read_text;
use crate::failure::Failure;
use crate::words::words;

/// The longest journal that is read, in bytes.
const LONGEST_JOURNAL: u64 = 1 << 30;

pub(super) async fn run(session: Session<'_>, arguments: &AuditArguments) -> Result<(), Failure> {
    match &arguments.command {
        AuditCommand::Export(arguments) => fetch(session, arguments).await,
        AuditCommand::Verify(arguments) => verify(session, arguments),
        AuditCommand::Report(arguments) => report(session, arguments),
        AuditCommand::Compare(arguments) => compare(session, arguments),
    }
}

async fn fetch(session: Session<'_>, arguments: &ExportArguments) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let lang = session.lang(Some(&configuration));
    let accepted = Accepted::read(&arguments.trust, || session.configuration())?;
    refuse_existing(&arguments.output)?;
    let source = Source::open(&configuration).await?;
    let done = export(source, &accepted, &arguments.output, lang).await?;
    let (folder, entries, files) = (arguments.output.display(), done.entries, done.files);
    let told = match lang {
        Lang::Nl => {
            format!("{folder}: {entries} posten, {files} bestanden; toets ze met `optelsom audit verify {folder}`")
        }
        Lang::En => {
            format!("{folder}: {entries} entries, {files} files; check them with `optelsom audit verify {folder}`")
        }
    };
    complain(told);
    if done.missing > 0 {
        let missing =
            words(lang, "bestanden waar het logboek van spreekt ontbreken", "files that the log speaks of are missing");
        complain(format_args!("{} {missing}", done.missing));
    }
    Ok(())
}

/// The language without a configuration, if there is none.
fn offline_lang(session: Session<'_>) -> Lang {
    session.lang(session.configuration().ok().as_ref())
}

fn verify(session: Session<'_>, arguments: &VerifyArguments) -> Result<(), Failure> {
    let lang = offline_lang(session);
    let accepted = Accepted::read(&arguments.trust, || session.configuration())?;
    let mut examined = examine(&arguments.folder, arguments.against.as_deref(), &accepted)?;
    if !arguments.without_proofs {
        let unproved = unproved(&examined, accepted.trust.approvals());
        examined.report.findings.extend(unproved);
    }
    let verdict = Verdict::new(&examined.report.findings, lang);
    match arguments.format {
        FindingFormat::Json => print(json(&verdict)?.as_bytes())?,
        FindingFormat::Text => {
            let mut out = Vec::new();
            write_verified(&mut out, &examined, &verdict, lang).map_err(Failure::Output)?;
            print(&out)?;
        }
    }
    judged(&verdict)
}

fn write_verified(out: &mut dyn Write, examined: &Examined, verdict: &Verdict, lang: Lang) -> io::Result<()> {
    text::write_verdict(out, verdict, lang)?;
    if let Some(head) = &examined.report.head {
        let (entries, witnesses) = (words(lang, "posten", "entries"), words(lang, "getuigen", "witnesses"));
        writeln!(out, "{} {entries}, {} {witnesses}", head.size(), examined.report.witnessed.len())?;
    }
    let Some(kinship) = examined.kinship else { return Ok(()) };
    let told = match (kinship, lang) {
        (Kinship::Same, Lang::Nl) => "Beide uitvoeren tonen hetzelfde logboek.".to_owned(),
        (Kinship::Same, Lang::En) => "Both exports show the same log.".to_owned(),
        (Kinship::Before(more), Lang::Nl) => format!("De andere uitvoer gaat verder: {more} posten meer."),
        (Kinship::Before(more), Lang::En) => format!("The other export goes on from this one: {more} entries more."),
        (Kinship::After(more), Lang::Nl) => format!("Deze uitvoer gaat verder dan de andere: {more} posten meer."),
        (Kinship::After(more), Lang::En) => format!("This export goes on from the other one: {more} entries more."),
        // Those are findings.
        (Kinship::Forked(_) | Kinship::Unreadable(_), _) => return Ok(()),
    };
    writeln!(out, "{told}")
}

fn judged(verdict: &Verdict) -> Result<(), Failure> {
    if verdict.passed { Ok(()) } else { Err(Failure::Found { code: verdict.code, findings: verdict.findings.len() }) }
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|cause| Failure::Machine(cause.to_string()))?;
    Ok(text + "\n")
}

fn report(session: Session<'_>, arguments: &ReportArguments) -> Result<(), Failure> {
    let lang = offline_lang(session);
    let accepted = Accepted::read(&arguments.trust, || session.configuration())?;
    let examined = examine(&arguments.folder, None, &accepted)?;
    let search = Search {
        person: arguments.person.clone(),
        supplier: arguments.supplier.clone(),
        variable: arguments.variable.clone(),
        from: arguments.from,
        to: arguments.to,
    };
    let tale = tell(&examined.files, &examined.report, &search, lang);
    let bytes = match arguments.format {
        ReportFormat::Json => json(&tale)?.into_bytes(),
        ReportFormat::Html => html::page(&tale, lang).into_bytes(),
        ReportFormat::Text => {
            let mut out = Vec::new();
            text::write_report(&mut out, &tale, lang).map_err(Failure::Output)?;
            out
        }
    };
    put(arguments.output.as_deref(), &bytes)?;
    judged(&tale.verdict)
}

fn put(output: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match output {
        Some(path) => crate::audit::folder::write(path, bytes).map_err(|cause| Failure::file(path, cause)),
        None => print(bytes),
    }
}

fn compare(session: Session<'_>, arguments: &CompareArguments) -> Result<(), Failure> {
    let lang = offline_lang(session);
    let accepted = Accepted::read(&arguments.trust, || session.configuration())?;
    let path = &arguments.journal;
    let wrong = |cause: String| Failure::contents(path, cause);
    let lines = journal::read(&read_text(path, LONGEST_JOURNAL)?).map_err(wrong)?;
    let supplier = journal::supplier(&lines, arguments.supplier.as_ref()).map_err(wrong)?;
    let examined = examine(&arguments.folder, None, &accepted)?;
    // A log that is not in order proves nothing about a journal.
    let verdict = Verdict::new(&examined.report.findings, lang);
    if !verdict.passed {
        let mut out = Vec::new();
        text::write_verdict(&mut out, &verdict, lang).map_err(Failure::Output)?;
        print(&out)?;
        return judged(&verdict);
    }
    let differences = journal::compare(&lines, &supplier, &examined.report, lang);
    let out = match arguments.format {
        FindingFormat::Json => json(&differences)?,
        FindingFormat::Text => journal::told(&differences, lines.len(), lang),
    };
    print(out.as_bytes())?;
    match differences.iter().filter(|difference| !difference.note).count() {
        0 => Ok(()),
        findings => Err(Failure::Found { code: JOURNAL_DIFFERS, findings }),
    }
}
