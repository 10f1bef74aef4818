//! A query as it goes: its events, up to its end.

use std::time::Duration;

use optelsom_codebook::{Lang, QueryId, RefusalReason};
use optelsom_disclosure::Release;
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::failure::{Failure, printable};

/// The longest release that is read, in bytes.
const MOST_RELEASE_BYTES: usize = 1 << 30;

/// Where a query stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Suppliers make their tables ready.
    Gathering,
    /// Another query on the dataset is being added up.
    WaitingForTurn,
    /// A second person has to approve it.
    WaitingForApproval,
    /// Suppliers join with fresh keys.
    Joining,
    /// Each pair agrees on a secret.
    Pairing,
    /// Masked tables are sent.
    Submitting,
    /// Suppliers certify what they have seen of each other.
    Certifying,
    /// Suppliers vote for the one total that may be opened.
    Finalising,
    /// The masks are opened, and the total is held against the commitments.
    Opening,
    /// Suppliers vote to declare the query void.
    Voiding,
}

impl Stage {
    /// How many there are.
    pub const COUNT: u64 = 9;

    /// Its place in the order, from 0.
    pub const fn position(self) -> u64 {
        self as u64
    }

    /// What happens, in words.
    pub const fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Gathering, Lang::En) => "suppliers make their tables ready",
            (Self::Gathering, Lang::Nl) => "leveranciers maken hun tabel gereed",
            (Self::WaitingForApproval, Lang::En) => "waiting for a second person's approval",
            (Self::WaitingForApproval, Lang::Nl) => "wacht op goedkeuring door een tweede persoon",
            (Self::WaitingForTurn, Lang::En) => "waiting for another query on this dataset",
            (Self::WaitingForTurn, Lang::Nl) => "wacht op een andere vraag aan deze dataset",
            (Self::Joining, Lang::En) => "suppliers join with fresh keys",
            (Self::Joining, Lang::Nl) => "leveranciers doen mee met nieuwe sleutels",
            (Self::Pairing, Lang::En) => "each pair agrees on a secret",
            (Self::Pairing, Lang::Nl) => "elk tweetal spreekt een geheim af",
            (Self::Submitting, Lang::En) => "masked tables are sent",
            (Self::Submitting, Lang::Nl) => "gemaskeerde tabellen worden verstuurd",
            (Self::Certifying, Lang::En) => "suppliers certify what they saw of each other",
            (Self::Certifying, Lang::Nl) => "leveranciers bevestigen wat zij van elkaar zagen",
            (Self::Finalising, Lang::En) => "suppliers vote for the one total to open",
            (Self::Finalising, Lang::Nl) => "leveranciers stemmen voor het ene totaal dat opengaat",
            (Self::Opening, Lang::En) => "the total is opened and checked",
            (Self::Opening, Lang::Nl) => "het totaal wordt geopend en getoetst",
            (Self::Voiding, Lang::En) => "suppliers vote to declare the query void",
            (Self::Voiding, Lang::Nl) => "leveranciers stemmen om de vraag nietig te verklaren",
        }
    }

    fn read(value: i32) -> Option<Self> {
        Some(match v1::Stage::try_from(value).ok()? {
            v1::Stage::Unspecified => return None,
            v1::Stage::Gathering => Self::Gathering,
            v1::Stage::Joining => Self::Joining,
            v1::Stage::Pairing => Self::Pairing,
            v1::Stage::Submitting => Self::Submitting,
            v1::Stage::Certifying => Self::Certifying,
            v1::Stage::Finalising => Self::Finalising,
            v1::Stage::Opening => Self::Opening,
            v1::Stage::Voiding => Self::Voiding,
            v1::Stage::WaitingForTurn => Self::WaitingForTurn,
            v1::Stage::WaitingForApproval => Self::WaitingForApproval,
        })
    }
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// In a table.
    Opened,
    /// Without one, for this reason.
    Abandoned(String),
    /// Declared void by the suppliers' vote.
    Void(String),
    /// Opened, but what came out did not fit the commitments; nothing was released.
    Spent(String),
}

impl Ended {
    pub(super) fn read(outcome: i32, reason: String) -> Result<Self, Failure> {
        let reason = printable(&reason);
        match v1::Outcome::try_from(outcome) {
            Ok(v1::Outcome::Opened) => Ok(Self::Opened),
            Ok(v1::Outcome::Abandoned) => Ok(Self::Abandoned(reason)),
            Ok(v1::Outcome::Void) => Ok(Self::Void(reason)),
            Ok(v1::Outcome::Spent) => Ok(Self::Spent(reason)),
            Ok(v1::Outcome::Unspecified) | Err(_) => {
                Err(Failure::Answer(format!("an outcome {outcome} that this version does not know")))
            }
        }
    }

