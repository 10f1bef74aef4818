//! The guard against differencing across queries.
//!
//! Two totals over sets of suppliers that differ by one supplier give that supplier away, whatever the breakdown; so do
//! three (North, South, whole) that no single supplier answered together. The guard's memory is therefore the log: an
//! attempt is made final only if the partition of suppliers that its participants and all earlier logged sets generate
//! has parts of at least c+2 members without a waiver, or none such; the part outside all sets does not count. Any
//! combination of totals is constant on the parts, so whatever is computed from them is about c+2 suppliers or more,
//! of whom c may collude.
//!
//! A query that asks for noise is another matter: each honest participant has added its share, so no equation holds
//! between its total and others. Its sets are neither judged nor compared with.
//!
//! Compared are the sets of other queries on the same dataset and an overlapping period, in whatever edition. Left out
//! are only those whose query has a logged void certificate, or a logged final one for another attempt or other
//! submissions; never for other names, which are whatever the log's writer says where nobody has voted on them. Read is
//! the log as it stood before the first entry of this attempt and set, so that all voters reach one verdict.

mod history;
mod partition;

use optelsom_codebook::{Epsilon, QueryId, SupplierId};
use thiserror::Error;

use crate::roster::Scope;

pub use history::History;

/// The years (or other ordered codes) that a query is about, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    first: i32,
    last: i32,
}

impl Period {
    /// From the one to the other; none where they are the wrong way round.
    pub const fn new(first: i32, last: i32) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// Whether they have a year in common.
    pub const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// What a query is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// As its document says.
    Known {
        /// The dataset.
        dataset: String,
        /// All that its filter lets through lies within.
        period: Period,
    },
    /// As its document says; each participant adds noise, so that its total is in no equation with others. It is charged
    /// to a budget at each node, and neither held to the guard nor held against others.
    Noised {
        /// The dataset.
        dataset: String,
        /// ε.
        epsilon: Epsilon,
    },
    /// Its document is not at hand, or cannot be read: it counts as on every dataset and period.
    Unreadable,
}

impl About {
    fn may_overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known { dataset, period }, Self::Known { dataset: others, period: other }) => {
                dataset == others && period.overlaps(*other)
            }
            (Self::Noised { .. }, _) | (_, Self::Noised { .. }) => false,
            (Self::Unreadable, _) | (_, Self::Unreadable) => true,
        }
    }
}

/// What the reader of the log knows of a query beyond its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is about.
    pub about: About,
    /// Its scope under its own roster; none if that roster is not at hand. Without it no certificate of the query can
    /// be checked, so its sets are never left out.
    pub scope: Option<Scope>,
}

/// Why an attempt must not be made final.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GuardRefusal {
    /// The total would give suppliers away.
    #[error("{0}")]
    Differencing(#[from] Differencing),
    /// What the attempt itself is about cannot be read here.
    #[error("the query itself cannot be read here, so nobody can say what its total would give away")]
    Unreadable,
    /// There is no such participants entry.
    #[error("entry {0} of the log is not a list of participants of a logged query")]
    NotLogged(u64),
}

/// Which suppliers a total would give away, together with earlier ones.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "with {} the total would tell {} {} without a waiver apart from the rest ({}); at least {wanted} must stay \
     together",
    with.map_or_else(|| "nothing else known".to_owned(), |earlier| format!("the set at entry {} of the log", earlier.at)),
    unwaived,
    if *unwaived == 1 { "supplier" } else { "suppliers" },
    names(part)
)]
pub struct Differencing {
    /// The part that is too small.
    pub part: Vec<SupplierId>,
    /// How many of it have not waived.
    pub unwaived: usize,
    /// c+2.
    pub wanted: usize,
    /// The earlier set, in the log's order, with which it first comes apart; none if the set by itself is too small.
    pub with: Option<Earlier>,
}

/// An earlier set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Where it stands in the log.
    pub at: u64,
    /// Whose it is, if a query stands where it says.
    pub query: Option<QueryId>,
}

fn names(part: &[SupplierId]) -> String {
    part.iter().map(SupplierId::as_str).collect::<Vec<_>>().join(", ")
}
