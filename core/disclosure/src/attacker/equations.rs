//! What the cells of a table have to do with each other.

use std::collections::BTreeMap;

use super::Known;
use super::published::{Block, Published};

/// The terms add up to nought, or to nought or more.
#[derive(Clone, Debug)]
pub(super) struct Equation {
    pub(super) terms: Vec<(u32, i8)>,
    pub(super) exact: bool,
}

impl Published {
    /// The cells, and everything that binds them.
    pub(super) fn equations(self) -> (Vec<Known>, Vec<Equation>) {
        let masks: Vec<u64> = self.blocks.keys().copied().collect();
        let mut equations = Vec::new();
        for (&fine, fine_block) in &self.blocks {
            for (&coarse, coarse_block) in &self.blocks {
                let within = |a: u64, b: u64| a != b && a & b == a;
                // What a grouping between the two says of each of them implies what they say of each other.
                let between = || masks.iter().any(|&other| within(coarse, other) && within(other, fine));
                if within(coarse, fine) && !between() {
                    self.bind(fine_block, coarse_block, &mut equations);
                }
            }
        }
        (self.cells, equations)
    }

    fn bind(&self, fine: &Block, coarse: &Block, equations: &mut Vec<Equation>) {
        let is_multiple = |axis: &usize| self.multiple.get(*axis) == Some(&true);
        let dropped: Vec<usize> = fine.axes.iter().copied().filter(|axis| !coarse.axes.contains(axis)).collect();
        let multiple: Vec<usize> = dropped.into_iter().filter(is_multiple).collect();
        // Parts of the same total, and parts that also have the same codes of the multiple-valued axes.
        let mut of_total: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let mut of_code: BTreeMap<(usize, Vec<usize>), Vec<u32>> = BTreeMap::new();
        for (place, &cell) in fine.cells.iter().enumerate() {
            let positions = self.positions(fine, place);
            let total = coarse.axes.iter().fold(0, |index, &axis| {
                index * self.lengths.get(axis).copied().unwrap_or(1) + positions.get(axis).copied().unwrap_or(0)
            });
            of_total.entry(total).or_default().push(cell);
            if !multiple.is_empty() {
                let codes = multiple.iter().filter_map(|&axis| positions.get(axis).copied()).collect();
                of_code.entry((total, codes)).or_default().push(cell);
            }
        }
        let terms = |total: usize, sign: i8, parts: &[u32]| {
            let total = coarse.cells.get(total).map(|&cell| (cell, sign));
            total.into_iter().chain(parts.iter().map(|&part| (part, -sign))).collect()
        };
        for (&total, parts) in &of_total {
            // A row has at least one code of a multiple-valued variable.
            equations.push(Equation { terms: terms(total, -1, parts), exact: multiple.is_empty() });
        }
        for ((total, _), parts) in &of_code {
            equations.push(Equation { terms: terms(*total, 1, parts), exact: false });
        }
    }
}
