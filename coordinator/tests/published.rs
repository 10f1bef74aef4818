//! The log over HTTPS, for whoever has the address: checkpoint and tiles, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::net::SocketAddr;
use std::sync::Arc;

use federation::node::TestNode;
use federation::{Federation, SUPPLIERS, follow, trust};
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{TilePath, read_bundle};
use optelsom_proto::v1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto};

/// A connection without any certificate.
async fn connect(
    federation: &Federation,
    address: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(federation.path().join("authority.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Status and body of a GET.
async fn get(federation: &Federation, address: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    let mut stream = connect(federation, address, &[&TLS13]).await.unwrap();
    let request = format!("GET /ledger/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // Some servers close without saying so first; what came is there all the same.
    let _ = stream.read_to_end(&mut reply).await;
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&reply[..end]).split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_off(end + 4))
}

#[tokio::test]
async fn anybody_reads_the_log_and_nothing_but_the_log() {
    let mut federation = Federation::new();
    federation.configuration.ledger.publish = Some("127.0.0.1:0".parse().unwrap());
    let running = Arc::new(federation.start().await);
    let address = running.published().unwrap();
    assert!(connect(&federation, address, &[&TLS12]).await.is_err(), "TLS 1.2 is taken");
    federation.announce(&running).await;
    for name in SUPPLIERS {
        let node = TestNode::new(name, &[20, 30], federation.credentials(&format!("optelsom:node:{name}")));
        let running = Arc::clone(&running);
        tokio::spawn(async move { node.run(&running).await });
    }
    let asked = federation.question("SELECT sex, COUNT(*) FROM victims GROUP BY sex", 1);
    let id = asked.query().entry.id();
    let mut analyst = federation.analyst(&running).await;
    let mut events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    assert_eq!(follow(&mut events).await.unwrap().outcome, v1::Outcome::Opened);
    let (status, note) = get(&federation, address, "checkpoint").await;
    assert_eq!(status, 200);
    let checkpoint = SignedCheckpoint::parse(&note, trust().log()).unwrap();
    assert!(trust().committee().check(&checkpoint).is_ok());
    let size = checkpoint.head().size();
    let bundle = TilePath::all(size).next().unwrap();
    let (status, bytes) = get(&federation, address, &bundle.to_string()).await;
    assert_eq!(status, 200);
    let entries = read_bundle(&bytes, bundle.width()).unwrap();
    assert!(entries.iter().any(|entry| entry.as_bytes() == asked.query().entry.to_bytes()));
    let document = format!("documents/{}", asked.query().entry.query);
    for private in [document, format!("releases/{id}/release.json"), "tile/7/000".to_owned(), "../x".to_owned()] {
        assert_eq!(get(&federation, address, &private).await.0, 404, "{private}");
    }
}
