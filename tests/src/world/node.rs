//! The host of one supplier's machine: it performs effects in order, keeps what is to be durable, and can die at any
//! effect.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use optelsom_codebook::{RefusalReason, Timestamp};
use optelsom_disclosure::{Noise, NoiseSeed};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::supplier::{Effect, Input, Supplier, SupplierConfig, SupplierRecord};
use optelsom_secagg::{Bound, Entropy, Fault, Generators, LocalTable, MaskedTable, PreparedTable};

use zeroize::Zeroizing;

use crate::dice::Dice;

/// The generators that all runs of this process share: they are the same for ever.
pub static GENERATORS: LazyLock<Generators> = LazyLock::new(|| Generators::with_capacity(64));

/// What a supplier does when it is asked for its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It counted this.
    Table(Vec<Vec<i64>>),
    /// It counted this, and its host checked it against a bound for one supplier alone.
    Unbounded(Vec<Vec<i64>>),
    /// It refuses.
    Refused(RefusalReason),
}

/// What leaves a supplier's host.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A message to the coordinator.
    Message(SupplierMessage),
    /// A masked table, to be cut into chunks.
    Table(Arc<MaskedTable>),
    /// Nothing leaves: a message was refused.
    Rejected(Fault),
}

impl Sent {
    /// The message, where it is one.
    pub fn message(&self) -> Option<&SupplierMessage> {
        match self {
            Self::Message(message) => Some(message),
            Self::Table(_) | Self::Rejected(_) => None,
        }
    }
}

/// One supplier's machine for one query, with what its host keeps on disk.
#[derive(Debug)]
pub struct Node {
    config: Arc<SupplierConfig>,
    machine: Option<Supplier>,
    durable: Option<Zeroizing<Vec<u8>>>,
    holding: Holding,
    noise: Option<(Noise, NoiseSeed)>,
    entropy: Dice,
}

impl Node {
    /// A machine that has heard of nothing yet.
    pub fn new(config: Arc<SupplierConfig>, holding: Holding, entropy: Dice) -> Self {
        let machine = Some(Supplier::new(Arc::clone(&config)));
        Self { config, machine, durable: None, holding, noise: None, entropy }
    }

    /// Has it add its share of noise to what it counted, drawn from this seed: the one thing of it that its host keeps on
    /// disk with the charge.
    pub fn add_noise(&mut self, noise: Noise, seed: NoiseSeed) {
        self.noise = Some((noise, seed));
    }

    /// What the machine was configured with.
    pub fn config(&self) -> &SupplierConfig {
        &self.config
    }

    /// What its host keeps on disk.
    pub fn durable(&self) -> Option<&[u8]> {
        self.durable.as_ref().map(|record| record.as_slice())
    }

    /// Whether its host is running.
    pub fn is_up(&self) -> bool {
        self.machine.is_some()
    }

    /// Kills the host: what is not on disk is gone.
    pub fn kill(&mut self) {
        self.machine = None;
    }

    /// Starts the host from what is on disk.
    ///
    /// # Panics
    /// When the machine does not read back what it wrote: a failure of the test.
    pub fn start(&mut self) {
        let config = Arc::clone(&self.config);
        self.machine = Some(match &self.durable {
            None => Supplier::new(config),
            Some(bytes) => match SupplierRecord::from_bytes(bytes).map(|record| Supplier::restore(config, record)) {
                Ok(Ok(machine)) => machine,
                #[expect(clippy::panic, reason = "a failure of the test")]
                other => panic!("the machine does not read back its own record: {other:?}"),
            },
        });
    }

    /// Kills the host and starts it again.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// Hands the machine a message and performs all that follows.
    pub fn receive(&mut self, now: Timestamp, message: CoordinatorMessage) -> Vec<Sent> {
        self.receive_or_die(now, message, &mut || false)
    }

    /// As [`Node::receive`], but at each effect `dies` says whether the host dies there: before it is performed, or,
    /// for a record, also after it was written and before the machine hears of it.
    pub fn receive_or_die(
        &mut self,
        now: Timestamp,
        message: CoordinatorMessage,
        dies: &mut impl FnMut() -> bool,
    ) -> Vec<Sent> {
        let entropy = Entropy::new(self.entropy.bytes());
        let mut inputs = VecDeque::from([Input::Message { message, entropy }]);
        let mut sent = Vec::new();
        while let Some(input) = inputs.pop_front() {
            let Some(machine) = self.machine.take() else { break };
            let (machine, effects) = machine.handle(now, input);
            self.machine = Some(machine);
            for effect in effects {
                if dies() {
                    self.kill();
                    return sent;
                }
                match effect {
                    Effect::Compute(_) => inputs.push_back(self.count()),
                    Effect::Persist(record) => {
                        self.durable = Some(record.to_bytes());
                        if dies() {
                            self.kill();
                            return sent;
                        }
                        inputs.push_back(Input::Persisted);
                    }
                    Effect::Send(message) => sent.push(Sent::Message(message)),
                    Effect::SendTable { table, .. } => sent.push(Sent::Table(table)),
                    Effect::Reject(fault) => sent.push(Sent::Rejected(fault)),
                }
            }
        }
        sent
    }

    fn count(&self) -> Input {
        let (columns, suppliers) = match &self.holding {
            Holding::Refused(reason) => return Input::TableRefused(*reason),
            Holding::Table(columns) => (columns, self.config.roster.members().len()),
            Holding::Unbounded(columns) => (columns, 1),
        };
        let cells = columns.first().map_or(0, Vec::len);
        let table = LocalTable::new(cells, columns.clone(), Bound::for_suppliers(suppliers));
        let noised = table.and_then(|table| match &self.noise {
            Some((noise, seed)) => table.with_noise(noise, seed),
            None => Ok(table),
        });
        match noised {
            Ok(table) => Input::TableReady(PreparedTable::new(table, &GENERATORS)),
            Err(_) => Input::TableRefused(RefusalReason::OutOfBounds),
        }
    }
}
