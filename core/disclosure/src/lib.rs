//! What may be shown: from opened totals to a protected table, in which each cell carries a value or a reason.
//!
//! [`Totals`] → [`protect`] → [`ProtectedTable`] → [`Release`]. Nothing else leads from one to the next.
//!
//! There is one rule today, the minimum frequency: a cell that counts some, but fewer than k, is hidden, and so is each
//! figure that rests on it. **Secondary suppression is not there yet**: where totals are shown beside hidden cells,
//! subtracting can give a hidden cell away, and differences between tables can too. Such tables carry the note
//! [`Note::MarginsMayRevealHidden`].
//!
//! Pure: no network, no clock, no disk, no randomness.

mod cell;
mod decimal;
mod note;
mod policy;
mod protect;
mod release;
mod table;
mod totals;

pub use cell::{Bounds, CellValue, Status};
pub use decimal::{Decimal, MAX_DECIMALS, NotADecimal};
pub use note::{Absence, Note};
pub use policy::{LEAST_MINIMUM_FREQUENCY, Policy, PolicyError};
pub use protect::{ProtectError, protect};
pub use release::{CodebookReference, RELEASE_FORMAT, Release, ReleaseError, RoundFacts};
pub use table::{AxisHeading, FigureHeading, FigureKind, PlaceHeading, ProtectedTable, Row};
pub use totals::Totals;
