//! Good documents, made by the constructors that make real ones: what the decoders are tried out on. Nothing here is
//! random, so a mutation of one of them is repeated by its seed.

pub(super) mod edition;
pub(super) mod export;
pub(super) mod log;
pub(super) mod release;
pub(super) mod round;
pub(super) mod rows;

use std::fmt::Display;
use std::sync::LazyLock;

use optelsom_codebook::{Codebook, EditionId, Hash256, Query, SupplierId, Timestamp};
use optelsom_ledger::entry::ApprovalRule;
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogKey};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, Trust};

/// What all samples are read with: a dataset as simple as can be, and one with everything that a dataset can have.
pub(super) const CODEBOOK_TEXT: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }

[lists.years]
years = [2023, 2024]

[lists.region]
codes = [
    { code = "n", nl = "noord", en = "north" },
    { code = "s", nl = "zuid", en = "south" },
]

[lists.sex]
missing = "X"
codes = [
    { code = "F", nl = "vrouw", en = "female" },
    { code = "M", nl = "man", en = "male" },
    { code = "X", nl = "onbekend", en = "unknown" },
]

[lists.ages]
ordered = true
missing = "unknown"
codes = [
    { code = "0-17", nl = "0-17", en = "0-17" },
    { code = "18+", nl = "18+", en = "18+" },
    { code = "unknown", nl = "onbekend", en = "unknown" },
]

[lists.forms]
missing = "unknown"
codes = [
    { code = "sexual-domestic", nl = "seksueel, binnenlands", en = "sexual, domestic", parent = "sexual" },
    { code = "sexual-abroad", nl = "seksueel, over de grens", en = "sexual, across the border", parent = "sexual" },
    { code = "sexual", nl = "seksueel", en = "sexual" },
    { code = "labour", nl = "arbeid", en = "labour" },
    { code = "unknown", nl = "onbekend", en = "unknown" },
]

[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 5
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.variables.region]
label = { nl = "regio", en = "region" }
list = "region"

[datasets.victims]
label = { nl = "Slachtoffers", en = "Victims" }
unit = "person"
period = "year"
minimum_frequency = 3
minimum_suppliers = 2
dominance_percent = 10
rounding_base = 5
[datasets.victims.variables.year]
list = "years"
label = { nl = "jaar", en = "year" }
[datasets.victims.variables.sex]
list = "sex"
label = { nl = "geslacht", en = "sex" }
[datasets.victims.variables.age_group]
list = "ages"
label = { nl = "leeftijd", en = "age" }
[datasets.victims.variables.form]
list = "forms"
label = { nl = "vorm", en = "form" }
multiple = true
[datasets.victims.measures.days]
label = { nl = "duur", en = "duration" }
unit = "days"
decimals = 0
minimum = 0
maximum = 20000
optional = true
[datasets.victims.measures.damages]
label = { nl = "schade", en = "damages" }
unit = "EUR"
decimals = 2
minimum = -1000
maximum = 1000000
"#;

/// What all samples are read with.
pub(super) static CODEBOOK: LazyLock<Codebook> = LazyLock::new(|| good(Codebook::parse(CODEBOOK_TEXT)));

/// The suppliers of the roster.
pub(super) const SUPPLIERS: [&str; 4] = ["east", "north", "south", "west"];

/// The purpose of all questions.
pub(super) const PURPOSE: &str = "monitor";

/// When questions are asked: 2026-11-02T09:30:00Z.
pub(super) const ASKED: Timestamp = Timestamp::from_millis(1_793_611_800_000);

/// An hour in milliseconds.
pub(super) const HOUR: u64 = 3_600_000;

/// What a constructor of a good document yields.
///
/// # Panics
/// When the document is not good after all.
pub(super) fn good<T, E: Display>(made: Result<T, E>) -> T {
    match made {
        Ok(made) => made,
        #[expect(clippy::panic, reason = "a failure of the test")]
        Err(error) => panic!("a sample is not good: {error}"),
    }
}

