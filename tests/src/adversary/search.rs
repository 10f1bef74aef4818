//! A random adversary: it chooses among everything that the messages allow, and after every step the account is asked
//! whether it has learnt a sum that it must not know.

use std::collections::BTreeSet;

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_secagg::Rule;
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, RoundOutcome};

use super::branch::{Branch, Place};
use super::stage::{Cast, Stage};
use crate::dice::Dice;
use crate::federation::{Federation, Size};

/// What one random run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// A sum over a part of the honest suppliers that the adversary could compute.
    pub secrecy: Option<String>,
    /// Promises that an honest supplier broke.
    pub broken: Vec<&'static str>,
    /// Whether the adversary came to know a permitted total.
    pub opened: bool,
}

/// What this run's adversary leans to; each chance is in a thousand.
#[derive(Clone, Copy, Debug)]
struct Leaning {
    /// An honest supplier is put on a list.
    include: u16,
    /// Somebody is told a step.
    reach: u16,
    /// A branch stays on the step that it is on.
    linger: u16,
    /// An honest supplier is replaced by an impostor.
    forge: u16,
    /// A card comes from another attempt or query.
    stale: u16,
    /// A list is shown to those who are not on it, too.
    outsiders: u16,
    /// How likely each of [`Action`] is, relative to the others.
    actions: [usize; 7],
}

impl Leaning {
    fn draw(dice: &mut Dice) -> Self {
        let sometimes = |dice: &mut Dice, often: u16, chance: u16| if dice.permille(often) { chance } else { 0 };
        let weight = |dice: &mut Dice, most: usize| dice.pick(&[0, 0, 1, most]).copied().unwrap_or(0);
        Self {
            include: dice.pick(&[1000, 850, 650]).copied().unwrap_or(1000),
            reach: dice.pick(&[1000, 1000, 850, 600]).copied().unwrap_or(1000),
            linger: dice.pick(&[0, 100, 300]).copied().unwrap_or(0),
            forge: sometimes(dice, 250, 350),
            stale: sometimes(dice, 250, 350),
            outsiders: sometimes(dice, 250, 400),
            actions: [4, 20, weight(dice, 3), weight(dice, 3), weight(dice, 2), weight(dice, 4), weight(dice, 6)],
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Begin,
    Advance,
    Void,
    Restart,
    End,
    Replay,
    OpenEarly,
}

const ACTIONS: [Action; 7] =
    [Action::Begin, Action::Advance, Action::Void, Action::Restart, Action::End, Action::Replay, Action::OpenEarly];

/// The next step of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Pair,
    Exchange,
    Certify,
    Finalise,
    Open,
}

impl Step {
    fn next(self) -> Self {
        match self {
            Self::Pair => Self::Exchange,
            Self::Exchange => Self::Certify,
            Self::Certify => Self::Finalise,
            Self::Finalise | Self::Open => Self::Open,
        }
    }
}

/// One run with this rule taken away, or with all of them.
pub fn run(seed: u64, rule: Option<Rule>) -> Finding {
    let mut dice = Dice::new(seed);
    let Some(mut search) = Search::set_up(&mut dice, rule) else { return Finding::default() };
    let steps = dice.between(25, 70);
    let mut known = (0, 0);
    for _ in 0..steps {
        search.act();
        let knows = search.stage.wiretap.account.size();
        if knows != known {
            known = knows;
            if let Some(violation) = search.stage.wiretap.account.violation() {
                return search.finding(Some(violation.to_string()));
            }
        }
    }
    search.finding(None)
}

struct Search {
    dice: Dice,
    stage: Stage,
    leaning: Leaning,
    queries: Vec<QueryId>,
    branches: Vec<(Branch, Step)>,
    places: Vec<Place>,
}

impl Search {
    fn set_up(dice: &mut Dice, rule: Option<Rule>) -> Option<Self> {
        let size = Size {
            suppliers: dice.between(4, 7),
            collusion: 0,
            min_suppliers: None,
            columns: dice.between(1, 2),
            cells: dice.between(1, 2),
        };
        let (collusion, cast) = draw_cast(dice, size.suppliers, rule);
        let federation = Federation::new(dice, Size { collusion, ..size });
        let mut stage = Stage::new(federation, cast, rule, dice.fork());
        let several = rule == Some(Rule::RoundInSignatures) || dice.permille(200);
        let count = if several { 2 } else { 1 };
        let names = stage.federation.names();
        let mut queries = Vec::new();
        for number in 0..count {
            let least = stage.federation.roster.scope(&names).ok()?.least_participants();
            let min_suppliers = if dice.permille(800) { least } else { dice.between(least, names.len()) };
            let query = stage.federation.ask_at_least(number, &names, min_suppliers);
            queries.push(stage.ask(&query)?);
        }
        let leaning = Leaning::draw(dice);
        Some(Self { dice: dice.fork(), stage, leaning, queries, branches: Vec::new(), places: Vec::new() })
    }

