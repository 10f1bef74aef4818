//! What holds for every question.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use optelsom_codebook::{CodeIndex, Codebook, Plan, Query, Variable};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// A condition as it is written, with its meaning beside it.
#[derive(Clone, Debug)]
enum Written {
    Among { variable: usize, codes: Vec<CodeIndex>, negated: bool },
    Not(Box<Written>),
    All(Vec<Written>),
    Any(Vec<Written>),
}

impl Written {
    fn sql(&self, variables: &[Variable]) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.sql(variables)).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Self::Among { variable, codes, negated } => {
                let variable = &variables[*variable];
                let codes = codes.iter().map(|&code| variable.list().code(code).unwrap().code().replace('\'', "''"));
                let codes: Vec<String> = codes.map(|code| format!("'{code}'")).collect();
                format!("{} {}IN ({})", variable.name(), if *negated { "NOT " } else { "" }, codes.join(", "))
            }
            Self::Not(inner) => format!("NOT ({})", inner.sql(variables)),
            Self::All(parts) => join(parts, " AND "),
            Self::Any(parts) => join(parts, " OR "),
        }
    }

    fn holds(&self, row: &[Vec<CodeIndex>]) -> bool {
        match self {
            Self::Among { variable, codes, negated } => {
                row[*variable].iter().any(|code| codes.contains(code)) != *negated
            }
            Self::Not(inner) => !inner.holds(row),
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
        }
    }

    /// The same condition with every list the other way round.
    fn reversed(&self) -> Self {
        let reverse = |parts: &[Self]| parts.iter().rev().map(Self::reversed).collect();
        match self {
            Self::Among { variable, codes, negated } => {
                Self::Among { variable: *variable, codes: codes.iter().rev().copied().collect(), negated: *negated }
            }
            Self::Not(inner) => Self::Not(Box::new(inner.reversed())),
            Self::All(parts) => Self::All(reverse(parts)),
            Self::Any(parts) => Self::Any(reverse(parts)),
        }
    }
}

fn variables() -> Vec<Variable> {
    common::codebook().dataset("victims").unwrap().variables().to_vec()
}

fn conditions() -> impl Strategy<Value = Written> {
    let sizes: Vec<CodeIndex> = variables().iter().map(|v| CodeIndex::try_from(v.list().len()).unwrap()).collect();
    let leaf = (0..sizes.len(), any::<bool>()).prop_flat_map(move |(variable, negated)| {
        let codes: Vec<CodeIndex> = (0..sizes[variable]).collect();
        let length = codes.len();
        subsequence(codes, 1..=length).prop_map(move |codes| Written::Among { variable, codes, negated })
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Written::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Written::All),
            prop::collection::vec(inner, 1..4).prop_map(Written::Any),
        ]
    })
}

fn rows() -> impl Strategy<Value = Vec<Vec<CodeIndex>>> {
    let columns: Vec<_> = variables()
        .iter()
        .map(|variable| {
            let codes: Vec<CodeIndex> = (0..CodeIndex::try_from(variable.list().len()).unwrap()).collect();
            let most = if variable.multiple() { codes.len() } else { 1 };
            subsequence(codes, 1..=most)
        })
        .collect();
    columns
}

const FIGURES: [&str; 9] = [
    "COUNT(*)",
    "SUM(damages)",
    "AVG(days)",
    "VAR(days)",
    "STDDEV_POP(damages)",
    "SHARE(COUNT(*))",
    "QUANTILE(days, 0.5, 0, 7, 30)",
    "QUANTILE(damages, 0.05, -1.5, 0.25)",
    "HISTOGRAM(days, 0, 7, 30), COUNT(*)",
];

const GROUPS: [&str; 8] = [
    "",
    " GROUP BY year",
    " GROUP BY sex, year, age",
    " GROUP BY ROLLUP(form, year)",
    " GROUP BY CUBE(sex, form, year)",
    " GROUP BY year, ROLLUP(sex), CUBE(age, form)",
    " GROUP BY GROUPING SETS ((sex, year), (age), ())",
    " GROUP BY GROUPING SETS ((sex, HISTOGRAM(days, 0, 7, 30)), (year))",
];

fn questions() -> impl Strategy<Value = String> {
    let filters = prop::option::of(conditions());
    (select(&FIGURES[..]), select(&GROUPS[..]), filters, any::<bool>()).prop_map(|(figure, group, filter, edition)| {
        let edition = edition.then(|| "edition = '2024-12'".to_owned());
        let conditions: Vec<String> =
            filter.map(|filter| filter.sql(&variables())).into_iter().chain(edition).collect();
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("SELECT {figure} FROM victims{filter}{group}")
    })
}

