//! What can be computed from known linear combinations of unknowns: a row space kept in echelon form.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::field::Residue;

/// A linear combination of unknowns, without zero coefficients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination<U: Ord + Clone>(BTreeMap<U, Residue>);

impl<U: Ord + Clone> Default for Combination<U> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<U: Ord + Clone> Combination<U> {
    /// One unknown by itself.
    pub fn single(unknown: U) -> Self {
        Self(BTreeMap::from([(unknown, Residue::ONE)]))
    }

    /// The sum of these unknowns.
    pub fn sum(unknowns: impl IntoIterator<Item = U>) -> Self {
        let mut sum = Self::default();
        unknowns.into_iter().for_each(|unknown| sum.add(unknown, Residue::ONE));
        sum
    }

    /// Adds `factor` times an unknown.
    pub fn add(&mut self, unknown: U, factor: Residue) {
        let value = self.0.get(&unknown).copied().unwrap_or(Residue::ZERO) + factor;
        if value == Residue::ZERO {
            self.0.remove(&unknown);
        } else {
            self.0.insert(unknown, value);
        }
    }

    /// The unknowns in it.
    pub fn unknowns(&self) -> impl Iterator<Item = &U> {
        self.0.keys()
    }

    /// The same combination of unknowns by other names, under which they sort otherwise; no two get the same.
    pub fn renamed<V: Ord + Clone>(&self, name: impl Fn(&U) -> V) -> Combination<V> {
        Combination(self.0.iter().map(|(unknown, factor)| (name(unknown), *factor)).collect())
    }

    fn leading(&self) -> Option<(&U, Residue)> {
        self.0.first_key_value().map(|(unknown, factor)| (unknown, *factor))
    }

    fn subtract(&mut self, other: &Self, factor: Residue) {
        other.0.iter().for_each(|(unknown, value)| self.add(unknown.clone(), -(factor * *value)));
    }

    fn scale(&mut self, factor: Residue) {
        self.0.values_mut().for_each(|value| *value = *value * factor);
    }
}

/// All combinations that follow from those learnt so far. Each row's first unknown, in their order, is its own alone
/// among the rows, so the rows that begin at or after some unknown span all that can be said about the unknowns from
/// there on without those before.
#[derive(Clone, Debug)]
pub struct Span<U: Ord + Clone>(BTreeMap<U, Combination<U>>);

impl<U: Ord + Clone> Default for Span<U> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<U: Ord + Clone> Span<U> {
    /// Learns the value of a combination. False if it followed from what was known.
    pub fn learn(&mut self, mut row: Combination<U>) -> bool {
        self.reduce(&mut row);
        let Some((unknown, factor)) = row.leading() else { return false };
        let unknown = unknown.clone();
        row.scale(factor.inverse());
        self.0.insert(unknown, row);
        true
    }

    /// Whether the value of a combination follows from what is known.
    pub fn knows(&self, mut row: Combination<U>) -> bool {
        self.reduce(&mut row);
        row.leading().is_none()
    }

    /// The rows that begin with such an unknown. Where all such unknowns sort last, these span all that is known about
    /// them alone.
    pub fn rows_from(&self, such: impl Fn(&U) -> bool) -> impl Iterator<Item = &Combination<U>> {
        self.0.iter().filter(move |(unknown, _)| such(unknown)).map(|(_, row)| row)
    }

    fn reduce(&self, row: &mut Combination<U>) {
        let mut after: Option<U> = None;
        loop {
            let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = row.0.range((start, Bound::Unbounded)).next();
            let Some((unknown, factor)) = next.map(|(unknown, factor)| (unknown.clone(), *factor)) else { return };
            if let Some(pivot) = self.0.get(&unknown) {
                row.subtract(pivot, factor);
            }
            after = Some(unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Residue;
    use super::{Combination, Span};

    fn difference(plus: u8, minus: u8) -> Combination<u8> {
        let mut row = Combination::single(plus);
        row.add(minus, -Residue::ONE);
        row
    }

    #[test]
    fn a_chain_of_differences_gives_the_difference_of_its_ends_and_no_end() {
        let mut span = Span::default();
        assert!(span.learn(difference(1, 2)));
        assert!(span.learn(difference(2, 3)));
        assert!(!span.learn(difference(1, 3)));
        assert!(span.knows(difference(3, 1)));
        assert!(!span.knows(Combination::single(3)));
        assert!(span.learn(Combination::single(2)));
        assert!(span.knows(Combination::single(1)) && span.knows(Combination::single(3)));
    }

    #[test]
    fn what_is_known_of_the_later_unknowns_is_separated_from_the_earlier_ones() {
        let mut span = Span::default();
        span.learn(Combination::sum([1, 10]));
        span.learn(Combination::sum([1, 11]));
        assert_eq!(span.rows_from(|unknown| *unknown >= 10).count(), 1);
        assert!(span.knows(difference(10, 11)));
        span.learn(Combination::single(1));
        assert_eq!(span.rows_from(|unknown| *unknown >= 10).count(), 2);
    }
}
