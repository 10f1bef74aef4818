//! The same tests over SQLite and PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;
#[path = "../../tests/shared/postgresql.rs"]
mod postgresql;
#[path = "../../tests/shared/skip.rs"]
mod skip;

use federation::node::hello;
use federation::{Federation, supplier, url_file};
use optelsom_codebook::Timestamp;
use optelsom_coordinator::clock::now;
use optelsom_coordinator::configuration::StoreLocation;
use optelsom_coordinator::store::{
    Accepted, Commit, Ending, Found, Logged, NodeAnnouncement, OpenError, Store, StoredOutcome,
};
use optelsom_ledger::tiles::{TilePath, Tiles};
use optelsom_proto::wire::Announced;
use optelsom_secagg::combiner::{Effect, Input, Policy, Shape};
use optelsom_secagg::messages::RoundOutcome;
use optelsom_secagg::{Combiner, CombinerConfig, CombinerRecord, Generators, Rules};
use postgresql::Postgresql;
use sqlx::{AnyConnection, Connection, Executor};

fn policy() -> optelsom_disclosure::Policy {
    optelsom_disclosure::Policy::new("victims", 10).unwrap().with(3, Some(20), Some(5)).unwrap()
}

fn accepted(federation: &Federation, nonce: u8) -> Accepted {
    let asked = federation.question("SELECT sex, COUNT(*) FROM victims GROUP BY sex", nonce);
    let (question, document) = asked.into_parts();
    Accepted { question, document, at: now(), policy: policy() }
}

/// The record of a query that was cancelled: any real record will do.
fn record(federation: &Federation, accepted: &Accepted) -> CombinerRecord {
    let config = CombinerConfig {
        roster: federation.roster.clone().into(),
        generators: Generators::default(),
        checkpoint: optelsom_codebook::Hash256::from_bytes([0; 32]),
        rules: Rules::all(),
    };
    let shape = Shape { columns: 1, cells: 2 };
    let policy = Policy {
        deadline: accepted.question.entry.expires_at,
        phase_timeout_ms: 1000,
        resend_ms: 100,
        least_participants: 4,
    };
    let machine = Combiner::new(config, accepted.question.clone(), shape, policy).unwrap();
    let (_, effects) = machine.handle(now(), Input::Cancel { by: "test".to_owned() });
    let persisted = effects.into_iter().find_map(|effect| match effect {
        Effect::Persist(record) => Some(record),
        _ => None,
    });
    persisted.unwrap()
}

fn opened() -> StoredOutcome {
    StoredOutcome { outcome: RoundOutcome::Opened, reason: String::new() }
}

async fn what_is_accepted_stays_until_it_ends_once(location: &StoreLocation) {
    let federation = Federation::new();
    let store = Store::open(location).await.unwrap();
    let (first, second) = (accepted(&federation, 1), accepted(&federation, 2));
    let id = first.question.entry.id();
    assert!(store.accept(&first).await.unwrap());
    assert!(!store.accept(&first).await.unwrap(), "the same query twice is one query");
    assert!(store.accept(&second).await.unwrap());
    let kept = record(&federation, &first);
    store.keep_record(&id, &kept).await.unwrap();
    store.close().await;
    // Another process finds all of it.
    let store = Store::open(location).await.unwrap();
    let unfinished = store.unfinished().await.unwrap();
    let found = unfinished.iter().find(|stored| stored.accepted.question == first.question).unwrap();
    assert_eq!((unfinished.len(), &found.record), (2, &Some(kept.clone())));
    assert_eq!((&found.accepted.document, &found.accepted.policy), (&first.document, &policy()));
    // A release of a megabyte, bytes of all kinds.
    let release: Vec<u8> = (0..1_000_000_u32).map(|i| i.to_le_bytes()[usize::try_from(i % 4).unwrap()]).collect();
    let (owed, files) = (Vec::new, Vec::new);
    let ending =
        |outcome, release| Ending { outcome, at: now(), record: Some(&kept), release, owed: owed(), files: files() };
    assert!(store.end(&id, ending(opened(), Some(&release))).await.unwrap());
    let other = StoredOutcome { outcome: RoundOutcome::Abandoned, reason: "too late".to_owned() };
    assert!(!store.end(&id, ending(other, None)).await.unwrap(), "what has ended does not end again");
    assert_eq!(store.summary(&id).await.unwrap().unwrap().outcome, Some(opened()));
    assert_eq!(store.release(&id).await.unwrap(), Some(release));
    assert_eq!(store.release(&second.question.entry.id()).await.unwrap(), None);
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    assert!(store.unfinished_query(&id).await.unwrap().is_none());
    assert!(store.unfinished_query(&second.question.entry.id()).await.unwrap().is_some());
}

