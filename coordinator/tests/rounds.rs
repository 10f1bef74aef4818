//! Whole rounds over real connections, with the coordinator coming and going; over SQLite and PostgreSQL what the store has
//! a part in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;
#[path = "../../tests/shared/postgresql.rs"]
mod postgresql;
#[path = "../../tests/shared/skip.rs"]
mod skip;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use federation::node::{TestNode, Watch, attend, hello};
use federation::{End, Federation, SUPPLIERS, follow, identity, supplier};
use optelsom_coordinator::Running;
use optelsom_coordinator::configuration::Limits;
use optelsom_disclosure::{CellValue, Policy};
use optelsom_proto::v1;
use optelsom_proto::wire::{Hello, SignedAgreement};
use optelsom_secagg::messages::CoordinatorMessage;
use postgresql::Postgresql;
use tokio::sync::mpsc;
use tonic::Code;

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";
/// Women and men, per supplier; together 40 and 4, of which the latter is too few to show.
const FIGURES: [i64; 2] = [10, 1];

fn nodes(federation: &Federation) -> Vec<Arc<TestNode>> {
    nodes_watched(federation, &|_| Arc::new(|_| true))
}

fn nodes_watched(federation: &Federation, watch: &dyn Fn(&str) -> Watch) -> Vec<Arc<TestNode>> {
    let node = |name: &&str| {
        let credentials = federation.credentials(&format!("optelsom:node:{name}"));
        Arc::new(TestNode::new(name, &FIGURES, credentials).watched(watch(name)))
    };
    SUPPLIERS.iter().map(node).collect()
}

/// Runs the nodes for as long as the coordinator does; one that is cut off comes back.
fn run(nodes: &[Arc<TestNode>], running: &Arc<Running>) -> Vec<tokio::task::JoinHandle<()>> {
    let start = |node: &Arc<TestNode>| {
        let (node, running) = (Arc::clone(node), Arc::clone(running));
        tokio::spawn(async move { drop(node.run(&running).await) })
    };
    nodes.iter().map(start).collect()
}

fn must_be_right(end: &End) {
    assert_eq!(end.outcome, v1::Outcome::Opened, "{}", end.reason);
    let release = end.release.as_ref().unwrap();
    assert_eq!(release.suppliers_taking_part().len(), 4);
    let figures: Vec<_> = release.table().rows().iter().map(|row| row.figures()[0]).collect();
    assert!(matches!(figures[..], [CellValue::Shown(_), CellValue::HiddenTooFew]), "{figures:?}");
    let CellValue::Shown(women) = figures[0] else { unreachable!() };
    assert_eq!(women.to_string(), "40");
}

async fn a_question_is_answered_and_fetched_again(federation: Federation) {
    let running = Arc::new(federation.start().await);
    federation.announce(&running).await;
    let _tasks = run(&nodes(&federation), &running);
    let mut analyst = federation.analyst(&running).await;
    let asked = federation.question(QUESTION, 1);
    let id = asked.query().entry.id();
    let mut events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    must_be_right(&follow(&mut events).await.unwrap());
    // The same entry once more is the same query; and so it is by its first digits.
    let mut again = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    must_be_right(&follow(&mut again).await.unwrap());
    let name = v1::QueryName { name: Some(v1::query_name::Name::Prefix(id.short())) };
    let mut fetched = analyst.fetch(name.clone()).await.unwrap().into_inner();
    must_be_right(&follow(&mut fetched).await.unwrap());
    let listed = analyst.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].outcome, Some(v1::Outcome::Opened.into()));
    // It is nobody else's.
    let channel = federation.connect(&running, "optelsom:analyst:analyst-2").await.channel;
    let mut other = v1::analyst_service_client::AnalystServiceClient::new(channel);
    assert_eq!(other.fetch(name).await.unwrap_err().code(), Code::NotFound);
}

