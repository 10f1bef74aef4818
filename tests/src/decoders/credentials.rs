//! Certificates, key files, and what a proxy answers.

use std::sync::LazyLock;

use optelsom_proto::dial::{ProxyCredentials, proxy_answer};
use optelsom_proto::key_file::read_identity;
use optelsom_proto::{Credentials, Role};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

use super::folder;
use super::parts;
use super::sample::{good, key};

/// A private key of Ed25519 as PKCS #8 (RFC 8410) has it, always the same for the same seed.
fn private_key(seed: u8) -> KeyPair {
    const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    good(KeyPair::try_from([&HEAD[..], &[seed; 32]].concat()))
}

/// An authority, a certificate that it issued, and the key of that.
struct Issued {
    authority: String,
    certificate: rcgen::Certificate,
    key: String,
}

static ISSUED: LazyLock<Issued> = LazyLock::new(|| {
    let (authority, own) = (private_key(1), private_key(2));
    let mut params = good(CertificateParams::new(Vec::new()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let root = good(params.self_signed(&authority)).pem();
    let issuer = Issuer::new(params, authority);
    let mut params = good(CertificateParams::new(vec!["east.example".to_owned()]));
    params.subject_alt_names.push(SanType::URI(good("optelsom:node:east".try_into())));
    params.serial_number = Some(vec![1].into());
    Issued { authority: root, certificate: good(params.signed_by(&own, &issuer)), key: own.serialize_pem() }
});

/// The certificate that the other side shows, in DER.
pub fn certificate(bytes: &[u8]) -> bool {
    let Ok(role) = Role::of_certificate(bytes) else { return false };
    assert_eq!(role.to_string().parse(), Ok(role));
    true
}

pub(super) fn certificates() -> Vec<Vec<u8>> {
    vec![ISSUED.certificate.der().to_vec()]
}

/// Certificate, key and authority as files in PEM, one after the other.
pub fn credential_files(bytes: &[u8]) -> bool {
    let parts = parts::split(bytes);
    let [certificate, key, authority] = parts.as_slice() else { return false };
    let paths =
        [("c.pem", certificate), ("c.key", key), ("a.pem", authority)].map(|(name, part)| folder::write(name, part));
    let Ok(credentials) = Credentials::read(&paths[0], &paths[1], &paths[2]) else { return false };
    good(credentials.client_config());
    good(credentials.public_server_config());
    credentials.server_config().err();
    credentials.expires_at().to_string();
    true
}

pub(super) fn credentials() -> Vec<Vec<u8>> {
    let issued = &*ISSUED;
    let certificate = issued.certificate.pem();
    vec![parts::join([certificate.as_bytes(), issued.key.as_bytes(), issued.authority.as_bytes()])]
}

/// The key that somebody signs with.
pub fn identity_file(bytes: &[u8]) -> bool {
    let Ok(identity) = folder::with("identity.key", bytes, read_identity) else { return false };
    let written: String = identity.seed().iter().map(|byte| format!("{byte:02x}")).collect();
    let again = good(folder::with("identity.key", written.as_bytes(), read_identity));
    assert_eq!(again.public(), identity.public());
    true
}

pub(super) fn identity_files() -> Vec<Vec<u8>> {
    let digits: String = key(1).seed().iter().map(|byte| format!("{byte:02x}")).collect();
    [format!("{digits}\n"), digits.to_uppercase()].map(String::into_bytes).to_vec()
}

/// Name and password for a proxy.
pub fn proxy_credentials(bytes: &[u8]) -> bool {
    folder::with("proxy.secret", bytes, ProxyCredentials::read).is_ok()
}

pub(super) fn proxy_secrets() -> Vec<Vec<u8>> {
    ["name:pass:word\r\n", "n:"].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// What a proxy answers to CONNECT.
pub fn proxy_reply(bytes: &[u8]) -> bool {
    match proxy_answer(bytes) {
        Ok(()) => {
            assert!(bytes.starts_with(b"HTTP/1.") && bytes.ends_with(b"\r\n\r\n"), "it lets through what is no answer");
            true
        }
        Err(line) => {
            assert!(!line.contains(char::is_control), "what the proxy sent is repeated as it came");
            false
        }
    }
}

pub(super) fn proxy_replies() -> Vec<Vec<u8>> {
    let replies = ["HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 204 \r\nServer: x\r\n\r\n"];
    replies.map(|reply| reply.as_bytes().to_vec()).to_vec()
}
