//! The coordinator that keeps the log: what a store that was put back, a missing one, and lying witnesses do to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use federation::node::{TestNode, Watch, attend, hello};
use federation::{End, Federation, SUPPLIERS, follow, identity, supplier, trust, witness};
use optelsom_codebook::{Hash256, QueryId};
use optelsom_coordinator::store::Store;
use optelsom_coordinator::{Running, clock, start};
use optelsom_ledger::entry::{Entry, Subject};
use optelsom_ledger::note::{LogKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, TreeHead};
use optelsom_ledger::tiles::{Edge, TilePath, read_bundle};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire::LedgerUpdate;
use optelsom_secagg::messages::CoordinatorMessage;
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

type Reader = v1::ledger_service_client::LedgerServiceClient<tonic::transport::Channel>;

async fn reader(federation: &Federation, running: &Running) -> Reader {
    Reader::new(federation.connect(running, "optelsom:analyst:analyst-1").await.channel)
}

async fn read(reader: &mut Reader, path: &str) -> Option<Vec<u8>> {
    let mut parts = reader.read(v1::ReadRequest { path: path.to_owned() }).await.ok()?.into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        bytes.extend(part.bytes);
    }
    Some(bytes)
}

/// Reads the log as it was published last, until it has an entry that is looked for; yields its size.
async fn published(reader: &mut Reader, wanted: impl Fn(&Entry) -> bool) -> u64 {
    soon("the entry", async {
        loop {
            let Some(note) = read(reader, "checkpoint").await else { continue };
            let size = SignedCheckpoint::parse(&note, trust().log()).unwrap().head().size();
            let mut leaves = Vec::new();
            for path in TilePath::all(size).filter(|path| path.level().is_none()) {
                let Some(bundle) = read(reader, &path.to_string()).await else { continue };
                leaves.extend(read_bundle(&bundle, path.width()).unwrap());
            }
            if leaves.iter().any(|leaf| wanted(&Entry::from_bytes(leaf.as_bytes()).unwrap())) {
                return size;
            }
        }
    })
    .await
}

fn named(id: &QueryId) -> v1::QueryName {
    v1::QueryName { name: Some(v1::query_name::Name::Query(id.as_bytes().to_vec())) }
}

/// From this message on, no cosignature of these nodes is heard.
fn muted_from(federation: &Federation, from: fn(&CoordinatorMessage) -> bool) -> (Vec<Arc<TestNode>>, Arc<AtomicBool>) {
    let mute = Arc::<AtomicBool>::default();
    let node = |name: &&str| {
        let credentials = federation.credentials(&format!("optelsom:node:{name}"));
        let muting = Arc::clone(&mute);
        let watch: Watch = Arc::new(move |message| {
            if from(message) {
                muting.store(true, Ordering::SeqCst);
            }
            true
        });
        Arc::new(TestNode::new(name, &[10, 1], credentials).muted_by(&mute).watched(watch))
    };
    (SUPPLIERS.iter().map(node).collect(), mute)
}

