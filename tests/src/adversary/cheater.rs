//! Suppliers in league that cheat in one way each, drawn at random: everything that a supplier alone can do wrong.

use std::collections::BTreeMap;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::{IdentityKey, Scope, SignedQuery};
use optelsom_secagg::commitment::sum_of_multiples;
use optelsom_secagg::messages::{
    Attempt, AttemptFault, Card, Disagreement, SelfMask, Share, SubmissionHeader, SupplierMessage, VoidVote,
};
use optelsom_secagg::{FaultKind, Round, Rules, Verifier};

use super::forger::Forger;
use crate::dice::Dice;
use crate::federation::Federation;
use crate::world::node::GENERATORS;

/// One way to cheat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Opens another self-mask than its own.
    WrongSelfMask,
    /// Gives other shares than it was dealt.
    WrongShares,
    /// Deals shares that fit their commitments, and give another self-mask than it committed to.
    InconsistentDealing,
    /// Deals shares that fit no commitment.
    UncommittedShares,
    /// Commits to another table than it masks.
    OtherTable,
    /// Sends other words than its header signs for.
    OtherWords,
    /// Joins with two cards.
    TwoCards,
    /// Submits twice.
    TwoSubmissions,
    /// Says of somebody honest that its share does not fit.
    FalseAccusation,
    /// Votes final, and void as well.
    BothVotes,
    /// Says in its own name what another has said in its.
    AnothersWords,
    /// Swallows what it should encapsulate, submit, certify, vote or open.
    Silence(usize),
}

/// The steps that [`Deed::Silence`] may be about.
const STEPS: usize = 5;

impl Deed {
    fn draw(dice: &mut Dice) -> Self {
        let deeds = [
            Self::WrongSelfMask,
            Self::WrongShares,
            Self::InconsistentDealing,
            Self::UncommittedShares,
            Self::OtherTable,
            Self::OtherWords,
            Self::TwoCards,
            Self::TwoSubmissions,
            Self::FalseAccusation,
            Self::BothVotes,
            Self::AnothersWords,
            Self::Silence(dice.below(STEPS)),
        ];
        let drawn = dice.below(deeds.len());
        deeds.get(drawn).copied().unwrap_or(Self::WrongShares)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongSelfMask => "a wrong self-mask",
            Self::WrongShares => "wrong shares",
            Self::InconsistentDealing => "inconsistent dealing",
            Self::UncommittedShares => "uncommitted shares",
            Self::OtherTable => "another table than committed",
            Self::OtherWords => "other words than signed",
            Self::TwoCards => "two cards",
            Self::TwoSubmissions => "two submissions",
            Self::FalseAccusation => "a false accusation",
            Self::BothVotes => "both votes",
            Self::AnothersWords => "another's words",
            Self::Silence(_) => "silence",
        }
    }

    /// Whether this fault is what the deed is found out by. Two votes and silence are nobody's fault.
    pub fn is_seen_in(self, fault: &FaultKind) -> bool {
        match self {
            Self::WrongSelfMask => matches!(fault, FaultKind::SelfMask),
            Self::WrongShares | Self::UncommittedShares => matches!(fault, FaultKind::Share(_)),
            Self::InconsistentDealing => matches!(fault, FaultKind::InconsistentDealing),
            Self::OtherTable => matches!(fault, FaultKind::SumMismatch),
            Self::OtherWords => matches!(fault, FaultKind::TableDigest),
            Self::TwoCards => matches!(fault, FaultKind::TwoStatements { statement: "card" }),
            Self::TwoSubmissions => matches!(fault, FaultKind::TwoStatements { statement: "submission" }),
            Self::FalseAccusation => matches!(fault, FaultKind::Disagreement),
            Self::AnothersWords => matches!(fault, FaultKind::SpeaksForAnother(_)),
            Self::BothVotes | Self::Silence(_) => false,
        }
    }

    fn change(self) -> Option<fn(&mut SubmissionHeader)> {
        match self {
            Self::InconsistentDealing => Some(|header| header.self_mask_commitment = Hash256::of(b"another")),
            Self::UncommittedShares => Some(|header| {
                for (_, commitment) in &mut header.share_commitments {
                    *commitment = Hash256::of(commitment.as_bytes());
                }
            }),
            Self::OtherTable => Some(|header| {
                if let Some(column) = header.columns.first_mut() {
                    column.commitment = sum_of_multiples(&[1], &GENERATORS.first(1)).compress().to_bytes();
                }
            }),
            _ => None,
        }
    }
}

/// One of those in league, at its deed.
pub struct Cheater {
    /// Who.
    pub supplier: SupplierId,
    /// What it does.
    pub deed: Deed,
    /// How often it has done it.
    pub done: usize,
    key: IdentityKey,
    query: SignedQuery,
    scope: Scope,
    forger: Option<Forger>,
    /// Who is accused.
    victim: SupplierId,
    /// What others said last, by kind.
    heard: BTreeMap<&'static str, SupplierMessage>,
}

impl Cheater {
    /// So many suppliers in league, each with a deed of its own. Fewer, where there are not so many.
    pub fn draw(dice: &mut Dice, federation: &Federation, query: &SignedQuery, many: usize) -> Vec<Self> {
        let mut names = federation.names();
        dice.shuffle(&mut names);
        let Some(victim) = names.last().cloned() else { return Vec::new() };
        let chosen = names.into_iter().take(many);
        chosen.filter_map(|name| Self::new(federation, query, name, Deed::draw(dice), victim.clone())).collect()
    }