    fn finding(&self, secrecy: Option<String>) -> Finding {
        let broken: BTreeSet<_> = self.stage.wiretap.broken_promises().iter().copied().collect();
        let opened = self.stage.wiretap.account.knows_a_sum();
        Finding { secrecy, broken: broken.into_iter().collect(), opened }
    }

    fn act(&mut self) {
        let total: usize = self.leaning.actions.iter().sum();
        let mut drawn = self.dice.below(total);
        let chosen = ACTIONS.iter().zip(self.leaning.actions).find(|(_, weight)| {
            let here = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            here
        });
        match chosen.map_or(Action::Advance, |(action, _)| *action) {
            Action::Begin => self.begin(),
            Action::Advance if self.branches.is_empty() => self.begin(),
            Action::Advance => self.advance(),
            Action::Void => self.to_some_honest(|_| CoordinatorMessage::Void),
            Action::Restart => self.restart(),
            Action::End => self.end(),
            Action::Replay => self.replay(),
            Action::OpenEarly => self.open_early(),
        }
    }

    /// Begins an attempt: the next one, or another under a number already used.
    fn begin(&mut self) {
        let Some(query) = self.dice.pick(&self.queries).copied() else { return };
        let last = self.branches.iter().filter(|(branch, _)| branch.query == query).map(|(branch, _)| branch.attempt).max();
        let attempt = match last {
            None => Attempt::FIRST,
            Some(last) if self.dice.permille(550) => last.next().unwrap_or(last),
            Some(last) => last,
        };
        let mut honest = Vec::new();
        for supplier in self.stage.honest() {
            let held = self.places.iter().rfind(|place| {
                place.query == query && place.attempt == attempt && place.card.supplier == supplier
            });
            // Asking again, where a card is held already, shows whether an attempt can be joined twice.
            let place = if held.is_some() && self.dice.permille(700) {
                held.cloned()
            } else {
                let joined = self.stage.join(query, attempt, &supplier);
                self.places.extend(joined.clone());
                joined
            };
            honest.extend(place);
        }
        self.list(query, attempt, honest);
    }

    fn list(&mut self, query: QueryId, attempt: Attempt, honest: Vec<Place>) {
        let mut listed = Vec::new();
        let mut puppets = Vec::new();
        for place in honest {
            let supplier = place.card.supplier.clone();
            if !self.dice.permille(self.leaning.include) {
                continue;
            }
            if self.dice.permille(self.leaning.forge) {
                puppets.push(supplier);
            } else if self.dice.permille(self.leaning.stale) {
                let others: Vec<_> = self.places.iter().filter(|other| other.card.supplier == supplier).cloned().collect();
                listed.extend(self.dice.pick(&others).cloned());
            } else {
                listed.push(place);
            }
        }
        let colluders: Vec<_> = self.stage.cast.colluders.iter().cloned().collect();
        puppets.extend(self.dice.some_of(&colluders, 900));
        let branch = Branch::new(&mut self.stage, query, attempt, listed, &puppets);
        self.branches.push((branch, Step::Pair));
    }

    fn advance(&mut self) {
        // The newest attempts are the most promising ones, as a rule.
        let count = self.branches.len();
        let at = if self.dice.permille(600) { count.saturating_sub(1) } else { self.dice.below(count) };
        let honest = self.stage.honest();
        let leaning = self.leaning;
        let Some((branch, step)) = self.branches.get_mut(at) else { return };
        let mut members = branch.honest();
        if self.dice.permille(leaning.outsiders) {
            members = honest.clone();
        }
        let reached = self.dice.some_of(&members, leaning.reach);
        match *step {
            Step::Pair => drop(branch.pair(&mut self.stage, &reached)),
            Step::Exchange => drop(branch.exchange(&mut self.stage, &reached)),
            Step::Certify => drop(branch.certify(&mut self.stage, &reached)),
            Step::Finalise => {
                let voters = self.dice.some_of(&honest, leaning.reach);
                branch.finalise(&mut self.stage, &voters);
            }
            Step::Open => open_some(&mut self.dice, &mut self.stage, branch, leaning.reach),
        }
        if !self.dice.permille(leaning.linger) {
            *step = step.next();
        }
    }

