//! Random tables with groups of codes: sub-totals beside their parts, in two to four dimensions.

use std::cell::Cell;

use super::*;
use crate::trial::{Groups, plan_with_groups};

/// A table: lengths, groups, grouping, k, and what is in it.
type Table = (Vec<usize>, Vec<Groups>, String, u64, Vec<i64>);

/// Two or three levels of the codes of an axis, or one; in all dimensions together there are at most eight.
fn groups(length: usize, dimensions: usize) -> impl Strategy<Value = Groups> {
    let level = |of: usize| prop::collection::vec(0..of, length);
    prop_oneof![
        1 => Just(Vec::new()),
        2 => level(3).prop_map(|finest| vec![finest]),
        u32::from(dimensions == 2) => (level(3), prop::collection::vec(0_usize..2, 3)).prop_map(|(finest, coarsest)| {
            let above = finest.iter().map(|&group| coarsest[group]).collect();
            vec![finest, above]
        }),
    ]
}

/// The levels of an axis, the coarsest first.
fn levels(axis: usize, groups: &Groups) -> Vec<String> {
    let coarser = (1..=groups.len()).map(|level| format!("LEVEL(a{axis}, {level})"));
    coarser.chain([format!("a{axis}")]).collect()
}

/// All levels of all axes; the finest and the coarsest ones; two tables that have one level in common.
fn grouping(groups: &[Groups], which: usize) -> String {
    let levels: Vec<Vec<String>> = groups.iter().enumerate().map(|(axis, groups)| levels(axis, groups)).collect();
    let rollups = || levels.iter().map(|of_axis| format!("ROLLUP({})", of_axis.join(", "))).collect::<Vec<_>>();
    let finest: Vec<&str> = levels.iter().filter_map(|of_axis| of_axis.last()).map(String::as_str).collect();
    let coarsest: Vec<&str> = levels.iter().filter_map(|of_axis| of_axis.first()).map(String::as_str).collect();
    match which {
        0..=3 => rollups().join(", "),
        4 => format!("GROUPING SETS (({}), ({}), ({}), ())", finest.join(", "), coarsest.join(", "), coarsest[0]),
        5 => format!("GROUPING SETS (({}), ({}))", finest.join(", "), coarsest.join(", ")),
        _ => {
            let (last, others) = coarsest.split_last().unwrap();
            let (first, rest) = coarsest.split_first().unwrap();
            let one = [others, &[finest[finest.len() - 1]]].concat().join(", ");
            let other = [&[finest[0]], rest].concat().join(", ");
            format!("GROUPING SETS (({one}), ({other}), ({first}), ({last}))")
        }
    }
}

fn tables(lengths: impl Strategy<Value = Vec<usize>>) -> impl Strategy<Value = Table> {
    lengths.prop_flat_map(|lengths| {
        let groups: Vec<_> = lengths.iter().map(|&length| groups(length, lengths.len())).collect();
        let cells: usize = lengths.iter().product();
        let count = prop_oneof![1 => Just(0_i64), 2 => 1_i64..13, 7 => 10_i64..60];
        (Just(lengths), groups, 0_usize..7, 3_u64..13, prop::collection::vec(count, cells)).prop_map(
            |(lengths, groups, which, k, counts)| {
                let grouping = grouping(&groups, which);
                (lengths, groups, grouping, k, counts)
            },
        )
    })
}

/// Totals of all blocks, from the counts of the finest codes, of which no block may have them all.
fn all_totals(plan: &Plan, lengths: &[usize], finest: &[i64]) -> Vec<i64> {
    let mut totals = vec![0; plan.cell_count()];
    for (place, count) in finest.iter().enumerate() {
        let mut codes = vec![0; lengths.len()];
        let mut rest = place;
        for (code, length) in codes.iter_mut().zip(lengths).rev() {
            *code = u16::try_from(rest % length).unwrap();
            rest /= length;
        }
        for block in plan.blocks() {
            let position = |&axis: &usize| {
                let axis = &plan.axes()[axis];
                let variable: usize = axis.name()[1..2].parse().unwrap();
                axis.position_of(codes[variable]).unwrap()
            };
            let positions: Vec<u32> = block.axes().iter().map(position).collect();
            totals[block.cell_at(&positions).unwrap()] += count;
        }
    }
    totals
}

/// How many tables had hidden cells, how many of them are opened when nothing protects these, and how many are hidden
/// coarsely.
fn attacked(cases: u32, lengths: impl Strategy<Value = Vec<usize>>) -> (u32, u32, u32) {
    let told = Cell::new((0, 0, 0));
    runner(cases)
        .run(&tables(lengths), |(lengths, groups, grouping, k, finest)| {
            let plan = plan_with_groups(&lengths, &[], &groups, &grouping);
            let counts = all_totals(&plan, &lengths, &finest);
            let table = shown(&plan, k, &counts);
            prop_assert_eq!(opened(&table, k), Vec::<usize>::new());
            let bare = hiding(&plan, i64::try_from(k).unwrap(), &counts, &[]);
            let primary = with_status(&bare, Status::HiddenTooFew);
            if !primary.is_empty() {
                let (tables, bitten, coarse) = told.get();
                let is_coarse = with_status(&table, Status::HiddenTooFew) != primary;
                told.set((tables + 1, bitten + u32::from(!opened(&bare, k).is_empty()), coarse + u32::from(is_coarse)));
            }
            Ok(())
        })
        .unwrap();
    told.get()
}

