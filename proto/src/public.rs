//! Files for everybody, over HTTPS: whoever has the address may read, and needs no certificate of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How long a handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Handshakes that are done and wait to be served.
const WAITING: usize = 64;

/// Serves `GET /ledger/<path>`; `read` gives the file at a path, none where there is none. Yields the bound address.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve<F>(
    address: SocketAddr,
    config: Arc<ServerConfig>,
    read: impl Fn(String) -> F + Clone + Send + Sync + 'static,
    stop: CancellationToken,
) -> io::Result<SocketAddr>
where
    F: Future<Output = Option<Vec<u8>>> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(accept(listener, TlsAcceptor::from(config), sender, stop.clone()));
    let file = move |Path(path): Path<String>| {
        let read = read.clone();
        async move {
            // A note is text, all else are bytes (C2SP tlog-tiles).
            let kind = if path == "checkpoint" { "text/plain; charset=utf-8" } else { "application/octet-stream" };
            read(path).await.map_or_else(not_found, |bytes| ([(header::CONTENT_TYPE, kind)], bytes).into_response())
        }
    };
    let router = Router::new().route("/ledger/{*path}", get(file));
    let served = axum::serve(Accepted { receiver, address: bound }, router);
    tokio::spawn(async move { served.with_graceful_shutdown(stop.cancelled_owned()).await });
    Ok(bound)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "nothing lies at this path (yet)\n").into_response()
}

/// Shakes hands with each beside the others, so that a slow one holds up nobody.
async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file descriptors, most likely.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                // The server is gone: nothing is lost.
                let _ = sender.send((stream, address)).await;
            }
        });
    }
}

/// Connections whose handshake is done.
struct Accepted {
    receiver: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for Accepted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.receiver.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
