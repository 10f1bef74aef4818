//! A federation in memory: the real machines, a queue of messages between them, and a clock that jumps to the next
//! moment that matters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

pub mod watched;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use optelsom_codebook::{EditionId, Hash256, QueryId, RefusalReason, SupplierId, Timestamp};
use optelsom_disclosure::Totals;
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, SignedQuery};
use optelsom_secagg::combiner::{
    self, Combiner, CombinerConfig, CombinerRecord, Evidence, Outcome, Policy, Shape, Sum,
};
use optelsom_secagg::messages::{Card, CoordinatorMessage, SubmissionHeader, SupplierMessage};
use optelsom_secagg::release_proof::{CellClaim, ProofError, Protection, SignedCommitments, Statement, verify};
use optelsom_secagg::supplier::{self, Supplier, SupplierConfig, SupplierRecord};
use optelsom_secagg::{Bound, Entropy, Fault, Generators, LocalTable, PreparedTable, Rules, Verifier};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

pub const START: u64 = 1_700_000_000_000;
pub const EXPIRY: u64 = START + 3_600_000;

pub fn name(index: usize) -> SupplierId {
    SupplierId::try_from(format!("supplier-{index:02}").as_str()).unwrap()
}

pub fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

/// A roster of `n` members and one requester.
pub fn roster(n: usize) -> Arc<Roster> {
    let member = |i: usize| Member { supplier: name(i), identity: key(u8::try_from(i).unwrap() + 1).public() };
    let requester = Requester { key_id: "analyst".into(), identity: key(200).public() };
    Arc::new(Roster::new((0..n).map(member).collect(), vec![requester], None).unwrap())
}

pub fn entry(roster: &Roster, min_suppliers: usize) -> QueryEntry {
    QueryEntry {
        query: Hash256::from_bytes([1; 32]),
        dataset: "victims".into(),
        edition: EditionId::try_from("2024-12").unwrap(),
        purpose: "monitor".into(),
        requester: "analyst".into(),
        codebook: Hash256::from_bytes([2; 32]),
        roster: roster.hash(),
        disclosure_policy: Hash256::from_bytes([3; 32]),
        scope: roster.members().iter().map(|m| m.supplier.clone()).collect(),
        collusion: roster.collusion() as u64,
        min_suppliers: min_suppliers as u64,
        asked_at: Timestamp::from_millis(START),
        expires_at: Timestamp::from_millis(EXPIRY),
        nonce: [7; 16],
    }
}

/// A supplier's node: machine, durable record, and what it has counted.
pub struct Node {
    pub machine: Option<Supplier>,
    pub record: Option<Vec<u8>>,
    pub columns: Option<Vec<Vec<i64>>>,
    pub config: Arc<SupplierConfig>,
}

#[derive(Debug, Clone)]
pub enum Event {
    ToSupplier(SupplierId, CoordinatorMessage),
    ToCombiner(SupplierId, SupplierMessage),
}

pub type Filter = Box<dyn FnMut(&Event) -> bool>;

pub struct Federation {
    pub roster: Arc<Roster>,
    pub nodes: BTreeMap<SupplierId, Node>,
    pub combiner: Option<Combiner>,
    pub combiner_config: CombinerConfig,
    pub combiner_record: Option<Vec<u8>>,
    pub combiner_sum: Option<Vec<u8>>,
    pub queue: VecDeque<Event>,
    pub now: Timestamp,
    pub rng: ChaCha20Rng,
    pub faults: Vec<Fault>,
    pub totals: Vec<Totals>,
    pub opened: Vec<Evidence>,
    pub ended: Vec<Outcome>,
    pub wakes: Vec<Timestamp>,
    /// Lets a message through, or loses it.
    pub filter: Filter,
    /// Delivers in any order, and some twice.
    pub disorder: bool,
    /// What is to be logged is, with enough cosignatures.
    pub logs: bool,
    pub generators: Generators,
    pub query: SignedQuery,
    /// The cards of the last list of participants that was shown.
    pub cards: Vec<Card>,
    /// The headers as their dealers sent them.
    pub submitted: Vec<SubmissionHeader>,
    pub chunk: usize,
}

