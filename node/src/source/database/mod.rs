//! Databases as a source: one streamed `SELECT` of the bound columns over the supplier's own view.

mod conversation;
mod identifier;
mod postgresql;
mod sqlite;

pub use identifier::{Identifier, IdentifierError, View};
pub use postgresql::PostgresqlSource;
pub use sqlite::SqliteSource;
