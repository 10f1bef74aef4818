//! What was asked: who may ask and answer ([`Roster`]), the canonical entry of a query ([`QueryEntry`]) and its name
//! λ, the RFC 6962 leaf hash of that entry ([`leaf_hash`]).
//!
//! Pure: no network, no clock, no disk, no randomness of its own.

pub mod canonical;
pub mod identity;
pub mod query;
pub mod roster;
pub mod tree;

pub use identity::{IdentityError, IdentityKey, PublicIdentity, Signature};
pub use query::{EntryError, QueryEntry, SignedQuery};
pub use roster::{Member, Requester, Roster, RosterError, Scope, ScopeError};
pub use tree::leaf_hash;
