//! The coordinator's SQLite store is its owner's alone, whatever the umask says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use optelsom_codebook::Timestamp;
use optelsom_coordinator::configuration::StoreLocation;
use optelsom_coordinator::store::Store;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_store_and_the_files_beside_it_are_the_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("made");
    let path = folder.join("coordinator.sqlite");
    for round in 0..2 {
        let store = Store::open(&StoreLocation::Sqlite(path.clone())).await.unwrap();
        store.probe(Timestamp::from_millis(1)).await.unwrap();
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 3, "{files:?}");
        files.iter().for_each(|file| assert_eq!(mode(file), 0o600, "round {round}: {}", file.display()));
        store.close().await;
        // Another umask, or an earlier version: the next round closes it again.
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(mode(&folder), 0o700);
}

#[tokio::test]
async fn a_folder_that_was_there_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let path = place.path().join("coordinator.sqlite");
    let store = Store::open(&StoreLocation::Sqlite(path.clone())).await.unwrap();
    store.close().await;
    assert_eq!((mode(place.path()), mode(&path)), (0o755, 0o600));
}
