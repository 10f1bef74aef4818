//! What participants signed, as the file that goes with a release.

use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::Signature;
use optelsom_ledger::canonical::{CanonicalError, Reader, Writer};

use super::commitments::{CommitmentsError, SignedCommitments};
use crate::messages::{Certificate, ColumnHeader, FinalCertificate, FinalVote, Participants, Prepared, RelayedHeader};
use crate::round::{Round, Verifier};
use crate::stored::{number, read_attempt, read_supplier};

/// The name of the statement that the bytes begin with.
const STATEMENT: &str = "release commitments";
/// The most suppliers of a scope, and of votes.
const MOST_SUPPLIERS: u64 = 4096;
/// The most columns of a plan.
const MOST_COLUMNS: u64 = 1 << 24;

/// The final certificate of a round and the headers of all its participants. Not believed before it is verified.
///
/// Its bytes are in docs/release-proof.md. What follows from something else in it is left out, so there is no second
/// way to write the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSubmissions {
    certificate: FinalCertificate,
    headers: Vec<RelayedHeader>,
}

/// What the file says of one participant.
struct Participant {
    supplier: SupplierId,
    card: Hash256,
    table_digest: Hash256,
    columns: Vec<ColumnHeader>,
    self_mask_commitment: Hash256,
    dealt: Hash256,
    submits: Signature,
    prepared: Signature,
}

impl SignedSubmissions {
    /// A certificate and the headers that it is about, one for each of its participants, by name. Nothing is checked.
    pub fn new(certificate: FinalCertificate, headers: Vec<RelayedHeader>) -> Self {
        Self { certificate, headers }
    }

    /// The certificate.
    pub fn certificate(&self) -> &FinalCertificate {
        &self.certificate
    }

    /// The headers, by name.
    pub fn headers(&self) -> &[RelayedHeader] {
        &self.headers
    }

    /// The header of this participant.
    pub fn header(&self, supplier: &SupplierId) -> Option<&RelayedHeader> {
        self.headers.iter().find(|header| header.supplier == *supplier)
    }

    /// Checks all of it; see [`SignedCommitments::verify`].
    ///
    /// # Errors
    /// When a signature does not fit, one is missing, or there is no quorum of votes.
    pub fn verify(&self, verifier: &Verifier<'_>) -> Result<SignedCommitments, CommitmentsError> {
        SignedCommitments::verify(verifier, &self.certificate, &self.headers)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let certificate = &self.certificate.certificate;
        let participants = certificate.participants.entries().iter().zip(&self.headers).zip(&certificate.signatures);
        let participants: Vec<_> = participants.collect();
        Writer::new(STATEMENT)
            .number(number(Some(certificate.attempt)))
            .list(&participants, |writer, (((supplier, card), header), prepared)| {
                writer
                    .text(supplier.as_str())
                    .bytes(card.as_bytes())
                    .bytes(header.table_digest.as_bytes())
                    .list(&header.columns, |w, column| w.bytes(&column.masked_blinding).bytes(&column.commitment))
                    .bytes(header.self_mask_commitment.as_bytes())
                    .bytes(header.dealt.as_bytes())
                    .bytes(header.signature.as_bytes())
                    .bytes(prepared.signature.as_bytes())
            })
            .list(&self.certificate.votes, |w, vote| w.text(vote.supplier.as_str()).bytes(vote.signature.as_bytes()))
            .finish()
    }

    /// Reads the file of the release of this query, under the roster of this hash. What it says is not checked yet. Memory
    /// stays within a few times the bytes read.
    ///
    /// # Errors
    /// When it is cut off, too long, or not in the one form that it has.
    pub fn from_bytes(bytes: &[u8], query: QueryId, roster: Hash256) -> Result<Self, CanonicalError> {
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let attempt = read_attempt(&mut reader)?.ok_or_else(|| reader.wrong("an attempt, from 1"))?;
        let all = reader.list(MOST_SUPPLIERS, read_participant)?;
        let entries = all.iter().map(|one| (one.supplier.clone(), one.card)).collect();
        let participants = Participants::new(entries).map_err(|_| reader.wrong("the end of a list sorted by name"))?;
        let vote = |r: &mut Reader<'_>| {
            Ok(FinalVote { supplier: read_supplier(r)?, signature: Signature::from_bytes(r.array()?) })
        };
        let votes = reader.list(MOST_SUPPLIERS, vote)?;
        if !votes.windows(2).all(|pair| matches!(pair, [a, b] if a.supplier < b.supplier)) {
            return Err(reader.wrong("the end of a list sorted by name"));
        }
        reader.finish()?;
        let round = Round { query, attempt, roster };
        let (mut headers, mut digests, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
        for one in all {
            signatures.push(Prepared { supplier: one.supplier.clone(), signature: one.prepared });
            let header = RelayedHeader {
                supplier: one.supplier,
                participants: participants.hash(),
                table_digest: one.table_digest,
                columns: one.columns,
                self_mask_commitment: one.self_mask_commitment,
                dealt: one.dealt,
                signature: one.submits,
            };
            digests.push((header.supplier.clone(), header.digest(&round)));
            headers.push(header);
        }
        let certificate = Arc::new(Certificate { attempt, participants, digests, signatures });
        Ok(Self::new(FinalCertificate { certificate, votes }, headers))
    }
}

fn read_participant(reader: &mut Reader<'_>) -> Result<Participant, CanonicalError> {
    let column = |r: &mut Reader<'_>| Ok(ColumnHeader { masked_blinding: r.array()?, commitment: r.array()? });
    Ok(Participant {
        supplier: read_supplier(reader)?,
        card: Hash256::from_bytes(reader.array()?),
        table_digest: Hash256::from_bytes(reader.array()?),
        columns: reader.list(MOST_COLUMNS, column)?,
        self_mask_commitment: Hash256::from_bytes(reader.array()?),
        dealt: Hash256::from_bytes(reader.array()?),
        submits: Signature::from_bytes(reader.array()?),
        prepared: Signature::from_bytes(reader.array()?),
    })
}
