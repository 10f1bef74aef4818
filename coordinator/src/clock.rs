//! The one place where the coordinator reads the clock.

use std::time::{Duration, SystemTime};

use optelsom_codebook::Timestamp;

/// Now, by this machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(0) + since
}

/// How long from `now` until `at`; nothing if that is past.
pub fn until(at: Timestamp, now: Timestamp) -> Duration {
    at.since(now)
}
