//! An attacker that knows the rule by which cells are hidden: it runs it on every table that what is shown leaves possible,
//! and keeps those of which the same would be shown.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::cell::CellValue;

/// With more possible tables than this a table is left out.
const MOST: usize = 20_000;

/// Which cells of the finest block add up to each cell of the plan.
fn parts(plan: &Plan) -> BTreeMap<usize, Vec<usize>> {
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for cell in plan.blocks()[0].cells() {
        for block in 0..plan.blocks().len() {
            parts.entry(plan.project(cell, block).unwrap()).or_default().push(cell);
        }
    }
    parts
}

/// The least and the most that a cell may count by what stands there.
fn range(value: &CellValue, k: i64, most: i64) -> (i64, i64) {
    match value {
        CellValue::HiddenTooFew => (1, k - 1),
        CellValue::HiddenProtectsOthers => (k, most),
        shown => {
            let value = shown.value().unwrap().scaled().try_into().unwrap();
            (value, value)
        }
    }
}

/// All tables that fit what is shown, if they are not too many. The first block is the finest, its cells the first ones.
fn possible(plan: &Plan, table: &ProtectedTable, k: i64, most: i64) -> Option<Vec<Vec<i64>>> {
    let ranges: Vec<(i64, i64)> = table.rows().iter().map(|row| range(&row.figures()[0], k, most)).collect();
    let parts = parts(plan);
    let mut open: Vec<Vec<i64>> = vec![Vec::new()];
    for cell in plan.blocks()[0].cells() {
        let with = |counts: &Vec<i64>, count| counts.iter().copied().chain([count]).collect::<Vec<i64>>();
        let (least, most) = ranges[cell];
        let longer = open.iter().flat_map(|counts| (least..=most).map(|count| with(counts, count)));
        let fits = |counts: &Vec<i64>| {
            parts.iter().filter(|(_, parts)| parts.contains(&cell)).all(|(total, parts)| {
                let sum = |of: fn(&(i64, i64)) -> i64| -> i64 {
                    parts.iter().map(|&part| counts.get(part).copied().unwrap_or_else(|| of(&ranges[part]))).sum()
                };
                sum(|range| range.0) <= ranges[*total].1 && ranges[*total].0 <= sum(|range| range.1)
            })
        };
        open = longer.filter(fits).take(MOST + 1).collect();
        if open.len() > MOST {
            return None;
        }
    }
    Some(open.iter().map(|finest| totals(plan, finest)).collect())
}

/// How far apart the ends of each hidden cell are: by what is shown, and by what is shown and the rule.
fn spans(plan: &Plan, k: u64, counts: &[i64]) -> Option<Vec<(i64, i64)>> {
    let table = shown(plan, k, counts);
    let is_hidden = |row: &usize| table.rows()[*row].figures()[0].value().is_none();
    let hidden: Vec<usize> = (0..counts.len()).filter(is_hidden).collect();
    let most = counts.iter().max()? + 10;
    let possible = possible(plan, &table, i64::try_from(k).unwrap(), most).filter(|_| !hidden.is_empty())?;
    let (same, _): (Vec<&Vec<i64>>, Vec<_>) = possible.iter().partition(|counts| shown(plan, k, counts) == table);
    let span = |tables: &[&Vec<i64>], cell: usize| {
        let counts = tables.iter().map(|counts| counts[cell]);
        counts.clone().max().unwrap() - counts.min().unwrap()
    };
    let all: Vec<&Vec<i64>> = possible.iter().collect();
    Some(hidden.iter().map(|&cell| (span(&all, cell), span(&same, cell))).collect())
}

/// Of small random tables with hidden cells: how many there are, in how many the rule narrows a cell to less than the
/// protection interval, and in how many it tells a cell exactly.
fn told_by_the_rule(k: u64, cases: u32) -> (usize, usize, usize) {
    let few = i64::try_from(k).unwrap();
    let lengths = prop_oneof![Just(vec![4]), Just(vec![6]), Just(vec![3, 3]), Just(vec![2, 4])];
    let strategy = lengths.prop_flat_map(move |lengths| {
        let count = prop_oneof![1 => Just(0_i64), 3 => 1_i64..few + 2, 6 => few..4 * few];
        let cells: usize = lengths.iter().product();
        (Just(lengths), prop::collection::vec(count, cells))
    });
    let found = RefCell::new(Vec::new());
    let attack = |(lengths, finest): (Vec<usize>, Vec<i64>)| {
        let plan = plan(&lengths, &[], "CUBE(ALL)");
        found.borrow_mut().extend(spans(&plan, k, &totals(&plan, &finest)));
        Ok(())
    };
    runner(cases).run(&strategy, attack).unwrap();
    let found = found.into_inner();
    let with = |told: fn(i64, i64) -> bool| {
        let wide = width(k);
        found.iter().filter(|spans| spans.iter().any(|(plain, ruled)| *plain >= wide && told(*ruled, wide))).count()
    };
    (found.len(), with(|ruled, wide| ruled < wide), with(|ruled, _| ruled == 0))
}

/// It cannot be none: that more had to be hidden says something, too, of cells that lie at the end of what they may be.
/// With the cells with fewest rows hidden first it was 25 of 85 and 1 exactly, and 43 of 185.
#[test]
fn who_knows_the_rule_seldom_learns_more_than_what_is_shown() {
    let (tables, narrowed, exactly) = told_by_the_rule(10, 100);
    println!("k = 10: {tables} tables with hidden cells, {narrowed} narrowed by the rule, {exactly} exactly");
    assert!(tables > 70 && narrowed * 5 <= tables && exactly * 50 <= tables);
    let (tables, narrowed, exactly) = told_by_the_rule(4, 250);
    println!("k = 4: {tables} tables with hidden cells, {narrowed} narrowed by the rule, {exactly} exactly");
    assert!(tables > 150 && narrowed * 7 <= tables && exactly * 7 <= tables);
}
