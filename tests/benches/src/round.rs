//! One honest round of the real machines in memory, with a stopwatch on one supplier and one on the combiner.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use optelsom_codebook::{EditionId, Hash256, QueryId, SupplierId, Timestamp};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, SignedQuery};
use optelsom_secagg::combiner::{Policy, Shape};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::{
    Bound, Combiner, CombinerConfig, Entropy, Generators, LocalTable, PreparedTable, Rules, Supplier, SupplierConfig,
    combiner, supplier,
};

const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);
const WORDS_PER_CHUNK: usize = 16 * 1024;

/// What one round took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// The first supplier: its table's commitments, and every step of its machine.
    pub supplier: Duration,
    /// Of that, the commitments.
    pub commitments: Duration,
    /// The combiner.
    pub combiner: Duration,
}

/// A roster of `n` suppliers and one who asks, with their keys.
fn members(n: usize) -> (Arc<Roster>, Vec<(SupplierId, IdentityKey)>, IdentityKey) {
    let key = |number: usize| IdentityKey::from_seed(&[u8::try_from(number % 251).unwrap_or(0) + 1; 32]);
    let keys: Vec<_> =
        (0..n).map(|i| (SupplierId::try_from(format!("s{i:03}").as_str()).expect("a slug"), key(i))).collect();
    let analyst = key(n + 1);
    let member =
        |(supplier, key): &(SupplierId, IdentityKey)| Member { supplier: supplier.clone(), identity: key.public() };
    let requester = Requester { key_id: "analyst".to_owned(), identity: analyst.public() };
    let roster = Roster::new(keys.iter().map(member).collect(), vec![requester], None).expect("a roster");
    (Arc::new(roster), keys, analyst)
}

fn question(roster: &Roster, keys: &[(SupplierId, IdentityKey)], analyst: &IdentityKey) -> SignedQuery {
    let entry = QueryEntry {
        query: Hash256::of(b"question"),
        dataset: "bench".to_owned(),
        edition: EditionId::try_from("1").expect("an edition"),
        purpose: "bench".to_owned(),
        requester: "analyst".to_owned(),
        codebook: Hash256::of(b"codebook"),
        roster: roster.hash(),
        disclosure_policy: Hash256::of(b"policy"),
        scope: keys.iter().map(|(supplier, _)| supplier.clone()).collect(),
        collusion: roster.collusion() as u64,
        min_suppliers: keys.len() as u64,
        asked_at: NOW,
        expires_at: NOW.plus_millis(3_600_000),
        nonce: [5; 16],
    };
    entry.sign(analyst)
}

enum Step {
    Up(SupplierId, SupplierMessage),
    Down(SupplierId, CoordinatorMessage),
}

struct World {
    combiner: Option<Combiner>,
    suppliers: BTreeMap<SupplierId, Option<Supplier>>,
    generators: Generators,
    column: Vec<i64>,
    timed: SupplierId,
    steps: VecDeque<Step>,
    spent: Spent,
    draws: u64,
    ended: bool,
}

/// Runs one round of `n` suppliers, each of whom has this column, to its opening, and says what it took.
///
/// # Panics
/// When the round does not end in an opened total: then there is nothing to measure.
pub fn run(n: usize, column: &[i64], generators: &Generators) -> Spent {
    let (roster, keys, analyst) = members(n);
    let question = question(&roster, &keys, &analyst);
    let config = CombinerConfig {
        roster: Arc::clone(&roster),
        generators: generators.clone(),
        checkpoint: Hash256::of(b""),
        rules: Rules::all(),
    };
    let policy = Policy {
        deadline: NOW.plus_millis(600_000),
        phase_timeout_ms: 60_000,
        resend_ms: 60_000,
        least_participants: n,
    };
    let shape = Shape { columns: 1, cells: column.len() };
    let combiner = Combiner::new(config, question, shape, policy).expect("the question fits");
    let machine = |(supplier, key): &(SupplierId, IdentityKey)| {
        let config = SupplierConfig::new(supplier.clone(), key.clone(), Arc::clone(&roster));
        (supplier.clone(), Some(Supplier::new(Arc::new(config))))
    };
    let mut world = World {
        combiner: Some(combiner),
        suppliers: keys.iter().map(machine).collect(),
        generators: generators.clone(),
        column: column.to_vec(),
        timed: keys[0].0.clone(),
        steps: VecDeque::new(),
        spent: Spent::default(),
        draws: 0,
        ended: false,
    };
    world.combine(combiner::Input::Started);
    for (supplier, _) in &keys {
        world.combine(combiner::Input::Back(supplier.clone()));
    }
    while let Some(step) = world.steps.pop_front() {
        match step {
            Step::Up(from, message) => world.combine(combiner::Input::Message { from, message }),
            Step::Down(to, message) => {
                world.draws += 1;
                let mut bytes = [1; 32];
                bytes[..8].copy_from_slice(&world.draws.to_le_bytes());
                world.supply(&to, supplier::Input::Message { message, entropy: Entropy::new(bytes) });
            }
        }
    }
    assert!(world.ended, "the round came to a stop before its end");
    world.spent
}

