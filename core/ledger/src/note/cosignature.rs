//! A witness's word that a checkpoint continues all those it saw before (C2SP tlog-cosignature, cosignature/v1).
//!
//! Signed is `cosignature/v1`, newline, `time ` and the POSIX time in seconds, newline, and the checkpoint's text. The
//! note's line carries the key id, the time in 8 bytes, big-endian, and the Ed25519 signature.

use optelsom_codebook::Timestamp;
use signed_note::Signature as NoteSignature;
use thiserror::Error;

use crate::identity::Signature;
use crate::note::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::note::key::{Cosigner, CosignerKey, KeyName};

/// Why a cosignature is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CosignatureError {
    /// Of another key than the one it is checked with.
    #[error("the cosignature is not by the key of witness `{0}`")]
    OtherKey(KeyName),
    /// The signature does not fit.
    #[error("the cosignature of witness `{0}` does not fit the checkpoint")]
    Signature(KeyName),
}

/// A cosignature, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    name: KeyName,
    key_id: u32,
    seconds: u64,
    signature: Signature,
}

fn message(seconds: u64, body: &[u8]) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {seconds}\n").into_bytes();
    message.extend_from_slice(body);
    message
}

impl CosignerKey {
    /// Cosigns a checkpoint at this moment. To be called by [`crate::witness`] only, which knows whether it may.
    pub(crate) fn cosign(&self, checkpoint: &SignedCheckpoint, now: Timestamp) -> Cosignature {
        let seconds = now.as_millis() / 1000;
        let verifier = self.verifier();
        Cosignature {
            name: verifier.name().clone(),
            key_id: verifier.key_id(),
            seconds,
            signature: self.secret().sign(&message(seconds, checkpoint.body())),
        }
    }
}

impl Cosigner {
    /// Checks this witness's cosignature on a checkpoint; yields the moment that it names.
    ///
    /// # Errors
    /// When it is of another key or does not fit.
    pub fn verify(
        &self,
        checkpoint: &SignedCheckpoint,
        cosignature: &Cosignature,
    ) -> Result<Timestamp, CosignatureError> {
        if !cosignature.is_by(self) {
            return Err(CosignatureError::OtherKey(self.name().clone()));
        }
        let message = message(cosignature.seconds, checkpoint.body());
        self.identity()
            .verify(&message, &cosignature.signature)
            .map_err(|_| CosignatureError::Signature(self.name().clone()))?;
        Ok(Timestamp::from_millis(cosignature.seconds.saturating_mul(1000)))
    }
}

impl Cosignature {
    /// Whether it claims to be by this witness.
    pub fn is_by(&self, cosigner: &Cosigner) -> bool {
        self.name == *cosigner.name() && self.key_id == cosigner.key_id()
    }

    /// The name of the key it claims to be by.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The line as it stands in a note, without its newline at the end.
    ///
    /// # Errors
    /// Never for a name that is a [`KeyName`].
    pub fn to_text(&self) -> Result<String, CheckpointError> {
        let line = String::from_utf8(self.to_line()?.to_bytes()).map_err(|_| CheckpointError::Note)?;
        Ok(line.trim_end_matches('\n').to_owned())
    }

    /// Reads a line of a note.
    ///
    /// # Errors
    /// When it has not the form of a cosignature.
    pub fn parse(line: &str) -> Result<Self, CheckpointError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = NoteSignature::from_bytes(line.as_bytes()).map_err(|_| CheckpointError::Note)?;
        Self::from_line(&line).ok_or(CheckpointError::Note)
    }

    pub(super) fn from_line(line: &NoteSignature) -> Option<Self> {
        let name = KeyName::try_from(line.name()).ok()?;
        let (seconds, signature) = line.signature().split_first_chunk::<8>()?;
        let signature = Signature::from_bytes(signature.try_into().ok()?);
        Some(Self { name, key_id: line.id(), seconds: u64::from_be_bytes(*seconds), signature })
    }

    pub(super) fn to_line(&self) -> Result<NoteSignature, CheckpointError> {
        let bytes = self.seconds.to_be_bytes().into_iter().chain(*self.signature.as_bytes()).collect();
        NoteSignature::new(self.name.to_string(), self.key_id, bytes).map_err(|_| CheckpointError::Note)
    }
}
