//! How many witnesses must have seen a checkpoint before anybody goes by it.
//!
//! Of w witnesses f may lie. ⌈(w+f+1)/2⌉ cosignatures are wanted: two such sets share at least f+1 witnesses, so one
//! honest witness would have had to cosign both sides of a fork.

use optelsom_codebook::Timestamp;
use thiserror::Error;

use crate::note::checkpoint::{MAX_NOTE_SIGNATURES, SignedCheckpoint};
use crate::note::cosignature::CosignatureError;
use crate::note::key::{Cosigner, KeyName};

/// Why a committee, or a checkpoint before it, is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitteeError {
    /// More than a note has room for.
    #[error("{0} witnesses are too many: a note takes the log's signature and 15 more; log a committee of at most 15")]
    TooMany(usize),
    /// A name or key stands twice.
    #[error("witness `{0}` stands twice in the committee, by name or by key")]
    Twice(KeyName),
    /// Fewer liars allowed for than suppliers may collude.
    #[error(
        "the committee allows for {faulty} lying witnesses, but {collusion} suppliers may collude; f must be at least c"
    )]
    TooTrusting {
        /// f.
        faulty: usize,
        /// c.
        collusion: usize,
    },
    /// More liars allowed for than honest cosignatures could outvote.
    #[error("{witnesses} witnesses of which {faulty} may lie can never suffice; there must be more than {faulty}")]
    Unreachable {
        /// w.
        witnesses: usize,
        /// f.
        faulty: usize,
    },
    /// A witness's cosignature does not fit.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
    /// Too few cosignatures.
    #[error("{found} witnesses have cosigned the checkpoint; {wanted} are wanted")]
    TooFew {
        /// How many valid ones there are.
        found: usize,
        /// ⌈(w+f+1)/2⌉.
        wanted: usize,
    },
}

/// The witnesses, and how many of them may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    cosigners: Vec<Cosigner>,
    faulty: usize,
}

/// A checkpoint that enough witnesses have seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Witnessed {
    checkpoint: SignedCheckpoint,
    by: Vec<(KeyName, Timestamp)>,
}

impl Witnessed {
    /// The checkpoint.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Which witnesses cosigned it, and when each says it did.
    pub fn by(&self) -> &[(KeyName, Timestamp)] {
        &self.by
    }
}

impl Committee {
    /// A committee of these witnesses of which f may lie, in a federation where c may collude.
    ///
    /// # Errors
    /// When there are more than 15, one stands twice, f is below c, or not even all of them would suffice.
    pub fn new(cosigners: Vec<Cosigner>, faulty: usize, collusion: usize) -> Result<Self, CommitteeError> {
        let witnesses = cosigners.len();
        if witnesses >= MAX_NOTE_SIGNATURES {
            return Err(CommitteeError::TooMany(witnesses));
        }
        for (place, one) in cosigners.iter().enumerate() {
            let twice = |other: &&Cosigner| other.name() == one.name() || other.identity() == one.identity();
            if cosigners.iter().take(place).any(|other| twice(&other)) {
                return Err(CommitteeError::Twice(one.name().clone()));
            }
        }
        if faulty < collusion {
            return Err(CommitteeError::TooTrusting { faulty, collusion });
        }
        if witnesses <= faulty {
            return Err(CommitteeError::Unreachable { witnesses, faulty });
        }
        Ok(Self { cosigners, faulty })
    }

    /// The witnesses.
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }

    /// f: how many of them may lie.
    pub fn faulty(&self) -> usize {
        self.faulty
    }

    /// ⌈(w+f+1)/2⌉.
    pub fn wanted(&self) -> usize {
        (self.cosigners.len() + self.faulty + 1).div_ceil(2)
    }

    /// Checks that enough witnesses have cosigned. Lines by keys outside the committee count for nothing; a line by one
    /// of its keys that does not fit condemns the whole note, as C2SP signed-note asks.
    ///
    /// # Errors
    /// When a cosignature does not fit, or there are too few.
    pub fn check(&self, checkpoint: &SignedCheckpoint) -> Result<Witnessed, CommitteeError> {
        let cosignatures = checkpoint.cosignatures();
        let mut by = Vec::new();
        for cosigner in &self.cosigners {
            for (nth, cosignature) in cosignatures.iter().filter(|line| line.is_by(cosigner)).enumerate() {
                let at = cosigner.verify(checkpoint, cosignature)?;
                if nth == 0 {
                    by.push((cosigner.name().clone(), at));
                }
            }
        }
        let (found, wanted) = (by.len(), self.wanted());
        if found < wanted {
            return Err(CommitteeError::TooFew { found, wanted });
        }
        Ok(Witnessed { checkpoint: checkpoint.clone(), by })
    }

    /// The signature lines of a checkpoint, beside the log's own, that none of the witnesses wrote.
    pub fn strangers(&self, checkpoint: &SignedCheckpoint) -> usize {
        let known = |line: &crate::note::Cosignature| self.cosigners.iter().any(|cosigner| line.is_by(cosigner));
        checkpoint.other_signatures() - checkpoint.cosignatures().iter().filter(|line| known(line)).count()
    }
}
