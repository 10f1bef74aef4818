//! What real daemons are given in tests: a small codebook, a node's files, keys as fixed as the names, and the programs.
#![expect(clippy::panic, reason = "a failure of the test")]

use std::path::PathBuf;

use optelsom_codebook::Hash256;
use optelsom_ledger::IdentityKey;

/// The codebook that all of them read.
pub const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.year]
years = [2020, 2022]
[lists.sex]
codes = [ { code = "F", nl = "vrouw", en = "female" }, { code = "M", nl = "man", en = "male" } ]
[datasets.victims]
unit = "report"
label = { nl = "Slachtoffers", en = "Victims" }
period = "year"
minimum_frequency = 3
[datasets.victims.variables.year]
list = "year"
label = { nl = "jaar", en = "year" }
[datasets.victims.variables.sex]
list = "sex"
label = { nl = "geslacht", en = "sex" }
"#;

/// The edition of `victims` that is asked about.
pub const EDITION: &str = "2022-12";

/// The secret of this name's key: nothing here is secret.
pub fn seed(name: &str) -> [u8; 32] {
    *Hash256::of(name.as_bytes()).as_bytes()
}

/// The key of this name.
pub fn identity(name: &str) -> IdentityKey {
    IdentityKey::from_seed(&seed(name))
}

/// The name of the key with which a supplier's node witnesses the log.
pub fn witness_name(supplier: &str) -> String {
    format!("witness of {supplier}")
}

/// `node.toml` of a supplier that dials this port on this machine, with its files named after it.
pub fn node_toml(supplier: &str, port: u16) -> String {
    format!(
        r#"
supplier = "{supplier}"
state = "{supplier}.state"
codebook = "codebook.toml"
roster = "roster.toml"
agreement = "{supplier}.agreement.toml"
identity = {{ file = "{supplier}.identity" }}
ledger = {{ witness_key = "{supplier}.witness" }}
[coordinator]
address = "127.0.0.1:{port}"
certificate = "{supplier}.pem"
key = "{supplier}.key"
authority = "authority.pem"
[datasets.victims]
source = {{ csv = {{ path = "{supplier}.csv" }} }}
freeze = "on-announcement"
years = [2020, 2022]
[datasets.victims.variables.year]
column = "year"
[datasets.victims.variables.sex]
column = "sex"
"#
    )
}

/// `agreement.toml` of a supplier, ending in the terms of `victims`, so that more of these can be added.
pub fn agreement_toml(supplier: &str) -> String {
    format!(
        r#"
supplier = "{supplier}"
version = "1"
valid = {{ from = "2020-01-01", until = "2099-12-31" }}
[[datasets]]
name = "victims"
variables = "all"
measures = "all"
purposes = ["monitor"]
minimum_suppliers = 4
maximum_cells = 1000
queries_per_day = 1000
"#
    )
}

/// A program of this workspace.
///
/// # Panics
/// When it has not been built.
pub fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    let found = here.ancestors().nth(2).map(|folder| folder.join(name)).filter(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: `cargo build --workspace --bins` makes it"))
}
