//! A round that goes through every kind of message, and that is told, at every step, what must come to nothing.

use std::collections::BTreeMap;

use optelsom_codebook::SupplierId;
use optelsom_secagg::combiner::{self, Outcome};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::{Entropy, Fault, Party, supplier};

use super::{Event, Federation, name};

/// How a round is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Opened,
    Void,
}

/// Six suppliers, of whom the last refuses its data and the one before vanishes when it is to open.
pub struct Watched {
    pub federation: Federation,
    /// Everything that was said so far.
    pub said: Vec<Event>,
    ending: Ending,
}

impl Watched {
    pub fn new(seed: u64, nonce: [u8; 16], ending: Ending) -> Self {
        let mut federation = Federation::asked(6, 2, 5, seed, nonce);
        federation.nodes.get_mut(&name(5)).unwrap().columns = None;
        federation.chunk = 3;
        federation.combine(combiner::Input::Started);
        Self { federation, said: Vec::new(), ending }
    }

    /// Takes the round to its end; before each event that is delivered, `before` does with it what it likes.
    pub fn run(&mut self, mut before: impl FnMut(&mut Self, &Event)) {
        let mut asked_void = false;
        loop {
            match self.federation.queue.pop_front() {
                Some(Event::ToSupplier(_, CoordinatorMessage::Finalise { .. })) if self.ending == Ending::Void => {}
                Some(Event::ToSupplier(id, CoordinatorMessage::Open { .. })) if id == name(4) => {
                    self.federation.kill(&name(4));
                }
                Some(event) => {
                    before(self, &event);
                    self.said.push(event.clone());
                    self.federation.deliver(event);
                }
                None if self.ending == Ending::Void && !asked_void => {
                    asked_void = true;
                    self.federation.combine(combiner::Input::AskVoid);
                }
                None => return,
            }
        }
    }

    /// That it has ended as if nothing else had been said.
    pub fn ended_well(&self) {
        match self.ending {
            Ending::Opened => {
                assert_eq!(self.federation.ended, [Outcome::Opened]);
                self.federation.opened_the_right_total();
                assert_eq!(self.federation.opened[0].headers.len(), 5);
            }
            Ending::Void => assert!(matches!(self.federation.ended[..], [Outcome::Void { .. }])),
        }
        assert_eq!(self.federation.faults, []);
    }

