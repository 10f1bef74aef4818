//! Arithmetic modulo the prime 2^61 − 1, over which ranks are taken: a small integer combination that vanishes over the
//! integers vanishes here too, and one that doesn't would have to be a multiple of this prime.

use std::ops::{Add, Mul, Neg, Sub};

const PRIME: u64 = (1 << 61) - 1;

/// A residue modulo 2^61 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Residue(u64);

impl Residue {
    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(1);

    /// The inverse; of 0 it is 0.
    #[must_use]
    pub fn inverse(self) -> Self {
        let (mut base, mut power, mut exponent) = (self, Self::ONE, PRIME - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = power * base;
            }
            base = base * base;
            exponent >>= 1;
        }
        power
    }
}

impl Add for Residue {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0) % PRIME)
    }
}

impl Sub for Residue {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self((self.0 + PRIME - other.0) % PRIME)
    }
}

impl Neg for Residue {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Residue {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0) % u128::from(PRIME);
        Self(u64::try_from(product).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{PRIME, Residue};

    #[test]
    fn every_residue_but_zero_has_an_inverse() {
        for value in [1, 2, 3, 1_000_003, PRIME - 1] {
            assert_eq!(Residue(value) * Residue(value).inverse(), Residue::ONE, "{value}");
        }
        assert_eq!(Residue::ONE - Residue::ONE, Residue::ZERO);
        assert_eq!(-Residue::ONE + Residue::ONE, Residue::ZERO);
    }
}
