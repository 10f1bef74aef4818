//! A random adversary that asks several questions of the same data, of differing scopes and participants, and writes the
//! log: it tries to have totals opened that give somebody away together.

use std::collections::BTreeSet;

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_ledger::IdentityKey;
use optelsom_ledger::entry::{Entry, FinalEntry, ReasonCode, VoidEntry, Vote, Votes};
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, SupplierMessage, VoidVote};

use super::branch::Branch;
use super::search::Finding;
use super::stage::{Cast, Stage};
use crate::dice::Dice;
use crate::federation::{Federation, Size, edition_of};
use crate::questions::Question;
use crate::world::gatekeeper::HostRule;

/// Suppliers of every run: two halves, and one that it is all about.
const SUPPLIERS: usize = 7;

/// In which sets the adversary mostly asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// All, and all but one.
    Pair,
    /// North, South, and the whole, beginning with any.
    Halves,
    /// The same by scopes and questions of their own, each kept from those whom it does not ask.
    Apart,
    /// Whatever comes.
    Any,
}

const PLANS: [Plan; 8] =
    [Plan::Pair, Plan::Pair, Plan::Pair, Plan::Halves, Plan::Halves, Plan::Apart, Plan::Apart, Plan::Any];

/// What this run's adversary leans to; each chance is in a thousand.
#[derive(Clone, Copy, Debug)]
struct Leaning {
    plan: Plan,
    /// Leaves those in league with it out together with the one that it is all about.
    alone: bool,
    /// Asks for the narrow set by a narrow scope, too.
    narrow: u16,
    /// Asks another question, or about another edition.
    vary: u16,
    /// Keeps a question's document from those out of its scope.
    withhold: u16,
    /// Asks without logging the question.
    unlogged: u16,
    /// Asks for votes on participants that it has not logged.
    secretive: u16,
    /// Logs the final certificate.
    shows: u16,
    /// Claims that a query that was opened is void, or that another attempt was final.
    claims: u16,
    /// Logs what was opened once more under other names, and points the final certificate at that.
    renames: u16,
    /// Waives in somebody's name.
    forges: u16,
    /// Has the roster changed on the way; only in runs with a roster that allows for two colluders.
    changes: u16,
    /// Leaves an attempt certified until later.
    delays: u16,
    /// Each voter is asked.
    reach: u16,
}

impl Leaning {
    fn draw(dice: &mut Dice) -> Self {
        let sometimes = |dice: &mut Dice, often: u16, chance: u16| if dice.permille(often) { chance } else { 0 };
        Self {
            plan: dice.pick(&PLANS).copied().unwrap_or(Plan::Any),
            alone: dice.permille(500),
            narrow: dice.pick(&[0, 700, 1000]).copied().unwrap_or(0),
            vary: dice.pick(&[0, 0, 300, 600]).copied().unwrap_or(0),
            withhold: sometimes(dice, 400, 800),
            unlogged: sometimes(dice, 100, 400),
            secretive: sometimes(dice, 350, 700),
            shows: dice.pick(&[0, 500, 1000]).copied().unwrap_or(0),
            claims: sometimes(dice, 400, 700),
            renames: sometimes(dice, 300, 700),
            forges: sometimes(dice, 400, 700),
            changes: 0,
            delays: dice.pick(&[0, 0, 300]).copied().unwrap_or(0),
            reach: dice.pick(&[1000, 1000, 900]).copied().unwrap_or(1000),
        }
    }
}

/// One run with this rule of the hosts taken away, or with all of them.
pub fn run(seed: u64, rule: Option<HostRule>) -> Finding {
    let mut dice = Dice::new(seed);
    let mut campaign = Campaign::set_up(&mut dice, rule);
    let moves = dice.between(3, 6);
    for number in 0..moves {
        campaign.act(u8::try_from(number).unwrap_or(u8::MAX));
        if let Some(violation) = campaign.stage.wiretap.account.violation() {
            return campaign.finding(Some(violation.to_string()));
        }
    }
    campaign.finding(None)
}

struct Campaign {
    dice: Dice,
    stage: Stage,
    leaning: Leaning,
    /// The one that it is all about.
    target: SupplierId,
    /// Which of the planned sets is next.
    turn: usize,
    north: BTreeSet<SupplierId>,
    south: BTreeSet<SupplierId>,
    certified: Vec<Branch>,
    opened: Vec<Branch>,
}

