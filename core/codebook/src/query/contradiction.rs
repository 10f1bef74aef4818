//! Whether any row at all can pass a filter. Normal form shows only those contradictions that stand side by side.

use std::collections::BTreeMap;

use super::filter::RowFilter;
use crate::code_set::CodeSet;
use crate::dataset::Dataset;

/// How many alternatives are tried. A filter so large that they do not suffice is taken to let something pass; then its
/// table is one of true zeros, and says so.
const ALTERNATIVES: usize = 2000;

/// Whether some row can pass.
pub(super) fn some_row_can_pass(dataset: &Dataset, filter: &RowFilter) -> bool {
    Search { dataset, left: ALTERNATIVES }.possible(Known::default(), vec![filter], Vec::new())
}

struct Search<'d> {
    dataset: &'d Dataset,
    left: usize,
}

/// What must hold of a row, by the positions of variables.
#[derive(Clone, Default)]
struct Known(BTreeMap<usize, Of>);

#[derive(Clone)]
struct Of {
    allowed: CodeSet,
    /// Of a multiple-valued variable, each of these sets must have a code of the row in it.
    wanted: Vec<CodeSet>,
}

impl Search<'_> {
    /// Whether some row meets what is known, all of the parts, and one of each of the alternatives.
    fn possible<'f>(
        &mut self,
        mut known: Known,
        mut parts: Vec<&'f RowFilter>,
        mut alternatives: Vec<&'f [RowFilter]>,
    ) -> bool {
        while let Some(part) = parts.pop() {
            match part {
                RowFilter::All => {}
                RowFilter::And(inner) => parts.extend(inner),
                RowFilter::Or(inner) => alternatives.push(inner),
                RowFilter::Has { variable, codes } => {
                    if !known.has(self.dataset, *variable, codes) {
                        return false;
                    }
                }
                RowFilter::HasNone { variable, codes } => {
                    if !known.allow(*variable, &codes.complement()) {
                        return false;
                    }
                }
            }
        }
        let Some(choices) = alternatives.pop() else { return true };
        choices.iter().any(|choice| {
            let Some(left) = self.left.checked_sub(1) else { return true };
            self.left = left;
            self.possible(known.clone(), vec![choice], alternatives.clone())
        })
    }
}

impl Known {
    /// Adds that a row has one of these codes; false where that cannot be.
    fn has(&mut self, dataset: &Dataset, variable: usize, codes: &CodeSet) -> bool {
        if !dataset.variables().get(variable).is_some_and(|variable| variable.multiple()) {
            return self.allow(variable, codes);
        }
        let of = self.of(variable, codes);
        of.wanted.push(codes.clone());
        of.possible()
    }

    /// Adds that a row has none but these codes; false where that cannot be.
    fn allow(&mut self, variable: usize, codes: &CodeSet) -> bool {
        let of = self.of(variable, codes);
        of.allowed = of.allowed.intersection(codes);
        of.possible()
    }

    fn of(&mut self, variable: usize, like: &CodeSet) -> &mut Of {
        let all = || like.union(&like.complement());
        self.0.entry(variable).or_insert_with(|| Of { allowed: all(), wanted: Vec::new() })
    }
}

impl Of {
    /// Every row has at least one code.
    fn possible(&self) -> bool {
        !self.allowed.is_empty() && self.wanted.iter().all(|wanted| !wanted.intersection(&self.allowed).is_empty())
    }
}
