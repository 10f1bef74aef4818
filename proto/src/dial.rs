//! The dialling side: one connection to the coordinator, through a proxy where there is one.

mod explain;

use std::fmt;
use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;
use zeroize::Zeroizing;

pub use explain::explain;

use crate::key_file::{KeyFileError, read_secret};
use crate::role::Role;
use crate::tls::{Credentials, CredentialsError};

/// How long connecting may take, proxy and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// The longest answer that is read from a proxy, in bytes.
const PROXY_ANSWER: usize = 8 * 1024;

/// An HTTP proxy that lets CONNECT through, as `http://host:port` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyAddress(String);

impl FromStr for ProxyAddress {
    type Err = DialError;

    fn from_str(text: &str) -> Result<Self, DialError> {
        let address = text.strip_prefix("http://").unwrap_or(text);
        let address = address.strip_suffix('/').unwrap_or(address);
        host_and_port(address).map(|_| Self(address.to_owned())).map_err(|_| DialError::ProxyForm(text.to_owned()))
    }
}

impl TryFrom<String> for ProxyAddress {
    type Error = DialError;

    fn try_from(text: String) -> Result<Self, DialError> {
        text.parse()
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where the coordinator is.
#[derive(Clone, Debug)]
pub struct Target {
    address: String,
    server_name: ServerName<'static>,
    proxy: Option<ProxyAddress>,
    proxy_credentials: Option<ProxyCredentials>,
}

/// Name and password for the proxy, as one line `name:password`. Zeroised when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyCredentials(Zeroizing<String>);

impl ProxyCredentials {
    /// Reads a file that only its owner may read.
    ///
    /// # Errors
    /// When others can read it, or it does not hold one line `name:password`.
    pub fn read(path: &Path) -> Result<Self, DialError> {
        let secret = read_secret(path)?;
        let text = std::str::from_utf8(&secret).unwrap_or_default().trim_end_matches(['\r', '\n']);
        let named = text.split_once(':').is_some_and(|(name, _)| !name.is_empty());
        if named && !text.contains(char::is_control) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(DialError::ProxyCredentialsForm(path.to_owned()))
        }
    }

    /// The header's value, by the Basic scheme (RFC 7617).
    fn header(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Basic {}", Zeroizing::new(BASE64_STANDARD.encode(self.0.as_bytes())).as_str()))
    }
}

impl fmt::Debug for ProxyCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProxyCredentials(secret)")
    }
}

impl Target {
    /// Takes `host:port`, the name that the coordinator's certificate carries (by default the host), and the proxy.
    ///
    /// # Errors
    /// When the address has no port, or the name can stand in no certificate.
    pub fn new(address: &str, server_name: Option<&str>, proxy: Option<ProxyAddress>) -> Result<Self, DialError> {
        let address = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
        let (host, _) = host_and_port(address)?;
        let name = server_name.unwrap_or(host);
        let server_name = ServerName::try_from(name.to_owned()).map_err(|_| DialError::ServerName(name.to_owned()))?;
        Ok(Self { address: address.to_owned(), server_name, proxy, proxy_credentials: None })
    }

    /// The same, with name and password for its proxy.
    #[must_use]
    pub fn with_proxy_credentials(mut self, credentials: Option<ProxyCredentials>) -> Self {
        self.proxy_credentials = credentials;
        self
    }

    /// The coordinator's `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn host_and_port(address: &str) -> Result<(&str, u16), DialError> {
    let wrong = || DialError::AddressForm(address.chars().take(100).collect());
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':' | '_');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong());
    }
    Ok((host.trim_start_matches('[').trim_end_matches(']'), port.parse().map_err(|_| wrong())?))
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum DialError {
    /// The configured address.
    #[error("`{0}` is no address; write host:port, as in coordinator.example.nl:8443")]
    AddressForm(String),
    /// The configured name.
    #[error("`{0}` is no name that a certificate could carry")]
    ServerName(String),
    /// The configured proxy.
    #[error("`{0}` is no proxy; write http://host:port")]
    ProxyForm(String),
    /// The file with the proxy's name and password.
    #[error("{0} should hold one line, name:password")]
    ProxyCredentialsForm(PathBuf),
    /// The file with the proxy's name and password.
    #[error(transparent)]
    ProxyCredentials(#[from] KeyFileError),
    /// The credentials of this side.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Nobody answers there.
    #[error("{address} cannot be reached: {cause}; check the address, the firewall, and whether it runs")]
    Unreachable {
        /// Coordinator or proxy.
        address: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The proxy refuses.
    #[error(
        "the proxy {proxy} does not let through to {address}: it answers `{answer}`; a 407 wants proxy_credentials, anything else \
         the proxy's own operator"
    )]
    ProxyRefuses {
        /// Which proxy.
        proxy: ProxyAddress,
        /// Where to.
        address: String,
        /// The first line of its answer.
        answer: String,
    },
    /// The TLS handshake fails.
    #[error("{address} and this side do not come to terms: {}", explain(cause))]
    Handshake {
        /// The coordinator's address.
        address: String,
        /// What TLS says.
        cause: io::Error,
    },
    /// Somebody else is at the other end.
    #[error("at {address} there is no coordinator: {found}")]
    NotACoordinator {
        /// Which address.
        address: String,
        /// What its certificate says.
        found: String,
    },
    /// HTTP/2 cannot be set up.
    #[error("{address} does not speak HTTP/2: {cause}")]
    Http {
        /// Which address.
        address: String,
        /// Why.
        cause: tonic::transport::Error,
    },
    /// It took too long.
    #[error("{0} did not answer within 15 seconds")]
    TooSlow(String),
}

