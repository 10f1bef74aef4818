//! The wire: what travels between node, coordinator and those who ask, over which connections, and who may call what.
//!
//! The messages of [`v1`] are generated from `optelsom/v1/*.proto`, one file per conversation. Nothing works with them
//! but the conversions in [`wire`], which turn them into the types of the core, or say which field is wrong.

pub mod backoff;
pub mod codec;
pub mod dial;
pub mod gate;
pub mod health;
pub mod key_file;
pub mod limits;
pub mod listen;
pub mod output;
pub mod private;
pub mod public;
pub mod role;
pub mod tls;
pub mod wire;

/// The generated messages and services.
#[allow(missing_docs, clippy::all, clippy::cast_possible_truncation, clippy::unwrap_used)]
pub mod v1 {
    tonic::include_proto!("optelsom.v1");
}

mod accept;
mod pages;
mod places;
mod redacted;

pub use backoff::Backoff;
pub use dial::{DialError, ProxyAddress, ProxyCredentials, Target, dial};
pub use gate::{Call, GateLayer, permitted};
pub use role::{PartyName, Role, RoleError, RoleKind};
pub use tls::{Credentials, CredentialsError};
pub use wire::WireError;

/// The software's name and version, as daemons tell each other.
pub const SOFTWARE: &str = concat!("optelsom ", env!("CARGO_PKG_VERSION"));
