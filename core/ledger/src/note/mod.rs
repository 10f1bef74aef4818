//! Checkpoints of the log and the cosignatures of its witnesses, as C2SP signed-note, tlog-checkpoint and
//! tlog-cosignature lay them down, so that tools made elsewhere can check them.

mod checkpoint;
mod committee;
mod cosignature;
mod key;

pub use checkpoint::{CheckpointError, MAX_NOTE_SIGNATURES, SignedCheckpoint};
pub use committee::{Committee, CommitteeError, Witnessed};
pub use cosignature::{Cosignature, CosignatureError};
pub use key::{Cosigner, CosignerKey, KeyError, KeyName, LogKey, LogVerifier};
