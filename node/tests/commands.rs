//! The commands, as a person runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::fs::File;
use std::process::{Command, Output, Stdio};

use supplier::{CSV, Supplier, csv};

const AGREEMENT: &str = r#"
supplier = "police"
version = "1"
valid = { from = "2020-01-01", until = "2099-12-31" }
[[datasets]]
name = "victims"
variables = ["year", "sex", "form"]
measures = "all"
purposes = ["monitor"]
minimum_suppliers = 3
maximum_cells = 1000
queries_per_day = 10
"#;

fn ready() -> Supplier {
    let supplier = Supplier::new();
    supplier.write("node.toml", format!("supplier = \"police\"\n{CSV}")).write("agreement.toml", AGREEMENT);
    supplier.write("data.csv", csv(&["Vrouw;;31-01-2024;seksueel|arbeid;12;1.234,50", "man;;01-01-2023;;;0"]));
    supplier
}

fn run(supplier: &Supplier, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_optelsom-node"))
        .arg("--configuration")
        .arg(supplier.path("node.toml"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| supplier.without_folder(&String::from_utf8(bytes).unwrap());
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn freeze_editions_and_preview() {
    let supplier = ready();
    let (code, out, err) = run(&supplier, &["freeze", "victims", "--edition", "2024-12"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("edition 2024-12 of victims frozen: 2 rows from csv, codebook 1 ("), "{out}");
    let (code, out, _) = run(&supplier, &["editions"]);
    assert!(code == 0 && out.starts_with("victims  2024-12  2 rows  frozen 2"), "{out}");
    let (code, out, err) = run(
        &supplier,
        &["preview", "SELECT year, COUNT(*), SUM(damages) FROM victims WHERE sex <> 'X' GROUP BY ROLLUP(year)"],
    );
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r"
    year   count  sum of damages  supplier with rows
    2023   1      0.00            1
    2024   1      1234.50         1
    (all)  2      1234.50         1
    7 cells, 4 of them with nothing in them; reports, edition 2024-12
    these are this supplier's own figures: not protected, and not to be passed on
    what would be sent cannot be shown for police: …/roster.toml: No such file or directory (os error 2); it depends on the suppliers that take part, so the bureau's roster is needed
    ");
    let (code, _, err) = run(&supplier, &["preview", "SELECT COUNT(*) FROM victims GROUP BY age_group"]);
    assert!(code == 1 && err.contains("this node would refuse the question"), "{err}");
}

/// A standard output that takes nothing: that of a reader who has gone, or of a full disk.
fn refusing(full: bool) -> Stdio {
    if full {
        return File::options().write(true).open("/dev/full").unwrap().into();
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn an_output_that_takes_nothing_is_no_crash() {
    let supplier = ready();
    assert_eq!(run(&supplier, &["freeze", "victims", "--edition", "2024-12"]).0, 0);
    let question = "SELECT COUNT(*) FROM victims GROUP BY year";
    let commands: [(&[&str], i32); 9] = [
        (&["freeze", "victims", "--edition", "2025-01"], 0),
        (&["editions"], 0),
        (&["preview", question], 0),
        (&["preview", question, "--dutch"], 0),
        (&["budget"], 0),
        (&["pending"], 0),
        (&["journal"], 0),
        (&["check"], 0),
        (&["--help"], 0),
    ];
    for (arguments, wanted) in commands {
        for full in [false, true] {
            let output = Command::new(env!("CARGO_BIN_EXE_optelsom-node"))
                .arg("--configuration")
                .arg(supplier.path("node.toml"))
                .args(arguments)
                .stdout(refusing(full))
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            if full && arguments != ["--help"] && arguments[0] != "freeze" {
                assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
                assert!(said.contains("standard output cannot be written to: No space left"), "{arguments:?}: {said}");
            } else if !full {
                assert_eq!((output.status.code(), said.as_str()), (Some(wanted), ""), "{arguments:?}");
            }
            assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        }
    }
    // What was found out is still told to scripts when nobody reads on.
    supplier.write("agreement.toml", AGREEMENT.replace("2099", "2021"));
    let mut check = Command::new(env!("CARGO_BIN_EXE_optelsom-node"));
    check.arg("--configuration").arg(supplier.path("node.toml")).arg("check").stdout(refusing(false));
    assert_eq!(check.status().unwrap().code(), Some(4));
}

#[test]
fn values_without_a_code_have_an_exit_code_of_their_own() {
    let supplier = ready();
    supplier.write("data.csv", csv(&["dame;;31-01-2024;;12;1"]));
    let (code, out, err) = run(&supplier, &["freeze", "victims", "--edition", "1"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("\"dame\": stands for no code (1 row, first on line 2)"), "{err}");
    let (code, _, err) = run(&supplier, &["freeze", "suspects", "--edition", "1"]);
    assert!(code == 1 && err.contains("node.toml binds no dataset `suspects`"), "{err}");
    assert_eq!(run(&supplier, &["freeze", "victims", "--edition", "../x"]).0, 2);
}

#[test]
fn check_tells_a_fault_of_several_datasets_once() {
    let other = supplier::CODEBOOK.replace("[datasets.victims", "[datasets.suspects");
    let (_, other) = other.split_once("[datasets.suspects]").unwrap();
    let supplier = Supplier::with_codebook(&format!("{}\n[datasets.suspects]{other}", supplier::CODEBOOK));
    let both = format!("supplier = \"police\"\n{CSV}{}", CSV.replace("[datasets.victims", "[datasets.suspects"));
    supplier.write("node.toml", both).write("agreement.toml", AGREEMENT);
    let (code, out, _) = run(&supplier, &["check"]);
    assert_eq!((code, out.matches("cannot read …/data.csv").count()), (4, 1), "{out}");
    let wanted = "FAILED  source of suspects, source of victims: nothing can be frozen from it";
    assert!(out.contains(wanted), "{out}");
}

#[test]
fn check_says_what_is_wrong_and_how_to_mend_it() {
    let supplier = ready();
    let (code, out, _) = run(&supplier, &["check"]);
    assert!(code == 0 && out.contains("ok      values of victims: 2 rows, all of them can be frozen"), "{out}");
    supplier
        .write("data.csv", csv(&["dame;;31-01-2024;;12;1"]))
        .write("agreement.toml", AGREEMENT.replace("2099", "2021"));
    let (code, out, _) = run(&supplier, &["check"]);
    assert_eq!(code, 4);
    assert!(out.contains("FAILED  values of victims: nothing can be frozen from it"), "{out}");
    assert!(out.contains("FAILED  agreement: every query is refused"), "{out}");
    assert_eq!(run(&supplier, &["check", "--quick"]).0, 4);
    supplier
        .write("node.toml", "supplier = \"police\"\n[datasets.victim]\nsource = { csv = { path = \"data.csv\" } }\n");
    let (code, out, _) = run(&supplier, &["check"]);
    assert!(
        code == 4 && out.contains("line 2: the codebook has no dataset `victim`; did you mean `victims`?"),
        "{out}"
    );
}
