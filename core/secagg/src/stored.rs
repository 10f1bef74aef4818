//! Pieces that the records of both machines are written from.

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::canonical::{CanonicalError, Reader, Writer};
use optelsom_ledger::{QueryEntry, Signature, SignedQuery};

use crate::messages::{Attempt, Participants, Statement};

pub(crate) fn write_question(writer: Writer, question: &SignedQuery) -> Writer {
    writer.bytes(&question.entry.to_bytes()).bytes(question.signature.as_bytes())
}

/// 0 for none.
pub(crate) fn number(attempt: Option<Attempt>) -> u64 {
    attempt.map_or(0, |attempt| u64::from(attempt.number()))
}

pub(crate) fn read_attempt(reader: &mut Reader<'_>) -> Result<Option<Attempt>, CanonicalError> {
    let number = u32::try_from(reader.number()?).map_err(|_| reader.wrong("an attempt"))?;
    Ok(Attempt::new(number))
}

pub(crate) fn read_flag(reader: &mut Reader<'_>) -> Result<bool, CanonicalError> {
    match reader.number()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.wrong("0 or 1")),
    }
}

pub(crate) fn read_supplier(reader: &mut Reader<'_>) -> Result<SupplierId, CanonicalError> {
    let name = reader.text()?;
    SupplierId::try_from(name).map_err(|_| reader.wrong("the name of a supplier"))
}

pub(crate) fn read_question(reader: &mut Reader<'_>) -> Result<SignedQuery, CanonicalError> {
    let entry = QueryEntry::from_bytes(reader.bytes()?).map_err(|_| reader.wrong("a query's entry"))?;
    Ok(SignedQuery { entry, signature: Signature::from_bytes(reader.array()?) })
}

pub(crate) fn write_statement(writer: Writer, statement: &Statement) -> Writer {
    write_digests(write_digests(writer, statement.participants.entries()), &statement.digests)
}

pub(crate) fn write_digests(writer: Writer, digests: &[(SupplierId, Hash256)]) -> Writer {
    writer.list(digests, |w, (supplier, digest)| w.text(supplier.as_str()).bytes(digest.as_bytes()))
}

pub(crate) fn read_statement(reader: &mut Reader<'_>) -> Result<Statement, CanonicalError> {
    let participants = read_digests(reader)?;
    let participants = Participants::new(participants).map_err(|_| reader.wrong("a sorted list"))?;
    Ok(Statement { participants, digests: read_digests(reader)? })
}

pub(crate) fn read_digests(reader: &mut Reader<'_>) -> Result<Vec<(SupplierId, Hash256)>, CanonicalError> {
    reader.list(4096, |r| Ok((read_supplier(r)?, Hash256::from_bytes(r.array()?))))
}
