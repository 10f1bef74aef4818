//! What an edition does not hold is never counted as zero, whatever `node.toml` says later.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::process::Command;

use optelsom_node::held::years;
use supplier::{CSV, Supplier, csv, edition_id};

const AGREEMENT: &str = r#"
supplier = "police"
version = "1"
valid = { from = "2020-01-01", until = "2099-12-31" }
[[datasets]]
name = "victims"
variables = "all"
measures = "all"
purposes = ["monitor"]
minimum_suppliers = 3
maximum_cells = 1000
queries_per_day = 10
"#;
const ALL: &str = "SELECT year, COUNT(*) FROM victims GROUP BY year";
const HELD: &str = "SELECT year, COUNT(*) FROM victims WHERE year >= 2023 GROUP BY year";

/// The bindings, with these years held.
fn holding(years: &str) -> String {
    CSV.replace("[datasets.victims]\n", &format!("[datasets.victims]\nyears = {years}\n"))
}

/// A supplier that held 2023 and 2024 when it froze edition `1`.
fn frozen() -> Supplier {
    let supplier = Supplier::new();
    supplier.write("data.csv", csv(&["vrouw;;31-01-2024;;12;1"])).freeze(&holding("[2023, 2024]")).unwrap();
    supplier
}

/// What `preview` says of a question under these bindings: whether there is a table, and all its words.
fn preview(supplier: &Supplier, bindings: &str, question: &str) -> (bool, String) {
    supplier.write("node.toml", format!("supplier = \"police\"\n{bindings}")).write("agreement.toml", AGREEMENT);
    let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom-node"));
    let output =
        command.arg("--configuration").arg(supplier.path("node.toml")).args(["preview", question]).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn an_edition_answers_no_year_that_it_was_frozen_without() {
    let supplier = frozen();
    let error = supplier.count(ALL).unwrap_err().to_string();
    assert!(error.contains("edition 1 of `victims` does not hold year `2019`"), "{error}");
    assert_eq!(supplier.counts(HELD), [0, 1]);
}

#[test]
fn preview_refuses_what_the_node_would_refuse() {
    let supplier = frozen();
    for (bindings, holder) in [
        (holding("[2019, 2024]"), "edition 1 of `victims`"),
        (CSV.to_owned(), "edition 1 of `victims`"),
        (holding("[2023, 2024]"), "node.toml"),
    ] {
        let (shown, said) = preview(&supplier, &bindings, ALL);
        let wanted = format!("this node would refuse the question: {holder} does not hold year `2019`");
        assert!(!shown && said.contains(&wanted), "{said}");
        let (shown, said) = preview(&supplier, &bindings, HELD);
        assert!(shown && said.contains("2 cells, 1 of them with nothing in them"), "{said}");
    }
    let (start, rest) = CSV.split_once("[datasets.victims.variables.sex]").unwrap();
    let (_, end) = rest.split_once("[datasets.victims.variables.age_group]").unwrap();
    let without = format!("{start}[datasets.victims.variables.age_group]{end}");
    let (shown, said) = preview(&supplier, &without, "SELECT COUNT(*) FROM victims WHERE year >= 2023 AND sex = 'F'");
    assert!(!shown && said.contains("node.toml does not hold variable `sex`: it is not bound there"), "{said}");
}

#[test]
fn the_years_announced_are_those_of_the_newest_edition() {
    let supplier = Supplier::new();
    let announced = |bindings: &str, editions: &[&str]| {
        let editions: Vec<_> = editions.iter().map(|edition| edition_id(edition)).collect();
        let binding = supplier.binding(bindings).unwrap();
        years(&binding, &supplier.store(), &editions, supplier.codebook()).unwrap()
    };
    assert_eq!(announced(CSV, &[]), 2019..=2024);
    assert_eq!(announced(&holding("[2020, 2030]"), &[]), 2020..=2024);
    supplier.write("data.csv", csv(&["vrouw;;31-01-2024;;12;1"]));
    supplier.freeze_as(&holding("[2022, 2024]"), "1").unwrap();
    supplier.freeze_as(&holding("[2021, 2024]"), "2").unwrap();
    assert_eq!(announced(&holding("[2019, 2024]"), &["1"]), 2022..=2024);
    assert_eq!(announced(CSV, &["1", "2"]), 2021..=2024);
    assert_eq!(announced(&holding("[2023, 2024]"), &["1", "2"]), 2023..=2024);
}
