//! A checkpoint (C2SP tlog-checkpoint): origin, size and root, signed by the log (C2SP signed-note).

use optelsom_codebook::Hash256;
use signed_note::{Note, Signature as NoteSignature, VerificationError, Verifier, Verifiers};
use thiserror::Error;
use tlog_tiles::Checkpoint;

use crate::identity::Signature;
use crate::note::cosignature::Cosignature;
use crate::note::key::{KeyName, LogKey, LogVerifier};
use crate::proof::{ProofError, TreeHead, foreign};

/// The most signatures that a note may carry: verifiers need not take more (C2SP signed-note), and the log's own is
/// one of them.
pub const MAX_NOTE_SIGNATURES: usize = 16;

/// Why a checkpoint is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// No signed note.
    #[error("the checkpoint is no signed note")]
    Note,
    /// More signatures than verifiers must take.
    #[error("the checkpoint carries {0} signatures; {MAX_NOTE_SIGNATURES} are the most that verifiers take")]
    TooManySignatures(usize),
    /// Not origin, size and root, or anything more than these.
    #[error("the checkpoint's text is not an origin, a size and a root")]
    Body,
    /// Of another log.
    #[error("the checkpoint is of log `{found}`; log `{wanted}` is the one to go by")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: KeyName,
    },
    /// Not signed by the log.
    #[error("the checkpoint does not carry the signature of log `{0}`")]
    Unsigned(KeyName),
    /// Size or root that no log has.
    #[error(transparent)]
    Head(#[from] ProofError),
}

/// A checkpoint whose log signature has been checked. Cosignatures on it have not.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedCheckpoint {
    origin: KeyName,
    head: TreeHead,
    body: Vec<u8>,
    log_line: NoteSignature,
    other_lines: Vec<NoteSignature>,
}

/// The log's key as `signed_note` asks for it. Stricter than the crate's own: small-order keys and malleable
/// signatures are refused.
struct OneLog<'a>(&'a LogVerifier);

impl Verifier for OneLog<'_> {
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    fn key_id(&self) -> u32 {
        self.0.key_id()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(bytes) = <[u8; 64]>::try_from(signature) else { return false };
        self.0.identity().verify(message, &Signature::from_bytes(bytes)).is_ok()
    }
}

impl Verifiers for OneLog<'_> {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == self.name() && id == self.key_id() {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}

impl SignedCheckpoint {
    /// Signs the head of the log.
    ///
    /// # Errors
    /// Never for a key whose name is a [`KeyName`]; the formats' libraries report what they cannot write.
    pub fn sign(head: TreeHead, key: &LogKey) -> Result<Self, CheckpointError> {
        let verifier = key.verifier();
        let body = Checkpoint::new(verifier.name().as_str(), head.size(), foreign(head.root()), "")
            .map_err(|_| CheckpointError::Body)?
            .to_bytes();
        let signature = key.secret().sign(&body);
        let name = verifier.name().to_string();
        let log_line = NoteSignature::new(name, verifier.key_id(), signature.as_bytes().to_vec())
            .map_err(|_| CheckpointError::Note)?;
        Ok(Self { origin: verifier.name().clone(), head, body, log_line, other_lines: Vec::new() })
    }

    /// Reads a checkpoint and checks its origin and the log's signature.
    ///
    /// # Errors
    /// When it is malformed, of another log, or not signed by it.
    pub fn parse(bytes: &[u8], log: &LogVerifier) -> Result<Self, CheckpointError> {
        let note = Note::from_bytes(bytes).map_err(|_| CheckpointError::Note)?;
        let body = note.text().to_vec();
        let text = Checkpoint::from_bytes(&body).map_err(|_| CheckpointError::Body)?;
        // Extension lines are for logs that have something more to say; this one has not, and lets nothing ride along.
        if !text.extension().is_empty() || text.to_bytes() != body {
            return Err(CheckpointError::Body);
        }
        if text.origin() != log.name().as_str() {
            let found = text.origin().chars().take(200).collect();
            return Err(CheckpointError::Origin { found, wanted: log.name().clone() });
        }
        let unsigned = || CheckpointError::Unsigned(log.name().clone());
        let (mut verified, other_lines) = note.verify(&OneLog(log)).map_err(|_| unsigned())?;
        let log_line = verified.pop().ok_or_else(unsigned)?;
        if 1 + other_lines.len() > MAX_NOTE_SIGNATURES {
            return Err(CheckpointError::TooManySignatures(1 + other_lines.len()));
        }
        let head = TreeHead::new(text.size(), Hash256::from_bytes(text.hash().0))?;
        Ok(Self { origin: log.name().clone(), head, body, log_line, other_lines })
    }

    /// The name of the log.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// The text that log and witnesses sign.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// SHA-256 of the signed text: by it the cards of a round name their checkpoint.
    pub fn digest(&self) -> Hash256 {
        Hash256::of(&self.body)
    }

    /// The signature lines beside the log's own that have the form of a cosignature, unchecked.
    pub fn cosignatures(&self) -> Vec<Cosignature> {
        self.other_lines.iter().filter_map(Cosignature::from_line).collect()
    }

    /// How many signature lines there are beside the log's own, of whatever form.
    pub fn other_signatures(&self) -> usize {
        self.other_lines.len()
    }

    /// The checkpoint with these cosignatures in the place of those it had.
    ///
    /// # Errors
    /// When there are more than verifiers take.
    pub fn with_cosignatures(&self, cosignatures: &[Cosignature]) -> Result<Self, CheckpointError> {
        if 1 + cosignatures.len() > MAX_NOTE_SIGNATURES {
            return Err(CheckpointError::TooManySignatures(1 + cosignatures.len()));
        }
        let other_lines = cosignatures.iter().map(Cosignature::to_line).collect::<Result<_, _>>()?;
        Ok(Self { other_lines, ..self.clone() })
    }

    /// The signed note.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.clone();
        bytes.push(b'\n');
        bytes.extend(self.log_line.to_bytes());
        bytes.extend(self.other_lines.iter().flat_map(NoteSignature::to_bytes));
        bytes
    }
}
