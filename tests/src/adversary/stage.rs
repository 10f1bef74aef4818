//! The honest suppliers, each with its real machine behind a gatekeeper, the log that the adversary writes, and whatever
//! it tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{QueryId, SupplierId, Timestamp};
use optelsom_ledger::{IdentityKey, Scope, SignedQuery};
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, RoundOutcome, SupplierMessage};
use optelsom_secagg::supplier::SupplierConfig;
use optelsom_secagg::{Fault, Round, Rules, Verifier};

use super::wiretap::{Trust, Wiretap};
use crate::dice::Dice;
use crate::federation::{Federation, START};
use crate::questions::Question;
use crate::world::gatekeeper::{Gatekeeper, HostRule, Shut};
use crate::world::log::Log;
use crate::world::node::{Holding, Node, Sent};

/// Who is who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cast {
    /// In league with the coordinator.
    pub colluders: BTreeSet<SupplierId>,
    /// Of the colluders, those that do not exist: no honest operator accepts them as real.
    pub invented: BTreeSet<SupplierId>,
    /// How many colluders honest operators allow for among those that they accept; the roster's c if none is given.
    pub floor: Option<usize>,
}

/// What an honest supplier made of a message.
#[derive(Debug, Default)]
pub struct Answer {
    /// What it said.
    pub messages: Vec<SupplierMessage>,
    /// The words of the masked table that it sent.
    pub table: Option<Vec<u64>>,
    /// What it refused.
    pub faults: Vec<Fault>,
    /// Why the message did not even reach its machine.
    pub shut: Option<Shut>,
}

/// All honest suppliers, one machine each per query.
#[derive(Debug)]
pub struct Stage {
    /// Keys and tables.
    pub federation: Federation,
    /// Who colludes.
    pub cast: Cast,
    /// What the adversary has seen.
    pub wiretap: Wiretap,
    /// The rules in force at everybody's machines.
    pub rules: Rules,
    /// The log: append-only, and the same for all.
    pub log: Log,
    gates: BTreeMap<SupplierId, Gatekeeper>,
    queries: BTreeMap<QueryId, (SignedQuery, Scope)>,
    nodes: BTreeMap<(QueryId, SupplierId), Node>,
    said: Vec<(QueryId, SupplierId, CoordinatorMessage)>,
    dice: Dice,
}

impl Stage {
    /// Sets the stage; nobody has been asked anything.
    pub fn new(federation: Federation, cast: Cast, rules: Rules, dice: Dice) -> Self {
        let honest = federation.names().into_iter().filter(|name| !cast.colluders.contains(name)).collect();
        let floor = cast.floor.unwrap_or_else(|| federation.roster.collusion());
        let trust = Trust { invented: cast.invented.clone(), floor };
        let wiretap = Wiretap::new(honest, trust, federation.size.columns, rules);
        let (queries, nodes) = (BTreeMap::new(), BTreeMap::new());
        let log = Log::new(IdentityKey::from_seed(&[1; 32]), &federation.roster);
        let gates = gates(&federation, None);
        Self { federation, cast, wiretap, rules, log, gates, queries, nodes, said: Vec::new(), dice }
    }

    /// As [`Stage::new`], with all rules of the machines, and without this one of their hosts.
    pub fn without_host_rule(federation: Federation, cast: Cast, rule: Option<HostRule>, dice: Dice) -> Self {
        Self::under(federation, cast, Rules::all(), rule, dice)
    }

    /// As [`Stage::new`], and without this rule of the machines' hosts, if one is given.
    pub fn under(federation: Federation, cast: Cast, rules: Rules, without: Option<HostRule>, dice: Dice) -> Self {
        let gates = gates(&federation, without);
        Self { gates, ..Self::new(federation, cast, rules, dice) }
    }

    /// From here on another bound on collusion is in force, and these have left.
    pub fn change_roster(&mut self, left: &[SupplierId], collusion: usize) {
        self.federation.roster = Arc::new(self.federation.roster_without(left, collusion));
        self.log.roster(&self.federation.roster);
    }

    /// A supplier agrees, with its own key, that its own figure may become known.
    pub fn waive(&mut self, supplier: &SupplierId) {
        let Some(key) = self.federation.keys.get(supplier) else { return };
        self.log.agreement(supplier, true, key);
        self.wiretap.account.waive(supplier.clone());
    }

