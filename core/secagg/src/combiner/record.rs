//! What the combiner must know again after a crash.

use std::fmt;
use std::sync::Arc;

use optelsom_codebook::{Hash256, SupplierId, Timestamp};
use optelsom_ledger::canonical::{CanonicalError, Reader, Writer};
use optelsom_ledger::{Signature, SignedQuery};
use zeroize::Zeroizing;

use super::finalise::Certified;
use super::{AbandonReason, Absence, Outcome, Policy, Shape, SpentReason, VoidReason};
use crate::messages::{
    Attempt, Certificate, ColumnHeader, FinalVote, Prepared, RelayedHeader, Statement, VoidCertificate, VoidVote,
};
use crate::stored::{
    number, read_attempt, read_question, read_statement, read_supplier, write_question, write_statement,
};

/// What a combiner's machine must know again after a crash. The host stores its bytes under the query's id, whole,
/// replacing the one before, and in the same transaction does with the sum what [`CombinerRecord::sum`] says.
#[derive(Clone, PartialEq, Eq)]
pub struct CombinerRecord {
    pub(super) question: SignedQuery,
    pub(super) shape: Shape,
    pub(super) policy: Policy,
    /// The last attempt begun.
    pub(super) attempt: Option<Attempt>,
    pub(super) kept: Kept,
}

/// What the host does with the sum of the masked tables, which is megabytes and the same in all records that have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sum {
    /// None is kept; what was kept may go when the query ends.
    Nothing,
    /// From here on this is kept: words of 8 bytes, lowest first.
    New(Zeroizing<Vec<u8>>),
    /// What was kept with an earlier record stays.
    Same,
}

/// How far the round has come.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing is certified; keys and sums of attempts are not kept.
    Begun,
    /// Certified: there is no other attempt.
    Certified(Arc<Certified>),
    /// Final: a quorum's votes.
    Final(Arc<Certified>, Vec<FinalVote>),
    /// Over. The sum is gone.
    Ended(Outcome),
}

const STATEMENT: &str = "combiner record";
const MEMBERS: u64 = 4096;
/// About as many bytes as a record has where there are a dozen suppliers.
const USUAL_LENGTH: usize = 32 * 1024;

impl CombinerRecord {
    /// The query that it is about.
    pub fn question(&self) -> &SignedQuery {
        &self.question
    }

    /// How the query ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.kept {
            Kept::Ended(outcome) => Some(outcome),
            Kept::Begun | Kept::Certified(_) | Kept::Final(..) => None,
        }
    }

    /// Whether the query may still be given up: nothing of it is final, and it has not ended.
    pub fn may_be_given_up(&self) -> bool {
        matches!(self.kept, Kept::Begun | Kept::Certified(_))
    }

    /// What becomes of the sum when this record is stored.
    pub fn sum(&self) -> Sum {
        match &self.kept {
            Kept::Begun | Kept::Ended(_) => Sum::Nothing,
            Kept::Certified(certified) => {
                let mut bytes = Vec::with_capacity(certified.sum.len() * 8);
                certified.sum.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
                Sum::New(Zeroizing::new(bytes))
            }
            Kept::Final(..) => Sum::Same,
        }
    }

    /// The record as bytes, for the host's store: all but the sum.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::with_capacity(STATEMENT, USUAL_LENGTH);
        let writer = write_question(writer, &self.question)
            .number(self.shape.columns as u64)
            .number(self.shape.cells as u64)
            .number(self.policy.deadline.as_millis())
            .number(self.policy.phase_timeout_ms)
            .number(self.policy.resend_ms)
            .number(self.policy.least_participants as u64)
            .number(number(self.attempt));
        let writer = match &self.kept {
            Kept::Begun => writer.text("begun"),
            Kept::Certified(certified) => write_certified(writer.text("certified"), certified),
            Kept::Final(certified, votes) => {
                let signed = |w: Writer, vote: &FinalVote| write_signed(w, &vote.supplier, &vote.signature);
                write_certified(writer.text("final"), certified).list(votes, signed)
            }
            Kept::Ended(outcome) => write_outcome(writer.text("ended"), outcome),
        };
        Zeroizing::new(writer.finish())
    }

    /// Reads a record back, with the sum that is kept for the query.
    ///
    /// # Errors
    /// When the bytes are not what [`CombinerRecord::to_bytes`] writes, or the sum is not the one that belongs to it.
    pub fn from_bytes(bytes: &[u8], sum: Option<&[u8]>) -> Result<Self, CanonicalError> {
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let question = read_question(&mut reader)?;
        let shape = Shape { columns: read_size(&mut reader)?, cells: read_size(&mut reader)? };
        let policy = Policy {
            deadline: Timestamp::from_millis(reader.number()?),
            phase_timeout_ms: reader.number()?,
            resend_ms: reader.number()?,
            least_participants: read_size(&mut reader)?,
        };
        let attempt = read_attempt(&mut reader)?;
        let kept = match reader.text()? {
            "begun" => Kept::Begun,
            "certified" => Kept::Certified(Arc::new(read_certified(&mut reader, shape, sum)?)),
            "final" => {
                let certified = Arc::new(read_certified(&mut reader, shape, sum)?);
                let vote = |(supplier, signature)| FinalVote { supplier, signature };
                Kept::Final(certified, reader.list(MEMBERS, |r| read_signed(r).map(vote))?)
            }
            "ended" => Kept::Ended(read_outcome(&mut reader)?),
            _ => return Err(reader.wrong("how far a round has come")),
        };
        reader.finish()?;
        Ok(Self { question, shape, policy, attempt, kept })
    }
}