async fn queries_are_listed_and_found_by_their_requester(location: &StoreLocation) {
    let federation = Federation::new();
    let store = Store::open(location).await.unwrap();
    let query = accepted(&federation, 3);
    let id = query.question.entry.id();
    store.accept(&query).await.unwrap();
    assert!(matches!(store.find(&id.short(), Some("analyst-1")).await.unwrap(), Found::One(found) if found.id == id));
    assert!(matches!(store.find(&id.short(), None).await.unwrap(), Found::One(_)));
    assert!(matches!(store.find(&id.short(), Some("analyst-2")).await.unwrap(), Found::None));
    // Text from outside stays text.
    let evil = "analyst-1' OR '1'='1";
    assert!(store.list(Some(evil), 10).await.unwrap().is_empty());
    store.note(&id, now(), "police", "refused", "denied'); DROP TABLE queries; --").await.unwrap();
    let refusals = store.refusals(&id).await.unwrap();
    assert_eq!(refusals, [(supplier("police"), "denied'); DROP TABLE queries; --".to_owned())]);
    assert!(!store.list(None, 10).await.unwrap().is_empty());
}

async fn editions_and_nodes_are_kept(location: &StoreLocation) {
    let store = Store::open(location).await.unwrap();
    let at = |millis| Timestamp::from_millis(millis);
    let announced = |at| Announced { dataset: "victims".to_owned(), edition: "2024-12".parse().unwrap(), at };
    store.announce(announced(at(5))).await.unwrap();
    let again = store.announce(announced(at(9))).await.unwrap();
    assert_eq!(again.at, at(5), "an edition is announced once");
    assert_eq!(store.editions().await.unwrap(), [announced(at(5))]);
    for moment in [at(1), at(2)] {
        let node = NodeAnnouncement { supplier: supplier("police"), hello: hello("police"), last_seen: moment };
        store.keep_announcement(&node).await.unwrap();
    }
    store.last_seen(&supplier("police"), at(7)).await.unwrap();
    let nodes = store.announcements().await.unwrap();
    assert_eq!((nodes.len(), nodes[0].last_seen), (1, at(7)));
    assert_eq!(nodes[0].hello.agreement, hello("police").agreement);
}

async fn grow(store: &Store, expected: Option<&[u8]>, replacement: &[u8], tiles: &Tiles) -> bool {
    match store.commit(expected, replacement, tiles).await {
        Commit::Done => true,
        Commit::Refused => false,
        failed => panic!("{failed:?}"),
    }
}

async fn the_log_s_register_is_changed_by_compare_and_swap(location: &StoreLocation) {
    let store = Store::open(location).await.unwrap();
    assert_eq!(store.register().await.unwrap(), None);
    let path = |text: &str| text.parse::<TilePath>().unwrap();
    let tiles = Tiles::from([(path("tile/0/000.p/1"), vec![7; 32])]);
    assert!(!grow(&store, Some(b"a"), b"b", &tiles).await, "nothing stands there to be replaced");
    assert!(grow(&store, None, b"a", &Tiles::new()).await);
    assert!(!grow(&store, None, b"b", &tiles).await, "a log is begun once");
    assert!(!grow(&store, Some(b"b"), b"c", &tiles).await, "another writer was here");
    assert_eq!(store.register().await.unwrap().as_deref(), Some(&b"a"[..]));
    assert_eq!(store.tiles(tiles.keys().copied()).await.unwrap(), Tiles::new(), "who is refused has written nothing");
    // Of many writers that go by the same state, one goes on.
    let others = (0..8_u8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { grow(&store, Some(b"a"), &[b'x', number], &Tiles::new()).await })
    });
    let mut winners = Vec::new();
    for (other, number) in others.collect::<Vec<_>>().into_iter().zip(0_u8..) {
        winners.extend(other.await.unwrap().then_some(number));
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(store.register().await.unwrap(), Some(vec![b'x', winners[0]]));
    assert_eq!(store.published().await.unwrap(), None, "what is swapped in is not published");
    store.publish(b"one").await.unwrap();
    store.publish(b"two").await.unwrap();
    assert_eq!(store.published().await.unwrap().as_deref(), Some(&b"two"[..]));
}

