//! Every supplier's records, bindings and agreement fit the codebook, in whatever way the supplier writes them down.
#![allow(clippy::unwrap_used, clippy::panic)]

use optelsom_codebook::{Codebook, EditionId, Timestamp};
use optelsom_node::configuration::Configuration;
use optelsom_node::edition::EditionStore;
use optelsom_node::freeze::Freezing;
use optelsom_sandbox::data::national::registrations;
use optelsom_sandbox::federation::{Folder, FolderError, SEED, generate};
use optelsom_sandbox::suppliers::Supplier;

#[tokio::test(flavor = "multi_thread")]
async fn every_supplier_freezes_every_record() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path()).unwrap();
    let records = registrations(SEED);
    generate(&folder, &records).await.unwrap();
    for supplier in Supplier::ALL {
        let held = records.iter().filter(|record| record.supplier == supplier).count();
        let rows = tokio::task::block_in_place(|| freeze(&folder, supplier));
        assert_eq!(rows, held as u64, "{supplier}");
    }
}

fn freeze(folder: &Folder, supplier: Supplier) -> u64 {
    let path = folder.node_configuration(supplier.name());
    let configuration = Configuration::load(&path, &|_| None).unwrap_or_else(|error| panic!("{supplier}: {error}"));
    let codebook = configuration.read_codebook().unwrap();
    let agreement = configuration.read_agreement(&codebook).unwrap_or_else(|error| panic!("{supplier}: {error}"));
    assert_eq!(agreement.supplier().as_str(), supplier.name());
    let binding = configuration.binding(&codebook, "victims").unwrap_or_else(|error| panic!("{supplier}: {error}"));
    let edition = EditionId::try_from("2024-12").unwrap();
    let freezing = Freezing {
        binding: &binding,
        codebook: &codebook,
        supplier: configuration.supplier(),
        edition: &edition,
        frozen_at: Timestamp::from_millis(1_735_600_000_000),
    };
    let store = EditionStore::new(configuration.state());
    let manifest = freezing.run(&store, &mut |_| {}).unwrap_or_else(|error| panic!("{supplier}: {error}"));
    manifest.summary().rows
}

#[tokio::test]
async fn an_example_never_overwrites() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine.txt"), "mine").unwrap();
    let outcome = generate(&Folder::at(place.path()).unwrap(), &[]).await;
    assert!(matches!(outcome, Err(FolderError::NotEmpty(_))));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn the_example_codebook_is_the_built_in_one() {
    assert_eq!(Codebook::parse(optelsom_codebook::BUILTIN_TOML).unwrap().hash(), Codebook::builtin().unwrap().hash());
}
