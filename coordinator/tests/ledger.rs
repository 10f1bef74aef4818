//! The coordinator that keeps the log: what a store that was put back, a missing one, and lying witnesses do to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;
mod witnessed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use federation::node::{TestNode, attend, hello};
use federation::{Federation, SUPPLIERS, follow, identity, trust, witness};
use optelsom_codebook::Hash256;
use optelsom_coordinator::store::Store;
use optelsom_coordinator::{Running, clock, start};
use optelsom_ledger::note::{LogKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, TreeHead};
use optelsom_ledger::tiles::Edge;
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::LedgerUpdate;
use sqlx::{AnyConnection, Connection};
use tokio::task::JoinHandle;

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} has not come"))
}

fn nodes(federation: &Federation) -> Vec<Arc<TestNode>> {
    let node = |name: &&str| {
        let credentials = federation.credentials(&format!("optelsom:node:{name}"));
        Arc::new(TestNode::new(name, &[10, 1], credentials))
    };
    SUPPLIERS.iter().map(node).collect()
}

fn run(nodes: &[Arc<TestNode>], running: &Arc<Running>) -> Vec<JoinHandle<()>> {
    let one = |node: &Arc<TestNode>| {
        let (node, running) = (Arc::clone(node), Arc::clone(running));
        tokio::spawn(async move { drop(node.run(&running).await) })
    };
    nodes.iter().map(one).collect()
}

async fn answered(federation: &Federation, running: &Running, nonce: u8) {
    let mut analyst = federation.analyst(running).await;
    let asked = v1::AskRequest::from(&federation.question(QUESTION, nonce));
    let mut events = analyst.ask(asked).await.unwrap().into_inner();
    let end = soon("the end of a query", follow(&mut events)).await.unwrap();
    assert_eq!(end.outcome, v1::Outcome::Opened, "{}", end.reason);
}

/// Stops, so that nothing of it is left but the store.
async fn stop(running: Arc<Running>, tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
    Arc::into_inner(running).unwrap().shutdown().await;
}

/// The store's files: the database and what belongs to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("coordinator.sqlite")).collect()
}

async fn register(federation: &Federation) -> Option<Vec<u8>> {
    let store = Store::open(&federation.configuration.store).await.unwrap();
    let register = store.register().await.unwrap();
    store.close().await;
    register
}

