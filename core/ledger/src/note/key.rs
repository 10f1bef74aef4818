//! The keys of a log and of its witnesses, each with a name and with the key id by which notes refer to them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::identity::{IdentityKey, PublicIdentity};

/// The algorithm byte of Ed25519 signatures on notes (C2SP signed-note).
const ALGORITHM_ED25519: u8 = 0x01;
/// The algorithm byte of timestamped Ed25519 cosignatures (C2SP tlog-cosignature).
const ALGORITHM_COSIGNATURE: u8 = 0x04;
const MAX_NAME_BYTES: usize = 200;

/// Why a key or its name is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// A name that notes cannot carry.
    #[error("a key's name is 1 to 200 bytes without spaces, control characters or `+`, as in example.nl/optelsom")]
    Name,
    /// Not `name+id+key`.
    #[error("a verifier key reads name+id+key: the name, eight hexadecimal digits, and the key in base64")]
    Form,
    /// Of another algorithm, or no usable key.
    #[error("the key in `{0}` is not a usable Ed25519 key for {1}")]
    Key(String, &'static str),
    /// The id does not belong to name and key.
    #[error("the id in `{0}` does not belong to its name and key; copy the line again")]
    Id(String),
}

/// The name of a key, and of a log its origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for KeyName {
    type Error = KeyError;

    fn try_from(name: &str) -> Result<Self, KeyError> {
        let printable = !name.chars().any(char::is_control);
        if printable && name.len() <= MAX_NAME_BYTES && signed_note::is_key_name_valid(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(KeyError::Name)
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A named public key: both kinds of verifier are one underneath, told apart by the algorithm byte.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedKey {
    name: KeyName,
    identity: PublicIdentity,
    id: u32,
}

impl NamedKey {
    fn new(name: KeyName, identity: PublicIdentity, algorithm: u8) -> Self {
        let id = signed_note::key_id(name.as_str(), &encoded(algorithm, &identity));
        Self { name, identity, id }
    }

    fn parse(text: &str, algorithm: u8, purpose: &'static str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let name = KeyName::try_from(name)?;
        let key = BASE64.decode(key).map_err(|_| KeyError::Form)?;
        let unusable = || KeyError::Key(name.to_string(), purpose);
        let identity = match key.split_first() {
            Some((found, key)) if *found == algorithm => {
                let key = <[u8; 32]>::try_from(key).map_err(|_| unusable())?;
                PublicIdentity::from_bytes(key).map_err(|_| unusable())?
            }
            _ => return Err(unusable()),
        };
        let parsed = Self::new(name, identity, algorithm);
        if id == format!("{:08x}", parsed.id) { Ok(parsed) } else { Err(KeyError::Id(parsed.name.to_string())) }
    }

    fn write(&self, algorithm: u8, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}+{:08x}+{}", self.name, self.id, BASE64.encode(encoded(algorithm, &self.identity)))
    }
}

fn encoded(algorithm: u8, identity: &PublicIdentity) -> Vec<u8> {
    std::iter::once(algorithm).chain(identity.as_bytes().iter().copied()).collect()
}

macro_rules! key_types {
    ($(#[$secret_doc:meta])* $secret:ident, $(#[$public_doc:meta])* $public:ident, $algorithm:expr, $purpose:literal) => {
        $(#[$secret_doc])*
        #[derive(Clone, Debug)]
        pub struct $secret {
            key: IdentityKey,
            public: $public,
        }

        impl $secret {
            /// The key of this name with this secret.
            pub fn new(name: KeyName, key: IdentityKey) -> Self {
                let public = $public::new(name, key.public());
                Self { key, public }
            }

            /// The public half.
            pub fn verifier(&self) -> &$public {
                &self.public
            }

            pub(super) fn secret(&self) -> &IdentityKey {
                &self.key
            }
        }

        $(#[$public_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $public(NamedKey);

        impl $public {
            /// The verifier of this name and key.
            pub fn new(name: KeyName, identity: PublicIdentity) -> Self {
                Self(NamedKey::new(name, identity, $algorithm))
            }

            /// Its name.
            pub fn name(&self) -> &KeyName {
                &self.0.name
            }

            /// The first four bytes of SHA-256 over name, newline, algorithm and key (C2SP signed-note).
            pub fn key_id(&self) -> u32 {
                self.0.id
            }

            /// The key itself.
            pub fn identity(&self) -> &PublicIdentity {
                &self.0.identity
            }
        }

        impl fmt::Display for $public {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write($algorithm, formatter)
            }
        }

        impl FromStr for $public {
            type Err = KeyError;

            fn from_str(text: &str) -> Result<Self, KeyError> {
                NamedKey::parse(text, $algorithm, $purpose).map(Self)
            }
        }
    };
}

key_types!(
    /// The secret key of a log. Its name is the log's origin.
    LogKey,
    /// What a log's checkpoints are checked with; written `name+id+key` (C2SP signed-note).
    LogVerifier,
    ALGORITHM_ED25519,
    "a log"
);

key_types!(
    /// The secret key of a witness, for nothing but cosignatures.
    CosignerKey,
    /// What a witness's cosignatures are checked with; written `name+id+key` (C2SP tlog-cosignature).
    Cosigner,
    ALGORITHM_COSIGNATURE,
    "a witness"
);