/// `refuse` makes the database refuse one of the tiles, `allow` takes that back.
async fn the_log_grows_by_all_or_nothing(location: &StoreLocation, url: &str, [refuse, allow]: [&[&'static str]; 2]) {
    let store = Store::open(location).await.unwrap();
    let path = |text: &str| text.parse::<TilePath>().unwrap();
    let tile = |width: usize| (0..width * 32).map(|place| u8::try_from(place / 32).unwrap()).collect::<Vec<_>>();
    let [before, full, above] = ["tile/0/000.p/255", "tile/0/000", "tile/1/000.p/1"].map(path);
    let register = store.register().await.unwrap();
    assert!(grow(&store, register.as_deref(), b"255", &Tiles::from([(before, tile(255))])).await);
    let growth = Tiles::from([(full, tile(256)), (above, tile(1))]);
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for sql in refuse {
        connection.execute(*sql).await.unwrap();
    }
    let failed = store.commit(Some(b"255"), b"256", &growth).await;
    assert!(matches!(failed, Commit::Failed(_)), "{failed:?}");
    assert_eq!(store.register().await.unwrap().as_deref(), Some(&b"255"[..]));
    assert_eq!(store.tiles([before, full, above]).await.unwrap(), Tiles::from([(before, tile(255))]));
    for sql in allow {
        connection.execute(*sql).await.unwrap();
    }
    connection.close().await.unwrap();
    assert!(grow(&store, Some(b"255"), b"256", &growth).await);
    assert_eq!(store.register().await.unwrap().as_deref(), Some(&b"256"[..]));
    // What it was before it was full is gone, and is still to be had: a query may go by an older checkpoint.
    assert_eq!(store.tile("tile/0/000.p/255").await.unwrap(), None);
    let all = Tiles::from([(before, tile(255)), (full, tile(256)), (above, tile(1))]);
    assert_eq!(store.tiles([before, full, above]).await.unwrap(), all);
    assert_eq!(store.tiles([path("tile/1/000.p/2"), path("tile/entries/000")]).await.unwrap(), Tiles::new());
}

async fn where_a_query_stands_in_the_log_is_said_once(location: &StoreLocation) {
    let federation = Federation::new();
    let store = Store::open(location).await.unwrap();
    let query = accepted(&federation, 9);
    let id = query.question.entry.id();
    store.accept(&query).await.unwrap();
    assert_eq!(store.logged(&id).await.unwrap(), None);
    let logged = |index| Logged { index, checkpoint: vec![u8::try_from(index).unwrap(); 3] };
    store.keep_logged(&id, &logged(4)).await.unwrap();
    store.keep_logged(&id, &logged(5)).await.unwrap();
    assert_eq!(store.logged(&id).await.unwrap(), Some(logged(4)));
    let (owed, files) = (vec![b"first".to_vec(), b"second".to_vec()], vec![("salt", &b"s"[..])]);
    let ending = Ending { outcome: opened(), at: now(), record: None, release: Some(b"r"), owed: owed.clone(), files };
    assert!(store.end(&id, ending).await.unwrap());
    assert!(store.owed_entries().await.unwrap().contains(&id));
    assert_eq!(store.owed_by(&id).await.unwrap(), owed);
    assert_eq!(store.release_file(&id, "salt").await.unwrap(), None, "while its entry is owed it is nobody's");
    assert_eq!(store.release(&id).await.unwrap(), None);
    store.owes_nothing(&id).await.unwrap();
    assert_eq!(store.release_file(&id, "salt").await.unwrap().as_deref(), Some(&b"s"[..]));
    assert_eq!(store.release(&id).await.unwrap().as_deref(), Some(&b"r"[..]));
    assert!(!store.owed_entries().await.unwrap().contains(&id));
}

async fn all(location: &StoreLocation) {
    the_log_s_register_is_changed_by_compare_and_swap(location).await;
    where_a_query_stands_in_the_log_is_said_once(location).await;
    what_is_accepted_stays_until_it_ends_once(location).await;
    queries_are_listed_and_found_by_their_requester(location).await;
    editions_and_nodes_are_kept(location).await;
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    // Characters that mean something in URLs mean nothing in paths.
    all(&StoreLocation::Sqlite(folder.path().join("a?b#c%20d").join("store.sqlite"))).await;
    let path = folder.path().join("tiles.sqlite");
    let refuse = ["CREATE TRIGGER refuse BEFORE INSERT ON ledger_tiles WHEN NEW.path = 'tile/1/000.p/1' \
         BEGIN SELECT RAISE(ABORT, 'refused'); END"];
    let url = format!("sqlite:{}", path.display());
    the_log_grows_by_all_or_nothing(&StoreLocation::Sqlite(path), &url, [&refuse, &["DROP TRIGGER refuse"]]).await;
}

#[tokio::test]
async fn postgresql() {
    let Some(server) = Postgresql::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let location = url_file(folder.path(), &server.url());
    all(&location).await;
    let refuse = [
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN IF NEW.path = 'tile/1/000.p/1' THEN \
         RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE INSERT ON ledger_tiles FOR EACH ROW EXECUTE FUNCTION refuse()",
    ];
    let allow = ["DROP TRIGGER refuse ON ledger_tiles", "DROP FUNCTION refuse"];
    the_log_grows_by_all_or_nothing(&location, &server.url(), [&refuse, &allow]).await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    std::fs::write(&file, "this is no database, and never was one; it is long enough to be looked at").unwrap();
    assert!(matches!(Store::open(&StoreLocation::Sqlite(file)).await, Err(OpenError::Store(_))));
    let wrong = url_file(folder.path(), "mysql://localhost/x");
    assert!(matches!(Store::open(&wrong).await, Err(OpenError::Url(_))));
}
