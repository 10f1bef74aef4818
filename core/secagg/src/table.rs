//! A supplier's own table: counted, committed to, masked.

use std::fmt;
use std::sync::Arc;

use curve25519_dalek::RistrettoPoint;
use optelsom_disclosure::{Noise, NoiseSeed};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::generators::Generators;
use crate::messages::{Attempt, TableChunk};

/// B: the largest magnitude of a cell, such that the sum over all suppliers of a scope cannot wrap: n·B < 2^63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound(u64);

impl Bound {
    /// B for a scope of `n` suppliers.
    pub fn for_suppliers(n: usize) -> Self {
        Self((i64::MAX as u64) / (n.max(1) as u64))
    }

    /// Its magnitude.
    pub fn magnitude(self) -> u64 {
        self.0
    }
}

/// Why counts are no table. Names places, never values.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OutOfBounds {
    /// A cell beyond the bound. It is never clipped.
    #[error(
        "column {column}, cell {cell}: the figure is larger than a sum over all suppliers can hold; nothing was sent"
    )]
    Cell {
        /// Which column, from 0.
        column: usize,
        /// Which cell, from 0.
        cell: usize,
    },
    /// A column of another length than the plan's.
    #[error("column {column} has {found} cells where the plan has {wanted}")]
    Length {
        /// Which column, from 0.
        column: usize,
        /// How many cells it has.
        found: usize,
        /// How many the plan has.
        wanted: usize,
    },
}

/// What one supplier counted: columns of cells, each within the bound. Zeroised when dropped, never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct LocalTable {
    cells: usize,
    columns: Vec<Vec<i64>>,
    #[zeroize(skip)]
    bound: Bound,
}

impl LocalTable {
    /// Takes columns of `cells` figures each, none of a magnitude beyond the bound (see [`Bound::for_suppliers`]).
    ///
    /// # Errors
    /// When a column has another length, or a figure is out of bounds; the figures are zeroised then.
    pub fn new(cells: usize, columns: Vec<Vec<i64>>, bound: Bound) -> Result<Self, OutOfBounds> {
        let table = Self { cells, columns, bound };
        for (column, figures) in table.columns.iter().enumerate() {
            if figures.len() != cells {
                return Err(OutOfBounds::Length { column, found: figures.len(), wanted: cells });
            }
            if let Some(cell) = figures.iter().position(|figure| figure.unsigned_abs() > bound.0) {
                return Err(OutOfBounds::Cell { column, cell });
            }
        }
        Ok(table)
    }

    /// The same table with one participant's noise added to each figure.
    ///
    /// # Errors
    /// When a figure is out of bounds then; the figures are zeroised.
    pub fn with_noise(mut self, noise: &Noise, seed: &NoiseSeed) -> Result<Self, OutOfBounds> {
        noise.add(seed, &mut self.columns);
        Self::new(self.cells, std::mem::take(&mut self.columns), self.bound)
    }

    /// m: how many cells each column has.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// How many columns there are.
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// The figures, column by column: for the supplier's own preview, and for masking.
    pub fn columns(&self) -> &[Vec<i64>] {
        &self.columns
    }

    /// The bound that was kept to.
    pub fn bound(&self) -> Bound {
        self.bound
    }
}

impl fmt::Debug for LocalTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LocalTable({} columns of {} cells, secret)", self.columns.len(), self.cells)
    }
}

/// A local table with the part of its commitments that is the same in every attempt: Σ_j x_j G_j for each column.
///
/// Making it is a node's dearest step, and takes a time that depends on the figures: do it once per query, before the
/// node says ready, away from the network's path.
pub struct PreparedTable {
    table: LocalTable,
    points: Vec<RistrettoPoint>,
}

impl PreparedTable {
    /// Computes the points.
    pub fn new(table: LocalTable, generators: &Generators) -> Self {
        let bases = generators.first(table.cells);
        let columns: Vec<&[i64]> = table.columns.iter().map(Vec::as_slice).collect();
        let points = crate::commitment::sums_of_multiples(&columns, &bases);
        Self { table, points }
    }

    /// The table.
    pub fn table(&self) -> &LocalTable {
        &self.table
    }

    pub(crate) fn points(&self) -> &[RistrettoPoint] {
        &self.points
    }
}

impl Drop for PreparedTable {
    fn drop(&mut self) {
        // Unblinded, a point tells a guess from a miss.
        self.points.zeroize();
    }
}

impl fmt::Debug for PreparedTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Prepared{:?}", self.table)
    }
}

/// A masked table, which goes to the coordinator in chunks, byte for byte the same each time.
#[derive(PartialEq, Eq)]
pub struct MaskedTable {
    attempt: Attempt,
    words: Vec<u64>,
}

