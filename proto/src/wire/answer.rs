//! What a supplier answers about one query.

use optelsom_codebook::{QueryId, RefusalReason};
use optelsom_secagg::messages::{
    AttemptFault, Disagreement, Encapsulation, EncryptedShare, FinalVote, Prepared, SelfMask, Share, SupplierMessage,
    VoidVote,
};

use super::WireError;
use super::certificates::{signed, statement};
use super::fields::{array, edition, list, query_id, signature, supplier, there};
use super::parts::attempt;
use crate::limits::SUPPLIERS;
use crate::v1;
use crate::v1::answer::Answer as Kind;

/// An answer with the query that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// λ.
    pub query: QueryId,
    /// What is answered.
    pub message: SupplierMessage,
}

impl TryFrom<v1::Answer> for Answer {
    type Error = WireError;

    fn try_from(wire: v1::Answer) -> Result<Self, WireError> {
        let query = query_id("answer.query", &wire.query)?;
        Ok(Self { query, message: message(there("answer.answer", wire.answer)?)? })
    }
}

fn message(wire: Kind) -> Result<SupplierMessage, WireError> {
    Ok(match wire {
        Kind::Ready(ready) => SupplierMessage::Ready {
            edition: edition("ready.edition", &ready.edition)?,
            signature: signature("ready.signature", &ready.signature)?,
        },
        Kind::Refused(refused) => SupplierMessage::Refused {
            reason: reason("refused.reason", &refused.reason)?,
            signature: signature("refused.signature", &refused.signature)?,
        },
        Kind::Card(made) => {
            SupplierMessage::Card { attempt: attempt(made.attempt)?, card: there("card.card", made.card)?.try_into()? }
        }
        Kind::Encapsulations(made) => SupplierMessage::Encapsulations {
            attempt: attempt(made.attempt)?,
            encapsulations: list("encapsulations", made.encapsulations, SUPPLIERS, Encapsulation::try_from)?,
        },
        Kind::Submission(submission) => SupplierMessage::Submission {
            attempt: attempt(submission.attempt)?,
            header: there("submission.header", submission.header)?.try_into()?,
            shares: list("submission.shares", submission.shares, SUPPLIERS, EncryptedShare::try_from)?,
        },
        Kind::Prepared(prepared) => {
            let (supplier, signature) = signed("prepared", there("prepared.statement", prepared.statement)?)?;
            SupplierMessage::Prepared {
                attempt: attempt(prepared.attempt)?,
                prepared: Prepared { supplier, signature },
            }
        }
        Kind::Final(vote) => {
            let (supplier, signature) = signed("final", there("final.vote", vote.vote)?)?;
            SupplierMessage::Final { attempt: attempt(vote.attempt)?, vote: FinalVote { supplier, signature } }
        }
        Kind::Opening(opening) => SupplierMessage::Opening {
            attempt: attempt(opening.attempt)?,
            self_mask: SelfMask::from_bytes(array("opening.self_mask", &opening.self_mask)?),
        },
        Kind::RecoveredShares(recovered) => SupplierMessage::RecoveredShares {
            attempt: attempt(recovered.attempt)?,
            shares: list("recovered_shares.shares", recovered.shares, SUPPLIERS, |share| {
                Ok((supplier("share.of", &share.of)?, Share::from_bytes(array("share.share", &share.share)?)))
            })?,
        },
        Kind::Void(void) => {
            let (supplier, signature) = signed("void", there("void.vote", void.vote)?)?;
            SupplierMessage::Void { vote: VoidVote { supplier, signature } }
        }
        Kind::CannotContinue(fault) => {
            SupplierMessage::CannotContinue { attempt: attempt(fault.attempt)?, cause: attempt_fault(&fault)? }
        }
    })
}

/// The reason code of a refusal.
///
/// # Errors
/// When this software knows no such code.
pub fn reason(field: &'static str, code: &str) -> Result<RefusalReason, WireError> {
    code.parse().map_err(|_| WireError::form(field, "a reason code that is known here"))
}

