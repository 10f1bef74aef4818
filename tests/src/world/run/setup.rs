//! How a world is made, and what is to happen in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optelsom_codebook::{Plan, RefusalReason, SupplierId, Timestamp};
use optelsom_disclosure::{Noise, NoiseSeed};
use optelsom_secagg::combiner::{Policy, Shape};
use optelsom_secagg::messages::SupplierMessage;
use optelsom_secagg::{Rules, SupplierConfig};

use super::{HOUR, Moment, World};
use crate::adversary::cheater::{Cheater, Deed};
use crate::dice::Dice;
use crate::federation::{Federation, START, Size};
use crate::world::desk::{Accepted, Desk};
use crate::world::node::{Holding, Node};
use crate::world::schedule::Schedule;
use crate::world::weather::Weather;

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
            resend_ms: weather.resend,
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
            cheaters: Vec::new(),
            distrusted: BTreeSet::new(),
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

    /// Keeps everything that comes to the coordinator, for a test that looks at it.
    #[must_use]
    pub fn keep_received(mut self) -> Self {
        self.keep_received = true;
        self
    }

    /// Has everything that suppliers send pass through this first; in it these cheat, and nobody else.
    #[must_use]
    pub fn with_cheat(
        mut self,
        cheaters: impl IntoIterator<Item = SupplierId>,
        cheat: impl FnMut(&SupplierId, SupplierMessage) -> Vec<(SupplierId, SupplierMessage)> + 'static,
    ) -> Self {
        self.distrusted.extend(cheaters);
        self.cheat = Some(Box::new(cheat));
        self
    }

    /// Has these cheat, each in its way.
    #[must_use]
    pub fn with_cheaters(mut self, cheaters: Vec<Cheater>) -> Self {
        for cheater in &cheaters {
            self.distrusted.insert(cheater.supplier.clone());
            let table = self.federation.tables.get_mut(&cheater.supplier);
            if let Some(cell) = table.and_then(|table| table.first_mut()?.first_mut())
                && cheater.deed == Deed::OtherTable
            {
                // What it commits to is what the oracle holds it to.
                *cell = cell.saturating_add(1);
            }
        }
        self.cheaters = cheaters;
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
}
