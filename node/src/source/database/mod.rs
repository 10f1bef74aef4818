//! Databases as a source: one streamed `SELECT` of the bound columns over the supplier's own view.

mod conversation;
mod identifier;
mod postgresql;
mod sqlite;

pub use identifier::{Identifier, IdentifierError, View};
pub use postgresql::PostgresqlSource;
pub use sqlite::SqliteSource;

/// What to do when a database takes longer than it may.
const TIME_LIMIT_REACHED: &str = "The time limit was reached: raise `time_limit_seconds`, or make the view faster";
