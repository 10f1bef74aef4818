//! How a total is added up: masks, commitments, certificates, and the two machines that run a round, the supplier's and
//! the combiner's. The steps and their reasons are in the protocol description, docs/protocol.md.
//!
//! Pure: no network, no clock, no disk, no randomness of the operating system. Time and fresh bytes come in as
//! arguments; what is wanted done goes out as effects.

pub mod combiner;
pub mod commitment;
pub mod entropy;
pub mod fault;
pub mod generators;
pub mod mask;
pub mod messages;
mod outbox;
mod pairwise;
mod question;
pub mod release_proof;
mod round;
mod rules;
mod secret;
mod shamir;
mod stored;
pub mod supplier;
mod table;

pub use combiner::{Combiner, CombinerConfig, CombinerRecord};
pub use entropy::Entropy;
pub use fault::{Fault, FaultKind, Party};
pub use generators::Generators;
pub use question::{Question, RestoreError};
pub use round::{Round, Verifier};
pub use rules::{Rule, Rules};
pub use supplier::{Supplier, SupplierConfig, SupplierRecord};
pub use table::{Bound, LocalTable, MaskedTable, OutOfBounds, PreparedTable};
