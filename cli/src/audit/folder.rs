//! An exported log as a folder.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use optelsom_ledger::audit::Files;
use tempfile::NamedTempFile;

use super::trust::COPY;
use crate::failure::Failure;

/// The deepest that files of an export lie.
const DEEPEST: usize = 12;

/// What lies in the folder of an export.
#[derive(Debug)]
pub struct Export {
    /// The files of the log by their paths.
    pub files: Files,
    /// The copy of a trust file, not to be trusted.
    pub trust: Option<Vec<u8>>,
}

impl Export {
    /// Reads the whole folder.
    ///
    /// # Errors
    /// When something in it cannot be read, or is no plain file.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let mut files = Files::new();
        gather(folder, "", 0, &mut files)?;
        if files.is_empty() {
            return Err(Failure::contents(folder, "the folder is empty; name the folder of an export"));
        }
        let trust = files.remove(COPY);
        Ok(Self { files, trust })
    }
}

fn gather(folder: &Path, prefix: &str, depth: usize, files: &mut Files) -> Result<(), Failure> {
    let failed = |cause| Failure::file(folder, cause);
    for item in fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let (path, kind) = (item.path(), item.file_type().map_err(failed)?);
        let name = item.file_name();
        let name = name.to_str().ok_or_else(|| Failure::contents(&path, "no file of an export has such a name"))?;
        let within = format!("{prefix}{name}");
        if kind.is_dir() && depth < DEEPEST {
            gather(&path, &format!("{within}/"), depth + 1, files)?;
        } else if kind.is_file() {
            files.insert(within, fs::read(&path).map_err(|cause| Failure::file(&path, cause))?);
        } else {
            return Err(Failure::contents(
                &path,
                "an export has plain files only; take this away and look who put it here",
            ));
        }
    }
    Ok(())
}

/// Writes one file whole or not at all.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
