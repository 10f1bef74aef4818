//! Sets of codes of one list, as bits.

use crate::code_list::CodeIndex;

/// A set of positions in one code list. Ordered and compared by the positions it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeSet {
    words: Vec<u64>,
    universe: usize,
}

impl CodeSet {
    /// No code of a list that has `universe` codes.
    pub fn empty(universe: usize) -> Self {
        Self { words: vec![0; universe.div_ceil(64)], universe }
    }

    /// Every code of a list that has `universe` codes.
    pub fn full(universe: usize) -> Self {
        Self::empty(universe).complement()
    }

    /// Adds a code; one beyond the list is left out.
    pub fn insert(&mut self, index: CodeIndex) {
        if usize::from(index) < self.universe
            && let Some(word) = self.words.get_mut(usize::from(index) / 64)
        {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether the code is in the set.
    pub fn contains(&self, index: CodeIndex) -> bool {
        self.words.get(usize::from(index) / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// The size of the list that this is a set of.
    pub fn universe(&self) -> usize {
        self.universe
    }

    /// How many codes are in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no code is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether every code of the list is in the set.
    pub fn is_full(&self) -> bool {
        self.len() == self.universe
    }

    /// The positions in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = CodeIndex> + '_ {
        (0..=CodeIndex::MAX).take(self.universe).filter(|&index| self.contains(index))
    }

    /// The codes that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut words: Vec<u64> = self.words.iter().map(|word| !word).collect();
        if let Some(last) = words.last_mut()
            && !self.universe.is_multiple_of(64)
        {
            *last &= (1 << (self.universe % 64)) - 1;
        }
        Self { words, universe: self.universe }
    }

    /// The codes in either set. Both must be of the same list.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a | b)
    }

    /// The codes in both sets. Both must be of the same list.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b)
    }

    fn combine(&self, other: &Self, operation: fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.universe, other.universe);
        let words = self.words.iter().zip(&other.words).map(|(&a, &b)| operation(a, b)).collect();
        Self { words, universe: self.universe }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complement_stays_within_the_list() {
        for universe in [1, 63, 64, 65, 130] {
            let full = CodeSet::full(universe);
            assert_eq!(full.len(), universe);
            assert!(full.is_full() && full.complement().is_empty());
            assert!(!full.contains(130));
        }
    }

    #[test]
    fn holds_what_was_put_in() {
        let mut set = CodeSet::empty(70);
        for index in [69, 3, 70, 3] {
            set.insert(index);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 69]);
        assert_eq!(set.union(&set.complement()), CodeSet::full(70));
        assert!(set.intersection(&set.complement()).is_empty());
    }
}
