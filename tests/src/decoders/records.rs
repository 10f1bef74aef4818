//! What nodes and coordinator keep of rounds and editions, and read again after a crash.

use std::fs;

use optelsom_codebook::{EditionId, Hash256};
use optelsom_node::aggregate::aggregate;
use optelsom_node::edition::{EditionStore, Manifest, Wanted};
use optelsom_secagg::combiner::{Combiner, CombinerConfig, CombinerRecord, Input};
use optelsom_secagg::messages::CoordinatorMessage;
use optelsom_secagg::supplier::{self, Supplier, SupplierRecord};
use optelsom_secagg::{Bound, Entropy, Rules};

use super::folder;
use super::parts;
use super::questions;
use super::sample::edition::{DATASET, FROZEN, admitted, place, plan};
use super::sample::round::{PLAYED, SETTING};
use super::sample::{self, ASKED, CODEBOOK, good, there};
use crate::federation::checkpoint;
use crate::world::node::GENERATORS;

/// What a supplier's machine must know again.
pub fn supplier_record(bytes: &[u8]) -> bool {
    let Ok(record) = SupplierRecord::from_bytes(bytes) else { return false };
    assert_eq!(record.to_bytes().as_slice(), bytes, "two encodings of one record");
    let config = SETTING.config(&there(SETTING.federation.names().pop()));
    if let Ok(machine) = Supplier::restore(config, record) {
        let input = supplier::Input::Message { message: CoordinatorMessage::Void, entropy: Entropy::new([1; 32]) };
        drop(machine.handle(ASKED, input));
    }
    true
}

pub(super) fn supplier_records() -> Vec<Vec<u8>> {
    let mut records = PLAYED.supplier_records.clone();
    records.sort();
    records.dedup();
    records
}

/// What the combiner's machine must know again: the record, and the sum that is kept beside it, if one is.
pub fn combiner_record(mut bytes: &[u8]) -> bool {
    let Some(record) = parts::take(&mut bytes) else { return false };
    let sum = parts::take(&mut bytes);
    let Ok(read) = CombinerRecord::from_bytes(record, sum) else { return false };
    assert_eq!(read.to_bytes().as_slice(), record, "two encodings of one record");
    let (roster, generators) = (SETTING.roster(), GENERATORS.clone());
    let config = CombinerConfig { roster, generators, checkpoint: checkpoint(), rules: Rules::all() };
    if let Ok(machine) = Combiner::restore(config, read) {
        drop(machine.handle(ASKED, Input::Started));
    }
    true
}

pub(super) fn combiner_records() -> Vec<Vec<u8>> {
    let joined =
        |(record, sum): &(Vec<u8>, Option<Vec<u8>>)| parts::join([record.as_slice()].into_iter().chain(sum.as_deref()));
    let mut records: Vec<_> = PLAYED.combiner_records.iter().map(joined).collect();
    records.sort();
    records.dedup();
    records
}

/// The folder of an edition in this thread's own state folder.
fn store(manifest: &[u8], extract: &[u8]) -> EditionStore {
    let state = folder::path("state");
    let place = place(&state);
    good(fs::create_dir_all(&place));
    good(fs::write(place.join("manifest.json"), manifest));
    good(fs::write(place.join("extract.parquet"), extract));
    EditionStore::new(&state)
}

/// What an edition says of itself; the extract is the good one.
pub fn edition_manifest(bytes: &[u8]) -> bool {
    let store = store(bytes, &FROZEN.extract);
    let Ok(manifest) = store.manifest(DATASET, &sample::edition()) else { return false };
    let written = good(serde_json::to_vec(&manifest));
    assert_eq!(good(serde_json::from_slice::<Manifest>(&written)), manifest);
    store.open(DATASET, &sample::edition(), &CODEBOOK).is_ok_and(|edition| edition.verify().is_ok())
}

pub(super) fn edition_manifests() -> Vec<Vec<u8>> {
    vec![FROZEN.manifest.clone()]
}

/// The extract of an edition, whose manifest is made to fit it; whatever can be asked is counted in it.
pub fn edition_extract(bytes: &[u8]) -> bool {
    let manifest = String::from_utf8_lossy(&FROZEN.manifest);
    let fact = |name: &str, was: String, is: String| (format!("\"{name}\": {was}"), format!("\"{name}\": {is}"));
    let length = fact("bytes", FROZEN.extract.len().to_string(), bytes.len().to_string());
    let quoted = |bytes: &[u8]| format!("\"{}\"", Hash256::of(bytes));
    let digest = fact("sha256", quoted(&FROZEN.extract), quoted(bytes));
    let manifest = manifest.replace(&length.0, &length.1).replace(&digest.0, &digest.1);
    let edition: EditionId = sample::edition();
    let Ok(opened) = store(manifest.as_bytes(), bytes).open(DATASET, &edition, &CODEBOOK) else { return false };
    good(opened.verify());
    let summary = opened.manifest().summary();
    let wanted =
        Wanted { variables: (0..summary.variables.len()).collect(), measures: (0..summary.measures.len()).collect() };
    let mut rows = 0;
    let read = opened.read(&wanted, |piece| -> Result<(), optelsom_node::edition::EditionError> {
        rows += piece.rows as u64;
        assert!(piece.codes.iter().all(|codes| codes.len() == piece.rows), "a row without a code");
        assert!(piece.values.iter().all(|values| values.len() == piece.rows), "a row without a value");
        Ok(())
    });
    let mut whole = read.is_ok();
    assert!(!whole || rows == summary.rows, "rows are missing");
    for sql in questions::SQL.iter().filter(|sql| sql.contains("FROM victims")) {
        let plan = plan(&sample::query(sql));
        whole &= aggregate(&admitted(&plan), &opened, Bound::for_suppliers(4)).is_ok();
    }
    whole
}

pub(super) fn edition_extracts() -> Vec<Vec<u8>> {
    vec![FROZEN.extract.clone()]
}
