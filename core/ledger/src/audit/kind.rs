//! Of what kind a finding is, and where it was found.

use std::fmt;

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file of the export.
    File(String),
    /// In the entry at this index.
    Entry(u64),
    /// In the log as a whole.
    Log,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "file {path}"),
            Self::Entry(index) => write!(formatter, "entry {index}"),
            Self::Log => formatter.write_str("the log"),
        }
    }
}

/// What kind of thing was found, the gravest first: where files are damaged, all else may follow from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file is not as it was when the log was signed.
    Damaged,
    /// A file is missing, or there is one that does not belong here.
    Incomplete,
    /// The checkpoint is not the log's, or not enough witnesses have seen it.
    Checkpoint,
    /// The log was shown differently to others.
    Forked,
    /// A signature on an entry does not hold, or is missing.
    Signature,
    /// Entries that contradict each other or come in an order that cannot be.
    Disorder,
    /// A total that, with others, gives a supplier away.
    Guard,
    /// A published table that is not what was committed to.
    Release,
    /// A query that should have ended.
    Unended,
}

impl Kind {
    /// All of them, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::Damaged,
        Self::Incomplete,
        Self::Checkpoint,
        Self::Forked,
        Self::Signature,
        Self::Disorder,
        Self::Guard,
        Self::Release,
        Self::Unended,
    ];
}
