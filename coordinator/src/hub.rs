//! The nodes that are connected now.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use optelsom_codebook::SupplierId;
use optelsom_proto::v1;
use optelsom_proto::v1::coordinator_message::Message;
use optelsom_proto::v1::request::Request;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;

/// What goes down to a node.
pub type Outgoing = Result<v1::CoordinatorMessage, Status>;

/// Messages that wait for one node at the most. What finds no place is dropped: machines ask again.
const QUEUE: usize = 256;

/// A request that waits: its query, its kind, and its attempt where it is about one.
type Waiting = (Vec<u8>, std::mem::Discriminant<Request>, u32);

/// The requests that wait for one node. One that is repeated while it still waits is not put behind itself, so that what
/// waits for a slow node does not grow.
type WaitingSet = Arc<Mutex<HashSet<Waiting>>>;

fn name(message: &v1::CoordinatorMessage) -> Option<Waiting> {
    let Some(Message::Request(v1::Request { query, request: Some(request) })) = &message.message else { return None };
    let attempt = match request {
        Request::Join(v1::Join { attempt, .. })
        | Request::Pair(v1::Pair { attempt, .. })
        | Request::Exchange(v1::Exchange { attempt, .. })
        | Request::Certify(v1::Certify { attempt, .. }) => *attempt,
        _ => 0,
    };
    Some((query.clone(), std::mem::discriminant(request), attempt))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes down to one node, as its connection takes it.
#[derive(Debug)]
pub struct Outflow {
    receiver: mpsc::Receiver<Outgoing>,
    waiting: WaitingSet,
}

impl Stream for Outflow {
    type Item = Outgoing;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let polled = self.receiver.poll_recv(context);
        if let Poll::Ready(Some(Ok(message))) = &polled
            && let Some(name) = name(message)
        {
            locked(&self.waiting).remove(&name);
        }
        polled
    }
}

/// The connected nodes. A supplier has one connection; a newer one ends the older.
#[derive(Debug, Default)]
pub struct Hub {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: u64,
    nodes: HashMap<SupplierId, Attendance>,
}

#[derive(Debug)]
struct Attendance {
    session: Session,
    sender: mpsc::Sender<Outgoing>,
    waiting: WaitingSet,
}

impl Attendance {
    /// False if the node is too slow to take it.
    fn send(&self, message: v1::CoordinatorMessage) -> bool {
        let name = name(&message);
        let mut waiting = locked(&self.waiting);
        if name.as_ref().is_some_and(|name| waiting.contains(name)) {
            return true;
        }
        let sent = self.sender.try_send(Ok(message)).is_ok();
        if sent {
            waiting.extend(name);
        }
        sent
    }
}

/// One connection of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(u64);

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        locked(&self.inner)
    }

    /// A node has connected. The receiver ends when a newer connection takes its place.
    pub fn attend(&self, supplier: &SupplierId) -> (Session, Outflow) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let waiting = WaitingSet::default();
        let outflow = Outflow { receiver, waiting: Arc::clone(&waiting) };
        let mut inner = self.lock();
        inner.sessions += 1;
        let session = Session(inner.sessions);
        if let Some(older) = inner.nodes.insert(supplier.clone(), Attendance { session, sender, waiting }) {
            // A full queue ends all the same, when its last message is taken.
            let _ = older.sender.try_send(Err(Status::aborted("this node has connected again elsewhere")));
        }
        (session, outflow)
    }

    /// A connection has ended. False if a newer one had taken its place.
    pub fn leave(&self, supplier: &SupplierId, session: Session) -> bool {
        let mut inner = self.lock();
        let current = inner.nodes.get(supplier).is_some_and(|attendance| attendance.session == session);
        if current {
            inner.nodes.remove(supplier);
        }
        current
    }

    /// Whether a node is connected.
    pub fn attends(&self, supplier: &SupplierId) -> bool {
        self.lock().nodes.contains_key(supplier)
    }

    /// How many nodes are connected.
    pub fn count(&self) -> usize {
        self.lock().nodes.len()
    }

    /// Sends to a node. False if it is not connected, or too slow to take it.
    pub fn send(&self, supplier: &SupplierId, message: Message) -> bool {
        let message = v1::CoordinatorMessage { message: Some(message) };
        self.lock().nodes.get(supplier).is_some_and(|attendance| attendance.send(message))
    }

    /// Sends to all nodes that are connected.
    pub fn send_all(&self, message: &Message) {
        for attendance in self.lock().nodes.values() {
            attendance.send(v1::CoordinatorMessage { message: Some(message.clone()) });
        }
    }

    /// Ends all connections.
    pub fn close(&self) {
        self.lock().nodes.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio_stream::StreamExt;

    use super::*;

    fn join(query: u8, attempt: u32) -> Message {
        let request = Request::Join(v1::Join { attempt, checkpoint: Vec::new() });
        Message::Request(v1::Request { query: vec![query], request: Some(request) })
    }

    #[tokio::test]
    async fn what_still_waits_is_not_queued_again() {
        let (hub, supplier) = (Hub::default(), SupplierId::try_from("a").unwrap());
        let (_, mut outflow) = hub.attend(&supplier);
        for message in [join(1, 1), join(1, 1), join(1, 2), join(2, 1), join(1, 1)] {
            assert!(hub.send(&supplier, message));
        }
        for expected in [join(1, 1), join(1, 2)] {
            assert_eq!(outflow.next().await.unwrap().unwrap().message, Some(expected));
        }
        // It waits no more, so it is sent again.
        assert!(hub.send(&supplier, join(1, 1)));
        hub.close();
        let rest: Vec<_> = outflow.map(|message| message.unwrap().message.unwrap()).collect().await;
        assert_eq!(rest, [join(2, 1), join(1, 1)]);
    }
}
