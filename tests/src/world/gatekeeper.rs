//! What stands before a supplier's machine: a question passes only if it is logged, and a certificate is made final only
//! through the guard, over the whole log. In this world each of its rules can be taken away.

use std::collections::BTreeSet;

use optelsom_codebook::{Agreement, QueryId, SupplierId};
use optelsom_ledger::entry::{Entry, ParticipantsEntry, Subject};
use optelsom_ledger::guard::{About, GuardRefusal, History, Known};
use optelsom_ledger::{LogView, QueryEntry};
use optelsom_secagg::Round;
use optelsom_secagg::messages::{Certificate, CoordinatorMessage};

use super::log::Log;
use crate::questions::CODEBOOK;

/// A rule of the supplier's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostRule {
    /// A question is answered only if it stands in the log.
    QueryLogged,
    /// An attempt is made final only once its participants stand in the log.
    ParticipantsLogged,
    /// An attempt is made final only if the guard passes it.
    Guard,
    /// The guard's memory is the log, and not what this node has made final itself.
    ReadsTheLog,
    /// Sets of queries with other scopes are compared, too.
    ComparesScopes,
    /// Sets of other questions on the same dataset and period are compared, too: another breakdown, another edition.
    ComparesQuestions,
    /// The sets of a query that this node cannot read are compared, too.
    CountsUnreadable,
    /// The sets of which the log shows no final certificate are compared, too.
    CountsUnfinished,
    /// Only a certificate that holds leaves a set out.
    ProvedCertificates,
    /// Votes are about the names that were voted on, and not about those in the entry that a certificate points at.
    VotedNames,
    /// Only the supplier itself can waive.
    SignedWaivers,
    /// c is the largest of the rosters of all sets compared.
    LargestCollusion,
}

impl HostRule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::QueryLogged,
        Self::ParticipantsLogged,
        Self::Guard,
        Self::ReadsTheLog,
        Self::ComparesScopes,
        Self::ComparesQuestions,
        Self::CountsUnreadable,
        Self::CountsUnfinished,
        Self::ProvedCertificates,
        Self::VotedNames,
        Self::SignedWaivers,
        Self::LargestCollusion,
    ];
}

/// Why a message does not reach the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shut {
    /// The query does not stand in the log.
    QueryNotLogged,
    /// The participants do not stand in the log.
    ParticipantsNotLogged,
    /// The guard refuses.
    Guard(GuardRefusal),
}

/// One supplier's gatekeeper, for all queries.
#[derive(Debug)]
pub struct Gatekeeper {
    supplier: SupplierId,
    without: Option<HostRule>,
    view: LogView,
    finished: BTreeSet<QueryId>,
}

impl Gatekeeper {
    /// With all rules, or all but one.
    pub fn new(supplier: SupplierId, without: Option<HostRule>) -> Self {
        Self { supplier, without, view: LogView::new(), finished: BTreeSet::new() }
    }

    fn has(&self, rule: HostRule) -> bool {
        self.without != Some(rule)
    }

    fn follow(&mut self, log: &Log) {
        let from = usize::try_from(self.view.size()).unwrap_or(usize::MAX);
        for entry in log.entries().iter().skip(from) {
            // Contradictory endings are for the audit; the guard goes by certificates.
            let _ = self.view.observe(Some(entry), &|digest| log.document_for(&self.supplier, digest));
        }
    }

