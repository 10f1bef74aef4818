//! One query in a world with weather, from the question to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{Plan, RefusalReason, SupplierId, Timestamp};
use optelsom_disclosure::{Noise, NoiseSeed, Totals};
use optelsom_ledger::SignedQuery;
use optelsom_secagg::combiner::{Input, Outcome, Policy, Shape};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::{Fault, MaskedTable, Rules, SupplierConfig};

use super::desk::{Accepted, Desk, Dispatch};
use super::node::{Holding, Node, Sent};
use super::schedule::Schedule;
use super::weather::Weather;
use crate::dice::Dice;
use crate::federation::{Federation, START, Size};

const HOUR: u64 = 3_600_000;
/// When operators lose patience with a query that stands still, and ask for void: after any deadline, before expiry.
const PATIENCE: u64 = 6 * HOUR;
/// A run of more events than this has gone round in circles.
const MOST_EVENTS: usize = 200_000;

/// Turns a message into those that leave in its place, each with its sender; see [`World::with_cheat`].
pub type Cheat = Box<dyn FnMut(&SupplierId, SupplierMessage) -> Vec<(SupplierId, SupplierMessage)>>;

/// What a supplier is asked when something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Whether it takes part.
    Ask,
    /// To join.
    Join,
    /// To pair.
    Pair,
    /// To submit.
    Exchange,
    /// To certify.
    Certify,
    /// For its vote.
    Finalise,
    /// For its self-mask.
    Open,
}

impl Moment {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::Ask, Self::Join, Self::Pair, Self::Exchange, Self::Certify, Self::Finalise, Self::Open];

    fn of(message: &CoordinatorMessage) -> Option<Self> {
        match message {
            CoordinatorMessage::Ask { .. } => Some(Self::Ask),
            CoordinatorMessage::Join { .. } => Some(Self::Join),
            CoordinatorMessage::Pair { .. } => Some(Self::Pair),
            CoordinatorMessage::Exchange { .. } => Some(Self::Exchange),
            CoordinatorMessage::Certify { .. } => Some(Self::Certify),
            CoordinatorMessage::Finalise { .. } => Some(Self::Finalise),
            CoordinatorMessage::Open { .. } => Some(Self::Open),
            CoordinatorMessage::RecoverShares { .. } | CoordinatorMessage::Void | CoordinatorMessage::Ended { .. } => {
                None
            }
        }
    }
}

#[derive(Debug)]
enum Event {
    ToSupplier(SupplierId, CoordinatorMessage),
    ToDesk(SupplierId, SupplierMessage),
    Lost(SupplierId),
    Back(SupplierId),
    SupplierUp(SupplierId),
    DeskUp,
    Wake,
    AskVoid,
}

/// A federation, one query, and everything under way between them.
pub struct World {
    /// Keys and tables.
    pub federation: Federation,
    /// The question.
    pub query: SignedQuery,
    /// How badly things go.
    pub weather: Weather,
    /// The coordinator.
    pub desk: Desk,
    /// Everything that came to the coordinator, where it is kept (see [`World::keep_received`]).
    pub received: Vec<(SupplierId, SupplierMessage)>,
    /// What was refused by anybody.
    pub faults: Vec<Fault>,
    nodes: BTreeMap<SupplierId, Node>,
    /// What each supplier adds to its table, where noise is asked for: nobody but the oracle looks here.
    noise: BTreeMap<SupplierId, Vec<Vec<i64>>>,
    /// After so many more messages a supplier is gone for good.
    vanishing: BTreeMap<SupplierId, usize>,
    /// When a supplier is gone for good, or its host is killed and started.
    leaving: BTreeMap<SupplierId, Moment>,
    restarting: BTreeMap<SupplierId, Moment>,
    gone: BTreeSet<SupplierId>,
    refusing: BTreeSet<SupplierId>,
    schedule: Schedule<Event>,
    dice: Dice,
    crashes: usize,
    keep_received: bool,
    cheat: Option<Cheat>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("weather", &self.weather).finish_non_exhaustive()
    }
}

impl World {
    /// A world in which all suppliers of the roster are asked; nothing has happened yet.
    pub fn new(dice: &mut Dice, size: Size, weather: Weather) -> Self {
        Self::with_rules(dice, size, weather, Rules::all(), Rules::all())
    }

