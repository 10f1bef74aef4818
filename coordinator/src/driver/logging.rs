//! What a query says in the log: that it was asked, who refused, who takes part, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::appender::Draft;
use optelsom_ledger::entry::{
    AbandonmentEntry, Entry, FinalEntry, Outcome as Completeness, ParticipantsEntry, ReasonCode, RefusalEntry,
    RefusedBy, ReleaseEntry, SpentEntry, Subject, VoidEntry, Vote, Votes, salted_digest,
};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::{QueryEntry, Signature};
use optelsom_proto::wire::{Announced, Evidence};
use optelsom_secagg::combiner::{Outcome, SpentReason};
use optelsom_secagg::messages::{Certificate, FinalCertificate, Participants, RoundOutcome};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::release::Made;
use crate::ledger::LedgerError;
use crate::shared::Shared;
use crate::store::{Accepted, Logged, StoreError};

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// The code for a query whose time was over before its round began.
pub(super) const EXPIRED: &str = "expired";

/// Why something is not in the log.
#[derive(Debug, Error)]
pub enum LogError {
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another key's, or damaged.
    #[error("the stored checkpoint of the query is not this log's")]
    Checkpoint,
    /// It owes the log its end, and does not stand there.
    #[error("the query does not stand in the log, to which it owes its end; is the store another log's?")]
    NotLogged,
}

/// What came of having a query logged.
pub(super) enum Asked {
    /// It stands in the log as enough witnesses have seen it; this is what the nodes' gates are shown.
    Witnessed(Evidence),
    /// It was given up before that. It may stand in the log, where that is known.
    GivenUp(Option<u64>),
}

/// Waits for this, unless it is given up.
async fn unless<T, E>(given_up: &CancellationToken, wait: impl Future<Output = Result<T, E>>) -> Result<Option<T>, E> {
    tokio::select! {
        biased;
        () = given_up.cancelled() => Ok(None),
        done = wait => done.map(Some),
    }
}

/// Puts the query into the log, or finds it there. Only waiting for witnesses is cut off when it is given up, and never
/// an append: afterwards it is known whether it stands there.
pub(super) async fn query(
    shared: &Shared,
    accepted: &Accepted,
    policy: &[u8],
    given_up: &CancellationToken,
) -> Result<Asked, LogError> {
    let (ledger, id) = (&shared.ledger, accepted.question.entry.id());
    if unless(given_up, ledger.open()).await?.is_none() {
        return Ok(Asked::GivenUp(ledger.index_of(&id)));
    }
    let approval = shared.store.approval(&id).await?;
    let logged = match shared.store.logged(&id).await? {
        Some(logged) => logged,
        None => {
            let index = match ledger.index_of(&id) {
                Some(index) => index,
                // Logged after it has expired it would look back-dated.
                None if given_up.is_cancelled() => return Ok(Asked::GivenUp(None)),
                None => {
                    ledger.document(Subject::Policy, policy, accepted.question.entry.disclosure_policy).await?;
                    edition(shared, &accepted.question.entry).await?;
                    ledger.keep(&accepted.document).await?;
                    let entry = Entry::Query(accepted.question.entry.clone()).to_leaf().map_err(LedgerError::from)?;
                    let requester = accepted.question.signature;
                    let authorisation = Draft::Authorisation { requester, approval: approval.clone() };
                    // In doubt, the next attempt finds it by its id.
                    let indices = ledger.append(vec![entry.into(), authorisation]).await?;
                    indices.first().copied().ok_or(LedgerError::InDoubt)?
                }
            };
            let Some(witnessed) = unless(given_up, ledger.witnessed(index)).await? else {
                return Ok(Asked::GivenUp(Some(index)));
            };
            let checkpoint = witnessed.checkpoint().to_bytes();
            let logged = Logged { index, checkpoint };
            shared.store.keep_logged(&id, &logged).await?;
            // Another attempt may have come first; all nodes go by one checkpoint.
            shared.store.logged(&id).await?.unwrap_or(logged)
        }
    };
    let trust = ledger.trust();
    let checkpoint = SignedCheckpoint::parse(&logged.checkpoint, trust.log()).map_err(|_| LogError::Checkpoint)?;
    let witnessed = trust.committee().check(&checkpoint).map_err(|_| LogError::Checkpoint)?;
    let inclusion = ledger.prove(logged.index, &witnessed).await?;
    Ok(Asked::Witnessed(Evidence { index: logged.index, checkpoint: logged.checkpoint, inclusion, approval }))
}

