//! What operators and analysts write into their files.

use std::path::Path;

use optelsom_node::configuration::{Configuration, Environment};
use optelsom_proto::Target;

use super::folder;
use super::sample::CODEBOOK;
use super::sample::edition::{DATASET, NODE_TOML, environment};
use super::text;

fn node(path: &Path, text: &str) -> bool {
    let environment: Environment<'_> = &environment;
    let Ok(configuration) = Configuration::parse(path, text.to_owned(), environment) else { return false };
    if let Some(coordinator) = configuration.coordinator() {
        Target::new(&coordinator.address, Some(&coordinator.server_name), None).err();
    }
    let Ok(bindings) = configuration.bindings(&CODEBOOK) else { return false };
    for binding in &bindings {
        assert!(CODEBOOK.dataset(binding.dataset()).is_some(), "a binding of nothing");
        let mut columns: Vec<_> = binding.columns().iter().collect();
        columns.sort();
        columns.dedup();
        assert_eq!(columns.len(), binding.columns().len(), "a column is read twice");
        binding.source().files();
    }
    true
}

/// `node.toml`, read with the samples' codebook.
pub fn node_toml(bytes: &[u8]) -> bool {
    text(bytes).is_some_and(|text| node(Path::new("node.toml"), text))
}

pub(super) fn node_tomls() -> Vec<Vec<u8>> {
    let sources = [
        "sqlite = { path = \"records.sqlite\", view = \"optelsom.meldingen\" }",
        "parquet = { path = \"records\" }",
        "spreadsheet = { path = \"records.ods\", sheet = \"Blad1\" }",
        "postgresql = { url_file = \"url\", view = \"meldingen\", time_limit_seconds = 10 }",
    ];
    let bare = |source: &str| {
        format!(
            "supplier = \"west\"\n[datasets.d]\nsource = {{ {source} }}\n[datasets.d.variables.year]\ncolumn = \"jaar\"\n\
             [datasets.d.variables.region]\nconstant = \"n\"\n"
        )
    };
    let all = sources.into_iter().map(bare).chain([NODE_TOML.to_owned()]);
    all.map(String::into_bytes).collect()
}

/// The table of local values and codes that a binding names.
pub fn map_file(bytes: &[u8]) -> bool {
    let path = folder::write("map.csv", bytes);
    let text = format!(
        "supplier = \"west\"\n[datasets.{DATASET}]\nsource = {{ parquet = {{ path = \"x\" }} }}\n\
         [datasets.{DATASET}.variables.year]\ncolumn = \"jaar\"\n\
         [datasets.{DATASET}.variables.form]\ncolumn = \"vorm\"\nseparator = \",\"\nmap_file = \"map.csv\"\n"
    );
    node(&path.with_file_name("node.toml"), &text)
}

pub(super) fn map_files() -> Vec<Vec<u8>> {
    ["local;code\n12;labour\n\"1;3\";sexual-abroad\n", "local,code\r\n\u{e9},unknown\r\n"]
        .map(|text| text.into())
        .to_vec()
}

/// `coordinator.toml`.
pub fn coordinator_toml(bytes: &[u8]) -> bool {
    let read = |path: &Path| optelsom_coordinator::Configuration::read(path);
    let Ok(configuration) = folder::with("coordinator.toml", bytes, read) else { return false };
    assert!(configuration.limits.words > 0 && configuration.limits.queries > 0, "no question would be taken");
    true
}

pub(super) fn coordinator_tomls() -> Vec<Vec<u8>> {
    let text = r#"
listen = "127.0.0.1:0"
codebook = "codebook.toml"
roster = "roster.toml"
credentials = { certificate = "c.pem", key = "c.key", authority = "/etc/authority.pem" }
store = { sqlite = "state/coordinator.sqlite" }
ledger = { key = "ledger.key", trust = "trust.toml", publish = "[::1]:443" }
health = { listen = "127.0.0.1:9000" }
limits = { words = 1000, deadline_minutes = 60, queries = 3 }
round = { phase_timeout_ms = 1000, resend_ms = 100 }
minimum_frequency = { victims = 12 }
"#;
    let other = text.replace("sqlite = \"state/coordinator.sqlite\"", "postgresql_url_file = \"url\"");
    [text.to_owned(), other].map(String::into_bytes).to_vec()
}

/// `analyst.toml`.
pub fn analyst_toml(bytes: &[u8]) -> bool {
    let load = |path: &Path| optelsom_cli::configuration::Configuration::load(Some(path));
    let Ok(configuration) = folder::with("analyst.toml", bytes, load) else { return false };
    assert!(!configuration.target.address().is_empty(), "nobody would be asked");
    true
}

pub(super) fn analyst_tomls() -> Vec<Vec<u8>> {
    let text = r#"
coordinator = "coordinator.example:7443"
server_name = "coordinator"
proxy = "http://proxy:3128"
certificate = "analyst.pem"
key = "analyst.key"
authority = "authority.pem"
identity = "identity.key"
trust = "trust.toml"
purpose = "monitor"
lang = "nl"
"#;
    vec![text.as_bytes().to_vec()]
}
