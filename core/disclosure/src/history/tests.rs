#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_precision_loss, clippy::cast_possible_wrap)]

mod limits;
mod overlaps;
mod random;

use optelsom_codebook::{Column, Plan, Query, QueryId, Timestamp};

use super::*;
use crate::protect::{ProtectError, protect_after};
use crate::{CellValue, Policy, RoundFacts, Totals};

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2020, 2022]
[lists.sex]
codes = [{ code = "F", nl = "F", en = "F" }, { code = "M", nl = "M", en = "M" }, { code = "U", nl = "U", en = "U" }]
[lists.place]
codes = [
    { code = "ab", nl = "a of b", en = "a or b" },
    { code = "a", nl = "a", en = "a", parent = "ab" },
    { code = "b", nl = "b", en = "b", parent = "ab" },
    { code = "c", nl = "c", en = "c" },
]
[lists.form]
codes = [
    { code = "x", nl = "x", en = "x", parent = "xy" },
    { code = "y", nl = "y", en = "y", parent = "xy" },
    { code = "z", nl = "z", en = "z" },
    { code = "xy", nl = "x of y", en = "x or y" },
]
[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 10
minimum_suppliers = 2
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.variables.sex]
label = { nl = "geslacht", en = "sex" }
list = "sex"
[datasets.d.variables.place]
label = { nl = "plaats", en = "place" }
list = "place"
[datasets.d.variables.form]
label = { nl = "vorm", en = "form" }
list = "form"
multiple = true
[datasets.d.measures.age]
label = { nl = "leeftijd", en = "age" }
unit = "years"
minimum = 0
maximum = 120
[datasets.d.measures.days]
label = { nl = "duur", en = "duration" }
unit = "days"
minimum = 0
maximum = 1000
optional = true
"#;

/// A row of the data.
#[derive(Clone, Debug)]
struct Record {
    supplier: usize,
    year: u16,
    sex: u16,
    place: u16,
    /// Bits, at least one.
    form: u16,
    age: i64,
    days: Option<i64>,
}

fn name(supplier: usize) -> SupplierId {
    SupplierId::try_from(format!("s{supplier}").as_str()).unwrap()
}

/// Suppliers, records, and what was released of them.
struct Office {
    codebook: Codebook,
    records: Vec<Record>,
    released: Vec<Vec<u8>>,
    k: u64,
    /// Whether it forgets what it released.
    forgets: bool,
    limits: Limits,
}

impl Office {
    fn new(records: Vec<Record>) -> Self {
        let codebook = Codebook::parse(CODEBOOK).unwrap();
        Self { codebook, records, released: Vec::new(), k: 10, forgets: false, limits: Limits::USUAL }
    }

    fn plan(&self, sql: &str) -> Option<Plan> {
        let query = Query::from_sql(&self.codebook, sql).ok()?;
        Plan::new(&self.codebook, &query).ok()
    }

    fn holds(plan: &Plan, cell: usize, record: &Record) -> bool {
        let forms: Vec<u16> = (0..3).filter(|bit| record.form & 1 << bit != 0).collect();
        let codes = [vec![record.year], vec![record.sex], vec![record.place], forms];
        let measures = [Some(record.age), record.days];
        plan.filter().matches(&|variable| &codes[variable])
            && plan.cell(cell).unwrap().positions.iter().zip(plan.axes()).all(|(at, axis)| match (at, axis.kind()) {
                (None, _) => true,
                (at, optelsom_codebook::AxisKind::Histogram { measure, .. }) => axis.bin_of(measures[*measure]) == *at,
                (at, optelsom_codebook::AxisKind::Variable { variable }) => {
                    codes[*variable].iter().any(|code| axis.position_of(*code) == *at)
                }
            })
    }