impl Federation {
    pub fn new(n: usize, columns: usize, cells: usize, seed: u64) -> Self {
        Self::asked(n, columns, cells, seed, [7; 16])
    }

    /// As [`Federation::new`]; another nonce makes it another question of the same suppliers.
    pub fn asked(n: usize, columns: usize, cells: usize, seed: u64, nonce: [u8; 16]) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let bound = i64::try_from(Bound::for_suppliers(n).magnitude()).unwrap();
        let figure = |rng: &mut ChaCha20Rng| match rng.next_u32() % 4 {
            0 => 0,
            1 => i64::from(rng.next_u32() % 100),
            2 => -i64::from(rng.next_u32()),
            _ => rng.next_u64().cast_signed() % bound,
        };
        let tables: Vec<Vec<Vec<i64>>> =
            (0..n).map(|_| (0..columns).map(|_| (0..cells).map(|_| figure(&mut rng)).collect()).collect()).collect();
        let roster = roster(n);
        let scope = roster.scope(&(0..n).map(name).collect::<Vec<_>>()).unwrap();
        let least = scope.default_participants().min(n);
        let query = QueryEntry { nonce, ..entry(&roster, least) }.sign(&key(200));
        let generators = Generators::with_capacity(cells);
        let combiner_config = CombinerConfig {
            roster: roster.clone(),
            generators: generators.clone(),
            checkpoint: Hash256::from_bytes([9; 32]),
            rules: Rules::all(),
        };
        let policy = Policy {
            deadline: Timestamp::from_millis(START + 600_000),
            phase_timeout_ms: 10_000,
            resend_ms: 2_000,
            least_participants: least,
        };
        let shape = Shape { columns, cells };
        let combiner = Combiner::new(combiner_config.clone(), query.clone(), shape, policy).unwrap();
        let nodes = tables.into_iter().enumerate().map(|(i, columns)| {
            let own = key(u8::try_from(i).unwrap() + 1);
            let config = Arc::new(SupplierConfig::new(name(i), own, roster.clone()));
            let machine = Some(Supplier::new(config.clone()));
            (name(i), Node { machine, record: None, columns: Some(columns), config })
        });
        let nodes = nodes.collect();
        Self {
            roster,
            nodes,
            combiner: Some(combiner),
            combiner_config,
            combiner_record: None,
            combiner_sum: None,
            queue: VecDeque::new(),
            now: Timestamp::from_millis(START),
            rng,
            faults: Vec::new(),
            totals: Vec::new(),
            opened: Vec::new(),
            ended: Vec::new(),
            wakes: Vec::new(),
            filter: Box::new(|_| true),
            disorder: false,
            logs: true,
            generators,
            query,
            cards: Vec::new(),
            submitted: Vec::new(),
            chunk: 7,
        }
    }

    pub fn id(&self) -> QueryId {
        self.query.entry.id()
    }

    fn entropy(&mut self) -> Entropy {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        Entropy::new(bytes)
    }

    /// Starts the combiner and runs until it has ended, or nothing more can happen.
    pub fn run(&mut self) -> Option<Outcome> {
        self.combine(combiner::Input::Started);
        self.go_on()
    }

    pub fn go_on(&mut self) -> Option<Outcome> {
        for _ in 0..200_000 {
            if let Some(event) = self.next_event() {
                self.deliver(event);
                continue;
            }
            if let Some(outcome) = self.ended.last() {
                return Some(outcome.clone());
            }
            let next = self.wakes.iter().min().copied()?;
            self.wakes.retain(|wake| *wake != next);
            if next.as_millis() > EXPIRY + 3_600_000 {
                return None;
            }
            self.now = self.now.max(next);
            self.combine(combiner::Input::Woken);
        }
        panic!("the round neither ends nor stands still");
    }

    fn next_event(&mut self) -> Option<Event> {
        if self.queue.is_empty() {
            return None;
        }
        if !self.disorder {
            return self.queue.pop_front();
        }
        let at = usize::try_from(self.rng.next_u64() % (self.queue.len() as u64)).unwrap();
        if self.rng.next_u32().is_multiple_of(5) && self.queue.len() < 500 {
            return self.queue.get(at).cloned();
        }
        self.queue.swap_remove_back(at)
    }

    pub fn deliver(&mut self, event: Event) {
        if !(self.filter)(&event) {
            return;
        }
        match event {
            Event::ToSupplier(to, message) => {
                if let CoordinatorMessage::Pair { cards, .. } = &message {
                    self.cards = cards.to_vec();
                }
                let entropy = self.entropy();
                self.supply(&to, supplier::Input::Message { message, entropy });
            }
            Event::ToCombiner(from, message) => {
                if let SupplierMessage::Submission { header, .. } = &message {
                    self.submitted.push(header.clone());
                }
                self.combine(combiner::Input::Message { from, message });
            }
        }
    }

    pub fn supply(&mut self, to: &SupplierId, input: supplier::Input) {
        let Some(node) = self.nodes.get_mut(to) else { return };
        let Some(machine) = node.machine.take() else { return };
        let (machine, effects) = machine.handle(self.now, input);
        node.machine = Some(machine);
        for effect in effects {
            self.perform_for(to, effect);
        }
    }

    fn perform_for(&mut self, id: &SupplierId, effect: supplier::Effect) {
        match effect {
            supplier::Effect::Compute(question) => {
                let n = question.scope().members().len();
                let input = match self.nodes.get(id).unwrap().columns.clone() {
                    Some(columns) => {
                        let cells = columns.first().map_or(0, Vec::len);
                        let table = LocalTable::new(cells, columns, Bound::for_suppliers(n)).unwrap();
                        supplier::Input::TableReady(PreparedTable::new(table, &self.generators))
                    }
                    None => supplier::Input::TableRefused(RefusalReason::Denied),
                };
                self.supply(id, input);
            }
            supplier::Effect::Persist(record) => {
                let bytes = record.to_bytes();
                assert!(SupplierRecord::from_bytes(&bytes).unwrap() == record, "records read back as written");
                self.nodes.get_mut(id).unwrap().record = Some(bytes.to_vec());
                self.supply(id, supplier::Input::Persisted);
            }
            supplier::Effect::Send(message) => self.queue.push_back(Event::ToCombiner(id.clone(), message)),
            supplier::Effect::SendTable { table, .. } => {
                for chunk in table.chunks(0, self.chunk) {
                    self.queue.push_back(Event::ToCombiner(id.clone(), SupplierMessage::Chunk(chunk)));
                }
            }
            supplier::Effect::Reject(fault) => self.faults.push(fault),
        }
    }

    pub fn combine(&mut self, input: combiner::Input) {
        let Some(machine) = self.combiner.take() else { return };
        let (machine, effects) = machine.handle(self.now, input);
        self.combiner = Some(machine);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: combiner::Effect) {
        match effect {
            combiner::Effect::Send { to, message } => self.queue.push_back(Event::ToSupplier(to, message)),
            combiner::Effect::Persist(record) => {
                self.keep(&record);
                self.combine(combiner::Input::Persisted);
            }
            combiner::Effect::AskGuard { .. } => self.combine(combiner::Input::GuardPassed),
            combiner::Effect::LogParticipants { .. } if !self.logs => {}
            combiner::Effect::LogParticipants { .. } => self.combine(combiner::Input::ParticipantsLogged),
            combiner::Effect::WakeAt(at) => self.wakes.push(at),
            combiner::Effect::Reject(fault) => self.faults.push(fault),
            combiner::Effect::Progress(_) => {}
            combiner::Effect::Opened { totals, evidence, record } => {
                self.totals.push(totals);
                self.opened.push(*evidence);
                self.keep(&record);
                self.combine(combiner::Input::Persisted);
            }
            combiner::Effect::Ended(outcome) => self.ended.push(outcome),
        }
    }

    fn keep(&mut self, record: &CombinerRecord) {
        let bytes = record.to_bytes();
        match record.sum() {
            Sum::Nothing => self.combiner_sum = None,
            Sum::New(words) => self.combiner_sum = Some(words.to_vec()),
            Sum::Same => {}
        }
        let read = CombinerRecord::from_bytes(&bytes, self.combiner_sum.as_deref());
        assert!(read.unwrap() == *record, "records read back as written");
        self.combiner_record = Some(bytes.to_vec());
    }

    /// Kills a node and starts it again from its last record.
    pub fn restart(&mut self, id: &SupplierId) {
        let node = self.nodes.get_mut(id).unwrap();
        let record = node.record.as_ref().map(|bytes| SupplierRecord::from_bytes(bytes).unwrap());
        node.machine = Some(match record {
            Some(record) => Supplier::restore(node.config.clone(), record).unwrap(),
            None => Supplier::new(node.config.clone()),
        });
        self.combine(combiner::Input::Back(id.clone()));
    }

    /// Kills a node for good.
    pub fn kill(&mut self, id: &SupplierId) {
        self.nodes.get_mut(id).unwrap().machine = None;
        self.combine(combiner::Input::Lost(id.clone()));
    }

    /// Kills the coordinator and starts it again from its last record.
    pub fn restart_combiner(&mut self) {
        let Some(bytes) = &self.combiner_record else { return };
        let record = CombinerRecord::from_bytes(bytes, self.combiner_sum.as_deref()).unwrap();
        self.combiner = Some(Combiner::restore(self.combiner_config.clone(), record).unwrap());
        self.combine(combiner::Input::Started);
    }

    /// The opened total is that of the participants, and the evidence opens their commitments to it.
    pub fn opened_the_right_total(&self) {
        let ([totals], [evidence]) = (&self.totals[..], &self.opened[..]) else {
            panic!("opened {} times", self.opened.len())
        };
        let participants = evidence.certificate.certificate.participants.suppliers();
        let tables: Vec<_> = participants.map(|p| self.nodes[p].columns.as_ref().unwrap()).collect();
        let sum = |column: usize, cell: usize| tables.iter().map(|table| table[column][cell]).sum();
        let expected: Vec<Vec<i64>> = (0..tables[0].len())
            .map(|column| (0..tables[0][column].len()).map(|cell| sum(column, cell)).collect())
            .collect();
        self.proves(evidence, &expected);
        assert!(*totals == Totals::new(expected));
    }

    /// Whoever has the certificate, the headers and the roster is convinced by the evidence of these totals and no others.
    fn proves(&self, evidence: &Evidence, totals: &[Vec<i64>]) {
        let scope = self.roster.scope(&self.query.entry.scope).unwrap();
        let attempt = evidence.certificate.certificate.attempt;
        let verifier = Verifier::new(evidence.query, attempt, &scope, Rules::all());
        let signed = SignedCommitments::verify(&verifier, &evidence.certificate, &evidence.headers).unwrap();
        assert_eq!(evidence.commitments().unwrap(), signed);
        for (column, totals) in totals.iter().enumerate() {
            let state = |totals: &[i64]| {
                let claims = totals.iter().enumerate();
                let claims =
                    claims.map(|(i, total)| if i % 3 == 1 { CellClaim::Hidden } else { CellClaim::Shown(*total) });
                let (plan, protection) = (Hash256::from_bytes([1; 32]), Protection::new(5));
                Statement::new(&signed, &plan, &protection, column, claims.collect()).unwrap()
            };
            let statement = state(totals);
            let proof = evidence.witness().prove(&statement, &self.generators, &Entropy::new([1; 32])).unwrap();
            assert_eq!(verify(&statement, &proof, &self.generators), Ok(()), "column {column}");
            if let Some((first, rest)) = totals.split_first() {
                let altered = state(&[&[first + 1], rest].concat());
                assert_eq!(verify(&altered, &proof, &self.generators), Err(ProofError::Fails { column }));
                assert!(evidence.witness().prove(&altered, &self.generators, &Entropy::new([1; 32])).is_err());
            }
        }
    }
}
