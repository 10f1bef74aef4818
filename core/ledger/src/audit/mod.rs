//! Checking a whole log offline: from its files and the keys to trust, without a word of the party under audit.
//!
//! Files are those of C2SP tlog-tiles, each tile at its widest: `checkpoint`, `tile/<L>/<N>[.p/<W>]`,
//! `tile/entries/<N>[.p/<W>]`; the documents beside the log, `documents/<SHA-256 in hexadecimal>`; and what was
//! published, `releases/<λ in hexadecimal>/<file>`. A single bit that is not as it was logged is found, and the file or
//! entry named.

mod account;
mod dates;
mod entries;
mod finding;
mod fork;
mod guarded;
mod kind;
mod releases;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{Hash256, QueryId, Timestamp};

use crate::entry::{ApprovalRule, Endings};
use crate::identity::PublicIdentity;
use crate::note::{Committee, KeyName, LogVerifier, SignedCheckpoint};
use crate::proof::TreeHead;
use crate::tiles::{TilePath, Tiles};
use crate::trust::Trust;

pub use account::{Account, Attempt, EditionAccount, End, Logged, QueryAccount};
pub use finding::Finding;
pub use fork::{Kinship, compare};
pub use kind::{Kind, Place};
pub use releases::RELEASE_FILES;

/// Where the checkpoint lies.
pub const CHECKPOINT: &str = "checkpoint";
const DOCUMENTS: &str = "documents/";
const RELEASES: &str = "releases/";

/// The files of an exported log by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Where a document lies.
pub fn document_path(document: &Hash256) -> String {
    format!("{DOCUMENTS}{document}")
}

/// Where the files of a query's release lie; their names follow.
pub fn release_folder(query: &QueryId) -> String {
    format!("{RELEASES}{query}/")
}

/// The tiles among the files, for proofs.
pub fn tiles_of(files: &Files) -> Tiles {
    let tile = |(path, bytes): (&String, &Vec<u8>)| Some((path.parse::<TilePath>().ok()?, bytes.clone()));
    files
        .range("tile/".to_owned()..)
        .map_while(|file| file.0.starts_with("tile/").then_some(file))
        .filter_map(tile)
        .collect()
}

fn bytes_of<'a>(files: &'a Files, path: &str) -> Option<&'a [u8]> {
    files.get(path).map(Vec::as_slice)
}

/// What the auditor goes by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The log's origin and key.
    pub log: LogVerifier,
    /// The witnesses.
    pub committee: Committee,
    /// The key that the coordinator signs entries with.
    pub operator: PublicIdentity,
    /// Whether queries need a second person.
    pub approvals: ApprovalRule,
    /// The hashes of the rosters that the auditor accepts; any, if there are none.
    pub rosters: BTreeSet<Hash256>,
}

impl From<&Trust> for Policy {
    fn from(trust: &Trust) -> Self {
        Self {
            log: trust.log().clone(),
            committee: trust.committee().clone(),
            operator: *trust.operator(),
            approvals: trust.approvals(),
            rosters: BTreeSet::new(),
        }
    }
}

/// What an audit came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// The log that was audited; none if not even its checkpoint can be read.
    pub head: Option<TreeHead>,
    /// The witnesses that have seen it, and when.
    pub witnessed: Vec<(KeyName, Timestamp)>,
    /// How the queries ended, and which have not.
    pub endings: Endings,
    /// What the log tells of each query.
    pub account: Account,
}

impl Report {
    /// The latest moment at which a witness says that it saw the log.
    pub fn seen_at(&self) -> Option<Timestamp> {
        self.witnessed.iter().map(|(_, at)| *at).max()
    }
}

/// Audits the files of a log.
pub fn audit(files: &Files, policy: &Policy) -> Report {
    let mut report = Report {
        findings: Vec::new(),
        head: None,
        witnessed: Vec::new(),
        endings: Endings::new(),
        account: Account::default(),
    };
    report.findings.extend(altered_documents(files));
    let Some(checkpoint) = trusted_checkpoint(files, policy, &mut report) else { return report };
    let head = *checkpoint.head();
    report.head = Some(head);
    let mut reading = entries::Reading::new(files, policy);
    let tree = tree::rebuild(files, &head, |index, leaf| reading.read(index, leaf));
    report.findings.extend(tree);
    let read = reading.finish();
    report.findings.extend(read.findings);
    report.findings.extend(releases::check(files, &read.account));
    report.findings.extend(dates::check(&read.account, report.seen_at()));
    report.findings.extend(unexpected(files, &head, &read.documents, &read.account));
    report.endings = read.endings;
    report.account = read.account;
    report
}

fn trusted_checkpoint(files: &Files, policy: &Policy, report: &mut Report) -> Option<SignedCheckpoint> {
    let Some(bytes) = bytes_of(files, CHECKPOINT) else {
        report.findings.push(Finding::FileMissing(CHECKPOINT.to_owned()));
        return None;
    };
    let checkpoint = match SignedCheckpoint::parse(bytes, &policy.log) {
        Ok(checkpoint) => checkpoint,
        Err(cause) => {
            report.findings.push(Finding::Checkpoint(cause));
            return None;
        }
    };
    match policy.committee.check(&checkpoint) {
        Ok(witnessed) => report.witnessed = witnessed.by().to_vec(),
        Err(cause) => report.findings.push(Finding::Witnesses(cause)),
    }
    let strangers = policy.committee.strangers(&checkpoint);
    report.findings.extend((strangers > 0).then_some(Finding::Strangers(strangers)));
    Some(checkpoint)
}

fn document_name(path: &str) -> Option<Hash256> {
    // One document has one path: upper case would give it others.
    path.strip_prefix(DOCUMENTS)?.parse().ok().filter(|name| document_path(name) == path)
}

fn altered_documents(files: &Files) -> impl Iterator<Item = Finding> {
    let documents = files.iter().filter_map(|(path, bytes)| Some((document_name(path)?, bytes)));
    documents.filter(|(name, bytes)| Hash256::of(bytes) != *name).map(|(name, _)| Finding::DocumentAltered(name))
}

fn unexpected(files: &Files, head: &TreeHead, documents: &BTreeSet<Hash256>, account: &Account) -> Vec<Finding> {
    let full: BTreeSet<TilePath> = TilePath::all(head.size()).collect();
    let released =
        account.queries().filter(|query| matches!(&query.end, Some(end) if matches!(end.fact, End::Release(_))));
    let of_release = |query: &QueryAccount| RELEASE_FILES.map(|file| format!("{}{file}", release_folder(&query.id)));
    let of_releases: BTreeSet<String> = released.flat_map(of_release).collect();
    let judge = |path: &String| {
        if path == CHECKPOINT || path.parse::<TilePath>().is_ok_and(|tile| full.contains(&tile)) {
            return None;
        }
        match document_name(path) {
            Some(name) if documents.contains(&name) => None,
            Some(name) => Some(Finding::DocumentUnreferenced(name)),
            None if of_releases.contains(path) => None,
            None => Some(Finding::FileUnexpected(path.clone())),
        }
    };
    files.keys().filter_map(judge).collect()
}
