//! What the lower of two participants sends to the higher.

use std::fmt;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::{IdentityKey, Signature};

use crate::fault::FaultKind;
use crate::messages::{Participants, VerifiedCard};
use crate::round::{Round, Verifier};

/// The length of an X-Wing ciphertext in bytes.
pub const CIPHERTEXT_BYTES: usize = x_wing::CIPHERTEXT_SIZE;

/// An X-Wing ciphertext to the key on the recipient's card. Not believed before it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Encapsulation {
    /// The participant with the lower name.
    pub from: SupplierId,
    /// The participant with the higher name.
    pub to: SupplierId,
    /// The ciphertext.
    pub ciphertext: Box<[u8; CIPHERTEXT_BYTES]>,
    /// By the sender, over the round, P, the ciphertext and the recipient's card.
    pub signature: Signature,
}

impl Encapsulation {
    /// Signs a ciphertext for the owner of this card.
    pub fn sign(
        key: &IdentityKey,
        round: &Round,
        participants: &Participants,
        from: SupplierId,
        to: &VerifiedCard,
        ciphertext: Box<[u8; CIPHERTEXT_BYTES]>,
    ) -> Self {
        let signature = Signature::from_bytes([0; 64]);
        let mut made = Self { from, to: to.card().supplier.clone(), ciphertext, signature };
        made.signature = key.sign(&made.transcript(round, &participants.hash(), &to.digest()));
        made
    }

    /// Checks the signature for this P and this card of the recipient.
    ///
    /// # Errors
    /// When the sender is not in the scope or the signature does not fit.
    pub fn verify(
        &self,
        verifier: &Verifier<'_>,
        participants: &Participants,
        card: &Hash256,
    ) -> Result<(), FaultKind> {
        let bytes = self.transcript(verifier.round(), &participants.hash(), card);
        verifier.signature(&self.from, "encapsulation", &bytes, &self.signature)
    }

    fn transcript(&self, round: &Round, participants: &Hash256, card: &Hash256) -> Vec<u8> {
        round
            .statement("encapsulation")
            .bytes(participants.as_bytes())
            .text(self.from.as_str())
            .text(self.to.as_str())
            .bytes(&self.ciphertext[..])
            .bytes(card.as_bytes())
            .finish()
    }
}

impl fmt::Debug for Encapsulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Encapsulation").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}
