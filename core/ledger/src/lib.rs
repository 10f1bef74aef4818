//! What was asked: who may ask and answer ([`Roster`]), the canonical entry of a query ([`QueryEntry`]) and its name
//! λ, the RFC 6962 leaf hash of that entry ([`leaf_hash`]).
//!
//! And the log that it stands in: all kinds of [`entry`], the tree's [`proof`]s, checkpoints and cosignatures ([`note`],
//! [`witness`]), the files they lie in ([`tiles`]), how entries get in ([`appender`]), what a node checks before it
//! answers ([`gate`]) and before it makes final ([`guard`]), and how the whole is checked afterwards ([`audit`]).
//!
//! Pure: no network, no clock, no disk, no randomness of its own.

pub mod appender;
pub mod audit;
pub mod canonical;
pub mod entry;
pub mod gate;
pub mod guard;
pub mod identity;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod query;
pub mod roster;
pub mod tiles;
pub mod tree;
pub mod trust;
pub mod view;
pub mod witness;

pub use identity::{IdentityError, IdentityKey, PublicIdentity, Signature};
pub use query::{EntryError, QueryEntry, SignedQuery};
pub use roster::{Member, Requester, Roster, RosterError, Scope, ScopeError};
pub use tree::{Tree, leaf_hash};
pub use trust::{Trust, TrustError};
pub use view::LogView;
