//! A supplier in a temporary folder, for the tests beside this one.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use optelsom_codebook::{Admission, Admitted, Agreement, Codebook, EditionId, Plan, Query, Request, Timestamp};
use optelsom_node::aggregate::{AggregateError, aggregate};
use optelsom_node::configuration::{Binding, Configuration, ConfigurationError};
use optelsom_node::edition::{Edition, EditionStore, Manifest};
use optelsom_node::freeze::{FreezeError, Freezing};
use optelsom_secagg::{Bound, LocalTable};
use tempfile::TempDir;

/// A small codebook with everything that a source can go wrong about.
pub const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }

[lists.years]
years = [2019, 2024]

[lists.sex]
missing = "X"
codes = [{ code = "F", nl = "vrouw", en = "female" }, { code = "M", nl = "man", en = "male" }, { code = "X", nl = "onbekend", en = "unknown" }]

[lists.ages]
ordered = true
missing = "unknown"
codes = [{ code = "0-17", nl = "0-17", en = "0-17" }, { code = "18+", nl = "18+", en = "18+" }, { code = "unknown", nl = "onbekend", en = "unknown" }]

[lists.forms]
missing = "unknown"
codes = [{ code = "sexual", nl = "seksueel", en = "sexual" }, { code = "labour", nl = "arbeid", en = "labour" }, { code = "criminal", nl = "crimineel", en = "criminal" }, { code = "unknown", nl = "onbekend", en = "unknown" }]

[datasets.victims]
label = { nl = "Slachtoffers", en = "Victims" }
unit = "report"
period = "year"
minimum_frequency = 3

[datasets.victims.variables.year]
list = "years"
label = { nl = "jaar", en = "year" }
[datasets.victims.variables.sex]
list = "sex"
label = { nl = "geslacht", en = "sex" }
[datasets.victims.variables.age_group]
list = "ages"
label = { nl = "leeftijd", en = "age" }
[datasets.victims.variables.form]
list = "forms"
label = { nl = "vorm", en = "form" }
multiple = true

[datasets.victims.measures.days]
label = { nl = "duur", en = "duration" }
unit = "days"
decimals = 0
minimum = 0
maximum = 20000
optional = true
[datasets.victims.measures.damages]
label = { nl = "schade", en = "damages" }
unit = "EUR"
decimals = 2
minimum = 0
maximum = 1000000
"#;

/// A supplier's folder.
pub struct Supplier {
    folder: TempDir,
    codebook: Codebook,
}

impl Supplier {
    pub fn new() -> Self {
        Self::with_codebook(CODEBOOK)
    }

