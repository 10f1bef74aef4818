//! The releases in an exported log, each checked as a bundle is.

use std::collections::BTreeMap;

use optelsom_codebook::Hash256;
use optelsom_ledger::audit::{End, Files, Finding, QueryAccount, document_path, release_folder};
use optelsom_ledger::entry::{ApprovalRule, Entry, Subject};
use optelsom_ledger::tiles::{TilePath, read_bundle};

use super::check::{Checked, Parts, check};
use super::fault::Fault;
use super::{COMMITMENTS, PROOF, SALT, TABLE};
use crate::audit::examine::Examined;

/// Checks the release of every query that has one; yields a finding for each that does not hold.
pub fn unproved(examined: &Examined, approvals: ApprovalRule) -> Vec<Finding> {
    let mut findings = Vec::new();
    let account = &examined.report.account;
    let change = |logged: &optelsom_ledger::audit::Logged<optelsom_ledger::entry::DocumentChange>| {
        let change = &logged.fact;
        ((change.subject.clone(), change.named), change.document)
    };
    let documents: BTreeMap<(Subject, Hash256), Hash256> = account.documents().iter().map(change).collect();
    for query in account.queries() {
        let Some(end) = query.end.as_ref().filter(|end| matches!(end.fact, End::Release(_))) else { continue };
        let exported = Exported { files: &examined.files, documents: &documents, query };
        let checked = exported.check(approvals);
        let cause = checked.err().map(|cause| cause.to_string());
        findings.extend(cause.map(|cause| Finding::ReleaseUnproved { index: end.at, cause }));
    }
    findings
}

/// One query of an export.
struct Exported<'a> {
    files: &'a Files,
    documents: &'a BTreeMap<(Subject, Hash256), Hash256>,
    query: &'a QueryAccount,
}

impl<'a> Exported<'a> {
    fn check(&self, approvals: ApprovalRule) -> Result<Checked, Fault> {
        let query = self.query;
        let index = |at: Option<u64>, what| at.ok_or(Fault::OtherEntry(what));
        let participants = index(query.finality.as_ref().map(|finality| finality.fact), "final certificate")?;
        let authorisation = self.entry(index(query.authorised.as_ref().map(|logged| logged.at), "authorisation")?)?;
        let finality = self.entry(index(query.finality.as_ref().map(|logged| logged.at), "final certificate")?)?;
        let release = self.entry(index(query.end.as_ref().map(|logged| logged.at), "release")?)?;
        let attempt = self.entry(participants)?;
        let (
            Entry::Authorisation(authorisation),
            Entry::Final(finality),
            Entry::Release(release),
            Entry::Participants(attempt),
        ) = (&authorisation, &finality, &release, &attempt)
        else {
            return Err(Fault::OtherEntry("order of the entries"));
        };
        let entry = &query.entry;
        let folder = release_folder(&query.id);
        let file = |name: &str| self.file(&format!("{folder}{name}"));
        let parts = Parts {
            query: (query.at, entry),
            authorisation,
            participants: (participants, attempt),
            finality,
            release,
            question: self.file(&document_path(&entry.query))?,
            codebook: self.document(Subject::Codebook, entry.codebook, "codebook")?,
            roster: self.document(Subject::Roster, entry.roster, "roster")?,
            policy: self.document(Subject::Policy, entry.disclosure_policy, "disclosure policy")?,
            table: file(TABLE)?,
            salt: file(SALT)?,
            proof: file(PROOF)?,
            commitments: file(COMMITMENTS)?,
        };
        check(&parts, approvals)
    }

    fn file(&self, path: &str) -> Result<&'a [u8], Fault> {
        self.files.get(path).map(Vec::as_slice).ok_or_else(|| Fault::Missing(path.to_owned()))
    }

    fn document(&self, subject: Subject, named: Hash256, what: &'static str) -> Result<&'a [u8], Fault> {
        let document = self.documents.get(&(subject, named)).ok_or(Fault::OtherDocument(what))?;
        self.file(&document_path(document))
    }

    /// The entry at this index: in a bundle that is full, or the one at the log's end.
    fn entry(&self, index: u64) -> Result<Entry, Fault> {
        let (bundle, place) = (index / 256, usize::try_from(index % 256).unwrap_or(0));
        let tiles = self.files.range("tile/entries/".to_owned()..).map_while(|(path, bytes)| {
            path.starts_with("tile/entries/").then(|| (path.parse::<TilePath>().ok(), bytes))
        });
        let mut of_bundle = tiles.filter_map(|(tile, bytes)| Some((tile?, bytes)));
        let (tile, bytes) = of_bundle
            .find(|(tile, _)| tile.index() == bundle)
            .ok_or_else(|| Fault::Missing(format!("entry {index}")))?;
        let form = || Fault::Form(tile.to_string());
        let leaves = read_bundle(bytes, tile.width()).map_err(|_| form())?;
        let leaf = leaves.get(place).ok_or_else(form)?;
        Entry::from_bytes(leaf.as_bytes()).map_err(|_| form())
    }
}