fn read(codebook: &Codebook, sql: &str) -> Option<Query> {
    match Query::from_sql(codebook, sql) {
        Ok(query) => Some(query),
        Err(optelsom_codebook::QueryError::NothingMatches) => None,
        Err(error) => panic!("{sql}: {error}"),
    }
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back_as_itself(sql in questions()) {
        let codebook = common::codebook();
        if let Some(query) = read(&codebook, &sql) {
            let again = Query::from_json(&codebook, &query.canonical_json()).unwrap();
            prop_assert_eq!(again.canonical_json(), query.canonical_json());
            prop_assert_eq!(&again, &query);
            let again = Query::from_json(&codebook, &query.pretty_json()).unwrap();
            prop_assert_eq!(&again, &query);
            let written = query.to_sql();
            let again = Query::from_sql(&codebook, &written).unwrap_or_else(|error| panic!("{written}: {error}"));
            prop_assert_eq!(again.canonical_json(), query.canonical_json(), "{}", written);
        }
    }

    #[test]
    fn normal_form_keeps_the_meaning(condition in conditions(), rows in prop::collection::vec(rows(), 20)) {
        let codebook = common::codebook();
        let sql = format!("SELECT COUNT(*) FROM victims WHERE {}", condition.sql(&variables()));
        let query = read(&codebook, &sql);
        for row in &rows {
            let passes = query.as_ref().is_some_and(|query| query.filter().matches(&|variable| &row[variable]));
            prop_assert_eq!(passes, condition.holds(row), "{} for {:?}", sql, row);
        }
    }

    #[test]
    fn the_order_of_conditions_does_not_matter(condition in conditions()) {
        let codebook = common::codebook();
        let read = |condition: &Written| {
            let sql = format!("SELECT COUNT(*) FROM victims WHERE {}", condition.sql(&variables()));
            read(&codebook, &sql).map(|query| query.hash())
        };
        prop_assert_eq!(read(&condition), read(&condition.reversed()));
    }

    #[test]
    fn the_years_asked_are_never_too_few(condition in conditions(), rows in prop::collection::vec(rows(), 20)) {
        let codebook = common::codebook();
        let sql = format!("SELECT COUNT(*) FROM victims WHERE {}", condition.sql(&variables()));
        if let Some(query) = read(&codebook, &sql) {
            let periods = Plan::new(&codebook, &query).unwrap().period_codes();
            for row in rows.iter().filter(|row| condition.holds(row)) {
                prop_assert!(periods.contains(row[0][0]));
            }
        }
    }

    #[test]
    fn cells_and_their_positions_correspond(sql in questions(), seed: usize) {
        let codebook = common::codebook();
        let Some(query) = read(&codebook, &sql) else { return Ok(()) };
        let plan = Plan::new(&codebook, &query).unwrap();
        prop_assert_eq!(plan.blocks().iter().map(|block| block.len()).sum::<usize>(), plan.cell_count());
        let index = seed % plan.cell_count();
        let cell = plan.cell(index).unwrap();
        prop_assert_eq!(plan.index_of(&cell), Some(index));
        prop_assert_eq!(plan.project(index, cell.block), Some(index));
        for (axis, position) in plan.axes().iter().zip(&cell.positions) {
            prop_assert!(position.is_none_or(|position| (position as usize) < axis.len()));
        }
        prop_assert_eq!(plan.cell(plan.cell_count()), None);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), words in prop::collection::vec(select(&WORDS[..]), 0..40)) {
        let codebook = common::codebook();
        let _ = Query::from_sql(&codebook, &text);
        let _ = Query::from_json(&codebook, &text);
        let _ = Codebook::parse(&text);
        let _ = Query::from_sql(&codebook, &words.join(" "));
        let _ = Query::from_sql(&codebook, &format!("SELECT COUNT(*) FROM victims {}", words.join(" ")));
        let _ = Query::from_sql(&codebook, &format!("SELECT {} FROM victims", words.join(" ")));
    }

    #[test]
    fn a_literal_is_never_more_than_a_code(text in "[ -~]{0,30}|.{0,20}") {
        let codebook = common::codebook();
        let sql = format!("SELECT COUNT(*) FROM victims WHERE sex = '{}'", text.replace('\'', "''"));
        match Query::from_sql(&codebook, &sql) {
            Ok(query) => prop_assert!(["F", "M", "U"].contains(&text.as_str()), "{}", query.canonical_json()),
            Err(error) => prop_assert!(error.to_string().starts_with("no code `"), "{}: {}", sql, error),
        }
    }
}

const WORDS: [&str; 32] = [
    "SELECT",
    "FROM",
    "victims",
    "WHERE",
    "GROUP BY",
    "sex",
    "year",
    "form",
    "days",
    "COUNT(*)",
    "(",
    ")",
    ",",
    "=",
    "'F'",
    "2020",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "ROLLUP",
    "CUBE",
    "HISTOGRAM(",
    "QUANTILE(",
    "SHARE(",
    "edition",
    "''",
    "-",
    "1",
    "GROUPING SETS",
    "*",
];
