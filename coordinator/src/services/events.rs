//! The stream by which somebody follows a query to its end.

use std::sync::Arc;

use optelsom_codebook::QueryId;
use optelsom_proto::limits::RELEASE_PART_BYTES;
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use optelsom_secagg::messages::RoundOutcome;
use prost::bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::driver::{Driver, settled};
use crate::shared::Shared;
use crate::store::StoredOutcome;

/// Events of one query.
pub type Events = ReceiverStream<Result<v1::QueryEvent, Status>>;

type Sender = mpsc::Sender<Result<v1::QueryEvent, Status>>;

/// Events that wait for a slow reader; progress beyond is not queued, the latest is told.
const QUEUE: usize = 4;

const STOPS: &str = "the coordinator stops; the query is kept and goes on when it is back";

/// The reader has gone.
struct Gone;

async fn tell(sender: &Sender, event: Event) -> Result<(), Gone> {
    sender.send(Ok(v1::QueryEvent { event: Some(event) })).await.map_err(|_| Gone)
}

/// Follows a query that goes on; first of all, says that it is accepted.
pub fn follow(shared: Arc<Shared>, id: QueryId, driver: Driver) -> Events {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        if follow_to_end(&shared, id, &driver, &sender).await.is_err() {
            tracing::debug!(query = %id.short(), "nobody follows the query any more; it goes on");
        }
    });
    ReceiverStream::new(receiver)
}

async fn follow_to_end(shared: &Shared, id: QueryId, driver: &Driver, sender: &Sender) -> Result<(), Gone> {
    tell(sender, Event::Accepted(v1::Accepted { query: id.as_bytes().to_vec() })).await?;
    let mut state = driver.follow();
    loop {
        let current = state.borrow_and_update().clone();
        if let Some(progress) = current.progress {
            tell(sender, Event::Progress(progress)).await?;
        }
        if current.ended {
            break;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { break },
            () = sender.closed() => return Err(Gone),
        }
    }
    match shared.store.summary(&id).await {
        Ok(Some(summary)) => match summary.outcome {
            Some(outcome) => {
                let release = state.borrow().release.clone();
                tell_end(shared, id, outcome, release, sender).await
            }
            None => interrupted(sender, STOPS).await,
        },
        Ok(None) => interrupted(sender, "the query is not in the store").await,
        Err(cause) => sender.send(Err(cause.into())).await.map_err(|_| Gone),
    }
}

async fn interrupted(sender: &Sender, why: &str) -> Result<(), Gone> {
    sender.send(Err(Status::unavailable(why))).await.map_err(|_| Gone)
}

/// Tells the end of a query that has ended, the release before it.
pub fn ended(shared: Arc<Shared>, id: QueryId, outcome: StoredOutcome) -> Events {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let accepted = Event::Accepted(v1::Accepted { query: id.as_bytes().to_vec() });
        if tell(&sender, accepted).await.is_ok() {
            let _ = tell_end(&shared, id, outcome, None, &sender).await;
        }
    });
    ReceiverStream::new(receiver)
}

/// Tells how a query has ended, with its release: the one that is still at hand, or the one in the store.
async fn tell_end(
    shared: &Shared,
    id: QueryId,
    outcome: StoredOutcome,
    at_hand: Option<Bytes>,
    sender: &Sender,
) -> Result<(), Gone> {
    if outcome.outcome == RoundOutcome::Opened {
        // Nobody gets the table before the log says so.
        let settled = tokio::select! {
            settled = settled(shared, &id) => settled,
            () = sender.closed() => return Err(Gone),
        };
        match settled {
            Ok(true) => {}
            Ok(false) => return interrupted(sender, STOPS).await,
            Err(cause) => return sender.send(Err(cause.into())).await.map_err(|_| Gone),
        }
    }
    let release = match at_hand {
        Some(release) => Some(release),
        None => match shared.store.release(&id).await {
            Ok(stored) => stored.map(Bytes::from),
            Err(cause) => return sender.send(Err(cause.into())).await.map_err(|_| Gone),
        },
    };
    let mut rest = release.unwrap_or_default();
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(RELEASE_PART_BYTES));
        tell(sender, Event::Release(part)).await?;
    }
    let outcome_number = v1::Outcome::from(outcome.outcome).into();
    tell(sender, Event::End(v1::QueryEnd { outcome: outcome_number, reason: outcome.reason })).await
}
