//! An edition that a node froze, and what it counts in it.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use optelsom_codebook::{Admission, Admitted, Agreement, Plan, Query, Request};
use optelsom_disclosure::Policy;
use optelsom_node::aggregate::aggregate;
use optelsom_node::configuration::{Binding, Configuration};
use optelsom_node::edition::{Edition, EditionStore};
use optelsom_node::freeze::Freezing;
use optelsom_secagg::Bound;
use tempfile::TempDir;

use super::{ASKED, CODEBOOK, PURPOSE, edition, good};

/// The dataset of the edition.
pub(in crate::decoders) const DATASET: &str = "victims";

/// `node.toml`, whose bindings use whatever a binding may have.
pub(in crate::decoders) const NODE_TOML: &str = r#"
supplier = "east"
identity = { file = "east.identity" }
trust = { accepted_peers = ["north", "south"], collusion_floor = 1 }
health = { listen = "127.0.0.1:0" }
[coordinator]
address = "coordinator.example.nl:8443"
server_name = "coordinator"
proxy = "proxy:3128"
proxy_credentials = "proxy.secret"
certificate = "east.pem"
key = "east.key"
authority = "authority.pem"
[datasets.victims]
source = { csv = { path = "records.csv", delimiter = ";", encoding = "windows-1252" } }
freeze = "on-announcement"
years = [2023, 2024]
[datasets.victims.variables.year]
column = "datum"
transform = { year_of_date = { format = "%d-%m-%Y" } }
[datasets.victims.variables.sex]
column = "geslacht"
map = { vrouw = "F", man = "M" }
otherwise = "X"
[datasets.victims.variables.age_group]
transform = { age_group = { birth = "geboren", at = "datum", format = "%d-%m-%Y", bins = [[0, 17, "0-17"], [18, 130, "18+"]] } }
[datasets.victims.variables.form]
column = "vormen"
separator = "|"
map = { "seksueel" = "sexual-domestic", "arbeid" = "labour", "geëist" = "sexual-abroad" }
[datasets.victims.measures.days]
column = "dagen"
[datasets.victims.measures.damages]
column = "schade"
decimal = ","
thousands = "."
scale = 0
"#;

/// Nothing stands in the environment.
pub(in crate::decoders) fn environment(_: &str) -> Option<std::ffi::OsString> {
    None
}

/// The binding of [`NODE_TOML`], with its source in this file.
pub(in crate::decoders) fn binding(records: &std::path::Path) -> Binding {
    let text = NODE_TOML.replace("records.csv", &records.display().to_string());
    good(good(Configuration::parse(std::path::Path::new("node.toml"), text, &environment)).binding(&CODEBOOK, DATASET))
}

/// The files of an edition.
pub(in crate::decoders) struct Frozen {
    pub(in crate::decoders) extract: Vec<u8>,
    pub(in crate::decoders) manifest: Vec<u8>,
    state: TempDir,
}

/// The one edition that samples are made of.
pub(in crate::decoders) static FROZEN: LazyLock<Frozen> = LazyLock::new(|| {
    let state = good(tempfile::tempdir());
    let records = state.path().join("records.csv");
    good(fs::write(&records, encoding_rs::WINDOWS_1252.encode(&csv()).0));
    let (binding, edition) = (binding(&records), edition());
    let freezing = Freezing {
        binding: &binding,
        codebook: &CODEBOOK,
        supplier: &super::supplier("east"),
        edition: &edition,
        frozen_at: ASKED,
    };
    good(freezing.run(&EditionStore::new(state.path()), &mut |_| {}));
    let folder = place(state.path());
    let read = |name: &str| good(fs::read(folder.join(name)));
    Frozen { extract: read("extract.parquet"), manifest: read("manifest.json"), state }
});

/// Where the edition lies in a node's state folder.
pub(in crate::decoders) fn place(state: &std::path::Path) -> PathBuf {
    state.join("editions").join(DATASET).join(edition().as_str())
}

fn csv() -> String {
    let mut text = "geslacht;geboren;datum;vormen;dagen;schade\n".to_owned();
    for row in 0..240_usize {
        let of = |texts: &[&str]| texts.get(row % texts.len()).map_or(String::new(), ToString::to_string);
        let sex = of(&["vrouw", "man", "", "F", "onbekend"]);
        let born = of(&["01-05-1990", "29-02-2012", ""]);
        let date = of(&["31-12-2023", "01-01-2024"]);
        let forms = of(&["seksueel|arbeid", "ge\u{eb}ist", "", "labour"]);
        let days = of(&["12", "", "20000", "0", "7"]);
        let damages = of(&["1.234,50", "-3", "0,00"]);
        text += &format!("{sex};{born};{date};{forms};{days};{damages}\n");
    }
    text
}

impl Frozen {
    fn open(&self) -> Edition {
        good(EditionStore::new(self.state.path()).open(DATASET, &edition(), &CODEBOOK))
    }

    /// What four suppliers that all hold this edition come to.
    pub(in crate::decoders) fn totals(&self, plan: &Plan) -> Vec<Vec<i64>> {
        let table = good(aggregate(&admitted(plan), &self.open(), Bound::for_suppliers(4)));
        table.columns().iter().map(|column| column.iter().map(|figure| figure * 4).collect()).collect()
    }
}

/// A plan that an agreement with everything admits.
pub(in crate::decoders) fn admitted(plan: &Plan) -> Admitted {
    let agreement = "supplier = \"east\"\nversion = \"1\"\nvalid = { from = \"2020-01-01\", until = \"2099-12-31\" }\n\
                     [[datasets]]\nname = \"victims\"\nvariables = \"all\"\nmeasures = \"all\"\npurposes = [\"monitor\"]\n\
                     queries_per_day = 1000\nprivacy_budget = 1000\n";
    let request = Request {
        plan,
        purpose: PURPOSE,
        now: ASKED,
        min_suppliers: 4,
        rules: good(Policy::for_dataset(plan.dataset())).rules(),
        queries_today: 0,
    };
    match good(Agreement::parse(agreement, &CODEBOOK)).admit(&request) {
        Ok(Admission::Admitted(admitted)) => admitted,
        #[expect(clippy::panic, reason = "a failure of the test")]
        other => panic!("a sample is not admitted: {other:?}"),
    }
}

/// A question of the edition, planned.
pub(in crate::decoders) fn plan(query: &Query) -> Plan {
    good(Plan::new(&CODEBOOK, query))
}
