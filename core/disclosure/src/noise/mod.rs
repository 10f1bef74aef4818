//! Noise on request: differential privacy in place of hiding.
//!
//! Each participant adds to each cell a share of noise. The shares of h participants together are two-sided geometric
//! noise, P(z) ∝ α^|z| with α = e^(−γ) and γ = ε/Δ (Ghosh, Roughgarden and Sundararajan, STOC 2009), so h honest ones give
//! the promised ε, whatever others add or leave out; and no total without noise exists anywhere.

mod sampler;
mod spread;

use std::num::NonZeroU64;

use optelsom_codebook::{Column, Plan};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use spread::Spread;

/// γ = ε/Δ of one column, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    over: u64,
    under: u64,
}

impl Rate {
    /// A fraction of two numbers that are not 0.
    fn new(over: u64, under: u64) -> Option<Self> {
        (over > 0 && under > 0).then_some(Self { over, under })
    }

    fn over(self) -> u64 {
        self.over
    }

    fn under(self) -> u64 {
        self.under
    }
}

/// 32 secret random bytes from which one participant's shares for one query are drawn, the same each time. Zeroised when
/// dropped, never printed: whoever knows them can take this participant's noise away.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct NoiseSeed([u8; 32]);

impl NoiseSeed {
    /// Takes 32 fresh, uniform bytes from the operating system's source of randomness.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be kept in a safe place.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for NoiseSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NoiseSeed(secret)")
    }
}

/// The noise that a question asks for: how much of it each column gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// For each column of the plan.
    rates: Vec<Rate>,
    /// h.
    honest: NonZeroU64,
    epsilon: optelsom_codebook::Epsilon,
}

impl Noise {
    /// The noise of a plan of which at least `honest` participants add their shares; none where none is asked for, or nobody
    /// would.
    ///
    /// Each of the C columns gets ε/C, so γ = ε/(C·Δ) with the Δ of its own: a count beside a sum has no more noise than its
    /// own figures need.
    pub fn of(plan: &Plan, honest: u64) -> Option<Self> {
        let (epsilon, honest) = (plan.query().epsilon()?, NonZeroU64::new(honest)?);
        let parts = (plan.columns().len() as u64).checked_mul(1000)?;
        let rate = |column: &Column| {
            let under = plan.sensitivity(column).checked_mul(parts)?;
            Rate::new(u64::from(epsilon.thousandths()), under)
        };
        let rates = plan.columns().iter().map(rate).collect::<Option<Vec<_>>>()?;
        Some(Self { rates, honest, epsilon })
    }

    /// ε of the whole answer.
    pub fn epsilon(&self) -> optelsom_codebook::Epsilon {
        self.epsilon
    }

    /// h: so many participants' shares give the promised ε.
    pub fn honest(&self) -> u64 {
        self.honest.get()
    }

    /// Adds one participant's shares to its figures, column by column. A share that no figure has room for leaves the
    /// largest there is, which no table accepts.
    pub fn add(&self, seed: &NoiseSeed, columns: &mut [Vec<i64>]) {
        let mut random = ChaCha20Rng::from_seed(seed.0);
        for (&rate, figures) in self.rates.iter().zip(columns) {
            for figure in figures {
                *figure = figure.saturating_add(sampler::share(&mut random, rate, self.honest));
            }
        }
    }

    /// How far the figures of a column may lie from the truth, when so many participants add their shares.
    pub fn spread(&self, column: usize, participants: u64) -> Option<Spread> {
        self.rates.get(column).map(|&rate| Spread::new(rate, self.honest, participants))
    }
}

#[cfg(test)]
mod tests;
