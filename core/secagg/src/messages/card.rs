//! The card with which a supplier joins an attempt.

use std::fmt;

use optelsom_codebook::{EditionId, Hash256, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::{IdentityKey, Signature};

use crate::fault::FaultKind;
use crate::round::{Round, Verifier};

/// The length of an X-Wing public key in bytes.
pub const PUBLIC_KEY_BYTES: usize = x_wing::ENCAPSULATION_KEY_SIZE;

/// "I join this attempt, with this fresh key, on the ground of this checkpoint." Not believed before it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    /// Who joins.
    pub supplier: SupplierId,
    /// Its X-Wing public key for this attempt alone.
    pub public_key: Box<[u8; PUBLIC_KEY_BYTES]>,
    /// The log's checkpoint that its gate used.
    pub checkpoint: Hash256,
    /// The edition that its table was counted from.
    pub edition: EditionId,
    /// By the supplier, over the round and all of the above.
    pub signature: Signature,
}

impl Card {
    /// Makes and signs a card.
    pub fn sign(
        key: &IdentityKey,
        round: &Round,
        supplier: SupplierId,
        public_key: Box<[u8; PUBLIC_KEY_BYTES]>,
        checkpoint: Hash256,
        edition: EditionId,
    ) -> Self {
        let signature = Signature::from_bytes([0; 64]);
        let mut card = Self { supplier, public_key, checkpoint, edition, signature };
        card.signature = key.sign(&card.transcript(round).finish());
        card
    }

    /// Checks signature and membership of the scope.
    ///
    /// # Errors
    /// When the supplier is not in the scope or the signature does not fit.
    pub fn verify(self, verifier: &Verifier<'_>) -> Result<VerifiedCard, FaultKind> {
        let transcript = self.transcript(verifier.round());
        verifier.signature(&self.supplier, "card", &transcript.clone().finish(), &self.signature)?;
        Ok(VerifiedCard { digest: transcript.digest(), card: self })
    }

    /// What stands for the card in the list of participants: SHA-256 of all that is signed.
    pub fn digest(&self, round: &Round) -> Hash256 {
        self.transcript(round).digest()
    }

    fn transcript(&self, round: &Round) -> Writer {
        round
            .statement("card")
            .text(self.supplier.as_str())
            .bytes(&self.public_key[..])
            .bytes(self.checkpoint.as_bytes())
            .text(self.edition.as_str())
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Card")
            .field("supplier", &self.supplier)
            .field("checkpoint", &self.checkpoint)
            .field("edition", &self.edition)
            .finish_non_exhaustive()
    }
}

/// A card whose signature fits a member of the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCard {
    card: Card,
    digest: Hash256,
}

impl VerifiedCard {
    /// The card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its digest.
    pub fn digest(&self) -> Hash256 {
        self.digest
    }
}
