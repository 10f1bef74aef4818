//! What stands in the log, entry by entry, and what readers of the log keep of it.

use optelsom_codebook::SupplierId;
use optelsom_ledger::entry::Entry;
use optelsom_ledger::witness::WitnessRecord;
use optelsom_ledger::{LogView, QueryEntry, leaf_hash};

use super::parts;
use super::sample::export::EXPORT;
use super::sample::{good, log_key, suppliers};

/// An entry of any kind.
pub fn log_entry(bytes: &[u8]) -> bool {
    let Ok(entry) = Entry::from_bytes(bytes) else { return false };
    let leaf = good(entry.to_leaf());
    assert_eq!(leaf.as_bytes(), bytes, "two encodings of one entry");
    assert_eq!(leaf.hash().as_bytes(), leaf_hash(bytes).as_bytes());
    if let Entry::Query(query) = &entry {
        assert_eq!(query.id(), leaf_hash(bytes), "the query has another name than its leaf");
    }
    true
}

pub(super) fn log_entries() -> Vec<Vec<u8>> {
    EXPORT.log.leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect()
}

/// The entry of a query, as it travels and as it is logged.
pub fn query_entry(bytes: &[u8]) -> bool {
    let Ok(entry) = QueryEntry::from_bytes(bytes) else { return false };
    assert_eq!(entry.to_bytes(), bytes, "two encodings of one query");
    assert_eq!(entry.id(), leaf_hash(bytes), "the query has another name than its leaf");
    assert_eq!(Entry::from_bytes(bytes), Ok(Entry::Query(entry)));
    true
}

pub(super) fn query_entries() -> Vec<Vec<u8>> {
    let queries = EXPORT.entries.iter().filter_map(|entry| match entry {
        Entry::Query(query) => Some(query.to_bytes()),
        _ => None,
    });
    queries.collect()
}

/// Entries one after the other, as whoever follows the log takes them in; the documents are those of the samples.
pub fn log_view(bytes: &[u8]) -> bool {
    let entries: Vec<_> = parts::split(bytes).into_iter().map(|entry| Entry::from_bytes(entry).ok()).collect();
    let (mut view, mut good) = (LogView::new(), !entries.is_empty());
    for entry in &entries {
        good &=
            view.observe(entry.as_ref(), &|digest| EXPORT.documents.get(digest).cloned()).is_ok() && entry.is_some();
    }
    assert_eq!(view.size(), entries.len() as u64);
    for (index, entry) in (0..).zip(&entries) {
        consult(&mut view, index, entry.as_ref(), &suppliers());
    }
    good
}

/// Asks what nodes and coordinator ask of a log.
fn consult(view: &mut LogView, index: u64, entry: Option<&Entry>, suppliers: &[SupplierId]) {
    match entry {
        Some(Entry::Query(query)) => {
            assert!(view.index_of(&query.id()).is_some_and(|first| first <= index));
            let foreseen = view.foresee(index, suppliers);
            assert_eq!(view.foresee(index, suppliers), foreseen, "the guard cannot make up its mind");
            let documents = |digest: &_| EXPORT.documents.get(digest).cloned();
            view.would_refuse(query, suppliers, &documents).err();
            view.waived(&query.dataset, &query.roster, index);
            for supplier in suppliers {
                view.noised_before(index, supplier);
            }
        }
        Some(Entry::Participants(listed)) => {
            let verdict = view.judge(index);
            assert_eq!(view.judge(index), verdict);
            view.participants(listed.query, listed.attempt, &listed.statement(), &listed.certificate);
        }
        Some(Entry::Final(end)) => drop(view.certified(end.query, index)),
        Some(Entry::Void(end)) => drop(view.certified(end.query, index)),
        _ => {}
    }
    view.ended(index);
}

pub(super) fn logs() -> Vec<Vec<u8>> {
    vec![parts::join(EXPORT.log.leaves.iter().map(|leaf| leaf.as_bytes()))]
}

/// What a witness has stored of the last checkpoint.
pub fn witness_record(bytes: &[u8]) -> bool {
    let Ok(record) = WitnessRecord::from_bytes(bytes) else { return false };
    assert_eq!(record.to_bytes(), bytes, "two encodings of one record");
    true
}

pub(super) fn witness_records() -> Vec<Vec<u8>> {
    let fresh = WitnessRecord::fresh(log_key().verifier());
    let later = fresh.earlier(good(EXPORT.log.edge.head()));
    [fresh, later].map(|record| record.to_bytes()).to_vec()
}
