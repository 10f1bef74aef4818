//! What has to wait until a record is durable.

use std::collections::VecDeque;

/// Holds back what may not leave before the host has made a record durable.
///
/// For each record that is being persisted there is a batch of effects behind it. While there is one, everything that
/// leaves joins the last batch: it may depend on what is not durable yet.
#[derive(Debug)]
pub(crate) struct Outbox<E> {
    batches: VecDeque<Vec<E>>,
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Self { batches: VecDeque::new() }
    }
}

impl<E> Outbox<E> {
    /// Notes that a record is on its way to the disk.
    pub(crate) fn persisting(&mut self) {
        self.batches.push_back(Vec::new());
    }

    /// Lets an effect go, or puts it behind the last record that is on its way.
    pub(crate) fn send(&mut self, effect: E, now: &mut Vec<E>) {
        self.batches.back_mut().unwrap_or(now).push(effect);
    }

    /// The oldest record on its way has become durable: lets go what stood behind it. False if there was none.
    pub(crate) fn persisted(&mut self, now: &mut Vec<E>) -> bool {
        match self.batches.pop_front() {
            Some(batch) => {
                now.extend(batch);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_record_waits_for_it() {
        let (mut outbox, mut now) = (Outbox::default(), Vec::new());
        outbox.send("before", &mut now);
        outbox.persisting();
        outbox.send("after the first", &mut now);
        outbox.persisting();
        outbox.send("after the second", &mut now);
        assert_eq!(now, ["before"]);
        assert!(outbox.persisted(&mut now));
        assert_eq!(now, ["before", "after the first"]);
        assert!(outbox.persisted(&mut now));
        assert_eq!(now, ["before", "after the first", "after the second"]);
        assert!(!outbox.persisted(&mut now));
        outbox.send("at once", &mut now);
        assert_eq!(now.last(), Some(&"at once"));
    }
}
