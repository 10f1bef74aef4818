//! The first command of the README, whole: a federation over real connections, its question, and the check of every cell.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use optelsom_disclosure::Release;

#[test]
fn the_built_in_federation_answers_exactly() {
    let output = Command::new(env!("CARGO_BIN_EXE_optelsom-sandbox")).args(["--format", "json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let release = Release::from_json(output.stdout.trim_ascii()).unwrap();
    assert_eq!((release.suppliers_asked().len(), release.suppliers_taking_part().len()), (6, 6));
    assert!(said.contains("shown cells") && said.contains("are exact"), "{said}");
}

#[test]
fn a_wrong_folder_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_optelsom-sandbox"))
        .args(["up", "--federation", "/nonexistent/federation"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("/nonexistent/federation/codebook.toml is missing"), "{said}");
}
