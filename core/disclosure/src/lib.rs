//! What may be shown: from opened totals to a protected table, in which each cell carries a value or a reason.
//!
//! Pure: no network, no clock, no disk, no randomness.

pub mod totals;

pub use totals::Totals;
