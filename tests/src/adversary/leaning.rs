//! What the adversary of one random run is like: to what it leans, and who is in league with it.

use std::collections::BTreeSet;

use optelsom_secagg::{Rule, Rules};

use super::stage::Cast;
use crate::dice::Dice;

/// What this run's adversary leans to; each chance is in a thousand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaning {
    /// An honest supplier is put on a list.
    pub(super) include: u16,
    /// Somebody is told a step.
    pub(super) reach: u16,
    /// A branch stays on the step that it is on.
    pub(super) linger: u16,
    /// An honest supplier is replaced by an impostor.
    pub(super) forge: u16,
    /// A card comes from another attempt or query.
    pub(super) stale: u16,
    /// A list is shown to those who are not on it, too.
    pub(super) outsiders: u16,
    /// Colluders name another checkpoint, sign for other participants, or encapsulate twice.
    pub(super) misstate: u16,
    /// Somebody declares void while an attempt is voted on.
    pub(super) void: u16,
    /// An attempt is opened without a vote.
    pub(super) skip: u16,
    /// Each attempt is finalised or opened towards one of two camps of the suppliers only.
    pub(super) camps: u16,
    /// How likely each action is, relative to the others.
    pub(super) actions: [usize; 8],
}

/// Nobody forged, nothing stale, everybody told.
pub(super) const STRAIGHT: Leaning = Leaning {
    include: 1000,
    reach: 1000,
    linger: 0,
    forge: 0,
    stale: 0,
    outsiders: 0,
    misstate: 0,
    void: 0,
    skip: 0,
    camps: 0,
    actions: [1; 8],
};

impl Leaning {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let sometimes = |dice: &mut Dice, often: u16, chance: u16| if dice.permille(often) { chance } else { 0 };
        let rarely = |dice: &mut Dice| dice.pick(&[0, 0, 0, 1, 2]).copied().unwrap_or(0);
        Self {
            include: dice.pick(&[1000, 800, 600]).copied().unwrap_or(1000),
            reach: dice.pick(&[1000, 1000, 1000, 850, 600]).copied().unwrap_or(1000),
            linger: dice.pick(&[0, 100, 300]).copied().unwrap_or(0),
            forge: sometimes(dice, 250, 350),
            stale: sometimes(dice, 300, 350),
            outsiders: sometimes(dice, 250, 400),
            misstate: sometimes(dice, 200, 400),
            void: sometimes(dice, 250, 400),
            skip: sometimes(dice, 250, 700),
            camps: sometimes(dice, 600, 1000),
            actions: [8, 2, 6, rarely(dice), rarely(dice), rarely(dice) / 2, rarely(dice), rarely(dice)],
        }
    }
}

/// c of the roster, and who colludes: mostly as many as the roster allows for. Where invented suppliers or a low c come
/// in, honest operators are told to refuse, and the rules must see to it.
pub(super) fn draw_cast(dice: &mut Dice, suppliers: usize, rules: Rules) -> (usize, Cast) {
    let most = suppliers.saturating_sub(3).min(3);
    let collusion = dice.between(1, most);
    let mut names: Vec<_> = (1..=suppliers).map(crate::federation::supplier).collect();
    dice.shuffle(&mut names);
    let kind = match () {
        () if rules.lacks(Rule::AcceptedPeers) => 0,
        () if rules.lacks(Rule::CollusionFloor) => 1,
        () => dice.below(20),
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
