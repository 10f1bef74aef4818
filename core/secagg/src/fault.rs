//! Who did wrong, and what.

use optelsom_codebook::SupplierId;
use optelsom_ledger::{EntryError, ScopeError};
use thiserror::Error;

use crate::messages::Attempt;

/// A message or state that the protocol forbids, with the party that answers for it. It has changed nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{party}: {what}")]
pub struct Fault {
    /// Who answers for it.
    pub party: Party,
    /// What is wrong.
    pub what: FaultKind,
}

/// Who answers for a fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Party {
    /// This supplier.
    #[error("supplier {0}")]
    Supplier(SupplierId),
    /// The coordinator.
    #[error("the coordinator")]
    Coordinator,
    /// Who asked.
    #[error("the requester")]
    Requester,
    /// This machine's own host: its configuration, or the program around the machine.
    #[error("this installation")]
    ThisHost,
    /// One of these, and nobody can say which.
    #[error("one of {}, it cannot be told which", list(between))]
    Unattributable {
        /// All that come into question.
        between: Vec<SupplierId>,
    },
}

impl Party {
    pub(crate) fn did(self, what: FaultKind) -> Fault {
        Fault { party: self, what }
    }
}

fn list(suppliers: &[SupplierId]) -> String {
    suppliers.iter().map(SupplierId::as_str).collect::<Vec<_>>().join(", ")
}

