//! Who gets a connection, and what is said to those who do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::iter::repeat_n;
use std::sync::Arc;

use federation::node::{attend, hello};
use federation::{Federation, target};
use optelsom_coordinator::{Authority, Running, clock};
use optelsom_proto::dial::explain;
use optelsom_proto::limits::{DOCUMENT_BYTES, NODE_CONNECTIONS, NODE_MESSAGE_BYTES, QUESTION_BYTES, STREAMS};
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::bureau_service_client::BureauServiceClient;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::{Credentials, DialError, ProxyAddress, Target, dial, v1};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    self, AlertDescription, ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, crypto,
};
use tonic::Code;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What the first call of an operator with these credentials says.
async fn first_call(credentials: &Credentials, running: &Running) -> Result<(), String> {
    let connection = dial(credentials, &target(running)).await.map_err(|error| error.to_string())?;
    let status = BureauServiceClient::new(connection.channel).status(v1::StatusRequest {}).await;
    status.map(drop).map_err(|status| explain(&status))
}

#[tokio::test]
async fn the_key_exchange_is_hybrid() {
    let federation = Federation::new();
    let running = federation.start().await;
    let connection = federation.connect(&running, "optelsom:operator:duty").await;
    assert_eq!(connection.key_exchange, "X25519MLKEM768");
    running.shutdown().await;
}

