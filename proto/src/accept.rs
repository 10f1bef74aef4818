//! Taking connections in: so many at once, and none of them for those alone who come from one place.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How many are in at once, and how long one may stay when others wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// So many at once.
    pub(crate) most: usize,
    /// Whoever has been in for longer may have to make room.
    pub(crate) patience: Duration,
}

/// Takes connections in until stopped, each served by a task of its own.
///
/// Whoever comes when all places are taken waits no longer than `patience`: then the oldest of those from the busiest
/// address makes room. A fixed number for each address would be simpler, but many nodes may come from one address, behind a
/// proxy say, and come all at once after a restart; they are quick and hold no place for as long as that. Somebody who holds
/// places to hold up others is the busiest, and loses them one after the other.
pub(crate) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    room: Room,
    stop: CancellationToken,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) {
    let (mut tasks, mut inside) = (JoinSet::new(), Inside::default());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            Some(ended) = tasks.join_next_with_id() => {
                inside.left(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                // Out of file descriptors, most likely: wait for some to be closed rather than spin.
                tracing::error!(%cause, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while let Some(first) = inside.first_to_go(room.most) {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = tasks.join_next_with_id() => {
                    inside.left(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                }
                () = sleep_until(first.since + room.patience) => {
                    tracing::warn!(address = %first.from, "a connection from there is cut to make room for another");
                    first.task.abort();
                    let id = first.task.id();
                    inside.left(&id);
                }
            }
        }
        let task = tasks.spawn(serve(stream, address));
        inside.0.push(One { task, from: neighbourhood(address.ip()), since: Instant::now() });
    }
}

/// One that is in.
#[derive(Debug)]
struct One {
    task: AbortHandle,
    from: IpAddr,
    since: Instant,
}

/// Those who are in, the oldest first.
#[derive(Debug, Default)]
struct Inside(Vec<One>);

impl Inside {
    fn left(&mut self, id: &Id) {
        self.0.retain(|one| one.task.id() != *id);
    }

    /// Who has to make room: nobody while there is some; else of those from the busiest address the oldest.
    fn first_to_go(&self, most: usize) -> Option<&One> {
        if self.0.len() < most {
            return None;
        }
        let mut from: HashMap<IpAddr, usize> = HashMap::new();
        self.0.iter().for_each(|one| *from.entry(one.from).or_default() += 1);
        let crowd = |one: &One| from.get(&one.from).copied().unwrap_or_default();
        // The first of the greatest: `max_by_key` yields the last.
        self.0.iter().rev().max_by_key(|one| crowd(one))
    }
}

/// Whom addresses are given to: in IPv6 a whole network of 64 bits (RFC 6177) to anybody.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;

    use super::*;

    /// Serves one byte, once it has got one.
    async fn echo(mut stream: TcpStream) {
        if let Ok(byte) = stream.read_u8().await {
            let _ = stream.write_u8(byte).await;
        }
    }

    async fn connect(from: &str, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        socket.connect(to).await.unwrap()
    }

    async fn open(room: Room) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(accept(listener, room, stop.clone(), |stream, _| echo(stream)));
        (address, stop)
    }

    async fn served(stream: &mut TcpStream) -> bool {
        stream.write_u8(7).await.is_ok() && stream.read_u8().await.is_ok_and(|byte| byte == 7)
    }

    #[tokio::test]
    async fn who_idles_makes_room_and_the_busiest_address_first() {
        let (address, _stop) = open(Room { most: 3, patience: Duration::ZERO }).await;
        let mut lone = connect("127.0.0.9", address).await;
        let mut idle = Vec::new();
        for _ in 0..20 {
            idle.push(connect("127.0.0.2", address).await);
        }
        // Whoever comes gets in, though all places are held.
        assert!(served(&mut connect("127.0.0.3", address).await).await);
        // And who came first from another address was not sent away for them.
        assert!(served(&mut lone).await);
        assert!(!served(&mut idle[0]).await);
    }

    #[tokio::test]
    async fn who_is_not_late_is_waited_for() {
        let (address, _stop) = open(Room { most: 1, patience: Duration::from_secs(3600) }).await;
        let mut first = connect("127.0.0.2", address).await;
        let mut second = connect("127.0.0.2", address).await;
        let waiting = tokio::spawn(async move { served(&mut second).await });
        assert!(served(&mut first).await);
        assert!(waiting.await.unwrap());
    }

    #[test]
    fn a_network_of_ipv6_is_one_neighbourhood() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
