#![allow(clippy::unwrap_used)]

use super::*;
use crate::trial::{hiding, plan, totals};

fn interval(lower: i64, upper: impl Into<Option<i64>>) -> Interval {
    Interval { lower, upper: upper.into() }
}

fn intervals(table: &ProtectedTable, k: u64) -> Vec<Interval> {
    let attack = Attack::on(table, k, Counting::Rows).unwrap();
    attack.hidden().iter().map(|&row| attack.interval(row).unwrap()).collect()
}

#[test]
fn one_hidden_part_is_what_the_others_leave() {
    let plan = plan(&[3], &[], "ROLLUP(ALL)");
    let counts = totals(&plan, &[4, 20, 30]);
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[]), 10), [interval(4, 4)]);
    // With a second one hidden, all that "too few" says remains.
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[1]), 10), [interval(1, 9), interval(15, 23)]);
    // A single grouping tells nothing.
    let alone = crate::trial::plan(&[3], &[], "ALL");
    assert_eq!(intervals(&hiding(&alone, 10, &[4, 20, 30], &[]), 10), [interval(1, 9)]);
}

#[test]
fn statuses_tell_too() {
    // 10 and 4 make 14: whoever knows that the first is 10 or more knows that the other is 4 or fewer.
    let plan = plan(&[3], &[], "ROLLUP(ALL)");
    let counts = totals(&plan, &[4, 10, 30]);
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[1]), 10), [interval(1, 4), interval(10, 13)]);
}

/// Two hidden in every row and column that has any, and yet: rows 1 and 2 hide columns 1 and 2; rows 3 and 4 hide columns
/// 3 and 4; one cell more, in row 1 and column 3, is the only one that joins the two.
#[test]
fn counting_two_per_row_and_column_is_not_enough() {
    let plan = plan(&[4, 4], &[], "CUBE(ALL)");
    let finest = [20, 21, 4, 40, 22, 23, 40, 40, 40, 40, 24, 25, 40, 40, 26, 27];
    let counts = totals(&plan, &finest);
    let others = [0, 1, 4, 5, 10, 11, 14, 15];
    let hidden = |cell: usize| cell == 2 || others.contains(&cell);
    for line in 0..4 {
        let row = (0..4).filter(|at| hidden(4 * line + at)).count();
        let column = (0..4).filter(|at| hidden(4 * at + line)).count();
        assert!(row >= 2 && column >= 2, "two hidden in each row and column");
    }
    let attack = Attack::on(&hiding(&plan, 10, &counts, &others), 10, Counting::Rows).unwrap();
    assert_eq!(attack.interval(2).unwrap(), interval(4, 4));
}

#[test]
fn multiple_valued_parts_are_no_sum() {
    let plan = plan(&[3], &[0], "ROLLUP(ALL)");
    // A total of 25, of whom 20 and 4 have the first two codes, and 22 the last.
    let counts = [20, 4, 22, 25];
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[]), 10), [interval(1, 9)]);
    // 60 in all, and no more than 51 among the others: at least 9 are hidden.
    let counts = [30, 9, 21, 60];
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[]), 10), [interval(9, 9)]);
    // No part is more than the total.
    let counts = [30, 4, 21, 35];
    assert_eq!(intervals(&hiding(&plan, 10, &counts, &[0]), 10), [interval(10, 35), interval(1, 9)]);
}

#[test]
fn groupings_are_bound_by_totals_that_nobody_shows() {
    let plan = plan(&[2, 3], &[], "GROUPING SETS ((a0), (a1))");
    // By a0: 30 and 24; by a1: 20, 30 and 4.
    let table = |counts: &[i64]| hiding(&plan, 10, counts, &[]);
    let attack = |counts: &[i64]| intervals(&table(counts), 10);
    let blocks: Vec<usize> = plan.blocks().iter().map(|block| block.len()).collect();
    assert_eq!(blocks, [2, 3]);
    assert_eq!(attack(&[30, 24, 20, 30, 4]), [interval(4, 4)]);
}

#[test]
fn what_fits_nothing_is_said_to() {
    let plan = plan(&[2], &[], "ROLLUP(ALL)");
    let attack = Attack::on(&hiding(&plan, 10, &[4, 20, 40], &[]), 10, Counting::Rows).unwrap();
    assert_eq!(attack.interval(0), Err(Inconsistent));
    assert!(!withstood(&attack, &[4, 20, 40], &[], &[1; 3]));
}

#[test]
fn false_proofs_prove_nothing() {
    let plan = plan(&[3], &[], "ROLLUP(ALL)");
    let counts = totals(&plan, &[4, 20, 30]);
    let open = Attack::on(&hiding(&plan, 10, &counts, &[]), 10, Counting::Rows).unwrap();
    for change in [vec![(0, 4)], vec![(0, 4), (1, -4)], vec![(0, 4), (3, 4)], vec![(0, 4), (0, -4)], vec![(9, 4)]] {
        assert!(!withstood(&open, &counts, &[change], &[4; 4]));
    }
    let closed = Attack::on(&hiding(&plan, 10, &counts, &[1]), 10, Counting::Rows).unwrap();
    assert!(withstood(&closed, &counts, &[vec![(0, 4), (1, -4)]], &[4; 4]));
    assert!(withstood(&closed, &counts, &[], &[4; 4]), "without proofs it is solved");
    assert!(!withstood(&closed, &counts, &[vec![(0, 4), (1, -4)]], &[9; 4]));
}

fn withstood(attack: &Attack, truth: &[i64], alternatives: &[Vec<(usize, i64)>], widths: &[i64]) -> bool {
    attack.opened(truth, alternatives, widths, &std::collections::BTreeSet::new(), 1) == Some(Vec::new())
}
