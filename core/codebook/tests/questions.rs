//! What can be asked in SQL, and what is said of what cannot.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{codebook, query, refused};
use optelsom_codebook::{MAX_QUERY_BYTES, Query};

#[test]
fn a_question_has_one_document() {
    let question = "SELECT year, form, COUNT(*) FROM victims -- all of them\n\
                    WHERE year BETWEEN 2020 AND 2024 AND sex = 'F' AND edition = '2024-12' GROUP BY year, form";
    insta::assert_snapshot!(query(question).canonical_json(), @r#"{"dataset":"victims","edition":"2024-12","select":[{"figure":"count"}],"group_by":{"axes":[{"variable":"year"},{"variable":"form"}]},"where":{"all":[{"variable":"year","in":["2020","2021","2022","2023","2024"]},{"variable":"sex","in":["F"]}]}}"#);
    insta::assert_snapshot!(query(question).to_sql(), @"SELECT year, form, COUNT(*) FROM victims WHERE edition = '2024-12' AND year IN ('2020', '2021', '2022', '2023', '2024') AND sex = 'F' GROUP BY year, form");
}

#[test]
fn every_figure_can_be_asked() {
    let question = "select COUNT(*), sum(damages), AVG(Days), VAR(days), VAR_POP(days), STDDEV(days), STDDEV_POP(days), \
                    SHARE(COUNT(*)), SHARE(COUNT(*), year), HISTOGRAM(days, 0, 10, 20), QUANTILE(days, 0.5), \
                    QUANTILE(damages, 0.250, -1.5, 0, 100) from Victims group by rollup(YEAR, sex)";
    insta::assert_snapshot!(query(question).canonical_json(), @r#"{"dataset":"victims","select":[{"figure":"count"},{"figure":"sum","measure":"damages"},{"figure":"mean","measure":"days"},{"figure":"variance","measure":"days"},{"figure":"population_variance","measure":"days"},{"figure":"standard_deviation","measure":"days"},{"figure":"population_standard_deviation","measure":"days"},{"figure":"share","within":[]},{"figure":"share","within":["year"]},{"figure":"quantile","measure":"days","p":"0.5","edges":["0","10","20"]},{"figure":"quantile","measure":"damages","p":"0.25","edges":["-1.5","0","100"]}],"group_by":{"axes":[{"histogram":"days","edges":["0","10","20"]},{"variable":"year"},{"variable":"sex"}],"sets":[[0,1,2],[0,1],[0]]}}"#);
    insta::assert_snapshot!(query(question).to_sql(), @"SELECT HISTOGRAM(days, 0, 10, 20), year, sex, COUNT(*), SUM(damages), AVG(days), VAR(days), VAR_POP(days), STDDEV(days), STDDEV_POP(days), SHARE(COUNT(*)), SHARE(COUNT(*), year), QUANTILE(days, 0.5, 0, 10, 20), QUANTILE(damages, 0.25, -1.5, 0, 100) FROM victims GROUP BY GROUPING SETS ((HISTOGRAM(days, 0, 10, 20), year, sex), (HISTOGRAM(days, 0, 10, 20), year), (HISTOGRAM(days, 0, 10, 20)))");
}

#[test]
fn the_same_question_has_the_same_hash() {
    let same = |questions: &[&str]| {
        let first = query(questions[0]);
        for other in questions {
            assert_eq!(query(other).canonical_json(), first.canonical_json(), "{other}");
            assert_eq!(query(other).hash(), first.hash(), "{other}");
        }
    };
    same(&[
        "SELECT COUNT(*) FROM victims WHERE sex <> 'F'",
        "SELECT COUNT(*) FROM victims WHERE NOT sex = 'F'",
        "SELECT COUNT(*) FROM victims WHERE sex IN ('U', 'M', 'U')",
        "SELECT COUNT(*) FROM victims WHERE sex = 'M' OR 'U' = sex",
        "SELECT COUNT(*) FROM victims WHERE NOT (NOT sex NOT IN ('F'));",
        "SELECT COUNT(*) FROM victims WHERE sex <> 'F' AND (sex <> 'F' OR year = 2020)",
    ]);
    same(&[
        "SELECT COUNT(*) FROM victims WHERE year >= 2020 AND year < 2023",
        "SELECT COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2022",
        "SELECT COUNT(*) FROM victims WHERE NOT (year < '2020' OR year > '2022')",
        "SELECT COUNT(*) FROM victims WHERE year IN (2022, 2021, 2020) AND sex IN ('F', 'M', 'U')",
    ]);
    same(&[
        "SELECT year, sex, COUNT(*) FROM victims GROUP BY CUBE(year, sex)",
        "SELECT year, sex, COUNT(*) FROM victims GROUP BY CUBE(sex, year)",
        "SELECT year, sex, COUNT(*) FROM victims GROUP BY GROUPING SETS ((), (sex), (year), (sex, year), (year, sex))",
        "SELECT year, sex, COUNT(*) FROM victims GROUP BY ROLLUP(year), ROLLUP(sex)",
    ]);
    same(&[
        "SELECT HISTOGRAM(days, 0, 5), MEDIAN(days) FROM victims",
        "SELECT QUANTILE(days, 0.5, 0, 5), HISTOGRAM(days, 0.0, 5) FROM victims",
        "SELECT QUANTILE(days, 0.50) FROM victims GROUP BY HISTOGRAM(days, 0, 5)",
    ]);
}

#[test]
fn a_range_leaves_out_what_is_not_known() {
    insta::assert_snapshot!(query("SELECT COUNT(*) FROM victims WHERE age BETWEEN '0-17' AND '18-22'").to_sql(), @"SELECT COUNT(*) FROM victims WHERE age IN ('0-17', '18-22')");
    insta::assert_snapshot!(query("SELECT COUNT(*) FROM victims WHERE age > '0-17'").to_sql(), @"SELECT COUNT(*) FROM victims WHERE age IN ('18-22', '23+')");
}

#[test]
fn a_multiple_valued_variable_keeps_its_conditions_apart() {
    let both = "SELECT COUNT(*) FROM victims WHERE form = 'labour' AND form = 'é€'";
    insta::assert_snapshot!(query(both).to_sql(), @"SELECT COUNT(*) FROM victims WHERE form = 'labour' AND form = 'é€'");
    insta::assert_snapshot!(query("SELECT COUNT(*) FROM victims WHERE NOT (form = 'labour' OR form = 'é€')").to_sql(), @"SELECT COUNT(*) FROM victims WHERE form NOT IN ('labour', 'é€')");
}

#[test]
fn unknown_names_meet_the_nearest_known() {
    insta::assert_snapshot!(refused("SELECT vorm, COUNT(*) FROM victims GROUP BY vorm"), @"no variable `vorm` in `victims`; did you mean `form`?");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victim"), @"no dataset `victim`; did you mean `victims`?");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM reports"), @"no dataset `reports`; there is `victims` or `suspects`");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victims WHERE sex = 'vrouw'"), @"no code `vrouw` of `sex`; did you mean `F`?");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victims WHERE year = 2035"), @"no code `2035` of `year`; it has `2018`, `2019`, `2020`, `2021`, `2022`, `2023` or `2024`");
    insta::assert_snapshot!(refused("SELECT SUM(dasy) FROM victims"), @"no measure `dasy` in `victims`; did you mean `days`?");
    insta::assert_snapshot!(refused("SELECT SUM(sex) FROM victims"), @"a sum or mean of `sex`, whose values are codes, cannot be asked; use COUNT(*) with GROUP BY sex");
    insta::assert_snapshot!(refused("SELECT days FROM victims GROUP BY days"), @"the measure `days` in the place of a variable cannot be asked; use SUM(days), AVG(days) or HISTOGRAM(days, 0, 10, …)");
    insta::assert_snapshot!(refused("SELECT AVRG(days) FROM victims"), @"no function `AVRG`; did you mean `AVG`?");
    insta::assert_snapshot!(refused("SELECT MAX(days) FROM victims"), @"MAX cannot be asked; it would show a single row; use QUANTILE(x, 0.95, edges…)");
    insta::assert_snapshot!(refused("SELECT COUNT(*) FROM victims WHERE edition = '../x'"), @"`../x` is not an edition's name: use 1 to 32 letters, digits and -, as in 2024-12");
}

