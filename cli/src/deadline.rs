//! Lengths of time as people write them: `90s`, `10m`, `2h`, `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long a query may wait for its suppliers: at least a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// As a length of time.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time: write a number with s, m, h or d, as in 10m");
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(seconds).filter(|&seconds| seconds > 0).ok_or_else(wrong)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (number, unit) = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(length, _)| seconds.is_multiple_of(*length))
            .map_or((seconds, 's'), |(length, unit)| (seconds / length, unit));
        write!(f, "{number}{unit}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_and_writes() {
        for text in ["90s", "10m", "2h", "1d"] {
            assert_eq!(text.parse::<Deadline>().unwrap().to_string(), text);
        }
        for bad in ["", "m", "10", "-1m", "0s", "1.5h", "10 m", "99999999999999999999d", "300000000000000d", "1é"] {
            assert!(bad.parse::<Deadline>().is_err(), "{bad}");
        }
    }
}
