//! Files with secrets: readable by their owner alone, or refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use optelsom_ledger::IdentityKey;
use thiserror::Error;
use zeroize::Zeroizing;

/// Secrets are short; more than this is some other file.
const LONGEST: u64 = 64 * 1024;

/// Why a file with a secret is refused.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// Cannot be opened, read or written.
    #[error("key file {path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Others can read it.
    #[error("key file {path} is open to others (mode {mode:03o}); make it the owner's alone: chmod 600 {path}")]
    TooWide {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Too long to be a key.
    #[error("key file {path} has {bytes} bytes; a key has 65,536 at most")]
    TooLong {
        /// Which.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// Not what an identity key file holds.
    #[error("key file {0} is no identity key: it should hold 64 hexadecimal digits; make one with `identity new`")]
    NotASeed(PathBuf),
    /// The system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Reads a file that only its owner may read.
///
/// # Errors
/// When it cannot be read, or group or others have any permission on it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file_error = |cause| KeyFileError::File { path: path.to_owned(), cause };
    let file = File::open(path).map_err(file_error)?;
    let metadata = file.metadata().map_err(file_error)?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooWide { path: path.to_owned(), mode });
    }
    if metadata.len() > LONGEST {
        return Err(KeyFileError::TooLong { path: path.to_owned(), bytes: metadata.len() });
    }
    // The whole capacity at once: a vector that grew would leave copies behind.
    let mut secret = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST).unwrap_or(65_536) + 1));
    file.take(LONGEST).read_to_end(&mut secret).map_err(file_error)?;
    Ok(secret)
}

/// Writes a new file with mode 0600; never replaces one.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_secret(path: &Path, secret: &[u8]) -> Result<(), KeyFileError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        file.write_all(secret)?;
        file.sync_all()
    });
    written.map_err(|cause| KeyFileError::File { path: path.to_owned(), cause })
}

/// Reads an identity key: a seed of 32 bytes as 64 hexadecimal digits.
///
/// # Errors
/// As [`read_secret`], and for other contents.
pub fn read_identity(path: &Path) -> Result<IdentityKey, KeyFileError> {
    let text = read_secret(path)?;
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), seed.as_mut_slice())
        .map_err(|_| KeyFileError::NotASeed(path.to_owned()))?;
    Ok(IdentityKey::from_seed(&seed))
}

/// Makes a fresh identity and writes its key file.
///
/// # Errors
/// As [`write_secret`].
pub fn new_identity(path: &Path) -> Result<IdentityKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(KeyFileError::Random)?;
    write_identity(path, &seed)
}

/// Writes the key file of the identity with this seed.
///
/// # Errors
/// As [`write_secret`].
pub fn write_identity(path: &Path, seed: &[u8; 32]) -> Result<IdentityKey, KeyFileError> {
    let mut text = Zeroizing::new([b'\n'; 65]);
    if let Some(digits) = text.get_mut(..64) {
        // 32 bytes are 64 digits, so this cannot fail.
        let _ = hex::encode_to_slice(seed, digits);
    }
    write_secret(path, text.as_slice())?;
    Ok(IdentityKey::from_seed(seed))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn identities_read_back_and_are_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        let made = new_identity(&path).unwrap();
        assert_eq!(read_identity(&path).unwrap().public(), made.public());
        assert!(matches!(new_identity(&path), Err(KeyFileError::File { .. })));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        new_identity(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read_identity(&path), Err(KeyFileError::TooWide { .. })), "{mode:o}");
        }
    }

    #[test]
    fn other_contents_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        write_secret(&path, b"not a key").unwrap();
        assert!(matches!(read_identity(&path), Err(KeyFileError::NotASeed(_))));
    }
}
