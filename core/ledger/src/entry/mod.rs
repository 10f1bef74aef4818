//! What stands in the log: one type per kind of entry, each with its bytes documented in its own file.
//!
//! All entries are canonical ([`crate::canonical`]): they begin with `optelsom/1` and the name of their kind, every
//! field follows its 4-byte length, and one content has one encoding only. None is longer than 65,535 bytes; longer
//! documents stand beside the log by their SHA-256. Entries speak of each other by index, counted from 0. The kind
//! `query` is [`QueryEntry`] in [`crate::query`].

mod authorisation;
mod document;
mod edition;
mod ending;
mod endings;
mod finality;
mod participants;
mod reason;
mod refusal;
mod release;
pub mod signing;
mod void;

use optelsom_codebook::Hash256;
use thiserror::Error;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::leaf::{Leaf, LeafTooLong};
use crate::query::{EntryError, QueryEntry};

pub use authorisation::{Approval, ApprovalRule, AuthorisationEntry, AuthorisationError, verify_approval};
pub use document::{DocumentChange, DocumentEntry, Subject};
pub use edition::EditionEntry;
pub use ending::{AbandonmentEntry, SpentEntry};
pub use endings::{Ended, Ending, EndingFault, Endings};
pub use finality::FinalEntry;
pub use participants::ParticipantsEntry;
pub use reason::{NotAReason, ReasonCode};
pub use refusal::{RefusalEntry, RefusedBy};
pub use release::{Outcome, ReleaseEntry, salted_digest};
pub use signing::{SigningError, Vote, Votes};
pub use void::VoidEntry;

/// How one kind of entry is written and read.
pub(crate) trait Body: Sized {
    /// The name of the kind, second field of the bytes.
    const STATEMENT: &'static str;

    /// Writes the fields after the name.
    fn write(&self, writer: Writer) -> Writer;

    /// Reads the fields after the name.
    fn read(reader: &mut Reader<'_>) -> Result<Self, CanonicalError>;

    /// The whole entry.
    fn to_bytes(&self) -> Vec<u8> {
        self.write(Writer::new(Self::STATEMENT)).finish()
    }

    /// Reads the whole entry, strictly.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let mut reader = Reader::new(bytes, Self::STATEMENT)?;
        let body = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(body)
    }
}

/// Why bytes are no entry of the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Too long.
    #[error(transparent)]
    TooLong(#[from] LeafTooLong),
    /// Of a kind, or a version, that is not known here.
    #[error("the entry is of no kind that this version knows; a newer version of the tool may read it")]
    UnknownKind,
    /// A query's entry that cannot be read.
    #[error(transparent)]
    Query(EntryError),
    /// Another entry that cannot be read.
    #[error("the {kind} is malformed: {cause}")]
    Malformed {
        /// What kind it claims to be.
        kind: &'static str,
        /// What is wrong.
        cause: CanonicalError,
    },
}

macro_rules! entries {
    ($($(#[$doc:meta])* $variant:ident($body:ty),)*) => {
        /// An entry of the log.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Entry {
            /// What was asked.
            Query(QueryEntry),
            $($(#[$doc])* $variant($body),)*
        }

        impl Entry {
            /// The name of its kind, as it stands in the bytes.
            pub fn kind(&self) -> &'static str {
                match self {
                    Self::Query(_) => "query",
                    $(Self::$variant(_) => <$body as Body>::STATEMENT,)*
                }
            }

            /// The canonical bytes, ready for the log.
            ///
            /// # Errors
            /// When there are more than 65,535 of them.
            pub fn to_leaf(&self) -> Result<Leaf, LeafTooLong> {
                Leaf::new(match self {
                    Self::Query(query) => query.to_bytes(),
                    $(Self::$variant(body) => body.to_bytes(),)*
                })
            }

            /// Reads canonical bytes.
            ///
            /// # Errors
            /// When they are malformed, too long, not canonical, or of an unknown kind.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
                if bytes.len() > crate::leaf::MAX_LEAF_BYTES {
                    return Err(LeafTooLong(bytes.len()).into());
                }
                if is_kind(bytes, "query") {
                    return QueryEntry::from_bytes(bytes).map(Self::Query).map_err(DecodeError::Query);
                }
                $(if is_kind(bytes, <$body as Body>::STATEMENT) {
                    return <$body as Body>::from_bytes(bytes)
                        .map(Self::$variant)
                        .map_err(|cause| DecodeError::Malformed { kind: <$body as Body>::STATEMENT, cause });
                })*
                Err(DecodeError::UnknownKind)
            }
        }
    };
}

entries! {
    /// On whose word.
    Authorisation(AuthorisationEntry),
    /// A supplier, or the coordinator, refused.
    Refusal(RefusalEntry),
    /// A table was released.
    Release(ReleaseEntry),
    /// Who takes part in an attempt.
    Participants(ParticipantsEntry),
    /// An attempt was made final.
    Final(FinalEntry),
    /// An edition was announced.
    Edition(EditionEntry),
    /// A query was given up.
    Abandonment(AbandonmentEntry),
    /// A query was declared void.
    Void(VoidEntry),
    /// A query's total did not fit its commitments.
    Spent(SpentEntry),
    /// A roster, codebook, agreement, policy or version changed.
    Document(DocumentEntry),
}

fn is_kind(bytes: &[u8], statement: &str) -> bool {
    Reader::new(bytes, statement).is_ok()
}

impl Entry {
    /// Index of the query that the entry belongs to; none for a query itself, an edition or a document.
    pub fn about(&self) -> Option<u64> {
        match self {
            Self::Query(_) | Self::Edition(_) | Self::Document(_) => None,
            Self::Authorisation(entry) => Some(entry.query),
            Self::Refusal(entry) => Some(entry.query),
            Self::Release(entry) => Some(entry.query),
            Self::Participants(entry) => Some(entry.query),
            Self::Final(entry) => Some(entry.query),
            Self::Abandonment(entry) => Some(entry.query),
            Self::Void(entry) => Some(entry.query),
            Self::Spent(entry) => Some(entry.query),
        }
    }

    /// The digest of the document that stands beside the log for this entry: of a query its document, of a change the
    /// new one.
    pub fn document(&self) -> Option<Hash256> {
        match self {
            Self::Query(entry) => Some(entry.query),
            Self::Document(entry) => Some(entry.change().document),
            _ => None,
        }
    }

    /// How the entry ends its query, if it does.
    pub fn ending(&self) -> Option<Ending> {
        match self {
            Self::Refusal(refusal) if refusal.ends_query() => Some(Ending::Refusal),
            Self::Release(_) => Some(Ending::Release),
            Self::Abandonment(_) => Some(Ending::Abandonment),
            Self::Void(_) => Some(Ending::Void),
            Self::Spent(_) => Some(Ending::Spent),
            _ => None,
        }
    }
}