    pub fn with_codebook(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("codebook.toml"), text).unwrap();
        Self { folder, codebook: Codebook::parse(text).unwrap_or_else(|errors| panic!("{errors}\n{text}")) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// A file for its owner alone, as those with secrets have to be.
    pub fn write_secret(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        self.write(name, bytes).set_mode(name, 0o600)
    }

    pub fn set_mode(&self, name: &str, mode: u32) -> &Self {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn store(&self) -> EditionStore {
        EditionStore::new(&self.path("state"))
    }

    /// The configuration with these bindings.
    pub fn configuration(&self, bindings: &str) -> Result<Configuration, ConfigurationError> {
        let text = format!("supplier = \"police\"\n{bindings}");
        Configuration::parse(&self.path("node.toml"), text, &|_| None)
    }

    pub fn binding(&self, bindings: &str) -> Result<Binding, ConfigurationError> {
        self.configuration(bindings)?.binding(&self.codebook, "victims")
    }

    /// Freezes edition `1` with these bindings.
    pub fn freeze(&self, bindings: &str) -> Result<Manifest, FreezeError> {
        self.freeze_as(bindings, "1")
    }

    pub fn freeze_as(&self, bindings: &str, edition: &str) -> Result<Manifest, FreezeError> {
        let configuration = self.configuration(bindings).unwrap_or_else(|error| panic!("{error}"));
        self.freeze_by(&configuration, edition).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Freezes with this whole configuration, whatever is wrong in it.
    pub fn freeze_document(&self, text: &str, edition: &str) -> Result<Manifest, String> {
        let configuration = Configuration::parse(&self.path("node.toml"), text.to_owned(), &|_| None);
        let configuration = configuration.map_err(|error| error.to_string())?;
        let frozen = self.freeze_by(&configuration, edition).map_err(|error| error.to_string())?;
        frozen.map_err(|error| error.to_string())
    }

    fn freeze_by(
        &self,
        configuration: &Configuration,
        edition: &str,
    ) -> Result<Result<Manifest, FreezeError>, ConfigurationError> {
        let binding = configuration.binding(&self.codebook, "victims")?;
        let freezing = Freezing {
            binding: &binding,
            codebook: &self.codebook,
            supplier: configuration.supplier(),
            edition: &edition_id(edition),
            frozen_at: Timestamp::from_millis(1_735_689_600_000),
        };
        Ok(freezing.run(&self.store(), &mut |_| {}))
    }

    pub fn edition(&self) -> Edition {
        self.store().open("victims", &edition_id("1"), &self.codebook).unwrap()
    }

    /// What edition `1` gives for a question.
    pub fn count(&self, sql: &str) -> Result<LocalTable, AggregateError> {
        aggregate(&self.admit(sql), &self.edition(), Bound::for_suppliers(3))
    }

    /// The first column of the answer, cell by cell.
    pub fn counts(&self, sql: &str) -> Vec<i64> {
        self.count(sql).unwrap().columns()[0].clone()
    }

    pub fn admit(&self, sql: &str) -> Admitted {
        let query = Query::from_sql(&self.codebook, sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        let plan = Plan::new(&self.codebook, &query).unwrap();
        admit(&self.codebook, &plan)
    }

    /// What a failed freeze says, with the temporary folder taken out.
    pub fn complaint(&self, bindings: &str) -> String {
        let error = self.freeze(bindings).expect_err("freezing should have failed");
        assert!(self.store().editions("victims").unwrap().is_empty(), "a failed freeze must keep nothing");
        assert_eq!(leftovers(&self.path("state/editions/victims")), Vec::<String>::new());
        self.without_folder(&error.to_string())
    }

    pub fn without_folder(&self, text: &str) -> String {
        text.replace(&*self.folder.path().to_string_lossy(), "…")
    }
}

/// What a folder holds beside the lock.
pub fn leftovers(folder: &Path) -> Vec<String> {
    let entries: Vec<_> = std::fs::read_dir(folder).map(|entries| entries.flatten().collect()).unwrap_or_default();
    let names = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name != ".lock").collect()
}

pub fn edition_id(text: &str) -> EditionId {
    EditionId::try_from(text).unwrap()
}

/// Admits a plan under an agreement that agrees to everything.
pub fn admit(codebook: &Codebook, plan: &Plan) -> Admitted {
    let agreement = r#"
supplier = "police"
version = "1"
valid = { from = "2020-01-01", until = "2030-12-31" }
[[datasets]]
name = "victims"
variables = "all"
measures = "all"
purposes = ["monitor"]
minimum_suppliers = 3
maximum_cells = 1000000
queries_per_day = 1000
"#;
    let agreement = Agreement::parse(agreement, codebook).unwrap_or_else(|errors| panic!("{errors}"));
    let request = Request {
        plan,
        purpose: "monitor",
        now: Timestamp::from_millis(1_735_689_600_000),
        min_suppliers: 6,
        rules: optelsom_disclosure::Policy::for_dataset(plan.dataset()).unwrap().rules(),
        queries_today: 0,
    };
    match agreement.admit(&request) {
        Ok(Admission::Admitted(admitted)) => admitted,
        other => panic!("{other:?}"),
    }
}

/// Bindings of a CSV file `data.csv` with the columns jaar, geslacht, geboren, datum, vormen, dagen, schade.
pub const CSV: &str = r#"
[datasets.victims]
source = { csv = { path = "data.csv", delimiter = ";", encoding = "windows-1252" } }
[datasets.victims.variables.year]
column = "datum"
transform = { year_of_date = { format = "%d-%m-%Y" } }
[datasets.victims.variables.sex]
column = "geslacht"
map = { vrouw = "F", man = "M" }
[datasets.victims.variables.age_group]
transform = { age_group = { birth = "geboren", at = "datum", format = "%d-%m-%Y", bins = [[0, 17, "0-17"], [18, 130, "18+"]] } }
[datasets.victims.variables.form]
column = "vormen"
separator = "|"
map = { "seksueel" = "sexual", "arbeid" = "labour", "ge\u00ebist" = "criminal" }
[datasets.victims.measures.days]
column = "dagen"
[datasets.victims.measures.damages]
column = "schade"
decimal = ","
thousands = "."
"#;

pub const HEAD: &str = "geslacht;geboren;datum;vormen;dagen;schade\r\n";

/// A file for [`CSV`] with these lines, in Windows-1252.
pub fn csv(lines: &[&str]) -> Vec<u8> {
    let text: String = std::iter::once(HEAD.to_owned()).chain(lines.iter().map(|line| format!("{line}\r\n"))).collect();
    encoding_rs::WINDOWS_1252.encode(&text).0.into_owned()
}
