//! The commitments of a round's participants, as they have signed them.

use optelsom_codebook::SupplierId;
use thiserror::Error;

use crate::fault::FaultKind;
use crate::messages::{Certificate, FinalCertificate, Participants, RelayedHeader};
use crate::round::{Round, Verifier};

/// The commitments of all participants of a round: those of the submissions that its final certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommitments {
    round: Round,
    participants: Participants,
    /// Per participant, per column: C, compressed.
    commitments: Vec<Vec<[u8; 32]>>,
    columns: usize,
}

/// Why certificate and headers are not those of one round.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitmentsError {
    /// The certificate fails one of its checks.
    #[error("the final certificate is not valid ({0}): whoever handed it out is at fault; ask for it again")]
    Certificate(FaultKind),
    /// A header fails one of its checks.
    #[error("the submission of {supplier} is not valid ({cause}): whoever handed it out is at fault; ask for it again")]
    Header {
        /// Whose.
        supplier: SupplierId,
        /// Why.
        cause: FaultKind,
    },
    /// They are not one per participant, in order.
    #[error("the submissions are not one per participant, sorted by name: the list has been changed")]
    NotTheParticipants,
    /// A header is for other participants, or not the one that was certified.
    #[error("the submission of {0} is not the one that was certified: it has been exchanged or changed")]
    NotCertified(SupplierId),
    /// A header has another number of columns than the others.
    #[error("the submission of {0} has another number of columns than the others")]
    Columns(SupplierId),
}

impl SignedCommitments {
    /// Takes a certificate and headers as they came, in the certificate's order, and checks all of it: the signatures of
    /// the participants and of a quorum of the scope under the certificate, each header's signature, and that it is the
    /// header that was certified.
    ///
    /// # Errors
    /// When one of that is not so.
    pub fn verify(
        verifier: &Verifier<'_>,
        certificate: &FinalCertificate,
        headers: &[RelayedHeader],
    ) -> Result<Self, CommitmentsError> {
        certificate.verify(verifier).map_err(CommitmentsError::Certificate)?;
        for header in headers {
            let of = |cause| CommitmentsError::Header { supplier: header.supplier.clone(), cause };
            header.verify(verifier).map_err(of)?;
        }
        Self::certified(verifier.round(), &certificate.certificate, headers)
    }

    /// Of headers and a certificate whose signatures have been checked.
    pub(crate) fn certified(
        round: &Round,
        certificate: &Certificate,
        headers: &[RelayedHeader],
    ) -> Result<Self, CommitmentsError> {
        let participants = &certificate.participants;
        if !headers.iter().map(|header| &header.supplier).eq(participants.suppliers())
            || certificate.digests.len() != headers.len()
        {
            return Err(CommitmentsError::NotTheParticipants);
        }
        let columns = headers.first().map_or(0, |header| header.columns.len());
        for (header, (supplier, digest)) in headers.iter().zip(&certificate.digests) {
            let certified = header.supplier == *supplier && header.digest(round) == *digest;
            if !certified || header.participants != participants.hash() {
                return Err(CommitmentsError::NotCertified(header.supplier.clone()));
            }
            if header.columns.len() != columns {
                return Err(CommitmentsError::Columns(header.supplier.clone()));
            }
        }
        let of = |header: &RelayedHeader| header.columns.iter().map(|column| column.commitment).collect();
        Ok(Self {
            round: *round,
            participants: participants.clone(),
            commitments: headers.iter().map(of).collect(),
            columns,
        })
    }

    #[cfg(test)]
    pub(super) fn of_nobody(round: Round, participants: Participants, commitments: Vec<Vec<[u8; 32]>>) -> Self {
        let columns = commitments.first().map_or(0, Vec::len);
        Self { round, participants, commitments, columns }
    }

    /// λ, α and the roster.
    pub fn round(&self) -> &Round {
        &self.round
    }

    /// P.
    pub fn participants(&self) -> &Participants {
        &self.participants
    }

    /// How many columns were committed to.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Each participant's commitment to a column, compressed, by name.
    pub fn of_column(&self, column: usize) -> impl Iterator<Item = (&SupplierId, &[u8; 32])> {
        let commitments = self.commitments.iter().filter_map(move |columns| columns.get(column));
        self.participants.suppliers().zip(commitments)
    }
}
