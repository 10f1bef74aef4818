#![allow(clippy::unwrap_used)]

mod levels;
mod rule_known;
mod social;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::Policy;
use crate::attacker::{Attack, Counting};
use crate::cell::Status;
use crate::table::ProtectedTable;
use crate::trial::{hiding, plan, shown, totals};

fn width(k: u64) -> i64 {
    i64::try_from(Policy::new("d", k).unwrap().protection_interval()).unwrap()
}

/// The hidden rows that linear programming narrows to less than the protection interval.
fn opened(table: &ProtectedTable, k: u64) -> Vec<usize> {
    let attack = Attack::on(table, k, Counting::Rows).unwrap();
    let narrow = |row: &usize| attack.interval(*row).map_or(true, |interval| !interval.is_as_wide_as(width(k)));
    attack.hidden().iter().copied().filter(narrow).collect()
}

fn with_status(table: &ProtectedTable, status: Status) -> Vec<usize> {
    (0..table.rows().len()).filter(|&row| table.rows()[row].figures()[0].status() == status).collect()
}

fn rule(k: i64, width: i64) -> Rule {
    Rule { k, width, least_few: 1, least_other: k }
}

fn few(counts: &[i64], k: i64) -> Vec<Mark> {
    counts.iter().map(|&count| if 0 < count && count < k { Mark::TooFew } else { Mark::Open }).collect()
}

/// z1 of the R packages easySdcTable and GaussSuppression (Statistics Norway): 8 regions by 4 main incomes. With 3 and
/// fewer hidden, and zeros shown, the published pattern has 3 primary cells and hides 6.
const Z1: [i64; 32] = [
    11, 11, 55, 36, 7, 1, 29, 18, 5, 8, 35, 25, 13, 2, 17, 13, 9, 14, 63, 52, 12, 9, 24, 22, 6, 4, 22, 8, 9, 3, 38, 15,
];

#[test]
fn z1_is_hidden_as_published() {
    let plan = plan(&[8, 4], &[], "CUBE(ALL)");
    let table = shown(&plan, 4, &totals(&plan, &Z1));
    assert_eq!(with_status(&table, Status::HiddenTooFew), [5, 13, 29]);
    // "annet" of the same regions: B, D and H.
    assert_eq!(with_status(&table, Status::HiddenProtectsOthers), [4, 12, 28]);
    assert_eq!(opened(&table, 4), Vec::<usize>::new());
}

#[test]
fn a_table_that_no_pattern_protects_is_withheld_in_its_margins() {
    // Nine cells of one each and a total of nine: "too few" for the total would say that each is one.
    let plan = plan(&[9], &[], "ROLLUP(ALL)");
    let table = shown(&plan, 10, &totals(&plan, &[1; 9]));
    assert_eq!(with_status(&table, Status::HiddenTooFew), (0..9).collect::<Vec<_>>());
    assert_eq!(with_status(&table, Status::HiddenProtectsOthers), [9]);
    assert_eq!(opened(&table, 10), Vec::<usize>::new());
}

/// Tables of two or three dimensions with their margins, of which some cells are small and some empty.
fn tables() -> impl Strategy<Value = (Vec<usize>, usize, u64, Vec<i64>)> {
    let lengths = prop_oneof![prop::collection::vec(1_usize..6, 1..3), prop::collection::vec(2_usize..4, 3),];
    (lengths, 0..GROUPINGS.len(), 3_u64..13).prop_flat_map(|(lengths, grouping, k)| {
        let cells: usize = lengths.iter().product();
        let count = prop_oneof![1 => Just(0_i64), 3 => 1_i64..13, 6 => 10_i64..60];
        (Just(lengths), Just(grouping), Just(k), prop::collection::vec(count, cells))
    })
}

const GROUPINGS: [&str; 2] = ["CUBE(ALL)", "ROLLUP(ALL)"];

fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(
        ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

/// Runs `check` on random tables; a failing table and its seed are printed by the runner.
fn on_random_tables(cases: u32, check: impl Fn(&Plan, u64, &[i64])) {
    runner(cases)
        .run(&tables(), |(lengths, grouping, k, finest)| {
            let plan = plan(&lengths, &[], GROUPINGS[grouping]);
            check(&plan, k, &totals(&plan, &finest));
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_attacker_opens_no_cell() {
    let (attacked, bitten, coarse) = (std::cell::Cell::new(0), std::cell::Cell::new(0), std::cell::Cell::new(0));
    on_random_tables(3000, |plan, k, counts| {
        let table = shown(plan, k, counts);
        assert_eq!(opened(&table, k), Vec::<usize>::new(), "{counts:?}");
        assert_eq!(table, shown(plan, k, counts), "the same every time");
        let bare = hiding(plan, i64::try_from(k).unwrap(), counts, &[]);
        let primary = with_status(&bare, Status::HiddenTooFew);
        if !primary.is_empty() {
            attacked.set(attacked.get() + 1);
            bitten.set(bitten.get() + u32::from(!opened(&bare, k).is_empty()));
            coarse.set(coarse.get() + u32::from(with_status(&table, Status::HiddenTooFew) != primary));
        }
    });
    let (attacked, bitten, coarse) = (attacked.get(), bitten.get(), coarse.get());
    println!(
        "{attacked} tables with hidden cells; {bitten} opened without secondary suppression, 0 with; {coarse} coarse"
    );
    assert!(bitten * 2 > attacked, "the attacker wins often where nothing protects");
}

#[test]
fn nor_in_four_dimensions() {
    let bitten = std::cell::Cell::new(0);
    let cells = |lengths: &Vec<usize>| lengths.iter().product::<usize>();
    let tables = (prop::collection::vec(2_usize..4, 4), 3_u64..13).prop_flat_map(move |(lengths, k)| {
        let count = prop_oneof![1 => Just(0_i64), 1 => 1_i64..13, 9 => 10_i64..60];
        let cells = cells(&lengths);
        (Just(lengths), Just(k), prop::collection::vec(count, cells))
    });
    runner(40)
        .run(&tables, |(lengths, k, finest)| {
            let plan = plan(&lengths, &[], "CUBE(ALL)");
            let counts = totals(&plan, &finest);
            prop_assert_eq!(opened(&shown(&plan, k, &counts), k), Vec::<usize>::new());
            let bare = hiding(&plan, i64::try_from(k).unwrap(), &counts, &[]);
            bitten.set(bitten.get() + u32::from(!opened(&bare, k).is_empty()));
            Ok(())
        })
        .unwrap();
    println!("{} of 40 tables opened without secondary suppression", bitten.get());
    assert!(bitten.get() > 20);
}

/// Rows with one code of each single-valued axis and one or more of each multiple-valued one, as bits.
fn rows() -> impl Strategy<Value = (Vec<usize>, usize, u64, Vec<Vec<usize>>)> {
    (prop::collection::vec(2_usize..4, 3), 0..GROUPINGS_OF_THREE.len(), 3_u64..11).prop_flat_map(
        |(lengths, grouping, k)| {
            let row: Vec<_> = lengths.iter().map(|&length| 1..1_usize << length).collect();
            (Just(lengths), Just(grouping), Just(k), prop::collection::vec(row, 0..120))
        },
    )
}

/// Groupings over three axes, and which of these are multiple-valued.
const GROUPINGS_OF_THREE: [(&str, &[usize]); 8] = [
    ("CUBE(ALL)", &[2]),
    ("CUBE(ALL)", &[0, 1]),
    ("ROLLUP(ALL)", &[0]),
    ("ROLLUP(ALL)", &[1, 2]),
    ("GROUPING SETS ((a0), (a1), (a2))", &[]),
    ("GROUPING SETS ((a0, a1), (a1, a2), (a1))", &[]),
    ("GROUPING SETS ((a0, a1), (a0, a2), ())", &[0]),
    ("GROUPING SETS ((a0, a1, a2), (a0))", &[2]),
];

#[test]
fn nor_with_codes_that_do_not_add_up_nor_with_groupings_that_overlap() {
    let withheld = std::cell::Cell::new((0, 0));
    runner(1500)
        .run(&rows(), |(lengths, grouping, k, rows)| {
            let (grouping, multiple) = GROUPINGS_OF_THREE[grouping];
            let plan = plan(&lengths, multiple, grouping);
            let mut counts = vec![0; plan.cell_count()];
            for (cell, count) in counts.iter_mut().enumerate() {
                let positions = plan.cell(cell).unwrap().positions;
                let counted = |row: &&Vec<usize>| {
                    positions.iter().enumerate().all(|(axis, position)| match position {
                        None => true,
                        Some(at) if multiple.contains(&axis) => row[axis] & (1 << at) != 0,
                        Some(at) => row[axis] % lengths[axis] == *at as usize,
                    })
                };
                *count = i64::try_from(rows.iter().filter(counted).count()).unwrap();
            }
            let table = shown(&plan, k, &counts);
            prop_assert_eq!(opened(&table, k), Vec::<usize>::new());
            let primary = counts.iter().filter(|&&count| 0 < count && count < i64::try_from(k).unwrap()).count();
            let coarse = with_status(&table, Status::HiddenTooFew).len() != primary;
            let (tables, coarser) = withheld.get();
            withheld.set((tables + u32::from(primary > 0), coarser + u32::from(coarse)));
            Ok(())
        })
        .unwrap();
    println!("{} tables with hidden cells, {} hidden coarsely", withheld.get().0, withheld.get().1);
}

/// How many cells and rows a pattern hides beside the given ones.
fn added(given: &[Mark], marks: &[Mark], counts: &[i64]) -> (usize, i64) {
    let added = (0..counts.len()).filter(|&cell| given[cell] == Mark::Open && marks[cell] != Mark::Open);
    added.fold((0, 0), |(cells, rows), cell| (cells + 1, rows + counts[cell]))
}

#[test]
fn never_more_than_the_baseline_and_on_average_fewer() {
    let sum = std::cell::Cell::new((0, 0, 0, 0, 0));
    on_random_tables(600, |plan, k, counts| {
        let k = i64::try_from(k).unwrap();
        let given = few(counts, k);
        let blocks: Vec<usize> = (0..plan.blocks().len()).collect();
        let suppression = Suppression::new(plan, &blocks, counts, rule(k, (k - 1) / 2));
        let Some(baseline) = suppression.baseline(&given) else { return };
        let best = suppression.best(&given).unwrap();
        let (cells, rows) = added(&given, &best.marks, counts);
        let (base_cells, base_rows) = added(&given, &baseline.marks, counts);
        assert!(cells <= base_cells);
        let primary = given.iter().filter(|mark| **mark != Mark::Open).count();
        let (p, c, r, bc, br) = sum.get();
        sum.set((p + primary, c + cells, r + rows, bc + base_cells, br + base_rows));
    });
    let (primary, cells, rows, base_cells, base_rows) = sum.get();
    println!("{primary} primary cells; {cells} others with {rows} rows; baseline {base_cells} with {base_rows}");
    assert!(cells < base_cells && rows < base_rows);
}

/// A published table of 1140 cells in three dimensions with all margins, of which many combinations are empty.
#[test]
fn a_published_table_is_hidden_better_than_by_the_baseline_and_not_opened() {
    let plan = plan(&social::LENGTHS, &[], "CUBE(ALL)");
    let mut finest = vec![0; social::LENGTHS.iter().product()];
    for (county, group, counts) in social::SOCIAL {
        let first = (county * social::LENGTHS[1] + group) * 4;
        finest[first..first + 4].copy_from_slice(&counts);
    }
    let counts = totals(&plan, &finest);
    for k in [3, 5] {
        let (given, blocks) = (few(&counts, k), (0..plan.blocks().len()).collect::<Vec<_>>());
        let suppression = Suppression::new(&plan, &blocks, &counts, rule(k, (k - 1) / 2));
        let of = |pattern: Option<Pattern>| pattern.map(|pattern| added(&given, &pattern.marks, &counts)).unwrap();
        let (best, baseline) = (of(suppression.best(&given)), of(suppression.baseline(&given)));
        let primary = given.iter().filter(|mark| **mark != Mark::Open).count();
        let (cells, rows) = best;
        println!("k = {k}: {primary} primary cells, {cells} others with {rows} persons; baseline {baseline:?}");
        assert!(best.0 < baseline.0 && best.1 < baseline.1, "k = {k}: {best:?}, baseline {baseline:?}");
        let k = u64::try_from(k).unwrap();
        let table = shown(&plan, k, &counts);
        assert_eq!(with_status(&table, Status::HiddenTooFew).len(), primary, "not withheld coarsely");
        let few_others = with_status(&table, Status::HiddenProtectsOthers).len();
        assert_eq!(few_others, cells);
        // Each tenth, since each is a linear program of its own.
        let attack = Attack::on(&table, k, Counting::Rows).unwrap();
        let narrow = |row: &&usize| !attack.interval(**row).unwrap().is_as_wide_as(width(k));
        assert_eq!(attack.hidden().iter().step_by(10).filter(narrow).count(), 0);
    }
    // Where no move is found for every cell, the attacker tells which need more, and no margin is withheld whole.
    let table = shown(&plan, 10, &counts);
    let (few, others) =
        (with_status(&table, Status::HiddenTooFew).len(), with_status(&table, Status::HiddenProtectsOthers).len());
    println!("k = 10: {few} primary cells, {others} others");
    assert_eq!(few, counts.iter().filter(|&&count| 0 < count && count < 10).count());
    assert!(others * 4 < counts.len());
    let attack = Attack::on(&table, 10, Counting::Rows).unwrap();
    let narrow = |row: &&usize| !attack.interval(**row).unwrap().is_as_wide_as(width(10));
    assert_eq!(attack.hidden().iter().step_by(10).filter(narrow).count(), 0);
}

/// The fewest other cells that have to be hidden, found by trying all sets of them with the attacker.
fn optimum(plan: &Plan, k: i64, counts: &[i64], at_most: usize) -> usize {
    let candidates: Vec<usize> = (0..counts.len()).filter(|&cell| counts[cell] >= k).collect();
    let k = u64::try_from(k).unwrap();
    for size in 0..at_most {
        let mut chosen: Vec<usize> = (0..size).collect();
        loop {
            let others: Vec<usize> = chosen.iter().map(|&at| candidates[at]).collect();
            if opened(&hiding(plan, i64::try_from(k).unwrap(), counts, &others), k).is_empty() {
                return size;
            }
            let Some(wheel) = (0..size).rev().find(|&at| chosen[at] + size - at < candidates.len()) else { break };
            chosen[wheel] += 1;
            for at in wheel + 1..size {
                chosen[at] = chosen[at - 1] + 1;
            }
        }
    }
    at_most
}

#[test]
fn near_the_optimum_on_tables_small_enough_to_try_everything() {
    let sum = std::cell::Cell::new((0, 0, 0));
    on_random_tables(250, |plan, k, counts| {
        let k = i64::try_from(k).unwrap();
        let given = few(counts, k);
        let primary = given.iter().filter(|mark| **mark != Mark::Open).count();
        if primary == 0 || primary > 4 || counts.len() > 20 {
            return;
        }
        let blocks: Vec<usize> = (0..plan.blocks().len()).collect();
        let suppression = Suppression::new(plan, &blocks, counts, rule(k, (k - 1) / 2));
        let Some(best) = suppression.best(&given) else { return };
        let (cells, _) = added(&given, &best.marks, counts);
        let least = optimum(plan, k, counts, cells);
        let (tables, found, optimal) = sum.get();
        sum.set((tables + 1, found + primary + cells, optimal + primary + least));
    });
    let (tables, found, optimal) = sum.get();
    println!("{tables} tables: {found} cells hidden, {optimal} at least");
    assert!(tables > 20 && found * 100 <= optimal * 115);
}