impl Campaign {
    fn set_up(dice: &mut Dice, rule: Option<HostRule>) -> Self {
        let changes = rule == Some(HostRule::LargestCollusion) || dice.permille(100);
        let collusion = if changes { 2 } else { 1 };
        let size = Size { suppliers: SUPPLIERS, collusion, min_suppliers: None, columns: 1, cells: 1 };
        let federation = Federation::new(dice, size);
        let mut names = federation.names();
        dice.shuffle(&mut names);
        let target = names.first().cloned().unwrap_or_else(|| crate::federation::supplier(1));
        let halves = names.get(1..).unwrap_or_default();
        let (north, south) = halves.split_at(halves.len() / 2);
        let colluders = halves.iter().rev().take(collusion).cloned().collect();
        let cast = Cast { colluders, floor: Some(1), ..Cast::default() };
        let (north, south) = (north.iter().cloned().collect(), south.iter().cloned().collect());
        let mut stage = Stage::without_host_rule(federation, cast, rule, dice.fork());
        let mut leaning = Leaning::draw(dice);
        if dice.permille(150) {
            stage.waive(&target);
            // A forged agreement would take the place of the real one, and the target would count again.
            leaning.forges = 0;
        }
        if changes {
            (leaning.vary, leaning.renames, leaning.changes) = (0, 0, 500);
        }
        let (certified, opened) = (Vec::new(), Vec::new());
        let turn = dice.below(6);
        Self { dice: dice.fork(), stage, leaning, target, turn, north, south, certified, opened }
    }

    fn finding(&self, secrecy: Option<String>) -> Finding {
        let broken = self.stage.wiretap.broken_promises().iter().copied().collect();
        Finding { secrecy, broken, opened: self.opened.len() > 1 }
    }

    fn act(&mut self, number: u8) {
        // Once a total stands under the roster that allows for two colluders, one of them leaves: the other roster's c
        // is true, and so is that of both together.
        let two = self.stage.federation.roster.collusion() > 1 && !self.opened.is_empty();
        if two && self.dice.permille(self.leaning.changes) {
            let leaver: Vec<_> = self.stage.cast.colluders.iter().take(1).cloned().collect();
            self.stage.change_roster(&leaver, 1);
        }
        if self.dice.permille(self.leaning.forges) {
            self.forge_waiver();
        }
        if let Some(branch) = self.ask(number).and_then(|(query, listed)| self.certify(query, &listed)) {
            self.certified.push(branch);
        }
        if !self.dice.permille(self.leaning.delays) {
            while let Some(branch) = self.certified.pop() {
                self.open(branch);
            }
        }
        if self.dice.permille(self.leaning.claims) {
            self.claim();
        }
    }

    fn names(&self) -> Vec<SupplierId> {
        self.stage.federation.roster.members().iter().map(|member| member.supplier.clone()).collect()
    }

    /// The sets that the plan is about; none where anything goes.
    fn planned(&self) -> Vec<BTreeSet<SupplierId>> {
        let names = self.names();
        let whole: BTreeSet<_> = names.iter().cloned().collect();
        let mut but_one: BTreeSet<_> = whole.iter().filter(|name| **name != self.target).cloned().collect();
        if self.leaning.alone {
            but_one.retain(|name| !self.stage.cast.colluders.contains(name));
        }
        match self.leaning.plan {
            Plan::Pair => vec![whole, but_one],
            Plan::Halves | Plan::Apart => vec![self.north.clone(), self.south.clone(), whole],
            Plan::Any => Vec::new(),
        }
    }

    /// Whom to ask this time, and who is to be in the sum.
    fn choose(&mut self) -> (Vec<SupplierId>, Vec<SupplierId>) {
        let (names, planned) = (self.names(), self.planned());
        let turn = self.turn.checked_rem(planned.len()).unwrap_or(0);
        self.turn += 1;
        let planned = planned.get(turn).cloned().filter(|_| self.dice.permille(850));
        let mut listed = planned.unwrap_or_else(|| self.dice.some_of(&names, 700).into_iter().collect());
        listed.retain(|name| names.contains(name));
        let narrow = self.leaning.plan == Plan::Apart || self.dice.permille(self.leaning.narrow);
        let least = self.stage.federation.roster.collusion() + 3;
        // A scope may be a little wider than the set: whoever is not listed is said to be away.
        let mut scope: BTreeSet<_> = if narrow { listed.clone() } else { names.iter().cloned().collect() };
        for name in [self.target.clone()].into_iter().chain(names) {
            if scope.len() < least {
                scope.insert(name);
            }
        }
        (scope.into_iter().collect(), listed.into_iter().collect())
    }

