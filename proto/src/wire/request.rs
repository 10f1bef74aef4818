//! What the coordinator asks of a supplier about one query.

use std::sync::Arc;

use optelsom_codebook::QueryId;
use optelsom_secagg::messages::{
    Card, Certificate, CoordinatorMessage, Encapsulation, FinalCertificate, RelayedHeader, RelayedShare, RoundOutcome,
};
use prost::Message;
use prost::bytes::Bytes;

use super::WireError;
use super::fields::{embedded, hash, list, query_id, supplier, there};
use super::ledger::Evidence;
use super::parts::attempt;
use super::query::Asked;
use crate::limits::SUPPLIERS;
use crate::v1;
use crate::v1::request::Request as Kind;

/// A request with the query that it is about, and the document where it brings one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// λ.
    pub query: QueryId,
    /// What is asked.
    pub message: CoordinatorMessage,
    /// Beside an Ask: the canonical query document, whose digest (plain SHA-256) is the entry's.
    pub document: Option<Vec<u8>>,
    /// Beside an Ask: the disclosure policy. The entry names its digest, which is for the receiver to compare.
    pub policy: Option<Vec<u8>>,
    /// Beside an Ask: that the query stands in the log.
    pub evidence: Option<Evidence>,
}

/// What travels beside a query's entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// The canonical query document.
    pub query: Vec<u8>,
    /// The disclosure policy in canonical bytes.
    pub policy: Vec<u8>,
    /// That the query stands in the log.
    pub evidence: Option<Evidence>,
}

impl TryFrom<v1::Request> for Request {
    type Error = WireError;

    fn try_from(wire: v1::Request) -> Result<Self, WireError> {
        let query = query_id("request.query", &wire.query)?;
        let (mut document, mut policy, mut evidence) = (None, None, None);
        let message = match there("request.request", wire.request)? {
            Kind::Ask(mut ask) => {
                policy = Some(std::mem::take(&mut ask.policy));
                evidence = ask.evidence.take().map(Evidence::try_from).transpose()?;
                let asked = Asked::try_from(ask)?;
                if asked.query().entry.id() != query {
                    return Err(WireError::form("request.query", "the leaf hash of the entry"));
                }
                let (query, text) = asked.into_parts();
                document = Some(text);
                CoordinatorMessage::Ask { query }
            }
            other => message(other)?,
        };
        Ok(Self { query, message, document, policy, evidence })
    }
}

fn message(wire: Kind) -> Result<CoordinatorMessage, WireError> {
    Ok(match wire {
        Kind::Ask(ask) => CoordinatorMessage::Ask { query: Asked::try_from(ask)?.into_parts().0 },
        Kind::Join(join) => CoordinatorMessage::Join {
            attempt: attempt(join.attempt)?,
            checkpoint: hash("join.checkpoint", &join.checkpoint)?,
        },
        Kind::Pair(pair) => CoordinatorMessage::Pair {
            attempt: attempt(pair.attempt)?,
            cards: {
                let v1::Cards { cards } = embedded("pair.cards", pair.cards)?;
                list("pair.cards", cards, SUPPLIERS, Card::try_from)?.into()
            },
        },
        Kind::Exchange(exchange) => CoordinatorMessage::Exchange {
            attempt: attempt(exchange.attempt)?,
            encapsulations: list(
                "exchange.encapsulations",
                exchange.encapsulations,
                SUPPLIERS,
                Encapsulation::try_from,
            )?
            .into(),
        },
        Kind::Certify(certify) => CoordinatorMessage::Certify {
            attempt: attempt(certify.attempt)?,
            headers: {
                let v1::RelayedHeaders { headers } = embedded("certify.headers", certify.headers)?;
                list("certify.headers", headers, SUPPLIERS, RelayedHeader::try_from)?.into()
            },
            shares: list("certify.shares", certify.shares, SUPPLIERS, RelayedShare::try_from)?,
        },
        Kind::Finalise(finalise) => {
            let certificate: v1::Certificate = embedded("finalise.certificate", finalise.certificate)?;
            CoordinatorMessage::Finalise { certificate: Arc::new(certificate.try_into()?) }
        }
        Kind::Open(open) => {
            CoordinatorMessage::Open { certificate: final_certificate("open.certificate", open.certificate)? }
        }
        Kind::RecoverShares(recover) => CoordinatorMessage::RecoverShares {
            certificate: final_certificate("recover_shares.certificate", recover.certificate)?,
            of: list("recover_shares.of", recover.of, SUPPLIERS, |name| supplier("recover_shares.of", &name))?,
        },
        Kind::Void(v1::AskVoid {}) => CoordinatorMessage::Void,
        Kind::Ended(ended) => CoordinatorMessage::Ended { outcome: outcome("ended.outcome", ended.outcome)? },
    })
}

fn final_certificate(field: &'static str, bytes: Bytes) -> Result<Arc<FinalCertificate>, WireError> {
    let certificate: v1::FinalCertificate = embedded(field, bytes)?;
    Ok(Arc::new(certificate.try_into()?))
}

