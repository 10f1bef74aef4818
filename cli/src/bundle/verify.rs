//! A bundle held against the keys that one trusts.

use std::collections::BTreeSet;

use optelsom_codebook::{Hash256, Timestamp};
use optelsom_ledger::Trust;
use optelsom_ledger::audit::Files;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::note::{KeyName, SignedCheckpoint};

use super::check::{Checked, Parts, check};
use super::fault::Fault;
use super::logged::LoggedEntry;
use super::{CODEBOOK, COMMITMENTS, POLICY, PROOF, QUESTION, ROSTER, SALT, Step, TABLE, manifest};

/// A release that holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it is, and what is proved of it.
    pub checked: Checked,
    /// Index of the query's entry.
    pub query: u64,
    /// Index of the release's entry.
    pub release: u64,
    /// How many entries the log had.
    pub size: u64,
    /// The trusted witnesses that have seen the log so, and when.
    pub witnessed: Vec<(KeyName, Timestamp)>,
    /// The roster that the query goes by.
    pub roster: Hash256,
    /// Whether it is one of those that were accepted.
    pub roster_accepted: bool,
}

/// Checks a bundle offline, by the log's and its witnesses' keys. Where rosters are given, the query has to go by one of
/// them.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(files: &Files, trust: &Trust, rosters: &BTreeSet<Hash256>) -> Result<Verified, Fault> {
    manifest::check(files)?;
    let entries = Entries::read(files)?;
    let checkpoint = SignedCheckpoint::parse(&entries.checkpoint, trust.log())?;
    let witnessed = trust.committee().check(&checkpoint)?.by().to_vec();
    let head = *checkpoint.head();
    for (step, logged) in Step::ALL.iter().zip(&entries.logged) {
        logged.verify(&head).map_err(|cause| Fault::NotLogged { file: step.file(), cause })?;
    }
    let checked = check(&entries.parts(files)?, trust.approvals())?;
    let roster = checked.query.roster;
    let roster_accepted = rosters.contains(&roster);
    if !rosters.is_empty() && !roster_accepted {
        return Err(Fault::Roster(roster));
    }
    let at = |step: usize| entries.logged.get(step).map_or(0, |logged| logged.index);
    Ok(Verified { checked, query: at(0), release: at(4), size: head.size(), witnessed, roster, roster_accepted })
}

/// The logged entries of a bundle, all under one checkpoint.
struct Entries {
    logged: Vec<LoggedEntry>,
    entries: Vec<Entry>,
    checkpoint: Vec<u8>,
}

impl Entries {
    fn read(files: &Files) -> Result<Self, Fault> {
        let (mut logged, mut entries) = (Vec::new(), Vec::new());
        for name in Step::ALL.map(Step::file) {
            let form = || Fault::Form(name.to_owned());
            let one = LoggedEntry::from_bytes(bytes(files, name)?).ok_or_else(form)?;
            entries.push(Entry::from_bytes(one.leaf.as_bytes()).map_err(|_| form())?);
            logged.push(one);
        }
        let checkpoint = logged.first().map(|first| first.checkpoint.clone()).unwrap_or_default();
        let mut pairs = Step::ALL.iter().zip(&logged);
        match pairs.find(|(_, logged)| logged.checkpoint != checkpoint) {
            Some((step, _)) => Err(Fault::Checkpoints(step.file())),
            None => Ok(Self { logged, entries, checkpoint }),
        }
    }

    fn parts<'a>(&'a self, files: &'a Files) -> Result<Parts<'a>, Fault> {
        let indices: Vec<u64> = self.logged.iter().map(|logged| logged.index).collect();
        match (self.entries.as_slice(), indices.as_slice()) {
            (
                [
                    Entry::Query(query),
                    Entry::Authorisation(authorisation),
                    Entry::Participants(participants),
                    Entry::Final(finality),
                    Entry::Release(release),
                ],
                [at_query, _, at_participants, ..],
            ) => Ok(Parts {
                query: (*at_query, query),
                authorisation,
                participants: (*at_participants, participants),
                finality,
                release,
                question: bytes(files, QUESTION)?,
                codebook: bytes(files, CODEBOOK)?,
                roster: bytes(files, ROSTER)?,
                policy: bytes(files, POLICY)?,
                table: bytes(files, TABLE)?,
                salt: bytes(files, SALT)?,
                proof: bytes(files, PROOF)?,
                commitments: bytes(files, COMMITMENTS)?,
            }),
            _ => Err(Fault::OtherEntry("order of the entries")),
        }
    }
}

fn bytes<'f>(files: &'f Files, name: &str) -> Result<&'f [u8], Fault> {
    files.get(name).map(Vec::as_slice).ok_or_else(|| Fault::Missing(name.to_owned()))
}