    /// Hands these over. Nothing may come of them but faults, which name who brought them, a supplier's word that it cannot
    /// go on so, and answers that were given before: no machine is in another state afterwards. Gives back the faults.
    pub fn comes_to_nothing(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Fault> {
        let mut before = BTreeMap::new();
        let mut faults = Vec::new();
        for event in events {
            let (machine, brought_by) = match &event {
                Event::ToSupplier(to, _) => (Some(to.clone()), Party::Coordinator),
                Event::ToCombiner(from, _) => (None, Party::Supplier(from.clone())),
            };
            let state = self.state(machine.as_ref());
            before.entry(machine).or_insert(state);
            let printed = format!("{event:?}");
            for fault in self.tell(event) {
                assert_eq!(fault.party, brought_by, "{fault} after {printed}");
                faults.push(fault);
            }
        }
        for (machine, before) in before {
            let after = self.state(machine.as_ref());
            let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
            let from = |state: &str| state.chars().skip(same.saturating_sub(60)).take(200).collect::<String>();
            assert!(before == after, "{machine:?} was …{}…\nand is …{}…", from(&before), from(&after));
        }
        faults
    }

    /// All that a machine remembers, secrets aside; that somebody has sent something bad belongs to the fault.
    fn state(&self, machine: Option<&SupplierId>) -> String {
        match machine {
            None => format!("{:?}", self.federation.combiner).replace("faulted: true", "faulted: false"),
            Some(supplier) => format!("{:?}", self.federation.nodes[supplier].machine),
        }
    }

    fn tell(&mut self, event: Event) -> Vec<Fault> {
        match event {
            Event::ToCombiner(from, message) => {
                let machine = self.federation.combiner.take().unwrap();
                let (machine, effects) =
                    machine.handle(self.federation.now, combiner::Input::Message { from, message });
                self.federation.combiner = Some(machine);
                let faults = effects.into_iter().filter_map(|effect| match effect {
                    combiner::Effect::Reject(fault) => Some(fault),
                    combiner::Effect::Progress(_) => None,
                    other => panic!("{other:?}"),
                });
                faults.collect()
            }
            Event::ToSupplier(to, message) => {
                let node = self.federation.nodes.get_mut(&to).unwrap();
                // One that has vanished hears nothing.
                let Some(machine) = node.machine.take() else { return Vec::new() };
                let input = supplier::Input::Message { message, entropy: Entropy::new([55; 32]) };
                let (machine, effects) = machine.handle(self.federation.now, input);
                node.machine = Some(machine);
                let faults = effects.into_iter().filter_map(|effect| match effect {
                    supplier::Effect::Reject(fault) => Some(fault),
                    supplier::Effect::Send(message) => {
                        self.was_said_before(&to, message);
                        None
                    }
                    // What was sent with it was said before, so the table was, too.
                    supplier::Effect::SendTable { .. } => None,
                    other => panic!("{other:?}"),
                });
                faults.collect()
            }
        }
    }

    fn was_said_before(&self, by: &SupplierId, message: SupplierMessage) {
        if matches!(message, SupplierMessage::CannotContinue { .. }) {
            return;
        }
        let event = Event::ToCombiner(by.clone(), message);
        let same = |other: &Event| match (other, &event) {
            (Event::ToCombiner(a, one), Event::ToCombiner(b, other)) => a == b && one == other,
            _ => false,
        };
        assert!(self.said.iter().chain(&self.federation.queue).any(same), "a new answer: {event:?}");
    }
}

/// What kind of message it is, and which way it goes.
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::ToSupplier(_, message) => match message {
            CoordinatorMessage::Ask { .. } => "to supplier: ask",
            CoordinatorMessage::Join { .. } => "to supplier: join",
            CoordinatorMessage::Pair { .. } => "to supplier: pair",
            CoordinatorMessage::Exchange { .. } => "to supplier: exchange",
            CoordinatorMessage::Certify { .. } => "to supplier: certify",
            CoordinatorMessage::Finalise { .. } => "to supplier: finalise",
            CoordinatorMessage::Open { .. } => "to supplier: open",
            CoordinatorMessage::RecoverShares { .. } => "to supplier: recover shares",
            CoordinatorMessage::Void => "to supplier: void",
            CoordinatorMessage::Ended { .. } => "to supplier: ended",
        },
        Event::ToCombiner(_, message) => match message {
            SupplierMessage::Ready { .. } => "to combiner: ready",
            SupplierMessage::Refused { .. } => "to combiner: refused",
            SupplierMessage::Card { .. } => "to combiner: card",
            SupplierMessage::Encapsulations { .. } => "to combiner: encapsulations",
            SupplierMessage::Submission { .. } => "to combiner: submission",
            SupplierMessage::Chunk(_) => "to combiner: chunk",
            SupplierMessage::Prepared { .. } => "to combiner: prepared",
            SupplierMessage::Final { .. } => "to combiner: final",
            SupplierMessage::Opening { .. } => "to combiner: opening",
            SupplierMessage::RecoveredShares { .. } => "to combiner: recovered shares",
            SupplierMessage::Void { .. } => "to combiner: void",
            SupplierMessage::CannotContinue { .. } => "to combiner: cannot continue",
        },
    }
}

/// All of them but `cannot continue`, which an undisturbed round does not have.
pub const KINDS: [&str; 21] = [
    "to combiner: card",
    "to combiner: chunk",
    "to combiner: encapsulations",
    "to combiner: final",
    "to combiner: opening",
    "to combiner: prepared",
    "to combiner: ready",
    "to combiner: recovered shares",
    "to combiner: refused",
    "to combiner: submission",
    "to combiner: void",
    "to supplier: ask",
    "to supplier: certify",
    "to supplier: ended",
    "to supplier: exchange",
    "to supplier: finalise",
    "to supplier: join",
    "to supplier: open",
    "to supplier: pair",
    "to supplier: recover shares",
    "to supplier: void",
];

/// Whether both go to the same machine, and to the combiner from the same supplier.
pub fn same_way(one: &Event, other: &Event) -> bool {
    match (one, other) {
        (Event::ToSupplier(a, _), Event::ToSupplier(b, _)) | (Event::ToCombiner(a, _), Event::ToCombiner(b, _)) => {
            a == b
        }
        _ => false,
    }
}
