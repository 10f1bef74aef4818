//! Before the supplier's machine: a question reaches it through the ledger's gate only, a call to join with the
//! checkpoint of that gate only, and a certificate to be made final through the guard only.

use std::sync::Arc;

use optelsom_codebook::{Hash256, QueryId, RefusalReason};
use optelsom_ledger::SignedQuery;
use optelsom_ledger::gate::{Binding, Evidence as Shown, GateError, Memory, Trust, pass};
use optelsom_ledger::guard::GuardRefusal;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_proto::wire::{Documents, Request};
use optelsom_secagg::messages::{Certificate, CoordinatorMessage, SupplierMessage, answer};
use optelsom_secagg::{Round, SupplierConfig};
use thiserror::Error;

use super::clock::now;
use super::follower::{FollowError, Follower};
use super::log_store::PassedGate;
use super::store::{Store, StoreError};

/// Why a message does not reach the machine. Nothing has changed.
#[derive(Debug, Error)]
pub(super) enum Shut {
    #[error("the question came without evidence that it stands in the log")]
    NoEvidence,
    #[error("the log is not here yet as far as the question's checkpoint; the coordinator will ask again")]
    NotYet,
    #[error("gate, {0}")]
    Gate(#[from] GateError),
    #[error("the query has not passed the gate here")]
    NotPassed,
    #[error(
        "entry {0} stands in the log before this node was reconciled after a backup was put back; it is never answered"
    )]
    BeforeRestore(u64),
    #[error("the round would go by checkpoint {asked}, the gate went by {passed}")]
    OtherCheckpoint { asked: Hash256, passed: Hash256 },
    #[error("the participants of this attempt do not stand in the log under a witnessed checkpoint")]
    NotLogged,
    #[error("guard: {0}")]
    Guard(#[from] GuardRefusal),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stands before the machines of all queries.
#[derive(Clone, Debug)]
pub(super) struct Gatekeeper {
    pub(super) store: Store,
    pub(super) follower: Arc<Follower>,
    pub(super) machine: Arc<SupplierConfig>,
}

impl Gatekeeper {
    /// Whether a request may reach the machine; `documents` are those that came with the question.
    pub(super) async fn admit(&self, request: &Request, documents: Option<&Documents>) -> Result<(), Shut> {
        let id = &request.query;
        let ended = matches!(request.message, CoordinatorMessage::Ended { .. });
        let shown = documents.and_then(|documents| documents.evidence.as_ref()).map(|evidence| evidence.index);
        let passed = self.store.passed(id).await?.map(|passed| passed.index);
        // Where it stands first: logged once more it is the same query.
        let first = self.follower.look(|view, _| view.index_of(id)).await;
        let index = [shown, passed, first].into_iter().flatten().min().unwrap_or(u64::MAX);
        if !ended && !self.follower.may_answer(index).await {
            return Err(Shut::BeforeRestore(index));
        }
        match &request.message {
            CoordinatorMessage::Ask { query } => match documents {
                Some(documents) => self.ask(id, query, documents).await,
                None => Err(Shut::NoEvidence),
            },
            CoordinatorMessage::Join { checkpoint, .. } => {
                let passed = self.store.passed(id).await?.ok_or(Shut::NotPassed)?.checkpoint;
                let asked = *checkpoint;
                if asked == passed { Ok(()) } else { Err(Shut::OtherCheckpoint { asked, passed }) }
            }
            CoordinatorMessage::Finalise { certificate } => self.finalise(id, certificate).await,
            _ => Ok(()),
        }
    }

    async fn ask(&self, id: &QueryId, query: &SignedQuery, documents: &Documents) -> Result<(), Shut> {
        let evidence = documents.evidence.as_ref().ok_or(Shut::NoEvidence)?;
        let record = self.store.record(id).await?;
        if record.is_some() && self.store.passed(id).await?.is_some() {
            // Asked again: the machine gives the same answer.
            return Ok(());
        }
        let trust = self.follower.trust();
        let checkpoint = SignedCheckpoint::parse(&evidence.checkpoint, trust.log());
        // What this node has of the log at that size it has computed from the entries; so there is nothing to prove.
        let size = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head().size());
        let own = self.follower.record_at(size).await?.ok_or(Shut::NotYet)?;
        let shown = Shown {
            lambda: *id,
            document: &documents.query,
            query,
            approval: evidence.approval.as_ref(),
            index: evidence.index,
            inclusion: &evidence.inclusion,
            checkpoint: &evidence.checkpoint,
            consistency: &ConsistencyProof::empty(),
            round: Binding {
                query: *id,
                roster: self.machine.roster.hash(),
                checkpoint: checkpoint.as_ref().map_or(Hash256::from_bytes([0; 32]), SignedCheckpoint::digest),
            },
        };
        let trust = Trust {
            roster: &self.machine.roster,
            approvals: trust.approvals(),
            log: trust.log(),
            committee: trust.committee(),
        };
        let over = record.as_ref().and_then(optelsom_secagg::SupplierRecord::over);
        // The agreement, step 8, is asked by the desk, which counts the table: it may have to wait for a person.
        let passed = pass(&shown, &trust, &Memory { record: &own, over }, now(), |_, _| Ok(()))?;
        let entered = passed.entered();
        let durable = PassedGate { index: entered.index, checkpoint: entered.binding.checkpoint };
        self.store.keep_passed(id, durable).await?;
        let _entered = passed.stored();
        Ok(())
    }

    /// The guard: over all sets of suppliers that the log names before this one.
    async fn finalise(&self, id: &QueryId, certificate: &Certificate) -> Result<(), Shut> {
        let PassedGate { index, .. } = self.store.passed(id).await?.ok_or(Shut::NotPassed)?;
        let round = Round { query: *id, attempt: certificate.attempt, roster: self.machine.roster.hash() };
        let (statement, digest) = (certificate.statement().digest(&round), certificate.digest(&round));
        self.follower
            .look(|view, witnessed| {
                let attempt = certificate.attempt.number();
                let (at, entry) = view.participants(index, attempt, &statement, &digest).ok_or(Shut::NotLogged)?;
                if at >= witnessed || !entry.participants.iter().eq(certificate.participants.suppliers()) {
                    return Err(Shut::NotLogged);
                }
                Ok(view.judge(at)?)
            })
            .await
    }

    /// This supplier's word that it does not answer.
    pub(super) fn refusal(&self, query: &QueryId, reason: RefusalReason) -> SupplierMessage {
        let config = &self.machine;
        let signature = answer::sign_refused(&config.identity, query, &config.roster.hash(), &config.supplier, reason);
        SupplierMessage::Refused { reason, signature }
    }
}