async fn change_store(federation: &Federation, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}", federation.path().join("coordinator.sqlite").display());
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_restored_from_last_week_s_backup_stops_with_instructions_and_has_appended_nothing() {
    let federation = Federation::new();
    let nodes = nodes(&federation);
    let running = Arc::new(federation.start().await);
    let tasks = run(&nodes, &running);
    federation.announce(&running).await;
    answered(&federation, &running, 1).await;
    stop(running, tasks).await;
    let backup = tempfile::tempdir().unwrap();
    for file in files(federation.path()) {
        fs::copy(&file, backup.path().join(file.file_name().unwrap())).unwrap();
    }
    let last_week = register(&federation).await.unwrap();
    let running = Arc::new(federation.start().await);
    let tasks = run(&nodes, &running);
    answered(&federation, &running, 2).await;
    stop(running, tasks).await;
    assert_ne!(register(&federation).await.unwrap(), last_week);
    for file in files(federation.path()) {
        fs::remove_file(file).unwrap();
    }
    for file in files(backup.path()) {
        fs::copy(&file, federation.path().join(file.file_name().unwrap())).unwrap();
    }
    let mut running = federation.start().await;
    let target = federation::target(&running);
    let tasks: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (node, target) = (Arc::clone(node), target.clone());
            tokio::spawn(async move { drop(node.run_at(&target).await) })
        })
        .collect();
    let why = soon("the coordinator's end", running.ended()).await.unwrap();
    assert!(why.contains("put back to an older state") && why.contains("Restore the newest backup"), "{why}");
    drop(running);
    for task in tasks {
        task.abort();
    }
    assert_eq!(register(&federation).await.unwrap(), last_week, "something was appended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_store_is_never_a_fresh_log() {
    let federation = Federation::new();
    federation.begin().await;
    for file in files(federation.path()) {
        fs::remove_file(file).unwrap();
    }
    for _ in 0..2 {
        let why = start(federation.configuration.clone()).await.unwrap_err().to_string();
        assert!(why.contains("holds no log") && why.contains("restore the newest backup"), "{why}");
        assert_eq!(register(&federation).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_not_begun_where_there_is_one() {
    let federation = Federation::new();
    federation.begin().await;
    let before = register(&federation).await;
    let why = optelsom_coordinator::create_log(&federation.configuration).await.unwrap_err().to_string();
    assert!(why.contains("there is a log already"), "{why}");
    assert_eq!(register(&federation).await, before);
}

/// Crashed between the last cosignature and publishing, with nodes that lack nothing: they are asked again.
#[tokio::test(flavor = "multi_thread")]
async fn cosignatures_that_a_crash_has_lost_are_asked_for_again() {
    let federation = Federation::new();
    let nodes = nodes(&federation);
    let running = Arc::new(federation.start().await);
    let tasks = run(&nodes, &running);
    federation.announce(&running).await;
    answered(&federation, &running, 1).await;
    stop(running, tasks).await;
    change_store(&federation, "DELETE FROM ledger_notes WHERE name = 'published'").await;
    let running = Arc::new(federation.start().await);
    let channel = federation.connect(&running, "optelsom:analyst:analyst-1").await.channel;
    let tasks = run(&nodes, &running);
    // Nobody asks anything: all that can happen happens of itself.
    let mut ledger = v1::ledger_service_client::LedgerServiceClient::new(channel);
    soon("a cosigned checkpoint", async {
        while ledger.read(v1::ReadRequest { path: "checkpoint".to_owned() }).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop(running, tasks).await;
}

/// A witness whose lines are replayed: of an older checkpoint, and another's under its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_cosignature_is_not_published() {
    let federation = Federation::new();
    let honest = nodes(&federation);
    let running = Arc::new(federation.start().await);
    let tasks = run(&honest[..2], &running);
    let credentials = federation.credentials("optelsom:node:police");
    let (_client, sender, mut incoming) = attend(&credentials, &running, hello("police")).await.unwrap();
    let up = |message| v1::NodeMessage { message: Some(message) };
    let state = v1::LedgerState { size: 0, checkpoint: Vec::new() };
    sender.send(up(Up::LedgerState(state))).await.unwrap();
    let (log, committee) = (trust().log().clone(), trust().committee().clone());
    let (mut edge, fresh) = (Edge::new(), WitnessRecord::fresh(&log));
    let mut replayed: Vec<String> = Vec::new();
    let mut published = 0;
    let seen = async {
        while published < 3 {
            match incoming.message().await.unwrap().unwrap().message.unwrap() {
                Down::LedgerUpdate(update) => {
                    let update = LedgerUpdate::try_from(update).unwrap();
                    if update.first == edge.size() {
                        edge = edge.extend(&update.leaves).unwrap().edge;
                    }
                    let (record, proof) = (fresh.earlier(edge.head().unwrap()), ConsistencyProof::empty());
                    let line = |name| {
                        let cosigning = cosign(&record, &update.checkpoint, &proof, &log, &witness(name), clock::now());
                        cosigning.unwrap().stored().1.to_text().unwrap()
                    };
                    let stolen = line("shelters").replace("test/log/shelters", "test/log/police");
                    let line = line("police");
                    for line in replayed.iter().chain([&stolen, &line]) {
                        sender.send(up(Up::Cosigned(v1::Cosigned { line: line.clone() }))).await.unwrap();
                    }
                    replayed.push(line);
                }
                Down::Witnessed(witnessed) => {
                    let checkpoint = SignedCheckpoint::parse(&witnessed.checkpoint, &log).unwrap();
                    let by = committee.check(&checkpoint).unwrap();
                    assert_eq!(by.by().len(), checkpoint.other_signatures());
                    published += 1;
                }
                _ => {}
            }
        }
    };
    soon("three cosigned checkpoints", seen).await;
    stop(running, tasks).await;
}

/// A checkpoint with this log's own signature that the log does not continue: shown at any time, it ends all writing.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_that_a_node_shows_stops_the_coordinator() {
    let federation = Federation::new();
    let nodes = nodes(&federation);
    let mut running = federation.start().await;
    let target = federation::target(&running);
    let tasks: Vec<_> = nodes[..3]
        .iter()
        .map(|node| {
            let (node, target) = (Arc::clone(node), target.clone());
            tokio::spawn(async move { drop(node.run_at(&target).await) })
        })
        .collect();
    federation.announce(&running).await;
    let asked = v1::AskRequest::from(&federation.question(QUESTION, 1));
    let mut analyst = federation.analyst(&running).await;
    let mut events = analyst.ask(asked).await.unwrap().into_inner();
    // The query is being answered, so it stands in the log: that is longer than two entries.
    loop {
        let event = soon("progress", events.message()).await.unwrap().unwrap();
        if matches!(event.event, Some(v1::query_event::Event::Progress(progress)) if progress.done > 0) {
            break;
        }
    }
    let key = LogKey::new(trust().log().name().clone(), identity("ledger"));
    let forked = SignedCheckpoint::sign(TreeHead::new(2, Hash256::of(b"another log")).unwrap(), &key).unwrap();
    let credentials = federation.credentials("optelsom:node:shelters");
    let (_client, sender, _incoming) = attend(&credentials, &running, hello("shelters")).await.unwrap();
    let state = v1::LedgerState { size: 2, checkpoint: forked.to_bytes() };
    sender.send(v1::NodeMessage { message: Some(Up::LedgerState(state)) }).await.unwrap();
    let why = soon("the coordinator's end", running.ended()).await.unwrap();
    assert!(why.contains("the log has forked") && why.contains("for the auditor"), "{why}");
    drop(running);
    for task in tasks {
        task.abort();
    }
}
