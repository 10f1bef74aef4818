//! A whole federation on one machine, with made-up records.

pub mod data;
pub mod files;
pub mod suppliers;
