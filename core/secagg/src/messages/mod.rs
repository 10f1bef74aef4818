//! The messages of a round, one type per statement.
//!
//! All of them are as they came: nothing here is believed before it is verified. Statements that are signed are
//! canonical transcripts; how a message travels is not this package's business.

pub mod answer;
mod card;
mod certificate;
mod encapsulation;
mod participants;
mod submission;

use std::sync::Arc;

use optelsom_codebook::{EditionId, Hash256, RefusalReason, SupplierId};
use optelsom_ledger::{Signature, SignedQuery};

pub use card::{Card, PUBLIC_KEY_BYTES, VerifiedCard};
pub use certificate::{Certificate, FinalCertificate, FinalVote, Prepared, Statement, VoidCertificate, VoidVote};
pub use encapsulation::{CIPHERTEXT_BYTES, Encapsulation};
pub use participants::{Participants, ParticipantsError};
pub use submission::{ColumnHeader, Dealt, EncryptedShare, RelayedHeader, RelayedShare, SubmissionHeader, TableChunk};

pub use crate::round::Attempt;
pub use crate::secret::{SelfMask, Share};

/// What the coordinator asks of a supplier. Each is a request that may be repeated; the answer is then the same. What
/// goes to all of them is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoordinatorMessage {
    /// Take part in this query. (The documents that the entry names travel beside it.) Answer: ready or refused.
    Ask {
        /// The entry, with its requester's signature.
        query: SignedQuery,
    },
    /// Join this attempt. Answer: a card.
    Join {
        /// α.
        attempt: Attempt,
        /// The log's checkpoint that the card shall name.
        checkpoint: Hash256,
    },
    /// These are the participants. Answer: encapsulations for those with a higher name.
    Pair {
        /// α.
        attempt: Attempt,
        /// The cards of all of P, by name.
        cards: Arc<[Card]>,
    },
    /// These are the encapsulations for you. Answer: a submission, and its table in chunks.
    Exchange {
        /// α.
        attempt: Attempt,
        /// One of each participant with a lower name.
        encapsulations: Arc<[Encapsulation]>,
    },
    /// All have submitted. Answer: prepared.
    Certify {
        /// α.
        attempt: Attempt,
        /// The headers of all of P, by name.
        headers: Arc<[RelayedHeader]>,
        /// The shares that are for this supplier, by the dealer's name.
        shares: Vec<RelayedShare>,
    },
    /// The attempt is certified. Goes to every voter of the scope. Answer: a final vote.
    Finalise {
        /// All participants' signatures.
        certificate: Arc<Certificate>,
    },
    /// The attempt is final. Answer: this supplier's self-mask.
    Open {
        /// A quorum's votes.
        certificate: Arc<FinalCertificate>,
    },
    /// Some participants have vanished. Answer: the shares of their self-masks that this supplier holds.
    RecoverShares {
        /// A quorum's votes.
        certificate: Arc<FinalCertificate>,
        /// Who has vanished.
        of: Vec<SupplierId>,
    },
    /// Declare the query void. Answer: a void vote; or the final vote that stands against it.
    Void,
    /// It is over; the secrets of the query may go.
    Ended {
        /// How it ended.
        outcome: RoundOutcome,
    },
}

/// How a round ended, as suppliers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundOutcome {
    /// The total was opened.
    Opened,
    /// Given up before anything was certified.
    Abandoned,
    /// Declared void by a quorum.
    Void,
    /// Certified or final, but not to be opened; nothing was released.
    Spent,
}

/// What a supplier answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupplierMessage {
    /// Its table is counted.
    Ready {
        /// From this edition.
        edition: EditionId,
        /// See [`answer::sign_ready`].
        signature: Signature,
    },
    /// It does not give its data for this query. It votes all the same.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// See [`answer::sign_refused`].
        signature: Signature,
    },
    /// It joins.
    Card {
        /// α.
        attempt: Attempt,
        /// Its card.
        card: Card,
    },
    /// Its encapsulations for the participants with a higher name.
    Encapsulations {
        /// α.
        attempt: Attempt,
        /// By the recipient's name.
        encapsulations: Vec<Encapsulation>,
    },
    /// Its submission, but for the table.
    Submission {
        /// α.
        attempt: Attempt,
        /// The signed header.
        header: SubmissionHeader,
        /// The sealed shares, by the recipient's name.
        shares: Vec<EncryptedShare>,
    },
    /// A run of words of its masked table.
    Chunk(TableChunk),
    /// It is prepared, durably.
    Prepared {
        /// α.
        attempt: Attempt,
        /// Its signature.
        prepared: Prepared,
    },
    /// Its one final vote.
    Final {
        /// α.
        attempt: Attempt,
        /// Its signature.
        vote: FinalVote,
    },
    /// Its self-mask.
    Opening {
        /// α.
        attempt: Attempt,
        /// b.
        self_mask: SelfMask,
    },
    /// Shares of the self-masks of those who have vanished.
    RecoveredShares {
        /// α.
        attempt: Attempt,
        /// Each with the supplier whose self-mask it is a share of.
        shares: Vec<(SupplierId, Share)>,
    },
    /// Its void vote.
    Void {
        /// Its signature.
        vote: VoidVote,
    },
    /// It cannot go on with this attempt. Before the certificate another one may be made.
    CannotContinue {
        /// α.
        attempt: Attempt,
        /// Why not.
        cause: AttemptFault,
    },
}

/// Why a supplier cannot go on with an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptFault {
    /// It was restarted before it was prepared; its keys lived in memory only. It can join the next attempt.
    KeysLost,
    /// Its table is not counted (any more, after a restart). It says ready when it is.
    NotReady,
    /// It refuses this set of participants: too few, or too few that its operator accepts as real.
    RefusesParticipants,
    /// Something of this peer does not fit; one of the two, or the way between them, is at fault.
    DisagreesWith {
        /// Who.
        peer: SupplierId,
        /// What does not fit.
        over: Disagreement,
    },
    /// Its guard against differencing refuses the certified set of participants, and will go on doing so.
    GuardRefuses,
}

/// What two participants can disagree over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// The peer's card.
    Card,
    /// The peer's encapsulation, which gives no secret.
    Encapsulation,
    /// The header of the peer's submission.
    Header,
    /// The peer's share, which does not open or does not match its commitment.
    Share,
}
