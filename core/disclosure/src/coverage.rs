//! Noughts that are none: what nobody collects, and what is missing since its supplier is.

use std::collections::{BTreeMap, BTreeSet};

use optelsom_codebook::{AxisKind, Plan, SupplierId};

use crate::cell::{CellValue, Status};
use crate::table::{ProtectedTable, Row};

/// Which periods the suppliers asked keep records of, as they announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    periods: BTreeMap<SupplierId, BTreeSet<String>>,
    taking_part: BTreeSet<SupplierId>,
}

impl Coverage {
    /// The codes of the periods that each supplier asked keeps, and who takes part. A supplier that takes part and announced
    /// nothing is taken to keep everything.
    pub fn new(periods: BTreeMap<SupplierId, BTreeSet<String>>, taking_part: BTreeSet<SupplierId>) -> Self {
        Self { periods, taking_part }
    }

    /// What a nought stands for, where it is about these periods.
    fn of(&self, periods: &[&str]) -> Option<CellValue> {
        let keeps = |supplier: &SupplierId| {
            self.periods.get(supplier).is_none_or(|kept| periods.iter().any(|period| kept.contains(*period)))
        };
        if periods.is_empty() || self.taking_part.iter().any(keeps) {
            return None;
        }
        Some(if self.periods.keys().any(keeps) { CellValue::SupplierAbsent } else { CellValue::NotCollected })
    }
}

impl ProtectedTable {
    /// Says of each nought whether anybody could have counted anything there. Nothing else changes, so nothing is given
    /// away: which periods a supplier keeps is no secret.
    #[must_use]
    pub fn with_coverage(self, plan: &Plan, coverage: &Coverage) -> Self {
        let period = plan.dataset().period_index();
        let axis = plan.axes().iter().position(|axis| *axis.kind() == AxisKind::Variable { variable: period });
        let asked = plan.periods();
        let (axes, figures, rows, bases) = self.into_parts();
        let place = |row: &Row| axis.and_then(|axis| row.places().get(axis).copied().flatten().map(|at| (axis, at)));
        let rows = rows.into_iter().map(|row| {
            let own = place(&row).and_then(|(axis, at)| plan.axes().get(axis)?.codes().get(at as usize));
            let gap = match own {
                Some(code) => coverage.of(&[code.code()]),
                None => coverage.of(&asked),
            };
            let nothing = |cell: &CellValue| matches!(cell.status(), Status::TrueZero | Status::NotApplicable);
            match gap.filter(|_| row.figures().iter().all(nothing)) {
                Some(gap) => Row::new(row.places().to_vec(), vec![gap; row.figures().len()]),
                None => row,
            }
        });
        let rows = rows.collect();
        Self::new(axes, figures, rows).with_bases(bases)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::trial::{codebook, shown};

    use super::*;

    fn name(text: &str) -> SupplierId {
        SupplierId::try_from(text).unwrap()
    }

    /// The statuses of two years' counts.
    fn statuses(counts: &[i64], periods: &[(&str, &[&str])], taking_part: &[&str]) -> Vec<Status> {
        let plan = plan_by_year();
        let kept = periods.iter().map(|(who, kept)| (name(who), kept.iter().map(|&code| code.to_owned()).collect()));
        let coverage = Coverage::new(kept.collect(), taking_part.iter().map(|who| name(who)).collect());
        let table = shown(&plan, 3, counts).with_coverage(&plan, &coverage);
        table.rows().iter().map(|row| row.figures()[0].status()).collect()
    }

    fn plan_by_year() -> Plan {
        let codebook = codebook(&[2], &[]);
        let sql = "SELECT year, COUNT(*) FROM d GROUP BY ROLLUP(year)";
        let by_year = optelsom_codebook::Query::from_sql(&codebook, sql).unwrap();
        Plan::new(&codebook, &by_year).unwrap()
    }

    #[test]
    fn a_nought_that_nobody_could_count_is_none() {
        let kept: &[(&str, &[&str])] = &[("a", &["2020"]), ("b", &["2020", "2021"])];
        let both = statuses(&[20, 0, 20], kept, &["a", "b"]);
        assert_eq!(both, [Status::Shown, Status::TrueZero, Status::Shown]);
        let absent = statuses(&[20, 0, 20], kept, &["a"]);
        assert_eq!(absent, [Status::Shown, Status::SupplierAbsent, Status::Shown]);
        let nobody = statuses(&[0, 0, 0], &kept[..1], &["a"]);
        assert_eq!(nobody, [Status::TrueZero, Status::NotCollected, Status::TrueZero]);
        // One that says nothing may keep anything.
        assert_eq!(statuses(&[0, 0, 0], &kept[..1], &["c"]), [Status::TrueZero; 3]);
    }
}
