//! What `optelsom explain` says beforehand, over real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use processes_federation::{ASK_AGAIN, Federation, PATIENCE, ends_with, run};

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";

#[tokio::test(flavor = "multi_thread")]
async fn explain_asks_the_guard_about_those_that_would_take_part() {
    let mut federation = Federation::start();
    federation.announce().await;
    federation.write_analyst();
    let folder = federation.folder().to_owned();
    let cli = |arguments: &[&str]| run(&folder, "optelsom", &[&["--config", "analyst.toml"], arguments].concat());
    ends_with(0, &cli(&["query", QUESTION]));
    let explain = || ends_with(0, &cli(&["explain", "--at-least", "4", QUESTION]));
    let all_there = explain();
    assert!(all_there.contains("A total of all: no earlier total stands in its way."), "{all_there}");
    assert!(!all_there.contains("that would take part"), "{all_there}");
    federation.kill("police");
    // The coordinator hears of it when the connection breaks.
    let told = async {
        loop {
            match explain() {
                told if told.contains("A total of the 4 that would take part") => return told,
                _ => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    let told = told.unwrap_or_else(|_| panic!("{}\n{}", explain(), federation.logs()));
    assert!(told.contains("earlier totals stand in its way") && told.contains("(police)"), "{told}");
    assert!(!federation.logs().contains('\u{1b}'), "colours in a file");
}