    /// The moment at which everything happens.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + 1000)
    }

    /// The honest suppliers.
    pub fn honest(&self) -> Vec<SupplierId> {
        self.federation.names().into_iter().filter(|name| !self.cast.colluders.contains(name)).collect()
    }

    /// The suppliers that a query asks.
    pub fn scope(&self, query: QueryId) -> &Scope {
        let Some((_, scope)) = self.queries.get(&query) else { unreachable!("only queries that were asked are named") };
        scope
    }

    /// What statements of an attempt bind.
    pub fn round(&self, query: QueryId, attempt: Attempt) -> Round {
        *Verifier::new(query, attempt, self.scope(query), self.rules).round()
    }

    /// Logs a query and asks all honest suppliers in scope. None, if the query names others than members.
    pub fn ask(&mut self, query: &SignedQuery) -> Option<QueryId> {
        let document = Question::of(&query.entry.query).map_or(&[][..], Question::document);
        self.log.query(&query.entry, document);
        self.ask_unlogged(query)
    }

    /// What the log's entries of an attempt are about, whatever rule is taken away.
    pub fn bound_round(&self, query: QueryId, attempt: Attempt) -> Round {
        Round { query, attempt, roster: self.scope(query).roster() }
    }

    /// Asks all honest suppliers in scope. None, if the query names others than members.
    pub fn ask_unlogged(&mut self, query: &SignedQuery) -> Option<QueryId> {
        let scope = self.federation.roster.select(&query.entry.scope).ok()?;
        let id = query.entry.id();
        self.wiretap.expect(query.clone(), scope.clone());
        self.queries.insert(id, (query.clone(), scope));
        for supplier in self.honest().into_iter().filter(|supplier| query.entry.scope.contains(supplier)) {
            let config = self.config(&supplier);
            let table = self.federation.tables.get(&supplier).cloned().unwrap_or_default();
            let node = Node::new(Arc::new(config), Holding::Table(table), self.dice.fork());
            self.nodes.insert((id, supplier.clone()), node);
            self.say(id, &supplier, CoordinatorMessage::Ask { query: query.clone() });
        }
        Some(id)
    }

    fn config(&self, supplier: &SupplierId) -> SupplierConfig {
        let Some(key) = self.federation.keys.get(supplier) else { unreachable!("every supplier has a key") };
        let mut config = SupplierConfig::new(supplier.clone(), key.clone(), Arc::clone(&self.federation.roster));
        config.accepted_peers.retain(|peer| !self.cast.invented.contains(peer));
        config.collusion_floor = self.cast.floor.unwrap_or_else(|| self.federation.roster.collusion());
        config.rules = self.rules;
        config
    }

    /// A machine of the adversary's own, in a colluder's name with its key, or in an honest supplier's with another.
    pub fn puppet(&mut self, query: QueryId, supplier: &SupplierId) -> Node {
        let mut config = self.config(supplier);
        config.accepted_peers = self.federation.names().into_iter().collect();
        config.collusion_floor = 0;
        if !self.cast.colluders.contains(supplier) {
            config.identity = IdentityKey::from_seed(&self.dice.bytes());
        }
        let zeros = vec![vec![0; self.federation.size.cells]; self.federation.size.columns];
        let mut node = Node::new(Arc::new(config), Holding::Table(zeros), self.dice.fork());
        if let Some((signed, _)) = self.queries.get(&query) {
            node.receive(self.now(), CoordinatorMessage::Ask { query: signed.clone() });
        }
        node
    }

    /// Says something to an honest supplier about a query.
    pub fn say(&mut self, query: QueryId, to: &SupplierId, message: CoordinatorMessage) -> Answer {
        let now = self.now();
        // Who is not in scope was not asked, and has no machine for it.
        if !self.nodes.contains_key(&(query, to.clone())) {
            return Answer::default();
        }
        if let Err(shut) = self.admit(query, to, &message) {
            self.said.push((query, to.clone(), message));
            return Answer { shut: Some(shut), ..Answer::default() };
        }
        let Some(node) = self.nodes.get_mut(&(query, to.clone())) else { return Answer::default() };
        let sent = node.receive(now, message.clone());
        let messages: Vec<_> = sent.iter().filter_map(Sent::message).collect();
        self.wiretap.hear(query, to, &message, &messages);
        let logged = self.log.index_of(&query).is_some();
        self.wiretap.holds(messages.is_empty() || logged, "answered a question that is not in the log");
        if let (CoordinatorMessage::Finalise { certificate }, [SupplierMessage::Final { .. }]) = (&message, &*messages)
        {
            let listed = self.log.listed(&self.bound_round(query, certificate.attempt), certificate).is_some();
            self.wiretap.holds(listed, "signed final for participants that are not in the log");
        }
        self.said.push((query, to.clone(), message));
        let mut answer = Answer::default();
        for sent in sent {
            match sent {
                Sent::Message(message) => answer.messages.push(message),
                Sent::Table(table) => answer.table = Some(table.words().to_vec()),
                Sent::Rejected(fault) => answer.faults.push(fault),
            }
        }
        answer
    }

    fn admit(&mut self, query: QueryId, to: &SupplierId, message: &CoordinatorMessage) -> Result<(), Shut> {
        let attempt = match message {
            CoordinatorMessage::Finalise { certificate } => certificate.attempt,
            _ => Attempt::FIRST,
        };
        let round = self.bound_round(query, attempt);
        self.gates.get_mut(to).map_or(Ok(()), |gate| gate.admit(&self.log, round, message))
    }

    /// Lets an honest supplier's host die and come back, all its queries at once; it is asked again.
    pub fn restart(&mut self, supplier: &SupplierId) {
        let queries: Vec<_> = self.queries.iter().map(|(id, (signed, _))| (*id, signed.clone())).collect();
        for (id, query) in queries {
            if let Some(node) = self.nodes.get_mut(&(id, supplier.clone())) {
                node.restart();
                self.say(id, supplier, CoordinatorMessage::Ask { query });
            }
        }
    }

    /// Tells an honest supplier that a query has ended so.
    pub fn end(&mut self, query: QueryId, supplier: &SupplierId, outcome: RoundOutcome) -> Answer {
        self.say(query, supplier, CoordinatorMessage::Ended { outcome })
    }

    /// Everything that was said, in order.
    pub fn said(&self) -> &[(QueryId, SupplierId, CoordinatorMessage)] {
        &self.said
    }

    /// The queries that were asked.
    pub fn queries(&self) -> Vec<QueryId> {
        self.queries.keys().copied().collect()
    }
}

fn gates(federation: &Federation, without: Option<HostRule>) -> BTreeMap<SupplierId, Gatekeeper> {
    federation.names().into_iter().map(|name| (name.clone(), Gatekeeper::new(name, without))).collect()
}
