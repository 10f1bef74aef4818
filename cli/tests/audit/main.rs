//! `optelsom audit` as it is run, over an export that the tests make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod browser;
mod export;
mod foreign;
mod journal;
#[path = "../python/mod.rs"]
mod python;
mod report;
mod sample;
#[path = "../../../tests/shared/skip.rs"]
mod skip;
mod verify;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use optelsom_cli::audit::arguments::TrustArguments;
use optelsom_cli::audit::trust::Accepted;
use sample::Sample;

/// A folder with the good sample in `export`, and the auditor's `trust.toml`.
fn exported() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Sample::good().write(folder.path(), "export");
    folder
}

/// Runs `optelsom audit` with these words in this folder.
fn audit(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom"));
    command.arg("audit").args(words).args(["--trust", "trust.toml"]);
    // The sample's tables are made up: nobody counted them. Real ones are in tests/release_bundle.rs.
    if words.first() == Some(&"verify") {
        command.arg("--without-proofs");
    }
    command.current_dir(folder).env_clear().env("HOME", folder).output().unwrap()
}

/// Exit code and standard output.
fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
}

/// What an auditor has who was given the sample's trust file.
fn accepted() -> Accepted {
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.toml");
    fs::write(&trust, Sample::trust().to_toml()).unwrap();
    let arguments = TrustArguments { trust: Some(trust), roster: Vec::new() };
    Accepted::read(&arguments, || panic!("the trust file was named")).unwrap()
}
