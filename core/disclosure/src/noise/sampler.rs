//! Exact sampling with integers alone: no floating point, no table, no approximation.
//!
//! `docs/decisions/0011-noise-exactly.md` derives what is here. In short: a share of noise is X − Y, both negative binomial
//! with shape 1/h and α = e^(−γ), that is P(k) ∝ a_k·α^k with a_k = Π_(1≤i≤k) ((i−1)h + 1)/(ih). The sum of h such shares is
//! the two-sided geometric distribution.

use rand_core::Rng;

use super::Rate;

/// How many participants' shares add up to the two-sided geometric distribution: h, at least 1.
type Shape = std::num::NonZeroU64;

/// A uniform number below `end`, which is at least 1.
fn below(random: &mut impl Rng, end: u64) -> u64 {
    let mask = u64::MAX.checked_shr(end.saturating_sub(1).leading_zeros()).unwrap_or(0);
    loop {
        let drawn = random.next_u64() & mask;
        if drawn < end {
            return drawn;
        }
    }
}

/// True with probability `over`/`under`, which is at most 1.
fn with_probability(random: &mut impl Rng, over: u64, under: u64) -> bool {
    below(random, under) < over
}

/// True with probability e^(−over/under), for a fraction of at most 1 (Canonne, Kamath and Steinke, algorithm 1): the
/// number of successes in a row, each with probability (over/under)/i, is even with just that probability.
fn exp_of_minus_fraction(random: &mut impl Rng, over: u64, under: u64) -> bool {
    let mut i = 1;
    while with_probability(random, over, under) && with_probability(random, 1, i) {
        i += 1;
    }
    i % 2 == 1
}

/// True with probability e^(−over/under).
fn exp_of_minus(random: &mut impl Rng, over: u64, under: u64) -> bool {
    (0..over / under).all(|_| exp_of_minus_fraction(random, 1, 1)) && exp_of_minus_fraction(random, over % under, under)
}

/// A number below `end` (at least 1), with probabilities proportional to a_k.
///
/// From above, each k stops with probability 1/(hk+1). Where each stopped with the larger probability 1/(k+1), the first
/// to stop would be uniform: so such a one is drawn, and kept with the ratio of the two.
fn among_first(random: &mut impl Rng, shape: Shape, end: u64) -> u64 {
    let mut end = end;
    loop {
        let k = below(random, end);
        if k == 0 || with_probability(random, k + 1, shape.get().saturating_mul(k).saturating_add(1)) {
            return k;
        }
        end = k;
    }
}

/// True with probability a_k/a_t, for t ≤ k: none of the indices t+1 … k fails, each of which does so with probability
/// (1 − 1/h)/i. Of those that something befalls with probability 1/i the largest up to k is uniform on 1 … k.
fn none_fails_between(random: &mut impl Rng, shape: Shape, t: u64, k: u64) -> bool {
    let mut end = k;
    while end > t {
        let index = below(random, end) + 1;
        if index <= t {
            return true;
        }
        if !with_probability(random, 1, shape.get()) {
            return false;
        }
        end = index - 1;
    }
    true
}

/// A negative binomial number: P(k) ∝ a_k·α^k.
///
/// By rejection. All numbers are cut into blocks of t ≈ 1/γ. Of the numbers of the first block the envelope is a_k itself;
/// in block v ≥ 1 it is flat, as high as a_k is in the first one on average, times e^(−γtv): no a_k there is higher. All
/// blocks then have one mass, times e^(−γtv). More than a third of what is proposed is taken, whatever γ and h are.
pub(super) fn negative_binomial(random: &mut impl Rng, rate: Rate, shape: Shape) -> u64 {
    let (over, under) = (rate.over(), rate.under());
    let block = (under / over).max(1);
    loop {
        let mut v = 0_u64;
        while exp_of_minus(random, over.saturating_mul(block), under) {
            v += 1;
        }
        if v == 0 {
            let k = among_first(random, shape, block);
            if exp_of_minus(random, over * k, under) {
                return k;
            }
            continue;
        }
        let within = below(random, block);
        // Beyond 2^63 lies nothing that has a chance; a table refuses it.
        let k = v.saturating_mul(block).saturating_add(within);
        // a_t·t is 1/h of the sum of the first t.
        if with_probability(random, 1, shape.get())
            && none_fails_between(random, shape, block, k)
            && exp_of_minus(random, over * within, under)
        {
            return k;
        }
    }
}

/// One participant's share: the difference of two negative binomial numbers.
pub(super) fn share(random: &mut impl Rng, rate: Rate, shape: Shape) -> i64 {
    let mut draw = || i64::try_from(negative_binomial(random, rate, shape)).unwrap_or(i64::MAX);
    let plus = draw();
    plus.saturating_sub(draw())
}
