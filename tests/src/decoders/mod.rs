//! Every decoder of bytes from outside, each behind one function that takes any bytes: it must never panic, it says whether
//! they were accepted, and what was accepted it holds to what must then be so.
//!
//! [`DECODERS`] is the one list of them. A plain test walks it with mutated samples, and `tests/fuzz` has one target for
//! each (docs/developer.md).

mod calls;
mod configuration;
mod credentials;
mod documents;
mod entries;
mod exports;
mod folder;
mod names;
mod notes;
mod parts;
mod questions;
mod records;
mod releases;
mod sample;
mod sources;
mod tree;
mod wire;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use prost::Message;

/// A decoder.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// The name of its function here, and of its fuzz target.
    pub name: &'static str,
    /// Whether these bytes are accepted.
    ///
    /// # Panics
    /// When the decoder does, or when what it accepts is not as it must be.
    pub decode: fn(&[u8]) -> bool,
    /// Good documents, made by the constructors of real ones. Each is accepted.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! decoders {
    ($($module:ident { $($name:ident: $seeds:ident,)+ })+) => {
        $(pub use $module::{$($name),+};)+

        /// All decoders.
        pub const DECODERS: &[Decoder] =
            &[$($(Decoder { name: stringify!($name), decode: $module::$name, seeds: $module::$seeds }),+),+];
    };
}

decoders! {
    names {
        supplier_id: supplier_ids,
        edition_id: edition_ids,
        digest: digests,
        moment: moments,
        epsilon: epsilons,
        decimal: decimals,
        role: roles,
        party_name: party_names,
        reason: reasons,
        key_name: key_names,
        log_verifier: log_verifiers,
        cosigner: cosigner_keys,
        public_identity: public_identities,
        tile_path: tile_paths,
        address: addresses,
    }
    documents {
        codebook: codebooks,
        agreement: agreements,
        roster: rosters,
        trust: trusts,
        policy: policies,
    }
    questions {
        query_sql: questions,
        query_json: query_documents,
    }
    entries {
        log_entry: log_entries,
        query_entry: query_entries,
        log_view: logs,
        witness_record: witness_records,
    }
    notes {
        checkpoint: checkpoints,
        cosignature: cosignatures,
    }
    tree {
        inclusion_proof: inclusion_proofs,
        consistency_proof: consistency_proofs,
        entry_bundle: entry_bundles,
        tiles: tile_sets,
    }
    exports {
        exported_log: exported_logs,
        release_bundle: release_bundles,
        bundle_manifest: bundle_manifests,
        journal: journals,
    }
    wire {
        node_message: node_messages,
        coordinator_message: coordinator_messages,
        table_chunk: table_chunks,
    }
    calls {
        ask_request: ask_requests,
        query_name: query_names,
        explain_request: explain_requests,
        approve_request: approve_requests,
        announce_request: announce_requests,
        query_events: followed,
        catalogue_reply: catalogues,
        explain_reply: explain_replies,
        list_reply: list_replies,
        pending_reply: pending_replies,
        status_reply: status_replies,
    }
    credentials {
        certificate: certificates,
        credential_files: credentials,
        identity_file: identity_files,
        proxy_credentials: proxy_secrets,
        proxy_reply: proxy_replies,
    }
    releases {
        release: releases,
        release_proof: release_proofs,
        proof_file: proof_files,
        commitments: commitment_files,
    }
    records {
        supplier_record: supplier_records,
        combiner_record: combiner_records,
        edition_manifest: edition_manifests,
        edition_extract: edition_extracts,
    }
    configuration {
        node_toml: node_tomls,
        map_file: map_files,
        coordinator_toml: coordinator_tomls,
        analyst_toml: analyst_tomls,
    }
    sources {
        csv_utf_8: csv_files_utf_8,
        csv_windows_1252: csv_files_windows_1252,
        csv_utf_16: csv_files_utf_16,
        frozen_records: csv_files_windows_1252,
        parquet_file: parquet_files,
        sqlite_file: sqlite_files,
        xlsx: workbooks,
        xlsx_sheet: xlsx_sheets,
        xlsb: binary_workbooks,
        xlsb_sheet: xlsb_sheets,
        ods: open_documents,
        ods_content: ods_contents,
    }
}

thread_local! {
    /// Whether a decoder is being tried out on this thread.
    static TRYING: Cell<bool> = const { Cell::new(false) };
    /// The last panic of a decoder, contained or not.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what a decoder's panic says instead of printing it: readers of foreign files give up by one, and that is contained.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TRYING.get() {
                let trace = std::backtrace::Backtrace::capture();
                LAST.with(|last| *last.borrow_mut() = format!("{panic}\n{trace}"));
            } else {
                otherwise(panic);
            }
        }));
    });
}

impl Decoder {
    /// Whether these bytes are accepted.
    ///
    /// # Errors
    /// When the decoder panics, or accepts what it must not: what it says then.
    pub fn try_out(&self, bytes: &[u8]) -> Result<bool, String> {
        keep_panics();
        TRYING.set(true);
        let tried = catch_unwind(AssertUnwindSafe(|| (self.decode)(bytes)));
        TRYING.set(false);
        tried.map_err(|_| LAST.with(|last| last.borrow().clone()))
    }
}

/// Tries the decoder of this name out as a fuzz target: where it fails, the process ends.
pub fn fuzz(name: &str, bytes: &[u8]) {
    let decoder = DECODERS.iter().find(|decoder| decoder.name == name);
    let tried = decoder.map_or_else(|| Err(format!("there is no decoder {name}")), |decoder| decoder.try_out(bytes));
    if let Err(why) = tried {
        eprintln!("{why}");
        std::process::abort();
    }
}

/// Bytes as text, if they are.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Bytes as a message, which reads back as it is written.
fn message<M: Message + Default + PartialEq>(bytes: &[u8]) -> Option<M> {
    let read = M::decode(bytes).ok()?;
    assert!(
        M::decode(read.encode_to_vec().as_slice()).is_ok_and(|again| again == read),
        "a message does not read back"
    );
    Some(read)
}
