//! Pages on one connection, for whoever asks for them in time.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves a connection until its other end closes it, or takes longer than this to say what it wants.
pub(crate) async fn pages(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    patience: Duration,
) {
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    if let Err(cause) = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await {
        tracing::debug!(cause, "a reader's connection has ended");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn router() -> Router {
        Router::new().route("/", get(|| async { "here" }))
    }

    #[tokio::test]
    async fn who_never_says_what_it_wants_is_not_waited_for() {
        let (mut idle, stream) = duplex(1024);
        idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
        // It ends, though the other side stays.
        pages(stream, router(), Duration::from_millis(1)).await;
        drop(idle);
    }

    #[tokio::test]
    async fn who_says_it_gets_it() {
        let (mut reader, stream) = duplex(1024);
        let served = tokio::spawn(pages(stream, router(), Duration::from_secs(3600)));
        reader.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut reply = String::new();
        reader.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("here"), "{reply}");
        served.await.unwrap();
    }
}
