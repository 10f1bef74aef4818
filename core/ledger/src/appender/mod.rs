//! How entries get into the log without its ever forking or losing one that was acknowledged.
//!
//! The order, whatever fails: sign the checkpoint → in one transaction compare-and-swap it in the store's register and
//! write the tiles under it → collect cosignatures → publish. Entries are acknowledged only after the transaction. One that
//! certainly failed costs nothing but the batch; any doubt about it is fatal: the machine stops, and the host reads the
//! store again ([`Survey`], [`Appender::open`]), which reconciles.
//!
//! A machine without input or output of its own: the host performs the effects in their order and reports each.

mod recover;

use std::collections::VecDeque;

use thiserror::Error;

use crate::entry::{Approval, AuthorisationEntry, Entry};
use crate::identity::Signature;
use crate::leaf::{Leaf, LeafTooLong};
use crate::note::{
    CheckpointError, Committee, Cosignature, CosignatureError, KeyName, LogKey, SignedCheckpoint, Witnessed,
};
use crate::proof::TreeHead;
use crate::tiles::{Edge, EdgeError, Extension, Tiles};

pub use recover::{StartError, Stored, Survey};

/// The most entries that one checkpoint adds; what waits beyond goes with the next.
pub const MAX_BATCH: usize = 1024;

/// By it the host recognises an entry that it handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What is to become an entry.
#[derive(Clone, Debug)]
pub enum Draft {
    /// It is one already.
    Leaf(Leaf),
    /// The authorisation of the query that is handed in right before it: only in the log does that one get its index.
    Authorisation {
        /// The requester's signature.
        requester: Signature,
        /// The second person's.
        approval: Option<Approval>,
    },
}

impl From<Leaf> for Draft {
    fn from(leaf: Leaf) -> Self {
        Self::Leaf(leaf)
    }
}

impl Draft {
    fn at(self, index: u64) -> Result<Leaf, LeafTooLong> {
        match self {
            Self::Leaf(leaf) => Ok(leaf),
            Self::Authorisation { requester, approval } => {
                let query = index.saturating_sub(1);
                Entry::Authorisation(AuthorisationEntry { query, requester, approval }).to_leaf()
            }
        }
    }
}

/// What the host reports.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody wants entries in the log, after each other and under one checkpoint.
    Append(Vec<(Ticket, Draft)>),
    /// The register held what was expected, and durably holds the new checkpoint; the tiles are durable with it.
    Committed,
    /// The register held something else: somebody else writes this log.
    CommitRefused,
    /// Nothing was written, and nothing of it will be.
    CommitFailed,
    /// Nobody can say whether it was written.
    CommitUnknown,
    /// A witness has answered.
    Cosigned(Cosignature),
    /// The witnesses have had their time.
    WitnessesSilent,
    /// The checkpoint is published.
    Published,
    /// Publishing failed, or may have.
    PublishFailed,
}

/// What the host must do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Replace exactly `expected` in the register by `replacement`, and write each tile to its path: all of it durably, or
    /// nothing. Answer: `Committed`, `CommitRefused`, `CommitFailed` or `CommitUnknown`.
    Commit {
        /// What must stand in the register; none if nothing may.
        expected: Option<Vec<u8>>,
        /// What shall stand there.
        replacement: Vec<u8>,
        /// The tiles that change with it.
        tiles: Tiles,
    },
    /// Tell whoever handed the entry in that it stands in the log for good.
    Acknowledge {
        /// Which one.
        ticket: Ticket,
        /// Its index.
        index: u64,
        /// The entry as it stands there.
        leaf: Leaf,
    },
    /// Tell whoever handed the entry in that it does not stand in the log; it may be handed in again.
    Reject {
        /// Which one.
        ticket: Ticket,
        /// Why.
        cause: Rejection,
    },
    /// Show the checkpoint to every witness, each with a proof from the last one it has seen. Answers: `Cosigned`, and
    /// after a while `WitnessesSilent`.
    AskWitnesses(Box<SignedCheckpoint>),
    /// A witness's cosignature was refused.
    Blame {
        /// Whose it claims to be.
        witness: KeyName,
        /// Why.
        cause: BadCosignature,
    },
    /// Publish the cosigned checkpoint. Answer: `Published` or `PublishFailed`.
    Publish(Box<Witnessed>),
    /// Stop: read the store again, then open a new machine. Unacknowledged entries may or may not stand in the log.
    Stop(Fatal),
}

