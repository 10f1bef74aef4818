//! Freezing: a source is read once, every value becomes a code or a number, and the whole is kept as an edition.
//!
//! A value that stands for no code is never dropped or guessed, and a number past its bound never clipped: freezing then
//! fails, with all such values and where they stand, and keeps nothing.

mod cache;
mod complaint;
mod error;
mod rows;

use optelsom_codebook::{Codebook, EditionId, SupplierId, Timestamp};

pub use complaint::{Complaint, Complaints, Fault};
pub use error::FreezeError;

use crate::configuration::Binding;
use crate::edition::{Draft, EditionStore, Layout, Manifest, Origin, Summary};
use crate::source::Progress;
use rows::RowReader;

/// What is to be frozen.
#[derive(Clone, Copy, Debug)]
pub struct Freezing<'a> {
    /// How the dataset is bound.
    pub binding: &'a Binding,
    /// The codebook that the binding was read under.
    pub codebook: &'a Codebook,
    /// Whose records they are.
    pub supplier: &'a SupplierId,
    /// What the edition is called.
    pub edition: &'a EditionId,
    /// When it is frozen.
    pub frozen_at: Timestamp,
}

impl Freezing<'_> {
    /// Reads the source and keeps the edition. Memory stays bounded however long the source is.
    ///
    /// # Errors
    /// When the source is broken, a value stands for nothing, the edition exists already, or it cannot be written.
    /// Nothing is kept then.
    pub fn run(self, store: &EditionStore, progress: &mut dyn FnMut(Progress)) -> Result<Manifest, FreezeError> {
        let binding = self.binding;
        let mut draft = store.begin(binding.dataset(), self.edition, &layout(binding))?;
        let mut rows = RowReader::new(binding);
        binding.source().read(binding.columns(), progress, |place, fields| -> Result<(), FreezeError> {
            rows.read(place, fields)?;
            if rows.batch().is_full() { flush(&mut rows, &mut draft) } else { Ok(()) }
        })?;
        flush(&mut rows, &mut draft)?;
        let (summary, complaints) = rows.finish();
        if !complaints.is_empty() {
            return Err(FreezeError::Complaints(Box::new(complaints)));
        }
        let origin = Origin {
            supplier: self.supplier.clone(),
            dataset: binding.dataset().to_owned(),
            edition: self.edition.clone(),
            codebook_version: self.codebook.version().to_owned(),
            codebook: self.codebook.hash(),
            source: binding.source().kind().to_owned(),
            years: binding.years().map(|years| (*years.start(), *years.end())),
            frozen_at: self.frozen_at,
        };
        Ok(draft.finish(origin, summary)?)
    }
}

/// Reads a source as freezing does, and keeps nothing.
///
/// # Errors
/// When freezing would fail over the source or its values.
pub fn rehearse(binding: &Binding, progress: &mut dyn FnMut(Progress)) -> Result<Summary, FreezeError> {
    let mut rows = RowReader::new(binding);
    binding.source().read(binding.columns(), progress, |place, fields| -> Result<(), FreezeError> {
        rows.read(place, fields)?;
        if rows.batch().is_full() {
            rows.clear();
        }
        Ok(())
    })?;
    let (summary, complaints) = rows.finish();
    if complaints.is_empty() { Ok(summary) } else { Err(FreezeError::Complaints(Box::new(complaints))) }
}

fn flush(rows: &mut RowReader<'_>, draft: &mut Draft) -> Result<(), FreezeError> {
    // After a complaint nothing will be kept; the rest is read for further complaints only.
    if rows.complaints().is_empty() {
        draft.write(rows.batch())?;
    }
    rows.clear();
    Ok(())
}

/// The columns of the extract.
fn layout(binding: &Binding) -> Layout {
    Layout {
        variables: binding.variables().iter().map(|variable| variable.name.clone()).collect(),
        measures: binding.measures().iter().map(|measure| (measure.name.clone(), measure.optional)).collect(),
    }
}
