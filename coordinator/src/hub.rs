//! The nodes that are connected now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use optelsom_codebook::SupplierId;
use optelsom_proto::v1;
use tokio::sync::mpsc;
use tonic::Status;

/// What goes down to a node.
pub type Outgoing = Result<v1::CoordinatorMessage, Status>;

/// Messages that wait for one node at the most. What finds no place is dropped: machines ask again.
const QUEUE: usize = 256;

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
}

/// One connection of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(u64);

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node has connected. The receiver ends when a newer connection takes its place.
    pub fn attend(&self, supplier: &SupplierId) -> (Session, mpsc::Receiver<Outgoing>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        inner.sessions += 1;
        let session = Session(inner.sessions);
        if let Some(older) = inner.nodes.insert(supplier.clone(), Attendance { session, sender }) {
            // A full queue ends all the same, when its last message is taken.
            let _ = older.sender.try_send(Err(Status::aborted("this node has connected again elsewhere")));
        }
        (session, receiver)
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
    pub fn send(&self, supplier: &SupplierId, message: v1::coordinator_message::Message) -> bool {
        let sender = self.lock().nodes.get(supplier).map(|attendance| attendance.sender.clone());
        let message = v1::CoordinatorMessage { message: Some(message) };
        sender.is_some_and(|sender| sender.try_send(Ok(message)).is_ok())
    }

    /// Sends to all nodes that are connected.
    pub fn send_all(&self, message: &v1::coordinator_message::Message) {
        for attendance in self.lock().nodes.values() {
            let _ = attendance.sender.try_send(Ok(v1::CoordinatorMessage { message: Some(message.clone()) }));
        }
    }

    /// Ends all connections.
    pub fn close(&self) {
        self.lock().nodes.clear();
    }
}
