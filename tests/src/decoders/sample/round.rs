//! A round of the real machines: everything that was said in it, and everything that was written to a disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};

use optelsom_codebook::{QueryId, RefusalReason, SupplierId, Timestamp};
use optelsom_ledger::{Roster, SignedQuery};
use optelsom_secagg::combiner::{CombinerRecord, Input, Policy, Shape};
use optelsom_secagg::messages::{
    Attempt, AttemptFault, CoordinatorMessage, Disagreement, RoundOutcome, SupplierMessage,
};
use optelsom_secagg::{MaskedTable, Rules, SupplierConfig};

use super::{good, there};
use crate::dice::Dice;
use crate::federation::{Federation, START, Size};
use crate::world::desk::{Accepted, Desk, Dispatch};
use crate::world::node::{Holding, Node, Sent};

const SIZE: Size = Size { suppliers: 4, collusion: 1, min_suppliers: None, columns: 1, cells: 3 };
/// No round takes more inputs.
const MOST: usize = 1000;

/// What was said and written in one or several rounds.
#[derive(Default)]
pub(in crate::decoders) struct Played {
    pub(in crate::decoders) requests: Vec<CoordinatorMessage>,
    pub(in crate::decoders) answers: Vec<SupplierMessage>,
    pub(in crate::decoders) supplier_records: Vec<Vec<u8>>,
    /// Each with the sum that is kept beside it, if one is.
    pub(in crate::decoders) combiner_records: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The question of all rounds, and whom it is put to.
pub(in crate::decoders) struct Setting {
    pub(in crate::decoders) federation: Federation,
    pub(in crate::decoders) query: SignedQuery,
}

/// The setting that samples are made of.
pub(in crate::decoders) static SETTING: LazyLock<Setting> = LazyLock::new(|| {
    let federation = Federation::new(&mut Dice::new(1), SIZE);
    let query = federation.ask(1, &federation.names());
    Setting { federation, query }
});

/// A round that ends in a total, one in which a supplier vanishes before its self-mask is asked for, one that is declared
/// void, and one that is given up; then what is seldom said.
pub(in crate::decoders) static PLAYED: LazyLock<Played> = LazyLock::new(|| {
    let mut played = Played::default();
    for turn in [Turn::Opens, Turn::Vanishes, Turn::Void, Turn::Cancelled] {
        Table::new(turn).play(&mut played);
    }
    seldom_said(&mut played);
    played
});

impl Setting {
    pub(in crate::decoders) fn id(&self) -> QueryId {
        self.query.entry.id()
    }

