//! Fetching the whole log into a folder.
//!
//! What was fetched is kept in `DIR.partial` until all of it is there, and then renamed; whoever begins again goes on
//! from what is there. Only what can never change is taken up again: full tiles and documents.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use optelsom_codebook::{Lang, QueryId};
use optelsom_ledger::Trust;
use optelsom_ledger::audit::{CHECKPOINT, RELEASE_FILES, document_path, release_folder};
use optelsom_ledger::entry::Entry;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{TilePath, read_bundle};
use optelsom_proto::Credentials;
use optelsom_proto::dial::dial;
use optelsom_proto::v1::ledger_service_client::LedgerServiceClient;
use optelsom_proto::v1::{FilePart, ReadRequest};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use super::folder::write;
use super::trust::{Accepted, COPY};
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::progress::Fetched;
use crate::words::words;

/// How many files are fetched at once.
const AT_ONCE: usize = 8;
/// The longest file that is taken, in bytes.
const LONGEST: usize = 1 << 30;
/// How often the log may grow under one's hands before one gives up.
const TRIES: usize = 5;
/// What was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many entries the log has.
    pub entries: u64,
    /// How many files lie in the folder.
    pub files: usize,
    /// How many that the log names are not with the coordinator: for the audit to judge.
    pub missing: usize,
}

/// A connection that reads files of the log.
#[derive(Clone, Debug)]
pub struct Source(LedgerServiceClient<Channel>);

impl Source {
    /// Reads over this connection.
    pub fn new(channel: Channel) -> Self {
        Self(LedgerServiceClient::new(channel))
    }

    /// Connects as this configuration says; all of the federation may read the log.
    ///
    /// # Errors
    /// When the credentials cannot be used, or there is no connection.
    pub async fn open(configuration: &Configuration) -> Result<Self, Failure> {
        let credentials = Credentials::read(&configuration.certificate, &configuration.key, &configuration.authority)?;
        let connection = dial(&credentials, &configuration.target).await?;
        Ok(Self::new(connection.channel))
    }

    /// One file; none where there is none (yet).
    ///
    /// # Errors
    /// When the coordinator cannot be reached, or refuses.
    pub async fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let parts = match self.0.read(ReadRequest { path: path.to_owned() }).await {
            Ok(reply) => reply.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(status.into()),
        };
        whole(parts, path).await
    }
}

async fn whole(mut parts: Streaming<FilePart>, path: &str) -> Result<Option<Vec<u8>>, Failure> {
    let mut bytes = Vec::new();
    loop {
        match parts.message().await {
            Ok(Some(part)) => bytes.extend(part.bytes),
            Ok(None) => return Ok(Some(bytes)),
            Err(status) if status.code() == Code::NotFound && bytes.is_empty() => return Ok(None),
            Err(status) => return Err(status.into()),
        }
        if bytes.len() > LONGEST {
            return Err(Failure::Answer(format!("{path} is longer than any file of a log")));
        }
    }
}

/// Fetches everything into a new folder.
///
/// # Errors
/// When the folder exists, the coordinator cannot be reached, or what it serves is not this log.
pub async fn export(source: Source, accepted: &Accepted, folder: &Path, lang: Lang) -> Result<Exported, Failure> {
    refuse_existing(folder)?;
    let partial = partial(folder)?;
    fs::create_dir_all(&partial).map_err(|cause| Failure::file(&partial, cause))?;
    let mut export = Fetching { source, partial: partial.clone(), progress: Fetched::default(), lang };
    let exported = export.everything(&accepted.trust).await?;
    let copy = partial.join(COPY);
    write(&copy, accepted.copy().as_bytes()).map_err(|cause| Failure::file(&copy, cause))?;
    fs::rename(&partial, folder).map_err(|cause| Failure::file(folder, cause))?;
    Ok(exported)
}

/// An export makes a new folder.
///
/// # Errors
/// When there is one of that name.
pub fn refuse_existing(folder: &Path) -> Result<(), Failure> {
    let exists = || Failure::Usage(format!("{} exists; an export makes a new folder", folder.display()));
    if folder.exists() { Err(exists()) } else { Ok(()) }
}

fn partial(folder: &Path) -> Result<PathBuf, Failure> {
    let name = folder.file_name().ok_or_else(|| Failure::Usage("name a new folder with -o".to_owned()))?;
    let mut name = name.to_owned();
    name.push(".partial");
    Ok(folder.with_file_name(name))
}

struct Fetching {
    source: Source,
    partial: PathBuf,
    progress: Fetched,
    lang: Lang,
}

