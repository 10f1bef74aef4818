//! Every accepted query ends in exactly one of release, refusal, abandonment, void, or spent.

use std::collections::BTreeMap;
use std::fmt;

use optelsom_codebook::Timestamp;
use thiserror::Error;

use crate::entry::Entry;

/// How a query ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A table was released.
    Release,
    /// It was refused as a whole.
    Refusal,
    /// It was given up before anything was certified.
    Abandonment,
    /// A quorum declared it void.
    Void,
    /// Its total did not fit what the participants had committed to.
    Spent,
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Release => "release",
            Self::Refusal => "refusal",
            Self::Abandonment => "abandonment",
            Self::Void => "void",
            Self::Spent => "spent",
        })
    }
}

/// How a query ended, and where that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// Index of the entry that ends it.
    pub at: u64,
}

/// What is wrong with an ending.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EndingFault {
    /// The query had ended already.
    #[error("query {query} ends twice: by {} at entry {} and by {} at entry {}", first.ending, first.at, second.ending, second.at)]
    Twice {
        /// Index of the query.
        query: u64,
        /// Its first ending.
        first: Ended,
        /// The one too many.
        second: Ended,
    },
    /// No query stands where the entry says.
    #[error("entry {at} speaks of query {query}, but no query stands there before it")]
    NoQuery {
        /// Where there should be a query.
        query: u64,
        /// Index of the entry that says so.
        at: u64,
    },
    /// The query goes on after it ended.
    #[error("entry {at} goes on with query {query}, which ended by {} at entry {}", ended.ending, ended.at)]
    AfterEnd {
        /// Index of the query.
        query: u64,
        /// How it ended.
        ended: Ended,
        /// Index of the entry that goes on with it.
        at: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct State {
    asked_at: Timestamp,
    ended: Option<Ended>,
}

/// Which queries have ended, and how: a fold over the entries in their order.
#[derive(Clone, Debug, Default)]
pub struct Endings {
    queries: BTreeMap<u64, State>,
}

impl Endings {
    /// Before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the entry at this index into account.
    ///
    /// # Errors
    /// When it ends a query that has ended, goes on with one, or speaks of a query that is not there. The entry is then
    /// left out of account.
    pub fn observe(&mut self, at: u64, entry: &Entry) -> Result<(), EndingFault> {
        if let Entry::Query(query) = entry {
            self.queries.insert(at, State { asked_at: query.asked_at, ended: None });
            return Ok(());
        }
        let Some(query) = entry.about() else { return Ok(()) };
        let state = self.queries.get_mut(&query).ok_or(EndingFault::NoQuery { query, at })?;
        match (state.ended, entry.ending()) {
            (None, Some(ending)) => {
                state.ended = Some(Ended { ending, at });
                Ok(())
            }
            (Some(first), Some(ending)) => Err(EndingFault::Twice { query, first, second: Ended { ending, at } }),
            // A supplier's answer may arrive after the coordinator closed the query; what opens it may not.
            (Some(ended), None) if matches!(entry, Entry::Participants(_) | Entry::Final(_)) => {
                Err(EndingFault::AfterEnd { query, ended, at })
            }
            (_, None) => Ok(()),
        }
    }

    /// How the query at this index ended, if it is one and has.
    pub fn of(&self, query: u64) -> Option<Ended> {
        self.queries.get(&query).and_then(|state| state.ended)
    }

    /// How many queries there are.
    pub fn queries(&self) -> usize {
        self.queries.len()
    }

    /// The queries that have not ended: index, and when each was asked.
    pub fn unended(&self) -> impl Iterator<Item = (u64, Timestamp)> {
        self.queries.iter().filter(|(_, state)| state.ended.is_none()).map(|(index, state)| (*index, state.asked_at))
    }
}
