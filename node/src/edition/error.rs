//! Why an edition cannot be kept or opened.

use std::io;
use std::path::{Path, PathBuf};

use optelsom_codebook::{EditionId, Hash256};
use parquet::errors::ParquetError;

/// Why an edition cannot be kept or opened. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// There is one already.
    #[error("edition {edition} of `{dataset}` exists already, and an edition never changes. Freeze under another name")]
    Exists {
        /// The dataset.
        dataset: String,
        /// The edition.
        edition: EditionId,
    },
    /// There is none.
    #[error(
        "there is no edition {edition} of `{dataset}`: freeze it first, with optelsom-node freeze {dataset} --edition {edition}"
    )]
    Absent {
        /// The dataset.
        dataset: String,
        /// The edition.
        edition: EditionId,
    },
    /// Somebody else is freezing the dataset.
    #[error("another freeze of `{dataset}` is running; wait until it ends")]
    Busy {
        /// The dataset.
        dataset: String,
    },
    /// A name that cannot be a folder.
    #[error("`{}` is no name for a dataset's folder", .dataset.escape_debug())]
    Name {
        /// The dataset.
        dataset: String,
    },
    /// Writing failed.
    #[error("cannot write {}: {cause}. {}; nothing was kept", path.display(), mend(cause))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Reading failed.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// It is not as it was written.
    #[error("{} is damaged: {what}. Restore it from a backup; if there is none, freeze a new edition", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// It was frozen under another codebook.
    #[error(
        "edition {edition} of `{dataset}` was frozen under codebook {frozen_under}, and this node's is {current}: freeze a \
         new edition under the codebook that is in force"
    )]
    OtherCodebook {
        /// The dataset.
        dataset: String,
        /// The edition.
        edition: EditionId,
        /// The version and digest that the edition names.
        frozen_under: String,
        /// The codebook in force.
        current: Hash256,
    },
}

fn mend(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "The disk is full: make room and freeze again",
        io::ErrorKind::FileTooLarge => {
            "This program may write no larger file: raise the limit (ulimit -f) and freeze again"
        }
        io::ErrorKind::PermissionDenied => "Give this program the right to write there",
        _ => "See that the folder is there and the disk is sound",
    }
}

impl EditionError {
    pub(super) fn writing(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |cause| Self::Write { path: path.to_owned(), cause }
    }

    pub(super) fn reading(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |cause| Self::Read { path: path.to_owned(), cause }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// What the Parquet writer said, with what the operating system said to it.
    pub(super) fn parquet_writing(path: &Path) -> impl Fn(ParquetError) -> Self + '_ {
        |error| {
            let cause = match error {
                ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                    Ok(cause) => *cause,
                    Err(other) => io::Error::other(other),
                },
                other => io::Error::other(other),
            };
            Self::Write { path: path.to_owned(), cause }
        }
    }
}
