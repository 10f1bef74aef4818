//! The gate: is this a question that this node takes at all, and what does it say to it?
//!
//! The ledger's gate ([`optelsom_ledger::gate`]) reads the log, so it stands before the machine: a host brings a
//! question here only once it has passed, and Join only with the checkpoint that it passed under. Here follow the rules
//! for rosters, scopes and peers that a node holds to whatever the log says.

use optelsom_ledger::SignedQuery;

use super::{Data, Effect, Engaged, Step};
use crate::fault::{Fault, FaultKind, Party};
use crate::messages::{SupplierMessage, answer};
use crate::question::Question;
use crate::rules::Rule;
use crate::supplier::SupplierRecord;
use crate::supplier::record::Vote;
use crate::table::{Bound, PreparedTable};
use optelsom_codebook::RefusalReason;

/// The first time that a question comes: admits it and has the table counted, or says no.
pub(super) fn ask(step: &mut Step<'_>, query: SignedQuery) -> Result<Engaged, Fault> {
    let question = match admit(step, query.clone()) {
        Ok(question) => question,
        Err(fault) => {
            // Whoever asked is told, so that nobody waits until the deadline.
            if query.entry.scope.contains(&step.config.supplier) {
                step.send(refusal(step, &query.entry.id(), RefusalReason::Policy));
            }
            return Err(fault);
        }
    };
    let mut engaged = Engaged::new(question.clone(), SupplierRecord::new(question.signed().clone()));
    engaged.data = Data::Counting;
    step.persist(&engaged.record);
    step.effects.push(Effect::Compute(Box::new(question)));
    Ok(engaged)
}

fn admit(step: &Step<'_>, query: SignedQuery) -> Result<Question, Fault> {
    let (config, entry) = (step.config, &query.entry);
    let by_requester = |error| Party::Requester.did(FaultKind::Question(error));
    entry.check_roster(&config.roster).map_err(|error| Party::Coordinator.did(FaultKind::Question(error)))?;
    let scope = config.roster.select(&entry.scope).map_err(|error| Party::Coordinator.did(error.into()))?;
    if scope.member(&config.supplier).is_none() {
        return Err(Party::Coordinator.did(FaultKind::NotAsked));
    }
    if step.has(Rule::ScopeSize) {
        scope.check_size().map_err(|error| Party::Coordinator.did(error.into()))?;
    }
    if step.has(Rule::LeastParticipants) {
        entry.check_min_suppliers(&scope).map_err(by_requester)?;
    }
    if step.has(Rule::Signatures) {
        query.check_signature(&config.roster).map_err(by_requester)?;
    }
    entry.check_time(step.now).map_err(by_requester)?;
    let (collusion, floor) = (scope.collusion(), config.collusion_floor);
    if step.has(Rule::CollusionFloor) && collusion < floor {
        return Err(Party::Coordinator.did(FaultKind::CollusionFloor { collusion, floor }));
    }
    let unaccepted = scope.members().iter().filter(|member| !config.accepts(&member.supplier)).count();
    // Where all are accepted, this is the floor's rule above.
    if step.has(Rule::AcceptedPeers) && unaccepted > 0 && unaccepted.saturating_add(floor) > collusion {
        return Err(Party::Coordinator.did(FaultKind::UnacceptedPeers { unaccepted, floor, collusion }));
    }
    Ok(Question::new(query, scope))
}

fn refusal(step: &Step<'_>, query: &optelsom_codebook::QueryId, reason: RefusalReason) -> SupplierMessage {
    let config = step.config;
    let signature = answer::sign_refused(&config.identity, query, &config.roster.hash(), &config.supplier, reason);
    SupplierMessage::Refused { reason, signature }
}

impl Engaged {
    /// The question came again: the same answer, or the table once more after a restart.
    pub(super) fn asked_again(&mut self, step: &mut Step<'_>, query: &SignedQuery) -> Result<(), Fault> {
        if query.entry.id() != self.question.id() {
            return Err(Party::Coordinator.did(FaultKind::OtherQuery));
        }
        if self.record.ended {
            return Err(Party::Coordinator.did(FaultKind::AlreadyEnded));
        }
        match &self.data {
            Data::Uncounted if self.record.vote == Vote::None => {
                self.data = Data::Counting;
                step.effects.push(Effect::Compute(Box::new(self.question.clone())));
            }
            // Once there is a vote, no further attempt is joined, and no table wanted.
            Data::Uncounted | Data::Counting => {}
            Data::Ready(_) => step.send(self.ready(step)),
            Data::Refused(reason) => step.send(refusal(step, &self.question.id(), *reason)),
        }
        Ok(())
    }

    pub(super) fn table_ready(&mut self, step: &mut Step<'_>, table: PreparedTable) -> Result<(), Fault> {
        if self.record.ended || matches!(self.data, Data::Ready(_)) {
            return Err(Party::ThisHost.did(FaultKind::OutOfTurn("no table is awaited")));
        }
        let bound = Bound::for_suppliers(self.question.scope().members().len());
        if step.has(Rule::Bound) && table.table().bound() > bound {
            self.data = Data::Refused(RefusalReason::OutOfBounds);
            step.send(refusal(step, &self.question.id(), RefusalReason::OutOfBounds));
            return Err(Party::ThisHost.did(FaultKind::Table("its bound is too wide for so many suppliers")));
        }
        self.data = Data::Ready(table);
        step.send(self.ready(step));
        Ok(())
    }

    pub(super) fn table_refused(&mut self, step: &mut Step<'_>, reason: RefusalReason) -> Result<(), Fault> {
        if self.record.ended || matches!(self.data, Data::Ready(_)) {
            return Err(Party::ThisHost.did(FaultKind::OutOfTurn("no table is awaited")));
        }
        self.data = Data::Refused(reason);
        step.send(refusal(step, &self.question.id(), reason));
        Ok(())
    }

    fn ready(&self, step: &Step<'_>) -> SupplierMessage {
        let (config, question) = (step.config, &self.question);
        let edition = question.signed().entry.edition.clone();
        let roster = config.roster.hash();
        let signature = answer::sign_ready(&config.identity, &question.id(), &roster, &config.supplier, &edition);
        SupplierMessage::Ready { edition, signature }
    }
}
