//! kill -9 of a real coordinator while it appends to the log: the log never forks, and what it acknowledged stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use optelsom_codebook::QueryId;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::tiles::{Edge, TilePath, read_bundle};
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use optelsom_tests::dice::Dice;
use processes_federation::{Federation, PATIENCE, trust};
use tempfile::TempDir;
use tonic::{Code, Status};

const SEED: u64 = 20_261_123;
const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";

async fn read(federation: &Federation, path: &str) -> Result<Vec<u8>, Status> {
    let mut parts = federation.ledger().await.read(v1::ReadRequest { path: path.to_owned() }).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(part) = parts.message().await? {
        bytes.extend(part.bytes);
    }
    Ok(bytes)
}

/// Follows a query until it has ended, through every restart of the coordinator.
async fn outlast(federation: &Federation, id: &QueryId) {
    let name = v1::QueryName { name: Some(v1::query_name::Name::Query(id.as_bytes().to_vec())) };
    loop {
        let watched = federation.analyst().await.watch(name.clone()).await;
        let mut events = match watched {
            Ok(response) => response.into_inner(),
            Err(status) => {
                assert_ne!(status.code(), Code::NotFound, "an accepted query is lost: {status}");
                continue;
            }
        };
        while let Ok(Some(event)) = events.message().await {
            if let Some(Event::End(end)) = event.event {
                assert_eq!(end.outcome(), v1::Outcome::Opened, "{}", end.reason);
                return;
            }
        }
    }
}

fn checkpoint(note: &[u8]) -> SignedCheckpoint {
    let checkpoint = SignedCheckpoint::parse(note, trust().log()).unwrap();
    trust().committee().check(&checkpoint).unwrap();
    checkpoint
}

async fn leaves(federation: &Federation, size: u64) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for path in TilePath::all(size).filter(|path| path.level().is_none()) {
        let bundle = read(federation, &path.to_string()).await.unwrap();
        leaves.extend(read_bundle(&bundle, path.width()).unwrap());
    }
    leaves
}

async fn kill_while_appending(federation: &mut Federation, dice: &mut Dice) {
    let mut seen = Vec::new();
    let mut asked_for = Vec::new();
    for nonce in 0..10 {
        let asked = federation.question(QUESTION, nonce);
        asked_for.push(asked.query().entry.id());
        let mut events = federation.analyst().await.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
        assert!(matches!(events.message().await.unwrap().unwrap().event, Some(Event::Accepted(_))));
        // Each look takes about as long as a write: so the kill comes at all points of the entries that follow.
        for _ in 0..dice.below(24) {
            seen.extend(read(federation, "checkpoint").await);
        }
        federation.kill_and_restart("coordinator");
    }
    for id in &asked_for {
        outlast(federation, id).await;
    }
    // A last one, which all nodes have to answer: each has held the log against its own copy.
    let last = federation.question(QUESTION, 200);
    federation.analyst().await.ask(v1::AskRequest::from(&last)).await.unwrap();
    asked_for.push(last.query().entry.id());
    outlast(federation, &last.query().entry.id()).await;
    // What ended queries owe the log gets there after a restart; it is published a moment later.
    let (newest, leaves) = loop {
        let newest = checkpoint(&read(federation, "checkpoint").await.unwrap());
        let leaves = leaves(federation, newest.head().size()).await;
        let is_release = |leaf: &&Leaf| matches!(Entry::from_bytes(leaf.as_bytes()), Ok(Entry::Release(_)));
        if leaves.iter().filter(is_release).count() >= asked_for.len() {
            break (newest, leaves);
        }
    };
    // All that was ever published, and cosigned, is the beginning of it.
    for note in seen.iter().map(|note| checkpoint(note)).chain([newest]) {
        let size = usize::try_from(note.head().size()).unwrap();
        assert_eq!(Edge::new().extend(&leaves[..size]).unwrap().head, *note.head(), "forked at {size}");
    }
    // Each query stands in it once, and has one end.
    let mut queries: BTreeMap<QueryId, u64> = BTreeMap::new();
    let mut releases: BTreeMap<u64, u32> = BTreeMap::new();
    for (at, leaf) in (0_u64..).zip(&leaves) {
        match Entry::from_bytes(leaf.as_bytes()).unwrap() {
            Entry::Query(query) => assert_eq!(queries.insert(query.id(), at), None, "{} stands twice", query.id()),
            Entry::Release(release) => *releases.entry(release.query).or_default() += 1,
            _ => {}
        }
    }
    for id in asked_for {
        let at = queries.remove(&id).unwrap_or_else(|| panic!("{id} is not in the log"));
        assert_eq!(releases.remove(&at), Some(1), "{id}");
    }
    assert!(queries.is_empty() && releases.is_empty(), "{queries:?} {releases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_killed_while_it_appends_neither_forks_the_log_nor_loses_an_entry() {
    let mut federation = Federation::start();
    federation.announce().await;
    let mut dice = Dice::new(SEED);
    let all = tokio::time::timeout(PATIENCE * 3, kill_while_appending(&mut federation, &mut dice)).await;
    all.unwrap_or_else(|_| panic!("seed {SEED}: no end\n{}", federation.logs()));
}

/// The store's files: the database and what belongs to it.
fn store_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("coordinator.sqlite")).collect()
}

fn copy_store(from: &Path, to: &Path) {
    for file in store_files(to) {
        fs::remove_file(file).unwrap();
    }
    for file in store_files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_with_an_older_store_or_none_ends_with_exit_code_7_and_says_what_to_do() {
    let mut federation = Federation::start();
    federation.announce().await;
    let folder = federation.folder().to_owned();
    let [last_week, newest] = [(); 2].map(|()| TempDir::new().unwrap());
    for (nonce, copy) in [(1, &last_week), (2, &newest)] {
        let asked = federation.question(QUESTION, nonce);
        federation.analyst().await.ask(v1::AskRequest::from(&asked)).await.unwrap();
        outlast(&federation, &asked.query().entry.id()).await;
        federation.kill("coordinator");
        copy_store(&folder, copy.path());
        federation.spawn("coordinator");
    }
    federation.kill("coordinator");
    let nothing = TempDir::new().unwrap();
    for (store, says) in [(&last_week, "put back to an older state"), (&nothing, "the store holds no log")] {
        copy_store(store.path(), &folder);
        federation.spawn("coordinator");
        assert_eq!(federation.ended("coordinator").await.code(), Some(7), "{}", federation.logs());
        assert!(federation.logs().contains(says), "{}", federation.logs());
    }
    // As the message says: the newest backup, and all goes on.
    copy_store(newest.path(), &folder);
    federation.spawn("coordinator");
    let asked = federation.question(QUESTION, 3);
    federation.analyst().await.ask(v1::AskRequest::from(&asked)).await.unwrap();
    outlast(&federation, &asked.query().entry.id()).await;
}