    /// As [`World::new`], with these rules for the suppliers and those for the coordinator.
    pub fn with_rules(dice: &mut Dice, size: Size, weather: Weather, rules: Rules, desk_rules: Rules) -> Self {
        let federation = Federation::new(dice, size);
        let names = federation.names();
        let query = federation.ask(1, &names);
        let least = usize::try_from(query.entry.min_suppliers).unwrap_or(usize::MAX);
        let policy = Policy {
            deadline: Timestamp::from_millis(START + HOUR),
            phase_timeout_ms: 120_000,
            resend_ms: 2_000,
            least_participants: least,
        };
        let roster = Arc::clone(&federation.roster);
        let shape = Shape { columns: size.columns, cells: size.cells };
        let desk = Desk::new(Accepted { roster, query: query.clone(), shape, policy, rules: desk_rules });
        let refusing: BTreeSet<_> = names.iter().filter(|_| dice.permille(weather.refusal)).cloned().collect();
        let nodes = names.iter().map(|name| {
            let Some(key) = federation.keys.get(name) else { unreachable!("every supplier has a key") };
            let mut config = SupplierConfig::new(name.clone(), key.clone(), Arc::clone(&federation.roster));
            config.rules = rules;
            let holding = match federation.tables.get(name) {
                Some(table) if !refusing.contains(name) => Holding::Table(table.clone()),
                _ => Holding::Refused(RefusalReason::NotHeld),
            };
            (name.clone(), Node::new(Arc::new(config), holding, dice.fork()))
        });
        let nodes = nodes.collect();
        let mut going = names;
        dice.shuffle(&mut going);
        let vanishing = going.into_iter().take(weather.vanishing).map(|name| (name, dice.below(12))).collect();
        Self {
            federation,
            query,
            weather,
            desk,
            received: Vec::new(),
            faults: Vec::new(),
            nodes,
            noise: BTreeMap::new(),
            vanishing,
            leaving: BTreeMap::new(),
            restarting: BTreeMap::new(),
            gone: BTreeSet::new(),
            refusing,
            schedule: Schedule::new(START),
            dice: dice.fork(),
            crashes: 0,
            keep_received: false,
            cheat: None,
        }
    }

    /// Has every supplier add its share of the noise that this plan asks for, each from a seed of its own.
    ///
    /// # Panics
    /// When the plan asks for none, which is the test's mistake.
    #[must_use]
    pub fn with_noise(mut self, plan: &Plan) -> Self {
        let Some(noise) = Noise::of(plan, self.query.entry.honest_participants()) else {
            unreachable!("a plan with noise")
        };
        for (name, node) in &mut self.nodes {
            let seed = NoiseSeed::new(self.dice.bytes());
            let mut drawn = vec![vec![0; plan.cell_count()]; plan.columns().len()];
            noise.add(&seed, &mut drawn);
            self.noise.insert(name.clone(), drawn);
            node.add_noise(noise.clone(), seed);
        }
        self
    }

    /// What these suppliers' tables come to, with the noise that they have added.
    fn oracle(&self, participants: &[SupplierId]) -> Option<Totals> {
        let mut total = self.federation.total(participants)?;
        for drawn in participants.iter().filter_map(|supplier| self.noise.get(supplier)) {
            for (sum, noise) in total.iter_mut().flatten().zip(drawn.iter().flatten()) {
                *sum = sum.checked_add(*noise)?;
            }
        }
        Some(Totals::new(total))
    }

    /// Keeps everything that comes to the coordinator, for a test that looks at it.
    #[must_use]
    pub fn keep_received(mut self) -> Self {
        self.keep_received = true;
        self
    }

    /// Has everything that suppliers send pass through this first.
    #[must_use]
    pub fn with_cheat(
        mut self,
        cheat: impl FnMut(&SupplierId, SupplierMessage) -> Vec<(SupplierId, SupplierMessage)> + 'static,
    ) -> Self {
        self.cheat = Some(Box::new(cheat));
        self
    }

    /// Lets this supplier be gone for good when it is asked this.
    #[must_use]
    pub fn with_vanishing(mut self, supplier: SupplierId, at: Moment) -> Self {
        self.leaving.insert(supplier, at);
        self
    }

    /// Has this supplier's host die and come back when it is asked this.
    #[must_use]
    pub fn with_restart(mut self, supplier: SupplierId, at: Moment) -> Self {
        self.restarting.insert(supplier, at);
        self
    }

