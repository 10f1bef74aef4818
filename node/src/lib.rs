//! The supplier's side: from its own records to the local table that answers one query.
//!
//! source → freeze → edition → aggregate. Records are read once, when an edition is frozen; queries read editions only.

// They panic where standard output is closed or full: see `optelsom_proto::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod aggregate;
pub mod check;
pub mod commands;
pub mod configuration;
pub mod daemon;
pub mod edition;
pub mod freeze;
pub mod held;
pub mod source;
