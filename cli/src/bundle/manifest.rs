//! The manifest: one line for each other file, sorted by name, as `sha256sum` writes and checks them.

use std::fmt::Write;

use optelsom_codebook::Hash256;
use optelsom_ledger::audit::Files;

use super::fault::Fault;
use super::{CODEBOOK, MANIFEST, POLICY, QUESTION, RELEASED, ROSTER, Step};

/// The manifest of these files; its own is left out.
pub(super) fn manifest(files: &Files) -> Vec<u8> {
    let mut text = String::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.as_str() != MANIFEST) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}  {name}", Hash256::of(bytes));
    }
    text.into_bytes()
}

/// The names of all files of a bundle but the manifest.
fn names() -> impl Iterator<Item = &'static str> {
    RELEASED.into_iter().chain(Step::ALL.map(Step::file)).chain([QUESTION, CODEBOOK, ROSTER, POLICY])
}

/// Checks that all files are there, no others, and that they are those of the manifest.
pub(super) fn check(files: &Files) -> Result<(), Fault> {
    let missing = names().chain([MANIFEST]).find(|name| !files.contains_key(*name));
    if let Some(name) = missing {
        return Err(Fault::Missing(name.to_owned()));
    }
    let stranger = files.keys().find(|name| name.as_str() != MANIFEST && !names().any(|known| known == name.as_str()));
    if let Some(name) = stranger {
        return Err(Fault::Unexpected(name.clone()));
    }
    let stated = files.get(MANIFEST).map(Vec::as_slice).unwrap_or_default();
    let actual = manifest(files);
    if stated == actual {
        return Ok(());
    }
    let lines = stated.split_inclusive(|byte| *byte == b'\n');
    let mut differing = actual.split_inclusive(|byte| *byte == b'\n').filter(|line| !lines.clone().any(|l| l == *line));
    let name = match (differing.next(), differing.next()) {
        // Of one file: it, or its line.
        (Some(line), None) => line.get(66..).and_then(|name| std::str::from_utf8(name).ok()).map(str::trim_end),
        _ => None,
    };
    Err(Fault::Altered(name.unwrap_or(MANIFEST).to_owned()))
}
