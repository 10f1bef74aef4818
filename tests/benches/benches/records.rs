//! What a node does with its records: freezing a large CSV file and counting the edition, beside DuckDB on the same rows.
//!
//! `cargo bench -p optelsom-benches --bench records`, with `OPTELSOM_ROWS=n` for other than ten million rows. The peer is
//! measured in the same run when `python3` has the package `duckdb` (or the interpreter that `OPTELSOM_PYTHON` names).
#![allow(missing_docs, clippy::expect_used)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use optelsom_benches::machine::{peak_memory, shortest};
use optelsom_benches::report::Report;
use optelsom_codebook::{
    Admission, Admitted, Agreement, Codebook, EditionId, Plan, Query, Request, SupplierId, Timestamp,
};
use optelsom_disclosure::Policy;
use optelsom_node::aggregate::aggregate;
use optelsom_node::configuration::Configuration;
use optelsom_node::edition::EditionStore;
use optelsom_node::freeze::Freezing;
use optelsom_secagg::Bound;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);
const RUNS: usize = 3;
const SQL: &str = "SELECT year, form, sex, region, COUNT(*), SUM(amount) FROM records GROUP BY year, form, sex, region";

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "meting", en = "bench" }
[lists.year]
years = [2010, 2024]
[lists.form]
codes = [{ code = "labour", nl = "a", en = "a" }, { code = "criminal", nl = "b", en = "b" },
    { code = "sexual-domestic", nl = "c", en = "c" }, { code = "sexual-cross-border", nl = "d", en = "d" },
    { code = "organ-removal", nl = "e", en = "e" }, { code = "unknown", nl = "f", en = "f" }]
[lists.sex]
codes = [{ code = "F", nl = "v", en = "f" }, { code = "M", nl = "m", en = "m" }, { code = "U", nl = "o", en = "u" }]
[lists.region]
codes = [{ code = "north", nl = "n", en = "n" }, { code = "east", nl = "o", en = "e" },
    { code = "south", nl = "z", en = "s" }, { code = "west", nl = "w", en = "w" },
    { code = "caribbean", nl = "c", en = "c" }]
[datasets.records]
unit = "report"
label = { nl = "rijen", en = "rows" }
period = "year"
[datasets.records.variables.year]
list = "year"
label = { nl = "jaar", en = "year" }
[datasets.records.variables.form]
list = "form"
label = { nl = "vorm", en = "form" }
[datasets.records.variables.sex]
list = "sex"
label = { nl = "geslacht", en = "sex" }
[datasets.records.variables.region]
list = "region"
label = { nl = "streek", en = "region" }
[datasets.records.measures.amount]
label = { nl = "bedrag", en = "amount" }
unit = "EUR"
minimum = 0
maximum = 100000
"#;

const NODE: &str = r#"
supplier = "bench"
[datasets.records]
source = { csv = { path = "records.csv", delimiter = ";" } }
[datasets.records.variables]
year = { column = "year" }
form = { column = "form" }
sex = { column = "sex" }
region = { column = "region" }
[datasets.records.measures.amount]
column = "amount"
"#;

const AGREEMENT: &str = r#"
supplier = "bench"
version = "1"
valid = { from = "2020-01-01", until = "2099-12-31" }
[[datasets]]
name = "records"
variables = "all"
measures = "all"
purposes = ["bench"]
queries_per_day = 1000
"#;

