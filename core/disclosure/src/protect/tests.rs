#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use optelsom_codebook::{Codebook, Column, Query};
use proptest::prelude::*;

use super::*;
use crate::cell::{CellValue, Status};
use crate::note::Note;

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2020, 2021]
[lists.sex]
codes = [{ code = "F", nl = "vrouw", en = "woman" }, { code = "M", nl = "man", en = "man" }]
[lists.form]
codes = [{ code = "a", nl = "a", en = "a" }, { code = "b", nl = "b", en = "b" }, { code = "c", nl = "c", en = "c" }]
[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.variables.sex]
label = { nl = "geslacht", en = "sex" }
list = "sex"
[datasets.d.variables.form]
label = { nl = "vorm", en = "form" }
list = "form"
multiple = true
[datasets.d.measures.days]
label = { nl = "duur", en = "duration" }
unit = "days"
decimals = 1
minimum = -1000
maximum = 10000
optional = true
"#;

fn plan(sql: &str) -> Plan {
    let codebook = Codebook::parse(CODEBOOK).unwrap();
    Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap()
}

fn policy() -> Policy {
    Policy::new("d", 10).unwrap()
}

/// Protects totals given cell by cell, for each column of the plan.
fn table(sql: &str, columns: &[&[i64]]) -> Result<ProtectedTable, ProtectError> {
    protect(&plan(sql), &policy(), Totals::new(columns.iter().map(|column| column.to_vec()).collect()))
}

