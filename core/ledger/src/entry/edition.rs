//! An edition: the moment at which every supplier freezes its extract of a dataset.
//!
//! Bytes: `optelsom/1`, `entry/edition`, dataset, name of the edition, moment (milliseconds since 1970), the
//! coordinator's signature (64 bytes).

use optelsom_codebook::{EditionId, Timestamp};

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::Body;
use crate::entry::signing::{SigningError, read_signature, signed_bytes, verify_operator};
use crate::identity::{IdentityKey, PublicIdentity, Signature};

/// The announcement of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionEntry {
    /// The dataset.
    pub dataset: String,
    /// Its name.
    pub edition: EditionId,
    /// The moment of freezing.
    pub frozen_at: Timestamp,
    /// The coordinator's.
    pub signature: Signature,
}

fn body(dataset: &str, edition: &EditionId, frozen_at: Timestamp) -> Writer {
    Writer::new(EditionEntry::STATEMENT).text(dataset).text(edition.as_str()).number(frozen_at.as_millis())
}

impl EditionEntry {
    /// Announces an edition, as the coordinator.
    pub fn sign(dataset: String, edition: EditionId, frozen_at: Timestamp, key: &IdentityKey) -> Self {
        let signature = key.sign(&signed_bytes(&body(&dataset, &edition, frozen_at).finish()));
        Self { dataset, edition, frozen_at, signature }
    }

    /// Checks the coordinator's signature.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn verify(&self, operator: &PublicIdentity) -> Result<(), SigningError> {
        let body = body(&self.dataset, &self.edition, self.frozen_at).finish();
        verify_operator(operator, "edition", &body, &self.signature)
    }
}

impl Body for EditionEntry {
    const STATEMENT: &'static str = "entry/edition";

    fn write(&self, writer: Writer) -> Writer {
        writer
            .text(&self.dataset)
            .text(self.edition.as_str())
            .number(self.frozen_at.as_millis())
            .bytes(self.signature.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
        let dataset = reader.text()?.to_owned();
        let edition = EditionId::try_from(reader.text()?).map_err(|_| reader.wrong("the name of an edition"))?;
        let frozen_at = Timestamp::from_millis(reader.number()?);
        Ok(Self { dataset, edition, frozen_at, signature: read_signature(reader)? })
    }
}
