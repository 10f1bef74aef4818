//! What may be shown: from opened totals to a protected table, in which each cell carries a value or a reason.
//!
//! [`Totals`] → [`protect`] → [`ProtectedTable`] → [`Release`]. Nothing else leads from one to the next.
//!
//! A cell that counts some, but fewer than k, is hidden, and so is each figure that rests on it. Where totals are shown
//! beside it, further cells are hidden, so that subtracting doesn't give it away; the [`attacker`] tries every table before
//! it is handed out. So are cells that would give one away together with the [`History`] of releases about the same edition.
//!
//! Pure: no network, no clock, no disk, no randomness.

pub mod attacker;
mod cell;
mod decimal;
mod history;
mod noise;
mod note;
mod policy;
mod protect;
mod release;
mod suppress;
mod table;
mod totals;

pub use cell::{Bounds, CellValue, Estimate, Status};
pub use decimal::{Decimal, MAX_DECIMALS, NotADecimal};
pub use history::{History, HistoryError, Overlap, OverlapKind};
pub use noise::{Noise, NoiseSeed, Spread};
pub use note::{Absence, Note};
pub use policy::{LEAST_MINIMUM_FREQUENCY, LEAST_SUPPLIERS_OF_A_SUM, Policy, PolicyError};
pub use protect::{ProtectError, protect, protect_after, protect_noised};
pub use release::{CodebookReference, RELEASE_FORMAT, Release, ReleaseError, RoundFacts};
pub use table::{AxisHeading, Base, FigureHeading, FigureKind, FigureNoise, PlaceHeading, ProtectedTable, Row};
pub use totals::Totals;

#[cfg(test)]
mod trial;
