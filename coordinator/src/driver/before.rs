//! Before a query's machine begins: it is approved where that is wanted, and stands in the log.

use std::future::pending;
use std::sync::Arc;

use optelsom_codebook::{Hash256, Timestamp};
use optelsom_ledger::entry::ApprovalRule;
use optelsom_proto::v1;
use optelsom_proto::wire::{Documents, request};
use optelsom_secagg::CombinerRecord;
use optelsom_secagg::combiner::Input;
use optelsom_secagg::messages::{CoordinatorMessage, RoundOutcome};
use tokio_util::sync::CancellationToken;

use super::inbox::Inbox;
use super::logging::{self, Asked};
use super::run::Host;
use crate::clock;
use crate::store::{Accepted, Ending, StoredOutcome};

/// What became of waiting for a second person.
enum Approval {
    /// It is there, or not wanted.
    Given,
    /// It will not come.
    InVain(GivenUp),
    /// The coordinator stops; the query goes on after the next start.
    Stopped,
}

/// Why a query ends before its round.
struct GivenUp {
    /// In the log.
    code: &'static str,
    /// In words.
    reason: String,
}

impl GivenUp {
    fn cancelled(by: &str) -> Self {
        Self { code: "cancelled", reason: format!("it was cancelled by {by}") }
    }

    fn unapproved() -> Self {
        Self { code: logging::EXPIRED, reason: "no second person approved it before it expired".to_owned() }
    }

    fn expired() -> Self {
        let reason = "it expired before enough witnesses of the log had seen it; see that the suppliers are connected, \
                      then ask again";
        Self { code: logging::EXPIRED, reason: reason.to_owned() }
    }
}

impl Host {
    /// Has the query approved and logged; yields the digest of the checkpoint that the nodes are shown. None where it has
    /// ended, or the coordinator stops.
    pub(super) async fn prepare(
        &mut self,
        accepted: &Accepted,
        record: Option<&CombinerRecord>,
        inputs: &mut Inbox,
    ) -> Option<Hash256> {
        match self.await_approval(inputs).await {
            Approval::Given => self.log_query(accepted, record, inputs).await,
            Approval::InVain(why) => {
                self.give_up(why, None).await;
                None
            }
            Approval::Stopped => None,
        }
    }

    /// Waits for a second person, where everybody goes by two. Nobody but this coordinator has heard of the query until
    /// then.
    async fn await_approval(&mut self, inputs: &mut Inbox) -> Approval {
        if self.shared.ledger.trust().approvals() == ApprovalRule::OnePerson {
            return Approval::Given;
        }
        loop {
            let approved = self.shared.approved.notified();
            tokio::pin!(approved);
            // From here on no word is missed.
            approved.as_mut().enable();
            match self.shared.store.approval(&self.id).await {
                Ok(Some(_)) => return Approval::Given,
                Ok(None) => {}
                Err(cause) if self.store_failed(&cause).await => continue,
                Err(_) => return Approval::Stopped,
            }
            if clock::now() >= self.entry.expires_at {
                return Approval::InVain(GivenUp::unapproved());
            }
            self.state.send_modify(|state| {
                state.progress.get_or_insert_default().set_stage(v1::Stage::WaitingForApproval);
            });
            tokio::select! {
                () = self.shared.stop.cancelled() => return Approval::Stopped,
                () = &mut approved => {}
                () = tokio::time::sleep(clock::until(self.entry.expires_at, clock::now())) => {}
                input = inputs.recv() => {
                    if let Some(Input::Cancel { by }) = input {
                        return Approval::InVain(GivenUp::cancelled(&by));
                    }
                }
            }
        }
    }

    /// Ends a query before its machine has begun in this life; `index` is where it stands in the log, as far as is known.
    async fn give_up(&self, GivenUp { code, reason }: GivenUp, index: Option<u64>) {
        let outcome = StoredOutcome { outcome: RoundOutcome::Abandoned, reason: reason.clone() };
        let end = index.and_then(|index| logging::given_up(&self.shared, index, code));
        let owed = self.owed(None, end);
        if self.keep_ending(Ending::without_release(outcome, clock::now(), owed)).await.is_none() {
            return;
        }
        tracing::info!(query = %self.id.short(), reason, "ended before its round");
        self.state.send_modify(|state| state.ended = true);
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        self.shared.tasks.spawn(async move {
            let end = || async {
                // Where it was not known, it is once the log can be read.
                logging::end_given_up(&shared, &id, code).await?;
                logging::settle(&shared, &id).await
            };
            logging::until_done(&shared, "the end of the query", end).await;
        });
    }

    /// Those who took part in an earlier life of this coordinator keep secrets until they hear of it.
    fn tell_that_it_ended(&self) {
        let ended = CoordinatorMessage::Ended { outcome: RoundOutcome::Abandoned };
        for supplier in &self.entry.scope {
            let request = request(&ended, &self.id, &Documents::default());
            self.shared.hub.send(supplier, v1::coordinator_message::Message::Request(request));
        }
    }

    /// When it is given up if the log has not taken it by then: when it expires; after a restart not at once. None where
    /// it is final, and so has to be opened.
    fn patience(&self, record: Option<&CombinerRecord>) -> Option<Timestamp> {
        let expires = self.entry.expires_at;
        match record {
            None => Some(expires),
            Some(record) if record.may_be_given_up() => {
                Some(expires.max(clock::now().plus_millis(self.shared.configuration.round.phase_timeout_ms)))
            }
            Some(_) => None,
        }
    }

    /// Waits until the query stands in the log as enough witnesses have seen it, for as long as it lasts. What comes
    /// meanwhile is of no use to a machine that has not begun, but for a word of the operator.
    async fn log_query(
        &mut self,
        accepted: &Accepted,
        record: Option<&CombinerRecord>,
        inputs: &mut Inbox,
    ) -> Option<Hash256> {
        let (shared, policy) = (Arc::clone(&self.shared), self.policy.canonical_bytes());
        let (stop, patience) = (CancellationToken::new(), self.patience(record));
        let mut given_up = None;
        let logging = logging::until_done(&shared, "the query", || logging::query(&shared, accepted, &policy, &stop));
        let expiry = async {
            match patience {
                Some(at) => tokio::time::sleep(clock::until(at, clock::now())).await,
                None => pending().await,
            }
        };
        tokio::pin!(logging, expiry);
        let asked = loop {
            let why = tokio::select! {
                biased;
                () = &mut expiry, if given_up.is_none() => GivenUp::expired(),
                asked = &mut logging => break asked?,
                Some(input) = inputs.recv() => match input {
                    Input::Cancel { by } if patience.is_some() => GivenUp::cancelled(&by),
                    Input::Cancel { .. } | Input::AskVoid => {
                        self.answers.push_back(input);
                        continue;
                    }
                    _ => continue,
                },
            };
            given_up.get_or_insert(why);
            stop.cancel();
        };
        let (index, evidence) = match asked {
            Asked::Witnessed(evidence) => (Some(evidence.index), Some(evidence)),
            Asked::GivenUp(index) => (index, None),
        };
        match (given_up, evidence) {
            (None, Some(evidence)) => {
                let digest = logging::checkpoint_digest(&shared, &evidence)?;
                self.index = evidence.index;
                self.documents.evidence = Some(evidence);
                Some(digest)
            }
            (why, _) => {
                self.give_up(why.unwrap_or_else(GivenUp::expired), index).await;
                if record.is_some() {
                    self.tell_that_it_ended();
                }
                None
            }
        }
    }
}
