//! A small federation for tests.
#![allow(clippy::unwrap_used)]

#[path = "../tests/samples/mod.rs"]
mod samples;

use optelsom_codebook::{Codebook, SupplierId, Timestamp};
use optelsom_disclosure::{Absence, Policy, Release};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster};
use optelsom_proto::v1;
use optelsom_proto::wire::Holding;

use crate::federation::{Catalogue, SupplierFacts};
pub(crate) use samples::SUPPLIERS;

pub(crate) const CODEBOOK: &str = include_str!("../tests/samples/codebook.toml");

pub(crate) const AGREEMENT: &str = r#"
supplier = "police"
version = "1"
valid = { from = "2024-01-01", until = "2028-12-31" }
[[datasets]]
name = "victims"
variables = "all"
measures = ["duration"]
purposes = ["monitor"]
minimum_suppliers = 4
maximum_cells = 1000
queries_per_day = 10
"#;

pub(crate) fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

pub(crate) fn codebook() -> Codebook {
    Codebook::parse(CODEBOOK).unwrap()
}

pub(crate) fn analyst() -> IdentityKey {
    IdentityKey::from_seed(&[99; 32])
}

fn roster() -> Roster {
    let member = |(name, seed): (&str, u8)| Member {
        supplier: supplier(name),
        identity: IdentityKey::from_seed(&[seed; 32]).public(),
    };
    let requester = Requester { key_id: "analyst-1".to_owned(), identity: analyst().public() };
    Roster::new(SUPPLIERS.into_iter().zip(1..).map(member).collect(), vec![requester], None).unwrap()
}

pub(crate) fn catalogue() -> Catalogue {
    catalogue_with(10)
}

/// Where the operator asks for this minimum frequency.
pub(crate) fn catalogue_with(minimum_frequency: u64) -> Catalogue {
    let policy = Policy::new("victims", minimum_frequency).unwrap();
    let edition =
        |name: &str, at| v1::Edition { dataset: "victims".to_owned(), edition: name.to_owned(), announced_at: at };
    let reply = v1::CatalogueReply {
        codebook: CODEBOOK.to_owned(),
        roster: roster().to_toml(),
        editions: vec![edition("2024-12", 2), edition("2024-06", 1)],
        policies: vec![v1::DatasetPolicy { dataset: "victims".to_owned(), policy: policy.canonical_bytes() }],
        most_words: 1000,
        longest_deadline_ms: 3_600_000,
        clock: 0,
    };
    Catalogue::try_from(reply).unwrap()
}

/// A supplier that holds and is connected; its agreement is put in by those who need one.
pub(crate) fn facts(name: &str, agreement: Option<&str>) -> SupplierFacts {
    SupplierFacts {
        supplier: supplier(name),
        attending: true,
        last_seen: Some(Timestamp::from_millis(1_735_689_599_250)),
        agreement: agreement.map(str::to_owned),
        out_of_step: false,
        holding: Some(Holding {
            dataset: "victims".to_owned(),
            variables: ["year", "form", "sex"].map(str::to_owned).to_vec(),
            measures: vec!["duration".to_owned()],
            years: 2010..=2024,
            editions: vec!["2024-12".parse().unwrap()],
        }),
    }
}

pub(crate) fn all_facts() -> Vec<SupplierFacts> {
    SUPPLIERS.map(|name| facts(name, None)).to_vec()
}

/// The release of this question, with totals given per column.
pub(crate) fn release(sql: &str, columns: &[&[i64]]) -> Release {
    let columns = columns.iter().map(|column| column.to_vec()).collect();
    samples::release_by(&codebook(), sql, columns, Absence::Refused { code: "outside-period".to_owned() })
}
