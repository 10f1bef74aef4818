//! One query in a world with weather, from the question to its end.

mod moment;
mod setup;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{SupplierId, Timestamp};
use optelsom_ledger::SignedQuery;
use optelsom_secagg::combiner::{Input, Outcome};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::{Fault, MaskedTable};

use super::desk::{Desk, Dispatch, Question};
use super::node::{Node, Sent};
use super::schedule::Schedule;
use super::weather::Weather;
use crate::adversary::cheater::Cheater;
use crate::dice::Dice;
use crate::federation::Federation;

pub use moment::Moment;

const HOUR: u64 = 3_600_000;
/// When operators lose patience with a query that stands still, and ask for void: after any deadline, before expiry.
const PATIENCE: u64 = 2 * HOUR;
/// A run of more events than this has gone round in circles.
const MOST_EVENTS: usize = 200_000;

/// Turns a message into those that leave in its place, each with its sender; see [`World::with_cheat`].
pub type Cheat = Box<dyn FnMut(&SupplierId, SupplierMessage) -> Vec<(SupplierId, SupplierMessage)>>;

#[derive(Debug)]
enum Event {
    ToSupplier(SupplierId, CoordinatorMessage),
    ToDesk(SupplierId, SupplierMessage),
    Lost(SupplierId),
    Back(SupplierId),
    SupplierUp(SupplierId),
    DeskUp,
    /// The guard or the log answers the desk in the life in which it asked.
    Answered(usize, Question),
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
    /// What was refused by anybody honest.
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
    /// Those who cheat, each with its deed.
    pub cheaters: Vec<Cheater>,
    /// The same, and those of `cheat`: what their machines complain of is nobody's fault.
    distrusted: BTreeSet<SupplierId>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("weather", &self.weather).finish_non_exhaustive()
    }
}

impl World {
    /// The suppliers that refuse their data.
    pub fn refusing(&self) -> &BTreeSet<SupplierId> {
        &self.refusing
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.schedule.now()
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
            Event::Answered(life, question) => {
                if self.desk.lives() == life {
                    self.desk_given(question.answer());
                }
            }
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
                Dispatch::Asked(question) => {
                    let delay = 1 + self.dice.below(usize_of(self.weather.slowest_log)) as u64;
                    self.schedule.after(delay, Event::Answered(self.desk.lives(), question));
                }
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
                Sent::Rejected(fault) if !self.distrusted.contains(to) => self.faults.push(fault),
                Sent::Rejected(_) => {}
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
        let mut said = match &mut self.cheat {
            Some(cheat) => cheat(from, message),
            None => vec![(from.clone(), message)],
        };
        for cheater in &mut self.cheaters {
            said = said.into_iter().flat_map(|(from, message)| cheater.pass(&from, message)).collect();
        }
        said
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
