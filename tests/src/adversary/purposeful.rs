//! Adversaries that do not search: each goes straight for a secret that a rule keeps, or several that back each other up.

use std::collections::BTreeSet;

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_ledger::entry::{Entry, ReasonCode, VoidEntry, Vote, Votes};
use optelsom_secagg::Rules;
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, SupplierMessage, VoidVote};

use super::branch::Branch;
use super::search::Finding;
use super::stage::{Cast, Stage};
use crate::dice::Dice;
use crate::federation::{Federation, Size, edition, supplier};
use crate::questions::Question;
use crate::world::gatekeeper::HostRule;

/// Suppliers of every run. The first is the one that it is all about, the last ones are in league.
const SUPPLIERS: usize = 7;

fn set_up(collusion: usize, rules: Rules, host_rule: Option<HostRule>) -> Stage {
    let mut dice = Dice::new(1);
    let size = Size { suppliers: SUPPLIERS, collusion, min_suppliers: None, columns: 1, cells: 1 };
    let federation = Federation::new(&mut dice, size);
    let colluders = (SUPPLIERS - collusion + 1..=SUPPLIERS).map(supplier).collect();
    let cast = Cast { colluders, ..Cast::default() };
    Stage::under(federation, cast, rules, host_rule, dice)
}

/// Asks everybody.
fn ask(stage: &mut Stage, number: u8) -> Option<QueryId> {
    let names = stage.federation.names();
    let least = stage.federation.roster.select(&names).ok()?.least_participants();
    let query = stage.federation.put(Question::VictimsByYear, edition(), number, &names, least);
    stage.ask(&query)
}

/// Has an attempt over these certified, if honest suppliers go along.
fn certify(stage: &mut Stage, query: QueryId, listed: &BTreeSet<SupplierId>) -> Option<Branch> {
    let (puppets, honest): (Vec<_>, Vec<_>) =
        listed.iter().cloned().partition(|name| stage.cast.colluders.contains(name));
    let places: Vec<_> = honest.iter().filter_map(|name| stage.join(query, Attempt::FIRST, name)).collect();
    let mut branch = Branch::new(stage, query, Attempt::FIRST, places, &puppets);
    branch.pair(stage, &honest);
    branch.exchange(stage, &honest);
    branch.certify(stage, &honest);
    branch.is_certified().then_some(branch)
}

/// Has all honest suppliers vote and those who take part open, if they go along.
fn open(stage: &mut Stage, mut branch: Branch) {
    let (voters, members) = (stage.honest(), branch.honest());
    branch.finalise(stage, &voters);
    branch.open(stage, &members);
}

fn finding(stage: &Stage) -> Finding {
    let account = &stage.wiretap.account;
    Finding {
        secrecy: account.violation().map(|violation| violation.to_string()),
        broken: stage.wiretap.broken_promises().iter().copied().collect(),
        opened: account.knows_a_sum(),
    }
}

/// Has a total opened over one honest supplier and those in league, without this rule of the hosts.
pub fn alone(rules: Rules, host_rule: Option<HostRule>) -> Finding {
    let mut stage = set_up(2, rules, host_rule);
    let listed = stage.cast.colluders.iter().cloned().chain([supplier(1)]).collect();
    let branch = ask(&mut stage, 1).and_then(|query| certify(&mut stage, query, &listed));
    if let Some(branch) = branch {
        open(&mut stage, branch);
    }
    finding(&stage)
}

/// When honest suppliers are asked to declare a query void that is opened all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voided {
    /// Before it is made final.
    First,
    /// After it is opened.
    Last,
}

/// Has a total opened over all, shows a certificate that it is void, so that the guard forgets it, and has another opened
/// over all but one.
pub fn forgotten(rules: Rules, voided: Voided) -> Finding {
    let mut stage = set_up(1, rules, None);
    let mut all: BTreeSet<_> = stage.federation.names().into_iter().collect();
    let Some((query, branch)) = ask(&mut stage, 1).and_then(|query| Some((query, certify(&mut stage, query, &all)?)))
    else {
        return finding(&stage);
    };
    if voided == Voided::First {
        let votes = void_votes(&mut stage, query);
        open(&mut stage, branch);
        log_void(&mut stage, query, votes);
    } else {
        open(&mut stage, branch);
        let votes = void_votes(&mut stage, query);
        log_void(&mut stage, query, votes);
    }
    all.remove(&supplier(1));
    let branch = ask(&mut stage, 2).and_then(|query| certify(&mut stage, query, &all));
    if let Some(branch) = branch {
        open(&mut stage, branch);
    }
    finding(&stage)
}

fn void_votes(stage: &mut Stage, query: QueryId) -> Vec<VoidVote> {
    let roster = stage.scope(query).roster();
    let colluders =
        stage.cast.colluders.iter().filter_map(|name| Some((name.clone(), stage.federation.keys.get(name)?)));
    let mut votes: Vec<_> = colluders.map(|(name, key)| VoidVote::sign(key, &query, &roster, name)).collect();
    for name in stage.honest() {
        let answer = stage.say(query, &name, CoordinatorMessage::Void);
        votes.extend(answer.messages.into_iter().filter_map(|message| match message {
            SupplierMessage::Void { vote } => Some(vote),
            _ => None,
        }));
    }
    votes.sort_by(|one, other| one.supplier.cmp(&other.supplier));
    votes
}

fn log_void(stage: &mut Stage, query: QueryId, votes: Vec<VoidVote>) {
    let Some(query) = stage.log.index_of(&query) else { return };
    let Ok(reason) = ReasonCode::try_from("operators-decided") else { return };
    let votes = votes.into_iter().map(|vote| Vote { supplier: vote.supplier, signature: vote.signature });
    stage.log.push(Entry::Void(VoidEntry { query, reason, votes: Votes::new(votes.collect()) }));
}
