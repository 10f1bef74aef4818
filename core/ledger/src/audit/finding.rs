//! What an audit finds, and where.

use optelsom_codebook::{Hash256, QueryId, Timestamp};
use thiserror::Error;

use crate::audit::kind::{Kind, Place};
use crate::entry::{AuthorisationError, DecodeError, EndingFault, SigningError};
use crate::guard::GuardRefusal;
use crate::note::{CheckpointError, CommitteeError};
use crate::tiles::{BundleError, TilePath};

/// One thing that is not as it should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Finding {
    /// A file that belongs to the log is not there.
    #[error("file {0} is missing")]
    FileMissing(String),
    /// A file that does not belong to the log.
    #[error("file {0} does not belong to the log")]
    FileUnexpected(String),
    /// The checkpoint is refused.
    #[error("{0}")]
    Checkpoint(CheckpointError),
    /// Too few cosignatures, or one that does not fit.
    #[error("{0}")]
    Witnesses(CommitteeError),
    /// Signatures by keys that the policy does not name.
    #[error("of the signatures on the checkpoint {0} are by keys that the policy does not name")]
    Strangers(usize),
    /// An entry bundle cannot be read; what stands in it and after it was not checked.
    #[error("{0} cannot be read: {1}")]
    BundleMalformed(TilePath, BundleError),
    /// An entry is not the one that the log was built over.
    #[error("entry {0} was altered: the tree holds another hash for it")]
    EntryAltered(u64),
    /// A tile is not the one that the entries yield.
    #[error("{0} was altered: the entries yield other hashes")]
    TileAltered(TilePath),
    /// Entries and tiles agree with each other, but not with the checkpoint.
    #[error("the entries do not add up to the checkpoint's root: entries were removed, added, exchanged or changed")]
    RootDiffers,
    /// An entry that cannot be read.
    #[error("entry {index}: {cause}")]
    EntryMalformed {
        /// Which one.
        index: u64,
        /// Why.
        cause: DecodeError,
    },
    /// A document that an entry names is not in the export.
    #[error("entry {index} names document {document}, which is missing")]
    DocumentMissing {
        /// Which entry.
        index: u64,
        /// Which document.
        document: Hash256,
    },
    /// A document whose content is not that of its name.
    #[error("document {0} was altered: its digest is another")]
    DocumentAltered(Hash256),
    /// A document that no entry names.
    #[error("document {0} is named by no entry")]
    DocumentUnreferenced(Hash256),
    /// A document that is not what its entry says it is.
    #[error("entry {index}: document {document} is not the {kind} that the entry says")]
    DocumentMismatch {
        /// Which entry.
        index: u64,
        /// Which document.
        document: Hash256,
        /// What it should be.
        kind: &'static str,
    },
    /// A query under a roster, codebook or policy that was not logged before.
    #[error("query {index} goes by {kind} {hash}, which was not logged before it")]
    NotLogged {
        /// Index of the query.
        index: u64,
        /// `roster`, `codebook` or `policy`.
        kind: &'static str,
        /// Which one.
        hash: Hash256,
    },
    /// A query that stands in the log twice.
    #[error("query {id} stands in the log twice, as entries {first} and {second}")]
    QueryTwice {
        /// λ.
        id: QueryId,
        /// Where first.
        first: u64,
        /// Where again.
        second: u64,
    },
    /// A query on nobody's word.
    #[error("query {0} carries nobody's signature")]
    Unauthorised(u64),
    /// A query on two words.
    #[error("entry {index} signs query {query} a second time")]
    AuthorisedTwice {
        /// The entry too many.
        index: u64,
        /// Index of the query.
        query: u64,
    },
    /// Signatures on a query that do not hold.
    #[error("entry {index}: {cause}")]
    Authorisation {
        /// Which entry.
        index: u64,
        /// Why.
        cause: AuthorisationError,
    },
    /// Other signatures that do not hold.
    #[error("entry {index}: {cause}")]
    Signature {
        /// Which entry.
        index: u64,
        /// Why.
        cause: SigningError,
    },
    /// An entry that speaks of another which is not there, or is of another kind.
    #[error("entry {index} speaks of entry {of} as {wanted}, which it is not")]
    Reference {
        /// Which entry.
        index: u64,
        /// Of which.
        of: u64,
        /// As what.
        wanted: &'static str,
    },
    /// A document's entry that does not follow the newest one of its kind.
    #[error("entry {index} does not replace the newest document of its kind: a change was left out or undone")]
    Chain {
        /// Which entry.
        index: u64,
    },
    /// Something wrong with an ending.
    #[error("{0}")]
    Ending(EndingFault),
    /// A total without a final certificate before it.
    #[error("entry {index} ends query {query} with a total that no quorum had made final")]
    NotFinal {
        /// Which entry.
        index: u64,
        /// Index of the query.
        query: u64,
    },
    /// A query whose time was over before another one, logged before it, was asked.
    #[error(
        "query {index} was logged after entry {after} was asked, but had expired by then ({expires_at}): back-dated"
    )]
    BackDated {
        /// Index of the query.
        index: u64,
        /// When it says that it expired.
        expires_at: Timestamp,
        /// Index of the query that was asked later and logged earlier.
        after: u64,
    },
    /// A query that was asked after its witnesses saw it.
    #[error("query {index} says that it was asked at {asked_at}; its witnesses had seen it by {witnessed}")]
    FromTheFuture {
        /// Index of the query.
        index: u64,
        /// When it says that it was asked.
        asked_at: Timestamp,
        /// The latest moment that a witness names.
        witnessed: Timestamp,
    },
    /// A query that should have ended long ago.
    #[error("query {index} expired at {expires_at} and has not ended; the witnesses last saw the log at {witnessed}")]
    Overdue {
        /// Index of the query.
        index: u64,
        /// When it expired.
        expires_at: Timestamp,
        /// The latest moment that a witness names.
        witnessed: Timestamp,
    },
    /// A roster by which more suppliers may collude than witnesses may lie.
    #[error(
        "entry {index}: by this roster {collusion} may collude, but the trust file allows for {faulty} lying witnesses \
         only; f must be at least c"
    )]
    TooTrusting {
        /// Index of the roster's entry.
        index: u64,
        /// c.
        collusion: usize,
        /// f.
        faulty: usize,
    },
    /// A roster that the auditor has not accepted.
    #[error("entry {index} brings in roster {roster}, which is none of those that you accept")]
    RosterNotAccepted {
        /// Index of the roster's entry.
        index: u64,
        /// Its hash.
        roster: Hash256,
    },
    /// An attempt was made final that the guard against differencing must refuse.
    #[error("entry {index} makes the participants of entry {participants} final, but {cause}")]
    GuardBreached {
        /// The final entry.
        index: u64,
        /// The participants entry.
        participants: u64,
        /// What the guard says.
        cause: GuardRefusal,
    },
    /// The copy of a trust file in the export is another than the one that the auditor goes by.
    #[error("the export's trust.toml is another than the trust file that you go by")]
    TrustCopyDiffers,
    /// The files of a release are not in the export.
    #[error("entry {index} releases a table whose files are missing ({path})")]
    ReleaseMissing {
        /// The release entry.
        index: u64,
        /// What is missing.
        path: String,
    },
    /// A file of a release is not the one that the log names.
    #[error("entry {index} releases a table, but {path} is not the file that it names")]
    ReleaseAltered {
        /// The release entry.
        index: u64,
        /// Which file.
        path: String,
    },
    /// A release does not open against what the suppliers committed to.
    #[error("entry {index} releases a table that is not proved: {cause}")]
    ReleaseUnproved {
        /// The release entry.
        index: u64,
        /// Why.
        cause: String,
    },
    /// Another export of the log shows other entries.
    #[error(
        "the log was forked: the two exports differ from entry {0} on, and both are signed; somebody was shown another log"
    )]
    Forked(u64),
    /// Two final certificates, or a final and a void one: more suppliers colluded than the roster allows for.
    #[error(
        "entry {index} certifies query {query} although entry {earlier} certifies otherwise; both cannot be honest"
    )]
    CertifiedTwice {
        /// The later entry.
        index: u64,
        /// Index of the query.
        query: u64,
        /// The earlier one.
        earlier: u64,
    },
    /// One attempt, and one and the same submissions, under two lists of names. Votes hold for one of them at most.
    #[error(
        "entry {index} names other suppliers than entry {earlier} for one and the same attempt ({attempt}) at query {query}, with \
         the very same submissions: at least one of the two lists is false; whoever writes the log may want it forgotten who was \
         in that total"
    )]
    NamesDiffer {
        /// The later entry.
        index: u64,
        /// Index of the query.
        query: u64,
        /// α.
        attempt: u32,
        /// The first entry of this attempt.
        earlier: u64,
    },
    /// One attempt with two contents: an honest participant certifies one.
    #[error(
        "entry {index} lists attempt {attempt} at query {query} with other submissions than entry {earlier}: a supplier that keeps \
         to the rules takes part in an attempt once, so at least one of the two never was"
    )]
    AttemptTwice {
        /// The later entry.
        index: u64,
        /// Index of the query.
        query: u64,
        /// α.
        attempt: u32,
        /// The first entry of this attempt.
        earlier: u64,
    },
}

