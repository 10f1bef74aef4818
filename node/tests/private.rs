//! What the node keeps is its owner's alone, whatever the umask says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use optelsom_codebook::Timestamp;
use optelsom_node::daemon::store::Store;
use supplier::{CSV, Supplier, csv};

fn ready() -> Supplier {
    let supplier = Supplier::new();
    supplier.write("node.toml", format!("supplier = \"police\"\n{CSV}"));
    supplier.write("data.csv", csv(&["vrouw;;31-01-2024;seksueel|arbeid;12;1.234,50"]));
    supplier
}

/// Runs a command under the widest umask there is; what it says on standard error.
fn run(supplier: &Supplier, arguments: &[&str]) -> String {
    let output = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_optelsom-node"), "--configuration"])
        .arg(supplier.path("node.toml"))
        .args(arguments)
        .output()
        .unwrap();
    let said = supplier.without_folder(&String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}");
    said
}

/// Whether everything from here on is the owner's alone; counts the files.
fn closed(path: &Path) -> usize {
    let metadata = fs::metadata(path).unwrap();
    let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(metadata.permissions().mode() & 0o777, wanted, "{}", path.display());
    if !metadata.is_dir() {
        return 1;
    }
    fs::read_dir(path).unwrap().map(|entry| closed(&entry.unwrap().path())).sum()
}

#[test]
fn a_wide_umask_opens_nothing() {
    let supplier = ready();
    assert_eq!(run(&supplier, &["freeze", "victims", "--edition", "2024-12"]), "");
    assert_eq!(run(&supplier, &["journal"]), "");
    // Extract, manifest, lock, store, and what SQLite has left beside the store.
    assert!(closed(&supplier.path("state")) >= 4);
}

#[test]
fn a_folder_that_is_open_is_closed_and_it_is_said() {
    let supplier = ready();
    fs::create_dir(supplier.path("state")).unwrap();
    fs::set_permissions(supplier.path("state"), Permissions::from_mode(0o755)).unwrap();
    let said = run(&supplier, &["freeze", "victims", "--edition", "2024-12"]);
    assert!(said.contains("…/state was open to others (mode 0755); from now on it is its owner's alone"), "{said}");
    closed(&supplier.path("state"));
    fs::set_permissions(supplier.path("state"), Permissions::from_mode(0o1777)).unwrap();
    let configuration = supplier.path("node.toml");
    let refused = Command::new(env!("CARGO_BIN_EXE_optelsom-node"))
        .args(["--configuration", configuration.to_str().unwrap(), "journal"])
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("is open to others (mode 1777) and cannot be closed"), "{said}");
}

#[tokio::test]
async fn the_files_beside_an_open_store_are_closed_too() {
    let supplier = ready();
    let state = supplier.path("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("node.sqlite"), "").unwrap();
    fs::set_permissions(state.join("node.sqlite"), Permissions::from_mode(0o666)).unwrap();
    let store = Store::open(&state).await.unwrap();
    store.probe(Timestamp::from_millis(1)).await.unwrap();
    // The database, its log of writes, and that log's index.
    assert_eq!(closed(&state), 3);
}