/// Why an entry was not taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Rejection {
    /// The store could not write.
    #[error("the store could not write the entry down; hand it in again")]
    Store,
    /// The log cannot grow by it.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The checkpoint could not be signed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is too long.
    #[error(transparent)]
    TooLong(#[from] LeafTooLong),
    /// The machine has stopped.
    #[error("the log has stopped and must be read again first")]
    Stopped,
}

/// Why a cosignature is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadCosignature {
    /// Not of the committee.
    #[error("it is not one of the committee's witnesses")]
    Stranger,
    /// Does not fit.
    #[error(transparent)]
    Unfit(#[from] CosignatureError),
}

/// What cannot be gone on from.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fatal {
    /// Somebody else writes this log.
    #[error("another coordinator has written to this log's register; see that only one runs, then start again")]
    SomebodyElse,
    /// The new checkpoint may or may not stand in the register.
    #[error("nobody can say whether the new checkpoint was stored; the log must be read again")]
    CommitInDoubt,
    /// The cosigned checkpoint may or may not be published.
    #[error("the store failed while the checkpoint was published; the log must be read again")]
    PublishInDoubt,
    /// The host reported what was not asked for.
    #[error("a bug: the log's host reported a step that was not under way")]
    OutOfStep,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The tiles of a batch are being written, and the checkpoint over them swapped in.
    Committing(Box<Batch>),
    /// The log's very first checkpoint is being written.
    Creating,
    /// The witnesses are being asked. `patient`: what waits shall wait until they have answered.
    Cosigning { cosignatures: Vec<Cosignature>, patient: bool },
    /// The cosigned checkpoint is being published.
    Publishing,
    /// Nothing is under way.
    Idle,
    /// The log must be read again.
    Stopped(Fatal),
}

#[derive(Clone, Debug)]
struct Batch {
    tickets: Vec<Ticket>,
    leaves: Vec<Leaf>,
    /// The edge of the tree that has them.
    edge: Edge,
    checkpoint: SignedCheckpoint,
}

/// The one writer of a log.
#[derive(Clone, Debug)]
pub struct Appender {
    key: LogKey,
    committee: Committee,
    /// As the register holds it.
    checkpoint: SignedCheckpoint,
    edge: Edge,
    waiting: VecDeque<(Ticket, Draft)>,
    phase: Phase,
}

impl Appender {
    /// Begins a log that has never existed: an operator's explicit command, never a reaction to an empty store. Where a
    /// log exists already, that is refused and the machine stops.
    ///
    /// # Errors
    /// Never for a key whose name is a [`KeyName`].
    pub fn create(key: LogKey, committee: Committee) -> Result<(Self, Vec<Effect>), CheckpointError> {
        let checkpoint = SignedCheckpoint::sign(TreeHead::EMPTY, &key)?;
        let commit = Effect::Commit { expected: None, replacement: checkpoint.to_bytes(), tiles: Tiles::new() };
        let (edge, waiting) = (Edge::new(), VecDeque::new());
        Ok((Self { key, committee, checkpoint, edge, waiting, phase: Phase::Creating }, vec![commit]))
    }

