//! `optelsom`: asks a federation of suppliers, and prints what it answers.
//!
//! A question goes [`question`] → [`asking`] (edition, purpose, scope) → [`federation`] (the coordinator) →
//! [`publication`] (a table, a file in one of many formats). Nothing here decides what may be shown; that was done before a release exists.

// They panic where standard output is closed or full: see `optelsom_proto::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod arguments;
pub mod asking;
pub mod audit;
pub mod browse;
pub mod bundle;
pub mod clock;
pub mod commands;
pub mod configuration;
pub mod deadline;
pub mod explain;
pub mod failure;
pub mod federation;
pub mod progress;
pub mod publication;
pub mod question;
pub mod words;

#[cfg(test)]
mod fixture;

pub use arguments::Arguments;
pub use commands::run;
pub use failure::Failure;
