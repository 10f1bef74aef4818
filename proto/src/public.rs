//! Files for everybody, over HTTPS: whoever has the address may read, and needs no certificate of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::accept::{Room, accept};
use crate::limits::{HANDSHAKE_LIMIT, HEADER_LIMIT, PUBLIC_CONNECTIONS, PUBLIC_PATIENCE};
use crate::pages::pages;

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
    let file = move |Path(path): Path<String>| {
        let read = read.clone();
        async move {
            // A note is text, all else are bytes (C2SP tlog-tiles).
            let kind = if path == "checkpoint" { "text/plain; charset=utf-8" } else { "application/octet-stream" };
            read(path).await.map_or_else(not_found, |bytes| ([(header::CONTENT_TYPE, kind)], bytes).into_response())
        }
    };
    let router = Router::new().route("/ledger/{*path}", get(file));
    let (acceptor, room) = (TlsAcceptor::from(config), Room { most: PUBLIC_CONNECTIONS, patience: PUBLIC_PATIENCE });
    tokio::spawn(accept(listener, room, stop, move |stream, _| {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                pages(stream, router, HEADER_LIMIT).await;
            }
        }
    }));
    Ok(bound)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "nothing lies at this path (yet)\n").into_response()
}
