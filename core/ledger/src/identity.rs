//! Ed25519 identities (RFC 8032) of suppliers and of those who ask.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// The secret key of a supplier or a requester. Zeroised when dropped, never printed.
#[derive(Clone)]
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// The key with this seed: 32 fresh random bytes, or those of a key file.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for the key file.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicIdentity {
        PublicIdentity(self.0.verifying_key().to_bytes())
    }

    /// Signs canonical bytes (see [`crate::canonical::Writer`], which names the statement).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IdentityKey(secret half of {})", self.public())
    }
}

/// Why a public identity or a signature is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not 32 bytes in hexadecimal.
    #[error("a public identity is 64 hexadecimal digits")]
    Form,
    /// Not a point of the curve, or one of small order.
    #[error("these bytes are no usable Ed25519 public key")]
    Key,
    /// The signature does not fit key and message.
    #[error("the signature does not fit")]
    Signature,
}

/// The public key of a supplier or a requester; 64 hexadecimal digits as people write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicIdentity([u8; 32]);

impl PublicIdentity {
    /// Takes 32 bytes that are a point of large order.
    ///
    /// # Errors
    /// [`IdentityError::Key`] for others.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, IdentityError> {
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(bytes)),
            _ => Err(IdentityError::Key),
        }
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks a signature, strictly (no malleable or small-order forms).
    ///
    /// # Errors
    /// [`IdentityError::Signature`] when it does not fit.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), IdentityError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| IdentityError::Key)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| IdentityError::Signature)
    }
}

impl TryFrom<String> for PublicIdentity {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| IdentityError::Form)?;
        Self::from_bytes(bytes)
    }
}

impl From<PublicIdentity> for String {
    fn from(identity: PublicIdentity) -> Self {
        hex::encode(identity.0)
    }
}

impl fmt::Display for PublicIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicIdentity({self})")
    }
}

/// An Ed25519 signature; says nothing until it is verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes the 64 bytes as they came.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({}…)", hex::encode(&self.0[..6]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn rfc_8032() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let key = IdentityKey::from_seed(&hex::decode(seed).unwrap().try_into().unwrap());
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(key.public().to_string(), public);
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(hex::encode(key.sign(&[0x72]).as_bytes()), signature);
        assert_eq!(key.public().verify(&[0x72], &key.sign(&[0x72])), Ok(()));
        assert_eq!(key.public().verify(&[0x73], &key.sign(&[0x72])), Err(IdentityError::Signature));
        assert_eq!(*key.seed(), *hex::decode(seed).unwrap());
    }

    #[test]
    fn weak_and_malformed_keys_are_refused() {
        // The neutral element, and a point of order eight (RFC 7748's list of small orders, in Edwards form).
        let order_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        let neutral = "0100000000000000000000000000000000000000000000000000000000000000";
        for weak in [neutral, order_eight] {
            assert_eq!(PublicIdentity::try_from(weak.to_owned()), Err(IdentityError::Key));
        }
        for malformed in ["", "zz", &neutral[1..]] {
            assert_eq!(PublicIdentity::try_from(malformed.to_owned()), Err(IdentityError::Form));
        }
    }

    #[test]
    fn the_secret_half_is_not_printed() {
        let key = IdentityKey::from_seed(&[0xab; 32]);
        assert!(!format!("{key:?}").contains("abab"));
    }
}