    /// Whether a message may reach the machine.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&mut self, log: &Log, round: Round, message: &CoordinatorMessage) -> Result<(), Shut> {
        self.follow(log);
        match message {
            CoordinatorMessage::Ask { query } if self.has(HostRule::QueryLogged) => {
                self.view.index_of(&query.entry.id()).map(|_| ()).ok_or(Shut::QueryNotLogged)
            }
            CoordinatorMessage::Finalise { certificate } => {
                self.finalise(log, &round, certificate)?;
                self.finished.insert(round.query);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finalise(&mut self, log: &Log, round: &Round, certificate: &Certificate) -> Result<(), Shut> {
        let index = self.view.index_of(&round.query).ok_or(Shut::QueryNotLogged)?;
        let (statement, digest) = (certificate.statement().digest(round), certificate.digest(round));
        let suppliers: Vec<_> = certificate.participants.suppliers().cloned().collect();
        let listed = self.view.participants(index, round.attempt.number(), &statement, &digest);
        let Some((at, entry)) = listed.filter(|(_, entry)| entry.participants == suppliers) else {
            return match self.has(HostRule::ParticipantsLogged) {
                true => Err(Shut::ParticipantsNotLogged),
                false => self.view.foresee(index, &suppliers).map_err(Shut::Guard),
            };
        };
        let entry = entry.clone();
        match self.without {
            Some(HostRule::Guard) => Ok(()),
            None | Some(HostRule::QueryLogged | HostRule::ParticipantsLogged) => {
                self.view.judge(at).map_err(Shut::Guard)
            }
            Some(rule) => self.judge_without(log, rule, at, &entry).map_err(Shut::Guard),
        }
    }

    /// The guard over what is left of the log without this rule.
    fn judge_without(&self, log: &Log, rule: HostRule, at: u64, entry: &ParticipantsEntry) -> Result<(), GuardRefusal> {
        let candidate = log.query_at(entry.query).ok_or(GuardRefusal::NotLogged(entry.query))?;
        let own = self.view.known(entry.query).cloned();
        let mut history = History::new();
        for (index, logged) in (0..).zip(log.entries()) {
            if let Entry::Participants(set) = logged
                && index != at
                && set.query != entry.query
                && !self.counts(log, rule, (index, set), (at, candidate))
            {
                continue;
            }
            history.observe(index, logged, |query| {
                let unreadable = Known { about: About::Unreadable, scope: None };
                let known = self.view.known(index).cloned().unwrap_or(unreadable);
                let scope = own.clone().and_then(|own| own.scope);
                let other = rule == HostRule::LargestCollusion && query.roster != candidate.roster;
                if other { Known { scope, ..known } } else { known }
            });
        }
        let mut waived = self.view.waived(&candidate.dataset, &candidate.roster, at);
        if rule == HostRule::SignedWaivers {
            waived.extend(self.claimed(log, at));
        }
        history.judge(at, &waived)
    }

    /// Whether a set is compared, where this rule was taken away.
    fn counts(
        &self,
        log: &Log,
        rule: HostRule,
        (index, set): (u64, &ParticipantsEntry),
        (at, candidate): (u64, &QueryEntry),
    ) -> bool {
        let Some(query) = log.query_at(set.query) else { return true };
        let is_final = log.finals(at).any(|entry| entry.query == set.query && entry.participants == index);
        match rule {
            HostRule::ReadsTheLog => self.finished.contains(&query.id()),
            HostRule::ComparesScopes => query.scope == candidate.scope,
            HostRule::ComparesQuestions => query.query == candidate.query && query.edition == candidate.edition,
            HostRule::CountsUnreadable => {
                self.view.known(set.query).is_some_and(|known| known.about != About::Unreadable)
            }
            HostRule::CountsUnfinished => is_final,
            HostRule::ProvedCertificates => {
                let elsewhere = log.finals(at).any(|entry| entry.query == set.query && entry.participants != index);
                !elsewhere && !log.voids(at).any(|entry| entry.query == set.query)
            }
            HostRule::VotedNames => self.pointed_at(log, set.query, at).is_none_or(|made_final| {
                made_final.attempt == set.attempt && made_final.participants == set.participants
            }),
            _ => true,
        }
    }

    /// What the first final certificate of a query before this index points at, if its votes are about the same submissions
    /// under whatever names.
    fn pointed_at<'l>(&self, log: &'l Log, query: u64, before: u64) -> Option<&'l ParticipantsEntry> {
        let (id, scope) = (log.query_at(query)?.id(), self.view.known(query)?.scope.as_ref()?);
        log.finals(before).filter(|entry| entry.query == query).find_map(|entry| {
            let pointed = log.participants_at(entry.participants)?;
            let content = |entry: &ParticipantsEntry| (entry.query, entry.attempt, entry.submissions);
            let mut alike = (0..before).filter_map(|at| log.participants_at(at));
            let holds = alike.any(|real| content(real) == content(pointed) && entry.verify(&id, real, scope).is_ok());
            holds.then_some(pointed)
        })
    }

    /// For whom any logged agreement before this index waives, whoever signed it.
    fn claimed(&self, log: &Log, before: u64) -> Vec<SupplierId> {
        let waives = |entry: &Entry| {
            let Entry::Document(entry) = entry else { return None };
            let Subject::Agreement(supplier) = &entry.change().subject else { return None };
            let text = String::from_utf8(log.document_for(&self.supplier, &entry.change().document)?).ok()?;
            let agreement = Agreement::parse(&text, &CODEBOOK).ok()?;
            let waives = agreement.datasets().any(|(_, terms)| terms.own_figure_may_become_known());
            waives.then(|| supplier.clone())
        };
        (0..before).zip(log.entries()).filter_map(|(_, entry)| waives(entry)).collect()
    }
}
