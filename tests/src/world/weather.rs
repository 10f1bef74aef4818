//! How badly the network and the machines behave in one run, drawn from its seed.

use crate::dice::Dice;

/// Chances in a thousand, times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// A message is lost.
    pub loss: u16,
    /// A message arrives twice.
    pub duplication: u16,
    /// The longest that a message is under way; unequal delays reorder.
    pub slowest: u64,
    /// The longest that the guard or the log takes to answer the coordinator.
    pub slowest_log: u64,
    /// After how long the coordinator repeats a request.
    pub resend: u64,
    /// A host dies at an effect.
    pub crash: u16,
    /// How many crashes one run has at most.
    pub crashes: usize,
    /// The longest that a host stays down.
    pub downtime: u64,
    /// How many suppliers go for good, at a random message of theirs.
    pub vanishing: usize,
    /// A supplier refuses its data.
    pub refusal: u16,
}

impl Weather {
    /// Everybody stays up and every message arrives, once.
    pub fn calm(dice: &mut Dice) -> Self {
        let slowest = 1 + dice.below(400) as u64;
        let (slowest_log, resend) = (slowest, 2_000);
        Self {
            loss: 0,
            duplication: 0,
            slowest,
            slowest_log,
            resend,
            crash: 0,
            crashes: 0,
            downtime: 0,
            vanishing: 0,
            refusal: 0,
        }
    }

    /// Messages are lost, doubled and reordered; everybody stays up.
    pub fn rough(dice: &mut Dice) -> Self {
        let [loss, duplication] = [100, 200].map(|most| u16::try_from(dice.below(most)).unwrap_or(0));
        Self { loss, duplication, slowest: 1 + dice.below(900) as u64, ..Self::calm(dice) }
    }

    /// Hosts die at any effect besides, and come back; some suppliers may go for good or refuse.
    pub fn storm(dice: &mut Dice, vanishing: usize) -> Self {
        let [crash, refusal] = [40, 150].map(|most| u16::try_from(dice.below(most)).unwrap_or(0));
        Self {
            crash: crash + 2,
            crashes: 1 + dice.below(8),
            downtime: 1 + dice.below(8_000) as u64,
            // Sometimes longer than a step may take.
            slowest_log: 1 + dice.pick(&[100, 10_000, 300_000]).map_or(0, |most| dice.below(*most)) as u64,
            vanishing: dice.below(vanishing + 1),
            refusal: if dice.permille(300) { refusal } else { 0 },
            ..Self::rough(dice)
        }
    }
}
