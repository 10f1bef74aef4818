//! What would be sent, byte for byte, without anybody to send it to.

use std::collections::BTreeMap;
use std::sync::Arc;

use optelsom_codebook::Hash256;

use super::SupplierConfig;
use super::submit::Maker;
use crate::entropy::{Draws, Entropy};
use crate::mask::MaskError;
use crate::messages::{Attempt, EncryptedShare, Participants, SubmissionHeader};
use crate::pairwise::PairSecret;
use crate::question::Question;
use crate::round::Verifier;
use crate::table::{MaskedTable, PreparedTable};

/// A submission as it would leave, made with peers that do not exist.
#[derive(Debug)]
pub struct Rehearsal {
    /// The signed header.
    pub header: SubmissionHeader,
    /// The sealed shares.
    pub shares: Vec<EncryptedShare>,
    /// The masked table.
    pub table: Arc<MaskedTable>,
}

/// Makes the submission that this table would become if all of the question's scope took part, with made-up secrets in
/// place of the peers'. Bytes, sizes and forms are those of a real one; for an operator to look at.
///
/// # Errors
/// When the cipher cannot be set up.
pub fn rehearse(
    config: &SupplierConfig,
    question: &Question,
    table: &PreparedTable,
    entropy: &Entropy,
) -> Result<Rehearsal, MaskError> {
    let scope = question.scope();
    let verifier = Verifier::new(question.id(), Attempt::FIRST, scope, config.rules);
    let draws = Draws::new(entropy, verifier.round());
    let no_card = Hash256::from_bytes([0; 32]);
    let entries = scope.members().iter().map(|member| (member.supplier.clone(), no_card)).collect();
    let participants = Participants::new(entries).map_err(|_| MaskError)?;
    let peers = participants.peers_of(&config.supplier).enumerate();
    let secrets: BTreeMap<_, _> =
        peers.map(|(index, peer)| (peer.clone(), PairSecret::rehearsed(&draws, index))).collect();
    let maker = Maker {
        config,
        round: verifier.round(),
        attempt: Attempt::FIRST,
        participants: &participants,
        secrets: &secrets,
        threshold: scope.recovery_threshold(),
        draws,
    };
    let made = maker.submission(table)?;
    Ok(Rehearsal { header: made.header, shares: made.shares, table: made.table })
}