impl Fetching {
    async fn everything(&mut self, trust: &Trust) -> Result<Exported, Failure> {
        for _ in 0..TRIES {
            let size = self.checkpoint(trust).await?;
            let tiles: Vec<TilePath> = TilePath::all(size).collect();
            let wanted: Vec<String> = tiles.iter().map(ToString::to_string).collect();
            let kept = |path: &str| !path.contains(".p/");
            if !self.fetch(words(self.lang, "tegels", "tiles"), &wanted, &kept).await?.is_empty() {
                // The log grew, and what was its end is there no longer.
                continue;
            }
            let beside = self.beside(&tiles)?;
            let missing = self.fetch(words(self.lang, "documenten", "documents"), &beside, &|_| true).await?.len();
            let all: BTreeSet<String> = wanted.into_iter().chain(beside).chain([CHECKPOINT.to_owned()]).collect();
            clear(&self.partial, "", &all)?;
            return Ok(Exported { entries: size, files: all.len() + 1 - missing, missing });
        }
        Err(Failure::Unavailable("the log grows faster than it can be read".to_owned()))
    }

    /// The newest checkpoint; it must be the log's, whatever else an audit finds.
    async fn checkpoint(&mut self, trust: &Trust) -> Result<u64, Failure> {
        let bytes = self.source.read(CHECKPOINT).await?;
        let bytes =
            bytes.ok_or_else(|| Failure::NotAnswered("the coordinator has published no checkpoint yet".to_owned()))?;
        let checkpoint =
            SignedCheckpoint::parse(&bytes, trust.log()).map_err(|cause| Failure::Answer(cause.to_string()))?;
        self.store(CHECKPOINT, &bytes)?;
        Ok(checkpoint.head().size())
    }

    fn store(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.partial.join(path);
        write(&path, bytes).map_err(|cause| Failure::file(&path, cause))
    }

    /// Fetches what is not there yet, or may have changed; yields what the coordinator has not.
    async fn fetch(
        &mut self,
        what: &str,
        paths: &[String],
        kept: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>, Failure> {
        self.progress.begin(what, paths.len());
        let missing = paths.iter().filter(|path| !(kept(path) && self.partial.join(path).is_file()));
        let mut missing: Vec<String> = missing.cloned().collect();
        missing.reverse();
        self.progress.advance(paths.len() - missing.len());
        let (mut running, mut absent, mut failed) = (JoinSet::new(), Vec::new(), None);
        loop {
            while failed.is_none() && running.len() < AT_ONCE {
                let Some(path) = missing.pop() else { break };
                let mut source = self.source.clone();
                running.spawn(async move { source.read(&path).await.map(|bytes| (path, bytes)) });
            }
            let Some(done) = running.join_next().await else { return failed.map_or(Ok(absent), Err) };
            match done.map_err(|cause| Failure::Machine(cause.to_string())).flatten() {
                Ok((path, Some(bytes))) => self.store(&path, &bytes)?,
                Ok((path, None)) => absent.push(path),
                // What else is on its way is kept before it is told.
                Err(cause) => failed = failed.or(Some(cause)),
            }
            self.progress.advance(1);
        }
    }

    /// The documents that entries name, and the files of the releases.
    fn beside(&self, tiles: &[TilePath]) -> Result<Vec<String>, Failure> {
        let (mut paths, mut queries) = (BTreeSet::new(), Vec::<Option<QueryId>>::new());
        for tile in tiles.iter().take_while(|tile| tile.level().is_none()) {
            let path = self.partial.join(tile.to_string());
            let bytes = fs::read(&path).map_err(|cause| Failure::file(&path, cause))?;
            let leaves =
                read_bundle(&bytes, tile.width()).map_err(|cause| Failure::Answer(format!("{tile}: {cause}")))?;
            for leaf in leaves {
                // What cannot be read names nothing here; the audit finds it.
                let entry = Entry::from_bytes(leaf.as_bytes()).ok();
                paths.extend(entry.iter().filter_map(Entry::document).map(|document| document_path(&document)));
                if let Some(Entry::Release(release)) = &entry {
                    let query = usize::try_from(release.query).ok().and_then(|index| queries.get(index)).copied();
                    let folder = query.flatten().map(|query| release_folder(&query));
                    paths.extend(folder.iter().flat_map(|folder| RELEASE_FILES.map(|file| format!("{folder}{file}"))));
                }
                queries.push(entry.and_then(|entry| match entry {
                    Entry::Query(query) => Some(query.id()),
                    _ => None,
                }));
            }
        }
        Ok(paths.into_iter().collect())
    }
}

/// Takes away what an earlier, unfinished export left that does not belong to this one.
fn clear(folder: &Path, prefix: &str, all: &BTreeSet<String>) -> Result<(), Failure> {
    let failed = |cause| Failure::file(folder, cause);
    for item in fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let within = format!("{prefix}{}", item.file_name().to_string_lossy());
        if item.file_type().map_err(failed)?.is_dir() {
            clear(&item.path(), &format!("{within}/"), all)?;
            match fs::remove_dir(item.path()) {
                Err(cause) if cause.kind() != ErrorKind::DirectoryNotEmpty => return Err(failed(cause)),
                _ => {}
            }
        } else if !all.contains(&within) {
            fs::remove_file(item.path()).map_err(failed)?;
        }
    }
    Ok(())
}