fn shown(table: &ProtectedTable) -> Vec<String> {
    table
        .rows()
        .iter()
        .map(|row| {
            let places = table.places(row).map(|place| place.map_or("*", |place| place.code.as_str()));
            let cells = row.figures().iter().map(|cell| match (cell.value(), cell.bounds()) {
                (Some(value), _) => format!("{value}"),
                (None, (None, None)) => cell.status().code().to_owned(),
                (None, (lower, upper)) => {
                    let text = |edge: Option<crate::Decimal>| edge.map(|e| e.to_string()).unwrap_or_default();
                    format!("{}..{}", text(lower), text(upper))
                }
            });
            places.map(str::to_owned).chain(cells).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn counts_are_shown_hidden_or_true_zeros() {
    let counts = [9, 10, 0, 1];
    let table = table("SELECT year, sex, COUNT(*) FROM d GROUP BY year, sex", &[&counts]).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    2020 F hidden-too-few
    2020 M 10
    2021 F 0
    2021 M hidden-too-few
    ");
    assert_eq!(table.rows()[2].figures()[0].status(), Status::TrueZero);
}

#[test]
fn figures_of_a_measure_follow_its_cells() {
    let sql =
        "SELECT sex, year, SUM(days), AVG(days), VAR(days), VAR_POP(days), STDDEV(days) FROM d GROUP BY sex, year";
    let plan = plan(sql);
    // Cells: ten values 1.0 … 10.0; too few values of many rows; rows without any value; no rows.
    let of = |column: &Column| match column {
        Column::Count => vec![10, 100, 100, 0],
        Column::Present { .. } => vec![10, 9, 0, 0],
        Column::Sum { .. } => vec![550, 90, 0, 0],
        Column::Suppliers { .. } => panic!("not counted"),
        Column::SumOfSquares { .. } => vec![38_500, 900, 0, 0],
    };
    let totals = Totals::new(plan.columns().iter().map(of).collect());
    let table = protect(&plan, &policy(), totals).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    F 2020 55.0 5.500 9.167 8.250 3.028
    F 2021 hidden-too-few hidden-too-few hidden-too-few hidden-too-few hidden-too-few
    M 2020 not-applicable not-applicable not-applicable not-applicable not-applicable
    M 2021 0.0 not-applicable not-applicable not-applicable not-applicable
    ");
}

#[test]
fn shares_follow_numerator_and_margin() {
    let sql = "SELECT year, sex, SHARE(COUNT(*), year) FROM d GROUP BY year, sex";
    let plan = plan(sql);
    assert_eq!(plan.cell_count(), 6);
    let table = table(sql, &[&[15, 30, 0, 9, 45, 9]]).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    2020 F 0.3333
    2020 M 0.6667
    2021 F hidden-too-few
    2021 M hidden-too-few
    ");
}

#[test]
fn quantiles_have_bounds_and_no_axis() {
    let sql = "SELECT sex, QUANTILE(days, 0.5, 0, 10, 20) FROM d GROUP BY sex";
    let plan = plan(sql);
    // Bins: below 0, 0 to 10, 10 to 20, 20 and more, missing. Finest block first: 2 × 5 cells, then 2.
    let of = |column: &Column| match column {
        Column::Count => vec![0, 40, 20, 0, 5, 0, 0, 3, 0, 12, 65, 15],
        _ => vec![0; 12],
    };
    let table = protect(&plan, &policy(), Totals::new(plan.columns().iter().map(of).collect())).unwrap();
    assert_eq!(table.axes().len(), 1);
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    F 0.0..10.0
    M hidden-too-few
    ");
}

#[test]
fn what_protects_others_is_hidden_in_every_figure() {
    // 4 women in 2020. A share within a year gives the year's total away, which is not shown itself.
    let sql = "SELECT year, sex, COUNT(*), SHARE(COUNT(*), year) FROM d GROUP BY year, sex";
    let table = table(sql, &[&[4, 30, 20, 40, 34, 60]]).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    2020 F hidden-too-few hidden-too-few
    2020 M hidden-protects-others hidden-protects-others
    2021 F 20 0.3333
    2021 M 40 0.6667
    ");
}

#[test]
fn sums_are_protected_where_only_their_values_are_few() {
    let sql = "SELECT sex, year, COUNT(*), SUM(days) FROM d GROUP BY ROLLUP(sex, year)";
    let plan = plan(sql);
    // 100 rows in each cell; of women in 2020 only 5 have a value.
    let of = |column: &Column| match column {
        Column::Count => vec![100, 100, 100, 100, 200, 200, 400],
        Column::Present { .. } => vec![5, 90, 80, 70, 95, 150, 245],
        Column::Sum { .. } => vec![50, 900, 800, 700, 950, 1500, 2450],
        Column::SumOfSquares { .. } | Column::Suppliers { .. } => panic!("not asked"),
    };
    let totals = Totals::new(plan.columns().iter().map(of).collect());
    insta::assert_snapshot!(shown(&protect(&plan, &policy(), totals).unwrap()).join("\n"), @r"
    F 2020 100 hidden-too-few
    F 2021 100 hidden-protects-others
    M 2020 100 80.0
    M 2021 100 70.0
    F * 200 95.0
    M * 200 150.0
    * * 400 245.0
    ");
}

/// The plan where the codebook counts suppliers, knows the p% rule and rounds to 5.
fn guarded_plan(sql: &str) -> Plan {
    let rules = "minimum_suppliers = 2\ndominance_percent = 10\nrounding_base = 5\n";
    let codebook = Codebook::parse(&CODEBOOK.replace("minimum_suppliers = 1\n", rules)).unwrap();
    Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap()
}

#[test]
fn cells_of_one_supplier_are_hidden_and_those_that_would_give_them_away() {
    let plan = guarded_plan("SELECT year, sex, COUNT(*) FROM d GROUP BY ROLLUP(year, sex)");
    assert_eq!(plan.columns(), [Column::Count, Column::Suppliers { measure: None }]);
    // 203 women in 2020, all with one supplier: a few rows more or fewer do not hide what it holds.
    let counts = vec![203, 11, 40, 50, 214, 90, 304];
    let suppliers = vec![1, 3, 2, 3, 3, 3, 3];
    let table = protect(&plan, &policy(), Totals::new(vec![counts, suppliers])).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    2020 F hidden-too-few-suppliers
    2020 M hidden-protects-others
    2021 F 40
    2021 M 50
    2020 * 215
    2021 * 90
    * * 305
    ");
}

#[test]
fn sums_need_three_suppliers_and_no_row_that_dominates() {
    let plan = guarded_plan("SELECT sex, COUNT(*), SUM(days) FROM d GROUP BY sex");
    let totals = |of: &dyn Fn(&Column) -> Vec<i64>| Totals::new(plan.columns().iter().map(of).collect());
    let of = |sum: i64, squares: i64, suppliers: i64| {
        let table = protect(
            &plan,
            &policy(),
            totals(&|column| match column {
                Column::Count => vec![30, 0],
                Column::Present { .. } => vec![20, 0],
                Column::Sum { .. } => vec![sum, 0],
                Column::SumOfSquares { .. } => vec![squares, 0],
                Column::Suppliers { measure: None } => vec![4, 0],
                Column::Suppliers { .. } => vec![suppliers, 0],
            }),
        );
        shown(&table.unwrap())[0].clone()
    };
    // Twenty of 10.0; nineteen of 1.0 and one of 300.0.
    assert_eq!(of(2000, 200_000, 3), "F 30 200.0");
    assert_eq!(of(2000, 200_000, 2), "F 30 hidden-too-few-suppliers");
    assert_eq!(of(3190, 9_001_900, 3), "F 30 hidden-dominance");
}

#[test]
fn who_is_counted_has_something() {
    let plan = guarded_plan("SELECT sex, COUNT(*) FROM d GROUP BY sex");
    for suppliers in [vec![0, 2], vec![31, 2], vec![-1, 2], vec![2, 1]] {
        let refused = protect(&plan, &policy(), Totals::new(vec![vec![30, 0], suppliers]));
        assert_eq!(refused, Err(ProtectError::Contradiction("more suppliers than they counted, or fewer")));
    }
}

#[test]
fn rounded_counts_say_so() {
    let plan = guarded_plan("SELECT sex, COUNT(*), SHARE(COUNT(*)) FROM d GROUP BY ROLLUP(sex)");
    let table = protect(&plan, &policy(), Totals::new(vec![vec![12, 23, 35], vec![2, 2, 2]])).unwrap();
    insta::assert_snapshot!(shown(&table).join("\n"), @r"
    F 10 0.2857
    M 25 0.7143
    * 35 1.0000
    ");
    assert_eq!(table.rows()[0].figures()[0].status(), Status::Rounded);
    assert_eq!(table.notes(&plan).iter().map(Note::code).collect::<Vec<_>>(), ["rounded"]);
    let attack = crate::attacker::Attack::on(&table, 10, crate::attacker::Counting::Rows).unwrap();
    let known: Vec<_> = attack.hidden().iter().map(|&row| attack.interval(row).unwrap()).collect();
    let range = |lower, upper| crate::attacker::Interval { lower, upper: Some(upper) };
    assert_eq!(known, [range(8, 12), range(23, 27), range(33, 37)]);
}

#[test]
fn notes_say_what_the_reader_must_know() {
    let codes = |sql: &str, counts: &[i64]| {
        let table = table(sql, &[counts]).unwrap();
        let name = |note: &Note| {
            let json = serde_json::to_value(note).unwrap();
            assert_eq!(json["note"], note.code());
            note.code()
        };
        table.notes(&plan(sql)).iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(codes("SELECT sex, COUNT(*) FROM d GROUP BY sex", &[9, 20]), Vec::<&str>::new());
    assert_eq!(codes("SELECT sex, COUNT(*) FROM d GROUP BY sex", &[0, 0]), ["nothing-counted"]);
    assert_eq!(codes("SELECT sex, COUNT(*) FROM d GROUP BY ROLLUP(sex)", &[9, 20, 29]), Vec::<&str>::new());
    assert_eq!(
        codes("SELECT form, COUNT(*) FROM d WHERE form IN ('a', 'b') GROUP BY form", &[10, 20]),
        ["other-codes-not-shown", "multiple-valued"]
    );
}

#[test]
fn what_no_data_can_have_is_refused() {
    let counts = "SELECT sex, COUNT(*) FROM d GROUP BY sex";
    assert_eq!(table(counts, &[&[-1, 20]]), Err(ProtectError::Contradiction("a count below zero")));
    let sql = "SELECT sex, VAR(days) FROM d GROUP BY sex";
    let with = |present: i64, sum: i64, squares: i64| {
        let plan = plan(sql);
        let of = |column: &Column| match column {
            Column::Count => vec![20, 20],
            Column::Present { .. } => vec![20, present],
            Column::Sum { .. } => vec![20, sum],
            Column::Suppliers { .. } => panic!("not counted"),
            Column::SumOfSquares { .. } => vec![20, squares],
        };
        protect(&plan, &policy(), Totals::new(plan.columns().iter().map(of).collect())).err()
    };
    assert_eq!(with(20, 100, 500), None);
    assert_eq!(with(21, 100, 500), Some(ProtectError::Contradiction("more values than rows")));
    assert_eq!(with(20, 2_000_001, 500), Some(ProtectError::Contradiction("a sum beyond its bounds")));
    let squares = Some(ProtectError::Contradiction("a sum of squares that does not fit its sum"));
    assert_eq!(with(20, 100, 499), squares);
    assert_eq!(with(20, 0, i64::MAX), squares);
    assert_eq!(with(20, 0, -1), squares);
    let margins = Some(ProtectError::Contradiction("parts that do not add up to their total"));
    let sql = "SELECT sex, COUNT(*) FROM d GROUP BY ROLLUP(sex)";
    assert_eq!(table(sql, &[&[10, 20, 31]]).err(), margins);
    let sql = "SELECT sex, COUNT(*) FROM d GROUP BY GROUPING SETS ((sex), (year))";
    assert_eq!(table(sql, &[&[10, 20, 15, 15]]).err(), None);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let sql = "SELECT sex, COUNT(*) FROM d GROUP BY sex";
    for columns in [vec![], vec![vec![1]], vec![vec![1, 2, 3]], vec![vec![1, 2], vec![1, 2]]] {
        assert_eq!(protect(&plan(sql), &policy(), Totals::new(columns)), Err(ProtectError::Shape));
    }
    for policy in [Policy::new("e", 10), Policy::new("d", 9)] {
        let refused = protect(&plan(sql), &policy.unwrap(), Totals::new(vec![vec![1, 2]]));
        assert_eq!(refused, Err(ProtectError::OtherPolicy("d".to_owned())));
    }
}

/// Rows of two sexes and, some of them, a value.
fn rows() -> impl Strategy<Value = Vec<(usize, Option<i64>)>> {
    prop::collection::vec((0..2_usize, prop::option::weighted(0.8, -1000_i64..10_000)), 0..60)
}

proptest! {
    /// The exact figures of the rows, or nothing: never a value for a hidden cell, never another value.
    #[test]
    fn shows_the_truth_or_nothing(rows in rows(), k in 10_u64..20) {
        let sql = "SELECT sex, COUNT(*), SUM(days), AVG(days) FROM d GROUP BY ROLLUP(sex)";
        let plan = plan(sql);
        let cells: Vec<Vec<Option<i64>>> = (0..3)
            .map(|cell| rows.iter().filter(|(sex, _)| cell == 2 || *sex == cell).map(|(_, value)| *value).collect())
            .collect();
        let total = |cell: &Vec<Option<i64>>, column: &Column| match column {
            Column::Count => i64::try_from(cell.len()).unwrap(),
            Column::Present { .. } => i64::try_from(cell.iter().flatten().count()).unwrap(),
            Column::Sum { .. } => cell.iter().flatten().sum(),
            Column::Suppliers { .. } => panic!("not counted"),
            Column::SumOfSquares { .. } => cell.iter().flatten().map(|value| value * value).sum(),
        };
        let of = |column: &Column| cells.iter().map(|cell| total(cell, column)).collect();
        let totals = Totals::new(plan.columns().iter().map(of).collect());
        let table = protect(&plan, &Policy::new("d", k).unwrap(), totals).unwrap();
        let k = usize::try_from(k).unwrap();
        for (row, cell) in table.rows().iter().zip(&cells) {
            let (count, present) = (cell.len(), cell.iter().flatten().count());
            let sum: i64 = cell.iter().flatten().sum();
            let [shown_count, shown_sum, shown_mean] = row.figures() else { panic!("three figures") };
            let few = |n: usize| 0 < n && n < k;
            if row.figures().contains(&CellValue::HiddenProtectsOthers) {
                prop_assert!(!few(count) || few(present) || [*shown_sum, *shown_mean] == [CellValue::HiddenProtectsOthers; 2]);
                continue;
            }
            if few(count) {
                prop_assert!(row.figures().iter().all(|cell| *cell == CellValue::HiddenTooFew));
                continue;
            }
            prop_assert_eq!(shown_count.value().unwrap().scaled(), count as i128);
            prop_assert_eq!(shown_count.status() == Status::TrueZero, count == 0);
            if few(present) {
                prop_assert_eq!([*shown_sum, *shown_mean], [CellValue::HiddenTooFew; 2]);
            } else if present == 0 {
                prop_assert_eq!(shown_sum.value().is_some(), count == 0);
                prop_assert_eq!(*shown_mean, CellValue::NotApplicable);
            } else {
                prop_assert_eq!(shown_sum.value().unwrap().scaled(), i128::from(sum));
                // Within half of the last digit shown, which is three places after the point.
                let off = shown_mean.value().unwrap().scaled() * present as i128 - i128::from(sum) * 100;
                prop_assert!(2 * off.abs() <= present as i128);
            }
        }
    }

    /// A table reads back from JSON as it was, and its JSON holds no digit of a hidden cell.
    #[test]
    fn reads_back_from_json(counts in prop::collection::vec(0_i64..30, 4)) {
        let table = table("SELECT year, sex, COUNT(*) FROM d GROUP BY year, sex", &[&counts]).unwrap();
        let json = serde_json::to_string(&table).unwrap();
        prop_assert_eq!(&serde_json::from_str::<ProtectedTable>(&json).unwrap(), &table);
        for few in 1..10 {
            let value = format!("\"value\":\"{few}\"");
            prop_assert!(!json.contains(&value));
        }
    }
}
