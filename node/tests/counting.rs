//! Counting agrees with an oracle that looks at every row and every cell, over random codebooks, rows and questions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::fmt::Write as _;

use optelsom_codebook::{AxisKind, AxisValue, CodeIndex, Column, Node, Plan, Query};
use optelsom_node::aggregate::aggregate;
use optelsom_secagg::Bound;
use proptest::prelude::*;
use supplier::{Supplier, admit};

/// The sizes of the variables' lists; the later ones take several values. The first variable is the year.
#[derive(Clone, Debug)]
struct World {
    singles: Vec<u16>,
    multiples: Vec<u16>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    codes: Vec<Vec<CodeIndex>>,
    measures: [Option<i64>; 2],
}

impl World {
    fn sizes(&self) -> impl Iterator<Item = (usize, u16, bool)> {
        let singles = self.singles.iter().map(|size| (*size, false));
        let all = singles.chain(self.multiples.iter().map(|size| (*size, true)));
        all.enumerate().map(|(at, (size, multiple))| (at, size, multiple))
    }

    fn codebook(&self) -> String {
        let mut text = "version = \"1\"\nname = { nl = \"a\", en = \"a\" }\n".to_owned();
        let mut dataset = "[datasets.victims]\nlabel = { nl = \"a\", en = \"a\" }\nunit = \"report\"\nperiod = \"v0\"\nminimum_frequency = 3\n".to_owned();
        for (at, size, multiple) in self.sizes() {
            let parent = |code: u16| if has_group(at, size) && code < 2 { ", parent = \"g\"" } else { "" };
            let entry = |code: String, parent: &str| format!("{{ code = \"{code}\", nl = \"a\", en = \"a\"{parent} }}");
            let codes = (0..size).map(|code| entry(format!("c{code}"), parent(code)));
            let codes = codes.chain(has_group(at, size).then(|| entry("g".to_owned(), "")));
            writeln!(text, "[lists.l{at}]\nordered = true\ncodes = [{}]", codes.collect::<Vec<_>>().join(", "))
                .unwrap();
            writeln!(dataset, "[datasets.victims.variables.v{at}]\nlist = \"l{at}\"\nlabel = {{ nl = \"a\", en = \"a\" }}\nmultiple = {multiple}").unwrap();
        }
        for (name, optional) in [("needed", false), ("perhaps", true)] {
            writeln!(dataset, "[datasets.victims.measures.{name}]\nlabel = {{ nl = \"a\", en = \"a\" }}\nunit = \"EUR\"\ndecimals = 1\nminimum = -500\nmaximum = 500\noptional = {optional}").unwrap();
        }
        text + &dataset
    }

    fn bindings(&self) -> String {
        let mut text = "[datasets.victims]\nsource = { csv = { path = \"data.csv\" } }\n".to_owned();
        for (at, _, multiple) in self.sizes() {
            let separator = if multiple { "separator = \"|\"\n" } else { "" };
            write!(text, "[datasets.victims.variables.v{at}]\ncolumn = \"v{at}\"\n{separator}").unwrap();
        }
        text + "[datasets.victims.measures.needed]\ncolumn = \"needed\"\n[datasets.victims.measures.perhaps]\ncolumn = \"perhaps\"\n"
    }

    fn csv(&self) -> String {
        let mut text: String = self.sizes().map(|(at, _, _)| format!("v{at},")).collect();
        text += "needed,perhaps\n";
        for row in &self.rows {
            for codes in &row.codes {
                text += &codes.iter().map(|code| format!("c{code}")).collect::<Vec<_>>().join("|");
                text += ",";
            }
            let number =
                |value: Option<i64>| value.map_or(String::new(), |value| optelsom_codebook::format_decimal(value, 1));
            writeln!(text, "{},{}", number(row.measures[0]), number(row.measures[1])).unwrap();
        }
        text
    }
}

/// Of lists of three codes and more the first two lie in a group; the years may have none.
fn has_group(at: usize, size: u16) -> bool {
    at > 0 && size > 2
}

