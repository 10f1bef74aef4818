//! A disk that takes no more: a clear error that names it, nothing lost, and all works again once there is room. A limit on
//! the size of files stands for the full disk, since that takes no rights.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::path::Path;
use std::process::{Command, Output};

use optelsom_codebook::{QueryId, Timestamp};
use optelsom_node::daemon::store::{Question, Store};
use supplier::{CSV, Supplier, csv, leftovers};

/// Where the child finds the state that it fills.
const STATE: &str = "OPTELSOM_TEST_STATE";

/// Runs a program that can write no file of more than 128 KiB or so: a write past it is refused, and kills nobody.
fn limited(program: &Path, arguments: &[&str], state: &Path) -> Output {
    let script = "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\"";
    Command::new("sh").args(["-c", script]).arg(program).args(arguments).env(STATE, state).output().unwrap()
}

#[test]
fn a_freeze_keeps_nothing_and_says_why_and_succeeds_when_there_is_room() {
    let supplier = Supplier::new();
    supplier.write("node.toml", format!("supplier = \"police\"\n{CSV}"));
    supplier.write("data.csv", csv(&["vrouw;;31-01-2024;seksueel|arbeid;12;1.234,50"; 40_000]));
    let configuration = supplier.path("node.toml");
    let arguments = ["--configuration", configuration.to_str().unwrap(), "freeze", "victims", "--edition", "2024-12"];
    let node = Path::new(env!("CARGO_BIN_EXE_optelsom-node"));
    let refused = limited(node, &arguments, &supplier.path("state"));
    let said = supplier.without_folder(&String::from_utf8(refused.stderr).unwrap());
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write …/state/editions/victims/.freezing-"), "{said}");
    assert!(said.contains("raise the limit") && said.contains("nothing was kept"), "{said}");
    assert!(supplier.store().editions("victims").unwrap().is_empty());
    assert_eq!(leftovers(&supplier.path("state/editions/victims")), Vec::<String>::new());
    let done = Command::new(node).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn check_finds_a_disk_that_takes_no_more() {
    let supplier = Supplier::new();
    supplier.write("node.toml", format!("supplier = \"police\"\n{CSV}"));
    let configuration = supplier.path("node.toml");
    let arguments = ["--configuration", configuration.to_str().unwrap(), "check", "--quick"];
    let node = Path::new(env!("CARGO_BIN_EXE_optelsom-node"));
    let checked = limited(node, &arguments, &supplier.path("state"));
    let said = supplier.without_folder(&String::from_utf8(checked.stdout).unwrap());
    assert_eq!(checked.status.code(), Some(4), "{said}");
    let wanted =
        "FAILED  state folder: no edition or promise can be kept\n        cannot write to …/state: File too large";
    assert!(said.contains(wanted) && said.contains("raise the limit"), "{said}");
    assert!(said.contains("FAILED  incarnation: …/state.incarnation cannot be kept"), "{said}");
}

fn question(number: u64) -> Question {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Question {
        query: QueryId::from_bytes(id),
        received_at: Timestamp::from_millis(number),
        dataset: "victims".to_owned(),
        edition: "2024-12".to_owned(),
        purpose: "monitor".to_owned(),
        requester: "analyst-1".to_owned(),
        document: "d".repeat(1000),
        decision: None,
    }
}

/// Writes until the disk is full; only within the test below.
#[tokio::test]
#[ignore = "the child of the test below"]
async fn fills_the_store() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let store = Store::open(Path::new(&state)).await.unwrap();
    for number in 0..100_000 {
        if let Err(error) = store.note_question(&question(number)).await {
            println!("\nacknowledged={number}\nerror={error}");
            return;
        }
    }
}

#[tokio::test]
async fn the_store_keeps_what_it_acknowledged_and_goes_on_when_there_is_room() {
    let supplier = Supplier::new();
    let state = supplier.path("state");
    // What was there before the disk filled.
    Store::open(&state).await.unwrap().note_question(&question(u64::MAX)).await.unwrap();
    let child = ["--exact", "fills_the_store", "--ignored", "--nocapture"];
    let output = limited(&std::env::current_exe().unwrap(), &child, &state);
    let said = supplier.without_folder(&String::from_utf8(output.stdout).unwrap());
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
    let acknowledged: u64 = value("acknowledged=").unwrap_or_else(|| panic!("never full: {said}")).parse().unwrap();
    assert!(acknowledged > 0);
    let error = value("error=").unwrap();
    assert!(
        error.contains("the node's store …/state/node.sqlite fails") && error.contains("is the disk full"),
        "{error}"
    );
    let store = Store::open(&state).await.unwrap();
    let kept = store.questions("").await.unwrap();
    for number in (0..acknowledged).chain([u64::MAX]) {
        assert!(kept.iter().any(|kept| kept.query == question(number).query), "{number} of {acknowledged} is lost");
    }
    store.note_question(&question(acknowledged + 1)).await.unwrap();
    store.probe(Timestamp::from_millis(1)).await.unwrap();
}
