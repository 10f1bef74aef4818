//! Questions, in SQL and as documents.

use optelsom_codebook::{Codebook, DEFAULT_CELL_LIMIT, Plan, PlanError, Query, QueryError};

use super::sample::{self, CODEBOOK, good, there};
use super::text;

/// As many cells of a plan are looked at.
const LOOKED_AT: usize = 50;

/// A question in SQL.
pub fn query_sql(bytes: &[u8]) -> bool {
    let Some(query) = text(bytes).and_then(|text| Query::from_sql(&CODEBOOK, text).ok()) else { return false };
    check_query(&CODEBOOK, &query);
    true
}

pub(super) fn questions() -> Vec<Vec<u8>> {
    SQL.map(|sql| sql.as_bytes().to_vec()).to_vec()
}

/// A query document in JSON, not necessarily in normal form.
pub fn query_json(bytes: &[u8]) -> bool {
    let Some(query) = text(bytes).and_then(|text| Query::from_json(&CODEBOOK, text).ok()) else { return false };
    check_query(&CODEBOOK, &query);
    true
}

pub(super) fn query_documents() -> Vec<Vec<u8>> {
    let pretty = "SELECT year, COUNT(*) FROM victims WHERE NOT (sex = 'F' AND form = 'labour') GROUP BY year";
    let documents = SQL.iter().map(|sql| sample::query(sql).canonical_bytes());
    documents.chain([sample::query(pretty).pretty_json().into_bytes()]).collect()
}

/// One of everything that can be asked.
pub(super) const SQL: [&str; 9] = [
    "SELECT COUNT(*) FROM d",
    "SELECT year, region, COUNT(*) FROM d GROUP BY ROLLUP (year, region)",
    "SELECT sex, AVG(days), SUM(damages), VAR(days), STDDEV_POP(damages) FROM victims WHERE edition = '2024-12' GROUP BY sex",
    "SELECT year, SHARE(COUNT(*), year) FROM victims WHERE age_group >= '18+' AND form NOT IN ('labour') GROUP BY year",
    "SELECT QUANTILE(days, 0.5, 0, 10, 100), COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024",
    "SELECT HISTOGRAM(damages, -5.25, 0, 1000), COUNT(*) FROM victims GROUP BY HISTOGRAM(damages, -5.25, 0, 1000)",
    "SELECT LEVEL(form, 1), form, COUNT(*) FROM victims GROUP BY ROLLUP(LEVEL(form, 1), form)",
    "SELECT year, sex, COUNT(*) FROM victims WHERE form = 'sexual' OR sex <> 'X' GROUP BY GROUPING SETS ((year), (sex), ())",
    "SELECT sex, COUNT(*), SUM(days) FROM victims GROUP BY CUBE(sex) SETTINGS epsilon = 0.5",
];

/// A question has one canonical document, which reads back as it; so does its SQL, unless that is too long; and what it
/// is planned as keeps to its limits.
pub(super) fn check_query(codebook: &Codebook, query: &Query) {
    let canonical = query.canonical_json();
    assert_eq!(Query::from_json(codebook, &canonical).as_ref(), Ok(query), "{canonical}");
    assert_eq!(good(Query::from_json(codebook, &query.pretty_json())).canonical_json(), canonical);
    let sql = query.to_sql();
    match Query::from_sql(codebook, &sql) {
        Err(QueryError::TooLong { .. } | QueryError::TooComplex { .. }) => {}
        read => assert_eq!(read.as_ref(), Ok(query), "{sql}"),
    }
    match Plan::new(codebook, query) {
        Ok(plan) => check_plan(&plan),
        Err(error) => assert_ne!(error, PlanError::OtherCodebook, "{canonical}"),
    }
}

/// Blocks cover the cells one after the other, each cell has a place of its own, and what heads the table's columns is
/// told apart.
pub(super) fn check_plan(plan: &Plan) {
    let cells = plan.cell_count();
    assert!(cells <= DEFAULT_CELL_LIMIT, "{cells} cells");
    let mut end = 0;
    for block in plan.blocks() {
        assert_eq!(block.cells().start, end, "blocks that overlap or leave a gap");
        end = block.cells().end;
    }
    assert_eq!(end, cells);
    for cell in (0..cells).step_by((cells / LOOKED_AT).max(1)) {
        assert_eq!(plan.index_of(&there(plan.cell(cell))), Some(cell));
    }
    assert_eq!(plan.cell(cells), None);
    let asked = plan.axes().iter().take(plan.query().axes().len());
    let mut names: Vec<&str> =
        asked.map(|axis| axis.name()).chain(plan.outputs().iter().map(|output| output.name())).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "two columns of one name");
    assert_eq!(plan.outputs().len(), plan.query().select().len());
    plan.periods();
    plan.variables_used();
    plan.measures_used();
}
