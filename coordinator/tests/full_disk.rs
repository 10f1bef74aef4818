//! A disk that takes no more, and a store that fails: what was accepted is kept, `/readyz` says no, and all works again
//! afterwards. A limit on the size of files stands for the full disk, since that takes no rights.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use federation::Federation;
use optelsom_codebook::{EditionId, Timestamp};
use optelsom_coordinator::configuration::StoreLocation;
use optelsom_coordinator::store::Store;
use optelsom_proto::wire::Announced;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STORE: &str = "OPTELSOM_TEST_STORE";

fn announced(number: u64) -> Announced {
    let edition = EditionId::try_from(format!("e{number}").as_str()).unwrap();
    Announced { dataset: "d".repeat(1000), edition, at: Timestamp::from_millis(number) }
}

async fn open(path: &Path) -> Store {
    Store::open(&StoreLocation::Sqlite(path.to_owned())).await.unwrap()
}

/// Writes until the disk is full; only within the test below.
#[tokio::test]
#[ignore = "the child of the test below"]
async fn fills_the_store() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = open(Path::new(&path)).await;
    for number in 0..100_000 {
        if let Err(error) = store.announce(announced(number)).await {
            println!("\nacknowledged={number}\nerror={error}");
            return;
        }
    }
}

#[tokio::test]
async fn the_store_keeps_what_it_acknowledged_and_goes_on_when_there_is_room() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("coordinator.sqlite");
    open(&path).await.close().await;
    let script = "trap '' XFSZ; ulimit -f 256; exec \"$0\" --exact fills_the_store --ignored --nocapture";
    let child = std::env::current_exe().unwrap();
    let output = Command::new("sh").args(["-c", script]).arg(child).env(STORE, &path).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key));
    let acknowledged: u64 = value("acknowledged=").unwrap_or_else(|| panic!("never full: {said}")).parse().unwrap();
    assert!(acknowledged > 0);
    let error = value("error=").unwrap();
    assert!(error.contains("the store fails") && error.contains("look at its disk"), "{error}");
    let store = open(&path).await;
    let kept = store.editions().await.unwrap();
    for number in 0..acknowledged {
        assert!(
            kept.iter().any(|kept| kept.edition == announced(number).edition),
            "{number} of {acknowledged} is lost"
        );
    }
    store.announce(announced(acknowledged + 1)).await.unwrap();
    store.close().await;
}

async fn ready(health: SocketAddr) -> (bool, String) {
    let mut socket = TcpStream::connect(health).await.unwrap();
    socket.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    (answer.starts_with("HTTP/1.1 200"), answer)
}

#[tokio::test]
async fn readiness_ends_while_the_store_fails() {
    let federation = Federation::new();
    let running = federation.start().await;
    let health = running.health().unwrap();
    assert!(ready(health).await.0);
    let path = federation.path().join("coordinator.sqlite");
    let mut other = AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    other.execute("ALTER TABLE probe RENAME TO elsewhere").await.unwrap();
    let (yes, answer) = ready(health).await;
    assert!(!yes && answer.starts_with("HTTP/1.1 503") && answer.contains("not ready: the store fails"), "{answer}");
    other.execute("ALTER TABLE elsewhere RENAME TO probe").await.unwrap();
    assert!(ready(health).await.0);
    running.shutdown().await;
}
