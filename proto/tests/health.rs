//! The health pages: what they answer, and that they are this machine's alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use optelsom_proto::health::{Probe, Readiness, serve};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

fn works() -> Probe {
    Probe::new(|| async { Ok(()) })
}

/// Status line, head and body of a page.
async fn page(address: SocketAddr, path: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn the_pages_say_what_the_daemon_says() {
    let (readiness, stop) = (Readiness::default(), CancellationToken::new());
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&fails);
    let probe = Probe::new(move || {
        let fails = failing.load(Ordering::Relaxed);
        async move { if fails { Err("the store takes no write".to_owned()) } else { Ok(()) } }
    });
    let (counter, mut registry) = (Counter::<u64>::default(), Registry::with_prefix("daemon"));
    registry.register("rounds", "rounds", counter.clone());
    let listen = "127.0.0.1:0".parse().unwrap();
    let address = serve(listen, readiness.clone(), probe, Arc::new(registry), stop.clone()).await.unwrap();
    let ready = async |status: &str, wanted: &str| {
        let (head, body) = page(address, "/readyz").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && body == wanted, "{head}\n{body}");
    };
    ready("503", "not ready: starting\n").await;
    // Alive all the same: whoever restarts what is not ready would restart it for ever.
    let (head, body) = page(address, "/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200") && body == "alive\n", "{head}\n{body}");
    readiness.ready();
    ready("200", "ready\n").await;
    fails.store(true, Ordering::Relaxed);
    ready("503", "not ready: the store takes no write\n").await;
    fails.store(false, Ordering::Relaxed);
    readiness.not_ready("the coordinator cannot be reached");
    ready("503", "not ready: the coordinator cannot be reached\n").await;
    counter.inc();
    let (head, body) = page(address, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/openmetrics-text"), "{head}");
    assert!(body.contains("daemon_rounds_total 1") && body.ends_with("# EOF\n"), "{body}");
    assert!(page(address, "/").await.0.starts_with("HTTP/1.1 404"));
    stop.cancel();
}

#[tokio::test]
async fn no_address_but_loopback_is_listened_on() {
    let serving = async |listen: &str| {
        let stop = CancellationToken::new();
        let served = serve(listen.parse().unwrap(), Readiness::default(), works(), Arc::default(), stop.clone()).await;
        stop.cancel();
        served.map(|_| ()).map_err(|error| error.to_string())
    };
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"] {
        let refused = serving(listen).await.unwrap_err();
        assert!(refused.contains(&format!("{listen} is not on loopback, use 127.0.0.1")), "{refused}");
    }
    assert_eq!(serving("127.0.0.1:0").await, Ok(()));
}