/// An edition stands in the log before the queries about it.
async fn edition(shared: &Shared, entry: &QueryEntry) -> Result<(), LogError> {
    let same = |announced: &Announced| announced.dataset == entry.dataset && announced.edition == entry.edition;
    if let Some(announced) = shared.store.editions().await?.into_iter().find(same) {
        shared.ledger.edition(&announced).await?;
    }
    Ok(())
}

/// The digest of the checkpoint that cards shall name.
pub(super) fn checkpoint_digest(shared: &Shared, evidence: &Evidence) -> Option<Hash256> {
    SignedCheckpoint::parse(&evidence.checkpoint, shared.ledger.trust().log()).ok().map(|parsed| parsed.digest())
}

/// Who takes part in an attempt, as the log has it.
pub(super) fn participants_entry(
    query: u64,
    attempt: u32,
    participants: &Participants,
    submissions: Hash256,
    certificate: Hash256,
) -> ParticipantsEntry {
    let participants = participants.suppliers().cloned().collect();
    ParticipantsEntry { query, attempt, participants, submissions, certificate }
}

/// Puts the participants into the log, unless they stand there or the query has ended, and waits until enough witnesses
/// have seen it.
pub(super) async fn participants(shared: &Shared, entry: ParticipantsEntry) -> Result<(), LedgerError> {
    match shared.ledger.participants(entry).await? {
        Some(at) => shared.ledger.witnessed(at).await.map(|_| ()),
        None => Ok(()),
    }
}

/// A supplier's refusal of its data.
pub(super) fn refusal(query: u64, supplier: &SupplierId, reason: &str, signature: Signature) -> Option<Entry> {
    let reason = ReasonCode::try_from(reason).ok()?;
    let by = RefusedBy::Supplier(supplier.clone());
    Some(Entry::Refusal(RefusalEntry { query, reason, by, signature }))
}

/// The final certificate as the log has it.
pub(super) fn final_entry(shared: &Shared, query: u64, round: &Round<'_>) -> Option<Entry> {
    let Round { certificate, statement, digest } = *round;
    let Certificate { attempt, .. } = &*certificate.certificate;
    let view = shared.ledger.view();
    let participants = view.participants(query, attempt.number(), &statement, &digest)?.0;
    let vote = |vote: &optelsom_secagg::messages::FinalVote| Vote {
        supplier: vote.supplier.clone(),
        signature: vote.signature,
    };
    let votes = Votes::new(certificate.votes.iter().map(vote).collect());
    Some(Entry::Final(FinalEntry { query, participants, votes }))
}

/// A final certificate with the digests by which the log names what it is about.
pub(super) struct Round<'a> {
    pub(super) certificate: &'a FinalCertificate,
    pub(super) statement: Hash256,
    pub(super) digest: Hash256,
}

/// How the query ended, as the log has it; nothing for one that was opened, whose release says so.
pub(super) fn ending(shared: &Shared, query: u64, outcome: &Outcome) -> Option<Entry> {
    let operator = shared.ledger.operator();
    let reason = |code: &str| ReasonCode::try_from(code).ok();
    Some(match outcome {
        Outcome::Opened => return None,
        Outcome::Abandoned { reason: why } => {
            Entry::Abandonment(AbandonmentEntry::sign(query, reason(why.code())?, operator))
        }
        Outcome::Void { certificate, why } => {
            let votes = certificate.votes.iter();
            let votes = votes.map(|vote| Vote { supplier: vote.supplier.clone(), signature: vote.signature }).collect();
            Entry::Void(VoidEntry { query, reason: reason(why.code())?, votes: Votes::new(votes) })
        }
        // Nothing was final: nothing could have been opened.
        Outcome::Spent { reason: why @ SpentReason::SplitVotes } => {
            Entry::Abandonment(AbandonmentEntry::sign(query, reason(why.code())?, operator))
        }
        Outcome::Spent { reason: why } => Entry::Spent(SpentEntry::sign(query, reason(why.code())?, operator)),
    })
}

