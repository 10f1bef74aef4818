//! A bureau's own certificate authority: small, offline, for this federation alone (RFC 5280).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use optelsom_codebook::Timestamp;
use optelsom_proto::Role;
use optelsom_proto::key_file::{KeyFileError, read_secret, write_secret};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Name of the authority's certificate file.
pub const AUTHORITY_CERTIFICATE: &str = "authority.pem";
/// Name of the authority's key file.
pub const AUTHORITY_KEY: &str = "authority.key";

/// Certificates begin a little in the past, so that a clock that is a bit behind accepts them: five minutes.
const BACKDATED: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why no certificate is issued.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// The key's file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A certificate's file.
    #[error("{path}: {cause}; see that the folder is there and may be read and written")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The key file is not PEM text.
    #[error("key file {0} holds no private key in PEM; --authority names the folder that `authority new` made")]
    NoKey(PathBuf),
    /// A coordinator is found by a name.
    #[error("a coordinator's certificate needs the name or address that nodes connect to: give --host")]
    NoHost,
    /// Only a coordinator listens.
    #[error("the certificate of {0} carries no host name, only the coordinator's does: leave --host out")]
    HostNotWanted(Role),
    /// What cannot stand in a certificate.
    #[error("the certificate cannot be made: {0}; names are of letters, digits, dots and dashes")]
    Certificate(#[from] rcgen::Error),
}

/// The authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate with its key, both PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Zeroizing<String>,
}

fn validity(params: &mut CertificateParams, from: Timestamp, days: u32) {
    let begin = SystemTime::UNIX_EPOCH + Duration::from_millis(from.as_millis());
    params.not_before = begin.checked_sub(BACKDATED).unwrap_or(SystemTime::UNIX_EPOCH).into();
    params.not_after = (begin + DAY * days).into();
}

impl Authority {
    /// Makes a fresh authority of this name, valid for so many days.
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn new(name: &str, from: Timestamp, days: u32) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity(&mut params, from, days);
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Reads the authority of a folder.
    ///
    /// # Errors
    /// When a file is missing, or others could read the key.
    pub fn read(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(AUTHORITY_CERTIFICATE);
        let certificate = fs::read_to_string(&path).map_err(|cause| AuthorityError::File { path, cause })?;
        let key_path = folder.join(AUTHORITY_KEY);
        let secret = read_secret(&key_path)?;
        let pem = std::str::from_utf8(&secret).map_err(|_| AuthorityError::NoKey(key_path))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, KeyPair::from_pem(pem)?)?;
        Ok(Self { issuer, certificate })
    }

    /// Writes certificate and key into a folder; never replaces an authority.
    ///
    /// # Errors
    /// When there is one already, or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), AuthorityError> {
        let pem = Zeroizing::new(self.issuer.key().serialize_pem());
        create_folder(folder)?;
        write_secret(&folder.join(AUTHORITY_KEY), pem.as_bytes())?;
        write_certificate(&folder.join(AUTHORITY_CERTIFICATE), &self.certificate)
    }

    /// The authority's certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a certificate with a fresh key, valid for so many days. `hosts` are the names and addresses that a
    /// coordinator is found by; for all others it is empty.
    ///
    /// # Errors
    /// When a coordinator has no host, another has one, or a host cannot stand in a certificate.
    pub fn issue(&self, role: &Role, hosts: &[String], from: Timestamp, days: u32) -> Result<Issued, AuthorityError> {
        match (role, hosts.is_empty()) {
            (Role::Coordinator, true) => return Err(AuthorityError::NoHost),
            (Role::Coordinator, false) | (_, true) => {}
            (_, false) => return Err(AuthorityError::HostNotWanted(role.clone())),
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(hosts.to_vec())?;
        params.subject_alt_names.push(SanType::URI(role.to_string().try_into()?));
        params.distinguished_name.push(DnType::CommonName, role.to_string());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Nobody but the coordinator can pose as a server, and the coordinator cannot pose as a client.
        params.insert_extended_key_usage(match role {
            Role::Coordinator => ExtendedKeyUsagePurpose::ServerAuth,
            _ => ExtendedKeyUsagePurpose::ClientAuth,
        });
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, from, days);
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: Zeroizing::new(key.serialize_pem()) })
    }
}

impl Issued {
    /// Writes `<name>.pem` and `<name>.key` into a folder; never replaces a key.
    ///
    /// # Errors
    /// When they exist or cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), AuthorityError> {
        create_folder(folder)?;
        write_secret(&folder.join(format!("{name}.key")), self.key.as_bytes())?;
        write_certificate(&folder.join(format!("{name}.pem")), &self.certificate)
    }
}

fn create_folder(folder: &Path) -> Result<(), AuthorityError> {
    fs::create_dir_all(folder).map_err(|cause| AuthorityError::File { path: folder.to_owned(), cause })
}

fn write_certificate(path: &Path, pem: &str) -> Result<(), AuthorityError> {
    fs::write(path, pem).map_err(|cause| AuthorityError::File { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_proto::Credentials;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);

    #[test]
    fn what_is_issued_reads_back_with_its_role() {
        let folder = tempfile::tempdir().unwrap();
        Authority::new("test authority", NOW, 10).unwrap().write(folder.path()).unwrap();
        let authority = Authority::read(folder.path()).unwrap();
        for uri in ["optelsom:node:police", "optelsom:analyst:a-1", "optelsom:operator:duty"] {
            let role: Role = uri.parse().unwrap();
            let name = role.kind().to_string();
            authority.issue(&role, &[], NOW, 5).unwrap().write(folder.path(), &name).unwrap();
            let at = |suffix: &str| folder.path().join(format!("{name}.{suffix}"));
            let read = Credentials::read(&at("pem"), &at("key"), &folder.path().join(AUTHORITY_CERTIFICATE)).unwrap();
            assert_eq!(*read.role(), role);
            assert_eq!(read.expires_at(), NOW.plus_millis(5 * 24 * 60 * 60 * 1000));
        }
    }

    #[test]
    fn hosts_are_the_coordinators_alone() {
        let authority = Authority::new("test authority", NOW, 10).unwrap();
        let host = ["localhost".to_owned()];
        assert!(matches!(authority.issue(&Role::Coordinator, &[], NOW, 1), Err(AuthorityError::NoHost)));
        let node = "optelsom:node:police".parse().unwrap();
        assert!(matches!(authority.issue(&node, &host, NOW, 1), Err(AuthorityError::HostNotWanted(_))));
        assert!(authority.issue(&Role::Coordinator, &host, NOW, 1).is_ok());
    }

    #[test]
    fn an_authority_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("test authority", NOW, 10).unwrap();
        authority.write(folder.path()).unwrap();
        assert!(authority.write(folder.path()).is_err());
    }
}
