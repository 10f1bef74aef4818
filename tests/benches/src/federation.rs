//! Federations to be measured: any number of suppliers, each with a small CSV file, and tables as large as one likes.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use optelsom_sandbox::federation::{Folder, prepare};
use optelsom_sandbox::session::now;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The first year of the dataset `visits`.
const FIRST_YEAR: usize = 2000;
/// How many years it has.
pub const YEARS: usize = 100;

/// The size of a federation.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many suppliers.
    pub suppliers: usize,
    /// How many codes `place` has: a table by place and year has 100 cells for each.
    pub places: usize,
    /// How many rows each supplier has.
    pub rows: usize,
}

/// Writes a federation into an empty folder, with keys and certificates, and a port of its own.
pub fn write(folder: &Path, size: Size) -> Folder {
    let folder = Folder::at(folder).expect("a folder");
    let address = free_port();
    text(&folder.codebook(), &codebook(size.places));
    text(&folder.coordinator_configuration(), &coordinator(address));
    for number in 0..size.suppliers {
        let name = format!("s{number:03}");
        let own = folder.supplier(&name);
        std::fs::create_dir_all(&own).expect("a new folder");
        text(&own.join("node.toml"), &node(&name, address));
        text(&own.join("agreement.toml"), &agreement(&name));
        text(&own.join("visits.csv"), &records(number as u64, size));
    }
    std::fs::create_dir_all(folder.analyst()).expect("a new folder");
    text(&folder.analyst_configuration(), &analyst(address));
    prepare(&folder, now().expect("a clock")).expect("keys and certificates");
    folder
}

/// Asked and given back at once; nobody else on the machine is expected to take it in between.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
    listener.local_addr().expect("its address")
}

fn text(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a written file");
}

fn codebook(places: usize) -> String {
    let mut codes = String::new();
    for place in 0..places {
        // Writing to a String cannot fail.
        let _ = write!(codes, "{{ code = \"p{place}\", nl = \"plaats {place}\", en = \"place {place}\" }}, ");
    }
    format!(
        r#"
version = "1"
name = {{ nl = "meting", en = "bench" }}
[lists.year]
years = [{FIRST_YEAR}, {}]
[lists.place]
codes = [{codes}]
[datasets.visits]
unit = "report"
label = {{ nl = "bezoeken", en = "visits" }}
period = "year"
minimum_frequency = 3
[datasets.visits.variables.year]
list = "year"
label = {{ nl = "jaar", en = "year" }}
[datasets.visits.variables.place]
list = "place"
label = {{ nl = "plaats", en = "place" }}
"#,
        FIRST_YEAR + YEARS - 1
    )
}

fn coordinator(address: SocketAddr) -> String {
    format!(
        r#"
listen = "{address}"
codebook = "codebook.toml"
roster = "roster.toml"
credentials = {{ certificate = "coordinator/coordinator.pem", key = "coordinator/coordinator.key", authority = "authority/authority.pem" }}
store = {{ sqlite = "coordinator/coordinator.sqlite" }}
ledger = {{ key = "coordinator/ledger.key", trust = "trust.toml" }}
round = {{ phase_timeout_ms = 600000, resend_ms = 300000 }}
"#
    )
}

fn node(name: &str, address: SocketAddr) -> String {
    format!(
        r#"
supplier = "{name}"
codebook = "../../codebook.toml"
roster = "../../roster.toml"
[identity]
file = "identity.key"
[coordinator]
address = "{address}"
server_name = "localhost"
certificate = "node.pem"
key = "node.key"
authority = "../../authority/authority.pem"
[datasets.visits]
source = {{ csv = {{ path = "visits.csv" }} }}
freeze = "on-announcement"
years = [{FIRST_YEAR}, {}]
[datasets.visits.variables]
year = {{ column = "year" }}
place = {{ column = "place" }}
"#,
        FIRST_YEAR + YEARS - 1
    )
}

fn agreement(name: &str) -> String {
    format!(
        r#"
supplier = "{name}"
version = "1"
valid = {{ from = "2020-01-01", until = "2099-12-31" }}
[[datasets]]
name = "visits"
variables = "all"
purposes = ["bench"]
queries_per_day = 100000
"#
    )
}

fn analyst(address: SocketAddr) -> String {
    format!(
        r#"
coordinator = "{address}"
server_name = "localhost"
certificate = "analyst.pem"
key = "analyst.key"
authority = "../authority/authority.pem"
identity = "identity.key"
"#
    )
}

fn records(seed: u64, size: Size) -> String {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |bound: usize| usize::try_from(chance.next_u64() % bound as u64).unwrap_or(0);
    let mut text = String::from("year,place\n");
    for _ in 0..size.rows {
        let _ = writeln!(text, "{},p{}", FIRST_YEAR + below(YEARS), below(size.places));
    }
    text
}
