//! The program as it is run, where no coordinator is needed.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2020, 2024]
[datasets.victims]
label = { nl = "Slachtoffers", en = "Victims" }
unit = "report"
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.victims.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
"#;

const SQL: &str = "SELECT year, COUNT(*) FROM victims GROUP BY year";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("codebook.toml"), CODEBOOK).unwrap();
    folder
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn the_document_of_a_question_asks_the_same_again() {
    let folder = folder();
    let arguments = ["explain", "--codebook", "codebook.toml", "--document"];
    let from_sql = run(folder.path(), &[arguments.as_slice(), &[SQL]].concat());
    assert_eq!(told(&from_sql), (Some(0), String::new()));
    fs::write(folder.path().join("question.json"), &from_sql.stdout).unwrap();
    let from_file = run(folder.path(), &[arguments.as_slice(), &["question.json"]].concat());
    assert_eq!(from_file.stdout, from_sql.stdout);
    let mut piped = command(folder.path(), &[arguments.as_slice(), &["-"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(SQL.as_bytes()).unwrap();
    assert_eq!(piped.wait_with_output().unwrap().stdout, from_sql.stdout);
}

#[test]
fn a_question_that_cannot_be_asked_ends_with_2() {
    let folder = folder();
    let (code, text) =
        told(&run(folder.path(), &["explain", "--codebook", "codebook.toml", "SELECT jaar, COUNT(*) FROM victims"]));
    assert_eq!((code, text.as_str()), (Some(2), "optelsom: no variable `jaar` in `victims`; did you mean `year`?\n"));
    assert_eq!(told(&run(folder.path(), &["query"])).0, Some(2));
    assert_eq!(told(&run(folder.path(), &["codebook", "--codebook", "codebook.toml", "nothing"])).0, Some(2));
}

#[test]
fn files_that_are_missing_or_wrong_end_with_6() {
    let folder = folder();
    let (code, text) = told(&run(folder.path(), &["query", SQL]));
    assert_eq!(code, Some(6));
    assert!(text.contains(".config/optelsom/analyst.toml: there is no configuration here"), "{text}");
    assert_eq!(told(&run(folder.path(), &["explain", "--codebook", "none.toml", SQL])).0, Some(6));
    assert_eq!(told(&run(folder.path(), &["explain", "--codebook", "codebook.toml", "none.sql"])).0, Some(6));
    fs::write(folder.path().join("bad.toml"), "version = 1").unwrap();
    let (code, text) = told(&run(folder.path(), &["codebook", "--codebook", "bad.toml"]));
    assert_eq!(code, Some(6));
    assert!(text.contains("line 1"), "{text}");
}

#[test]
fn where_a_table_cannot_be_written_is_found_before_anything_is_asked() {
    let folder = folder();
    let configuration = "coordinator = \"localhost:1\"\ncertificate = \"c.pem\"\nkey = \"c.key\"\nauthority = \"a.pem\"\n\
                         identity = \"identity.key\"\n";
    fs::write(folder.path().join("analyst.toml"), configuration).unwrap();
    for output in [&["--format", "csv", "-o", "nowhere/table.csv"][..], &["-o", "nowhere/release/"]] {
        let (code, text) = told(&run(folder.path(), &[&["--config", "analyst.toml", "query", SQL], output].concat()));
        assert!(code == Some(6) && text.contains("nowhere"), "{code:?} {text}");
    }
}

#[test]
fn identities_are_ones_own_and_never_replaced() {
    let folder = folder();
    let made = run(folder.path(), &["identity", "identity.key"]);
    assert_eq!(made.status.code(), Some(0));
    assert_eq!(String::from_utf8(made.stdout).unwrap().trim().len(), 64);
    let path = folder.path().join("identity.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(told(&run(folder.path(), &["identity", "identity.key"])).0, Some(3));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let configuration = "coordinator = \"localhost:1\"\ncertificate = \"c.pem\"\nkey = \"c.key\"\nauthority = \"a.pem\"\n\
                         identity = \"identity.key\"\n";
    fs::write(folder.path().join("analyst.toml"), configuration).unwrap();
    let (code, text) = told(&run(folder.path(), &["--config", "analyst.toml", "query", SQL]));
    assert_eq!(code, Some(3));
    assert!(text.contains("chmod 600"), "{text}");
}

#[test]
fn help_names_the_exit_codes() {
    let folder = folder();
    let help = String::from_utf8(run(folder.path(), &["--help"]).stdout).unwrap();
    assert!(help.contains("Exit codes:"), "{help}");
}