async fn queries_on_one_dataset_take_turns_and_all_end(federation: Federation) {
    let running = Arc::new(federation.start().await);
    federation.announce(&running).await;
    let _tasks = run(&nodes(&federation), &running);
    let analyst = federation.analyst(&running).await;
    let mut followed = Vec::new();
    for nonce in 0..6 {
        let asked = v1::AskRequest::from(&federation.question(QUESTION, nonce));
        let mut analyst = analyst.clone();
        followed.push(tokio::spawn(async move {
            let mut events = analyst.ask(asked).await.unwrap().into_inner();
            follow(&mut events).await.unwrap()
        }));
    }
    for end in followed {
        must_be_right(&end.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_has_its_share_of_the_places_and_others_theirs() {
    let mut federation = Federation::new();
    federation.configuration.limits.queries_per_requester = 2;
    let running = federation.start().await;
    federation.announce(&running).await;
    let mut analyst = federation.analyst(&running).await;
    let asked = |nonce| v1::AskRequest::from(&federation.question(QUESTION, nonce));
    // No node is there, so each goes on.
    let mut followed = Vec::new();
    for nonce in 0..2 {
        followed.push(analyst.ask(asked(nonce)).await.unwrap());
    }
    let refused = analyst.ask(asked(2)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("2 queries of `analyst-1` go on already"), "{refused}");
    let others = federation.question_with(QUESTION, 3, |entry| "analyst-2".clone_into(&mut entry.requester));
    let channel = federation.connect(&running, "optelsom:analyst:analyst-2").await.channel;
    let mut other = v1::analyst_service_client::AnalystServiceClient::new(channel);
    other.ask(v1::AskRequest::from(&others)).await.unwrap();
    running.shutdown().await;
}

async fn one_entry_asked_many_times_at_once_is_one_query(federation: Federation) {
    let running = Arc::new(federation.start().await);
    federation.announce(&running).await;
    let _tasks = run(&nodes(&federation), &running);
    let analyst = federation.analyst(&running).await;
    let asked = federation.question(QUESTION, 1);
    let ask = |_| {
        let (mut analyst, asked) = (analyst.clone(), v1::AskRequest::from(&asked));
        tokio::spawn(async move { follow(&mut analyst.ask(asked).await.unwrap().into_inner()).await.unwrap() })
    };
    let all: Vec<_> = (0..8).map(ask).collect();
    let mut releases = Vec::new();
    for end in all {
        let end = end.await.unwrap();
        must_be_right(&end);
        releases.push(end.release);
    }
    assert!(releases.iter().all(|release| *release == releases[0]));
}

/// Kills the coordinator when a node first gets a message of this kind, and starts another on the same store.
async fn killed_at(federation: Federation, which: fn(&CoordinatorMessage) -> bool) {
    let (tell, mut seen) = mpsc::unbounded_channel();
    let first = Arc::new(AtomicBool::new(true));
    let watch = |_: &str| -> Watch {
        let (tell, first) = (tell.clone(), Arc::clone(&first));
        Arc::new(move |message| {
            if which(message) && first.swap(false, Ordering::SeqCst) {
                tell.send(()).unwrap();
            }
            true
        })
    };
    let nodes = nodes_watched(&federation, &watch);
    let asked = federation.question(QUESTION, 1);
    let id = asked.query().entry.id();
    // A runtime of its own, so that all of it can vanish at once.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let configuration = federation.configuration.clone();
    federation.begin().await;
    let running = Arc::new(doomed.spawn(optelsom_coordinator::start(configuration)).await.unwrap().unwrap());
    federation.announce(&running).await;
    let tasks = run(&nodes, &running);
    let mut analyst = federation.analyst(&running).await;
    let mut events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    events.message().await.unwrap().unwrap();
    seen.recv().await.unwrap();
    doomed.shutdown_background();
    for task in tasks {
        task.await.unwrap();
    }
    let running = Arc::new(federation.start().await);
    let _tasks = run(&nodes, &running);
    let mut analyst = federation.analyst(&running).await;
    let name = v1::QueryName { name: Some(v1::query_name::Name::Query(id.as_bytes().to_vec())) };
    let mut events = analyst.watch(name).await.unwrap().into_inner();
    let end = follow(&mut events).await.unwrap();
    must_be_right(&end);
}

macro_rules! killed_at {
    ($($name:ident => $pattern:pat,)*) => {$(
        async fn $name(federation: Federation) {
            killed_at(federation, |message| matches!(message, $pattern)).await;
        }
    )*};
}

killed_at! {
    a_coordinator_killed_at_ask_loses_nothing => CoordinatorMessage::Ask { .. },
    a_coordinator_killed_at_join_loses_nothing => CoordinatorMessage::Join { .. },
    a_coordinator_killed_at_pair_loses_nothing => CoordinatorMessage::Pair { .. },
    a_coordinator_killed_at_exchange_loses_nothing => CoordinatorMessage::Exchange { .. },
    a_coordinator_killed_at_certify_loses_nothing => CoordinatorMessage::Certify { .. },
    a_coordinator_killed_at_finalise_loses_nothing => CoordinatorMessage::Finalise { .. },
    a_coordinator_killed_at_open_loses_nothing => CoordinatorMessage::Open { .. },
}

macro_rules! over_both_stores {
    ($($name:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Federation::new()).await;
            })*
        }

        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(server) = super::Postgresql::start() else { return };
                let mut federation = super::Federation::new();
                federation.store_at(&server.url());
                super::$name(federation).await;
            })*
        }
    };
}