/// A part of requests that goes to many, with the bytes that it was last written as.
#[derive(Debug)]
struct Written<T: ?Sized>(Option<(Arc<T>, Bytes)>);

impl<T: ?Sized> Default for Written<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: ?Sized> Written<T> {
    fn bytes<M: Message>(&mut self, part: &Arc<T>, write: impl FnOnce(&T) -> M) -> Bytes {
        match &self.0 {
            Some((written, bytes)) if Arc::ptr_eq(written, part) => bytes.clone(),
            _ => {
                let bytes = Bytes::from(write(part).encode_to_vec());
                self.0 = Some((Arc::clone(part), bytes.clone()));
                bytes
            }
        }
    }
}

/// Writes the requests of one query; what goes to many is written once, and shared.
#[derive(Debug, Default)]
pub struct RequestWriter {
    cards: Written<[Card]>,
    headers: Written<[RelayedHeader]>,
    certificate: Written<Certificate>,
    final_certificate: Written<FinalCertificate>,
}

/// A request as it travels. An Ask travels with its documents; for all others they are not looked at.
pub fn request(message: &CoordinatorMessage, query: &QueryId, documents: &Documents) -> v1::Request {
    RequestWriter::default().request(message, query, documents)
}

impl RequestWriter {
    fn final_certificate(&mut self, certificate: &Arc<FinalCertificate>) -> Bytes {
        self.final_certificate.bytes(certificate, |certificate| v1::FinalCertificate::from(certificate))
    }

    /// A request as it travels, see [`request`].
    pub fn request(&mut self, message: &CoordinatorMessage, query: &QueryId, documents: &Documents) -> v1::Request {
        let kind = match message {
            CoordinatorMessage::Ask { query } => Kind::Ask(v1::Ask {
                query: Some(query.into()),
                document: documents.query.clone(),
                policy: documents.policy.clone(),
                evidence: documents.evidence.as_ref().map(Into::into),
            }),
            CoordinatorMessage::Join { attempt, checkpoint } => {
                Kind::Join(v1::Join { attempt: attempt.number(), checkpoint: checkpoint.as_bytes().to_vec() })
            }
            CoordinatorMessage::Pair { attempt, cards } => {
                let write = |cards: &[Card]| v1::Cards { cards: cards.iter().map(Into::into).collect() };
                Kind::Pair(v1::Pair { attempt: attempt.number(), cards: self.cards.bytes(cards, write) })
            }
            CoordinatorMessage::Exchange { attempt, encapsulations } => Kind::Exchange(v1::Exchange {
                attempt: attempt.number(),
                encapsulations: encapsulations.iter().map(Into::into).collect(),
            }),
            CoordinatorMessage::Certify { attempt, headers, shares } => {
                let write =
                    |all: &[RelayedHeader]| v1::RelayedHeaders { headers: all.iter().map(Into::into).collect() };
                Kind::Certify(v1::Certify {
                    attempt: attempt.number(),
                    headers: self.headers.bytes(headers, write),
                    shares: shares.iter().map(Into::into).collect(),
                })
            }
            CoordinatorMessage::Finalise { certificate } => {
                let certificate = self.certificate.bytes(certificate, |certificate| v1::Certificate::from(certificate));
                Kind::Finalise(v1::Finalise { certificate })
            }
            CoordinatorMessage::Open { certificate } => {
                Kind::Open(v1::Open { certificate: self.final_certificate(certificate) })
            }
            CoordinatorMessage::RecoverShares { certificate, of } => Kind::RecoverShares(v1::RecoverShares {
                certificate: self.final_certificate(certificate),
                of: of.iter().map(ToString::to_string).collect(),
            }),
            CoordinatorMessage::Void => Kind::Void(v1::AskVoid {}),
            CoordinatorMessage::Ended { outcome } => {
                Kind::Ended(v1::Ended { outcome: v1::Outcome::from(*outcome).into() })
            }
        };
        v1::Request { query: query.as_bytes().to_vec(), request: Some(kind) }
    }
}

/// The outcome that stands in a field.
///
/// # Errors
/// When it is unspecified or unknown.
pub fn outcome(field: &'static str, value: i32) -> Result<RoundOutcome, WireError> {
    match v1::Outcome::try_from(value) {
        Ok(v1::Outcome::Opened) => Ok(RoundOutcome::Opened),
        Ok(v1::Outcome::Abandoned) => Ok(RoundOutcome::Abandoned),
        Ok(v1::Outcome::Void) => Ok(RoundOutcome::Void),
        Ok(v1::Outcome::Spent) => Ok(RoundOutcome::Spent),
        Ok(v1::Outcome::Unspecified) | Err(_) => Err(WireError::unknown(field, value)),
    }
}

impl From<RoundOutcome> for v1::Outcome {
    fn from(outcome: RoundOutcome) -> Self {
        match outcome {
            RoundOutcome::Opened => Self::Opened,
            RoundOutcome::Abandoned => Self::Abandoned,
            RoundOutcome::Void => Self::Void,
            RoundOutcome::Spent => Self::Spent,
        }
    }
}
