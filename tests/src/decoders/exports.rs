//! A whole log as a folder, a release with its proofs, and a node's journal: what auditors and analysts are handed.

use std::collections::BTreeSet;

use optelsom_cli::audit::examine::Examined;
use optelsom_cli::audit::search::Search;
use optelsom_cli::audit::tale::tell;
use optelsom_cli::audit::{html, journal, text as words};
use optelsom_cli::bundle::exported::unproved;
use optelsom_cli::bundle::words::told;
use optelsom_cli::bundle::{MANIFEST, verify};
use optelsom_codebook::Lang;
use optelsom_ledger::audit::{Files, Policy, audit, compare};

use super::parts;
use super::sample::export::EXPORT;
use super::sample::release::{ANSWER, bundle, manifest};
use super::sample::{good, roster, supplier, trust};
use super::text;

fn of_files(files: &Files) -> Vec<u8> {
    parts::join(files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]))
}

/// Names and files in turn; none where a name is no text or has no file.
fn files(bytes: &[u8]) -> Option<Files> {
    let parts = parts::split(bytes);
    let (pairs, rest) = parts.as_chunks::<2>();
    let file = |[name, bytes]: &[&[u8]; 2]| Some((text(name)?.to_owned(), bytes.to_vec()));
    if rest.is_empty() { pairs.iter().map(file).collect() } else { None }
}

/// The folder of an export: names and files in turn. What is found wrong is told, in words and as a page.
pub fn exported_log(bytes: &[u8]) -> bool {
    let Some(files) = files(bytes) else { return false };
    let trust = trust();
    let mut examined = Examined { report: audit(&files, &Policy::from(&trust)), files, kinship: None };
    let unproved = unproved(&examined, trust.approvals());
    examined.report.findings.extend(unproved);
    let tale = tell(&examined.files, &examined.report, &Search::default(), Lang::En);
    good(words::write_report(&mut std::io::sink(), &tale, Lang::Nl));
    html::page(&tale, Lang::En);
    if let Some(head) = &examined.report.head {
        let own = good(EXPORT.log.edge.head());
        compare((&EXPORT.files(), &own), (&examined.files, head));
    }
    let in_order = examined.report.findings.is_empty();
    assert!(!in_order || tale.verdict.passed, "nothing is wrong, and the verdict is that something is");
    in_order
}

pub(super) fn exported_logs() -> Vec<Vec<u8>> {
    vec![of_files(&EXPORT.files())]
}

/// The folder of a release: names and files in turn, but for the manifest, which is made to fit them.
pub fn release_bundle(bytes: &[u8]) -> bool {
    let Some(mut files) = files(bytes) else { return false };
    files.remove(MANIFEST);
    files.insert(MANIFEST.to_owned(), manifest(&files));
    holds(&files)
}

fn holds(files: &Files) -> bool {
    let Ok(verified) = verify(files, &trust(), &BTreeSet::from([roster().hash()])) else { return false };
    assert_eq!(verified.checked.release, ANSWER.release, "another table holds");
    told(&verified, Lang::Nl);
    true
}

pub(super) fn release_bundles() -> Vec<Vec<u8>> {
    vec![of_files(&bundle())]
}

/// The manifest of a release's folder, whose other files are good.
pub fn bundle_manifest(bytes: &[u8]) -> bool {
    let mut files = bundle();
    files.insert(MANIFEST.to_owned(), bytes.to_vec());
    let holds = holds(&files);
    assert!(!holds || bytes == manifest(&bundle()), "two manifests fit the same files");
    holds
}

pub(super) fn bundle_manifests() -> Vec<Vec<u8>> {
    vec![manifest(&bundle())]
}

/// A node's journal, held against the log.
pub fn journal(bytes: &[u8]) -> bool {
    let Some(lines) = text(bytes).and_then(|text| journal::read(text).ok()) else { return false };
    let report = audit(&EXPORT.files(), &Policy::from(&trust()));
    let whose = journal::supplier(&lines, None).unwrap_or_else(|_| supplier("west"));
    for lang in [Lang::Nl, Lang::En] {
        journal::told(&journal::compare(&lines, &whose, &report, lang), lines.len(), lang);
    }
    true
}

pub(super) fn journals() -> Vec<Vec<u8>> {
    let line = |id: &optelsom_codebook::QueryId| {
        format!(
            "{{\"supplier\":\"west\",\"query\":\"{id}\",\"dataset\":\"victims\",\"edition\":\"2024-12\",\
             \"purpose\":\"monitor\",\"requester\":\"analyst-1\",\"document\":\"{{}}\",\"refused\":\"outside-period\",\
             \"index\":null,\"attempts\":[{{\"attempt\":1,\"submission\":null,\"statement\":\"{id}\"}}]}}\n"
        )
    };
    let bare = format!("{{\"query\":\"{}\"}}\n", ANSWER.question.entry.id());
    vec![EXPORT.queries.iter().map(line).collect::<String>().into_bytes(), bare.into_bytes()]
}
