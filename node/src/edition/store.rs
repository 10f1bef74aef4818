//! The folder of editions: `editions/<dataset>/<edition>/` with `extract.parquet` and `manifest.json`.

use std::fs::{File, Permissions, TryLockError};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use optelsom_codebook::{Codebook, EditionId};
use optelsom_proto::private;
use tempfile::TempDir;

use super::extract::ExtractWriter;
use super::{Batch, Edition, EditionError, Layout, Manifest, Origin, Summary};

pub(super) const EXTRACT: &str = "extract.parquet";
const MANIFEST: &str = "manifest.json";
/// What a folder is called until it is whole. No edition's name begins with a point.
const UNFINISHED: &str = ".freezing-";
const LOCK: &str = ".lock";

/// All editions of one node.
#[derive(Clone, Debug)]
pub struct EditionStore {
    state: PathBuf,
    folder: PathBuf,
}

impl EditionStore {
    /// The editions within the node's state folder.
    pub fn new(state: &Path) -> Self {
        Self { state: state.to_owned(), folder: state.join("editions") }
    }

    /// The editions of a dataset, in order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn editions(&self, dataset: &str) -> Result<Vec<EditionId>, EditionError> {
        let folder = self.dataset(dataset)?;
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(EditionError::Read { path: folder, cause }),
        };
        let mut editions = Vec::new();
        for entry in entries {
            let name = entry.map_err(EditionError::reading(&folder))?.file_name();
            editions.extend(name.to_str().and_then(|name| EditionId::try_from(name).ok()));
        }
        editions.sort();
        Ok(editions)
    }

    /// The edition that a question means when it names none: the last by name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn latest(&self, dataset: &str) -> Result<Option<EditionId>, EditionError> {
        Ok(self.editions(dataset)?.pop())
    }

    /// Reads what an edition says of itself.
    ///
    /// # Errors
    /// When there is no such edition, or its manifest is damaged.
    pub fn manifest(&self, dataset: &str, edition: &EditionId) -> Result<Manifest, EditionError> {
        let path = self.dataset(dataset)?.join(edition.as_str()).join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(EditionError::Absent { dataset: dataset.to_owned(), edition: edition.clone() });
            }
            Err(cause) => return Err(EditionError::Read { path, cause }),
        };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| EditionError::damaged(&path, error.to_string()))?;
        let origin = manifest.origin();
        if !manifest.is_known() {
            return Err(EditionError::damaged(&path, "a later version of this program wrote it"));
        }
        if origin.dataset != dataset || &origin.edition != edition {
            return Err(EditionError::damaged(&path, "it speaks of another edition than its folder"));
        }
        Ok(manifest)
    }

    /// Opens an edition: its manifest, its length and its footer are checked. For its digest see [`Edition::verify`].
    ///
    /// # Errors
    /// When there is no such edition, it is damaged, or was frozen under another codebook.
    pub fn open(&self, dataset: &str, edition: &EditionId, codebook: &Codebook) -> Result<Edition, EditionError> {
        let manifest = self.manifest(dataset, edition)?;
        if manifest.origin().codebook != codebook.hash() {
            let origin = manifest.origin();
            return Err(EditionError::OtherCodebook {
                dataset: dataset.to_owned(),
                edition: edition.clone(),
                frozen_under: format!("{} ({})", origin.codebook_version, origin.codebook.short()),
                current: codebook.hash(),
            });
        }
        let folder = self.dataset(dataset)?.join(edition.as_str());
        Edition::open(folder.join(EXTRACT), manifest, codebook)
    }

    /// Begins an edition. It comes to be when the draft is finished; a draft that is dropped leaves nothing.
    ///
    /// # Errors
    /// When the edition exists, the dataset is being frozen elsewhere, or the folder cannot be written.
    pub fn begin(&self, dataset: &str, edition: &EditionId, layout: &Layout) -> Result<Draft, EditionError> {
        let folder = self.dataset(dataset)?;
        let target = folder.join(edition.as_str());
        if target.exists() {
            return Err(EditionError::Exists { dataset: dataset.to_owned(), edition: edition.clone() });
        }
        for path in [&self.state, &self.folder, &folder] {
            private::folder(path).map_err(|error| EditionError::writing(path)(error.into()))?;
        }
        let lock = lock(&folder, dataset)?;
        sweep(&folder)?;
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&folder)
            .map_err(EditionError::writing(&folder))?;
        let path = unfinished.path().join(EXTRACT);
        let file = private::new_file(&path).map_err(EditionError::writing(&path))?;
        let writer = ExtractWriter::new(BufWriter::with_capacity(1 << 20, file), layout)
            .map_err(EditionError::parquet_writing(&path))?;
        Ok(Draft { writer, path, unfinished, folder, target, _lock: lock })
    }

    fn dataset(&self, dataset: &str) -> Result<PathBuf, EditionError> {
        let plain = dataset.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain && !dataset.is_empty() {
            Ok(self.folder.join(dataset))
        } else {
            Err(EditionError::Name { dataset: dataset.to_owned() })
        }
    }
}

