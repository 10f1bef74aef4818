#![allow(clippy::unwrap_used, clippy::panic)]

use optelsom_codebook::Column;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::attacker::{Attack, Counting};
use crate::cell::{CellValue, Status};
use crate::decimal::Decimal;
use crate::protect::protect;
use crate::table::{ProtectedTable, Row};
use crate::trial::{LARGEST_VALUE, measured_plan, totals};
use crate::{Policy, Totals};

/// A combination of codes: its values of the measure.
type Values = Vec<i64>;

/// The table of counts and sums, and for each of its rows how many values there are and what they add up to.
fn protected(lengths: &[usize], grouping: &str, least: i64, cells: &[Values]) -> (ProtectedTable, Vec<(i64, i64)>) {
    let plan = measured_plan(lengths, grouping, least);
    let of = |of_cell: &dyn Fn(&Values) -> i64| totals(&plan, &cells.iter().map(of_cell).collect::<Vec<_>>());
    let (count, sum) = (of(&|values| i64::try_from(values.len()).unwrap()), of(&|values| values.iter().sum()));
    let columns = plan.columns().iter().map(|column| match column {
        Column::Count => count.clone(),
        Column::Sum { .. } => sum.clone(),
        Column::SumOfSquares { .. } => of(&|values| values.iter().map(|value| value * value).sum()),
        Column::Present { .. } | Column::Suppliers { .. } => panic!("neither asked nor counted"),
    });
    let table = protect(&plan, &Policy::new("d", 5).unwrap(), Totals::new(columns.collect())).unwrap();
    (table, count.into_iter().zip(sum).collect())
}

fn statuses(table: &ProtectedTable) -> Vec<&'static str> {
    table.rows().iter().map(|row| row.figures()[1].status().code()).collect()
}

/// The hidden sums that linear programming narrows down to less than a tenth of them.
fn opened(table: &ProtectedTable, truth: &[(i64, i64)], least: i64) -> Vec<usize> {
    let cell = |(row, (values, sum)): (&Row, &(i64, i64))| {
        let above = Decimal::whole(sum - values * least);
        let figure = match row.figures()[1] {
            CellValue::Shown(_) | CellValue::TrueZero(_) | CellValue::NotApplicable => CellValue::Shown(above),
            hidden => hidden,
        };
        Row::new(row.places().to_vec(), vec![figure])
    };
    let rows: Vec<Row> = table.rows().iter().zip(truth).map(cell).collect();
    let sums = ProtectedTable::new(table.axes().to_vec(), table.figures()[..1].to_vec(), rows);
    let range = LARGEST_VALUE - least;
    let ceilings: Vec<i64> = truth.iter().map(|(values, _)| values * range).collect();
    let attack = Attack::on(&sums, 5, Counting::Values).unwrap().below(&ceilings);
    let narrow = |row: &usize| {
        let (values, sum) = truth[*row];
        let width = (sum.abs() + 9).div_euclid(10).max(1).min(values * range / 2);
        !attack.interval(*row).unwrap().is_as_wide_as(width)
    };
    attack.hidden().iter().copied().filter(|row| !is_withheld(table, *row)).filter(narrow).collect()
}

/// Whether it is a margin, and all of these are withheld: they say no more than their parts do.
fn is_withheld(table: &ProtectedTable, row: usize) -> bool {
    let is_margin = |row: &&Row| row.places().contains(&None);
    let is_hidden = |row: &Row| row.figures()[1].status().code().starts_with("hidden");
    is_margin(&&table.rows()[row]) && table.rows().iter().filter(is_margin).all(is_hidden)
}

#[test]
fn sums_that_lie_at_the_end_of_what_is_possible_need_more_hidden() {
    let most = LARGEST_VALUE;
    // Four values are too few, so ten others are hidden with them. Were all of these as large as can be, or nought, their
    // sum with the hidden one would tell both.
    for (value, hidden) in [(most / 2, 2), (most, 3), (0, 3)] {
        let cells = [vec![value; 4], vec![most / 3; 40], vec![value; 10], vec![most / 3; 50]];
        let (table, truth) = protected(&[4], "ROLLUP(ALL)", 0, &cells);
        let statuses = statuses(&table);
        assert_eq!(statuses.iter().filter(|status| status.starts_with("hidden")).count(), hidden, "{statuses:?}");
        assert_eq!(opened(&table, &truth, 0), Vec::<usize>::new());
        // The counts are protected as if no sum were asked.
        let counts = table.rows().iter().map(|row| row.figures()[0].status());
        assert_eq!(counts.filter(|status| *status == Status::HiddenProtectsOthers).count(), 1);
    }
}

fn cases() -> impl Strategy<Value = (Vec<usize>, bool, i64, Vec<Values>)> {
    let lengths = prop_oneof![
        4 => prop::collection::vec(2_usize..6, 1..3),
        3 => prop::collection::vec(2_usize..4, 3),
        1 => Just(vec![2_usize; 4]),
    ];
    (lengths, any::<bool>(), prop::sample::select(vec![0_i64, -20, 5])).prop_flat_map(|(lengths, cube, least)| {
        let number = prop_oneof![1 => Just(0_usize), 3 => 1_usize..9, 5 => 9_usize..40];
        let value = prop_oneof![1 => Just(LARGEST_VALUE), 1 => Just(least), 1 => least..LARGEST_VALUE + 1];
        let cell = prop_oneof![
            3 => (number.clone(), value).prop_map(|(number, value)| vec![value; number]),
            1 => number.prop_flat_map(move |number| prop::collection::vec(least..LARGEST_VALUE + 1, number)),
        ];
        let cells: usize = lengths.iter().product();
        (Just(lengths), Just(cube), Just(least), prop::collection::vec(cell, cells))
    })
}

#[test]
fn no_hidden_sum_is_narrowed_to_less_than_its_protection_interval() {
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let hidden = std::cell::Cell::new((0, 0));
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&cases(), |(lengths, cube, least, cells)| {
            let (table, truth) = protected(&lengths, if cube { "CUBE(ALL)" } else { "ROLLUP(ALL)" }, least, &cells);
            prop_assert_eq!(opened(&table, &truth, least), Vec::<usize>::new());
            let primary = |code: &&str| matches!(*code, "hidden-too-few" | "hidden-dominance");
            let statuses = statuses(&table);
            let others = statuses.iter().filter(|code| **code == "hidden-protects-others").count();
            let (before, more) = hidden.get();
            hidden.set((before + statuses.iter().filter(|code| primary(code)).count(), more + others));
            Ok(())
        })
        .unwrap();
    let (primary, others) = hidden.get();
    println!("{primary} sums hidden for their own sake, {others} for others");
    assert!(primary > 500 && others > 0);
}