#[test]
fn what_cannot_be_asked_says_what_can() {
    for (question, part) in [
        ("", "empty"),
        ("DELETE FROM victims", "no SELECT"),
        ("SELECT COUNT(*) FROM victims; DROP TABLE victims", "more than one statement"),
        ("SELECT * FROM victims", "rows are never shown"),
        ("SELECT year FROM victims GROUP BY year", "without a figure"),
        ("SELECT year, COUNT(*) FROM victims", "`year` without GROUP BY"),
        ("SELECT COUNT(*) AS n FROM victims", "AS cannot be asked"),
        ("SELECT COUNT(*), COUNT(*) FROM victims", "the same figure twice"),
        ("SELECT DISTINCT sex, COUNT(*) FROM victims GROUP BY sex", "DISTINCT"),
        ("SELECT COUNT(DISTINCT sex) FROM victims", "DISTINCT"),
        ("SELECT COUNT(sex) FROM victims", "COUNT(*)"),
        ("SELECT COUNT(*) + 1 FROM victims", "the selection of `COUNT(*) + 1`"),
        ("SELECT COUNT(*) FROM victims, suspects", "several datasets"),
        ("SELECT COUNT(*) FROM victims JOIN suspects ON true", "never linked"),
        ("SELECT COUNT(*) FROM (SELECT 1)", "a subquery"),
        ("SELECT COUNT(*) FROM victims v", "another name"),
        ("SELECT COUNT(*) FROM secret.victims", "with a dot"),
        ("SELECT COUNT(*) FROM victims WHERE sex IN (SELECT 'F')", "a subquery"),
        ("SELECT COUNT(*) FROM victims WHERE sex LIKE 'F%'", "the condition"),
        ("SELECT COUNT(*) FROM victims WHERE sex = year", "the code `year` of `sex`"),
        ("SELECT COUNT(*) FROM victims WHERE sex = \"F\"", "single quotes"),
        ("SELECT COUNT(*) FROM victims WHERE sex", "the condition `sex`"),
        ("SELECT COUNT(*) FROM victims WHERE sex IS NULL", "write sex = 'U'"),
        ("SELECT COUNT(*) FROM victims WHERE sex > 'F'", "have no order"),
        ("SELECT COUNT(*) FROM victims WHERE sex = 'F' AND sex = 'M'", "no row can match"),
        (
            "SELECT COUNT(*) FROM victims WHERE sex = 'F' AND ((sex = 'M' AND year = 2020) OR (sex = 'M' AND year = 2021))",
            "no row can match",
        ),
        (
            "SELECT COUNT(*) FROM victims WHERE (sex = 'F' OR year = 2020) AND (sex = 'M' OR year = 2021) AND \
             (sex = 'F' OR year = 2021) AND (sex = 'M' OR year = 2020)",
            "no row can match",
        ),
        (
            "SELECT COUNT(*) FROM victims WHERE form <> 'labour' AND ((form = 'labour' AND sex = 'F') OR (form = 'labour' AND sex = 'M'))",
            "no row can match",
        ),
        ("SELECT COUNT(*) FROM victims WHERE form = 'labour' AND form <> 'labour'", "no row can match"),
        ("SELECT COUNT(*) FROM victims WHERE edition = 'a' AND edition = 'b'", "two editions"),
        ("SELECT COUNT(*) FROM victims WHERE edition IN ('2024-06', '2024-12')", "ask one edition at a time"),
        ("SELECT COUNT(*) FROM victims WHERE sex = 'F' OR edition = 'a'", "edition inside another"),
        ("SELECT COUNT(*) FROM victims ORDER BY 1", "ORDER BY"),
        ("SELECT COUNT(*) FROM victims LIMIT 1", "LIMIT"),
        ("SELECT COUNT(*) FROM victims HAVING COUNT(*) > 1", "HAVING"),
        ("SELECT COUNT(*) FROM victims UNION SELECT COUNT(*) FROM suspects", "UNION"),
        ("WITH x AS (SELECT 1) SELECT COUNT(*) FROM victims", "WITH"),
        ("SELECT COUNT(*) OVER () FROM victims", "OVER"),
        ("SELECT COUNT(*) FILTER (WHERE sex = 'F') FROM victims", "FILTER"),
        ("SELECT sex, COUNT(*) FROM victims GROUP BY sex WITH ROLLUP", "ROLLUP(a, b)"),
        ("SELECT COUNT(*) FROM victims GROUP BY ALL", "name the variables"),
        ("SELECT COUNT(*) FROM victims GROUP BY 1", "GROUP BY `1`"),
        ("SELECT SHARE(COUNT(*), sex) FROM victims", "without GROUP BY"),
        ("SELECT SHARE(SUM(days)) FROM victims", "SHARE in this form"),
        ("SELECT QUANTILE(days, 0.5) FROM victims", "without edges"),
        ("SELECT QUANTILE(days, 1, 0, 5) FROM victims", "between 0 and 1"),
        ("SELECT COUNT(*), HISTOGRAM(days, 5) FROM victims", "at least two"),
        ("SELECT COUNT(*), HISTOGRAM(days, 5, 0) FROM victims", "ascending"),
        ("SELECT COUNT(*), HISTOGRAM(days, 0, 0.5) FROM victims", "after the point"),
        ("SELECT COUNT(*), HISTOGRAM(days, 0, 1e9) FROM victims", "not a number"),
        ("SELECT COUNT(*) FROM victims WHERE sex = 'F", "not SQL"),
    ] {
        let message = refused(question);
        assert!(message.contains(part), "{question}\n  {message}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("SELECT COUNT(*) FROM victims WHERE sex = '{}'", "x".repeat(MAX_QUERY_BYTES));
    assert!(refused(&long).contains("at most 65536"));
    let deep =
        |levels| format!("SELECT COUNT(*) FROM victims WHERE {}sex = 'F'{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(query(&deep(20)).filter(), query("SELECT COUNT(*) FROM victims WHERE sex = 'F'").filter());
    assert!(refused(&deep(33)).contains("levels of parentheses"));
    for hostile in
        ["(", "SELECT ", "NOT ", "f(", "CASE ", "- ", "FROM (", "x AND ", "x OR ", "1 + ", "a.", "[", "ROLLUP("]
    {
        let text =
            format!("SELECT COUNT(*) FROM victims WHERE {}", hostile.repeat(MAX_QUERY_BYTES / hostile.len() - 60));
        refused(&text);
        let text = format!("SELECT COUNT(*) FROM victims WHERE {}", hostile.repeat(30));
        refused(&text);
    }
    let many = vec!["sex = 'F'"; 400].join(" OR ");
    assert!(Query::from_sql(&codebook(), &format!("SELECT COUNT(*) FROM victims WHERE {many}")).is_ok());
    let nots = format!("SELECT COUNT(*) FROM victims WHERE {}sex = 'F'", "NOT ".repeat(40));
    assert!(refused(&nots).contains("levels"));
}

#[test]
fn documents_are_read_strictly() {
    let read = |json: &str| Query::from_json(&codebook(), json).map(|query| query.canonical_json());
    let refused = |json: &str| read(json).unwrap_err().to_string();
    let given = r#"{"select": [{"figure": "count"}], "dataset": "victims", "where":
        {"not": {"any": [{"variable": "sex", "in": ["M"]}, {"variable": "form", "in": ["labour"]}]}}}"#;
    insta::assert_snapshot!(read(given).unwrap(), @r#"{"dataset":"victims","select":[{"figure":"count"}],"where":{"all":[{"variable":"sex","in":["F","U"]},{"variable":"form","has_none_of":["labour"]}]}}"#);
    insta::assert_snapshot!(refused(r#"{"dataset": "victims", "select": [{"figure": "count", "measure": "days"}]}"#), @"not a query document: unknown field `measure`, there are no fields at line 1 column 73; `optelsom explain` prints one that can serve as an example");
    insta::assert_snapshot!(refused(r#"{"dataset": "victims", "select": [{"figure": "count"}], "limit": 1}"#), @"not a query document: unknown field `limit`, expected one of `dataset`, `edition`, `select`, `group_by`, `where`, `noise` at line 1 column 63; `optelsom explain` prints one that can serve as an example");
    insta::assert_snapshot!(refused(r#"{"dataset": "victims", "select": [{"figure": "count"}], "group_by": {"axes": [], "sets": [[0]]}}"#), @"not a query document: a set names an axis beyond the 0 there are; `optelsom explain` prints one that can serve as an example");
    insta::assert_snapshot!(refused(r#"{"dataset": "victims", "select": [{"figure": "count"}], "where": {"all": []}}"#), @"not a query document: an empty `all` or `any`; `optelsom explain` prints one that can serve as an example");
    insta::assert_snapshot!(refused(r#"{"dataset": "victims", "select": [{"figure": "count"}], "where": {"variable": "sex"}}"#), @"not a query document: a condition is {variable, in}, {variable, has_none_of}, {all}, {any} or {not} at line 1 column 85; `optelsom explain` prints one that can serve as an example");
    let mut deep = r#"{"variable": "sex", "in": ["F"]}"#.to_owned();
    for _ in 0..40 {
        deep = format!(r#"{{"not": {deep}}}"#);
    }
    let deep = format!(r#"{{"dataset": "victims", "select": [{{"figure": "count"}}], "where": {deep}}}"#);
    assert!(refused(&deep).contains("levels"), "{}", refused(&deep));
}