impl Finding {
    /// Where it was found.
    pub fn place(&self) -> Place {
        match self {
            Self::FileMissing(path) | Self::FileUnexpected(path) => Place::File(path.clone()),
            Self::Checkpoint(_) | Self::Witnesses(_) | Self::Strangers(_) => Place::File(super::CHECKPOINT.to_owned()),
            Self::BundleMalformed(path, _) | Self::TileAltered(path) => Place::File(path.to_string()),
            Self::DocumentAltered(document) | Self::DocumentUnreferenced(document) => {
                Place::File(super::document_path(document))
            }
            Self::ReleaseMissing { path, .. } | Self::ReleaseAltered { path, .. } => Place::File(path.clone()),
            Self::TrustCopyDiffers => Place::File("trust.toml".to_owned()),
            Self::RootDiffers => Place::Log,
            Self::EntryAltered(index) | Self::Unauthorised(index) | Self::Forked(index) => Place::Entry(*index),
            Self::QueryTwice { second, .. } => Place::Entry(*second),
            Self::Ending(fault) => Place::Entry(match fault {
                EndingFault::Twice { second, .. } => second.at,
                EndingFault::NoQuery { at, .. } | EndingFault::AfterEnd { at, .. } => *at,
            }),
            Self::EntryMalformed { index, .. }
            | Self::DocumentMissing { index, .. }
            | Self::DocumentMismatch { index, .. }
            | Self::NotLogged { index, .. }
            | Self::AuthorisedTwice { index, .. }
            | Self::Authorisation { index, .. }
            | Self::Signature { index, .. }
            | Self::Reference { index, .. }
            | Self::Chain { index }
            | Self::NotFinal { index, .. }
            | Self::BackDated { index, .. }
            | Self::FromTheFuture { index, .. }
            | Self::Overdue { index, .. }
            | Self::TooTrusting { index, .. }
            | Self::RosterNotAccepted { index, .. }
            | Self::GuardBreached { index, .. }
            | Self::ReleaseUnproved { index, .. }
            | Self::NamesDiffer { index, .. }
            | Self::AttemptTwice { index, .. }
            | Self::CertifiedTwice { index, .. } => Place::Entry(*index),
        }
    }

