//! The listening side: connections that have shown a certificate with a role, and no others.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::accept::{Room, accept};
use crate::limits::{CONNECTIONS, HANDSHAKE_LIMIT, HANDSHAKE_PATIENCE, HANDSHAKES, NODE_CONNECTIONS};
use crate::role::{Role, RoleKind};

/// Who is at the other end; found in the extensions of every request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What its certificate makes of it.
    pub role: Role,
    /// Where it comes from.
    pub address: SocketAddr,
    /// The key exchange that was negotiated, `X25519MLKEM768` for instance.
    pub key_exchange: String,
}

/// A connection whose other end is known.
#[derive(Debug)]
pub struct PeerStream {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    _open: Open,
}

/// How many connections each party has open.
#[derive(Clone, Debug, Default)]
struct Parties(Arc<Mutex<HashMap<Role, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
struct Open {
    parties: Parties,
    role: Role,
}

impl Parties {
    /// None where the party has as many as it may have. The newest is refused, not the oldest cut: a node's oldest is the one
    /// that works, and those that have broken are found out within a minute.
    fn open(&self, role: &Role) -> Option<Open> {
        let most = if role.kind() == RoleKind::Node { NODE_CONNECTIONS } else { CONNECTIONS };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = all.entry(role.clone()).or_default();
        if *open >= most {
            return None;
        }
        *open += 1;
        Some(Open { parties: self.clone(), role: role.clone() })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut all = self.parties.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = all.get_mut(&self.role) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.role);
            }
        }
    }
}

impl Connected for PeerStream {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Accepts connections until cancelled. What fails its handshake is logged and dropped.
pub fn incoming(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<PeerStream>> {
    let (sender, receiver) = mpsc::channel(HANDSHAKES);
    let (acceptor, parties) = (TlsAcceptor::from(config), Parties::default());
    let room = Room { most: HANDSHAKES, patience: HANDSHAKE_PATIENCE };
    tokio::spawn(accept(listener, room, stop, move |stream, address| {
        let (acceptor, parties, sender) = (acceptor.clone(), parties.clone(), sender.clone());
        async move {
            let shaking = shake_hands(&acceptor, &parties, stream, address);
            match tokio::time::timeout(HANDSHAKE_LIMIT, shaking).await {
                Ok(Ok(stream)) => drop(sender.send(Ok(stream)).await),
                Ok(Err(cause)) => tracing::warn!(%address, %cause, "connection refused"),
                Err(_) => tracing::warn!(%address, "connection refused: the handshake took over 10 seconds"),
            }
        }
    }));
    ReceiverStream::new(receiver)
}

async fn shake_hands(
    acceptor: &TlsAcceptor,
    parties: &Parties,
    stream: TcpStream,
    address: SocketAddr,
) -> io::Result<PeerStream> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let (_, connection) = stream.get_ref();
    let certificate = connection
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or_else(|| io::Error::other("no certificate was shown"))?;
    let role = Role::of_certificate(certificate).map_err(io::Error::other)?;
    let too_many =
        || io::Error::other(format!("{role} has as many connections open as it may have; it should close some"));
    let open = parties.open(&role).ok_or_else(too_many)?;
    let key_exchange =
        connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())).unwrap_or_default();
    Ok(PeerStream { peer: Peer { role, address, key_exchange }, stream, _open: open })
}

impl AsyncRead for PeerStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_party_has_so_many_connections_and_no_more() {
        let parties = Parties::default();
        let (node, other) = ("optelsom:node:police".parse().unwrap(), "optelsom:node:border".parse().unwrap());
        let mut open: Vec<_> = (0..NODE_CONNECTIONS).map(|_| parties.open(&node).unwrap()).collect();
        assert!(parties.open(&node).is_none());
        assert!(parties.open(&other).is_some());
        open.pop();
        assert!(parties.open(&node).is_some());
        open.clear();
        assert!(parties.0.lock().unwrap().is_empty());
    }
}