/// What a sample certainly has.
///
/// # Panics
/// When it has not.
pub(super) fn there<T>(found: Option<T>) -> T {
    good(found.ok_or("something is missing"))
}

pub(super) fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

pub(super) fn supplier(name: &str) -> SupplierId {
    good(SupplierId::try_from(name))
}

pub(super) fn suppliers() -> Vec<SupplierId> {
    SUPPLIERS.map(supplier).to_vec()
}

/// The keys that the suppliers sign with, in their order.
pub(super) fn supplier_keys() -> Vec<IdentityKey> {
    (1..5).map(key).collect()
}

pub(super) fn analyst() -> IdentityKey {
    key(9)
}

pub(super) fn approver() -> IdentityKey {
    key(10)
}

pub(super) fn roster() -> Roster {
    let members = suppliers().into_iter().zip(supplier_keys());
    let members = members.map(|(supplier, key)| Member { supplier, identity: key.public() });
    let person = |key_id: &str, key: IdentityKey| Requester { key_id: key_id.to_owned(), identity: key.public() };
    let requesters = vec![person("analyst-1", analyst()), person("analyst-2", approver())];
    good(Roster::new(members.collect(), requesters, Some(1)))
}

pub(super) fn key_name(text: &str) -> KeyName {
    good(KeyName::try_from(text))
}

/// The key of the log, and of the coordinator.
pub(super) fn log_key() -> LogKey {
    LogKey::new(key_name("test/log"), operator())
}

pub(super) fn operator() -> IdentityKey {
    key(100)
}

pub(super) fn cosigners() -> Vec<CosignerKey> {
    let name = |supplier: &str| key_name(&format!("test/log/{supplier}"));
    (201..).zip(SUPPLIERS).map(|(seed, supplier)| CosignerKey::new(name(supplier), key(seed))).collect()
}

pub(super) fn trust() -> Trust {
    let cosigners = cosigners().iter().map(|cosigner| cosigner.verifier().clone()).collect();
    let committee = good(Committee::new(cosigners, 1, 1));
    Trust::new(log_key().verifier().clone(), committee, ApprovalRule::OnePerson)
}

pub(super) fn edition() -> EditionId {
    good(EditionId::try_from("2024-12"))
}

/// A question of this edition.
pub(super) fn query(sql: &str) -> Query {
    good(Query::from_sql(&CODEBOOK, sql)).with_edition(edition())
}

/// The entry of a question; `nonce` tells it from others.
pub(super) fn entry(query: &Query, policy: Hash256, nonce: u8) -> QueryEntry {
    QueryEntry {
        query: Hash256::of(&query.canonical_bytes()),
        dataset: query.dataset().name().to_owned(),
        edition: edition(),
        purpose: PURPOSE.to_owned(),
        requester: "analyst-1".to_owned(),
        codebook: CODEBOOK.hash(),
        roster: roster().hash(),
        disclosure_policy: policy,
        scope: suppliers(),
        collusion: 1,
        min_suppliers: 4,
        asked_at: ASKED,
        expires_at: ASKED.plus_millis(HOUR),
        nonce: [nonce; 16],
    }
}

/// `agreement.toml` of a supplier.
pub(super) fn agreement(supplier: &str) -> String {
    format!(
        r#"
supplier = "{supplier}"
version = "1"
valid = {{ from = "2020-01-01", until = "2099-12-31" }}
[[datasets]]
name = "victims"
variables = "all"
measures = ["days"]
purposes = ["monitor"]
years = [2023, 2024]
minimum_suppliers = 4
maximum_cells = 1000
queries_per_day = 1000
minimum_frequency = 4
minimum_suppliers_per_cell = 3
dominance_percent = 15
rounding_base = 5
every_query_waits_for_approval = true
own_figure_may_become_known = true
privacy_budget = 2.5
"#
    )
}
