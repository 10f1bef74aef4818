//! Credentials of one party, and the TLS that they make: version 1.3 only (RFC 8446), X25519MLKEM768 first, both sides
//! authenticated by the federation's own authority.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use optelsom_codebook::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::key_file::{KeyFileError, read_secret};
use crate::role::{Role, RoleError};

/// Why credentials are refused. All of it is for the operator to mend.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// The private key's file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A certificate's file cannot be read as PEM.
    #[error("certificate file {path}: {cause}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls_pki_types::pem::Error,
    },
    /// There is no certificate in the file.
    #[error("certificate file {0} holds no certificate; it should begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// There is no private key in the file.
    #[error("key file {path} holds no private key in PEM: {cause}")]
    NoKey {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls_pki_types::pem::Error,
    },
    /// The certificate names no role of this federation.
    #[error("certificate file {path}: {cause}")]
    Role {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: RoleError,
    },
    /// Key and certificate do not fit, or the authority cannot be used.
    #[error("the credentials of {role} cannot be used: {cause}")]
    Tls {
        /// Whose.
        role: Role,
        /// Why.
        cause: rustls::Error,
    },
    /// The authority cannot be used to check those who connect.
    #[error("the authority's certificate {path} cannot be used: {cause}")]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

/// Certificate, private key and authority of one party. `Debug` shows the role alone; the key is zeroised by rustls'
/// types as far as they do.
pub struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authority: Arc<RootCertStore>,
    role: Role,
    expires_at: Timestamp,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({})", self.role)
    }
}

impl Credentials {
    /// Reads three PEM files: certificate chain, private key (its owner's alone), and the authority's certificate.
    ///
    /// # Errors
    /// When one cannot be read, others could read the key, or the certificate names no role.
    pub fn read(certificate: &Path, key: &Path, authority: &Path) -> Result<Self, CredentialsError> {
        let chain = read_certificates(certificate)?;
        let first = chain.first().ok_or_else(|| CredentialsError::NoCertificate(certificate.to_owned()))?;
        let role_error = |cause| CredentialsError::Role { path: certificate.to_owned(), cause };
        let role = Role::of_certificate(first).map_err(role_error)?;
        let (_, parsed) = X509Certificate::from_der(first).map_err(|_| role_error(RoleError::Certificate))?;
        let expires_at = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0).saturating_mul(1000);
        let pem = read_secret(key)?;
        let key_der = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|cause| CredentialsError::NoKey { path: key.to_owned(), cause })?;
        let mut roots = RootCertStore::empty();
        for root in read_certificates(authority)? {
            roots.add(root).map_err(|cause| CredentialsError::Authority {
                path: authority.to_owned(),
                cause: cause.to_string(),
            })?;
        }
        let expires_at = Timestamp::from_millis(expires_at);
        let credentials = Self { chain, key: key_der, authority: Arc::new(roots), role, expires_at };
        // Whether key and certificate fit shows here, not at the first connection.
        credentials.client_config()?;
        Ok(credentials)
    }

    /// Whose they are.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// When the certificate expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// TLS for those who dial out.
    ///
    /// # Errors
    /// When key and certificate do not fit.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, CredentialsError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|cause| self.unusable(cause))?
            .with_root_certificates(Arc::clone(&self.authority))
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|cause| self.unusable(cause))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    /// TLS for the one who listens; whoever shows no certificate of the authority is turned away.
    ///
    /// # Errors
    /// When key and certificate do not fit, or the authority's file is empty.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, CredentialsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.authority), provider())
            .build()
            .map_err(|cause| self.unusable(rustls::Error::General(cause.to_string())))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|cause| self.unusable(cause))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|cause| self.unusable(cause))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    /// A server's side of HTTPS for everybody: clients show no certificate.
    ///
    /// # Errors
    /// When key and certificate do not fit.
    pub fn public_server_config(&self) -> Result<Arc<ServerConfig>, CredentialsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|cause| self.unusable(cause))?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|cause| self.unusable(cause))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn unusable(&self, cause: rustls::Error) -> CredentialsError {
        CredentialsError::Tls { role: self.role.clone(), cause }
    }
}

fn provider() -> Arc<CryptoProvider> {
    // With the feature `prefer-post-quantum` its first key exchange is X25519MLKEM768; a test holds it to that.
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let certificate_error = |cause| CredentialsError::Certificate { path: path.to_owned(), cause };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(certificate_error)?.collect();
    let found = found.map_err(certificate_error)?;
    if found.is_empty() { Err(CredentialsError::NoCertificate(path.to_owned())) } else { Ok(found) }
}