/// A client of its own, as whoever does not use ours may have: with these versions of TLS, and with or without a certificate.
/// Says which version was agreed on, once the listener has let it in.
async fn by_hand(
    federation: &Federation,
    running: &Running,
    versions: &[&'static SupportedProtocolVersion],
    certified: bool,
) -> std::io::Result<ProtocolVersion> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(federation.path().join("authority.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if certified {
        let role = "optelsom:operator:duty".parse().unwrap();
        let own = federation.authority.issue(&role, &[], clock::now(), 5).unwrap();
        let folder = tempfile::tempdir().unwrap();
        own.write(folder.path(), "own").unwrap();
        let chain = CertificateDer::pem_file_iter(folder.path().join("own.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.path().join("own.key")).unwrap();
        config.with_client_auth_cert(chain.collect::<Result<_, _>>().unwrap(), key).unwrap()
    } else {
        config.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(running.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    // In TLS 1.3 a client hears only afterwards that its certificate is missing: instead of the server's HTTP/2 settings.
    stream.read_u8().await?;
    Ok(stream.get_ref().1.protocol_version().unwrap())
}

#[tokio::test]
async fn older_tls_and_clients_without_a_certificate_are_turned_away() {
    let federation = Federation::new();
    let running = federation.start().await;
    let let_in = by_hand(&federation, &running, &[&TLS12, &TLS13], true).await;
    assert_eq!(let_in.unwrap(), ProtocolVersion::TLSv1_3);
    for (versions, certified, alert) in [
        (&[&TLS12][..], true, AlertDescription::ProtocolVersion),
        (&[&TLS12], false, AlertDescription::ProtocolVersion),
        (&[&TLS13], false, AlertDescription::CertificateRequired),
        (&[&TLS12, &TLS13], false, AlertDescription::CertificateRequired),
    ] {
        let refused = by_hand(&federation, &running, versions, certified).await.unwrap_err();
        let said = refused.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        assert_eq!(said, Some(&rustls::Error::AlertReceived(alert)), "{versions:?}: {refused}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn expired_and_foreign_certificates_are_told_so() {
    let federation = Federation::new();
    let running = federation.start().await;
    let role = "optelsom:operator:duty";
    assert_eq!(first_call(&federation.credentials(role), &running).await, Ok(()));
    let past = optelsom_codebook::Timestamp::from_millis(clock::now().as_millis() - 30 * DAY_MS);
    let expired = federation.credentials_from(&federation.authority, role, past, 5);
    let said = first_call(&expired, &running).await.unwrap_err();
    assert!(said.contains("expired"), "{said}");
    let stranger = Authority::new("another authority", clock::now(), 30).unwrap();
    let foreign = federation.credentials_from(&stranger, role, clock::now(), 5);
    let said = first_call(&foreign, &running).await.unwrap_err();
    assert!(said.contains("does not accept this side's certificate"), "{said}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_coordinator_of_another_authority_is_not_believed() {
    let (here, there) = (Federation::new(), Federation::new());
    let running = there.start().await;
    let refused = dial(&here.credentials("optelsom:operator:duty"), &target(&running)).await;
    assert!(matches!(refused, Err(DialError::Handshake { .. })), "{refused:?}");
    running.shutdown().await;
}

#[tokio::test]
async fn plain_text_is_dropped_and_harms_nobody() {
    let federation = Federation::new();
    let running = federation.start().await;
    let mut socket = TcpStream::connect(running.address()).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert, or nothing; never an HTTP/2 frame.
    let _ = socket.read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "{answer:?}");
    assert_eq!(first_call(&federation.credentials("optelsom:operator:duty"), &running).await, Ok(()));
    running.shutdown().await;
}

#[tokio::test]
async fn a_node_comes_through_a_proxy() {
    let federation = Federation::new();
    let running = federation.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy: ProxyAddress = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let upstream = running.address();
    let served = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(client.read_u8().await.unwrap());
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.unwrap();
        let mut server = TcpStream::connect(upstream).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
        String::from_utf8(request).unwrap()
    });
    let through = Target::new(&upstream.to_string(), Some("localhost"), Some(proxy)).unwrap();
    let connection = dial(&federation.credentials("optelsom:operator:duty"), &through).await.unwrap();
    BureauServiceClient::new(connection.channel).status(v1::StatusRequest {}).await.unwrap();
    running.shutdown().await;
    let request = served.await.unwrap();
    assert!(request.starts_with(&format!("CONNECT {upstream} HTTP/1.1\r\n")), "{request}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let federation = Federation::new();
    let running = federation.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy: ProxyAddress = listener.local_addr().unwrap().to_string().parse().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
        // Read what was asked, or the answer would be lost to a reset.
        let _ = client.read(&mut [0; 1024]).await;
    });
    let through = Target::new(&running.address().to_string(), Some("localhost"), Some(proxy)).unwrap();
    let refused = dial(&federation.credentials("optelsom:operator:duty"), &through).await.unwrap_err().to_string();
    assert!(refused.contains("407 Proxy Authentication Required"), "{refused}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much() {
    let federation = Federation::new();
    let running = federation.start().await;
    let mut late = hello("police");
    let now = clock::now();
    late.clock = optelsom_codebook::Timestamp::from_millis(now.as_millis() - 20 * 60 * 1000);
    let refused = attend(&federation.credentials("optelsom:node:police"), &running, late).await.unwrap_err();
    // However long that took, it was not more than this.
    let most = 1200 + clock::now().since(now).as_secs() + 1;
    let told = refused.message().split(" seconds behind the coordinator's").next().unwrap();
    let told: u64 = told.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{refused}"));
    assert!((1200..=most).contains(&told), "{refused}");
    running.shutdown().await;
}

#[tokio::test]
async fn unknown_suppliers_and_foreign_identities_are_turned_away() {
    let federation = Federation::new();
    let running = federation.start().await;
    let unknown = attend(&federation.credentials("optelsom:node:invented"), &running, hello("invented")).await;
    assert!(unknown.unwrap_err().message().contains("not on the roster"));
    // A certificate of one supplier with what another has signed.
    let other = attend(&federation.credentials("optelsom:node:police"), &running, hello("labour")).await;
    assert_eq!(other.unwrap_err().code(), Code::PermissionDenied);
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_the_connection_goes_on() {
    let federation = Federation::new();
    let running = federation.start().await;
    let credentials = federation.credentials("optelsom:node:police");
    let (_, sender, mut incoming) = attend(&credentials, &running, hello("police")).await.unwrap();
    let welcome = incoming.message().await.unwrap().unwrap();
    assert!(matches!(welcome.message, Some(Down::Welcome(_))));
    let wrong = [
        v1::NodeMessage { message: None },
        v1::NodeMessage { message: Some(Up::Hello(hello("police").into())) },
        v1::NodeMessage { message: Some(Up::Answer(v1::Answer { query: vec![1], answer: None })) },
        v1::NodeMessage { message: Some(Up::Answer(v1::Answer { query: vec![1; 32], answer: None })) },
    ];
    for message in wrong {
        sender.send(message).await.unwrap();
        let notice = incoming.message().await.unwrap().unwrap().message;
        let Some(Down::Notice(notice)) = notice else { panic!("{notice:?}") };
        assert_eq!(notice.kind(), v1::NoticeKind::MessageRefused);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_oversize_ends_the_call_and_nothing_else() {
    let federation = Federation::new();
    let running = federation.start().await;
    let credentials = federation.credentials("optelsom:node:police");
    let mut long = v1::Hello::from(hello("police"));
    long.agreement = "#".repeat(NODE_MESSAGE_BYTES + 1);
    let connection = dial(&credentials, &target(&running)).await.unwrap();
    let mut client = v1::node_service_client::NodeServiceClient::new(connection.channel);
    let first = v1::NodeMessage { message: Some(Up::Hello(long)) };
    let refused = client.attend(tokio_stream::iter([first])).await;
    assert_eq!(refused.unwrap_err().code(), Code::OutOfRange);
    // Within what a message may have, and beyond what an agreement may.
    let mut long = v1::Hello::from(hello("police"));
    long.agreement = "#".repeat(optelsom_proto::limits::AGREEMENT_BYTES + 1);
    let first = v1::NodeMessage { message: Some(Up::Hello(long)) };
    let refused = client.attend(tokio_stream::iter([first])).await;
    assert!(refused.unwrap_err().message().contains("hello.agreement"));
    running.shutdown().await;
}

#[tokio::test]
async fn few_calls_go_on_at_once_on_one_connection() {
    let federation = Federation::new();
    let running = federation.start().await;
    let connector = TlsConnector::from(federation.credentials("optelsom:operator:duty").client_config().unwrap());
    let socket = TcpStream::connect(running.address()).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap();
    // The first frame is the settings (RFC 9113, section 6.5): 9 bytes of header, then 6 for each.
    let mut header = [0; 9];
    stream.read_exact(&mut header).await.unwrap();
    assert_eq!(header[3], 4);
    let mut settings = vec![0; usize::from(header[2])];
    stream.read_exact(&mut settings).await.unwrap();
    let most = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).expect("SETTINGS_MAX_CONCURRENT_STREAMS");
    assert_eq!(most[2..], STREAMS.to_be_bytes());
    running.shutdown().await;
}

#[tokio::test]
async fn a_message_of_very_many_small_parts_is_not_taken_in() {
    let federation = Federation::new();
    let running = federation.start().await;
    let mut many = v1::Hello::from(hello("police"));
    let datasets = repeat_n(v1::Holding::default(), 1_000_000).collect();
    many.holdings = Some(v1::Holdings { datasets });
    let connection = federation.connect(&running, "optelsom:node:police").await;
    let mut client = v1::node_service_client::NodeServiceClient::new(connection.channel);
    let first = v1::NodeMessage { message: Some(Up::Hello(many)) };
    let refused = client.attend(tokio_stream::iter([first])).await.unwrap_err();
    assert_eq!((refused.code(), refused.message().contains("parts")), (Code::OutOfRange, true), "{refused}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_question_may_be_as_long_as_its_document_and_little_longer() {
    let federation = Federation::new();
    let running = federation.start().await;
    let mut analyst =
        AnalystServiceClient::new(federation.connect(&running, "optelsom:analyst:analyst-1").await.channel);
    let mut ask = async |bytes| {
        let request = v1::ExplainRequest { document: vec![b' '; bytes], ..v1::ExplainRequest::default() };
        analyst.explain(request).await.unwrap_err().code()
    };
    assert_ne!(ask(DOCUMENT_BYTES).await, Code::OutOfRange);
    assert_eq!(ask(QUESTION_BYTES).await, Code::OutOfRange);
    running.shutdown().await;
}

#[tokio::test]
async fn one_party_has_so_many_connections_and_others_theirs() {
    let federation = Federation::new();
    let running = federation.start().await;
    let credentials = federation.credentials("optelsom:node:police");
    let mut open = Vec::new();
    for _ in 0..NODE_CONNECTIONS {
        open.push(dial(&credentials, &target(&running)).await.unwrap());
    }
    assert!(dial(&credentials, &target(&running)).await.is_err());
    federation.connect(&running, "optelsom:node:border").await;
    open.clear();
    // The coordinator notices it in its own time.
    while dial(&credentials, &target(&running)).await.is_err() {}
    running.shutdown().await;
}

#[tokio::test]
async fn a_newer_connection_of_a_node_ends_the_older() {
    let federation = Federation::new();
    let running = federation.start().await;
    let credentials = federation.credentials("optelsom:node:police");
    let (_, _keep, mut older) = attend(&credentials, &running, hello("police")).await.unwrap();
    older.message().await.unwrap();
    let (_, _also, mut newer) = attend(&credentials, &running, hello("police")).await.unwrap();
    newer.message().await.unwrap();
    assert_eq!(older.message().await.unwrap_err().code(), Code::Aborted);
    running.shutdown().await;
}

#[tokio::test]
async fn health_pages_answer_on_loopback() {
    let federation = Federation::new();
    let running = federation.start().await;
    for (page, wanted) in
        [("/healthz", "alive"), ("/readyz", "ready"), ("/metrics", "optelsom_coordinator_nodes_attending")]
    {
        let mut socket = TcpStream::connect(running.health().unwrap()).await.unwrap();
        let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(wanted), "{page}: {answer}");
    }
    running.shutdown().await;
}
