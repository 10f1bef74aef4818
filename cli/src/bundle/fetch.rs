//! Putting a bundle together from what the coordinator serves beside its log.
//!
//! Where the entries lie nobody has to say: the log is read from its end backwards until the query and the documents that
//! it names are found.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use optelsom_codebook::{Hash256, QueryId};
use optelsom_ledger::audit::{CHECKPOINT, Files, document_path, release_folder};
use optelsom_ledger::entry::{Entry, ParticipantsEntry, Subject};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{TilePath, Tiles, prove_inclusion, read_bundle, tiles_for_inclusion};
use optelsom_ledger::{QueryEntry, Trust};
use tempfile::TempDir;

use super::logged::LoggedEntry;
use super::{MANIFEST, NAMED, QUESTION, RELEASED, Step, manifest};
use crate::audit::export::Source;
use crate::failure::Failure;
use crate::publication::parent;

/// How long to wait until the release stands in the log and enough witnesses have seen it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Fetches the files of the bundle of a query that was answered.
///
/// # Errors
/// When there is no such release, it is not witnessed in good time, or what is served is not this log.
pub async fn fetch(source: &mut Source, trust: &Trust, query: &QueryId) -> Result<Files, Failure> {
    let looking = async {
        loop {
            if let Some(found) = look(source, trust, query).await? {
                return Ok::<_, Failure>(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await.map_err(|_| {
        Failure::NotAnswered(format!(
            "no release of query {query} stands in the log as enough witnesses have seen it; try again later"
        ))
    })??;
    let mut files = found.files;
    for (name, digest) in found.documents {
        files.insert(name.to_owned(), must_read(source, &document_path(&digest)).await?);
    }
    let folder = release_folder(query);
    for name in RELEASED {
        files.insert(name.to_owned(), must_read(source, &format!("{folder}{name}")).await?);
    }
    let manifest = manifest::manifest(&files);
    files.insert(MANIFEST.to_owned(), manifest);
    Ok(files)
}

async fn must_read(source: &mut Source, path: &str) -> Result<Vec<u8>, Failure> {
    let found = source.read(path).await?;
    found.ok_or_else(|| Failure::Answer(format!("it does not serve {path}, of which the log speaks")))
}

/// The logged entries, and the digests of the documents that the query names.
struct Found {
    files: Files,
    documents: Vec<(&'static str, Hash256)>,
}

/// One look at the log as it is served now; none while the release is not in it, or not witnessed.
async fn look(source: &mut Source, trust: &Trust, query: &QueryId) -> Result<Option<Found>, Failure> {
    let Some(bytes) = source.read(CHECKPOINT).await? else { return Ok(None) };
    let checkpoint =
        SignedCheckpoint::parse(&bytes, trust.log()).map_err(|cause| Failure::Answer(cause.to_string()))?;
    if trust.committee().check(&checkpoint).is_err() {
        return Ok(None);
    }
    let head = *checkpoint.head();
    let Some(scan) = scan(source, head.size(), query).await? else { return Ok(None) };
    let Some(entries) = scan.entries() else { return Ok(None) };
    let mut files = Files::new();
    for (step, (index, leaf)) in Step::ALL.into_iter().zip(entries) {
        let wrong = |cause: String| Failure::Answer(format!("entry {index} of its log: {cause}"));
        let mut tiles = Tiles::new();
        for path in tiles_for_inclusion(&head, index).map_err(|cause| wrong(cause.to_string()))? {
            // The log grew, and what was its end is there no longer.
            let Some(tile) = source.read(&path.to_string()).await? else { return Ok(None) };
            tiles.insert(path, tile);
        }
        let proof = prove_inclusion(&head, index, &tiles).map_err(|cause| wrong(cause.to_string()))?;
        let logged = LoggedEntry { index, leaf, proof, checkpoint: bytes.clone() };
        files.insert(step.file().to_owned(), logged.to_bytes());
    }
    let documents = scan.documents()?;
    Ok(Some(Found { files, documents }))
}

/// What was met on the way back from the log's end.
#[derive(Default)]
struct Scan {
    query: Option<(u64, Leaf, QueryEntry)>,
    /// By the index of the query that they are about.
    about: BTreeMap<u64, Vec<(u64, Leaf, Entry)>>,
    /// What each document is called by those who name it.
    documents: BTreeMap<(Subject, Hash256), Hash256>,
}

/// Reads the log backwards until everything is found; none where it grew meanwhile.
async fn scan(source: &mut Source, size: u64, query: &QueryId) -> Result<Option<Scan>, Failure> {
    let bundles: Vec<TilePath> = TilePath::all(size).take_while(|tile| tile.level().is_none()).collect();
    let mut scan = Scan::default();
    for tile in bundles.into_iter().rev() {
        let Some(bytes) = source.read(&tile.to_string()).await? else { return Ok(None) };
        let leaves = read_bundle(&bytes, tile.width()).map_err(|cause| Failure::Answer(format!("{tile}: {cause}")))?;
        for (leaf, index) in leaves.into_iter().zip(tile.index() * 256..) {
            scan.meet(index, leaf, query);
        }
        if scan.complete() {
            break;
        }
    }
    Ok(Some(scan))
}

impl Scan {
    fn meet(&mut self, index: u64, leaf: Leaf, wanted: &QueryId) {
        // What cannot be read is nothing that is looked for; an audit finds it.
        let Ok(entry) = Entry::from_bytes(leaf.as_bytes()) else { return };
        match entry {
            Entry::Query(query) if query.id() == *wanted => self.query = Some((index, leaf, query)),
            Entry::Document(document) => {
                let change = document.change();
                self.documents.insert((change.subject.clone(), change.named), change.document);
            }
            Entry::Authorisation(_) | Entry::Participants(_) | Entry::Final(_) | Entry::Release(_) => {
                let Some(about) = entry.about() else { return };
                self.about.entry(about).or_default().push((index, leaf, entry));
            }
            _ => {}
        }
        // Of other queries nothing is kept once this one is found.
        if let Some((at, ..)) = &self.query {
            self.about.retain(|about, _| about == at);
        }
    }

    fn named(&self) -> Option<[(&'static str, Option<Hash256>); 3]> {
        let (_, _, entry) = self.query.as_ref()?;
        let hashes = [entry.codebook, entry.roster, entry.disclosure_policy];
        let mut hashes = hashes.into_iter();
        Some(NAMED.map(|(file, subject)| {
            let named = hashes.next().and_then(|named| self.documents.get(&(subject, named)).copied());
            (file, named)
        }))
    }

    fn complete(&self) -> bool {
        self.named().is_some_and(|named| named.iter().all(|(_, document)| document.is_some()))
    }

    fn documents(&self) -> Result<Vec<(&'static str, Hash256)>, Failure> {
        let question = self.query.iter().map(|(_, _, entry)| (QUESTION, Some(entry.query)));
        let named = question.chain(self.named().into_iter().flatten());
        let missing = |file| Failure::Answer(format!("its log names no {file} for the query"));
        named.map(|(file, document)| Ok((file, document.ok_or_else(|| missing(file))?))).collect()
    }

    /// The entries of a bundle, in its order; none while one is missing.
    fn entries(&self) -> Option<[(u64, Leaf); 5]> {
        let (at, leaf, _) = self.query.as_ref()?;
        let about = self.about.get(at)?;
        let first = |wanted: &dyn Fn(&Entry) -> bool| about.iter().find(|(_, _, entry)| wanted(entry));
        let finality = first(&|entry| matches!(entry, Entry::Final(_)))?;
        let Entry::Final(certified) = &finality.2 else { return None };
        let of_finality = |entry: &(u64, Leaf, Entry)| {
            entry.0 == certified.participants && matches!(entry.2, Entry::Participants(ParticipantsEntry { .. }))
        };
        let found = [
            first(&|entry| matches!(entry, Entry::Authorisation(_)))?,
            about.iter().find(|entry| of_finality(entry))?,
            finality,
            first(&|entry| matches!(entry, Entry::Release(_)))?,
        ];
        let [authorisation, participants, finality, release] = found.map(|(index, leaf, _)| (*index, leaf.clone()));
        Some([(*at, leaf.clone()), authorisation, participants, finality, release])
    }
}

/// Writes the files into a new folder, all or nothing.
///
/// # Errors
/// When there is one of that name, or it cannot be written.
pub fn write(files: &Files, folder: &Path) -> Result<(), Failure> {
    refuse_existing(folder)?;
    let parent = parent(folder);
    let failed = |cause| Failure::file(folder, cause);
    let partial = TempDir::new_in(parent).map_err(failed)?;
    for (name, bytes) in files {
        crate::audit::folder::write(&partial.path().join(name), bytes).map_err(failed)?;
    }
    fs::rename(partial.keep(), folder).map_err(failed)
}

/// A bundle makes a new folder.
///
/// # Errors
/// When there is something of that name.
pub fn refuse_existing(folder: &Path) -> Result<(), Failure> {
    let exists = || Failure::Usage(format!("{} exists; a release bundle makes a new folder", folder.display()));
    if folder.exists() { Err(exists()) } else { Ok(()) }
}

/// Reads the files of a bundle.
///
/// # Errors
/// When the folder cannot be read, or has something else than plain files.
pub fn read(folder: &Path) -> Result<Files, Failure> {
    let failed = |cause| Failure::file(folder, cause);
    let mut files = Files::new();
    for item in fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let path = item.path();
        let name = item.file_name().into_string().ok().filter(|_| item.file_type().is_ok_and(|kind| kind.is_file()));
        let name = name.ok_or_else(|| Failure::contents(&path, "a release bundle has plain files only"))?;
        files.insert(name, fs::read(&path).map_err(|cause| Failure::file(&path, cause))?);
    }
    Ok(files)
}