#[test]
fn nor_with_sub_totals_of_groups() {
    let two = attacked(1200, prop::collection::vec(2_usize..8, 2));
    let three = attacked(250, prop::collection::vec(2_usize..5, 3));
    let four = attacked(30, prop::collection::vec(2_usize..4, 4));
    for (dimensions, (tables, bitten, coarse)) in (2..).zip([two, three, four]) {
        println!(
            "{dimensions} dimensions: {tables} tables with hidden cells, {bitten} opened without secondary suppression, \
             none with; {coarse} hidden coarsely"
        );
        assert!(bitten * 2 > tables, "the attacker wins often where nothing protects");
        assert!(coarse * 4 < tables);
    }
}

/// Rows with one or more codes of a multiple-valued axis with groups, and one of another.
#[test]
fn nor_with_groups_of_codes_that_do_not_add_up() {
    let rows = prop::collection::vec((1_usize..32, 0_u32..2), 0..90);
    let tables = (rows, prop::collection::vec(0_usize..3, 5), 3_u64..11, 0..MULTIPLE.len());
    let told = Cell::new((0, 0));
    runner(500)
        .run(&tables, |(rows, groups, k, grouping)| {
            let plan = plan_with_groups(&[5, 2], &[0], &[vec![groups]], MULTIPLE[grouping]);
            let has = |row: usize, axis: usize, position: u32| {
                plan.axes()[axis].codes_at(position).iter().any(|code| row & (1 << code) != 0)
            };
            let counted = |cell: usize, (codes, other): (usize, u32)| {
                let positions = plan.cell(cell).unwrap().positions;
                positions.iter().enumerate().all(|(axis, position)| match position {
                    None => true,
                    Some(at) if plan.axes()[axis].multiple() => has(codes, axis, *at),
                    Some(at) => *at == other,
                })
            };
            let count = |cell: usize| rows.iter().filter(|row| counted(cell, **row)).count();
            let counts: Vec<i64> = (0..plan.cell_count()).map(|cell| i64::try_from(count(cell)).unwrap()).collect();
            prop_assert_eq!(opened(&shown(&plan, k, &counts), k), Vec::<usize>::new());
            let bare = hiding(&plan, i64::try_from(k).unwrap(), &counts, &[]);
            let (tables, bitten) = told.get();
            told.set((tables + 1, bitten + u32::from(!opened(&bare, k).is_empty())));
            Ok(())
        })
        .unwrap();
    let (tables, bitten) = told.get();
    println!("{bitten} of {tables} tables opened without secondary suppression");
    assert!(bitten > 20);
}

const MULTIPLE: [&str; 3] = [
    "CUBE(a1), ROLLUP(LEVEL(a0, 1), a0)",
    "GROUPING SETS ((a0), (LEVEL(a0, 1), a1), ())",
    "ROLLUP(a1, LEVEL(a0, 1), a0)",
];

#[test]
fn a_sub_total_that_is_shown_opens_no_part_of_its_group() {
    // Two groups of two codes each; 3 and 20 make the first.
    let plan = plan_with_groups(&[4], &[], &[vec![vec![0, 0, 1, 1]]], "ROLLUP(LEVEL(a0, 1), a0)");
    let counts = all_totals(&plan, &[4], &[3, 20, 30, 40]);
    assert_eq!(counts, [3, 20, 30, 40, 23, 70, 93]);
    let table = shown(&plan, 5, &counts);
    assert_eq!(with_status(&table, Status::HiddenTooFew), [0]);
    assert_eq!(with_status(&table, Status::HiddenProtectsOthers), [1], "within its group, and no sub-total");
    assert_eq!(opened(&hiding(&plan, 5, &counts, &[2]), 5), [0, 2], "what is hidden in another group does not help");
    // A group of one code is as large as that code. With the total hidden, too, nothing follows from the other groups.
    let plan = plan_with_groups(&[4], &[], &[vec![vec![0, 1, 1, 2]]], "ROLLUP(LEVEL(a0, 1), a0)");
    let counts = all_totals(&plan, &[4], &[3, 20, 30, 40]);
    assert_eq!(opened(&hiding(&plan, 5, &counts, &[]), 5), [0, 4]);
    let table = shown(&plan, 5, &counts);
    assert_eq!(with_status(&table, Status::HiddenTooFew), [0, 4]);
    assert_eq!(with_status(&table, Status::HiddenProtectsOthers), [7]);
}

/// Many cells with too few, as tables of people are: what no single move protects is found by the attacker.
#[test]
fn a_table_of_mostly_small_cells_keeps_margins() {
    let groups = [vec![vec![0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]], vec![]];
    let plan = plan_with_groups(&[12, 3], &[], &groups, "ROLLUP(LEVEL(a0, 1), a0), ROLLUP(a1)");
    let finest = [
        [5, 53, 3],
        [2, 20, 0],
        [4, 14, 0],
        [6, 41, 1],
        [3, 18, 0],
        [2, 20, 0],
        [2, 8, 0],
        [5, 42, 2],
        [0, 14, 0],
        [1, 17, 1],
        [8, 46, 2],
        [0, 10, 0],
    ];
    let counts = all_totals(&plan, &[12, 3], finest.as_flattened());
    let table = shown(&plan, 10, &counts);
    let whole = table.rows().len() - 1;
    assert_eq!(with_status(&table, Status::Shown).last(), Some(&whole), "the total is shown");
    assert!(with_status(&table, Status::HiddenProtectsOthers).len() <= 24);
    assert_eq!(opened(&table, 10), Vec::<usize>::new());
}
