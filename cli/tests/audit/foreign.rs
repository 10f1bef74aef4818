//! A script that was written from the public formats alone reads the same log, and finds the same.
//!
//! Without a Python that has `cryptography` this is skipped, and said so; with `OPTELSOM_FOREIGN` it is taken from PyPI, and
//! `OPTELSOM_FOREIGN=all` makes a skip a failure.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::python::python;
use crate::sample::Sample;
use crate::skip::skip;
use crate::{audit, exported, told};

fn run(python: &Path, folder: &Path, indexes: &[String]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/foreign/verify_log.py");
    Command::new(python).arg(script).args(["export", "trust.toml"]).args(indexes).current_dir(folder).output().unwrap()
}

#[test]
fn a_foreign_verifier_agrees() {
    let Some(python) = python("foreign-log", "cryptography, tomllib", &["cryptography"]) else {
        skip("no Python with cryptography: the log is not verified by foreign eyes");
        return;
    };
    let folder = exported();
    let (code, ours) = told(&audit(folder.path(), &["report", "export", "--format", "json"]));
    assert_eq!(code, Some(0));
    let ours: Value = serde_json::from_str(&ours).unwrap();
    let proofs = ours["proofs"].as_object().unwrap();
    let indexes: Vec<String> = proofs.keys().cloned().collect();
    let output = run(&python, folder.path(), &indexes);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&theirs["size"], &theirs["root"]), (&ours["log"]["size"], &ours["log"]["root"]));
    assert_eq!(theirs["proofs"].as_object().unwrap(), proofs);
    let seconds = |at: &Value| {
        let moment: optelsom_codebook::Timestamp = at.as_str().unwrap().parse().unwrap();
        moment.as_millis() / 1000
    };
    let witnesses = ours["log"]["witnesses"].as_array().unwrap().iter();
    let ours: BTreeMap<&str, u64> = witnesses.map(|w| (w["name"].as_str().unwrap(), seconds(&w["at"]))).collect();
    let theirs = theirs["witnesses"].as_object().unwrap().iter();
    let theirs: BTreeMap<&str, u64> = theirs.map(|(name, time)| (name.as_str(), time.as_u64().unwrap())).collect();
    assert_eq!(theirs, ours);

    // And refuses what ours refuses: each file of the log with one bit flipped.
    let sample = Sample::good().files();
    let of_the_log = |path: &str| path == "checkpoint" || path.starts_with("tile/");
    for (path, bytes) in sample.iter().filter(|(path, _)| of_the_log(path)) {
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(folder.path().join("export").join(path), altered).unwrap();
        assert_ne!(audit(folder.path(), &["verify", "export"]).status.code(), Some(0), "{path}");
        assert!(!run(&python, folder.path(), &[]).status.success(), "{path}");
        fs::write(folder.path().join("export").join(path), bytes).unwrap();
    }
    assert!(run(&python, folder.path(), &[]).status.success());
}