/// What is wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The query's entry fails one of its own checks.
    #[error("{0}")]
    Question(#[from] EntryError),
    /// The scope fails one of its checks.
    #[error("the query's scope is refused: {0}")]
    Scope(#[from] ScopeError),
    /// This node is not among those asked.
    #[error("the query does not ask this supplier")]
    NotAsked,
    /// A second query came to the machine of the first.
    #[error("this is another query than the one at hand")]
    OtherQuery,
    /// The roster allows for fewer colluders than the operator does.
    #[error("the roster allows for {collusion} colluders, this operator's floor is {floor}")]
    CollusionFloor {
        /// The roster's c.
        collusion: usize,
        /// The operator's floor.
        floor: usize,
    },
    /// Too many members that the operator has not accepted as real.
    #[error(
        "{unaccepted} members of the scope are not accepted by this operator as real; with {floor} possible colluders \
         among the others that exceeds the {collusion} that the sum withstands; look at accepted_peers"
    )]
    UnacceptedPeers {
        /// How many are not accepted.
        unaccepted: usize,
        /// The operator's floor.
        floor: usize,
        /// The roster's c.
        collusion: usize,
    },
    /// A request about a query that this node has not admitted.
    #[error("the query has not been admitted here")]
    NotAdmitted,
    /// The query's time is over.
    #[error("the query has expired; no attempt may begin")]
    Expired,
    /// It has ended here.
    #[error("the query has ended here")]
    AlreadyEnded,
    /// Somebody who is not in the scope.
    #[error("`{0}` is not in the query's scope")]
    NotInScope(SupplierId),
    /// A statement that speaks for somebody else than who brought it.
    #[error("a statement of `{0}` was brought by another")]
    SpeaksForAnother(SupplierId),
    /// A signature that does not fit.
    #[error("the signature of `{of}` under its {statement} does not fit")]
    Signature {
        /// Under what.
        statement: &'static str,
        /// Whose.
        of: SupplierId,
    },
    /// Two different valid statements where there may be one.
    #[error("two different {statement}s for one attempt")]
    TwoStatements {
        /// Of what.
        statement: &'static str,
    },
    /// A message that is not due in this step.
    #[error("`{message}` is not due now")]
    NotDue {
        /// Which.
        message: &'static str,
    },
    /// A key that is no X-Wing public key.
    #[error("the public key on the card of `{0}` is unusable")]
    PublicKey(SupplierId),
    /// Cards on different ground.
    #[error("the cards name different checkpoints or editions")]
    CardsDiffer,
    /// A list of participants that is not sorted, or names one twice.
    #[error("the list of participants is not sorted by name, or names one of them twice")]
    ParticipantsUnsorted,
    /// A list of participants without this node, or with another card of it.
    #[error("the list of participants has not this supplier's own card in it")]
    WithoutSelf,
    /// Fewer participants than may be.
    #[error("{participants} participants are too few; at least {least} are needed")]
    TooFewParticipants {
        /// How many there are.
        participants: usize,
        /// How many there have to be.
        least: usize,
    },
    /// Fewer accepted peers than may be.
    #[error("{accepted} of the other participants are accepted by this operator as real; at least {least} have to be")]
    TooFewAccepted {
        /// How many are.
        accepted: usize,
        /// c + 1.
        least: usize,
    },
    /// A second list of participants for one attempt.
    #[error("another list of participants was given for this attempt before")]
    OtherParticipants,
    /// One item for each of certain peers was due.
    #[error("the {what}s are not one for each of those expected")]
    NotOneEach {
        /// Of what.
        what: &'static str,
    },
    /// An encapsulation that gives no secret.
    #[error("the encapsulation of `{0}` gives no secret")]
    Encapsulation(SupplierId),
    /// A header of another form than the query's.
    #[error("the header of `{of}` has not the form that is due: {detail}")]
    Header {
        /// Whose.
        of: SupplierId,
        /// What about it.
        detail: &'static str,
    },
    /// The list shows another submission than this node's own.
    #[error("the submission shown as this supplier's is not the one that it sent")]
    NotAsSent,
    /// A relayed share that is not the one its sender signed for.
    #[error("the sealed share of `{0}` was changed on its way")]
    ShareChanged(SupplierId),
    /// A share that does not open or does not match its commitment.
    #[error("the share of `{0}` does not open, or does not match its commitment")]
    Share(SupplierId),
    /// A certificate without all signatures or digests.
    #[error("the certificate does not carry exactly one digest and signature of each participant")]
    CertificateIncomplete,
    /// Too few votes.
    #[error("{votes} valid votes are no quorum; {quorum} are needed")]
    NoQuorum {
        /// How many there are.
        votes: usize,
        /// How many there have to be.
        quorum: usize,
    },
    /// A final statement stands against it.
    #[error("a final statement for attempt {0} stands against it")]
    FinalStands(Attempt),
    /// The declaration as void stands against it.
    #[error("the query was declared void here")]
    VoidStands,
    /// What is certified is not what this node prepared.
    #[error("this supplier did not prepare what is certified in its name")]
    NotPrepared,
    /// Not a participant.
    #[error("this supplier takes no part in the attempt")]
    NoParticipant,
    /// A chunk that lies outside the table.
    #[error("the chunk lies outside the table")]
    ChunkOutside,
    /// The table's words are not those that the header signs for.
    #[error("the table that came is not the one that its header signs for")]
    TableDigest,
    /// A commitment that is no group element.
    #[error("a commitment of `{0}` is no group element")]
    Commitment(SupplierId),
    /// A self-mask that does not match its commitment.
    #[error("the self-mask does not match its commitment")]
    SelfMask,
    /// Shares that match their commitments but give another self-mask.
    #[error("the shares that it dealt match their commitments but reassemble to another self-mask")]
    InconsistentDealing,
    /// Step 8.
    #[error("the sum does not match the commitments; nothing is released")]
    SumMismatch,
    /// A table of another form than the machine was told, or beyond the bound.
    #[error("the local table does not fit the query: {0}")]
    Table(&'static str),
    /// The cipher could not be set up; nothing left unmasked.
    #[error("the cipher could not be set up; nothing was sent")]
    Cipher,
    /// A peer for whom this node cannot do what is asked.
    #[error("this supplier holds no share of `{0}`")]
    NoShare(SupplierId),
    /// The host spoke out of turn.
    #[error("the host gave an input that was not due: {0}")]
    OutOfTurn(&'static str),
    /// One of two says that something of the other does not fit.
    #[error("they disagree over what one sent the other; the next attempt goes without one of them")]
    Disagreement,
}
