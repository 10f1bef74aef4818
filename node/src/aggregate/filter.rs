//! Which rows count: each condition is worked out once for every code, or set of codes, that there is.

use optelsom_codebook::{CodeSet, Plan, RowFilter};

use super::{AggregateError, Needs};
use crate::edition::{Edition, EditionRows};

/// A plan's conditions, made ready for one edition.
pub(super) struct Filter {
    test: Option<Test>,
    passes: Vec<bool>,
}

enum Test {
    /// For each number in the column whether the row passes.
    Among {
        column: usize,
        passes: Vec<bool>,
    },
    All(Vec<Test>),
    Any(Vec<Test>),
}

impl Filter {
    pub(super) fn new(plan: &Plan, edition: &Edition, needs: &Needs) -> Result<Self, AggregateError> {
        let test = match plan.filter() {
            RowFilter::All => None,
            conditions => Some(Test::new(conditions, plan, edition, needs)?),
        };
        Ok(Self { test, passes: Vec::new() })
    }

    /// Whether each row passes; `None` when all do.
    pub(super) fn passes(&mut self, piece: &EditionRows) -> Option<&[bool]> {
        let test = self.test.as_ref()?;
        self.passes.clear();
        self.passes.resize(piece.rows, false);
        test.run(piece, &mut self.passes);
        Some(&self.passes)
    }
}

impl Test {
    fn new(filter: &RowFilter, plan: &Plan, edition: &Edition, needs: &Needs) -> Result<Self, AggregateError> {
        let several = |parts: &[RowFilter]| -> Result<Vec<Self>, AggregateError> {
            parts.iter().map(|part| Self::new(part, plan, edition, needs)).collect()
        };
        match filter {
            RowFilter::All => Ok(Self::All(Vec::new())),
            RowFilter::Has { variable, codes } => Self::among(*variable, codes, true, plan, edition, needs),
            RowFilter::HasNone { variable, codes } => Self::among(*variable, codes, false, plan, edition, needs),
            RowFilter::And(parts) => Ok(Self::All(several(parts)?)),
            RowFilter::Or(parts) => Ok(Self::Any(several(parts)?)),
        }
    }

    fn among(
        variable: usize,
        codes: &CodeSet,
        wanted: bool,
        plan: &Plan,
        edition: &Edition,
        needs: &Needs,
    ) -> Result<Self, AggregateError> {
        let column = needs.variable(variable)?;
        let held = needs.wanted.variables.get(column).and_then(|held| edition.sets(*held));
        let passes = match held {
            Some(sets) => sets.iter().map(|set| set.iter().any(|code| codes.contains(*code)) == wanted).collect(),
            None => {
                let list = plan.dataset().variables().get(variable).map(|variable| variable.list());
                let list = list.ok_or(AggregateError::Bug("a condition on a variable that is not there"))?;
                list.indices().map(|code| codes.contains(code) == wanted).collect()
            }
        };
        Ok(Self::Among { column, passes })
    }

    fn run(&self, piece: &EditionRows, out: &mut [bool]) {
        match self {
            Self::Among { column, passes } => {
                let Some(codes) = piece.codes.get(*column) else { return };
                for (out, &code) in out.iter_mut().zip(codes) {
                    *out = passes.get(code.cast_unsigned() as usize) == Some(&true);
                }
            }
            Self::All(parts) => combine(parts, piece, out, true),
            Self::Any(parts) => combine(parts, piece, out, false),
        }
    }
}

fn combine(parts: &[Test], piece: &EditionRows, out: &mut [bool], all: bool) {
    out.fill(all);
    let mut one = vec![false; out.len()];
    for part in parts {
        part.run(piece, &mut one);
        for (out, &one) in out.iter_mut().zip(&one) {
            *out = if all { *out & one } else { *out | one };
        }
    }
}
