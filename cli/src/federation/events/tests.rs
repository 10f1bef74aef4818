#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::release;

fn event(event: Event) -> Result<v1::QueryEvent, Status> {
    Ok(v1::QueryEvent { event: Some(event) })
}

fn progress(stage: v1::Stage, refusals: &[(&str, &str)]) -> Result<v1::QueryEvent, Status> {
    let refusals = refusals
        .iter()
        .map(|(supplier, reason)| v1::Refusal { supplier: (*supplier).to_owned(), reason: (*reason).to_owned() });
    event(Event::Progress(v1::Progress {
        stage: stage.into(),
        attempt: 1,
        done: 2,
        of: 6,
        refusals: refusals.collect(),
        at: 0,
    }))
}

fn end(outcome: v1::Outcome, reason: &str) -> Result<v1::QueryEvent, Status> {
    event(Event::End(v1::QueryEnd { outcome: outcome.into(), reason: reason.to_owned() }))
}

async fn followed(events: Vec<Result<v1::QueryEvent, Status>>) -> (Result<Release, Failure>, Vec<Moment>) {
    let mut moments = Vec::new();
    let outcome = follow(tokio_stream::iter(events), Lang::En, |moment| moments.push(moment.clone())).await;
    (outcome, moments)
}

#[tokio::test]
async fn a_release_arrives_in_parts() {
    let release = release("SELECT sex, COUNT(*) FROM victims GROUP BY sex", &[&[3, 40]]);
    let json = release.to_json().unwrap();
    let mut events = vec![event(Event::Accepted(v1::Accepted { query: vec![0xab; 32] }))];
    events.push(progress(v1::Stage::Gathering, &[]));
    events.extend(json.chunks(100).map(|part| event(Event::Release(part.to_vec().into()))));
    events.push(end(v1::Outcome::Opened, ""));
    let (outcome, moments) = followed(events).await;
    assert_eq!(outcome.unwrap(), release);
    let gathering = Moment::Progress { stage: Stage::Gathering, attempt: 1, done: 2, of: 6 };
    assert_eq!(moments, [Moment::Accepted(QueryId::from_bytes([0xab; 32])), gathering]);
}

#[tokio::test]
async fn an_abandoned_query_says_why_and_each_refusal_once() {
    let refusals = [("police", "outside-period"), ("shelters", "of-the-future\u{1b}")];
    let events = vec![
        progress(v1::Stage::Gathering, &refusals[..1]),
        progress(v1::Stage::Gathering, &refusals),
        end(v1::Outcome::Abandoned, "two suppliers absent at the deadline"),
    ];
    let (outcome, moments) = followed(events).await;
    assert_eq!(moments.iter().filter(|moment| matches!(moment, Moment::Refused { .. })).count(), 2);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.code(), 5);
    insta::assert_snapshot!(failure.to_string(), @r"
    abandoned: two suppliers absent at the deadline
      police: the question asks years outside the agreement
      shelters: of-the-future\u{1b}
    ");
}

#[tokio::test]
async fn what_cannot_be_right_is_told_from_what_was_lost() {
    let code = |events| async move { followed(events).await.0.unwrap_err().code() };
    assert_eq!(code(vec![]).await, 4);
    assert_eq!(code(vec![Err(Status::unavailable("down"))]).await, 4);
    assert_eq!(code(vec![end(v1::Outcome::Opened, "")]).await, 1);
    assert_eq!(code(vec![end(v1::Outcome::Unspecified, "")]).await, 1);
    assert_eq!(code(vec![event(Event::Accepted(v1::Accepted { query: vec![1] }))]).await, 1);
    // Events and stages of a newer coordinator are passed over.
    let unknown = vec![Ok(v1::QueryEvent { event: None }), progress(v1::Stage::Unspecified, &[])];
    assert_eq!(code(unknown).await, 4);
}