    fn totals(&self, plan: &Plan, suppliers: &[usize]) -> Totals {
        let of = |column: &Column, cell: usize| {
            let rows = || {
                let taking_part = self.records.iter().filter(|record| suppliers.contains(&record.supplier));
                taking_part.filter(|record| Self::holds(plan, cell, record))
            };
            let value = |record: &Record, measure: usize| if measure == 0 { Some(record.age) } else { record.days };
            match *column {
                Column::Count => rows().count() as i64,
                Column::Present { measure } => rows().filter(|record| value(record, measure).is_some()).count() as i64,
                Column::Sum { measure } => rows().filter_map(|record| value(record, measure)).sum(),
                Column::SumOfSquares { measure } => {
                    rows().filter_map(|record| value(record, measure)).map(|value| value * value).sum()
                }
                Column::Suppliers { measure } => {
                    let counted = rows().filter(|record| measure.is_none_or(|at| value(record, at).is_some()));
                    counted.map(|record| record.supplier).collect::<BTreeSet<_>>().len() as i64
                }
            }
        };
        let columns = plan.columns().iter();
        Totals::new(columns.map(|column| (0..plan.cell_count()).map(|cell| of(column, cell)).collect()).collect())
    }

    /// Asks these suppliers, and releases what may be.
    fn ask(&mut self, sql: &str, suppliers: &[usize]) -> Result<Release, ProtectError> {
        let plan = self.plan(sql).unwrap();
        let edition = EditionId::try_from("1").unwrap();
        let taking_part: BTreeSet<SupplierId> = suppliers.iter().map(|&supplier| name(supplier)).collect();
        let known = if self.forgets { &[][..] } else { &self.released };
        let mut history = History::read(&self.codebook, "d", &edition, taking_part.clone(), known).unwrap();
        history.limits = self.limits;
        assert_eq!(history.len(), known.len());
        let policy = Policy::new("d", self.k).unwrap();
        let table = protect_after(&plan, &policy, self.totals(&plan, suppliers), &history)?;
        let round = RoundFacts {
            query: QueryId::from_bytes([u8::try_from(self.released.len()).unwrap(); 32]),
            edition,
            purpose: "monitor".to_owned(),
            asked_at: Timestamp::from_millis(0),
            released_at: Timestamp::from_millis(0),
            asked: taking_part.clone(),
            taking_part,
            absences: Vec::new(),
        };
        let release = Release::new(&self.codebook, &plan, &policy, round, table).unwrap();
        self.released.push(release.to_json().unwrap());
        Ok(release)
    }

    fn show(&mut self, sql: &str, suppliers: &[usize]) -> String {
        match self.ask(sql, suppliers) {
            Ok(release) => {
                let rows = release.table().rows().iter();
                let text =
                    |cell: &CellValue| cell.value().map_or(cell.status().code().to_owned(), |value| value.to_string());
                rows.map(|row| row.figures().iter().map(text).collect::<Vec<_>>().join(" "))
                    .collect::<Vec<_>>()
                    .join(" | ")
            }
            Err(cause) => format!("{cause:?}").chars().take(8).collect(),
        }
    }
}

const ALL: &[usize] = &[0, 1, 2, 3];

/// So many records of each kind, spread over the suppliers.
fn records(kinds: &[(usize, u16, u16, u16)]) -> Vec<Record> {
    let each = kinds.iter().flat_map(|&(count, year, sex, place)| {
        (0..count).map(move |at| Record {
            supplier: at % 4,
            year,
            sex,
            place,
            form: 1 << (at % 3),
            age: (at * 7 % 90) as i64,
            days: at.is_multiple_of(2).then_some(at as i64),
        })
    });
    each.collect()
}

#[test]
fn a_total_less_its_parts() {
    // 4 women of unknown place were never a cell of their own: the total would say so.
    let mut office = Office::new(records(&[(40, 0, 0, 0), (30, 0, 0, 1), (4, 0, 0, 2), (50, 0, 1, 0)]));
    assert_eq!(
        office.show("SELECT place, COUNT(*) FROM d WHERE sex = 'F' GROUP BY place", ALL),
        "40 | 30 | hidden-too-few"
    );
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE sex = 'F'", ALL), "Collides");
    // By sex: of both one more is hidden.
    assert_eq!(office.show("SELECT sex, COUNT(*) FROM d GROUP BY sex", ALL), "hidden-protects-others | 50 | 0");
    assert_eq!(office.show("SELECT COUNT(*) FROM d", ALL), "Collides");
}

