//! From the wire into the core's types and back. Parse, don't validate: what comes out cannot be malformed, and what
//! cannot be parsed names the field that is wrong.

pub mod answer;
mod certificates;
mod fields;
pub mod hello;
pub mod ledger;
pub mod parts;
pub mod query;
pub mod request;

use thiserror::Error;

pub use answer::{Answer, answer};
pub use hello::{Announced, Hello, Holding, Holdings, SignedAgreement};
pub use ledger::{AgreementSigned, Evidence, LedgerUpdate};
pub use parts::table_part;
pub use query::Asked;
pub use request::{Documents, Request, RequestWriter, request};

/// A message from outside that is not what it should be. Names the field; never repeats its contents, which may be
/// secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("malformed message: field `{field}` {wrong}")]
pub struct WireError {
    /// The field, by its name in the .proto file.
    pub field: &'static str,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a field.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has a fixed length, and this is another.
    #[error("has {got} bytes, {wanted} are wanted")]
    Length {
        /// How many it should have.
        wanted: usize,
        /// How many it has.
        got: usize,
    },
    /// It is longer than is taken.
    #[error("has a length of {got}, {most} is the most that is taken")]
    TooLong {
        /// The most that is taken.
        most: usize,
        /// What came.
        got: usize,
    },
    /// A number that stands for nothing here: sent by a newer version, perhaps.
    #[error("has the unknown value {0}")]
    Unknown(i64),
    /// Text that is not in its form.
    #[error("is not {0}")]
    Form(&'static str),
}

impl WireError {
    pub(crate) fn missing(field: &'static str) -> Self {
        Self { field, wrong: Wrong::Missing }
    }

    pub(crate) fn form(field: &'static str, wanted: &'static str) -> Self {
        Self { field, wrong: Wrong::Form(wanted) }
    }

    pub(crate) fn unknown(field: &'static str, value: i32) -> Self {
        Self { field, wrong: Wrong::Unknown(value.into()) }
    }
}

impl From<WireError> for tonic::Status {
    fn from(error: WireError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}