    fn new(
        federation: &Federation,
        query: &SignedQuery,
        supplier: SupplierId,
        deed: Deed,
        victim: SupplierId,
    ) -> Option<Self> {
        let forger = deed.change().and_then(|change| Forger::new(federation, query, &supplier, change));
        Some(Self {
            key: federation.keys.get(&supplier)?.clone(),
            scope: federation.roster.scope(&query.entry.scope).ok()?,
            query: query.clone(),
            heard: BTreeMap::new(),
            done: 0,
            supplier,
            deed,
            forger,
            victim,
        })
    }

    fn round(&self, attempt: Attempt) -> Round {
        *Verifier::new(self.query.entry.id(), attempt, &self.scope, Rules::all()).round()
    }

    /// What leaves in place of this message.
    pub fn pass(&mut self, from: &SupplierId, message: SupplierMessage) -> Vec<(SupplierId, SupplierMessage)> {
        if let Some(forger) = &mut self.forger {
            let submits = matches!(message, SupplierMessage::Submission { .. });
            self.done += usize::from(submits && *from == self.supplier);
            return forger.pass(from, message);
        }
        if *from == self.supplier {
            let (before, said) = (message.clone(), self.says(message));
            self.done += usize::from(said != [before]);
            return said.into_iter().map(|message| (from.clone(), message)).collect();
        }
        if let Some(kind) = signed_kind(&message) {
            self.heard.insert(kind, message.clone());
        }
        vec![(from.clone(), message)]
    }

    fn says(&self, message: SupplierMessage) -> Vec<SupplierMessage> {
        match (self.deed, message) {
            (Deed::WrongSelfMask, SupplierMessage::Opening { attempt, .. }) => {
                vec![SupplierMessage::Opening { attempt, self_mask: SelfMask::from_bytes([1; 32]) }]
            }
            (Deed::WrongShares, SupplierMessage::RecoveredShares { attempt, shares }) => {
                let wrong = shares.into_iter().map(|(dealer, _)| (dealer, Share::from_bytes([1; 32]))).collect();
                vec![SupplierMessage::RecoveredShares { attempt, shares: wrong }]
            }
            (Deed::OtherWords, SupplierMessage::Chunk(mut chunk)) => {
                chunk.words.iter_mut().for_each(|word| *word ^= 1);
                vec![SupplierMessage::Chunk(chunk)]
            }
            (Deed::TwoCards, SupplierMessage::Card { attempt, card }) => {
                let other = SupplierMessage::Card { attempt, card: self.other_card(attempt, &card) };
                vec![SupplierMessage::Card { attempt, card }, other]
            }
            (Deed::TwoSubmissions, SupplierMessage::Submission { attempt, header, shares }) => {
                let other = SubmissionHeader { table_digest: Hash256::of(b"another"), ..header.clone() };
                let other = other.sign(&self.key, &self.round(attempt));
                let submission = |header| SupplierMessage::Submission { attempt, header, shares: shares.clone() };
                vec![submission(header), submission(other)]
            }
            (Deed::FalseAccusation, SupplierMessage::Prepared { attempt, .. }) => {
                let cause = AttemptFault::DisagreesWith { peer: self.victim.clone(), over: Disagreement::Share };
                vec![SupplierMessage::CannotContinue { attempt, cause }]
            }
            (Deed::BothVotes, SupplierMessage::Final { attempt, vote }) => {
                let (id, roster, own) = (self.query.entry.id(), self.scope.roster(), self.supplier.clone());
                let void = SupplierMessage::Void { vote: VoidVote::sign(&self.key, &id, &roster, own) };
                vec![SupplierMessage::Final { attempt, vote }, void]
            }
            (Deed::AnothersWords, message) => {
                let heard = signed_kind(&message).and_then(|kind| self.heard.get(kind));
                vec![heard.cloned().unwrap_or(message)]
            }
            (Deed::Silence(step), message) if step_of(&message) == Some(step) => Vec::new(),
            (_, message) => vec![message],
        }
    }

    /// The same with another key, usable as well.
    fn other_card(&self, attempt: Attempt, card: &Card) -> Card {
        let mut public_key = card.public_key.clone();
        // Its last 32 bytes are those of X25519, where any will do.
        public_key.iter_mut().rev().take(31).for_each(|byte| *byte ^= 0x55);
        let (own, edition) = (self.supplier.clone(), card.edition.clone());
        Card::sign(&self.key, &self.round(attempt), own, public_key, card.checkpoint, edition)
    }
}

/// What is said in somebody's name.
fn signed_kind(message: &SupplierMessage) -> Option<&'static str> {
    match message {
        SupplierMessage::Card { .. } => Some("card"),
        SupplierMessage::Submission { .. } => Some("submission"),
        SupplierMessage::Prepared { .. } => Some("prepared"),
        SupplierMessage::Final { .. } => Some("final"),
        _ => None,
    }
}

fn step_of(message: &SupplierMessage) -> Option<usize> {
    match message {
        SupplierMessage::Encapsulations { .. } => Some(0),
        SupplierMessage::Submission { .. } => Some(1),
        SupplierMessage::Prepared { .. } => Some(2),
        SupplierMessage::Final { .. } => Some(3),
        SupplierMessage::Opening { .. } | SupplierMessage::RecoveredShares { .. } => Some(4),
        _ => None,
    }
}
