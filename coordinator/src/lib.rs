//! The bureau's daemon: it takes questions, runs their rounds among the suppliers' nodes, and releases protected tables.
//!
//! [`start`] runs it in this process: the binary does no more than that, with a configuration from a file.

mod acceptance;
pub mod authority;
pub mod clock;
pub mod configuration;
mod documents;
mod driver;
mod hub;
mod ledger;
mod metrics;
mod services;
mod shared;
mod start;
pub mod store;
mod turn;

pub use authority::{Authority, AuthorityError, Issued};
pub use configuration::{Configuration, ConfigurationError};
pub use start::{Running, StartError, create_log, start};