impl MaskedTable {
    pub(crate) fn new(attempt: Attempt, words: Vec<u64>) -> Self {
        Self { attempt, words }
    }

    /// The attempt that it was masked for.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// All words, one column after the other.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The table from word `from_word` on, in chunks of `words_per_chunk` (at least 1) words.
    pub fn chunks(
        self: &Arc<Self>,
        from_word: u64,
        words_per_chunk: usize,
    ) -> impl Iterator<Item = TableChunk> + use<> {
        let table = Arc::clone(self);
        let step = words_per_chunk.max(1);
        let start = usize::try_from(from_word).unwrap_or(usize::MAX).min(table.words.len());
        (start..table.words.len()).step_by(step).map(move |at| {
            let words = table.words.iter().skip(at).take(step).copied().collect();
            TableChunk { attempt: table.attempt, offset: at as u64, words }
        })
    }
}

impl fmt::Debug for MaskedTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MaskedTable(attempt {}, {} words)", self.attempt, self.words.len())
    }
}

/// What tells the digest of a masked table from any other use of BLAKE3.
const CONTEXT: &str = "optelsom/1 masked table";
/// So many words are hashed at a time: as many bytes as BLAKE3 takes at once.
const RUN: usize = 2048;

/// The digest of a masked table, taken as its words come in: BLAKE3 in its mode for deriving keys, over 8 bytes a word.
#[derive(Clone, Debug)]
pub(crate) struct TableDigest(blake3::Hasher);

impl TableDigest {
    /// Starts the digest of a table.
    pub(crate) fn new() -> Self {
        Self(blake3::Hasher::new_derive_key(CONTEXT))
    }

    /// Adds words, each as 8 bytes, lowest first.
    pub(crate) fn update(&mut self, words: &[u64]) {
        let mut bytes = [0; RUN * 8];
        for run in words.chunks(RUN) {
            for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(run) {
                *place = word.to_le_bytes();
            }
            self.0.update(bytes.get(..run.len() * 8).unwrap_or_default());
        }
    }

    pub(crate) fn finish(&self) -> optelsom_codebook::Hash256 {
        optelsom_codebook::Hash256::from_bytes(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_digest_is_of_the_words_and_not_of_how_they_come() {
        let words: Vec<u64> = (0..10_000_u64).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let digest = |parts: &[&[u64]]| {
            let mut digest = TableDigest::new();
            parts.iter().for_each(|part| digest.update(part));
            digest.finish()
        };
        let whole = digest(&[&words]);
        for at in [1, 2047, 2048, 2049, 9_999] {
            let (first, rest) = words.split_at(at);
            assert_eq!(digest(&[first, rest]), whole);
            assert_ne!(digest(&[rest, first]), whole, "split at {at}");
        }
        assert_ne!(digest(&[&words[..9_999]]), whole);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(*whole.as_bytes(), blake3::derive_key("optelsom/1 masked table", &bytes));
    }

    #[test]
    fn a_sum_over_all_suppliers_cannot_wrap() {
        for n in 1..200_usize {
            let bound = Bound::for_suppliers(n).magnitude();
            assert!(u128::from(bound) * (n as u128) < 1 << 63);
            assert!(u128::from(bound + 1) * (n as u128) >= (1 << 63) - n as u128);
        }
    }

    #[test]
    fn figures_out_of_bounds_are_refused_and_never_named() {
        let bound = Bound::for_suppliers(3);
        let most = i64::try_from(bound.magnitude()).unwrap();
        assert!(LocalTable::new(2, vec![vec![most, -most]], bound).is_ok());
        for beyond in [most + 1, -most - 1, i64::MIN, i64::MAX] {
            let refused = LocalTable::new(2, vec![vec![0, 0], vec![1, beyond]], bound).unwrap_err();
            assert_eq!(refused, OutOfBounds::Cell { column: 1, cell: 1 });
            assert!(!refused.to_string().contains(&beyond.unsigned_abs().to_string()));
        }
        let short = LocalTable::new(2, vec![vec![0]], bound).unwrap_err();
        assert_eq!(short, OutOfBounds::Length { column: 0, found: 1, wanted: 2 });
    }

    #[test]
    fn chunks_cover_the_table_from_any_word() {
        let table = Arc::new(MaskedTable::new(Attempt::FIRST, (0..10).collect()));
        for (from, size) in [(0, 3), (4, 4), (9, 100), (10, 1), (11, 1), (0, 0)] {
            let chunks: Vec<_> = table.chunks(from, size).collect();
            let words: Vec<u64> = chunks.iter().flat_map(|chunk| chunk.words.clone()).collect();
            assert_eq!(words, (from.min(10)..10).collect::<Vec<_>>());
            assert!(chunks.iter().all(|chunk| chunk.words.first() == Some(&chunk.offset)));
        }
    }
}
