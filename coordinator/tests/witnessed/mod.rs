//! What waits for the witnesses of the log, what does not wait for ever, and what gets into the log by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use optelsom_codebook::QueryId;
use optelsom_ledger::entry::{Entry, Subject};
use optelsom_ledger::tiles::{TilePath, read_bundle};
use optelsom_secagg::messages::CoordinatorMessage;

use super::federation::node::Watch;
use super::federation::{End, supplier};
use super::*;

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