    /// Of what kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::BundleMalformed(..)
            | Self::EntryAltered(_)
            | Self::TileAltered(_)
            | Self::RootDiffers
            | Self::DocumentAltered(_)
            | Self::ReleaseAltered { .. } => Kind::Damaged,
            Self::FileMissing(_)
            | Self::FileUnexpected(_)
            | Self::DocumentMissing { .. }
            | Self::DocumentUnreferenced(_)
            | Self::ReleaseMissing { .. } => Kind::Incomplete,
            Self::Checkpoint(_)
            | Self::Witnesses(_)
            | Self::Strangers(_)
            | Self::TrustCopyDiffers
            | Self::TooTrusting { .. } => Kind::Checkpoint,
            Self::Forked(_) => Kind::Forked,
            Self::Unauthorised(_)
            | Self::AuthorisedTwice { .. }
            | Self::Authorisation { .. }
            | Self::Signature { .. } => Kind::Signature,
            Self::EntryMalformed { .. }
            | Self::DocumentMismatch { .. }
            | Self::NotLogged { .. }
            | Self::QueryTwice { .. }
            | Self::Reference { .. }
            | Self::Chain { .. }
            | Self::Ending(_)
            | Self::NotFinal { .. }
            | Self::BackDated { .. }
            | Self::FromTheFuture { .. }
            | Self::RosterNotAccepted { .. }
            | Self::NamesDiffer { .. }
            | Self::AttemptTwice { .. }
            | Self::CertifiedTwice { .. } => Kind::Disorder,
            // What cannot be read is missing, which is a finding of its own; nobody can say that it gives anybody away.
            Self::GuardBreached { cause: GuardRefusal::Unreadable, .. } => Kind::Incomplete,
            Self::GuardBreached { .. } => Kind::Guard,
            Self::ReleaseUnproved { .. } => Kind::Release,
            Self::Overdue { .. } => Kind::Unended,
        }
    }
}