impl World {
    fn combine(&mut self, input: combiner::Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(machine) = self.combiner.take() else { return };
            let begin = Instant::now();
            let (machine, effects) = machine.handle(NOW, input);
            self.spent.combiner += begin.elapsed();
            self.combiner = Some(machine);
            for effect in effects {
                match effect {
                    combiner::Effect::Send { to, message } => self.steps.push_back(Step::Down(to, message)),
                    combiner::Effect::Persist(_) => inputs.push_back(combiner::Input::Persisted),
                    combiner::Effect::Opened { .. } => inputs.push_back(combiner::Input::Persisted),
                    combiner::Effect::AskGuard { .. } => inputs.push_back(combiner::Input::GuardPassed),
                    combiner::Effect::LogParticipants { .. } => inputs.push_back(combiner::Input::ParticipantsLogged),
                    combiner::Effect::Ended(outcome) => self.ended = outcome == combiner::Outcome::Opened,
                    combiner::Effect::Reject(fault) => panic!("the combiner refuses: {fault}"),
                    combiner::Effect::WakeAt(_) | combiner::Effect::Progress(_) => {}
                }
            }
        }
    }

    fn supply(&mut self, name: &SupplierId, input: supplier::Input) {
        let timed = *name == self.timed;
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(machine) = self.suppliers.get_mut(name).and_then(Option::take) else { return };
            let begin = Instant::now();
            let (machine, effects) = machine.handle(NOW, input);
            if timed {
                self.spent.supplier += begin.elapsed();
            }
            self.suppliers.insert(name.clone(), Some(machine));
            for effect in effects {
                match effect {
                    supplier::Effect::Compute(question) => {
                        let n = question.scope().members().len();
                        inputs.push_back(supplier::Input::TableReady(self.prepare(n, timed)));
                    }
                    supplier::Effect::Persist(_) => inputs.push_back(supplier::Input::Persisted),
                    supplier::Effect::Send(message) => self.steps.push_back(Step::Up(name.clone(), message)),
                    supplier::Effect::SendTable { table, .. } => {
                        let begin = Instant::now();
                        let chunks: Vec<_> = table.chunks(0, WORDS_PER_CHUNK).collect();
                        if timed {
                            self.spent.supplier += begin.elapsed();
                        }
                        let up = chunks.into_iter().map(|chunk| Step::Up(name.clone(), SupplierMessage::Chunk(chunk)));
                        self.steps.extend(up);
                    }
                    supplier::Effect::Reject(fault) => panic!("{name} refuses: {fault}"),
                }
            }
        }
    }

    fn prepare(&mut self, n: usize, timed: bool) -> PreparedTable {
        let columns = vec![self.column.clone()];
        let begin = Instant::now();
        let table = LocalTable::new(self.column.len(), columns, Bound::for_suppliers(n)).expect("small figures");
        let prepared = PreparedTable::new(table, &self.generators);
        if timed {
            self.spent.supplier += begin.elapsed();
            self.spent.commitments += begin.elapsed();
        }
        prepared
    }
}

/// λ of nothing, for measurements below the level of a round.
pub fn no_query() -> QueryId {
    QueryId::from_bytes([0; 32])
}