/// Puts into the log what an ended query still owes it, unless it stands there, and waits until enough witnesses have
/// seen it: until then its release is nobody's.
pub async fn settle(shared: &Shared, id: &QueryId) -> Result<(), LogError> {
    shared.ledger.open().await?;
    let owed = shared.store.owed_by(id).await?;
    if !owed.is_empty() {
        let query = shared.ledger.index_of(id).ok_or(LogError::NotLogged)?;
        let drafts: Result<Vec<Draft>, _> = owed.into_iter().map(|entry| Leaf::new(entry).map(Draft::from)).collect();
        let at = shared.ledger.end(query, drafts.map_err(LedgerError::from)?).await?;
        shared.ledger.witnessed(at).await?;
        shared.store.owes_nothing(id).await?;
        shared.settled.notify_waiters();
    }
    Ok(())
}

/// Waits until an ended query owes the log nothing; false when the coordinator stops first.
pub async fn settled(shared: &Shared, id: &QueryId) -> Result<bool, StoreError> {
    loop {
        let settled = shared.settled.notified();
        tokio::pin!(settled);
        // From here on no word is missed.
        settled.as_mut().enable();
        if shared.store.owed_by(id).await?.is_empty() {
            return Ok(true);
        }
        tokio::select! {
            () = shared.stop.cancelled() => return Ok(false),
            () = &mut settled => {}
        }
    }
}

/// That the query was given up before its round.
pub(super) fn given_up(shared: &Shared, query: u64, reason: &str) -> Option<Entry> {
    let reason = ReasonCode::try_from(reason).ok()?;
    Some(Entry::Abandonment(AbandonmentEntry::sign(query, reason, shared.ledger.operator())))
}

/// Logs the end of a query that was given up before the log could be read, if it turns out to stand there.
pub(super) async fn end_given_up(shared: &Shared, id: &QueryId, reason: &str) -> Result<(), LogError> {
    shared.ledger.open().await?;
    let Some(query) = shared.ledger.index_of(id) else { return Ok(()) };
    if let Some(end) = given_up(shared, query, reason) {
        shared.ledger.end(query, vec![end.to_leaf().map_err(LedgerError::from)?.into()]).await?;
    }
    Ok(())
}

/// The same for all of them, after a restart.
pub async fn end_all_given_up(shared: &Shared) -> Result<(), LogError> {
    let unended: Vec<QueryId> = shared.ledger.view().unended().collect();
    for id in unended {
        let outcome = shared.store.summary(&id).await?.and_then(|summary| summary.outcome);
        let given_up = outcome.is_some_and(|stored| stored.outcome == RoundOutcome::Abandoned);
        // One that ended later owes the log its end, with its own reason.
        if given_up && shared.store.owed_by(&id).await?.is_empty() {
            end_given_up(shared, &id, EXPIRED).await?;
        }
    }
    Ok(())
}

/// Tries again until it succeeds, or the coordinator stops (then false).
pub async fn until_done<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    shared: &Shared,
    what: &'static str,
    attempt: impl Fn() -> F,
) -> Option<T> {
    loop {
        let done = tokio::select! {
            () = shared.stop.cancelled() => return None,
            done = attempt() => done,
        };
        match done {
            Ok(done) => return Some(done),
            Err(cause) => tracing::error!(%cause, what, "not in the log yet; tried again"),
        }
        tokio::select! {
            () = shared.stop.cancelled() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// A release as the log has it; or that the query is spent, where its opened totals were not released.
pub(super) fn released(shared: &Shared, query: u64, made: Option<&Made>) -> Option<Entry> {
    let Some(made) = made else {
        let reason = ReasonCode::try_from("not-released").ok()?;
        return Some(Entry::Spent(SpentEntry::sign(query, reason, shared.ledger.operator())));
    };
    let complete = made.release.suppliers_asked() == made.release.suppliers_taking_part();
    let mut hidden: BTreeMap<ReasonCode, u64> = BTreeMap::new();
    for value in made.release.table().rows().iter().flat_map(|row| row.figures()) {
        if let Some(rule) = value.status().code().strip_prefix("hidden-") {
            *hidden.entry(ReasonCode::try_from(rule).ok()?).or_default() += 1;
        }
    }
    Some(Entry::Release(ReleaseEntry {
        query,
        outcome: if complete { Completeness::Complete } else { Completeness::Incomplete },
        table: salted_digest(&made.salt, &made.document),
        hidden: hidden.into_iter().collect(),
        participants: Hash256::of(&made.commitments),
        proof: Hash256::of(&made.proof),
    }))
}
