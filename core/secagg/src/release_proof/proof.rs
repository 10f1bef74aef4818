//! The proof and its bytes.

use std::fmt;

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_ledger::canonical::{CanonicalError, Reader, Writer};
use thiserror::Error;

use super::claim::MOST_VALUES;
use super::statement::MOST_CELLS;

/// The most bytes that a proof can have.
pub const MOST_BYTES: usize = 1024 + 32 * (MOST_CELLS + 2 * MOST_VALUES);

const STATEMENT: &str = "release proof";
const FILE: &str = "release proofs";

/// That a column's commitments add up to what a release says of its cells. Believed once it is verified.
///
/// It tells nothing of what is hidden, so it may be shown to everybody.
#[derive(Clone, PartialEq, Eq)]
pub struct ReleaseProof {
    /// A.
    pub(super) announcement: EncodedPoint,
    /// Of the cells with too few, and of the rounded ones; none where there are no such cells.
    pub(super) memberships: [Option<Membership>; 2],
    /// z_R.
    pub(super) blinding: Scalar,
    /// z_j of each cell that is not simply shown, in order.
    pub(super) responses: Vec<Scalar>,
}

/// That the cells of one set are members of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Membership {
    /// D_0, D_1, …: commitments to the coefficients of the cells' polynomials.
    pub(super) coefficients: Vec<EncodedPoint>,
    /// z_δ.
    pub(super) blinding: Scalar,
}

/// A point that is not the identity, with its one encoding (RFC 9496, section 4.3.2).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EncodedPoint {
    bytes: CompressedRistretto,
    point: RistrettoPoint,
}

impl EncodedPoint {
    pub(super) fn new(point: RistrettoPoint) -> Self {
        Self { bytes: point.compress(), point }
    }

    fn decode(bytes: [u8; 32]) -> Option<Self> {
        let bytes = CompressedRistretto(bytes);
        let point = bytes.decompress().filter(|point| !point.is_identity())?;
        Some(Self { bytes, point })
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.bytes.as_bytes()
    }

    pub(super) fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

/// Why bytes are no proof: whoever handed them out is at fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// They are not laid out as a proof is.
    #[error("these bytes are not a release proof ({0}): the file is damaged or of another version")]
    Layout(#[from] CanonicalError),
    /// More bytes, or more points, than any proof has.
    #[error("the release proof is larger than any can be: the file is damaged")]
    TooLarge,
    /// Something is no point, not in its one encoding, or the identity.
    #[error("the release proof has {0} that is not a valid point: the file is damaged")]
    Point(&'static str),
    /// Something is no scalar in its one encoding.
    #[error("the release proof has {0} that is not a valid scalar: the file is damaged")]
    Scalar(&'static str),
}

impl ReleaseProof {
    /// The bytes, as docs/release-proof.md lays them out.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut responses = Vec::with_capacity(self.responses.len() * 32);
        self.responses.iter().for_each(|response| responses.extend_from_slice(response.as_bytes()));
        let writer = Writer::with_capacity(STATEMENT, responses.len() + 1024).bytes(self.announcement.as_bytes());
        let writer = self.memberships.iter().fold(writer, |writer, membership| {
            let points = membership.iter().flat_map(|m| &m.coefficients);
            let points: Vec<u8> = points.flat_map(|point| *point.as_bytes()).collect();
            let blinding = membership.as_ref().map(|m| m.blinding.to_bytes());
            writer.bytes(&points).bytes(blinding.as_ref().map_or(&[], <[u8; 32]>::as_slice))
        });
        writer.bytes(self.blinding.as_bytes()).bytes(&responses).finish()
    }

    /// Reads bytes back, strictly: there is one encoding of each proof. Reserves no more than a few times their length,
    /// whatever they say.
    ///
    /// # Errors
    /// When they are not as [`ReleaseProof::to_bytes`] writes them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MOST_BYTES {
            return Err(DecodeError::TooLarge);
        }
        let mut reader = Reader::new(bytes, STATEMENT)?;
        let announcement = EncodedPoint::decode(reader.array()?).ok_or(DecodeError::Point("an announcement"))?;
        let memberships = [Membership::read(&mut reader)?, Membership::read(&mut reader)?];
        let blinding = scalar(reader.array()?, "a blinding")?;
        let (responses, rest) = reader.bytes()?.as_chunks();
        if !rest.is_empty() {
            return Err(reader.wrong("a whole number of scalars").into());
        }
        let responses = responses.iter().map(|bytes| scalar(*bytes, "a response")).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { announcement, memberships, blinding, responses })
    }
}

impl ReleaseProof {
    /// The proofs of all columns of a release as one file, in the plan's order; none for a column of which
    /// [nothing is said](super::Statement::says_nothing).
    pub fn file(proofs: &[Option<Self>]) -> Vec<u8> {
        let item = |proof: &Option<Self>| proof.as_ref().map_or_else(Vec::new, Self::to_bytes);
        Writer::new(FILE).list(proofs, |writer, proof| writer.bytes(&item(proof))).finish()
    }

    /// Takes such a file apart, strictly, into the bytes of the proofs of at most so many columns.
    ///
    /// # Errors
    /// When it is not as [`ReleaseProof::file`] writes it.
    pub fn split_file(bytes: &[u8], columns: usize) -> Result<Vec<Option<&[u8]>>, CanonicalError> {
        let mut reader = Reader::new(bytes, FILE)?;
        let items = reader.list(columns as u64, Reader::bytes)?;
        reader.finish()?;
        Ok(items.into_iter().map(|item| (!item.is_empty()).then_some(item)).collect())
    }
}

impl Membership {
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let (points, rest) = reader.bytes()?.as_chunks();
        if !rest.is_empty() {
            return Err(reader.wrong("a whole number of points").into());
        }
        if points.len() > MOST_VALUES {
            return Err(DecodeError::TooLarge);
        }
        if points.is_empty() {
            reader.array::<0>()?;
            return Ok(None);
        }
        let point = |bytes: &[u8; 32]| EncodedPoint::decode(*bytes).ok_or(DecodeError::Point("a coefficient"));
        let coefficients = points.iter().map(point).collect::<Result<_, _>>()?;
        Ok(Some(Self { coefficients, blinding: scalar(reader.array()?, "a blinding")? }))
    }
}

fn scalar(bytes: [u8; 32], what: &'static str) -> Result<Scalar, DecodeError> {
    Option::from(Scalar::from_canonical_bytes(bytes)).ok_or(DecodeError::Scalar(what))
}

impl fmt::Debug for ReleaseProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReleaseProof({} responses)", self.responses.len())
    }
}