    pub(in crate::decoders) fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.federation.roster)
    }

    pub(in crate::decoders) fn config(&self, supplier: &SupplierId) -> Arc<SupplierConfig> {
        let key = there(self.federation.keys.get(supplier)).clone();
        Arc::new(SupplierConfig::new(supplier.clone(), key, self.roster()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Opens,
    Vanishes,
    Void,
    Cancelled,
}

/// The machines of one round.
struct Table {
    turn: Turn,
    now: Timestamp,
    desk: Desk,
    nodes: BTreeMap<SupplierId, Node>,
    inputs: VecDeque<Input>,
    wakes: Vec<Timestamp>,
}

impl Table {
    fn new(turn: Turn) -> Self {
        let setting = &*SETTING;
        let policy = Policy {
            deadline: Timestamp::from_millis(START + super::HOUR),
            phase_timeout_ms: 60_000,
            resend_ms: 2_000,
            least_participants: 4,
        };
        let (roster, query) = (setting.roster(), setting.query.clone());
        let shape = Shape { columns: SIZE.columns, cells: SIZE.cells };
        let desk = Desk::new(Accepted { roster, query, shape, policy, rules: Rules::all() });
        let node = |(name, table): (&SupplierId, &Vec<Vec<i64>>)| {
            (name.clone(), Node::new(setting.config(name), Holding::Table(table.clone()), Dice::new(2)))
        };
        let nodes = setting.federation.tables.iter().map(node).collect();
        let now = Timestamp::from_millis(START);
        Self { turn, now, desk, nodes, inputs: VecDeque::new(), wakes: Vec::new() }
    }

    fn play(mut self, played: &mut Played) {
        let begun = self.desk.start(self.now, &mut || false);
        self.hand_out(begun, played);
        for _ in 0..MOST {
            let input = self.inputs.pop_front().or_else(|| self.wake());
            let Some(input) = input.filter(|_| self.desk.outcome().is_none()) else { break };
            let dispatched = self.desk.give(self.now, input, &mut || false);
            self.hand_out(dispatched, played);
        }
        self.gather_records(played);
    }

    fn wake(&mut self) -> Option<Input> {
        let next = self.wakes.iter().min().copied()?;
        self.wakes.retain(|wake| *wake != next);
        self.now = self.now.max(next);
        Some(Input::Woken)
    }

    fn hand_out(&mut self, dispatched: Vec<Dispatch>, played: &mut Played) {
        for dispatch in dispatched {
            match dispatch {
                Dispatch::Message(to, message) => self.say(&to, message, played),
                Dispatch::Wake(moment) => self.wakes.push(moment),
                Dispatch::Asked(question) => self.inputs.push_back(question.answer()),
                Dispatch::Rejected(_) => {}
            }
        }
    }

    fn say(&mut self, to: &SupplierId, message: CoordinatorMessage, played: &mut Played) {
        played.requests.push(message.clone());
        match (self.turn, &message) {
            (Turn::Vanishes, CoordinatorMessage::Open { .. }) if to.as_str().ends_with('1') => {
                return self.inputs.push_back(Input::Lost(to.clone()));
            }
            (Turn::Void, CoordinatorMessage::Finalise { .. }) => return self.inputs.push_back(Input::AskVoid),
            (Turn::Cancelled, CoordinatorMessage::Pair { .. }) => {
                return self.inputs.push_back(Input::Cancel { by: "duty".to_owned() });
            }
            _ => {}
        }
        let now = self.now;
        let Some(node) = self.nodes.get_mut(to) else { return };
        let sent = node.receive(now, message);
        played.supplier_records.extend(node.durable().map(<[u8]>::to_vec));
        for sent in sent {
            let messages = match sent {
                Sent::Message(message) => vec![message],
                Sent::Table(table) => chunks(&table),
                Sent::Rejected(_) => Vec::new(),
            };
            for message in messages {
                played.answers.push(message.clone());
                self.inputs.push_back(Input::Message { from: to.clone(), message });
            }
        }
    }

    /// What was written is records, and sums right after the record that they are kept beside.
    fn gather_records(&self, played: &mut Played) {
        let mut sum: Option<Vec<u8>> = None;
        let mut written = self.desk.written().iter().peekable();
        while let Some(record) = written.next() {
            let with_sum = |sum: Option<&[u8]>| CombinerRecord::from_bytes(record, sum).is_ok();
            let needs_one = !with_sum(None);
            if let Some(next) = written.next_if(|next| needs_one && with_sum(Some(next))) {
                sum = Some(next.to_vec());
            }
            let kept = sum.clone().filter(|_| needs_one);
            good(CombinerRecord::from_bytes(record, kept.as_deref()));
            played.combiner_records.push((record.to_vec(), kept));
        }
    }
}

fn chunks(table: &Arc<MaskedTable>) -> Vec<SupplierMessage> {
    table.chunks(0, 2).map(SupplierMessage::Chunk).collect()
}

/// Refusals, faults and endings, which no round has that goes well.
fn seldom_said(played: &mut Played) {
    let signature = SETTING.query.signature;
    let peer = there(SETTING.federation.names().pop());
    let faults = [
        AttemptFault::KeysLost,
        AttemptFault::NotReady,
        AttemptFault::RefusesParticipants,
        AttemptFault::GuardRefuses,
        AttemptFault::DisagreesWith { peer, over: Disagreement::Share },
    ];
    let fault = |cause| SupplierMessage::CannotContinue { attempt: Attempt::FIRST, cause };
    played.answers.extend(faults.map(fault));
    played.answers.push(SupplierMessage::Refused { reason: RefusalReason::NotHeld, signature });
    let outcomes = [RoundOutcome::Opened, RoundOutcome::Abandoned, RoundOutcome::Void, RoundOutcome::Spent];
    played.requests.extend(outcomes.map(|outcome| CoordinatorMessage::Ended { outcome }));
}
