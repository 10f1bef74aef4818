//! A whole federation on one machine, with made-up records.
//!
//! [`data`] makes the country up, [`suppliers`] write it down each in its own way, [`federation`] runs a folder, and
//! [`demonstration`] asks the built-in one a question.

// They panic where standard output is closed or full: see `optelsom_proto::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod arguments;
pub mod audit;
pub mod data;
pub mod demonstration;
pub mod federation;
pub mod files;
pub mod keep;
pub mod session;
pub mod stages;
pub mod suppliers;
