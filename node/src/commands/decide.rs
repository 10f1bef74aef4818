//! `optelsom-node pending`, `approve` and `deny`: what a person says to queries that wait for one.

use std::path::Path;

use optelsom_codebook::Timestamp;
use thiserror::Error;

use crate::daemon::store::{Decision, Question, Store, StoreError};

/// Why nothing was decided.
#[derive(Debug, Error)]
pub enum DecideError {
    /// The node's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such query.
    #[error("no query begins with `{0}`; see optelsom-node pending, or optelsom-node journal")]
    Unknown(String),
    /// More than one.
    #[error("{count} queries begin with `{digits}`; write more digits")]
    Several {
        /// What was given.
        digits: String,
        /// How many begin with it.
        count: usize,
    },
    /// Nothing to decide.
    #[error("query {id} does not wait for a person: {state}")]
    NotWaiting {
        /// Which.
        id: String,
        /// What there is to say of it.
        state: &'static str,
    },
}

/// The queries that wait for a person, latest first.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn pending(state: &Path, now: Timestamp) -> Result<Vec<Question>, DecideError> {
    let store = Store::open(state).await?;
    store.stop_waiting_for_what_is_over(now).await?;
    let mut questions = store.questions("").await?;
    questions.retain(|question| question.decision == Some(Decision::Waiting));
    Ok(questions)
}

/// Approves or denies the one query that begins with these digits. A running node takes notice within a second.
///
/// # Errors
/// When there is none, more than one, or it does not wait.
pub(super) async fn decide(
    state: &Path,
    digits: &str,
    approved: bool,
    now: Timestamp,
) -> Result<Question, DecideError> {
    let store = Store::open(state).await?;
    store.stop_waiting_for_what_is_over(now).await?;
    let question = find(&store, digits).await?;
    if store.decide(&question.query, approved).await? {
        return Ok(question);
    }
    let state = match store.decision(&question.query).await? {
        Some(Decision::Approved) => "it was approved before",
        Some(Decision::Denied) => "it was denied before",
        Some(Decision::Over) => "it is over: it ended before anybody had decided",
        Some(Decision::Waiting) | None => "the agreement decided about it",
    };
    Err(DecideError::NotWaiting { id: question.query.short(), state })
}

/// The one question that begins with these digits.
///
/// # Errors
/// When there is none, or more than one.
pub(super) async fn find(store: &Store, digits: &str) -> Result<Question, DecideError> {
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = if hexadecimal { store.questions(digits).await? } else { Vec::new() };
    match (found.len(), found.pop()) {
        (1, Some(question)) => Ok(question),
        (count, Some(_)) => Err(DecideError::Several { digits: digits.to_owned(), count }),
        (_, None) => Err(DecideError::Unknown(digits.escape_debug().to_string())),
    }
}
