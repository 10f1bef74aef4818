//! The two endings on the coordinator's word alone: a query that was abandoned before anything was final, and one
//! that is spent because its total did not fit the commitments.
//!
//! Bytes: `optelsom/1`, `entry/abandonment` or `entry/spent`, index of the query's entry, reason code, the
//! coordinator's signature (64 bytes).

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::entry::signing::{SigningError, read_reason, read_signature, signed_bytes, verify_operator};
use crate::entry::{Body, ReasonCode};
use crate::identity::{IdentityKey, PublicIdentity, Signature};

macro_rules! ending_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// Index of the query's entry.
            pub query: u64,
            /// Why.
            pub reason: ReasonCode,
            /// The coordinator's.
            pub signature: Signature,
        }

        impl $name {
            fn body(query: u64, reason: &ReasonCode) -> Vec<u8> {
                Writer::new(Self::STATEMENT).number(query).text(reason.as_str()).finish()
            }

            /// Ends the query, as the coordinator.
            pub fn sign(query: u64, reason: ReasonCode, key: &IdentityKey) -> Self {
                let signature = key.sign(&signed_bytes(&Self::body(query, &reason)));
                Self { query, reason, signature }
            }

            /// Checks the coordinator's signature.
            ///
            /// # Errors
            /// When it does not fit.
            pub fn verify(&self, operator: &PublicIdentity) -> Result<(), SigningError> {
                verify_operator(operator, $kind, &Self::body(self.query, &self.reason), &self.signature)
            }
        }

        impl Body for $name {
            const STATEMENT: &'static str = concat!("entry/", $kind);

            fn write(&self, writer: Writer) -> Writer {
                writer.number(self.query).text(self.reason.as_str()).bytes(self.signature.as_bytes())
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError> {
                let query = reader.number()?;
                Ok(Self { query, reason: read_reason(reader)?, signature: read_signature(reader)? })
            }
        }
    };
}

ending_type!(
    /// A query given up before an attempt was certified.
    AbandonmentEntry,
    "abandonment"
);

ending_type!(
    /// A query whose opened total did not fit what the participants had committed to. Nothing was released, and the
    /// query can never be opened again.
    SpentEntry,
    "spent"
);
