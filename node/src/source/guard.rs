//! Third-party readers of files kept from taking the daemon down with them.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a reader of foreign bytes; `None` when it panicked on them.
///
/// What the reader had in hand is dropped with it, so nothing is seen in a broken state afterwards.
pub(super) fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
