//! `optelsom-node journal`: what was asked of this node, and what it answered.

use std::path::Path;

use super::decide::{DecideError, find};
use crate::daemon::store::{Event, Question, Store};

/// The questions that passed the gate, latest first.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn questions(state: &Path) -> Result<Vec<Question>, DecideError> {
    Ok(Store::open(state).await?.questions("").await?)
}

/// One question, and all that happened to it here, in order.
///
/// # Errors
/// When there is no such question, or more than one.
pub(super) async fn entry(state: &Path, digits: &str) -> Result<(Question, Vec<Event>), DecideError> {
    let store = Store::open(state).await?;
    let question = find(&store, digits).await?;
    let events = store.events(&question.query).await?;
    Ok((question, events))
}
