//! The safety rules by name. Every one of them is always on; only the adversary's world, built with the feature
//! `rule-switches`, can take one away, to see that the attack which it prevents is then found.

/// A safety rule of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Rule {
    /// Node: a scope has at least c+3 members.
    ScopeSize,
    /// Node: the roster's c is not below the operator's own floor.
    CollusionFloor,
    /// Node: members not accepted as real, and the collusion still allowed for, stay within c; and a participant list
    /// has at least c+1 accepted peers.
    AcceptedPeers,
    /// Node: an attempt is joined at most once.
    JoinsOncePerAttempt,
    /// Node: everything secret is drawn anew for each attempt.
    FreshKeysPerAttempt,
    /// Node: the participant list contains this node, with the card that it sent.
    ParticipantsIncludeSelf,
    /// Node: a participant list is not below the query's and the setting's minimum.
    LeastParticipants,
    /// Node: one participant list per attempt.
    OneParticipantListPerAttempt,
    /// Node: all cards name the same checkpoint, and the query's edition.
    SameCheckpointAndEdition,
    /// Node: each mask stream and blinding has a key of its own per column.
    KeyPerStream,
    /// Node: a table is within the bound that keeps a sum of n of them from wrapping.
    Bound,
    /// Node: one submission per attempt.
    SubmitsOncePerAttempt,
    /// Node: what is certified contains the digest of this node's own submission, as sent, and of every participant.
    DigestsAsSent,
    /// Node and combiner: a share fits its commitment.
    ShareCommitments,
    /// Node: a certificate is signed by all participants.
    CertificateOfAll,
    /// Node: one final statement per query, for ever.
    OneFinalPerQuery,
    /// Node: who has declared a query void signs no final statement for it.
    VoidExcludesFinal,
    /// Node: who has signed a final statement for a query never declares it void.
    FinalExcludesVoid,
    /// Node: who has declared a query void opens nothing of it.
    VoidExcludesOpening,
    /// Node: a self-mask or share leaves only for a final certificate.
    OpenOnlyWithFinalCertificate,
    /// Node: a final certificate carries the votes of a quorum of the scope.
    Quorum,
    /// Node: only the attempt that was finalised is ever opened.
    OpenOnlyThatAttempt,
    /// Everybody: signatures are checked.
    Signatures,
    /// Everybody: signatures and key derivations bind query, attempt and roster.
    RoundInSignatures,
    /// Combiner: a self-mask fits its commitment.
    SelfMaskCommitments,
    /// Combiner: the opened total fits the sum of the commitments.
    CommitmentCheck,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::ScopeSize,
        Self::CollusionFloor,
        Self::AcceptedPeers,
        Self::JoinsOncePerAttempt,
        Self::FreshKeysPerAttempt,
        Self::ParticipantsIncludeSelf,
        Self::LeastParticipants,
        Self::OneParticipantListPerAttempt,
        Self::SameCheckpointAndEdition,
        Self::KeyPerStream,
        Self::Bound,
        Self::SubmitsOncePerAttempt,
        Self::DigestsAsSent,
        Self::ShareCommitments,
        Self::CertificateOfAll,
        Self::OneFinalPerQuery,
        Self::VoidExcludesFinal,
        Self::FinalExcludesVoid,
        Self::VoidExcludesOpening,
        Self::OpenOnlyWithFinalCertificate,
        Self::Quorum,
        Self::OpenOnlyThatAttempt,
        Self::Signatures,
        Self::RoundInSignatures,
        Self::SelfMaskCommitments,
        Self::CommitmentCheck,
    ];
}

/// The rules in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A bit for each that is not.
    #[cfg(feature = "rule-switches")]
    without: u32,
}

impl Rules {
    /// All of them: the only value there is outside the adversary's world.
    pub const fn all() -> Self {
        Self {
            #[cfg(feature = "rule-switches")]
            without: 0,
        }
    }

    /// All but one.
    #[cfg(feature = "rule-switches")]
    pub const fn without(rule: Rule) -> Self {
        Self::all().and_without(rule)
    }

    /// These, and not this one either: where one rule backs another up, the attack needs both away.
    #[cfg(feature = "rule-switches")]
    #[must_use]
    pub const fn and_without(self, rule: Rule) -> Self {
        Self { without: self.without | 1 << rule as u32 }
    }

    /// Whether this rule was taken away.
    #[cfg(feature = "rule-switches")]
    pub const fn lacks(self, rule: Rule) -> bool {
        self.without & 1 << rule as u32 != 0
    }

    /// Whether this rule is in force.
    #[cfg(feature = "rule-switches")]
    pub(crate) const fn has(self, rule: Rule) -> bool {
        !self.lacks(rule)
    }

    /// Whether this rule is in force: always.
    #[cfg(not(feature = "rule-switches"))]
    pub(crate) const fn has(self, _rule: Rule) -> bool {
        true
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::all()
    }
}
