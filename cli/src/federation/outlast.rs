//! A query seen through to its end, over as many connections as that takes.

use std::time::Duration;

use optelsom_codebook::{Lang, Timestamp};
use optelsom_disclosure::Release;
use optelsom_proto::Backoff;
use optelsom_proto::wire::Asked;

use super::Federation;
use super::events::{Following, Moment};
use crate::clock::{now, random};
use crate::configuration::Configuration;
use crate::failure::Failure;

/// How long a lost connection is taken up again where that is longer than the query lasts, or nobody here knows how long
/// it does.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What is to be seen through.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A signed question. However often it is handed in it is one query, since its entry names it; once it is known to be
    /// accepted it is not handed in any more.
    Asked(&'a Asked),
    /// A query that was asked before, by the first digits of its name.
    Earlier(&'a str),
}

impl Wanted<'_> {
    /// Until when a connection that was lost at this moment is taken up again: a query that lasts longer than the
    /// coordinator is away ends in its table all the same.
    fn until(self, lost_at: Timestamp) -> Timestamp {
        let patient = lost_at + PATIENCE;
        match self {
            Self::Asked(asked) => asked.query().entry.expires_at.max(patient),
            Self::Earlier(_) => patient,
        }
    }
}

impl Federation {
    /// Asks, or takes up, and follows to the end. A connection that breaks is made again, after waits that grow up to a
    /// minute, while the query lasts (and for five minutes at least). `tell` hears what happens on the way.
    ///
    /// # Errors
    /// When the query ends without a table, the coordinator refuses it, or it stays out of reach.
    pub async fn see_through(
        &mut self,
        configuration: &Configuration,
        wanted: Wanted<'_>,
        lang: Lang,
        mut tell: impl FnMut(&Moment),
    ) -> Result<Release, Failure> {
        let (mut following, mut backoff) = (Following::new(lang), Backoff::default());
        let mut until = None;
        let mut ended = self.once(wanted, &mut following, &mut tell).await;
        loop {
            let lost = match ended {
                Err(failure) if failure.is_passing() => failure,
                ended => return ended,
            };
            let now = now()?;
            if following.take_heard() {
                backoff.succeeded();
                until = None;
            }
            if now >= *until.get_or_insert_with(|| wanted.until(now)) {
                return Err(lost);
            }
            let again_in = backoff.next(u32::from_le_bytes(random()?));
            tell(&Moment::Lost { cause: lost.cause(), again_in });
            tokio::time::sleep(again_in).await;
            ended = match Self::open(configuration).await {
                Ok(again) => {
                    *self = again;
                    self.once(wanted, &mut following, &mut tell).await
                }
                Err(failure) => Err(failure),
            };
        }
    }

    /// Follows over the connection that there is.
    async fn once(
        &mut self,
        wanted: Wanted<'_>,
        following: &mut Following,
        tell: &mut impl FnMut(&Moment),
    ) -> Result<Release, Failure> {
        let events = match (following.accepted(), wanted) {
            (Some(query), _) => self.watch(&query.to_string()).await?,
            (None, Wanted::Asked(asked)) => self.ask(asked).await?,
            (None, Wanted::Earlier(name)) => self.watch(name).await?,
        };
        following.hear_out(events, tell).await
    }
}
