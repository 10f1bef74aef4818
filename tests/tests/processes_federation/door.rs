//! The address that all of a federation dial, for as long as a test lasts: the coordinator behind it may go, and come back on
//! another port. So none is chosen before it is bound.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where to dial.
pub struct Door {
    port: u16,
    behind: watch::Sender<Option<SocketAddr>>,
}

impl Door {
    /// Opens it, with nobody behind it yet: whoever dials waits.
    pub fn open() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let behind = watch::Sender::new(None);
        let known = behind.subscribe();
        tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, known.clone()));
            }
        });
        Self { port, behind }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Says where the coordinator listens now.
    pub fn leads_to(&self) -> watch::Sender<Option<SocketAddr>> {
        self.behind.clone()
    }

    /// The coordinator is gone.
    pub fn leads_nowhere(&self) {
        self.behind.send_replace(None);
    }
}

async fn carry(mut client: TcpStream, mut known: watch::Receiver<Option<SocketAddr>>) {
    let Ok(address) = known.wait_for(Option::is_some).await.map(|known| known.unwrap()) else { return };
    // One that has gone meanwhile is dialled again by whoever wants it.
    if let Ok(mut server) = TcpStream::connect(address).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
