//! A release with all that is needed to check it offline: fetched into a folder ([`fetch`]), and held against the keys
//! that one trusts ([`verify`]). The files are described in docs/release-proof.md.

pub mod check;
pub mod exported;
mod fault;
pub mod fetch;
mod logged;
mod manifest;
pub mod verify;
pub mod words;

use optelsom_ledger::entry::Subject;

pub use check::{Checked, Parts};
pub use fault::Fault;
pub use verify::{Verified, verify};

/// The digests of all other files, as `sha256sum` writes them.
pub const MANIFEST: &str = "manifest";
/// The table as it was released.
pub const TABLE: &str = "release.json";
/// The 32 bytes without which the table's digest in the log could be guessed from.
pub const SALT: &str = "salt";
/// One proof for each column.
pub const PROOF: &str = "proof";
/// What the participants committed to and signed.
pub const COMMITMENTS: &str = "commitments";
/// The files that lie at the coordinator beside the log, by the names that they have there too.
pub const RELEASED: [&str; 4] = [TABLE, SALT, PROOF, COMMITMENTS];

/// The canonical query document.
pub const QUESTION: &str = "query.json";
/// The codebook that it was read with.
pub const CODEBOOK: &str = "codebook.toml";
/// The roster of those asked and asking.
pub const ROSTER: &str = "roster.toml";
/// The policy by which the table is protected, in canonical bytes.
pub const POLICY: &str = "policy";

/// The entries of the log that speak of a release, each in a file by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What was asked.
    Query,
    /// On whose word.
    Authorisation,
    /// Who took part.
    Participants,
    /// That a quorum made it final.
    Final,
    /// What was released.
    Release,
}

impl Step {
    /// All of them, in the order of the log.
    pub const ALL: [Self; 5] = [Self::Query, Self::Authorisation, Self::Participants, Self::Final, Self::Release];

    /// The file, in the form of C2SP tlog-proof.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Query => "query.tlog-proof",
            Self::Authorisation => "authorisation.tlog-proof",
            Self::Participants => "participants.tlog-proof",
            Self::Final => "final.tlog-proof",
            Self::Release => "release.tlog-proof",
        }
    }
}

/// The documents that a query names by their hashes, and where they lie in a bundle.
pub(crate) const NAMED: [(&str, Subject); 3] =
    [(CODEBOOK, Subject::Codebook), (ROSTER, Subject::Roster), (POLICY, Subject::Policy)];