/// An open connection, with what was negotiated.
#[derive(Clone, Debug)]
pub struct Connection {
    /// To make clients of. It is this one connection: when it ends, dial again.
    pub channel: Channel,
    /// The key exchange, `X25519MLKEM768` for instance.
    pub key_exchange: String,
}

/// Connects to the coordinator, and makes sure that it is one.
///
/// # Errors
/// Typed by what stands in the way.
pub async fn dial(credentials: &Credentials, target: &Target) -> Result<Connection, DialError> {
    tokio::time::timeout(CONNECT_LIMIT, connect(credentials, target))
        .await
        .map_err(|_| DialError::TooSlow(target.address.clone()))?
}

async fn connect(credentials: &Credentials, target: &Target) -> Result<Connection, DialError> {
    let connector = TlsConnector::from(credentials.client_config()?);
    let socket = open_socket(target).await?;
    let address = target.address.clone();
    let stream =
        connector.connect(target.server_name.clone(), socket).await.map_err(|cause| broken(&address, cause))?;
    must_be_coordinator(&stream, &address)?;
    let key_exchange = stream
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .map(|group| format!("{:?}", group.name()))
        .unwrap_or_default();
    let stream = accepted(stream, &address).await?;
    // The address in this URI is for HTTP/2's headers; the connection is the one just made, and made once.
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|cause| DialError::Http { address: address.clone(), cause })?
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(2 * 1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024);
    let once = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    let channel = endpoint
        .connect_with_connector(service_fn(move |_| {
            let stream = once.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            ready(stream.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the connection has ended")))
        }))
        .await
        .map_err(|cause| DialError::Http { address, cause })?;
    Ok(Connection { channel, key_exchange })
}

/// Waits for the other side's first words. In TLS 1.3 (RFC 8446, section 4.4.2) this side has ended its handshake before the
/// other has looked at its certificate, and whoever wrote before reading might find the connection broken without
/// being told why. A coordinator speaks first: HTTP/2's settings (RFC 9113, section 3.4), or the alert.
async fn accepted(stream: TlsStream<TcpStream>, address: &str) -> Result<BufReader<TlsStream<TcpStream>>, DialError> {
    let mut stream = BufReader::new(stream);
    match stream.fill_buf().await {
        Ok([]) => Err(broken(address, io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => Ok(stream),
        Err(cause) => Err(broken(address, cause)),
    }
}

/// What TLS says is between the two sides; all else is on the way between them.
fn broken(address: &str, cause: io::Error) -> DialError {
    let address = address.to_owned();
    let from_tls = cause.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if from_tls { DialError::Handshake { address, cause } } else { DialError::Unreachable { address, cause } }
}

async fn open_socket(target: &Target) -> Result<TcpStream, DialError> {
    let first = target.proxy.as_ref().map_or(target.address.as_str(), |proxy| proxy.0.as_str());
    let unreachable = |cause| DialError::Unreachable { address: first.to_owned(), cause };
    let mut socket = TcpStream::connect(first).await.map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    if let Some(proxy) = &target.proxy {
        ask_proxy(&mut socket, proxy, target).await?;
    }
    Ok(socket)
}

/// HTTP CONNECT (RFC 9110, section 9.3.6).
async fn ask_proxy(socket: &mut TcpStream, proxy: &ProxyAddress, target: &Target) -> Result<(), DialError> {
    let (address, unreachable) =
        (&target.address, |cause| DialError::Unreachable { address: proxy.to_string(), cause });
    let mut request = Zeroizing::new(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n"));
    if let Some(credentials) = &target.proxy_credentials {
        *request += "Proxy-Authorization: ";
        *request += &credentials.header();
        *request += "\r\n";
    }
    *request += "\r\n";
    socket.write_all(request.as_bytes()).await.map_err(unreachable)?;
    let mut answer = Vec::with_capacity(256);
    // Byte by byte, so that nothing of what follows the blank line is taken from TLS.
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < PROXY_ANSWER {
        answer.push(socket.read_u8().await.map_err(unreachable)?);
    }
    proxy_answer(&answer).map_err(|answer| DialError::ProxyRefuses {
        proxy: proxy.clone(),
        address: address.clone(),
        answer,
    })
}

/// Whether a proxy lets through, by its whole answer to CONNECT, blank line included.
///
/// # Errors
/// The first line of an answer that does not, fit to be shown.
pub fn proxy_answer(answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next().unwrap_or_default();
    let code = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    if answer.ends_with(b"\r\n\r\n") && code.is_some_and(|code| code.starts_with('2')) {
        return Ok(());
    }
    Err(line.chars().take(200).flat_map(char::escape_debug).collect())
}

fn must_be_coordinator(stream: &TlsStream<TcpStream>, address: &str) -> Result<(), DialError> {
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let found = match shown.map(|certificate| Role::of_certificate(certificate)) {
        Some(Ok(Role::Coordinator)) => return Ok(()),
        Some(Ok(other)) => format!("the certificate is that of {other}"),
        Some(Err(cause)) => cause.to_string(),
        None => "no certificate was shown".to_owned(),
    };
    Err(DialError::NotACoordinator { address: address.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_host_and_port() {
        for good in ["localhost:1", "127.0.0.1:8443", "[::1]:8443", "https://a.example:443/"] {
            assert!(Target::new(good, None, None).is_ok(), "{good}");
        }
        for bad in ["", "localhost", ":1", "a:70000", "a b:1", "a:1\r\nHost: b:1", "https://a/b:1"] {
            assert!(Target::new(bad, None, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn proxies_need_host_and_port() {
        assert!("http://proxy.example:3128".parse::<ProxyAddress>().is_ok());
        assert!("proxy:3128/".parse::<ProxyAddress>().is_ok());
        assert!("proxy".parse::<ProxyAddress>().is_err());
        assert!("https://user:secret@proxy:3128".parse::<ProxyAddress>().is_err());
    }
}
