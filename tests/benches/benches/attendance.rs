//! Many nodes attending one coordinator, many queries at once: that it completes, how long it takes, and what the coordinator holds.
//!
//! `cargo bench -p optelsom-benches --bench attendance`, with `OPTELSOM_NODES=n` for other than 200 nodes.
#![allow(missing_docs, clippy::expect_used)]

use std::path::Path;
use std::time::Instant;

use optelsom_benches::federation::{self, Size};
use optelsom_benches::machine::{peak_memory, processor_time};
use optelsom_benches::process::{Started, be_coordinator_if_asked};
use optelsom_benches::report::Report;
use optelsom_codebook::EditionId;
use optelsom_sandbox::federation::Federation;
use optelsom_sandbox::session::Session;
use tokio::task::JoinSet;

const QUERIES: usize = 20;
const SQL: &str = "SELECT place, year, COUNT(*) FROM visits GROUP BY place, year";
const MOST_MEMORY: u64 = 500_000_000;

#[tokio::main]
async fn main() {
    tokio::task::spawn_blocking(be_coordinator_if_asked).await.expect("no panic");
    let suppliers: usize = std::env::var("OPTELSOM_NODES").ok().and_then(|nodes| nodes.parse().ok()).unwrap_or(200);
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = federation::write(place.path(), Size { suppliers, places: 10, rows: 1000 });
    let coordinator = Started::coordinator(folder.path());
    let begin = Instant::now();
    let nodes = Federation::attend(folder.clone()).await.expect("nodes");
    nodes.announce("visits", &EditionId::try_from("1").expect("an edition")).await.expect("a frozen edition");
    let attended = begin.elapsed();
    let begin = Instant::now();
    let configuration = folder.analyst_configuration();
    tokio::task::spawn_blocking(move || ask(&configuration)).await.expect("no panic");
    let answered = begin.elapsed();
    let mut report = Report::new();
    report.figure(&format!("{suppliers} nodes attend and have frozen their records"), format!("{attended:.1?}"));
    report.figure(&format!("{QUERIES} queries at once, all answered"), format!("{answered:.1?}"));
    let spent = processor_time(coordinator.id());
    report.figure("processor time of the coordinator, all told", format!("{spent:.1?}"));
    report.size("memory of the coordinator at its peak", peak_memory(coordinator.id()), MOST_MEMORY);
    report.print();
    nodes.stop().await;
}

/// Asks all questions at once, in a runtime of their own: analysts do not share their processors with 200 nodes, and one that
/// is kept from answering a ping has its connection ended.
#[tokio::main(flavor = "current_thread")]
async fn ask(configuration: &Path) {
    let mut queries = JoinSet::new();
    for _ in 0..QUERIES {
        let mut session = Session::open(configuration).await.expect("an analyst");
        let asking = session.prepare(SQL, "bench").await.expect("a question");
        queries.spawn(async move { session.ask(&asking, |_| ()).await.map(|_| ()) });
    }
    while let Some(answered) = queries.join_next().await {
        answered.expect("no panic").expect("a table");
    }
}
