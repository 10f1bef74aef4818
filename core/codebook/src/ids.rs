//! Names and digests that everybody speaks of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::excerpt::excerpt;

/// A text that is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A supplier's name outside `[a-z0-9-]{1,40}`.
    #[error("`{0}` is not a supplier's name: use 1 to 40 of the characters a-z, 0-9 and -")]
    Supplier(String),
    /// An edition's name outside `[0-9A-Za-z-]{1,32}`.
    #[error("`{0}` is not an edition's name: use 1 to 32 letters, digits and -, as in 2024-12")]
    Edition(String),
    /// Not 64 hexadecimal digits.
    #[error("`{0}` is not a digest: write it as 64 hexadecimal digits")]
    Digest(String),
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $error:path, $longest:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;

            fn try_from(text: &str) -> Result<Self, IdError> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() || text.len() > $longest || !text.chars().all(allowed) {
                    return Err($error(excerpt(text)));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::try_from(text.as_str())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::try_from(text.as_str()).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type!(
    /// A supplier's name: 1 to 40 of `a-z`, `0-9` and `-`.
    SupplierId,
    IdError::Supplier,
    40,
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);

name_type!(
    /// The name of an edition, a moment at which all suppliers freeze a dataset: 1 to 32 letters, digits and `-`.
    EditionId,
    IdError::Edition,
    32,
    |c| c.is_ascii_alphanumeric() || c == '-'
);

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes 32 bytes that were computed or received elsewhere.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The first 12 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                self.to_string().chars().take(12).collect()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                let bytes = bytes.try_into().map_err(|_| IdError::Digest(format!("{} bytes", bytes.len())))?;
                Ok(Self(bytes))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::Digest(excerpt(text)))?;
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest_type!(
    /// λ, the name of one query for ever: the RFC 6962 leaf hash of its canonical ledger entry.
    QueryId
);

digest_type!(
    /// A SHA-256 digest of something canonical: a codebook, a plan, an agreement, a roster.
    Hash256
);

impl Hash256 {
    /// SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_keep_to_their_alphabets() {
        assert_eq!(SupplierId::try_from("police-1").unwrap().to_string(), "police-1");
        for bad in ["", "Police", "a b", "a/b", "é", &"a".repeat(41)] {
            assert!(SupplierId::try_from(bad).is_err(), "{bad}");
        }
        assert!(EditionId::try_from("2024-12").is_ok());
        for bad in ["", "2024_12", "../x", &"1".repeat(33)] {
            assert!(EditionId::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_read_back_as_written() {
        let digest = Hash256::of(b"abc");
        assert_eq!(digest.short(), "ba7816bf8f01");
        assert_eq!(digest.to_string().parse::<Hash256>().unwrap(), digest);
        assert!("ba78".parse::<QueryId>().is_err());
    }
}
