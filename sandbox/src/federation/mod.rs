//! A federation in one folder: its layout, its keys and certificates, and running it.

mod credentials;
mod folder;
mod generate;
mod running;

use std::path::{Path, PathBuf};

use optelsom_codebook::IdError;
use optelsom_coordinator::authority::AuthorityError;
use optelsom_ledger::RosterError;
use optelsom_ledger::note::{CommitteeError, KeyError};
use optelsom_proto::RoleError;
use optelsom_proto::key_file::KeyFileError;
use thiserror::Error;

use crate::files::WriteError;

pub use credentials::prepare;
pub use folder::Folder;
pub use generate::{SEED, generate};
pub use running::{Federation, Listening, RunError};

/// Why a federation's folder cannot be made or used. The operator of this machine mends it.
#[derive(Debug, Error)]
pub enum FolderError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Made-up records cannot be written.
    #[error(transparent)]
    Records(#[from] WriteError),
    /// The folder for an example is in use.
    #[error("{0} is not empty; name a folder that is, or does not exist yet")]
    NotEmpty(PathBuf),
    /// Not a federation.
    #[error("{0} is missing; `optelsom-sandbox generate DIR` writes a whole federation as an example")]
    Missing(PathBuf),
    /// A supplier's folder has a name that no supplier can have.
    #[error("{path} cannot be a supplier's folder: {cause}")]
    SupplierName {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: IdError,
    },
    /// The suppliers make no roster.
    #[error("these suppliers make no federation: {0}")]
    Roster(#[from] RosterError),
    /// A key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The name of a key of the log.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The suppliers cannot witness a log.
    #[error("these suppliers cannot witness a log: {0}")]
    Committee(#[from] CommitteeError),
    /// A name that no certificate can carry.
    #[error(transparent)]
    Role(#[from] RoleError),
}

impl FolderError {
    fn file(path: &Path, cause: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), cause }
    }
}

fn write(path: &Path, text: &str) -> Result<(), FolderError> {
    std::fs::write(path, text).map_err(|cause| FolderError::file(path, cause))
}

fn create(path: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(path).map_err(|cause| FolderError::file(path, cause))
}