    /// Takes up a log again. `witnessed` are the checkpoints that the witnesses have stored, as they show them.
    ///
    /// # Errors
    /// When the store is older than, or on another branch than, what was seen of it, or damaged.
    pub fn open(
        survey: Survey,
        stored: Stored,
        witnessed: &[SignedCheckpoint],
        key: LogKey,
        committee: Committee,
    ) -> Result<(Self, Vec<Effect>), StartError> {
        let recovered = survey.reconcile(stored, witnessed, key.verifier())?;
        let (checkpoint, edge) = (recovered.checkpoint, recovered.edge);
        let mut appender = Self { key, committee, checkpoint, edge, waiting: VecDeque::new(), phase: Phase::Idle };
        let mut effects = Vec::new();
        if !recovered.published && appender.edge.size() > 0 {
            appender.ask_witnesses(&mut effects);
        }
        Ok((appender, effects))
    }

    /// The checkpoint that the register holds.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Takes one report into account.
    #[must_use]
    pub fn handle(mut self, input: Input) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        match (std::mem::replace(&mut self.phase, Phase::Idle), input) {
            (Phase::Stopped(fatal), input) => {
                if let Input::Append(entries) = input {
                    let reject = |(ticket, _)| Effect::Reject { ticket, cause: Rejection::Stopped };
                    effects.extend(entries.into_iter().map(reject));
                }
                self.phase = Phase::Stopped(fatal);
            }
            (phase, Input::Append(entries)) => {
                self.waiting.extend(entries);
                self.phase = phase;
                self.begin(&mut effects);
            }
            (Phase::Committing(batch), Input::Committed) => self.committed(*batch, &mut effects),
            (Phase::Committing(batch), Input::CommitFailed) => self.drop_batch(*batch, &mut effects),
            (Phase::Creating, Input::Committed) => self.begin(&mut effects),
            (Phase::Committing(_) | Phase::Creating, Input::CommitRefused) => {
                self.stop(Fatal::SomebodyElse, &mut effects);
            }
            (Phase::Committing(_), Input::CommitUnknown)
            | (Phase::Creating, Input::CommitUnknown | Input::CommitFailed) => {
                self.stop(Fatal::CommitInDoubt, &mut effects);
            }
            (Phase::Cosigning { cosignatures, patient }, Input::Cosigned(cosignature)) => {
                self.cosigned(cosignatures, patient, cosignature, &mut effects);
            }
            (Phase::Cosigning { cosignatures, .. }, Input::WitnessesSilent) => {
                self.phase = Phase::Cosigning { cosignatures, patient: false };
                self.begin(&mut effects);
            }
            (Phase::Publishing, Input::Published) => self.begin(&mut effects),
            (Phase::Publishing, Input::PublishFailed) => self.stop(Fatal::PublishInDoubt, &mut effects),
            // Late answers of witnesses to a checkpoint that has been published or overtaken.
            (phase, Input::Cosigned(_) | Input::WitnessesSilent) => self.phase = phase,
            (_, _) => self.stop(Fatal::OutOfStep, &mut effects),
        }
        (self, effects)
    }

    /// Writes what waits, if nothing is under way. The witnesses of a checkpoint that waits for them in vain are asked
    /// about its successor instead, which covers it.
    fn begin(&mut self, effects: &mut Vec<Effect>) {
        if self.waiting.is_empty() || !matches!(self.phase, Phase::Idle | Phase::Cosigning { patient: false, .. }) {
            return;
        }
        let mut count = self.waiting.len().min(MAX_BATCH);
        // What speaks of the entry before it goes with that one, or not at all.
        while matches!(self.waiting.get(count), Some((_, Draft::Authorisation { .. }))) {
            count += 1;
        }
        let (tickets, drafts): (Vec<_>, Vec<_>) = self.waiting.drain(..count).unzip();
        match self.extend(drafts) {
            Ok((leaves, Extension { edge, tiles, .. }, checkpoint)) => {
                let (expected, replacement) = (Some(self.checkpoint.to_bytes()), checkpoint.to_bytes());
                effects.push(Effect::Commit { expected, replacement, tiles });
                self.phase = Phase::Committing(Box::new(Batch { tickets, leaves, edge, checkpoint }));
            }
            Err(cause) => {
                effects.extend(tickets.into_iter().map(|ticket| Effect::Reject { ticket, cause: cause.clone() }));
            }
        }
    }

    fn extend(&self, drafts: Vec<Draft>) -> Result<(Vec<Leaf>, Extension, SignedCheckpoint), Rejection> {
        let drafts = drafts.into_iter().zip(self.edge.size()..);
        let leaves = drafts.map(|(draft, index)| draft.at(index)).collect::<Result<Vec<_>, _>>()?;
        let extension = self.edge.extend(&leaves)?;
        let checkpoint = SignedCheckpoint::sign(extension.head, &self.key)?;
        Ok((leaves, extension, checkpoint))
    }

    fn drop_batch(&mut self, batch: Batch, effects: &mut Vec<Effect>) {
        let reject = |ticket| Effect::Reject { ticket, cause: Rejection::Store };
        effects.extend(batch.tickets.into_iter().map(reject));
        self.resume(effects);
    }

    /// Now, and not before, the entries stand in the log.
    fn committed(&mut self, batch: Batch, effects: &mut Vec<Effect>) {
        let first = self.edge.size();
        let entries = batch.tickets.into_iter().zip(batch.leaves).zip(first..);
        effects.extend(entries.map(|((ticket, leaf), index)| Effect::Acknowledge { ticket, index, leaf }));
        self.edge = batch.edge;
        self.checkpoint = batch.checkpoint;
        self.ask_witnesses(effects);
    }

    fn ask_witnesses(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::AskWitnesses(Box::new(self.checkpoint.clone())));
        self.phase = Phase::Cosigning { cosignatures: Vec::new(), patient: true };
    }

    /// After a batch was dropped: the checkpoint before it may still want its witnesses.
    fn resume(&mut self, effects: &mut Vec<Effect>) {
        if self.edge.size() > 0 {
            self.ask_witnesses(effects);
        }
        self.begin(effects);
    }

    fn cosigned(
        &mut self,
        mut cosignatures: Vec<Cosignature>,
        patient: bool,
        cosignature: Cosignature,
        effects: &mut Vec<Effect>,
    ) {
        match self.check(&cosignature) {
            Ok(()) if cosignatures.iter().all(|other| other.name() != cosignature.name()) => {
                cosignatures.push(cosignature);
            }
            Ok(()) => {}
            Err(cause) => effects.push(Effect::Blame { witness: cosignature.name().clone(), cause }),
        }
        // The committee checks them all once more: not after each of them.
        let enough = cosignatures.len() >= self.committee.wanted();
        let cosigned = enough.then(|| self.checkpoint.with_cosignatures(&cosignatures)).and_then(Result::ok);
        match cosigned.and_then(|cosigned| self.committee.check(&cosigned).ok()) {
            Some(witnessed) => {
                effects.push(Effect::Publish(Box::new(witnessed)));
                self.phase = Phase::Publishing;
            }
            None => self.phase = Phase::Cosigning { cosignatures, patient },
        }
    }

    fn check(&self, cosignature: &Cosignature) -> Result<(), BadCosignature> {
        let witness = self.committee.cosigners().iter().find(|cosigner| cosignature.is_by(cosigner));
        witness.ok_or(BadCosignature::Stranger)?.verify(&self.checkpoint, cosignature)?;
        Ok(())
    }

    /// Stops. What waits is told so; what was under way may or may not stand in the log.
    fn stop(&mut self, fatal: Fatal, effects: &mut Vec<Effect>) {
        let reject = |(ticket, _)| Effect::Reject { ticket, cause: Rejection::Stopped };
        effects.extend(self.waiting.drain(..).map(reject));
        effects.push(Effect::Stop(fatal));
        self.phase = Phase::Stopped(fatal);
    }
}