impl fmt::Debug for CombinerRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = match &self.kept {
            Kept::Begun => "begun",
            Kept::Certified(_) => "certified",
            Kept::Final(..) => "final",
            Kept::Ended(_) => "ended",
        };
        formatter
            .debug_struct("CombinerRecord")
            .field("attempt", &self.attempt)
            .field("kept", &kept)
            .finish_non_exhaustive()
    }
}

fn read_size(reader: &mut Reader<'_>) -> Result<usize, CanonicalError> {
    usize::try_from(reader.number()?).map_err(|_| reader.wrong("a size"))
}

fn write_signed(writer: Writer, supplier: &SupplierId, signature: &Signature) -> Writer {
    writer.text(supplier.as_str()).bytes(signature.as_bytes())
}

fn read_signed(reader: &mut Reader<'_>) -> Result<(SupplierId, Signature), CanonicalError> {
    Ok((read_supplier(reader)?, Signature::from_bytes(reader.array()?)))
}

fn write_certified(writer: Writer, certified: &Certified) -> Writer {
    let certificate = &certified.certificate;
    write_statement(writer.number(number(Some(certificate.attempt))), &certificate.statement())
        .list(&certificate.signatures, |w, p| write_signed(w, &p.supplier, &p.signature))
        .list(&certified.headers, write_header)
        .list(&certified.share_commitments, |w, own| w.list(own, |w, commitment| w.bytes(commitment.as_bytes())))
}

fn read_certified(reader: &mut Reader<'_>, shape: Shape, sum: Option<&[u8]>) -> Result<Certified, CanonicalError> {
    let attempt = read_attempt(reader)?.ok_or_else(|| reader.wrong("an attempt, from 1"))?;
    let Statement { participants, digests } = read_statement(reader)?;
    let prepared = |(supplier, signature)| Prepared { supplier, signature };
    let signatures = reader.list(MEMBERS, |r| read_signed(r).map(prepared))?;
    let headers = reader.list(MEMBERS, read_header)?;
    let share_commitments = reader.list(MEMBERS, |r| r.list(MEMBERS, |r| Ok(Hash256::from_bytes(r.array()?))))?;
    let (words, rest) = sum.ok_or_else(|| reader.wrong("a record whose sum is kept"))?.as_chunks::<8>();
    if !rest.is_empty() || Some(words.len()) != shape.columns.checked_mul(shape.cells) {
        return Err(reader.wrong("a record whose sum has a word of 8 bytes for each cell of each column"));
    }
    let sum = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let certificate = Arc::new(Certificate { attempt, participants, digests, signatures });
    Ok(Certified { certificate, headers, share_commitments, sum })
}

fn write_header(writer: Writer, header: &RelayedHeader) -> Writer {
    writer
        .text(header.supplier.as_str())
        .bytes(header.participants.as_bytes())
        .bytes(header.table_digest.as_bytes())
        .list(&header.columns, |w, column| w.bytes(&column.masked_blinding).bytes(&column.commitment))
        .bytes(header.self_mask_commitment.as_bytes())
        .bytes(header.dealt.as_bytes())
        .bytes(header.signature.as_bytes())
}

