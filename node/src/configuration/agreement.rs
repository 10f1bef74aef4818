//! The agreement that this node keeps to.

use std::path::PathBuf;

use optelsom_codebook::{Agreement, AgreementErrors, Codebook};

use super::{Configuration, ConfigurationError, read};

/// Why the agreement cannot be used. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum AgreementFileError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ConfigurationError),
    /// It has mistakes.
    #[error("{}: {cause}", path.display())]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them.
        cause: AgreementErrors,
    },
    /// It is another supplier's.
    #[error("{} is the agreement of `{found}`, but this node is `{expected}`: take the right file", path.display())]
    OtherSupplier {
        /// The file.
        path: PathBuf,
        /// Whose agreement it is.
        found: String,
        /// Whose node this is.
        expected: String,
    },
}

impl Configuration {
    /// Reads this supplier's agreement.
    ///
    /// # Errors
    /// When it cannot be read, has mistakes, or is another supplier's.
    pub fn read_agreement(&self, codebook: &Codebook) -> Result<Agreement, AgreementFileError> {
        let path = self.agreement.clone();
        let agreement = Agreement::parse(&read(&path)?, codebook)
            .map_err(|cause| AgreementFileError::Mistakes { path: path.clone(), cause })?;
        if agreement.supplier() == &self.supplier {
            return Ok(agreement);
        }
        let (found, expected) = (agreement.supplier().to_string(), self.supplier.to_string());
        Err(AgreementFileError::OtherSupplier { path, found, expected })
    }
}