over_both_stores! {
    a_question_is_answered_and_fetched_again,
    queries_on_one_dataset_take_turns_and_all_end,
    one_entry_asked_many_times_at_once_is_one_query,
    a_coordinator_killed_at_ask_loses_nothing,
    a_coordinator_killed_at_join_loses_nothing,
    a_coordinator_killed_at_pair_loses_nothing,
    a_coordinator_killed_at_exchange_loses_nothing,
    a_coordinator_killed_at_certify_loses_nothing,
    a_coordinator_killed_at_finalise_loses_nothing,
    a_coordinator_killed_at_open_loses_nothing,
    a_query_that_waits_can_be_cancelled_and_says_by_whom,
    a_question_names_the_strictest_of_codebook_and_agreements_of_those_asked,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restarted_at_each_step_loses_nothing() {
    for at in 0..7_usize {
        let federation = Federation::new();
        let running = Arc::new(federation.start().await);
        federation.announce(&running).await;
        let (tell, mut seen) = mpsc::unbounded_channel();
        let watch = |name: &str| -> Watch {
            let (tell, first, police) = (tell.clone(), AtomicBool::new(true), name == "police");
            Arc::new(move |message| {
                let hit = police && step(message) == at && first.swap(false, Ordering::SeqCst);
                if hit {
                    tell.send(()).unwrap();
                }
                !hit
            })
        };
        let nodes = nodes_watched(&federation, &watch);
        let tasks = run(&nodes, &running);
        let mut analyst = federation.analyst(&running).await;
        let asked = v1::AskRequest::from(&federation.question(QUESTION, 1));
        let mut events = analyst.ask(asked).await.unwrap().into_inner();
        seen.recv().await.unwrap();
        // Its machines go with its task; its disk stays.
        let police = SUPPLIERS.iter().position(|name| *name == "police").unwrap();
        tasks[police].abort();
        let _again = run(&nodes[police..=police], &running);
        must_be_right(&follow(&mut events).await.unwrap());
    }
}

fn step(message: &CoordinatorMessage) -> usize {
    match message {
        CoordinatorMessage::Ask { .. } => 0,
        CoordinatorMessage::Join { .. } => 1,
        CoordinatorMessage::Pair { .. } => 2,
        CoordinatorMessage::Exchange { .. } => 3,
        CoordinatorMessage::Certify { .. } => 4,
        CoordinatorMessage::Finalise { .. } => 5,
        CoordinatorMessage::Open { .. } => 6,
        _ => usize::MAX,
    }
}

async fn a_query_that_waits_can_be_cancelled_and_says_by_whom(federation: Federation) {
    let running = Arc::new(federation.start().await);
    federation.announce(&running).await;
    // They witness the log, and answer nothing.
    let _tasks = run(&nodes_watched(&federation, &|_| Arc::new(|_| false)), &running);
    let mut analyst = federation.analyst(&running).await;
    let asked = federation.question(QUESTION, 1);
    let mut events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    let channel = federation.connect(&running, "optelsom:operator:duty").await.channel;
    let mut bureau = v1::bureau_service_client::BureauServiceClient::new(channel);
    let name = v1::QueryName { name: Some(v1::query_name::Name::Prefix(asked.query().entry.id().short())) };
    bureau.cancel_query(name).await.unwrap();
    let end = follow(&mut events).await.unwrap();
    assert_eq!(end.outcome, v1::Outcome::Abandoned);
    assert!(end.reason.contains("cancelled by duty"), "{}", end.reason);
}

#[tokio::test]
async fn questions_that_are_wrong_are_not_accepted_and_say_why() {
    let federation = Federation::new();
    let running = federation.start().await;
    let mut analyst = federation.analyst(&running).await;
    let unannounced = analyst.ask(v1::AskRequest::from(&federation.question(QUESTION, 1))).await.unwrap_err();
    assert!(unannounced.message().contains("was not announced"), "{unannounced}");
    federation.announce(&running).await;
    type Change = fn(&mut optelsom_ledger::QueryEntry);
    let wrong: [(&str, Change); 7] = [
        ("the certificate is that of `analyst-1`", |entry| entry.requester = "analyst-2".to_owned()),
        ("different datasets", |entry| entry.dataset = "suspects".to_owned()),
        ("has changed", |entry| entry.disclosure_policy = entry.codebook),
        ("read with codebook", |entry| entry.codebook = entry.roster),
        ("at least 4 are needed", |entry| drop(entry.scope.pop())),
        ("lies", |entry| entry.expires_at = entry.expires_at.plus_millis(400 * 24 * 60 * 60 * 1000)),
        ("expired", |entry| entry.expires_at = entry.asked_at),
    ];
    for (wanted, change) in wrong {
        let asked = federation.question_with(QUESTION, 2, change);
        let refused = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap_err();
        assert!(refused.message().contains(wanted), "{wanted}: {refused}");
    }
    // Signed by somebody else, and a document that was exchanged.
    let mut forged = v1::AskRequest::from(&federation.question(QUESTION, 3));
    forged.query.as_mut().unwrap().signature[0] ^= 1;
    assert_eq!(analyst.ask(forged).await.unwrap_err().code(), Code::PermissionDenied);
    let mut exchanged = v1::AskRequest::from(&federation.question(QUESTION, 3));
    exchanged.document = b"{}".to_vec();
    assert!(analyst.ask(exchanged).await.unwrap_err().message().contains("ask.document"));
    assert!(analyst.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries.is_empty());
    running.shutdown().await;
}

/// Whoever does not use our command line is not stopped by it.
#[tokio::test]
async fn more_than_the_coordinator_takes_is_not_accepted() {
    let mut federation = Federation::new();
    federation.configuration.limits = Limits { words: 4, deadline_minutes: 4, queries: 1, queries_per_requester: 1 };
    let running = federation.start().await;
    federation.announce(&running).await;
    let mut analyst = federation.analyst(&running).await;
    let mut ask = async |sql, nonce, minutes: u64| {
        let minutes = Duration::from_secs(60 * minutes);
        let asked = federation.question_with(sql, nonce, |entry| entry.expires_at = entry.asked_at + minutes);
        analyst.ask(v1::AskRequest::from(&asked)).await.map(drop)
    };
    let six = "SELECT year, sex, COUNT(*) FROM victims GROUP BY year, sex";
    let large = ask(six, 1, 3).await.unwrap_err();
    assert_eq!(large.code(), Code::InvalidArgument);
    assert!(large.message().contains("6 cells in 1 columns; cells times columns may be 4 here"), "{large}");
    let long = ask(QUESTION, 2, 6).await.unwrap_err();
    assert!(long.message().contains("4 are the most here"), "{long}");
    ask(QUESTION, 3, 3).await.unwrap();
    let busy = ask(QUESTION, 4, 3).await.unwrap_err();
    assert_eq!(busy.code(), Code::ResourceExhausted, "{busy}");
    let listed = analyst.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries;
    assert_eq!(listed.len(), 1, "what is refused is not kept");
    running.shutdown().await;
}

async fn a_question_names_the_strictest_of_codebook_and_agreements_of_those_asked(federation: Federation) {
    let running = federation.start().await;
    federation.announce(&running).await;
    let terms = |name: &str, rules: &str| {
        format!(
            "supplier = \"{name}\"\nversion = \"1\"\nvalid = {{ from = \"2020-01-01\", until = \"2099-12-31\" }}\n\
             [[datasets]]\nname = \"victims\"\nvariables = \"all\"\nmeasures = \"all\"\npurposes = [\"monitor\"]\n\
             queries_per_day = 9\n{rules}\n"
        )
    };
    // Of each rule the strictest; one for another dataset and one that cannot be read ask for nothing.
    for (name, rules) in [("border", "rounding_base = 5"), ("police", "minimum_frequency = 12\nrounding_base = 3")] {
        let agreement = SignedAgreement::sign(terms(name, rules), &supplier(name), &identity(name));
        let credentials = federation.credentials(&format!("optelsom:node:{name}"));
        let hello = Hello { agreement, ..hello(name) };
        drop(attend(&credentials, &running, hello).await.unwrap());
    }
    let mut analyst = federation.analyst(&running).await;
    let codebook = Policy::new("victims", 10).unwrap();
    let strictest = Policy::new("victims", 12).unwrap().with(1, None, Some(5)).unwrap();
    for (nonce, policy, accepted) in [
        (1, codebook.clone(), false),
        (2, codebook.stricter(Some(12)), false),
        (3, strictest.clone().stricter(Some(13)), false),
        (4, strictest.clone(), true),
    ] {
        let asked = federation.question_with(QUESTION, nonce, |entry| entry.disclosure_policy = policy.hash());
        let answer = analyst.ask(v1::AskRequest::from(&asked)).await;
        assert_eq!(answer.is_ok(), accepted, "{policy:?}: {answer:?}");
    }
    // What stands in the store is what nodes are sent after a restart.
    running.shutdown().await;
    let store = optelsom_coordinator::store::Store::open(&federation.configuration.store).await.unwrap();
    let kept: Vec<_> = store.unfinished().await.unwrap().into_iter().map(|stored| stored.accepted.policy).collect();
    assert_eq!(kept, [strictest]);
}
