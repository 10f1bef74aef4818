//! The honest suppliers, each with its real machine, and whatever the adversary tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{QueryId, SupplierId, Timestamp};
use optelsom_ledger::{Scope, SignedQuery};
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, RoundOutcome, SupplierMessage};
use optelsom_secagg::supplier::SupplierConfig;
use optelsom_secagg::{Fault, Round, Rule, Rules, Verifier};

use super::wiretap::{Trust, Wiretap};
use crate::dice::Dice;
use crate::federation::{Federation, START};
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
    /// The rule that was taken away from everybody.
    pub rule: Option<Rule>,
    queries: BTreeMap<QueryId, (SignedQuery, Scope)>,
    nodes: BTreeMap<(QueryId, SupplierId), Node>,
    said: Vec<(QueryId, SupplierId, CoordinatorMessage)>,
    dice: Dice,
}

impl Stage {
    /// Sets the stage; nobody has been asked anything.
    pub fn new(federation: Federation, cast: Cast, rule: Option<Rule>, dice: Dice) -> Self {
        let honest = federation.names().into_iter().filter(|name| !cast.colluders.contains(name)).collect();
        let floor = cast.floor.unwrap_or_else(|| federation.roster.collusion());
        let trust = Trust { invented: cast.invented.clone(), floor };
        let wiretap = Wiretap::new(honest, trust, federation.size.columns, rule);
        let (queries, nodes) = (BTreeMap::new(), BTreeMap::new());
        Self { federation, cast, wiretap, rule, queries, nodes, said: Vec::new(), dice }
    }

    /// The rules in force.
    pub fn rules(&self) -> Rules {
        self.rule.map_or(Rules::all(), Rules::without)
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
        *Verifier::new(query, attempt, self.scope(query), self.rules()).round()
    }

    /// Asks all honest suppliers in scope. None, if the query names others than members.
    pub fn ask(&mut self, query: &SignedQuery) -> Option<QueryId> {
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
        config.rules = self.rules();
        config
    }

    /// A machine of the adversary's own, in a colluder's name with its key, or in an honest supplier's with another.
    pub fn puppet(&mut self, query: QueryId, supplier: &SupplierId) -> Node {
        let mut config = self.config(supplier);
        config.accepted_peers = self.federation.names().into_iter().collect();
        config.collusion_floor = 0;
        if !self.cast.colluders.contains(supplier) {
            config.identity = optelsom_ledger::IdentityKey::from_seed(&self.dice.bytes());
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
        let Some(node) = self.nodes.get_mut(&(query, to.clone())) else { return Answer::default() };
        let sent = node.receive(now, message.clone());
        let messages: Vec<_> = sent.iter().filter_map(Sent::message).collect();
        self.wiretap.hear(query, to, &message, &messages);
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
