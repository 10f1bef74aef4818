//! A connection that breaks while a question is handed in, and while its round goes on: it stays one query, and ends in its
//! table.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::path::PathBuf;

use optelsom_cli::configuration::Configuration;
use optelsom_cli::federation::{Federation as Analyst, Moment, Stage};
use optelsom_codebook::EditionId;
use optelsom_sandbox::federation::{Federation, Folder, Listening, generate};
use optelsom_sandbox::session::{Session, now};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const QUESTION: &str = "SELECT stage, COUNT(*) FROM suspects WHERE year BETWEEN 2015 AND 2024 GROUP BY stage";

/// The way between analyst and coordinator, to be broken at will.
struct Way {
    address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// What the coordinator says does not come through.
    muted: bool,
    /// How often the way was broken.
    breaks: usize,
}

impl Way {
    async fn to(coordinator: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), watch::Sender::new(State::default()));
        let states = state.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(coordinator).await.unwrap();
                tokio::spawn(carry(client, server, states.subscribe()));
            }
        });
        Self { address, state }
    }

    fn mute(&self) {
        self.state.send_modify(|state| state.muted = true);
    }

    /// Ends all connections; new ones are whole.
    fn break_off(&self) {
        self.state.send_modify(|state| *state = State { muted: false, breaks: state.breaks + 1 });
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut state: watch::Receiver<State>) {
    let before = state.borrow().breaks;
    let (up, down) = (state.clone(), state.clone());
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        _ = state.wait_for(|state| state.breaks != before) => {}
        () = pump(from_client, to_server, up, |_| false) => {}
        () = pump(from_server, to_client, down, |state| state.muted) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    held: impl Fn(&State) -> bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let free = state.wait_for(|state| !held(state)).await.is_ok();
        if !free || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

async fn federation(place: &std::path::Path) -> Federation {
    let folder = Folder::at(&place.join("federation")).unwrap();
    generate(&folder, &[]).await.unwrap();
    let federation = Federation::start(folder, Listening::AnyPort, now().unwrap()).await.unwrap();
    federation.announce("suspects", &EditionId::try_from("2024-12").unwrap()).await.unwrap();
    federation
}

/// The analyst's configuration, by this way to the coordinator.
fn by(way: &Way, federation: &Federation) -> PathBuf {
    let direct = federation.analyst().unwrap();
    let text = std::fs::read_to_string(&direct).unwrap();
    let text = text.replace(&federation.address().to_string(), &way.address.to_string());
    let path = direct.with_file_name("analyst-by-way.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_one_query_whatever_breaks() {
    let place = tempfile::tempdir().unwrap();
    let federation = federation(place.path()).await;
    let direct = federation.analyst().unwrap();
    let way = Way::to(federation.address()).await;
    let mut session = Session::open(&by(&way, &federation)).await.unwrap();
    let mut straight = Analyst::open(&Configuration::load(Some(&direct)).unwrap()).await.unwrap();
    let asking = session.prepare(QUESTION, "monitor").await.unwrap();

    // Handed in, and broken off before the analyst has heard so.
    way.mute();
    let breaking = async {
        while straight.list(10).await.unwrap().is_empty() {}
        way.break_off();
    };
    let (mut accepted, mut lost, mut broken_again) = (Vec::new(), 0, false);
    let asked = session.ask(&asking, |moment| match moment {
        Moment::Accepted(query) => accepted.push(*query),
        Moment::Lost { .. } => lost += 1,
        // And once more when its round goes on.
        Moment::Progress { stage, .. } if !broken_again && *stage != Stage::Gathering => {
            broken_again = true;
            way.break_off();
        }
        Moment::Progress { .. } | Moment::Refused { .. } => {}
    });
    let (release, ()) = tokio::join!(asked, breaking);
    let release = release.unwrap();
    assert!(lost >= 1, "the connection was not lost");
    assert_eq!(accepted, [release.query()]);
    let queries = straight.list(10).await.unwrap();
    assert_eq!(queries.iter().map(|query| query.query).collect::<Vec<_>>(), [release.query()]);
    federation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_coordinator_refuses_is_not_asked_again() {
    let place = tempfile::tempdir().unwrap();
    let federation = federation(place.path()).await;
    let mut analyst = Analyst::open(&Configuration::load(Some(&federation.analyst().unwrap())).unwrap()).await.unwrap();
    let configuration = Configuration::load(Some(&federation.analyst().unwrap())).unwrap();
    let unknown = optelsom_cli::federation::Wanted::Earlier("000000000000");
    let refused = analyst.see_through(&configuration, unknown, optelsom_codebook::Lang::En, |moment| {
        panic!("nothing is to be told: {moment:?}");
    });
    assert_eq!(refused.await.unwrap_err().code(), 5);
    federation.stop().await;
}
