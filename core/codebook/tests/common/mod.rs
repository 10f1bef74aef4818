//! A small codebook with awkward codes.
#![allow(dead_code, clippy::unwrap_used)]

use optelsom_codebook::{Codebook, Plan, Query};

pub const SMALL: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }

[lists.year]
years = [2018, 2024]

[lists.sex]
missing = "U"
codes = [
    { code = "F", nl = "vrouw", en = "female" },
    { code = "M", nl = "man", en = "male" },
    { code = "U", nl = "onbekend", en = "unknown" },
]

[lists.age]
ordered = true
missing = "unknown"
codes = [
    { code = "0-17", nl = "minderjarig", en = "minor" },
    { code = "unknown", nl = "onbekend", en = "unknown" },
    { code = "18-22", nl = "18 tot 22", en = "18 to 22" },
    { code = "23+", nl = "23 en ouder", en = "23 and over" },
]

[lists.form]
codes = [
    { code = "labour", nl = "arbeidsuitbuiting", en = "labour exploitation" },
    { code = "it's \\ \"odd\" -- %", nl = "vreemd", en = "odd" },
    { code = "x'; DROP TABLE victims; --", nl = "injectie", en = "injection" },
    { code = "é€", nl = "tekens", en = "signs" },
]

[datasets.victims]
unit = "report"
label = { nl = "slachtoffers", en = "victims" }
period = "year"

[datasets.victims.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
form = { list = "form", label = { nl = "vorm van uitbuiting", en = "form of exploitation" }, multiple = true }
sex = { list = "sex", label = { nl = "geslacht", en = "sex" } }
age = { list = "age", label = { nl = "leeftijd", en = "age" } }

[datasets.victims.measures]
days = { unit = "days", label = { nl = "duur", en = "duration" }, minimum = 0, maximum = 20000, optional = true }
damages = { unit = "EUR", label = { nl = "schade", en = "damages" }, decimals = 2, minimum = -5.5, maximum = 1000000 }
wide = { unit = "EUR", label = { nl = "breed", en = "wide" }, minimum = 0, maximum = 4294967296 }

[datasets.suspects]
unit = "person"
label = { nl = "verdachten", en = "suspects" }
period = "year"

[datasets.suspects.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
"#;

pub fn codebook() -> Codebook {
    Codebook::parse(SMALL).unwrap()
}

pub fn query(sql: &str) -> Query {
    Query::from_sql(&codebook(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

pub fn plan(sql: &str) -> Plan {
    Plan::new(&codebook(), &query(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// What is said of a question that cannot be asked.
pub fn refused(sql: &str) -> String {
    match Query::from_sql(&codebook(), sql) {
        Ok(query) => panic!("{sql} was read as {}", query.canonical_json()),
        Err(error) => error.to_string(),
    }
}
