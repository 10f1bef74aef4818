//! Which round a statement belongs to.

use std::fmt;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_ledger::canonical::Writer;
use optelsom_ledger::{Scope, Signature};

use crate::fault::FaultKind;
use crate::rules::{Rule, Rules};

/// α: the count of attempts at one query, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(u32);

impl Attempt {
    /// The first attempt.
    pub const FIRST: Self = Self(1);

    /// The attempt of this number; there is none of number 0.
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The next attempt; none after the last there can be.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What every signature, key derivation, commitment and associated data binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// λ.
    pub query: QueryId,
    /// α.
    pub attempt: Attempt,
    /// The hash of the roster in force.
    pub roster: Hash256,
}

impl Round {
    /// No round at all, for where a rule is switched off.
    pub(crate) const UNBOUND: Self =
        Self { query: QueryId::from_bytes([0; 32]), attempt: Attempt::FIRST, roster: Hash256::from_bytes([0; 32]) };

    /// Starts the canonical bytes of a statement of this round.
    pub(crate) fn statement(&self, name: &str) -> Writer {
        Writer::new(name)
            .bytes(self.query.as_bytes())
            .number(u64::from(self.attempt.number()))
            .bytes(self.roster.as_bytes())
    }
}

/// Checks what suppliers of one scope have signed for one round.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    round: Round,
    scope: &'a Scope,
    rules: Rules,
}

impl<'a> Verifier<'a> {
    /// For statements of this attempt at this query.
    pub fn new(query: QueryId, attempt: Attempt, scope: &'a Scope, rules: Rules) -> Self {
        let round = Round { query, attempt, roster: scope.roster() };
        let unbound = Round {
            query: QueryId::from_bytes([0; 32]),
            attempt: Attempt::FIRST,
            roster: Hash256::from_bytes([0; 32]),
        };
        let round = if rules.has(Rule::RoundInSignatures) { round } else { unbound };
        Self { round, scope, rules }
    }

    /// The round that statements bind.
    pub fn round(&self) -> &Round {
        &self.round
    }

    /// The members who may sign.
    pub fn scope(&self) -> &'a Scope {
        self.scope
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Checks one member's signature over canonical bytes. Where it does not fit, whoever brought it is at fault.
    pub(crate) fn signature(
        &self,
        by: &SupplierId,
        statement: &'static str,
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<(), FaultKind> {
        let member = self.scope.member(by).ok_or_else(|| FaultKind::NotInScope(by.clone()))?;
        if self.rules.has(Rule::Signatures) && member.identity.verify(bytes, signature).is_err() {
            return Err(FaultKind::Signature { statement, of: by.clone() });
        }
        Ok(())
    }
}