    /// Lets this supplier hold something else than the oracle believes.
    #[must_use]
    pub fn with_holding(mut self, supplier: &SupplierId, holding: Holding) -> Self {
        if let Some(node) = self.nodes.get_mut(supplier) {
            *node = Node::new(Arc::new(node.config().clone()), holding, self.dice.fork());
        }
        self
    }

    /// The suppliers that refuse their data.
    pub fn refusing(&self) -> &BTreeSet<SupplierId> {
        &self.refusing
    }

    /// Lets everything happen until the query has ended.
    ///
    /// # Errors
    /// When it does not end.
    pub fn run(&mut self) -> Result<Outcome, String> {
        self.run_at_most(MOST_EVENTS)
    }

    /// As [`World::run`], for so many events at the most.
    ///
    /// # Errors
    /// When it has not ended by then.
    pub fn run_at_most(&mut self, events: usize) -> Result<Outcome, String> {
        self.schedule.after(0, Event::DeskUp);
        self.schedule.after(PATIENCE, Event::AskVoid);
        for _ in 0..events {
            let Some(event) = self.schedule.pop() else {
                return Err(format!("nothing more happens and the query has not ended; gone: {:?}", self.gone));
            };
            self.happen(event);
            if let Some(outcome) = self.desk.outcome() {
                return Ok(outcome.clone());
            }
        }
        Err("the query goes round in circles".to_owned())
    }