    fn ask(&mut self, number: u8) -> Option<(QueryId, Vec<SupplierId>)> {
        let (scope, listed) = self.choose();
        let apart = self.leaning.plan == Plan::Apart;
        let vary = !apart && self.dice.permille(self.leaning.vary);
        let within = |half: &BTreeSet<SupplierId>| apart && listed.iter().all(|name| half.contains(name));
        let question = match () {
            () if vary => self.dice.pick(&Question::ALL).copied().unwrap_or(Question::Suspects),
            () if within(&self.north) => Question::VictimsByBoth,
            () if within(&self.south) => Question::VictimsBySex,
            () => Question::VictimsByYear,
        };
        let edition = if vary && self.dice.permille(300) { edition_of(6) } else { edition_of(12) };
        let least = self.stage.federation.roster.select(&scope).ok()?.least_participants();
        let query = self.stage.federation.put(question, edition, number, &scope, least);
        if apart || self.dice.permille(self.leaning.withhold) {
            let outside = self.stage.honest().into_iter().filter(|name| !scope.contains(name));
            outside.for_each(|name| self.stage.log.withhold(question.hash(), &name));
        }
        let logged = !self.dice.permille(self.leaning.unlogged);
        let id = if logged { self.stage.ask(&query) } else { self.stage.ask_unlogged(&query) }?;
        Some((id, listed))
    }

    /// Has an attempt certified by these, the colluders among them played by the adversary itself.
    fn certify(&mut self, query: QueryId, listed: &[SupplierId]) -> Option<Branch> {
        let (puppets, honest): (Vec<_>, Vec<_>) =
            listed.iter().cloned().partition(|name| self.stage.cast.colluders.contains(name));
        let places: Vec<_> = honest.iter().filter_map(|name| self.stage.join(query, Attempt::FIRST, name)).collect();
        let mut branch = Branch::new(&mut self.stage, query, Attempt::FIRST, places, &puppets);
        let members = branch.honest();
        branch.pair(&mut self.stage, &members);
        branch.exchange(&mut self.stage, &members);
        branch.certify(&mut self.stage, &members);
        branch.is_certified().then_some(branch)
    }

    fn open(&mut self, mut branch: Branch) {
        let honest = self.stage.honest();
        let voters = self.dice.some_of(&honest, self.leaning.reach);
        match self.dice.permille(self.leaning.secretive) {
            true => branch.finalise_unlogged(&mut self.stage, &voters),
            false => branch.finalise(&mut self.stage, &voters),
        };
        if self.dice.permille(self.leaning.renames) {
            let (planned, all) = (self.planned(), self.names());
            let planned = self.dice.pick(&planned).map(|names| names.iter().cloned().collect());
            let mut names: Vec<_> = planned.unwrap_or_else(|| self.dice.some_of(&all, 700));
            names.sort();
            branch.log_final_under(&mut self.stage, &names);
        }
        if self.dice.permille(self.leaning.shows) {
            branch.log_final(&mut self.stage);
        }
        let members = branch.honest();
        let before = self.stage.wiretap.account.size();
        branch.open(&mut self.stage, &members);
        if self.stage.wiretap.account.size() != before {
            self.opened.push(branch);
        }
    }

    /// Logs a void certificate without a quorum for a query that was opened.
    fn claim(&mut self) {
        let at = self.dice.below(self.opened.len());
        let Some(branch) = self.opened.get(at) else { return };
        let (id, Some(query)) = (branch.query, self.stage.log.index_of(&branch.query)) else { return };
        if self.dice.permille(300) {
            let votes = Votes::new(Vec::new());
            let participants = self.stage.log.entries().len() as u64;
            self.stage.log.push(Entry::Final(FinalEntry { query, participants, votes }));
            return;
        }
        let roster = self.stage.scope(id).roster();
        let mut votes: Vec<VoidVote> = Vec::new();
        let members: Vec<_> = self.stage.scope(id).members().iter().map(|member| member.supplier.clone()).collect();
        for supplier in members {
            if let Some(key) = self.stage.federation.keys.get(&supplier).filter(|_| self.colludes(&supplier)) {
                votes.push(VoidVote::sign(key, &id, &roster, supplier));
                continue;
            }
            let answer = self.stage.say(id, &supplier, CoordinatorMessage::Void);
            votes.extend(answer.messages.into_iter().filter_map(|message| match message {
                SupplierMessage::Void { vote } => Some(vote),
                _ => None,
            }));
        }
        let Ok(reason) = ReasonCode::try_from("operators-decided") else { return };
        let vote = |vote: VoidVote| Vote { supplier: vote.supplier, signature: vote.signature };
        let votes = Votes::new(votes.into_iter().map(vote).collect());
        self.stage.log.push(Entry::Void(VoidEntry { query, reason, votes }));
    }

    fn colludes(&self, supplier: &SupplierId) -> bool {
        self.stage.cast.colluders.contains(supplier)
    }

    /// Logs an agreement in which the target waives, signed by a colluder.
    fn forge_waiver(&mut self) {
        let key = self.stage.cast.colluders.iter().find_map(|name| self.stage.federation.keys.get(name)).cloned();
        let key = key.unwrap_or_else(|| IdentityKey::from_seed(&self.dice.bytes()));
        self.stage.log.agreement(&self.target, true, &key);
    }
}
