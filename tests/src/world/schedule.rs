//! Simulated time: events in the order in which they fall due.

use std::collections::BTreeMap;

use optelsom_codebook::Timestamp;

/// What is still to happen, and the present moment in milliseconds since 1970.
#[derive(Debug)]
pub struct Schedule<E> {
    now: u64,
    drawn: u64,
    waiting: BTreeMap<(u64, u64), E>,
}

impl<E> Schedule<E> {
    /// Nothing to happen yet.
    pub fn new(now: u64) -> Self {
        Self { now, drawn: 0, waiting: BTreeMap::new() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Lets an event happen so many milliseconds from now, after those already due at that moment.
    pub fn after(&mut self, delay: u64, event: E) {
        self.drawn += 1;
        self.waiting.insert((self.now.saturating_add(delay), self.drawn), event);
    }

    /// Lets an event happen at a moment, or now if that has passed.
    pub fn at(&mut self, moment: Timestamp, event: E) {
        self.after(moment.as_millis().saturating_sub(self.now), event);
    }

    /// The next event; time moves on to it.
    pub fn pop(&mut self) -> Option<E> {
        let ((moment, _), event) = self.waiting.pop_first()?;
        self.now = moment;
        Some(event)
    }
}