#[test]
fn overlapping_filters() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (30, 0, 1, 0), (3, 0, 2, 0), (60, 1, 2, 1)]));
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE year = 2020", ALL), "73");
    // Three have neither of the two.
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE year = 2020 AND sex IN ('F', 'M')", ALL), "Collides");
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE year = 2020 AND sex IN ('F', 'U')", ALL), "43");
    // Now 30 men are known, and women with unknown: one of the two apart gives the other.
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE year = 2020 AND sex = 'F'", ALL), "Collides");
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE year = 2020 AND sex = 'M'", ALL), "30");
}

#[test]
fn the_same_with_one_supplier_fewer() {
    let mut office = Office::new(records(&[(400, 0, 0, 0), (300, 0, 1, 0)]));
    let sql = "SELECT sex, COUNT(*) FROM d GROUP BY sex";
    assert_eq!(office.show(sql, ALL), "400 | 300 | 0");
    assert_eq!(office.show(sql, &[0, 1, 2]), "Collides");
    assert!(
        matches!(office.ask(sql, &[0, 1, 2]), Err(ProtectError::Collides(query)) if query == QueryId::from_bytes([0; 32]))
    );
    // Two fewer leave two together.
    assert_eq!(office.show(sql, &[0, 1]), "200 | 150 | 0");
    assert_eq!(office.show(sql, ALL), "400 | 300 | 0");
}

#[test]
fn two_codings_of_age() {
    let mut records = records(&[(100, 0, 0, 0)]);
    for (at, record) in records.iter_mut().enumerate() {
        record.age = if at < 40 {
            10
        } else if at < 44 {
            19
        } else {
            50
        };
    }
    let mut office = Office::new(records);
    assert_eq!(office.show("SELECT HISTOGRAM(age, 0, 18), COUNT(*) FROM d", ALL), "0 | 40 | 60");
    // Four are 18 to 20: they would be the difference of two shown cells.
    assert_eq!(office.show("SELECT HISTOGRAM(age, 0, 21), COUNT(*) FROM d", ALL), "Collides");
    // 4 or more in place a are 18 to 29; of the others nobody knows. But 60 less 56 would be few again.
    assert_eq!(
        office.show("SELECT HISTOGRAM(age, 0, 30), COUNT(*) FROM d WHERE place = 'a'", ALL),
        "0 | 44 | hidden-protects-others"
    );
}

#[test]
fn two_levels_of_one_variable() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (4, 0, 0, 1), (50, 0, 1, 2)]));
    assert_eq!(office.show("SELECT COUNT(*) FROM d GROUP BY LEVEL(place, 1)", ALL), "44 | 50");
    // 44 less those of a would be those of b.
    let by_place = office.show("SELECT COUNT(*) FROM d GROUP BY place", ALL);
    assert_eq!(by_place, "hidden-protects-others | hidden-too-few | 50");
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE place = 'a'", ALL), "hidden-protects-others");
    // The other way round, and with a condition on the group.
    let mut office = Office::new(records(&[(40, 0, 0, 0), (4, 0, 0, 1), (50, 0, 1, 2)]));
    assert_eq!(office.show("SELECT COUNT(*) FROM d GROUP BY place", ALL), "40 | hidden-too-few | 50");
    assert_eq!(office.show("SELECT COUNT(*) FROM d WHERE place = 'ab'", ALL), "Collides");
    assert_eq!(office.show("SELECT COUNT(*) FROM d GROUP BY LEVEL(place, 1)", ALL), "hidden-protects-others | 50");
}