fn main() {
    let rows: u64 = std::env::var("OPTELSOM_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_records(&folder.path().join("records.csv"), rows);
    for (name, text) in [("codebook.toml", CODEBOOK), ("node.toml", NODE), ("agreement.toml", AGREEMENT)] {
        std::fs::write(folder.path().join(name), text).expect("a written file");
    }
    let codebook = Codebook::parse(CODEBOOK).expect("a codebook");
    let (frozen, counted) = measure(folder.path(), &codebook, rows);
    let memory = peak_memory(std::process::id());
    let mut report = Report::new();
    match peer(folder.path()) {
        Some((version, copied, grouped)) => {
            let beside = |what: &str| format!("DuckDB {version} {what},");
            report.ratio(&format!("freezing {rows} rows of CSV"), frozen, (&beside("COPY … TO parquet"), copied), 1.0);
            report.ratio(&format!("counting {rows} rows × 4 variables"), counted, (&beside("GROUP BY"), grouped), 0.5);
        }
        None => {
            report.figure(&format!("freezing {rows} rows of CSV"), format!("{frozen:.2?}"));
            report.figure(&format!("counting {rows} rows × 4 variables"), format!("{counted:.2?}"));
            println!(
                "DuckDB was NOT measured: `pip install duckdb` first, or name an interpreter in OPTELSOM_PYTHON\n"
            );
        }
    }
    report.size("memory at its peak, both", memory, 200_000_000);
    report.print();
}

fn measure(folder: &Path, codebook: &Codebook, rows: u64) -> (Duration, Duration) {
    let configuration = Configuration::load(&folder.join("node.toml"), &|_| None).expect("a configuration");
    let binding = configuration.binding(codebook, "records").expect("a binding");
    let store = EditionStore::new(configuration.state());
    let mut count = 0;
    let frozen = shortest(RUNS, || {
        count += 1;
        let edition = EditionId::try_from(format!("run-{count}").as_str()).expect("an edition");
        let supplier = configuration.supplier();
        let freezing = Freezing { binding: &binding, codebook, supplier, edition: &edition, frozen_at: NOW };
        let manifest = freezing.run(&store, &mut |_| {}).expect("a frozen edition");
        assert_eq!(manifest.summary().rows, rows);
    });
    let admitted = admitted(codebook);
    let edition = EditionId::try_from("run-1").expect("an edition");
    let counted = shortest(RUNS * 3, || {
        let edition = store.open("records", &edition, codebook).expect("an edition");
        aggregate(&admitted, &edition, Bound::for_suppliers(10)).expect("a table")
    });
    (frozen, counted)
}

fn admitted(codebook: &Codebook) -> Admitted {
    let query = Query::from_sql(codebook, SQL).expect("a question");
    let plan = Plan::new(codebook, &query).expect("a plan");
    let agreement = Agreement::parse(AGREEMENT, codebook).expect("an agreement");
    assert_eq!(agreement.supplier(), &SupplierId::try_from("bench").expect("a slug"));
    let rules = Policy::for_dataset(plan.dataset()).expect("a policy").rules();
    let request = Request { plan: &plan, purpose: "bench", now: NOW, min_suppliers: 10, rules, queries_today: 0 };
    match agreement.admit(&request).expect("an admission") {
        Admission::Admitted(admitted) => admitted,
        Admission::NeedsApproval(pending) => pending.approve(),
    }
}

fn write_records(path: &Path, rows: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("a new file"));
    let forms = ["labour", "criminal", "sexual-domestic", "sexual-cross-border", "organ-removal", "unknown"];
    let regions = ["north", "east", "south", "west", "caribbean"];
    let mut chance = ChaCha8Rng::seed_from_u64(21);
    writeln!(file, "year;form;sex;region;amount").expect("a written line");
    for _ in 0..rows {
        let mut draw = chance.next_u64();
        let mut below = |bound: u64| {
            let value = draw % bound;
            draw /= bound;
            usize::try_from(value).unwrap_or(0)
        };
        let (year, form, sex) = (2010 + below(15), forms[below(6)], ["F", "M", "U"][below(3)]);
        let (region, amount) = (regions[below(5)], below(100_000));
        writeln!(file, "{year};{form};{sex};{region};{amount}").expect("a written line");
    }
    file.into_inner().expect("a flushed file").sync_all().expect("a synced file");
}

/// DuckDB's version and times, or nothing where it isn't installed.
fn peer(folder: &Path) -> Option<(String, Duration, Duration)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("duckdb_peer.py");
    let python = std::env::var("OPTELSOM_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).arg(script).arg(folder.join("records.csv")).arg(folder).output().ok()?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let seconds = |key: &str| said[key].as_f64().map(Duration::from_secs_f64);
    Some((said["version"].as_str()?.to_owned(), seconds("copy")?, seconds("group")?))
}
