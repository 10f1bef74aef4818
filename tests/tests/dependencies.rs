//! Who may know whom, as ARCHITECTURE.md has it, read from `cargo metadata`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// The workspace's packages that each may depend on; `tests` and `sandbox` may know all.
const MAY_KNOW: [(&str, &[&str]); 8] = [
    ("codebook", &[]),
    ("ledger", &["codebook"]),
    ("disclosure", &["codebook"]),
    ("secagg", &["codebook", "disclosure", "ledger"]),
    ("proto", &["codebook", "disclosure", "ledger", "secagg"]),
    ("node", &["codebook", "disclosure", "ledger", "secagg", "proto"]),
    ("coordinator", &["codebook", "disclosure", "ledger", "secagg", "proto"]),
    ("cli", &["codebook", "disclosure", "ledger", "secagg", "proto"]),
];
const KNOW_ALL: [&str; 3] = ["sandbox", "tests", "benches"];
const CORE: [&str; 4] = ["codebook", "ledger", "disclosure", "secagg"];
/// What reaches network, disk or the operating system has no place in `core/`, however many steps away.
const NOT_IN_CORE: [&str; 8] = ["tokio", "tonic", "prost", "sqlx", "sqlx-core", "hyper", "axum", "rustls"];
/// Nor may `core/` ask for the time or for random bytes by itself.
const NOT_NAMED_IN_CORE: [&str; 2] = ["getrandom", "rand"];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        // What this machine does not build was never fetched, and tests fetch nothing.
        .other_options(["--offline", "--filter-platform", "host-tuple"].map(str::to_owned))
        .exec()
        .expect("cargo metadata")
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("optelsom-")
}

#[test]
fn packages_know_those_alone_that_they_may_know() {
    let metadata = metadata();
    let may_know: BTreeMap<_, _> = MAY_KNOW.into_iter().collect();
    for package in metadata.workspace_packages() {
        let name = short(&package.name).unwrap_or_else(|| panic!("{} is not called optelsom-…", package.name));
        if KNOW_ALL.contains(&name) {
            continue;
        }
        let allowed = may_know.get(name).unwrap_or_else(|| panic!("`{name}` is new: say here whom it may know"));
        for dependency in package.dependencies.iter().filter_map(|dependency| short(&dependency.name)) {
            assert!(allowed.contains(&dependency), "`{name}` may not know `{dependency}`");
        }
    }
}

#[test]
fn nothing_in_core_reaches_network_disk_clock_or_system_randomness() {
    let metadata = metadata();
    let graph = metadata.resolve.as_ref().expect("a resolved graph");
    let names: BTreeMap<&PackageId, &str> = metadata.packages.iter().map(|p| (&p.id, p.name.as_str())).collect();
    let edges: BTreeMap<&PackageId, Vec<&PackageId>> = graph
        .nodes
        .iter()
        .map(|node| {
            let used = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal));
            (&node.id, used.map(|d| &d.pkg).collect())
        })
        .collect();
    for package in
        metadata.workspace_packages().into_iter().filter(|p| short(&p.name).is_some_and(|n| CORE.contains(&n)))
    {
        let mut reached = BTreeSet::new();
        let mut next = vec![&package.id];
        while let Some(id) = next.pop() {
            if reached.insert(id) {
                next.extend(edges.get(id).into_iter().flatten());
            }
        }
        for name in reached.iter().filter_map(|id| names.get(id)) {
            assert!(!NOT_IN_CORE.contains(name), "`{}` reaches `{name}`", package.name);
        }
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let name = dependency.name.as_str();
            assert!(!NOT_NAMED_IN_CORE.contains(&name), "`{}` names `{name}`", package.name);
        }
    }
}

/// What `core/` could still reach without naming a crate for it: through the standard library, and through crates that it
/// has for other things (`jiff` reads dates, and could read the clock; `aws-lc-rs` has a generator of its own).
const REACHES_OUT: [&str; 16] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "SystemTime::",
    "Instant::",
    "::now()",
    "aws_lc_rs::rand",
    "SystemRandom",
    "OsRng",
    "RandomState",
];