fn attempt_fault(wire: &v1::CannotContinue) -> Result<AttemptFault, WireError> {
    match v1::AttemptFault::try_from(wire.fault) {
        Ok(v1::AttemptFault::KeysLost) => Ok(AttemptFault::KeysLost),
        Ok(v1::AttemptFault::NotReady) => Ok(AttemptFault::NotReady),
        Ok(v1::AttemptFault::RefusesParticipants) => Ok(AttemptFault::RefusesParticipants),
        Ok(v1::AttemptFault::GuardRefuses) => Ok(AttemptFault::GuardRefuses),
        Ok(v1::AttemptFault::DisagreesWith) => Ok(AttemptFault::DisagreesWith {
            peer: supplier("cannot_continue.peer", &wire.peer)?,
            over: match v1::Disagreement::try_from(wire.over) {
                Ok(v1::Disagreement::Card) => Disagreement::Card,
                Ok(v1::Disagreement::Encapsulation) => Disagreement::Encapsulation,
                Ok(v1::Disagreement::Header) => Disagreement::Header,
                Ok(v1::Disagreement::Share) => Disagreement::Share,
                Ok(v1::Disagreement::Unspecified) | Err(_) => {
                    return Err(WireError::unknown("cannot_continue.over", wire.over));
                }
            },
        }),
        Ok(v1::AttemptFault::Unspecified) | Err(_) => Err(WireError::unknown("cannot_continue.fault", wire.fault)),
    }
}

fn cannot_continue(attempt: u32, cause: &AttemptFault) -> v1::CannotContinue {
    let mut wire = v1::CannotContinue { attempt, ..v1::CannotContinue::default() };
    let fault = match cause {
        AttemptFault::KeysLost => v1::AttemptFault::KeysLost,
        AttemptFault::NotReady => v1::AttemptFault::NotReady,
        AttemptFault::RefusesParticipants => v1::AttemptFault::RefusesParticipants,
        AttemptFault::GuardRefuses => v1::AttemptFault::GuardRefuses,
        AttemptFault::DisagreesWith { peer, over } => {
            wire.peer = peer.to_string();
            let over = match over {
                Disagreement::Card => v1::Disagreement::Card,
                Disagreement::Encapsulation => v1::Disagreement::Encapsulation,
                Disagreement::Header => v1::Disagreement::Header,
                Disagreement::Share => v1::Disagreement::Share,
            };
            wire.set_over(over);
            v1::AttemptFault::DisagreesWith
        }
    };
    wire.set_fault(fault);
    wire
}

/// An answer as it travels, or none for a chunk, which travels in a call of its own (see
/// [`table_part`](super::parts::table_part)).
pub fn answer(query: &QueryId, message: &SupplierMessage) -> Option<v1::Answer> {
    let kind = match message {
        SupplierMessage::Ready { edition, signature } => {
            Kind::Ready(v1::Ready { edition: edition.to_string(), signature: signature.as_bytes().to_vec() })
        }
        SupplierMessage::Refused { reason, signature } => {
            Kind::Refused(v1::Refused { reason: reason.code().to_owned(), signature: signature.as_bytes().to_vec() })
        }
        SupplierMessage::Card { attempt, card } => {
            Kind::Card(v1::CardMade { attempt: attempt.number(), card: Some(card.into()) })
        }
        SupplierMessage::Encapsulations { attempt, encapsulations } => Kind::Encapsulations(v1::Encapsulations {
            attempt: attempt.number(),
            encapsulations: encapsulations.iter().map(Into::into).collect(),
        }),
        SupplierMessage::Submission { attempt, header, shares } => Kind::Submission(v1::Submission {
            attempt: attempt.number(),
            header: Some(header.into()),
            shares: shares.iter().map(Into::into).collect(),
        }),
        SupplierMessage::Chunk(_) => return None,
        SupplierMessage::Prepared { attempt, prepared } => Kind::Prepared(v1::Prepared {
            attempt: attempt.number(),
            statement: Some(statement(&prepared.supplier, &prepared.signature)),
        }),
        SupplierMessage::Final { attempt, vote } => {
            Kind::Final(v1::Final { attempt: attempt.number(), vote: Some(statement(&vote.supplier, &vote.signature)) })
        }
        SupplierMessage::Opening { attempt, self_mask } => {
            Kind::Opening(v1::Opening { attempt: attempt.number(), self_mask: self_mask.as_bytes().to_vec() })
        }
        SupplierMessage::RecoveredShares { attempt, shares } => Kind::RecoveredShares(v1::RecoveredShares {
            attempt: attempt.number(),
            shares: shares
                .iter()
                .map(|(of, share)| v1::Share { of: of.to_string(), share: share.as_bytes().to_vec() })
                .collect(),
        }),
        SupplierMessage::Void { vote } => {
            Kind::Void(v1::Voided { vote: Some(statement(&vote.supplier, &vote.signature)) })
        }
        SupplierMessage::CannotContinue { attempt, cause } => {
            Kind::CannotContinue(cannot_continue(attempt.number(), cause))
        }
    };
    Some(v1::Answer { query: query.as_bytes().to_vec(), answer: Some(kind) })
}