/// Stored, and not yet seen in the log by enough witnesses, a release is handed out on no way, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_nobody_s_before_enough_witnesses_have_seen_its_entry() {
    let federation = Federation::new();
    let (nodes, mute) = muted_from(&federation, |message| matches!(message, CoordinatorMessage::Open { .. }));
    let running = Arc::new(federation.start().await);
    let mut tasks = run(&nodes, &running);
    federation.announce(&running).await;
    let asked = federation.question(QUESTION, 1);
    let id = asked.query().entry.id();
    let mut analyst = federation.analyst(&running).await;
    let mut events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    let opened = async {
        while analyst.list(v1::ListRequest { most: 1 }).await.unwrap().into_inner().queries[0].outcome.is_none() {
            tokio::task::yield_now().await;
        }
    };
    soon("an outcome", opened).await;
    let mut running = running;
    for restarted in [false, true] {
        if restarted {
            // Whoever follows hears of no end.
            drop(analyst);
            stop(running, tasks).await;
            soon("the end of the stream", async {
                while let Ok(Some(event)) = events.message().await {
                    assert!(!matches!(event.event, Some(v1::query_event::Event::Release(_))), "released");
                }
            })
            .await;
            running = Arc::new(federation.start().await);
            tasks = run(&nodes, &running);
            analyst = federation.analyst(&running).await;
        }
        let status = analyst.fetch(named(&id)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status}");
        let mut reader = reader(&federation, &running).await;
        for file in ["release.json", "salt", "proof", "commitments"] {
            assert_eq!(read(&mut reader, &format!("releases/{id}/{file}")).await, None, "{file}");
        }
    }
    // It waits, and comes once they are heard again.
    let mut events = analyst.watch(named(&id)).await.unwrap().into_inner();
    let still = Arc::clone(&mute);
    let watching = tokio::spawn(async move {
        let end: End = follow(&mut events).await.unwrap();
        (end, still.load(Ordering::SeqCst))
    });
    assert_eq!(analyst.fetch(named(&id)).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    mute.store(false, Ordering::SeqCst);
    let (end, was_mute) = soon("the release", watching).await.unwrap();
    assert!(end.release.is_some() && !was_mute);
    assert!(analyst.fetch(named(&id)).await.is_ok());
    stop(running, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_too_few_witnesses_see_ends_when_it_expires_or_is_cancelled() {
    let federation = Federation::new();
    let (nodes, mute) = muted_from(&federation, |_| false);
    let running = Arc::new(federation.start().await);
    federation.announce(&running).await;
    let mut analyst = federation.analyst(&running).await;
    let short = |nonce| {
        federation.question_with(QUESTION, nonce, |entry| entry.expires_at = entry.asked_at + Duration::from_secs(4))
    };
    let ended = async |analyst: &mut federation::Analyst, asked: &optelsom_proto::wire::Asked| {
        let mut events = analyst.ask(v1::AskRequest::from(asked)).await.unwrap().into_inner();
        let end = soon("the end of a query", follow(&mut events)).await.unwrap();
        assert_eq!(end.outcome, v1::Outcome::Abandoned, "{}", end.reason);
        end.reason
    };
    // Two of four: the log is not even open.
    let mut tasks = run(&nodes[..2], &running);
    let never_logged = short(1);
    let why = ended(&mut analyst, &never_logged).await;
    assert!(why.contains("expired before enough witnesses"), "{why}");
    // All are there, and then only two are heard.
    tasks.extend(run(&nodes[2..], &running));
    answered(&federation, &running, 2).await;
    mute.store(true, Ordering::SeqCst);
    let logged = short(3);
    let why = ended(&mut analyst, &logged).await;
    assert!(why.contains("expired before enough witnesses"), "{why}");
    let cancelled = federation.question(QUESTION, 4);
    let mut events = analyst.ask(v1::AskRequest::from(&cancelled)).await.unwrap().into_inner();
    let channel = federation.connect(&running, "optelsom:operator:duty").await.channel;
    let mut bureau = v1::bureau_service_client::BureauServiceClient::new(channel);
    bureau.cancel_query(named(&cancelled.query().entry.id())).await.unwrap();
    let end = soon("the end of a query", follow(&mut events)).await.unwrap();
    assert!(end.reason.contains("cancelled by duty"), "{}", end.reason);
    // Heard again, they see the end of what stands in the log.
    mute.store(false, Ordering::SeqCst);
    let mut reader = reader(&federation, &running).await;
    let (never_logged, logged) = (never_logged.query().entry.id(), logged.query().entry.id());
    published(&mut reader, |entry| {
        assert!(!matches!(entry, Entry::Query(query) if query.id() == never_logged));
        matches!(entry, Entry::Query(query) if query.id() == logged)
    })
    .await;
    published(&mut reader, |entry| matches!(entry, Entry::Abandonment(end) if end.reason.as_str() == "expired")).await;
    stop(running, tasks).await;
}

/// The log does not grow, and all the same takes up what a node has agreed to since.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_agreement_gets_into_the_log_by_itself() {
    let federation = Federation::new();
    let mut nodes = nodes(&federation);
    let running = Arc::new(federation.start().await);
    let tasks = run(&nodes, &running);
    federation.announce(&running).await;
    answered(&federation, &running, 1).await;
    stop(running, tasks).await;
    let changed = "version = \"2\"";
    let police = SUPPLIERS.iter().position(|name| *name == "police").unwrap();
    let node = Arc::into_inner(nodes.remove(police)).unwrap().agreeing(changed);
    nodes.insert(police, Arc::new(node));
    let running = Arc::new(federation.start().await);
    let tasks = run(&nodes, &running);
    let mut reader = reader(&federation, &running).await;
    let (subject, digest) = (Subject::Agreement(supplier("police")), Hash256::of(changed.as_bytes()));
    published(&mut reader, |entry| {
        matches!(entry, Entry::Document(entry) if entry.change().subject == subject && entry.change().named == digest)
    })
    .await;
    stop(running, tasks).await;
}

/// A node that lacks much gets it in pieces, each of which it can check by itself, and the next only when it has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_comes_in_pieces_one_after_the_other() {
    let federation = Federation::new();
    let running = Arc::new(federation.start().await);
    let long = |name: &str| format!("# {}\nversion = \"1\"\n", name.repeat(900_000 / name.len()));
    let node = |name: &&str| {
        let credentials = federation.credentials(&format!("optelsom:node:{name}"));
        Arc::new(TestNode::new(name, &[10, 1], credentials).agreeing(&long(name)))
    };
    let nodes: Vec<_> = SUPPLIERS.iter().map(node).collect();
    let tasks = run(&nodes, &running);
    let mut reader = reader(&federation, &running).await;
    for name in SUPPLIERS {
        let subject = Subject::Agreement(supplier(name));
        published(&mut reader, |entry| matches!(entry, Entry::Document(entry) if entry.change().subject == subject))
            .await;
    }
    tasks[3].abort();
    let credentials = federation.credentials("optelsom:node:shelters");
    let (_client, sender, mut incoming) = attend(&credentials, &running, hello("shelters")).await.unwrap();
    let mut edge = Edge::new();
    let mut pieces = 0;
    loop {
        let state = v1::LedgerState { size: edge.size(), checkpoint: Vec::new() };
        sender.send(v1::NodeMessage { message: Some(Up::LedgerState(state)) }).await.unwrap();
        let update = soon("a piece", async {
            loop {
                if let Down::LedgerUpdate(update) = incoming.message().await.unwrap().unwrap().message.unwrap() {
                    break update;
                }
            }
        })
        .await;
        let update = LedgerUpdate::try_from(update).unwrap();
        assert_eq!(update.first, edge.size(), "one piece after the other");
        assert!(update.documents.iter().map(Vec::len).sum::<usize>() < 2_000_000);
        let extension = edge.extend(&update.leaves).unwrap();
        let checkpoint = SignedCheckpoint::parse(&update.checkpoint, trust().log()).unwrap();
        update.consistency.verify(&extension.head, checkpoint.head()).unwrap();
        (edge, pieces) = (extension.edge, pieces + 1);
        if extension.head == *checkpoint.head() {
            break;
        }
        if pieces == 1 {
            // Meanwhile the log grows: no word of that before this node has said that it has the first piece.
            federation.announce(&running).await;
            published(&mut reader, |entry| matches!(entry, Entry::Edition(_))).await;
        }
    }
    assert!(pieces > 3, "{pieces}");
    drop(sender);
    stop(running, tasks).await;
}
