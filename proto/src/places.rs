//! How many calls of one party are taken in at once, so that none fills the memory with what it has half said.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;

use crate::gate::Call;
use crate::role::Role;

/// Of each party and call.
type All = HashMap<(Role, Call), Arc<Semaphore>>;

/// The places of all parties. They are as many as certificates were issued, and are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<All>>);

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// Waits until this party has a place for another such call. Nothing of the call is read meanwhile, so that it costs no
    /// more than its headers and what fits into the connection's window.
    pub(crate) async fn take(&self, role: &Role, call: Call) -> Place {
        let places = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let made = || Arc::new(Semaphore::new(call.at_once()));
            Arc::clone(all.entry((role.clone(), call)).or_insert_with(made))
        };
        // None is ever closed.
        Place { _permit: places.acquire_owned().await.ok() }
    }
}

/// A reply that keeps its place until it is sent: whoever does not read what it asked for gets no more of it.
pub(crate) struct Held {
    pub(crate) body: Body,
    pub(crate) _place: Place,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    fn waits(taking: Pin<&mut impl Future<Output = Place>>) -> bool {
        taking.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[test]
    fn whoever_has_as_many_as_it_may_waits_and_holds_up_nobody_else() {
        let places = Places::default();
        let (node, other) = ("optelsom:node:police".parse().unwrap(), "optelsom:node:border".parse().unwrap());
        let mut first = Box::pin(places.take(&node, Call::Attend));
        let Poll::Ready(first) = first.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
        let mut second = pin!(places.take(&node, Call::Attend));
        assert!(waits(second.as_mut()));
        assert!(!waits(pin!(places.take(&node, Call::Submit))));
        assert!(!waits(pin!(places.take(&other, Call::Attend))));
        drop(first);
        assert!(!waits(second));
    }
}
