//! End to end over real processes and sockets, with kill -9: no accepted query is lost, and none is opened twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use optelsom_codebook::QueryId;
use optelsom_disclosure::{CellValue, Release};
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use processes_federation::{Federation, PATIENCE, truth};
use tonic::{Code, Status, Streaming};

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";

fn name(id: &QueryId) -> v1::QueryName {
    v1::QueryName { name: Some(v1::query_name::Name::Query(id.as_bytes().to_vec())) }
}

/// Reads until the query has ended; `seen` hears each stage on the way, and may have a process killed.
async fn read_to_end(
    events: &mut Streaming<v1::QueryEvent>,
    mut seen: impl FnMut(v1::Stage),
) -> Result<Vec<u8>, Status> {
    let mut release = Vec::new();
    while let Some(event) = events.message().await? {
        match event.event.unwrap() {
            Event::Accepted(_) => {}
            Event::Progress(progress) => seen(progress.stage()),
            Event::Release(part) => release.extend(part),
            Event::End(end) => {
                assert_eq!(end.outcome(), v1::Outcome::Opened, "{}", end.reason);
                return Ok(release);
            }
        }
    }
    Err(Status::unavailable("the stream ended before the query did"))
}

/// Follows a query until it has ended, through every restart of the coordinator.
async fn outlast(federation: &Federation, id: &QueryId) -> Vec<u8> {
    loop {
        let watched = federation.analyst().await.watch(name(id)).await;
        let ended = match watched {
            Ok(response) => read_to_end(&mut response.into_inner(), |_| {}).await,
            Err(status) => Err(status),
        };
        match ended {
            Ok(release) => return release,
            Err(status) => assert_ne!(status.code(), Code::NotFound, "an accepted query is lost: {status}"),
        }
    }
}

fn must_be_true(release: &[u8]) {
    let release = Release::from_json(release).unwrap();
    let shown = release.table().rows().iter().map(|row| match row.figures()[0] {
        CellValue::Shown(figure) => figure.to_string(),
        other => panic!("{other:?}"),
    });
    assert_eq!(shown.collect::<Vec<_>>(), truth());
    assert_eq!(release.suppliers_taking_part().len(), 5);
}

/// Asks, kills `victim` when the round first reaches `stage` or a later one, and sees the query through.
async fn ask_and_kill(federation: &mut Federation, nonce: u8, victim: &str, stage: v1::Stage) -> (QueryId, Vec<u8>) {
    let asked = federation.question(QUESTION, nonce);
    let id = asked.query().entry.id();
    let mut events = federation.analyst().await.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    let mut to_kill = true;
    let ended = read_to_end(&mut events, |reached| {
        // Whoever follows hears the latest stage, not each of them.
        if to_kill && reached as i32 >= stage as i32 {
            to_kill = false;
            federation.kill_and_restart(victim);
        }
    })
    .await;
    let release = match ended {
        Ok(release) => release,
        Err(_) => outlast(federation, &id).await,
    };
    if to_kill {
        federation.kill_and_restart(victim);
    }
    (id, release)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_no_query_and_open_none_twice() {
    let mut federation = Federation::start();
    federation.announce().await;
    let stages = [
        v1::Stage::Gathering,
        v1::Stage::Joining,
        v1::Stage::Pairing,
        v1::Stage::Submitting,
        v1::Stage::Certifying,
        v1::Stage::Finalising,
        v1::Stage::Opening,
    ];
    let mut nonce = 0;
    let mut ended = Vec::new();
    for victim in ["coordinator", "police"] {
        for stage in stages {
            nonce += 1;
            let seen = ask_and_kill(&mut federation, nonce, victim, stage);
            let seen = tokio::time::timeout(PATIENCE, seen).await;
            let (id, release) =
                seen.unwrap_or_else(|_| panic!("{victim} killed at {stage:?}: no end\n{}", federation.logs()));
            must_be_true(&release);
            ended.push((id, release));
        }
    }
    // After one more restart all of them are there, each with the one release that was told.
    federation.kill_and_restart("coordinator");
    let mut analyst = federation.analyst().await;
    let listed = analyst.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries;
    assert_eq!(listed.len(), ended.len());
    assert!(listed.iter().all(|query| query.outcome == Some(v1::Outcome::Opened.into())));
    for (id, release) in &ended {
        let mut events = analyst.fetch(name(id)).await.unwrap().into_inner();
        assert_eq!(read_to_end(&mut events, |_| {}).await.unwrap(), *release);
    }
    assert!(federation.folder().join("coordinator.sqlite").is_file());
}
