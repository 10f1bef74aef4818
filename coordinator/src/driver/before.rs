//! Before a query's machine begins: it is approved where that is wanted, and stands in the log.

use std::sync::Arc;

use optelsom_codebook::Hash256;
use optelsom_ledger::entry::ApprovalRule;
use optelsom_proto::v1;
use optelsom_secagg::combiner::Input;
use optelsom_secagg::messages::RoundOutcome;
use tokio::sync::mpsc;

use super::logging;
use super::run::Host;
use crate::clock;
use crate::store::{Accepted, Ending, StoredOutcome};

/// What became of waiting for a second person.
enum Approval {
    /// It is there, or not wanted.
    Given,
    /// It will not come.
    InVain(String),
    /// The coordinator stops; the query goes on after the next start.
    Stopped,
}

impl Host {
    /// Has the query approved and logged; yields the digest of the checkpoint that the nodes are shown. None where it has
    /// ended, or the coordinator stops.
    pub(super) async fn prepare(&mut self, accepted: &Accepted, inputs: &mut mpsc::Receiver<Input>) -> Option<Hash256> {
        match self.await_approval(inputs).await {
            Approval::Given => self.log_query(accepted, inputs).await,
            Approval::InVain(reason) => {
                self.give_up(reason).await;
                None
            }
            Approval::Stopped => None,
        }
    }

    /// Waits for a second person, where everybody goes by two. Nobody but this coordinator has heard of the query until
    /// then.
    async fn await_approval(&mut self, inputs: &mut mpsc::Receiver<Input>) -> Approval {
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
                return Approval::InVain("no second person approved it before it expired".to_owned());
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
                        return Approval::InVain(format!("it was cancelled by {by}"));
                    }
                }
            }
        }
    }

    /// Ends a query that never reached the log, nor anybody else.
    async fn give_up(&self, reason: String) {
        let outcome = StoredOutcome { outcome: RoundOutcome::Abandoned, reason: reason.clone() };
        if self.keep_ending(Ending::without_release(outcome, clock::now(), Vec::new())).await.is_some() {
            tracing::info!(query = %self.id.short(), reason, "ended before it was logged");
            self.state.send_modify(|state| state.ended = true);
        }
    }

    /// Waits until the query stands in the log. What comes meanwhile is of no use to a machine that has not begun, but for
    /// a word of the operator.
    async fn log_query(&mut self, accepted: &Accepted, inputs: &mut mpsc::Receiver<Input>) -> Option<Hash256> {
        let (shared, policy) = (Arc::clone(&self.shared), self.policy.canonical_bytes());
        let logging = logging::until_done(&shared, "the query", || logging::query(&shared, accepted, &policy));
        tokio::pin!(logging);
        let evidence = loop {
            tokio::select! {
                logged = &mut logging => break logged?,
                Some(input) = inputs.recv() => {
                    if matches!(input, Input::Cancel { .. } | Input::AskVoid) {
                        self.answers.push_back(input);
                    }
                }
            }
        };
        let digest = logging::checkpoint_digest(&shared, &evidence)?;
        self.index = evidence.index;
        self.documents.evidence = Some(evidence);
        Some(digest)
    }
}