    /// In words.
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Opened, Lang::En) => "table".to_owned(),
            (Self::Opened, Lang::Nl) => "tabel".to_owned(),
            (Self::Abandoned(reason), Lang::En) => format!("abandoned: {reason}"),
            (Self::Abandoned(reason), Lang::Nl) => format!("afgebroken: {reason}"),
            (Self::Void(reason), Lang::En) => format!("declared void: {reason}"),
            (Self::Void(reason), Lang::Nl) => format!("nietig verklaard: {reason}"),
            (Self::Spent(reason), Lang::En) => format!("spent, nothing released: {reason}"),
            (Self::Spent(reason), Lang::Nl) => format!("verbruikt, niets vrijgegeven: {reason}"),
        }
    }
}

/// What is told on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The coordinator keeps the query from now on.
    Accepted(QueryId),
    /// Where it stands.
    Progress {
        /// The stage.
        stage: Stage,
        /// Which attempt, from 1; 0 before the first.
        attempt: u32,
        /// How many suppliers have done their part.
        done: u32,
        /// Out of how many.
        of: u32,
    },
    /// A supplier has refused.
    Refused {
        /// Which.
        supplier: String,
        /// Why, in words.
        reason: String,
    },
    /// The connection is lost, and will be taken up again.
    Lost {
        /// Why, in words.
        cause: String,
        /// After how long it is tried again.
        again_in: Duration,
    },
}

/// What has been heard of a query so far, over one connection or several.
#[derive(Debug)]
pub struct Following {
    lang: Lang,
    accepted: Option<QueryId>,
    refusals: Vec<(String, String)>,
    /// Something has come since this was last asked.
    heard: bool,
}

impl Following {
    /// Nothing has been heard yet; words are in this language.
    pub fn new(lang: Lang) -> Self {
        Self { lang, accepted: None, refusals: Vec::new(), heard: false }
    }

    /// The query, once the coordinator keeps it.
    pub fn accepted(&self) -> Option<QueryId> {
        self.accepted
    }

    /// Whether anything has come since this was last asked.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Follows a query to its end and gives its release. `tell` hears what happens on the way; acceptance and each refusal
    /// once.
    ///
    /// # Errors
    /// When it ends without a table, the connection is lost, or an event cannot be right.
    pub async fn hear_out(
        &mut self,
        mut events: impl Stream<Item = Result<v1::QueryEvent, Status>> + Unpin,
        tell: &mut impl FnMut(&Moment),
    ) -> Result<Release, Failure> {
        let mut document = Vec::new();
        while let Some(event) = events.next().await {
            let event = event?.event;
            self.heard = true;
            match event {
                Some(Event::Accepted(accepted)) => {
                    let id = QueryId::try_from(accepted.query.as_slice());
                    let id = id.map_err(|_| Failure::Answer("the name of a query".to_owned()))?;
                    if self.accepted.replace(id).is_none() {
                        tell(&Moment::Accepted(id));
                    }
                }
                Some(Event::Progress(progress)) => self.tell_progress(progress, tell),
                Some(Event::Release(part)) => {
                    if document.len() + part.len() > MOST_RELEASE_BYTES {
                        return Err(Failure::Answer(format!("a release of more than {MOST_RELEASE_BYTES} bytes")));
                    }
                    document.extend_from_slice(&part);
                }
                Some(Event::End(end)) => {
                    return match Ended::read(end.outcome, end.reason)? {
                        Ended::Opened => Ok(Release::from_json(&document)?),
                        ended => Err(Failure::NotAnswered(why(&ended, &self.refusals, self.lang))),
                    };
                }
                // A newer coordinator may tell more.
                None => {}
            }
        }
        Err(Failure::Unavailable("the connection ended before the query did".to_owned()))
    }

    fn tell_progress(&mut self, progress: v1::Progress, tell: &mut impl FnMut(&Moment)) {
        for refusal in progress.refusals {
            // A reason that this version does not know is told by its code.
            let reason = refusal.reason.parse().map(|reason: RefusalReason| reason.explain(self.lang).to_owned());
            let refusal = (printable(&refusal.supplier), reason.unwrap_or_else(|_| printable(&refusal.reason)));
            if !self.refusals.contains(&refusal) {
                let (supplier, reason) = refusal.clone();
                tell(&Moment::Refused { supplier, reason });
                self.refusals.push(refusal);
            }
        }
        if let Some(stage) = Stage::read(progress.stage) {
            tell(&Moment::Progress { stage, attempt: progress.attempt, done: progress.done, of: progress.of });
        }
    }
}

/// Follows a query over one connection; as [`Following::hear_out`].
///
/// # Errors
/// As there.
pub async fn follow(
    events: impl Stream<Item = Result<v1::QueryEvent, Status>> + Unpin,
    lang: Lang,
    mut tell: impl FnMut(&Moment),
) -> Result<Release, Failure> {
    Following::new(lang).hear_out(events, &mut tell).await
}

fn why(ended: &Ended, refusals: &[(String, String)], lang: Lang) -> String {
    let mut text = ended.text(lang);
    for (supplier, reason) in refusals {
        text.push_str(&format!("\n  {supplier}: {reason}"));
    }
    text
}

#[cfg(test)]
mod tests;
