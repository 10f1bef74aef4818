//! The host of the combiner's machine: the coordinator's part for one query, with its disk.

use std::collections::VecDeque;
use std::sync::Arc;

use optelsom_codebook::{SupplierId, Timestamp};
use optelsom_disclosure::Totals;
use optelsom_ledger::{Roster, SignedQuery};
use optelsom_secagg::combiner::{Combiner, CombinerConfig, CombinerRecord, Effect, Input, Outcome, Policy, Shape, Sum};
use optelsom_secagg::messages::CoordinatorMessage;
use optelsom_secagg::{Fault, Rules};
use zeroize::Zeroizing;

use super::node::GENERATORS;
use crate::federation::checkpoint;

/// A total that was released, and by whom it was given.
#[derive(Debug)]
pub struct Release {
    /// The total.
    pub totals: Totals,
    /// Who took part in it.
    pub participants: Vec<SupplierId>,
}

/// What a coordinator accepted: it is on disk from the start.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The roster in force.
    pub roster: Arc<Roster>,
    /// The question.
    pub query: SignedQuery,
    /// The form of each table.
    pub shape: Shape,
    /// How long it waits, and for whom.
    pub policy: Policy,
    /// The rules in force.
    pub rules: Rules,
}

/// What leaves the desk.
#[derive(Debug)]
pub enum Dispatch {
    /// A message.
    Message(SupplierId, CoordinatorMessage),
    /// A call at a moment.
    Wake(Timestamp),
    /// A message was refused.
    Rejected(Fault),
    /// Something was asked whose answer takes its time.
    Asked(Question),
}

/// What the coordinator asks of others than suppliers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The guard, whether these may be added up.
    Guard,
    /// The log, to take the participants.
    Log,
}

impl Question {
    /// Nothing stands against it, in this world.
    pub fn answer(self) -> Input {
        match self {
            Self::Guard => Input::GuardPassed,
            Self::Log => Input::ParticipantsLogged,
        }
    }
}

/// The combiner's machine and what its host keeps on disk.
#[derive(Debug)]
pub struct Desk {
    accepted: Accepted,
    machine: Option<Combiner>,
    lives: usize,
    record: Option<Zeroizing<Vec<u8>>>,
    sum: Option<Zeroizing<Vec<u8>>>,
    written: Vec<Zeroizing<Vec<u8>>>,
    releases: Vec<Release>,
    ended: Option<Outcome>,
    endings: Vec<Outcome>,
}

impl Desk {
    /// A desk that has not been started.
    pub fn new(accepted: Accepted) -> Self {
        let (machine, lives, record, sum, ended) = (None, 0, None, None, None);
        let (written, releases, endings) = (Vec::new(), Vec::new(), Vec::new());
        Self { accepted, machine, lives, record, sum, written, releases, ended, endings }
    }

    /// Everything that was released: one total, or none.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// How the query ended.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.ended.as_ref()
    }

    /// Every ending that was announced; after a crash the same one may be announced again.
    pub fn endings(&self) -> &[Outcome] {
        &self.endings
    }

    /// Everything that was ever written to its disk, in that order: each record, and the sum where one was written.
    pub fn written(&self) -> &[Zeroizing<Vec<u8>>] {
        &self.written
    }

    fn keep(&mut self, record: &CombinerRecord) {
        let bytes = record.to_bytes();
        self.written.push(bytes.clone());
        self.record = Some(bytes);
        match record.sum() {
            Sum::Nothing => self.sum = None,
            Sum::New(words) => {
                self.written.push(words.clone());
                self.sum = Some(words);
            }
            Sum::Same => {}
        }
    }

    /// Whether its host is running.
    pub fn is_up(&self) -> bool {
        self.machine.is_some()
    }

    /// How often its host has been started: what it asked in an earlier life it does not hear the answer to.
    pub fn lives(&self) -> usize {
        self.lives
    }

    /// Kills the host.
    pub fn kill(&mut self) {
        self.machine = None;
        self.ended = None;
    }

    /// Starts the host from what is on disk.
    ///
    /// # Panics
    /// When the machine does not read back what it wrote: a failure of the test.
    pub fn start(&mut self, now: Timestamp, dies: &mut impl FnMut() -> bool) -> Vec<Dispatch> {
        let Accepted { roster, query, shape, policy, rules } = self.accepted.clone();
        let config = CombinerConfig { roster, generators: GENERATORS.clone(), checkpoint: checkpoint(), rules };
        let machine = match &self.record {
            None => Combiner::new(config, query, shape, policy).map_err(|error| error.to_string()),
            Some(bytes) => CombinerRecord::from_bytes(bytes, self.sum.as_ref().map(|words| words.as_slice()))
                .map_err(|error| error.to_string())
                .and_then(|record| Combiner::restore(config, record).map_err(|error| error.to_string())),
        };
        match machine {
            Ok(machine) => {
                self.machine = Some(machine);
                self.lives += 1;
            }
            #[expect(clippy::panic, reason = "a failure of the test")]
            Err(error) => panic!("the combiner does not start: {error}"),
        }
        self.give(now, Input::Started, dies)
    }

    /// Hands the machine an input and performs all that follows. At each effect `dies` says whether the host dies
    /// there, before it is performed or, where something is written, also after.
    pub fn give(&mut self, now: Timestamp, input: Input, dies: &mut impl FnMut() -> bool) -> Vec<Dispatch> {
        let mut inputs = VecDeque::from([input]);
        let mut dispatched = Vec::new();
        while let Some(input) = inputs.pop_front() {
            let Some(machine) = self.machine.take() else { break };
            let (machine, effects) = machine.handle(now, input);
            self.machine = Some(machine);
            for effect in effects {
                if dies() {
                    self.kill();
                    return dispatched;
                }
                if let Some(answer) = self.perform(effect, &mut dispatched) {
                    if dies() {
                        self.kill();
                        return dispatched;
                    }
                    inputs.push_back(answer);
                }
            }
        }
        dispatched
    }

    fn perform(&mut self, effect: Effect, dispatched: &mut Vec<Dispatch>) -> Option<Input> {
        match effect {
            Effect::Send { to, message } => dispatched.push(Dispatch::Message(to, message)),
            Effect::WakeAt(moment) => dispatched.push(Dispatch::Wake(moment)),
            Effect::Reject(fault) => dispatched.push(Dispatch::Rejected(fault)),
            Effect::Progress(_) => {}
            Effect::Persist(record) => {
                self.keep(&record);
                return Some(Input::Persisted);
            }
            Effect::AskGuard { .. } => dispatched.push(Dispatch::Asked(Question::Guard)),
            Effect::LogParticipants { .. } => dispatched.push(Dispatch::Asked(Question::Log)),
            Effect::Opened { totals, evidence, record } => {
                let participants = evidence.certificate.certificate.participants.suppliers().cloned().collect();
                self.releases.push(Release { totals, participants });
                self.keep(&record);
                return Some(Input::Persisted);
            }
            Effect::Ended(outcome) => {
                self.endings.push(outcome.clone());
                self.ended = Some(outcome);
            }
        }
        None
    }
}
