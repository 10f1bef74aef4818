//! A random adversary: it chooses among everything that the messages allow, and after every step the account is asked
//! whether it has learnt a sum that it must not know.

use std::collections::BTreeSet;

use optelsom_codebook::{Hash256, QueryId, SupplierId};
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, RoundOutcome};
use optelsom_secagg::{Rule, Rules};

use super::branch::{Branch, Place};
use super::leaning::{Leaning, STRAIGHT, draw_cast};
use super::stage::Stage;
use crate::dice::Dice;
use crate::federation::{Federation, Size, checkpoint};

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

#[derive(Clone, Copy, Debug)]
enum Action {
    /// Begins an attempt and takes it some steps on.
    Conduct,
    Begin,
    Advance,
    Void,
    Restart,
    End,
    Replay,
    OpenEarly,
}

const ACTIONS: [Action; 8] = [
    Action::Conduct,
    Action::Begin,
    Action::Advance,
    Action::Void,
    Action::Restart,
    Action::End,
    Action::Replay,
    Action::OpenEarly,
];

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

/// One run under these rules.
pub fn run(seed: u64, rules: Rules) -> Finding {
    let mut dice = Dice::new(seed);
    let Some(mut search) = Search::set_up(&mut dice, rules) else { return Finding::default() };
    let steps = dice.between(8, 35);
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

/// An attempt, how far it is, and towards which camp it is meant.
struct Conducted {
    branch: Branch,
    step: Step,
    camp: bool,
}

struct Search {
    dice: Dice,
    stage: Stage,
    leaning: Leaning,
    queries: Vec<QueryId>,
    branches: Vec<Conducted>,
    camp: BTreeSet<SupplierId>,
    places: Vec<Place>,
}

impl Search {
    fn set_up(dice: &mut Dice, rules: Rules) -> Option<Self> {
        let size = Size {
            suppliers: dice.between(4, 6),
            collusion: 0,
            min_suppliers: None,
            columns: dice.between(1, 2),
            cells: dice.between(1, 2),
        };
        let (collusion, cast) = draw_cast(dice, size.suppliers, rules);
        let federation = Federation::new(dice, Size { collusion, ..size });
        let mut stage = Stage::new(federation, cast, rules, dice.fork());
        let several = rules.lacks(Rule::RoundInSignatures) || dice.permille(200);
        let count = if several { 2 } else { 1 };
        let mut names = stage.federation.names();
        if rules.lacks(Rule::ScopeSize) || dice.permille(50) {
            names.truncate(collusion + 2);
        }
        let mut queries = Vec::new();
        for number in 0..count {
            let least = stage.federation.roster.select(&names).ok()?.least_participants();
            let min_suppliers = if dice.permille(800) { least } else { dice.between(least, names.len()) };
            let query = stage.federation.ask_at_least(number, &names, min_suppliers);
            queries.push(stage.ask(&query)?);
        }
        let leaning = Leaning::draw(dice);
        let camp = dice.some_of(&names, 500).into_iter().collect();
        Some(Self { dice: dice.fork(), stage, leaning, queries, branches: Vec::new(), camp, places: Vec::new() })
    }

    fn finding(&self, secrecy: Option<String>) -> Finding {
        let broken = self.stage.wiretap.broken_promises().iter().copied().collect();
        let opened = self.stage.wiretap.account.knows_a_sum();
        Finding { secrecy, broken, opened }
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
            Action::Conduct => {
                self.begin();
                let steps = self.dice.pick(&[3, 3, 3, 5, 7, 9]).copied().unwrap_or(5);
                (0..steps).for_each(|_| self.advance(self.branches.len().saturating_sub(1)));
            }
            Action::Begin => self.begin(),
            Action::Advance if self.branches.is_empty() => self.begin(),
            Action::Advance => {
                // The newest attempts are the most promising ones, as a rule.
                let last = self.branches.len().saturating_sub(1);
                let at = if self.dice.permille(400) { last } else { self.dice.below(last + 1) };
                (0..self.dice.between(1, 4)).for_each(|_| self.advance(at));
            }
            Action::Void => self.void(),
            Action::Restart => self.restart(),
            Action::End => self.end(),
            Action::Replay => self.replay(),
            Action::OpenEarly => self.open_early(),
        }
    }

    /// Begins an attempt: the next one, or another under a number already used.
    fn begin(&mut self) {
        let Some(query) = self.dice.pick(&self.queries).copied() else { return };
        let of_query = self.branches.iter().filter(|conducted| conducted.branch.query == query);
        let last = of_query.map(|conducted| conducted.branch.attempt).max();
        let attempt = match last {
            None => Attempt::FIRST,
            Some(last) if self.dice.permille(550) => last.next().unwrap_or(last),
            Some(last) => last,
        };
        let mut honest = Vec::new();
        for supplier in self.stage.honest() {
            let held = self
                .places
                .iter()
                .rfind(|place| place.query == query && place.attempt == attempt && place.card.supplier == supplier);
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
        let include = self.dice.pick(&[1000, self.leaning.include]).copied().unwrap_or(1000);
        let Leaning { forge, stale, misstate, .. } = if self.dice.permille(400) { self.leaning } else { STRAIGHT };
        for place in honest {
            let supplier = place.card.supplier.clone();
            if !self.dice.permille(include) {
                continue;
            }
            if self.dice.permille(forge) {
                puppets.push(supplier);
            } else if self.dice.permille(stale) {
                listed.extend(self.stale(&supplier));
            } else {
                listed.push(place);
            }
        }
        let colluders: Vec<_> = self.stage.cast.colluders.iter().cloned().collect();
        puppets.extend(self.dice.some_of(&colluders, 900));
        let misstated = self.dice.permille(misstate);
        let ground = if misstated { Hash256::of(b"another") } else { checkpoint() };
        let branch = Branch::on_ground(&mut self.stage, query, attempt, listed, &puppets, ground);
        self.branches.push(Conducted { branch, step: Step::Pair, camp: self.dice.permille(500) });
    }

    /// A card of this supplier for another attempt or query: an old one, or one made for it.
    fn stale(&mut self, supplier: &SupplierId) -> Option<Place> {
        let old: Vec<_> = self.places.iter().filter(|place| place.card.supplier == *supplier).cloned().collect();
        if self.dice.permille(300) {
            return self.dice.pick(&old).cloned();
        }
        let query = self.dice.pick(&self.queries).copied()?;
        let last = old.iter().filter(|place| place.query == query).map(|place| place.attempt).max();
        let place = self.stage.join(query, last.map_or(Some(Attempt::FIRST), Attempt::next)?, supplier);
        self.places.extend(place.clone());
        place
    }

    fn advance(&mut self, at: usize) {
        let honest = self.stage.honest();
        let leaning = if self.dice.permille(300) { self.leaning } else { STRAIGHT };
        // Votes and openings are where it pays to tell some and not others.
        let reach = self.leaning.reach;
        let Some(Conducted { branch, step, camp }) = self.branches.get_mut(at) else { return };
        let in_camp = |supplier: &&SupplierId| self.camp.contains(*supplier) == *camp;
        let camp: Vec<_> = honest.iter().filter(in_camp).cloned().collect();
        let towards = if self.dice.permille(self.leaning.camps) { camp } else { honest.clone() };
        let mut members = branch.honest();
        if *step == Step::Pair && self.dice.permille(self.leaning.outsiders) {
            members = honest.clone();
        }
        let reached = self.dice.some_of(&members, leaning.reach);
        match *step {
            Step::Pair => drop(branch.pair(&mut self.stage, &reached)),
            Step::Exchange => {
                branch.exchange(&mut self.stage, &reached);
                for liar in self.dice.some_of(&branch.own(), leaning.misstate) {
                    branch.encapsulate_again(&mut self.stage, &liar, &mut self.dice);
                    branch.exchange(&mut self.stage, &reached);
                }
            }
            Step::Certify => {
                let liars = self.dice.some_of(&branch.own(), leaning.misstate);
                liars.iter().for_each(|liar| branch.misstate(&self.stage, liar));
                branch.certify(&mut self.stage, &reached);
            }
            Step::Finalise if self.dice.permille(self.leaning.skip) => {}
            Step::Finalise => {
                if let Some(one) = self.dice.pick(&members).cloned().filter(|_| self.dice.permille(self.leaning.void)) {
                    self.stage.say(branch.query, &one, CoordinatorMessage::Void);
                }
                let voters = if self.dice.permille(500) { honest } else { towards };
                let share = self.dice.pick(&[1000, 1000, reach]).copied().unwrap_or(reach);
                let voters = self.dice.some_of(&voters, share);
                branch.finalise(&mut self.stage, &voters);
            }
            Step::Open => open_some(&mut self.dice, &mut self.stage, branch, &towards, reach),
        }
        if !self.dice.permille(leaning.linger) {
            *step = step.next();
        }
    }

    /// Asks for an opening whatever the state of the branch.
    fn open_early(&mut self) {
        let at = self.dice.below(self.branches.len());
        let (honest, reach) = (self.stage.honest(), self.leaning.reach);
        if let Some(Conducted { branch, .. }) = self.branches.get_mut(at) {
            open_some(&mut self.dice, &mut self.stage, branch, &honest, reach);
        }
    }

    /// Has some honest suppliers declare void, or one alone.
    fn void(&mut self) {
        let Some(query) = self.dice.pick(&self.queries).copied() else { return };
        let honest = self.stage.honest();
        let one = self.dice.pick(&honest).cloned().into_iter().collect();
        let asked = if self.dice.permille(700) { one } else { self.dice.some_of(&honest, 600) };
        for supplier in asked {
            self.stage.say(query, &supplier, CoordinatorMessage::Void);
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
fn open_some(dice: &mut Dice, stage: &mut Stage, branch: &mut Branch, towards: &[SupplierId], reach: u16) {
    let share = dice.pick(&[1000, reach, 500]).copied().unwrap_or(reach);
    let asked = dice.some_of(towards, share);
    branch.open(stage, &asked);
    if dice.permille(700) {
        let everybody: Vec<_> = branch.places.keys().cloned().collect();
        let silent = everybody.iter().filter(|supplier| !asked.contains(supplier)).cloned().collect();
        let of = dice.pick(&[silent, everybody]).cloned().unwrap_or_default();
        branch.recover(stage, &asked, &of);
    }
}