fn read_header(reader: &mut Reader<'_>) -> Result<RelayedHeader, CanonicalError> {
    let column = |r: &mut Reader<'_>| Ok(ColumnHeader { masked_blinding: r.array()?, commitment: r.array()? });
    Ok(RelayedHeader {
        supplier: read_supplier(reader)?,
        participants: Hash256::from_bytes(reader.array()?),
        table_digest: Hash256::from_bytes(reader.array()?),
        columns: reader.list(u64::from(u32::MAX), column)?,
        self_mask_commitment: Hash256::from_bytes(reader.array()?),
        dealt: Hash256::from_bytes(reader.array()?),
        signature: Signature::from_bytes(reader.array()?),
    })
}

fn write_outcome(writer: Writer, outcome: &Outcome) -> Writer {
    match outcome {
        Outcome::Opened => writer.text("opened"),
        Outcome::Abandoned { reason } => match reason {
            AbandonReason::TooFewSuppliers { ready, needed, missing } => {
                let writer = writer.text("too few suppliers").number(*ready as u64).number(*needed as u64);
                writer.list(missing, |w, (supplier, absence)| w.text(supplier.as_str()).text(absence_code(*absence)))
            }
            AbandonReason::Expired => writer.text("expired"),
            AbandonReason::NotLogged => writer.text("not logged"),
            AbandonReason::Cancelled { by } => writer.text("cancelled").text(by),
            AbandonReason::AttemptsUsedUp => writer.text("attempts used up"),
            AbandonReason::Guard { why } => writer.text("guard").text(why),
        },
        Outcome::Void { certificate, why } => {
            let vote = |w: Writer, vote: &VoidVote| write_signed(w, &vote.supplier, &vote.signature);
            writer.text("void").text(why.code()).bytes(certificate.query.as_bytes()).list(&certificate.votes, vote)
        }
        Outcome::Spent { reason } => match reason {
            SpentReason::SumMismatch => writer.text("sum mismatch"),
            SpentReason::SplitVotes => writer.text("split votes"),
            SpentReason::SelfMasksLost { of } => {
                writer.text("self-masks lost").list(of, |w, supplier| w.text(supplier.as_str()))
            }
        },
    }
}

fn absence_code(absence: Absence) -> &'static str {
    match absence {
        Absence::Silent => "silent",
        Absence::Excluded => "excluded",
        Absence::Refused(reason) => reason.code(),
    }
}

fn read_absence(reader: &mut Reader<'_>) -> Result<Absence, CanonicalError> {
    match reader.text()? {
        "silent" => Ok(Absence::Silent),
        "excluded" => Ok(Absence::Excluded),
        code => code.parse().map(Absence::Refused).map_err(|_| reader.wrong("why a supplier is not ready")),
    }
}

fn read_outcome(reader: &mut Reader<'_>) -> Result<Outcome, CanonicalError> {
    let abandoned = |reason| Outcome::Abandoned { reason };
    let spent = |reason| Outcome::Spent { reason };
    Ok(match reader.text()? {
        "opened" => Outcome::Opened,
        "too few suppliers" => {
            let (ready, needed) = (read_size(reader)?, read_size(reader)?);
            let missing = reader.list(MEMBERS, |r| Ok((read_supplier(r)?, read_absence(r)?)))?;
            abandoned(AbandonReason::TooFewSuppliers { ready, needed, missing })
        }
        "expired" => abandoned(AbandonReason::Expired),
        "not logged" => abandoned(AbandonReason::NotLogged),
        "cancelled" => abandoned(AbandonReason::Cancelled { by: reader.text()?.to_owned() }),
        "attempts used up" => abandoned(AbandonReason::AttemptsUsedUp),
        "guard" => abandoned(AbandonReason::Guard { why: reader.text()?.to_owned() }),
        "void" => {
            let why = reader.text()?;
            let why = VoidReason::ALL.into_iter().find(|reason| reason.code() == why);
            let why = why.ok_or_else(|| reader.wrong("why a query is void"))?;
            let query = optelsom_codebook::QueryId::from_bytes(reader.array()?);
            let vote = |(supplier, signature)| VoidVote { supplier, signature };
            let votes = reader.list(MEMBERS, |r| read_signed(r).map(vote))?;
            Outcome::Void { certificate: VoidCertificate { query, votes }, why }
        }
        "sum mismatch" => spent(SpentReason::SumMismatch),
        "split votes" => spent(SpentReason::SplitVotes),
        "self-masks lost" => spent(SpentReason::SelfMasksLost { of: reader.list(MEMBERS, read_supplier)? }),
        _ => return Err(reader.wrong("an outcome")),
    })
}
