//! Writes the built-in federation out: codebook, and for each supplier configuration, agreement and records.

use super::{Folder, FolderError, create, write};
use crate::data::national::Registration;
use crate::data::suspects::suspects;
use crate::suppliers::Supplier;

/// The seed of the built-in federation's records.
pub const SEED: u64 = 20_241_231;

/// Writes these registrations, and the suspects of [`SEED`], as the built-in federation into a folder that is empty or does not exist yet.
///
/// # Errors
/// The folder is in use, or cannot be written to.
pub async fn generate(folder: &Folder, registrations: &[Registration]) -> Result<(), FolderError> {
    create(folder.path())?;
    let mut entries = std::fs::read_dir(folder.path()).map_err(|cause| FolderError::file(folder.path(), cause))?;
    if entries.next().is_some() {
        return Err(FolderError::NotEmpty(folder.path().to_owned()));
    }
    write(&folder.codebook(), optelsom_codebook::BUILTIN_TOML)?;
    let suspects = suspects(SEED);
    for supplier in Supplier::ALL {
        let own = folder.supplier(supplier.name());
        create(&own)?;
        write(&own.join("node.toml"), supplier.configuration())?;
        write(&own.join("agreement.toml"), supplier.agreement())?;
        supplier.write_records(&own, registrations).await?;
        supplier.write_suspects(&own, &suspects)?;
    }
    Ok(())
}