/// The code of a source file on one line: without comments and its module of tests, and with groups of imports written out,
/// `std::{fs, io::Read}` as `std::fs;std::io::Read;`.
fn plain(source: &str) -> String {
    let tests = source.find("#[cfg(test)]\nmod tests {").unwrap_or(source.len());
    let lines = source[..tests].lines().filter(|line| !line.trim_start().starts_with("//"));
    let lines = lines.map(|line| line.split(" // ").next().unwrap_or_default());
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    let code = words.join(" ").replace(" ::", "::").replace(":: ", "::");
    let mut written_out = code.clone();
    for (at, _) in code.match_indices("::{") {
        let of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let root = code[..at].rsplit(|c| !of_path(c)).next().unwrap_or_default();
        for item in items_of(&code[at + 3..]) {
            written_out.push_str(&format!(" {root}::{};", item.trim()));
        }
    }
    written_out
}

/// What stands between commas up to the bracket that closes the group, groups within it left whole.
fn items_of(group: &str) -> Vec<String> {
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => items.last_mut().unwrap().push(c),
        }
        depth += i32::from(c == '{') - i32::from(c == '}');
    }
    items
}

fn reaches_out(source: &str) -> Option<&'static str> {
    let code = plain(source);
    REACHES_OUT.into_iter().find(|path| code.contains(path))
}

#[test]
fn no_source_in_core_reaches_disk_network_clock_process_or_system_randomness() {
    let core = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../core");
    let mut folders = vec![core];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of core") {
            let path = entry.expect("an entry of core").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !matches!(name.as_str(), "tests" | "benches") {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                files += 1;
                let text = std::fs::read_to_string(&path).expect("a source file");
                assert_eq!(reaches_out(&text), None, "{}", path.display());
            }
        }
    }
    assert!(files > 50, "the sources of core were not found");
}

#[test]
fn whatever_way_it_is_written_reaching_out_is_seen() {
    for source in [
        "use std::fs;",
        "use std::fs::File;",
        "fn f() { ::std :: env::var(NAME); }",
        "use std::{fmt, net::TcpStream};",
        "use std::{\n    fmt, // words\n    process,\n};",
        "use std::{collections::{BTreeMap, BTreeSet}, fs};",
        "use aws_lc_rs::{aead, rand::fill};",
        "use aws_lc_rs::rand;",
        "let now = jiff::Timestamp::now();",
        "use std::time::{Duration, SystemTime};",
        "let started = Instant::now;",
        "let map = std::collections::HashMap::with_hasher(RandomState::new());",
    ] {
        assert!(reaches_out(source).is_some(), "{source}\n{}", plain(source));
    }
    for source in [
        "//! Never `std::fs`.",
        "use std::time::Duration;",
        "use aws_lc_rs::{aead, cipher};",
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
        "use std::collections::{BTreeMap, BTreeSet};\nuse crate::net::fs;",
    ] {
        assert_eq!(reaches_out(source), None, "{source}\n{}", plain(source));
    }
}

#[test]
fn no_shipped_package_can_take_a_safety_rule_away() {
    for package in metadata().workspace_packages() {
        let name = short(&package.name).unwrap_or_default();
        let on_dependency = package
            .dependencies
            .iter()
            .any(|d| short(&d.name) == Some("secagg") && d.features.iter().any(|f| f == "rule-switches"));
        assert!(!on_dependency || name == "tests", "`{name}` enables `rule-switches`");
        let by_feature =
            package.features.values().flatten().any(|f| f.ends_with("rule-switches") && f.contains("secagg"));
        assert!(!by_feature, "a feature of `{name}` enables `rule-switches`");
        let default = package.features.get("default").is_some_and(|on| on.iter().any(|f| f == "rule-switches"));
        assert!(!default, "`rule-switches` is on by default in `{name}`");
    }
}
