//! Bytes as files, for decoders that read files: in a folder of each thread's own.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::sample::good;

thread_local! {
    static FOLDER: TempDir = good(tempfile::tempdir());
}

/// The path of this name in the thread's folder.
pub(super) fn path(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}

/// Writes a file of this name, its owner's alone, in the place of one that is there; yields its path.
pub(super) fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    good(opened.and_then(|mut file| file.write_all(bytes)));
    path
}

/// Writes a file and hands its path on.
pub(super) fn with<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    read(&write(name, bytes))
}
