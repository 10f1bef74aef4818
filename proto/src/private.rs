//! Folders and files for their owner alone, whatever the umask says: 0700 and 0600.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;
/// Of a folder that many share, `/tmp` for instance.
const STICKY: u32 = 0o1000;

/// Why a folder or file is not the owner's alone. The operator's to mend.
#[derive(Debug, Error)]
pub enum PrivateError {
    /// Cannot be made or looked at.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Open to others, and not this program's to close.
    #[error(
        "{path} is open to others (mode {mode:04o}) and cannot be closed to them: {cause}; have its owner say chmod {wanted:o} {path}, or \
         name another place"
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
        /// What stands in the way.
        cause: io::Error,
    },
}

impl From<PrivateError> for io::Error {
    fn from(error: PrivateError) -> Self {
        let kind = match &error {
            PrivateError::File { cause, .. } | PrivateError::Open { cause, .. } => cause.kind(),
        };
        Self::new(kind, error)
    }
}

/// Makes a folder, and those above it that are missing. One that is there and open to others is closed to them, and the log
/// says so.
///
/// # Errors
/// When it cannot be made, or not be closed.
pub fn folder(path: &Path) -> Result<(), PrivateError> {
    make_folder(path)?;
    close(path, FOLDER)
}

/// Makes a folder, and those above it that are missing. One that is there is left as it is, since others may have a share
/// in it.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(path: &Path) -> Result<(), PrivateError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER).create(path);
    made.map_err(|cause| PrivateError::File { path: path.to_owned(), cause })
}

/// Opens a file for writing, and makes it where it is missing. One that is there is not emptied; one that is open to others
/// is closed to them, and the log says so.
///
/// # Errors
/// When it cannot be opened, or not be closed to others.
pub fn file(path: &Path) -> Result<File, PrivateError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE).open(path);
    let opened = opened.map_err(|cause| PrivateError::File { path: path.to_owned(), cause })?;
    close(path, FILE)?;
    Ok(opened)
}

/// Makes a file that is not there yet.
///
/// # Errors
/// When it is there, or cannot be made.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE).open(path)
}

/// Prepares the file of an SQLite database. Those beside it (`-wal`, `-shm`) get its permissions from SQLite; any that an
/// earlier process has left wider are closed as well.
///
/// # Errors
/// When one of them cannot be made, or not be closed to others.
pub fn database(path: &Path) -> Result<(), PrivateError> {
    file(path)?;
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        let beside = PathBuf::from(beside);
        if beside.exists() {
            close(&beside, FILE)?;
        }
    }
    Ok(())
}

fn close(path: &Path, wanted: u32) -> Result<(), PrivateError> {
    let found = fs::metadata(path).map_err(|cause| PrivateError::File { path: path.to_owned(), cause })?;
    let mode = found.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let closed = if found.is_dir() && mode & STICKY != 0 {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is a folder that many share"))
    } else {
        fs::set_permissions(path, Permissions::from_mode(wanted))
    };
    closed.map_err(|cause| PrivateError::Open { path: path.to_owned(), mode, wanted, cause })?;
    tracing::warn!("{} was open to others (mode {mode:04o}); from now on it is its owner's alone", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn open_to_all(path: &Path) {
        let wide = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(wide)).unwrap();
    }

    #[test]
    fn what_is_made_is_the_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let (outer, inner) = (place.path().join("a"), place.path().join("a/b"));
        folder(&inner).unwrap();
        assert_eq!((mode(&outer), mode(&inner)), (0o700, 0o700));
        file(&inner.join("file")).unwrap();
        new_file(&inner.join("new")).unwrap();
        assert_eq!((mode(&inner.join("file")), mode(&inner.join("new"))), (0o600, 0o600));
    }

    #[test]
    fn what_is_open_is_closed_and_keeps_what_it_holds() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("state");
        let paths = ["db", "db-wal", "db-shm"].map(|name| inner.join(name));
        fs::create_dir(&inner).unwrap();
        paths.iter().for_each(|path| fs::write(path, "kept").unwrap());
        paths.iter().chain([&inner]).for_each(|path| open_to_all(path));
        folder(&inner).unwrap();
        database(&inner.join("db")).unwrap();
        assert_eq!(mode(&inner), 0o700);
        for path in &paths {
            assert_eq!((mode(path), fs::read_to_string(path).unwrap()), (0o600, "kept".to_owned()));
        }
    }

    #[test]
    fn a_folder_of_many_is_left_alone_and_refused() {
        let place = tempfile::tempdir().unwrap();
        let shared = place.path().join("tmp");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
        let refused = folder(&shared).unwrap_err().to_string();
        assert!(refused.contains("open to others (mode 1777)") && refused.contains("many share"), "{refused}");
        assert_eq!(mode(&shared), 0o777);
        make_folder(&shared).unwrap();
        assert_eq!(mode(&shared), 0o777);
    }
}