fn worlds() -> impl Strategy<Value = World> {
    (prop::collection::vec(1u16..5, 1..4), prop::collection::vec(1u16..5, 0..3)).prop_flat_map(
        |(singles, multiples)| {
            let single = singles.iter().map(|size| (0..*size).prop_map(|code| vec![code]).boxed());
            let multiple = multiples.iter().map(|size| {
                prop::collection::btree_set(0..*size, 1..=usize::from(*size))
                    .prop_map(|set| set.into_iter().collect())
                    .boxed()
            });
            let codes: Vec<BoxedStrategy<Vec<CodeIndex>>> = single.chain(multiple).collect();
            let measures =
                (-500i64..=500, prop::option::of(-500i64..=500)).prop_map(|(needed, perhaps)| [Some(needed), perhaps]);
            let rows =
                prop::collection::vec((codes, measures).prop_map(|(codes, measures)| Row { codes, measures }), 0..60);
            rows.prop_map(move |rows| World { singles: singles.clone(), multiples: multiples.clone(), rows })
        },
    )
}

/// A question as text, from a stream of choices.
fn question(world: &World, choices: &[u8]) -> String {
    let mut choices = choices.iter().copied().cycle();
    let mut choose = |options: usize| usize::from(choices.next().unwrap_or(0)) % options;
    let sizes: Vec<_> = world.sizes().collect();
    let condition = |choose: &mut dyn FnMut(usize) -> usize| {
        let (at, size, _) = sizes[choose(sizes.len())];
        let codes: Vec<String> = (0..size).filter(|_| choose(2) == 1).map(|code| format!("'c{code}'")).collect();
        match choose(3) {
            0 => format!("v{at} = 'c{}'", choose(usize::from(size))),
            1 => format!("NOT v{at} = 'c{}'", choose(usize::from(size))),
            _ if codes.is_empty() => format!("v{at} <> 'c0'"),
            _ => format!("v{at} IN ({})", codes.join(", ")),
        }
    };
    let mut group: Vec<String> = Vec::new();
    for (at, size, _) in &sizes {
        let level = has_group(*at, *size).then(|| format!("LEVEL(v{at}, 1)"));
        group.extend(level.filter(|_| choose(3) == 1));
        group.extend((choose(2) == 1).then(|| format!("v{at}")));
    }
    if choose(3) == 0 {
        group.push("HISTOGRAM(perhaps, -10, 0, 12.5)".to_owned());
    }
    let figures = ["COUNT(*)", "SUM(needed)", "AVG(perhaps)", "VAR(perhaps)", "SUM(perhaps)", "VAR_POP(needed)"];
    let mut sql = format!("SELECT {}, {} FROM victims", figures[choose(6)], figures[choose(6)]);
    let conditions: Vec<String> = (0..choose(4)).map(|_| condition(&mut choose)).collect();
    if !conditions.is_empty() {
        let joined = conditions.join([" AND ", " OR "][choose(2)]);
        sql += &format!(" WHERE {joined}");
    }
    if !group.is_empty() {
        let group = group.join(", ");
        sql += &match choose(3) {
            0 => format!(" GROUP BY {group}"),
            1 => format!(" GROUP BY ROLLUP({group})"),
            _ => format!(" GROUP BY CUBE({group})"),
        };
    }
    sql
}

/// What a row adds to a column.
fn addition(column: Column, row: &Row) -> i64 {
    let value = |measure: usize| row.measures[measure];
    match column {
        Column::Count => 1,
        Column::Present { measure } => i64::from(value(measure).is_some()),
        Column::Sum { measure } => value(measure).unwrap_or(0),
        Column::SumOfSquares { measure } => value(measure).unwrap_or(0).pow(2),
        Column::Suppliers { measure } => measure.map_or(1, |measure| i64::from(value(measure).is_some())),
    }
}

