//! What waits for a query's task.
//!
//! Whoever brings something does not wait until the task has taken it: one query that is busy, with protecting a large table
//! say, must not hold up what the same connection brings for others. Only the parts of tables wait, in calls of their own, so
//! that they come no faster than they are added up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use optelsom_codebook::SupplierId;
use optelsom_secagg::combiner::Input;
use optelsom_secagg::messages::{SupplierMessage, TableChunk};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Parts of tables that wait for one task at the most: some megabytes.
const PARTS: usize = 32;
/// Answers of one supplier that wait for one task at the most. It owes no more than two at once; one that is dropped is asked
/// for again.
const ANSWERS: usize = 4;

/// Where things are brought.
#[derive(Clone, Debug)]
pub struct Door {
    /// Bounded by the places below, and by what the coordinator itself and its operators say.
    sender: mpsc::UnboundedSender<Waiting>,
    parts: Arc<Semaphore>,
    suppliers: Arc<BTreeMap<SupplierId, Line>>,
}

/// Where the task takes them.
#[derive(Debug)]
pub struct Inbox {
    receiver: mpsc::UnboundedReceiver<Waiting>,
    suppliers: Arc<BTreeMap<SupplierId, Line>>,
}

/// What waits of one supplier.
#[derive(Debug)]
struct Line {
    answers: Arc<Semaphore>,
    /// Whether it is there, as far as the task has not been told yet. However often it comes and goes, the last word counts:
    /// the machine has to know no more, and that it must not miss.
    presence: Mutex<Option<bool>>,
}

#[derive(Debug)]
enum Waiting {
    /// With the place that it takes.
    Input { input: Input, _place: Option<OwnedSemaphorePermit> },
    /// There is news of this supplier's presence.
    Presence(SupplierId),
}

/// The two sides for a query that asks these suppliers.
pub fn inbox<'a>(scope: impl IntoIterator<Item = &'a SupplierId>) -> (Door, Inbox) {
    let line = || Line { answers: Arc::new(Semaphore::new(ANSWERS)), presence: Mutex::default() };
    let suppliers = Arc::new(scope.into_iter().map(|supplier| (supplier.clone(), line())).collect());
    let (sender, receiver) = mpsc::unbounded_channel();
    let door = Door { sender, parts: Arc::new(Semaphore::new(PARTS)), suppliers: Arc::clone(&suppliers) };
    (door, Inbox { receiver, suppliers })
}

impl Door {
    /// How many suppliers are asked.
    pub fn asked(&self) -> usize {
        self.suppliers.len()
    }

    fn put(&self, input: Input, place: Option<OwnedSemaphorePermit>) -> bool {
        self.sender.send(Waiting::Input { input, _place: place }).is_ok()
    }

    /// Brings a word of this coordinator or its operators. False if the query has ended.
    pub fn tell(&self, input: Input) -> bool {
        self.put(input, None)
    }

    /// Brings a supplier's answer. False if it is dropped, since too many of this supplier wait.
    pub fn answer(&self, from: &SupplierId, message: SupplierMessage) -> bool {
        let line = self.suppliers.get(from);
        let place = line.and_then(|line| Arc::clone(&line.answers).try_acquire_owned().ok());
        place.is_some() && self.put(Input::Message { from: from.clone(), message }, place)
    }

    /// Brings a part of a supplier's table; waits while too many others do. False if the query has ended.
    pub async fn part(&self, from: &SupplierId, part: TableChunk) -> bool {
        // The places are never closed; those of an ended query are free, since what waited for it is dropped.
        let place = Arc::clone(&self.parts).acquire_owned().await.ok();
        self.put(Input::Message { from: from.clone(), message: SupplierMessage::Chunk(part) }, place)
    }

    /// Says whether a supplier is there, if it is one that is asked.
    pub fn presence(&self, supplier: &SupplierId, there: bool) {
        let Some(line) = self.suppliers.get(supplier) else { return };
        let mut presence = line.presence.lock().unwrap_or_else(PoisonError::into_inner);
        if presence.replace(there).is_none() {
            // A task that is gone waits for nothing.
            let _ = self.sender.send(Waiting::Presence(supplier.clone()));
        }
    }
}

impl Inbox {
    /// What has waited longest. None once nobody can bring anything any more.
    pub async fn recv(&mut self) -> Option<Input> {
        loop {
            match self.receiver.recv().await? {
                Waiting::Input { input, .. } => return Some(input),
                Waiting::Presence(supplier) => {
                    let line = self.suppliers.get(&supplier);
                    let told =
                        line.and_then(|line| line.presence.lock().unwrap_or_else(PoisonError::into_inner).take());
                    match told {
                        Some(true) => return Some(Input::Back(supplier)),
                        Some(false) => return Some(Input::Lost(supplier)),
                        None => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::pin::pin;
    use std::task::{Context, Waker};

    use optelsom_secagg::messages::{Attempt, AttemptFault};

    use super::*;

    fn names() -> [SupplierId; 2] {
        ["border", "police"].map(|name| SupplierId::try_from(name).unwrap())
    }

    fn answer() -> SupplierMessage {
        SupplierMessage::CannotContinue { attempt: Attempt::FIRST, cause: AttemptFault::NotReady }
    }

    fn part(offset: u64) -> TableChunk {
        TableChunk { attempt: Attempt::FIRST, offset, words: vec![1] }
    }

    #[tokio::test]
    async fn a_supplier_that_says_much_is_dropped_and_costs_others_nothing() {
        let [border, police] = names();
        let (door, mut inbox) = inbox(&[border.clone(), police.clone()]);
        // Nobody takes anything, and nobody waits.
        assert_eq!((0..100).filter(|_| door.answer(&border, answer())).count(), ANSWERS);
        assert!(door.answer(&police, answer()));
        assert!(door.tell(Input::AskVoid));
        for _ in 0..ANSWERS {
            assert!(matches!(inbox.recv().await, Some(Input::Message { from, .. }) if from == border));
        }
        assert!(door.answer(&border, answer()));
        assert!(matches!(inbox.recv().await, Some(Input::Message { from, .. }) if from == police));
        assert!(matches!(inbox.recv().await, Some(Input::AskVoid)));
    }

    #[tokio::test]
    async fn parts_of_tables_wait_for_their_turn_and_none_is_dropped() {
        let [border, _] = names();
        let (door, mut inbox) = inbox(std::slice::from_ref(&border));
        for offset in 0..PARTS as u64 {
            assert!(door.part(&border, part(offset)).await);
        }
        let mut one_more = pin!(door.part(&border, part(99)));
        assert!(one_more.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        inbox.recv().await.unwrap();
        assert!(one_more.await);
        // Those of a query that has ended do not wait for ever.
        drop(inbox);
        assert!(!door.part(&border, part(100)).await);
    }

    #[tokio::test]
    async fn the_last_word_about_presence_is_told_once() {
        let [border, police] = names();
        let (door, mut inbox) = inbox(std::slice::from_ref(&border));
        for times in 0..1_001 {
            door.presence(&border, times % 2 == 0);
        }
        door.presence(&police, true);
        door.tell(Input::AskVoid);
        assert!(matches!(inbox.recv().await, Some(Input::Back(back)) if back == border));
        assert!(matches!(inbox.recv().await, Some(Input::AskVoid)));
        door.presence(&border, false);
        assert!(matches!(inbox.recv().await, Some(Input::Lost(lost)) if lost == border));
    }
}
