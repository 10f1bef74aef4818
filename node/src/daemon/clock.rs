//! The operating system's clock and randomness; nothing else in the node asks for them. And how far that clock may be off.

use std::time::{SystemTime, UNIX_EPOCH};

use optelsom_codebook::Timestamp;
use optelsom_proto::limits::CLOCK_TOLERANCE_MS;
use thiserror::Error;

/// This node's clock and the coordinator's are too far apart. For whoever has the wrong one to mend.
#[derive(Debug, Error)]
#[error(
    "this node's clock is {seconds} seconds {direction} the coordinator's, more than the five minutes that are allowed; set \
     the clocks (by NTP, for instance)"
)]
pub(crate) struct ClockOff {
    seconds: u64,
    direction: &'static str,
}

/// Whether the two clocks are near enough to each other.
pub(crate) fn agree(here: Timestamp, there: Timestamp) -> Result<(), ClockOff> {
    let off = here.as_millis().abs_diff(there.as_millis());
    if off <= CLOCK_TOLERANCE_MS {
        return Ok(());
    }
    let direction = if here > there { "ahead of" } else { "behind" };
    Err(ClockOff { seconds: off / 1000, direction })
}

/// Now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Fresh random bytes.
///
/// # Errors
/// When the operating system gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_five_minutes_off_and_no_more() {
        let at = |ms| Timestamp::from_millis(1_000_000_000 + ms);
        assert!(agree(at(0), at(CLOCK_TOLERANCE_MS)).is_ok());
        assert!(agree(at(CLOCK_TOLERANCE_MS), at(0)).is_ok());
        let error = agree(at(CLOCK_TOLERANCE_MS + 1000), at(0)).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("301 seconds ahead of")));
    }
}