    /// Asks for an opening whatever the state of the branch.
    fn open_early(&mut self) {
        let at = self.dice.below(self.branches.len());
        let reach = self.leaning.reach;
        if let Some((branch, _)) = self.branches.get_mut(at) {
            open_some(&mut self.dice, &mut self.stage, branch, reach);
        }
    }

    fn to_some_honest(&mut self, make: impl Fn(&SupplierId) -> CoordinatorMessage) {
        let Some(query) = self.dice.pick(&self.queries).copied() else { return };
        for supplier in self.dice.some_of(&self.stage.honest(), 600) {
            self.stage.say(query, &supplier, make(&supplier));
        }
    }

    fn restart(&mut self) {
        for supplier in self.dice.some_of(&self.stage.honest(), 400) {
            self.stage.restart(&supplier);
        }
    }

    fn end(&mut self) {
        let outcomes = [RoundOutcome::Opened, RoundOutcome::Abandoned, RoundOutcome::Void, RoundOutcome::Spent];
        let outcome = self.dice.pick(&outcomes).copied().unwrap_or(RoundOutcome::Abandoned);
        let Some(query) = self.dice.pick(&self.queries).copied() else { return };
        if let Some(supplier) = self.dice.pick(&self.stage.honest()) {
            self.stage.end(query, supplier, outcome);
        }
    }

    /// Says again what was said before, perhaps to another.
    fn replay(&mut self) {
        let Some((query, to, message)) = self.dice.pick(self.stage.said()).cloned() else { return };
        let other = self.dice.pick(&self.stage.honest()).cloned();
        let to = if self.dice.permille(700) { Some(to) } else { other };
        let query = if self.dice.permille(800) { Some(query) } else { self.dice.pick(&self.queries).copied() };
        if let (Some(to), Some(query)) = (to, query) {
            self.stage.say(query, &to, message);
        }
    }
}

/// Asks some for their self-masks and others for shares, lying about who has vanished.
fn open_some(dice: &mut Dice, stage: &mut Stage, branch: &mut Branch, reach: u16) {
    let honest = stage.honest();
    let asked = dice.some_of(&honest, reach.min(900));
    branch.open(stage, &asked);
    if dice.permille(600) {
        let everybody: Vec<_> = branch.places.keys().cloned().collect();
        let of = dice.some_of(&everybody, 500);
        let asked = dice.some_of(&honest, reach);
        branch.recover(stage, &asked, &of);
    }
}

/// c of the roster, and who colludes: mostly as many as the roster allows for. Where invented suppliers or a low c come
/// in, honest operators are told to refuse, and the rules must see to it.
fn draw_cast(dice: &mut Dice, suppliers: usize, rule: Option<Rule>) -> (usize, Cast) {
    let most = suppliers.saturating_sub(3).min(3);
    let collusion = dice.between(1, most);
    let mut names: Vec<_> = (1..=suppliers).map(crate::federation::supplier).collect();
    dice.shuffle(&mut names);
    let kind = match rule {
        Some(Rule::AcceptedPeers) => 0,
        Some(Rule::CollusionFloor) => 1,
        _ => dice.below(10),
    };
    match kind {
        0 => {
            let floor = dice.below(collusion + 1);
            let invented = dice.between(1, suppliers.saturating_sub(floor + 1).min(4));
            let colluders: BTreeSet<_> = names.iter().take(floor + invented).cloned().collect();
            let invented = names.iter().take(invented).cloned().collect();
            (collusion, Cast { colluders, invented, floor: Some(floor) })
        }
        1 => {
            let low = dice.below(collusion);
            let colluders = names.iter().take(collusion).cloned().collect();
            (low, Cast { colluders, invented: BTreeSet::new(), floor: Some(collusion) })
        }
        _ => {
            let colluders = names.iter().take(collusion).cloned().collect();
            (collusion, Cast { colluders, invented: BTreeSet::new(), floor: None })
        }
    }
}