fn expected(plan: &Plan, rows: &[Row]) -> Vec<Vec<i64>> {
    let mut columns = vec![vec![0; plan.cell_count()]; plan.columns().len()];
    for row in rows.iter().filter(|row| plan.filter().matches(&|variable| &row.codes[variable])) {
        for cell in 0..plan.cell_count() {
            let positions = plan.cell(cell).unwrap().positions;
            let within = plan.axes().iter().zip(positions).all(|(axis, position)| match (axis.kind(), position) {
                (_, None) => true,
                (AxisKind::Variable { variable }, Some(position)) => {
                    let list = plan.dataset().variables()[*variable].list();
                    let codes = match axis.codes()[position as usize].value() {
                        AxisValue::Code(code) => list.codes_of(Node::Code(code)),
                        AxisValue::Group(group) => list.codes_of(Node::Group(group)),
                        AxisValue::Bin(_) => panic!("a bin of a variable"),
                    };
                    row.codes[*variable].iter().any(|code| codes.contains(*code))
                }
                (AxisKind::Histogram { measure, .. }, Some(position)) => {
                    axis.bin_of(row.measures[*measure]) == Some(position)
                }
            });
            if within {
                for (column, cells) in plan.columns().iter().zip(&mut columns) {
                    cells[cell] += addition(*column, row);
                }
            }
        }
    }
    // However many rows it has there, it is one supplier.
    for (column, cells) in plan.columns().iter().zip(&mut columns) {
        if column.follows_from().is_some() {
            cells.iter_mut().for_each(|cell| *cell = i64::from(*cell != 0));
        }
    }
    columns
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_looking_at_every_row(world in worlds(), questions in prop::collection::vec(prop::collection::vec(any::<u8>(), 24), 8)) {
        let supplier = Supplier::with_codebook(&world.codebook());
        supplier.write("data.csv", world.csv()).freeze(&world.bindings()).unwrap();
        let edition = supplier.edition();
        for choices in questions {
            let sql = question(&world, &choices);
            // Some of these questions are about no row, or ask one thing twice, and are refused as such.
            let Ok(query) = Query::from_sql(supplier.codebook(), &sql) else { continue };
            let plan = Plan::new(supplier.codebook(), &query).unwrap();
            let table = aggregate(&admit(supplier.codebook(), &plan), &edition, Bound::for_suppliers(3)).unwrap();
            prop_assert_eq!(table.columns(), expected(&plan, &world.rows), "{}", sql);
        }
    }
}

#[test]
fn most_random_questions_are_askable() {
    let world = World { singles: vec![3, 2], multiples: vec![3], rows: Vec::new() };
    let supplier = Supplier::with_codebook(&world.codebook());
    let askable = (0..=255u8).filter(|seed| {
        let choices: Vec<u8> =
            (0..24u8).map(|at| seed.wrapping_mul(31).wrapping_add(at.wrapping_mul(*seed | 1)) ^ (at * 7)).collect();
        Query::from_sql(supplier.codebook(), &question(&world, &choices)).is_ok()
    });
    assert!(askable.count() > 128);
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let bound = (1u64 << 31) - 1;
    let codebook = supplier::CODEBOOK.replace("maximum = 20000", &format!("maximum = {bound}"));
    let supplier = Supplier::with_codebook(&codebook);
    let line = format!(";;01-01-2024;;{bound};1");
    supplier.write("data.csv", supplier::csv(&[line.as_str(); 3]));
    supplier.freeze(supplier::CSV).unwrap();
    let error = supplier.count("SELECT VAR(days) FROM victims").unwrap_err().to_string();
    assert!(error.contains("larger than a sum over all suppliers can hold"), "{error}");
    assert!(!error.contains(&bound.to_string()), "{error}");
    // One row's square is within 62 bits, but with three suppliers the sum might not be.
    let error = supplier.count("SELECT VAR(days) FROM victims WHERE year = 2024").unwrap_err().to_string();
    assert!(error.contains("cell 0"), "{error}");
    assert_eq!(
        supplier.count("SELECT SUM(days) FROM victims").unwrap().columns()[1],
        [3 * i64::try_from(bound).unwrap()]
    );
}