/// Held as long as a dataset is being frozen; the system lets go of it when the program ends, however it ends.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Not left to closing the file: a process that is just being started may hold a copy of it for a moment. If it
        // fails, closing does it a little later.
        let _ = self.0.unlock();
    }
}

fn lock(folder: &Path, dataset: &str) -> Result<Lock, EditionError> {
    let path = folder.join(LOCK);
    let file = private::file(&path).map_err(|error| EditionError::writing(&path)(error.into()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(EditionError::Busy { dataset: dataset.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(EditionError::Write { path, cause }),
    }
}

/// Removes what an interrupted freeze left. Only whoever holds the lock may.
fn sweep(folder: &Path) -> Result<(), EditionError> {
    for entry in std::fs::read_dir(folder).map_err(EditionError::reading(folder))? {
        let path = entry.map_err(EditionError::reading(folder))?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(UNFINISHED)) {
            std::fs::remove_dir_all(&path).map_err(EditionError::writing(&path))?;
        }
    }
    Ok(())
}

/// An edition that is being written.
pub struct Draft {
    writer: ExtractWriter<BufWriter<File>>,
    path: PathBuf,
    unfinished: TempDir,
    folder: PathBuf,
    target: PathBuf,
    _lock: Lock,
}

impl Draft {
    /// Adds rows.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, batch: &Batch) -> Result<(), EditionError> {
        self.writer.write(batch).map_err(EditionError::parquet_writing(&self.path))
    }

    /// Makes the edition: everything is on the disk before its name is.
    ///
    /// # Errors
    /// When something cannot be written; then there is no edition.
    pub fn finish(self, origin: Origin, summary: Summary) -> Result<Manifest, EditionError> {
        let (buffer, facts) = self.writer.finish().map_err(EditionError::parquet_writing(&self.path))?;
        let file = buffer.into_inner().map_err(|error| EditionError::writing(&self.path)(error.into_error()))?;
        file.sync_all().map_err(EditionError::writing(&self.path))?;
        let manifest = Manifest::new(origin, summary, facts);
        let path = self.unfinished.path().join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| EditionError::writing(&path)(std::io::Error::other(error)))?;
        let mut file = private::new_file(&path).map_err(EditionError::writing(&path))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(EditionError::writing(&path))?;
        sync_folder(self.unfinished.path())?;
        let dataset = manifest.origin().dataset.clone();
        std::fs::rename(self.unfinished.path(), &self.target).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
                EditionError::Exists { dataset, edition: manifest.origin().edition.clone() }
            }
            _ => EditionError::Write { path: self.target.clone(), cause },
        })?;
        // The folder has another name now; there is nothing left to sweep.
        let _ = self.unfinished.keep();
        sync_folder(&self.folder)?;
        Ok(manifest)
    }
}

fn sync_folder(folder: &Path) -> Result<(), EditionError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(EditionError::writing(folder))
}
