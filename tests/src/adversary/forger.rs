//! A supplier that submits something else than its machine made, and stands by it with its signature.

use std::collections::BTreeMap;

use optelsom_codebook::SupplierId;
use optelsom_ledger::{IdentityKey, Scope, SignedQuery};
use optelsom_secagg::messages::{Attempt, Card, Participants, Statement, SubmissionHeader, SupplierMessage};
use optelsom_secagg::{Round, Rules, Verifier};

use crate::federation::Federation;

/// What the forger makes of its header.
pub type Change = fn(&mut SubmissionHeader);

/// Sees all that goes to the coordinator, changes its own header, and certifies the changed one.
pub struct Forger {
    supplier: SupplierId,
    key: IdentityKey,
    query: SignedQuery,
    scope: Scope,
    change: Change,
    cards: BTreeMap<Attempt, BTreeMap<SupplierId, Card>>,
    headers: BTreeMap<Attempt, BTreeMap<SupplierId, SubmissionHeader>>,
}

impl Forger {
    /// This supplier of the federation, which is asked this. None if it is not there.
    pub fn new(federation: &Federation, query: &SignedQuery, supplier: &SupplierId, change: Change) -> Option<Self> {
        Some(Self {
            supplier: supplier.clone(),
            key: federation.keys.get(supplier)?.clone(),
            query: query.clone(),
            scope: federation.roster.scope(&query.entry.scope).ok()?,
            change,
            cards: BTreeMap::new(),
            headers: BTreeMap::new(),
        })
    }

    fn round(&self, attempt: Attempt) -> Round {
        *Verifier::new(self.query.entry.id(), attempt, &self.scope, Rules::all()).round()
    }

    /// What leaves in place of this message.
    pub fn pass(&mut self, from: &SupplierId, message: SupplierMessage) -> Vec<(SupplierId, SupplierMessage)> {
        let own = *from == self.supplier;
        let mut passed = Vec::new();
        let message = match message {
            SupplierMessage::Card { attempt, card } => {
                self.cards.entry(attempt).or_default().insert(from.clone(), card.clone());
                SupplierMessage::Card { attempt, card }
            }
            SupplierMessage::Submission { attempt, mut header, shares } => {
                if own {
                    (self.change)(&mut header);
                    header = header.sign(&self.key, &self.round(attempt));
                }
                self.headers.entry(attempt).or_default().insert(from.clone(), header.clone());
                SupplierMessage::Submission { attempt, header, shares }
            }
            SupplierMessage::Prepared { attempt, prepared } => {
                passed.extend(self.certify(attempt));
                SupplierMessage::Prepared { attempt, prepared }
            }
            // Its machine, which knows nothing of this, would object.
            SupplierMessage::CannotContinue { .. } if own => return Vec::new(),
            other => other,
        };
        passed.push((from.clone(), message));
        passed
    }

    fn certify(&self, attempt: Attempt) -> Option<(SupplierId, SupplierMessage)> {
        let (round, headers) = (self.round(attempt), self.headers.get(&attempt)?);
        let cards = self.cards.get(&attempt)?;
        let cards = headers.keys().filter_map(|supplier| cards.get(supplier));
        let listed = cards.map(|card| (card.supplier.clone(), card.digest(&round))).collect();
        let digests = headers.iter().map(|(supplier, header)| (supplier.clone(), header.digest(&round))).collect();
        let statement = Statement { participants: Participants::new(listed).ok()?, digests };
        let prepared = statement.sign_prepared(&self.key, &round, self.supplier.clone());
        Some((self.supplier.clone(), SupplierMessage::Prepared { attempt, prepared }))
    }
}
