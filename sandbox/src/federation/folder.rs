//! Where things lie in a federation's folder.
//!
//! ```text
//! codebook.toml
//! suppliers/<name>/node.toml, agreement.toml, and the supplier's files
//! ```
//!
//! What `up` adds where it is missing: `authority/`, `coordinator.toml`, `coordinator/`, `roster.toml`, `trust.toml`, `analyst/`,
//! `operator/`, `auditor/`, and each supplier's `identity.key`, `witness.key`, `trust.toml`, `node.pem`, `node.key` and `state/`.

use std::path::{Path, PathBuf};

use optelsom_codebook::SupplierId;

use super::FolderError;

/// A federation's folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, whole: what is printed of it can be used from anywhere.
    ///
    /// # Errors
    /// The current folder cannot be told.
    pub fn at(path: &Path) -> Result<Self, FolderError> {
        std::path::absolute(path).map(Self).map_err(|cause| FolderError::file(path, cause))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What can be asked.
    pub fn codebook(&self) -> PathBuf {
        self.0.join("codebook.toml")
    }

    /// Who may answer and ask.
    pub fn roster(&self) -> PathBuf {
        self.0.join("roster.toml")
    }

    /// The bureau's certificate authority.
    pub fn authority(&self) -> PathBuf {
        self.0.join("authority")
    }

    /// The coordinator's configuration.
    pub fn coordinator_configuration(&self) -> PathBuf {
        self.0.join("coordinator.toml")
    }

    /// The coordinator's certificate and store.
    pub fn coordinator(&self) -> PathBuf {
        self.0.join("coordinator")
    }

    /// The analyst's keys and configuration.
    pub fn analyst(&self) -> PathBuf {
        self.0.join("analyst")
    }

    /// The analyst's configuration.
    pub fn analyst_configuration(&self) -> PathBuf {
        self.analyst().join("analyst.toml")
    }

    /// The certificate of the bureau's operator.
    pub fn operator(&self) -> PathBuf {
        self.0.join("operator")
    }

    /// The log's public key and its witnesses.
    pub fn trust(&self) -> PathBuf {
        self.0.join("trust.toml")
    }

    /// The certificate of an auditor.
    pub fn auditor(&self) -> PathBuf {
        self.0.join("auditor")
    }

    /// The suppliers' folders.
    pub fn suppliers(&self) -> PathBuf {
        self.0.join("suppliers")
    }

    /// One supplier's folder.
    pub fn supplier(&self, name: &str) -> PathBuf {
        self.suppliers().join(name)
    }

    /// One supplier's `node.toml`.
    pub fn node_configuration(&self, name: &str) -> PathBuf {
        self.supplier(name).join("node.toml")
    }

    /// The names of the folders that have a `node.toml`, in order.
    ///
    /// # Errors
    /// There is no folder of suppliers, it cannot be read, or one of them has a name that no supplier can have.
    pub fn supplier_names(&self) -> Result<Vec<SupplierId>, FolderError> {
        let suppliers = self.suppliers();
        if !suppliers.is_dir() {
            return Err(FolderError::Missing(suppliers));
        }
        let refused = |cause| FolderError::file(&suppliers, cause);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&suppliers).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let Some(name) = path.file_name().filter(|_| path.join("node.toml").is_file()) else { continue };
            let name = SupplierId::try_from(name.to_string_lossy().as_ref());
            names.push(name.map_err(|cause| FolderError::SupplierName { path: path.clone(), cause })?);
        }
        names.sort();
        Ok(names)
    }
}
