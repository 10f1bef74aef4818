//! Plans and tables for tests: as many axes as wanted, of any length, with the groupings wanted.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use optelsom_codebook::{Codebook, Plan, Query};

use crate::cell::CellValue;
use crate::decimal::Decimal;
use crate::protect::protect;
use crate::table::{FigureKind, ProtectedTable};
use crate::{Policy, Totals};

/// A dataset `d` with variables `a0`, `a1`, … of these lengths; those of `multiple` are multiple-valued.
pub(crate) fn codebook(lengths: &[usize], multiple: &[usize]) -> Codebook {
    Codebook::parse(&document(lengths, multiple)).unwrap()
}

/// The groups of the codes of an axis: on each level the group of each code, the finest level first.
pub(crate) type Groups = Vec<Vec<usize>>;

/// The plan of a question with axes whose codes lie in groups, given for each axis; `grouping` names their levels.
pub(crate) fn plan_with_groups(lengths: &[usize], multiple: &[usize], groups: &[Groups], grouping: &str) -> Plan {
    let mut toml = document(lengths, multiple);
    for (axis, levels) in groups.iter().enumerate().filter(|(_, levels)| !levels.is_empty()) {
        let group = |level: usize, code: usize| format!("g{level}_{}", levels[level][code]);
        let mut codes: Vec<String> =
            (0..lengths[axis]).map(|code| entry(&format!("c{code}"), Some(group(0, code)))).collect();
        for level in 0..levels.len() {
            let above = |code: usize| (level + 1 < levels.len()).then(|| group(level + 1, code));
            let all = (0..lengths[axis]).map(|code| (group(level, code), above(code)));
            let distinct: std::collections::BTreeMap<String, Option<String>> = all.collect();
            codes.extend(distinct.into_iter().map(|(group, above)| entry(&group, above)));
        }
        let flat: Vec<String> = (0..lengths[axis]).map(|code| entry(&format!("c{code}"), None)).collect();
        let list = |codes: &[String]| format!("[lists.l{axis}]\ncodes = [{}]\n", codes.join(", "));
        toml = toml.replace(&list(&flat), &list(&codes));
    }
    plan_of(&Codebook::parse(&toml).unwrap(), lengths, "COUNT(*)", grouping)
}

fn entry(code: &str, parent: Option<String>) -> String {
    let parent = parent.map_or(String::new(), |parent| format!(", parent = \"{parent}\""));
    format!("{{ code = \"{code}\", nl = \"{code}\", en = \"{code}\"{parent} }}")
}

fn document(lengths: &[usize], multiple: &[usize]) -> String {
    let mut toml = String::from(
        "version = \"1\"\nname = { nl = \"Proef\", en = \"Trial\" }\n[lists.years]\nyears = [2020, 2021]\n\
         [datasets.d]\nlabel = { nl = \"d\", en = \"d\" }\nunit = \"report\"\nperiod = \"year\"\nminimum_frequency = 3\n\
         minimum_suppliers = 1\n\
         [datasets.d.variables.year]\nlabel = { nl = \"jaar\", en = \"year\" }\nlist = \"years\"\n",
    );
    for (axis, length) in lengths.iter().enumerate() {
        let codes: Vec<String> = (0..*length).map(|code| entry(&format!("c{code}"), None)).collect();
        write!(toml, "[lists.l{axis}]\ncodes = [{}]\n", codes.join(", ")).unwrap();
        write!(
            toml,
            "[datasets.d.variables.a{axis}]\nlabel = {{ nl = \"a{axis}\", en = \"a{axis}\" }}\nlist = \"l{axis}\"\n"
        )
        .unwrap();
        if multiple.contains(&axis) {
            toml.push_str("multiple = true\n");
        }
    }
    toml
}

/// The most that a value of the measure of [`measured_plan`] can be.
pub(crate) const LARGEST_VALUE: i64 = 50;

/// The plan of a question for counts and sums of a measure with values from `least` on, where the p% rule holds.
pub(crate) fn measured_plan(lengths: &[usize], grouping: &str, least: i64) -> Plan {
    let mut toml =
        document(lengths, &[]).replace("minimum_suppliers = 1", "minimum_suppliers = 1\ndominance_percent = 10");
    write!(
        toml,
        "[datasets.d.measures.m]\nlabel = {{ nl = \"m\", en = \"m\" }}\nunit = \"EUR\"\nminimum = {least}\nmaximum = \
         {LARGEST_VALUE}\n"
    )
    .unwrap();
    plan_of(&Codebook::parse(&toml).unwrap(), lengths, "COUNT(*), SUM(m)", grouping)
}

/// The plan of a question with these axes.
pub(crate) fn plan(lengths: &[usize], multiple: &[usize], grouping: &str) -> Plan {
    plan_of(&codebook(lengths, multiple), lengths, "COUNT(*)", grouping)
}

fn plan_of(codebook: &Codebook, lengths: &[usize], figures: &str, grouping: &str) -> Plan {
    let axes: Vec<String> = (0..lengths.len()).map(|axis| format!("a{axis}")).collect();
    let axes = axes.join(", ");
    let sql = format!("SELECT {figures} FROM d GROUP BY {}", grouping.replace("ALL", &axes));
    Plan::new(codebook, &Query::from_sql(codebook, &sql).unwrap()).unwrap()
}

/// The counts of all cells of a plan over single-valued axes, from those of its first block, which has all axes.
pub(crate) fn totals(plan: &Plan, finest: &[i64]) -> Vec<i64> {
    let mut totals = vec![0; plan.cell_count()];
    for (cell, count) in finest.iter().enumerate() {
        for block in 0..plan.blocks().len() {
            totals[plan.project(cell, block).unwrap()] += count;
        }
    }
    totals
}

/// The table that is shown of these counts.
pub(crate) fn shown(plan: &Plan, k: u64, counts: &[i64]) -> ProtectedTable {
    protect(plan, &Policy::new("d", k).unwrap(), Totals::new(vec![counts.to_vec()])).unwrap()
}

/// The table in which only the cells with too few are hidden, and those that are asked for.
pub(crate) fn hiding(plan: &Plan, k: i64, counts: &[i64], others: &[usize]) -> ProtectedTable {
    let mut table = shown(plan, 3, &vec![0; counts.len()]);
    let cell = |(at, &count): (usize, &i64)| match count {
        _ if others.contains(&at) => CellValue::HiddenProtectsOthers,
        0 => CellValue::TrueZero(Decimal::whole(0)),
        few if few < k => CellValue::HiddenTooFew,
        many => CellValue::Shown(Decimal::whole(many)),
    };
    let rows = table.rows().iter().zip(counts.iter().enumerate().map(cell));
    let rows = rows.map(|(row, figure)| crate::Row::new(row.places().to_vec(), vec![figure])).collect();
    assert_eq!(table.figures()[0].kind, FigureKind::Count);
    table = ProtectedTable::new(table.axes().to_vec(), table.figures().to_vec(), rows);
    table
}
