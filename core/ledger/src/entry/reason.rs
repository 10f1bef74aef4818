//! Why something happened, as a code: the log holds no free text of a person.

use std::fmt;

use thiserror::Error;

/// A reason code such as `outside-period`: 1 to 64 of a-z, 0-9 and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReasonCode(String);

/// A text that is no reason code.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a reason in the log is a code of 1 to 64 of the characters a-z, 0-9 and -, never free text")]
pub struct NotAReason;

impl ReasonCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for ReasonCode {
    type Error = NotAReason;

    fn try_from(text: &str) -> Result<Self, NotAReason> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAReason)
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
