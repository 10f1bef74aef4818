//! Text that is meant to be read as SQL, in every place of a question: as a code it is a code, anywhere else it is refused.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../tests/shared/hostile.rs"]
mod hostile;

use hostile::HOSTILE;
use optelsom_codebook::{Codebook, Plan, Query};

/// A code holds no control characters; all else may be one.
fn codes() -> impl Iterator<Item = &'static str> {
    HOSTILE.into_iter().filter(|text| !text.contains(char::is_control))
}

fn codebook() -> Codebook {
    let codes: String = codes().map(|text| format!("    {{ code = {text:?}, nl = \"x\", en = \"x\" }},\n")).collect();
    // Rust writes quotes and backslashes as TOML does, and leaves signs beyond ASCII as they are.
    let text = format!(
        r#"
version = "1"
name = {{ nl = "Proef", en = "Trial" }}
[lists.year]
years = [2018, 2024]
[lists.kinds]
codes = [
{codes}]
[datasets.victims]
unit = "report"
label = {{ nl = "x", en = "x" }}
period = "year"
[datasets.victims.variables]
year = {{ list = "year", label = {{ nl = "x", en = "x" }} }}
kind = {{ list = "kinds", label = {{ nl = "x", en = "x" }} }}
[datasets.victims.measures]
days = {{ unit = "days", label = {{ nl = "x", en = "x" }}, minimum = 0, maximum = 20000 }}
"#
    );
    Codebook::parse(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_code_is_a_code_whatever_it_says() {
    let codebook = codebook();
    for hostile in codes() {
        let literal = hostile.replace('\'', "''");
        for condition in ["kind = 'CODE'", "kind <> 'CODE'", "kind IN ('CODE', '%')", "NOT kind = 'CODE'"] {
            let condition = condition.replace("CODE", &literal);
            let sql = format!("SELECT kind, COUNT(*) FROM victims WHERE {condition} GROUP BY kind");
            let query = Query::from_sql(&codebook, &sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            // Written and read again, as SQL and as the document that is logged, it is the same question.
            let written = Query::from_sql(&codebook, &query.to_sql()).unwrap();
            let logged = Query::from_json(&codebook, &query.canonical_json()).unwrap();
            assert_eq!(
                [written.canonical_bytes(), logged.canonical_bytes()],
                [query.canonical_bytes(), query.canonical_bytes()]
            );
            let plan = Plan::new(&codebook, &query).unwrap();
            let shown = plan.axes()[0].codes().iter().any(|code| code.code() == hostile);
            assert_eq!(shown, !condition.contains("<>") && !condition.contains("NOT"), "{sql}");
        }
    }
}

#[test]
fn anywhere_else_it_is_refused() {
    let codebook = codebook();
    for hostile in HOSTILE {
        let named = format!("\"{}\"", hostile.replace('"', "\"\""));
        let literal = format!("'{}'", hostile.replace('\'', "''"));
        for place in [
            "SELECT COUNT(*) FROM NAME",
            "SELECT NAME, COUNT(*) FROM victims GROUP BY NAME",
            "SELECT SUM(NAME) FROM victims",
            "SELECT COUNT(*) AS NAME FROM victims WHERE NAME = '2024'",
            "SELECT COUNT(*) FROM victims WHERE year = LITERAL",
            "SELECT COUNT(*) FROM victims WHERE edition = LITERAL",
            "SELECT QUANTILE(days, LITERAL, 0, 10) FROM victims",
            "SELECT COUNT(*) FROM victims SETTINGS epsilon = LITERAL",
        ] {
            for (name, literal) in [(named.as_str(), literal.as_str()), (hostile, hostile)] {
                let sql = place.replace("NAME", name).replace("LITERAL", literal);
                assert!(Query::from_sql(&codebook, &sql).is_err(), "{sql}");
            }
        }
    }
}
