//! `optelsom-node journal`: what was asked of this node, what it sent, and whether a release has it so.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use optelsom_codebook::{Hash256, Lang, Query, QueryId, SupplierId};
use optelsom_disclosure::{Release, ReleaseError};
use optelsom_ledger::canonical::CanonicalError;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::{QueryEntry, Roster, RosterError, ScopeError};
use optelsom_proto::output::{OutputError, complain, print, print_line};
use optelsom_secagg::release_proof::{CommitmentsError, SignedSubmissions};
use optelsom_secagg::{Rules, Verifier};
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Runtime;

use super::daemon::describe;
use super::decide::{DecideError, find};
use super::preview::{Here, Preview};
use super::{CHECK_FAILED, Outcome, now};
use crate::configuration::Configuration;
use crate::daemon::store::{Event, Question, Store, StoreError};
use crate::edition::EditionStore;

/// How many entries of the log are looked through at once.
const AT_ONCE: u32 = 1024;
/// The journal's line of a submission begins so; the attempt follows.
const SUBMITTED: &str = "submitted to attempt ";
/// And that of a refusal; the reason follows.
const REFUSED: &str = "refused: ";
/// What a node signs only after its guard has passed.
const SIGNED_FINAL: &str = "signed the final statement";

/// Arguments of `journal`.
#[derive(Debug, Args)]
pub struct Journal {
    /// One query, by its identifier or its first digits; all of them without it.
    query: Option<String>,
    /// How to print it: `json` is one object a line, for `optelsom audit compare`.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Count the query's table once more from its edition, for this supplier's own eyes.
    #[arg(long, requires = "query")]
    table: bool,
    /// A release bundle of the query: check that what this node committed to is in it.
    #[arg(long, requires = "query", value_name = "DIR")]
    release: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Why the journal says nothing.
#[derive(Debug, Error)]
enum JournalError {
    #[error(transparent)]
    Find(#[from] DecideError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Why a release does not have what this node sent. Whoever made the release is at fault, unless the folder is another
/// query's; hold on to it, and show it to an auditor.
#[derive(Debug, Error)]
enum NotInRelease {
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    #[error("this node has no record of the query, so it committed to nothing")]
    NoRecord,
    #[error("release.json: {0}; it is damaged, or not one")]
    Release(#[from] ReleaseError),
    #[error(
        "this release is of query {release}, and the journal was asked about {asked}: name the folder of that query, or ask \
         for optelsom-node journal {} --release", release.short()
    )]
    OtherQuery { release: QueryId, asked: QueryId },
    #[error("the folder's roster.toml: {0}")]
    Roster(#[from] RosterError),
    #[error("the folder's roster is not the one that the query names")]
    OtherRoster,
    #[error("the folder's roster: {0}")]
    Scope(#[from] ScopeError),
    #[error("the file commitments: {0}; it is damaged, or not one")]
    Form(#[from] CanonicalError),
    #[error("the file commitments: {0}")]
    Signatures(#[from] CommitmentsError),
    #[error("the release was made without this node")]
    Without,
    #[error("attempt {0} of the release has another submission than the one that this node sent")]
    Other(u32),
    #[error("the log, as this node has followed it, names no such release")]
    NotLogged,
}

/// One query, with all that this node knows of it.
struct Known {
    question: Question,
    events: Vec<Event>,
    entry: Option<QueryEntry>,
    /// Index in the log, and the checkpoint under which the gate was passed.
    gate: Option<(u64, Hash256)>,
    /// The attempt that this node voted to make final, and its statement.
    voted: Option<(u32, Hash256)>,
}

/// A line of the JSON journal.
#[derive(Serialize)]
struct Line<'a> {
    supplier: &'a SupplierId,
    query: QueryId,
    dataset: &'a str,
    edition: &'a str,
    purpose: &'a str,
    requester: &'a str,
    document: &'a str,
    index: Option<u64>,
    refused: Option<&'a str>,
    attempts: Vec<Sent>,
}

#[derive(Serialize)]
struct Sent {
    attempt: u32,
    submission: Option<String>,
    statement: Option<Hash256>,
}

impl Journal {
    pub(super) fn run(&self, configuration: &Configuration) -> Outcome {
        let (store, known) = Runtime::new()?.block_on(self.known(configuration.state()))?;
        if self.format == Format::Json {
            for known in &known {
                let line = serde_json::to_string(&known.line(configuration.supplier()));
                print_line(line.map_err(JournalError::from)?)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let codebook = configuration.read_codebook()?;
        if known.is_empty() {
            print_line("Nothing has been asked of this node.")?;
        }
        for known in &known {
            describe(&known.question, &codebook)?;
            if self.query.is_some() {
                known.print()?;
            }
        }
        let Some(one) = known.first().filter(|_| self.query.is_some()) else { return Ok(ExitCode::SUCCESS) };
        if self.table {
            match one.table(configuration) {
                Ok(table) => print(table)?,
                Err(cause) => print_line(format_args!("  the table cannot be counted once more: {cause}"))?,
            }
        }
        let Some(folder) = &self.release else { return Ok(ExitCode::SUCCESS) };
        match Runtime::new()?.block_on(one.in_release(&store, configuration.supplier(), folder))? {
            Ok(attempt) => {
                print_line(format_args!(
                    "  the release has what this node committed to in attempt {attempt}, and the log names it (its table is not \
                     checked here: `optelsom verify` does that)"
                ))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(cause) => {
                complain(format_args!("optelsom-node: {}: {cause}", folder.display()));
                Ok(CHECK_FAILED.into())
            }
        }
    }

    /// The queries that passed the gate, latest first; or the one that was named.
    async fn known(&self, state: &Path) -> Result<(Store, Vec<Known>), JournalError> {
        let store = Store::open(state).await?;
        store.stop_waiting_for_what_is_over(now()).await?;
        let questions = match &self.query {
            Some(digits) => vec![find(&store, digits).await?],
            None => store.questions("").await?,
        };
        let mut known = Vec::with_capacity(questions.len());
        for question in questions {
            let events = store.events(&question.query).await?;
            let gate = store.passed(&question.query).await?.map(|passed| (passed.index, passed.checkpoint));
            let record = store.record(&question.query).await?;
            let voted = record.as_ref().and_then(|record| record.voted_final());
            let voted = voted.map(|(attempt, statement)| (attempt.number(), statement));
            let entry = record.map(|record| record.question().entry.clone());
            known.push(Known { question, events, entry, gate, voted });
        }
        Ok((store, known))
    }
}

impl Known {
    /// Each attempt that something was sent to, and the digest of the masked table.
    fn sent(&self) -> impl Iterator<Item = (u32, Option<&[u8]>)> {
        self.events.iter().filter_map(|event| {
            let attempt = event.event.strip_prefix(SUBMITTED)?.parse().ok()?;
            Some((attempt, event.digest.as_deref()))
        })
    }

    fn print(&self) -> Result<(), OutputError> {
        match self.gate {
            Some((index, checkpoint)) => print_line(format_args!(
                "  passed the gate: entry {index} of the log, under the checkpoint {checkpoint}"
            ))?,
            None => print_line("  did not pass the gate")?,
        }
        if self.events.iter().any(|event| event.event.starts_with(SIGNED_FINAL)) {
            print_line("  passed the guard, and was made final here")?;
        }
        for event in &self.events {
            let digest = event.digest.as_ref().map(|digest| format!("  sha256 {}", hex::encode(digest)));
            print_line(format_args!("  {}  {}{}", event.at, event.event, digest.unwrap_or_default()))?;
        }
        Ok(())
    }

    fn line<'a>(&'a self, supplier: &'a SupplierId) -> Line<'a> {
        let statement = |number| self.voted.filter(|(attempt, _)| *attempt == number).map(|(_, statement)| statement);
        let mut attempts: Vec<Sent> = Vec::new();
        for (attempt, digest) in self.sent() {
            // Sent once more is the same submission.
            if attempts.iter().all(|sent| sent.attempt != attempt) {
                attempts.push(Sent { attempt, submission: digest.map(hex::encode), statement: statement(attempt) });
            }
        }
        Line {
            supplier,
            query: self.question.query,
            dataset: &self.question.dataset,
            edition: &self.question.edition,
            purpose: &self.question.purpose,
            requester: &self.question.requester,
            document: &self.question.document,
            index: self.gate.map(|(index, _)| index),
            refused: self.events.iter().find_map(|event| event.event.strip_prefix(REFUSED)),
            attempts,
        }
    }

    /// What the query counts here, as long as edition and agreement are those of then.
    fn table(&self, configuration: &Configuration) -> Result<String, Box<dyn std::error::Error>> {
        let codebook = configuration.read_codebook()?;
        let agreement = configuration.read_agreement(&codebook)?;
        let query = Query::from_json(&codebook, &self.question.document)?;
        let suppliers = self.entry.as_ref().map_or(0, |entry| entry.scope.len());
        let store = EditionStore::new(configuration.state());
        let purpose = Some(self.question.purpose.as_str());
        let here = Here { codebook: &codebook, agreement: &agreement, bindings: None, store: &store };
        let preview = Preview::new(here, query, purpose, now(), suppliers)?;
        Ok(preview.in_words(Lang::En).to_string())
    }

    /// Checks that the release in this folder has what this node sent; yields the attempt.
    async fn in_release(
        &self,
        store: &Store,
        supplier: &SupplierId,
        folder: &Path,
    ) -> Result<Result<u32, NotInRelease>, StoreError> {
        let (attempt, digest) = match self.signed(supplier, folder) {
            Ok(found) => found,
            Err(cause) => return Ok(Err(cause)),
        };
        let logged = self.logged(store, &digest).await?;
        Ok(if logged { Ok(attempt) } else { Err(NotInRelease::NotLogged) })
    }

    /// The attempt of the release, all of whose signatures hold, and the digest of its commitments.
    fn signed(&self, supplier: &SupplierId, folder: &Path) -> Result<(u32, Hash256), NotInRelease> {
        let file = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|cause| NotInRelease::File { path, cause })
        };
        // First of all: what is told of another query's files would blame whoever brings them.
        let release = Release::from_json(&file("release.json")?)?.query();
        let asked = self.question.query;
        if release != asked {
            return Err(NotInRelease::OtherQuery { release, asked });
        }
        let entry = self.entry.as_ref().ok_or(NotInRelease::NoRecord)?;
        let roster = Roster::parse(&String::from_utf8_lossy(&file("roster.toml")?))?;
        if roster.hash() != entry.roster {
            return Err(NotInRelease::OtherRoster);
        }
        let bytes = file("commitments")?;
        let submissions = SignedSubmissions::from_bytes(&bytes, entry.id(), entry.roster)?;
        let attempt = submissions.certificate().certificate.attempt;
        let scope = roster.select(&entry.scope)?;
        submissions.verify(&Verifier::new(entry.id(), attempt, &scope, Rules::all()))?;
        let header = submissions.header(supplier).ok_or(NotInRelease::Without)?;
        // Of one attempt a node signs one submission: the certificate names it, and its table is the one sent.
        let sent = self.sent().any(|(number, digest)| {
            number == attempt.number() && digest == Some(header.table_digest.as_bytes().as_slice())
        });
        if !sent {
            return Err(NotInRelease::Other(attempt.number()));
        }
        Ok((attempt.number(), Hash256::of(&bytes)))
    }

    /// Whether the node's own copy of the log names these commitments as released for the query.
    async fn logged(&self, store: &Store, commitments: &Hash256) -> Result<bool, StoreError> {
        let Some((query, _)) = self.gate else { return Ok(false) };
        let mut from = query;
        loop {
            let entries = store.log_entries(from, AT_ONCE).await?;
            if entries.is_empty() {
                return Ok(false);
            }
            let mut named = entries.iter().filter_map(|bytes| match Entry::from_bytes(bytes) {
                Ok(Entry::Release(release)) if release.query == query => Some(release.participants),
                _ => None,
            });
            if let Some(participants) = named.next_back() {
                return Ok(participants == *commitments);
            }
            from = from.saturating_add(entries.len() as u64);
        }
    }
}
