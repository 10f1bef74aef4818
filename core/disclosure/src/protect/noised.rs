//! Totals that carry noise are shown as they are: nothing is hidden, nothing rounded, nothing cut off below nought.

use optelsom_codebook::{Output, OutputKind, Plan};

use super::{ProtectError, axis_headings, figure_heading};
use crate::cell::{CellValue, Estimate};
use crate::decimal::Decimal;
use crate::noise::Noise;
use crate::table::{FigureHeading, FigureNoise, ProtectedTable, Row};
use crate::totals::Totals;

/// Turns totals to which participants have added noise into a table, and forgets the totals. `participants` is how many they
/// are, each with its share.
///
/// A figure below nought is shown as it is: cut off at nought, small groups would come out too large on average.
///
/// # Errors
/// When the totals are not those of a plan with noise.
pub fn protect_noised(
    plan: &Plan,
    noise: &Noise,
    participants: u64,
    totals: Totals,
) -> Result<ProtectedTable, ProtectError> {
    let columns = totals.columns();
    let asked = plan.query().epsilon() == Some(noise.epsilon());
    if !asked || columns.len() != plan.columns().len() || columns.iter().any(|c| c.len() != plan.cell_count()) {
        return Err(ProtectError::Shape);
    }
    let headings = noise.headings(plan, participants).ok_or(ProtectError::Shape)?;
    let mut rows = Vec::with_capacity(plan.cell_count());
    for block in plan.blocks() {
        for cell in block.cells() {
            let figure = |(output, heading): (&Output, &FigureHeading)| {
                let total = *columns.get(column(output)?)?.get(cell)?;
                let half_width = heading.noise.as_ref()?.half_width;
                let value = Decimal::from_scaled(total, output.decimals())?;
                Estimate::around(value, half_width).map(CellValue::Noised)
            };
            let figures = plan.outputs().iter().zip(&headings).map(figure).collect::<Option<_>>();
            let places = plan.cell(cell).ok_or(ProtectError::Shape)?.positions;
            rows.push(Row::new(places, figures.ok_or(ProtectError::Shape)?));
        }
    }
    Ok(ProtectedTable::new(axis_headings(plan).collect(), headings, rows))
}

/// The column that a figure with noise is.
fn column(output: &Output) -> Option<usize> {
    match output.kind() {
        OutputKind::Count { column } | OutputKind::NoisedSum { column, .. } => Some(*column),
        _ => None,
    }
}

impl Noise {
    /// Whether the table says of its noise what follows from the plan, where so many participants have added theirs.
    pub fn is_said_by(&self, table: &ProtectedTable, plan: &Plan, participants: u64) -> bool {
        let said = |heading: &FigureHeading| heading.noise.clone();
        let follows = self.headings(plan, participants);
        follows.is_some_and(|follows| follows.iter().map(said).eq(table.figures().iter().map(said)))
    }

    fn headings(&self, plan: &Plan, participants: u64) -> Option<Vec<FigureHeading>> {
        let heading = |output: &Output| {
            let spread = self.spread(column(output)?, participants)?;
            let noise = FigureNoise {
                standard_deviation: Decimal::from_scaled(spread.hundredths(), output.decimals() + 2)?,
                half_width: Decimal::from_scaled(spread.half_width(), output.decimals())?,
            };
            Some(FigureHeading { noise: Some(noise), ..figure_heading(output, None) })
        };
        plan.outputs().iter().map(heading).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use optelsom_codebook::Query;

    use super::*;
    use crate::history::History;
    use crate::policy::Policy;
    use crate::protect::protect_after;
    use crate::trial::codebook;

    fn plan(settings: &str) -> Plan {
        let codebook = codebook(&[2], &[]);
        let sql = format!("SELECT a0, COUNT(*) FROM d GROUP BY ROLLUP(a0) {settings}");
        Plan::new(&codebook, &Query::from_sql(&codebook, &sql).unwrap()).unwrap()
    }

    fn table(plan: &Plan) -> ProtectedTable {
        let noise = Noise::of(plan, 3).unwrap();
        protect_noised(plan, &noise, 5, Totals::new(vec![vec![-4, 0, 2]])).unwrap()
    }

    #[test]
    fn what_was_added_up_is_shown_as_it_is_with_its_interval() {
        let plan = plan("SETTINGS epsilon = 1");
        let table = table(&plan);
        let cells: Vec<String> =
            table.rows().iter().map(|row| serde_json::to_string(&row.figures()[0]).unwrap()).collect();
        assert_eq!(
            cells,
            [
                r#"{"status":"noised","value":"-4","lower":"-12","upper":"4"}"#,
                r#"{"status":"noised","value":"0","lower":"-8","upper":"8"}"#,
                r#"{"status":"noised","value":"2","lower":"-6","upper":"10"}"#,
            ]
        );
        // Δ = 2, so γ = 1/2: the variance is 2·(5/3)·3.9176.
        let heading = serde_json::to_string(&table.figures()[0].noise).unwrap();
        assert_eq!(heading, r#"{"standard_deviation":"3.62","half_width":"8"}"#);
    }

    #[test]
    fn it_reads_back_and_not_when_it_was_changed() {
        let plan = plan("SETTINGS epsilon = 1");
        let (table, noise) = (table(&plan), Noise::of(&plan, 3).unwrap());
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ProtectedTable>(&json).unwrap(), table);
        assert!(noise.is_said_by(&table, &plan, 5));
        assert!(!noise.is_said_by(&table, &plan, 4) && !Noise::of(&plan, 4).unwrap().is_said_by(&table, &plan, 5));
        for (from, to) in [
            (r#""half_width":"8""#, r#""half_width":"9""#),
            (r#","noise":{"standard_deviation":"3.62","half_width":"8"}"#, ""),
            (r#"{"status":"noised","value":"0","lower":"-8","upper":"8"}"#, r#"{"status":"true-zero","value":"0"}"#),
            (r#""value":"2","lower":"-6""#, r#""value":"3","lower":"-6""#),
        ] {
            assert!(json.contains(from), "{json}");
            assert!(serde_json::from_str::<ProtectedTable>(&json.replacen(from, to, 1)).is_err(), "{from}");
        }
    }

    #[test]
    fn noise_and_hiding_are_not_mixed_up() {
        let (noised, plain) = (plan("SETTINGS epsilon = 1"), plan(""));
        let policy = Policy::new("d", 3).unwrap();
        let none = History::none(BTreeSet::new());
        let hidden = protect_after(&noised, &policy, Totals::new(vec![vec![1, 2, 3]]), &none);
        assert_eq!(hidden, Err(ProtectError::Noised));
        let noise = Noise::of(&noised, 3).unwrap();
        assert_eq!(protect_noised(&plain, &noise, 5, Totals::new(vec![vec![1, 2, 3]])), Err(ProtectError::Shape));
        assert_eq!(protect_noised(&noised, &noise, 5, Totals::new(vec![vec![1, 2]])), Err(ProtectError::Shape));
        let other = Noise::of(&plan("SETTINGS epsilon = 2"), 3).unwrap();
        assert_eq!(protect_noised(&noised, &other, 5, Totals::new(vec![vec![1, 2, 3]])), Err(ProtectError::Shape));
    }
}