    /// The oracle's verdict on a run that has ended.
    ///
    /// # Errors
    /// When more than one total was released, or an untrue one, or the ending does not fit.
    pub fn judge(&mut self) -> Result<(), String> {
        let outcome = self.desk.outcome().cloned();
        // A desk that is started again announces the same ending, and opens nothing.
        self.desk.kill();
        self.desk.start(self.schedule.now(), &mut || false);
        if self.desk.outcome() != outcome.as_ref() {
            return Err(format!("ended as {outcome:?}, after a restart as {:?}", self.desk.outcome()));
        }
        if self.desk.endings().iter().any(|ending| Some(ending) != outcome.as_ref()) {
            return Err(format!("several endings: {:?}", self.desk.endings()));
        }
        match (self.desk.releases(), &outcome) {
            ([release], Some(Outcome::Opened)) => {
                if self.oracle(&release.participants).is_some_and(|truth| release.totals == truth) {
                    Ok(())
                } else {
                    Err("the opened total is not the true one".to_owned())
                }
            }
            ([], Some(Outcome::Opened)) => Err("ended as opened, and no total was released".to_owned()),
            ([], Some(_)) => Ok(()),
            (releases, outcome) => Err(format!("{} totals were released and the end was {outcome:?}", releases.len())),
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.schedule.now();
        match event {
            Event::ToSupplier(to, message) => self.supplier_receives(now, &to, message),
            Event::ToDesk(from, message) => {
                if self.keep_received {
                    self.received.push((from.clone(), message.clone()));
                }
                self.desk_given(Input::Message { from, message });
            }
            Event::Lost(supplier) => self.desk_given(Input::Lost(supplier)),
            Event::Back(supplier) => self.desk_given(Input::Back(supplier)),
            Event::Wake => self.desk_given(Input::Woken),
            Event::AskVoid => {
                self.desk_given(Input::AskVoid);
                self.schedule.after(HOUR, Event::AskVoid);
            }
            Event::SupplierUp(supplier) => {
                if let Some(node) = self.nodes.get_mut(&supplier) {
                    node.start();
                    self.schedule.after(1, Event::Back(supplier));
                }
            }
            Event::DeskUp => {
                let dispatched = self.desk.start(now, &mut dying(&mut self.dice, &mut self.crashes, self.weather));
                self.dispatch(dispatched);
                let up: Vec<_> = self.nodes.iter().filter(|(_, n)| n.is_up()).map(|(name, _)| name.clone()).collect();
                for supplier in up {
                    self.schedule.after(1 + self.dice.below(50) as u64, Event::Back(supplier));
                }
            }
        }
    }

    fn desk_given(&mut self, input: Input) {
        if self.desk.is_up() {
            let now = self.schedule.now();
            let dispatched = self.desk.give(now, input, &mut dying(&mut self.dice, &mut self.crashes, self.weather));
            self.dispatch(dispatched);
        }
    }

    fn dispatch(&mut self, dispatched: Vec<Dispatch>) {
        for one in dispatched {
            match one {
                Dispatch::Wake(moment) => self.schedule.at(moment, Event::Wake),
                Dispatch::Rejected(fault) => self.faults.push(fault),
                Dispatch::Message(to, message) => {
                    for delay in self.arrivals() {
                        self.schedule.after(delay, Event::ToSupplier(to.clone(), message.clone()));
                    }
                }
            }
        }
        if !self.desk.is_up() {
            self.schedule.after(1 + self.dice.below(usize_of(self.weather.downtime)) as u64, Event::DeskUp);
        }
    }

    fn supplier_receives(&mut self, now: Timestamp, to: &SupplierId, message: CoordinatorMessage) {
        let moment = Moment::of(&message);
        let counted_out = match self.vanishing.get_mut(to) {
            Some(left) => left.checked_sub(1).map(|fewer| *left = fewer).is_none(),
            None => false,
        };
        if counted_out || (moment.is_some() && self.leaving.get(to).copied() == moment) {
            self.vanish(to);
            return;
        }
        let Some(node) = self.nodes.get_mut(to).filter(|node| node.is_up()) else { return };
        if moment.is_some() && self.restarting.get(to).copied() == moment {
            self.restarting.remove(to);
            node.restart();
            self.schedule.after(0, Event::Lost(to.clone()));
            self.schedule.after(1, Event::Back(to.clone()));
            return;
        }
        let sent = node.receive_or_die(now, message, &mut dying(&mut self.dice, &mut self.crashes, self.weather));
        if !node.is_up() {
            let downtime = 1 + self.dice.below(usize_of(self.weather.downtime)) as u64;
            self.schedule.after(0, Event::Lost(to.clone()));
            self.schedule.after(downtime, Event::SupplierUp(to.clone()));
        }
        for one in sent {
            match one {
                Sent::Message(message) => self.send(to, message),
                Sent::Table(table) => self.send_table(to, &table),
                Sent::Rejected(fault) => self.faults.push(fault),
            }
        }
    }

    fn vanish(&mut self, supplier: &SupplierId) {
        if self.gone.insert(supplier.clone()) {
            if let Some(node) = self.nodes.get_mut(supplier) {
                node.kill();
            }
            self.schedule.after(0, Event::Lost(supplier.clone()));
        }
    }

    fn send(&mut self, from: &SupplierId, message: SupplierMessage) {
        for (from, message) in self.cheated(from, message) {
            for delay in self.arrivals() {
                self.schedule.after(delay, Event::ToDesk(from.clone(), message.clone()));
            }
        }
    }

    /// Chunks travel one after the other; where one is lost, so is the rest, as when a connection breaks.
    fn send_table(&mut self, from: &SupplierId, table: &Arc<MaskedTable>) {
        let words = 1 + self.dice.below(5);
        let mut delay = 0;
        let chunks: Vec<_> = table.chunks(0, words).collect();
        for chunk in chunks {
            let Some(arrival) = self.arrivals().into_iter().next() else { return };
            delay += arrival;
            for (from, message) in self.cheated(from, SupplierMessage::Chunk(chunk)) {
                self.schedule.after(delay, Event::ToDesk(from, message));
            }
        }
    }

    fn cheated(&mut self, from: &SupplierId, message: SupplierMessage) -> Vec<(SupplierId, SupplierMessage)> {
        match &mut self.cheat {
            Some(cheat) => cheat(from, message),
            None => vec![(from.clone(), message)],
        }
    }

    /// After which delays a message arrives: none where it is lost.
    fn arrivals(&mut self) -> Vec<u64> {
        let Weather { loss, duplication, slowest, .. } = self.weather;
        let copies = if self.dice.permille(loss) { 0 } else { 1 + usize::from(self.dice.permille(duplication)) };
        (0..copies).map(|_| 1 + self.dice.below(usize_of(slowest)) as u64).collect()
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Says at each effect whether the host dies there.
fn dying<'a>(dice: &'a mut Dice, crashes: &'a mut usize, weather: Weather) -> impl FnMut() -> bool + use<'a> {
    move || {
        let dies = *crashes < weather.crashes && dice.permille(weather.crash);
        *crashes += usize::from(dies);
        dies
    }
}