#[test]
fn sub_totals_and_a_table_made_before() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (4, 0, 0, 1), (50, 0, 1, 2), (60, 0, 1, 0), (20, 0, 1, 1)]));
    let with_groups = "SELECT COUNT(*) FROM d GROUP BY ROLLUP(LEVEL(place, 1), place)";
    assert_eq!(office.show(with_groups, ALL), "100 | 24 | 50 | 124 | 50 | 174");
    // Of b 24 are shown, and 20 of them would leave four; a less than its group would say as much.
    let by_sex = "SELECT COUNT(*) FROM d WHERE sex = 'M' GROUP BY ROLLUP(LEVEL(place, 1), place)";
    assert_eq!(office.show(by_sex, ALL), "hidden-protects-others | hidden-protects-others | 50 | 80 | 50 | 130");
}

#[test]
fn two_levels_of_a_multiple_valued_variable() {
    let mut records = records(&[(40, 0, 0, 0), (4, 0, 0, 1), (50, 0, 1, 2)]);
    for record in &mut records {
        // Those of b have y alone, those of a x alone, the others z with x.
        record.form = [1, 2, 5][usize::from(record.place)];
    }
    let mut office = Office::new(records);
    assert_eq!(office.show("SELECT COUNT(*) FROM d GROUP BY ROLLUP(LEVEL(form, 1))", ALL), "94 | 50 | 94");
    // All have x or y, so those without x, 4 of them, would be the difference of two shown cells.
    assert_eq!(
        office.show("SELECT COUNT(*) FROM d GROUP BY form", ALL),
        "hidden-protects-others | hidden-too-few | 50"
    );
}

#[test]
fn asking_again_gives_the_same() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (30, 0, 0, 1), (4, 0, 0, 2), (50, 0, 1, 0)]));
    for sql in [
        "SELECT sex, place, COUNT(*) FROM d GROUP BY CUBE(sex, place)",
        "SELECT form, COUNT(*) FROM d GROUP BY ROLLUP(form)",
        "SELECT sex, AVG(days) FROM d GROUP BY sex",
    ] {
        let first = office.show(sql, ALL);
        assert!(!first.starts_with("Coll"), "{first}");
        assert_eq!(office.show(sql, ALL), first);
    }
}

#[test]
fn sums_of_few_are_no_difference_either() {
    // 100 rows, of which 50 have a value; among those of place c 3.
    let mut records = records(&[(40, 0, 0, 0), (40, 0, 0, 1), (20, 0, 0, 2)]);
    for (at, record) in records.iter_mut().enumerate() {
        record.days = (record.place != 2 || at % 8 == 0).then_some(at as i64);
    }
    let mut office = Office::new(records);
    let parts = office.show("SELECT SUM(days) FROM d WHERE place IN ('a', 'b')", ALL);
    assert!(parts.parse::<i64>().is_ok(), "{parts}");
    // The rows may be known, their sum may not.
    assert_eq!(office.show("SELECT COUNT(*), SUM(days) FROM d", ALL), "100 hidden-protects-others");
}

#[test]
fn an_unreadable_history_lets_nothing_be_released() {
    let mut office = Office::new(records(&[(40, 0, 0, 0)]));
    office.show("SELECT COUNT(*) FROM d", ALL);
    let document = String::from_utf8(office.released[0].clone()).unwrap();
    let read = |codebook: &Codebook, document: &str| {
        let edition = EditionId::try_from("1").unwrap();
        History::read(codebook, "d", &edition, BTreeSet::new(), [document]).map(|history| history.len())
    };
    assert!(matches!(read(&office.codebook, &document), Ok(1)));
    assert!(matches!(read(&office.codebook, &document[1..]), Err(HistoryError::Document(1, _))));
    let other = Codebook::parse(&CODEBOOK.replace("version = \"1\"", "version = \"2\"")).unwrap();
    assert!(matches!(read(&other, &document), Err(HistoryError::Release { .. })));
    // Another edition is not looked at.
    assert!(matches!(read(&other, &document.replace("\"edition\":\"1\"", "\"edition\":\"2\"")), Ok(0)));
}
