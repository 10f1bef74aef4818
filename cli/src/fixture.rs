//! A small federation for tests.
#![allow(clippy::unwrap_used)]

use optelsom_codebook::{Codebook, Plan, Query, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{Absence, Noise, Policy, Release, RoundFacts, Totals, protect, protect_noised};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster};
use optelsom_proto::v1;
use optelsom_proto::wire::Holding;

use crate::federation::{Catalogue, SupplierFacts};

pub(crate) const CODEBOOK: &str = r#"
version = "2024.1"
name = { nl = "Mensenhandel (proef)", en = "Trafficking (trial)" }
[lists.years]
years = [2010, 2030]
[lists.form]
codes = [
    { code = "sexual", nl = "seksuele uitbuiting", en = "sexual exploitation" },
    { code = "labour", nl = "arbeidsuitbuiting", en = "labour exploitation" },
    { code = "unknown", nl = "onbekend", en = "unknown" },
]
missing = "unknown"
[lists.sex]
codes = [{ code = "F", nl = "vrouw", en = "woman" }, { code = "M", nl = "man", en = "man" }]
[datasets.victims]
label = { nl = "Meldingen van slachtoffers", en = "Reports of victims" }
unit = "report"
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.victims.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.victims.variables.form]
label = { nl = "vorm van uitbuiting", en = "form of exploitation" }
list = "form"
multiple = true
[datasets.victims.variables.sex]
label = { nl = "geslacht", en = "sex" }
list = "sex"
[datasets.victims.measures.duration]
label = { nl = "duur", en = "duration" }
unit = "days"
decimals = 0
minimum = 0
maximum = 20000
optional = true
"#;

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

pub(crate) const SUPPLIERS: [&str; 6] = ["border-police", "labour", "police", "prosecution", "shelters", "youth-care"];

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
    let codebook = codebook();
    let plan = Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap();
    let policy = Policy::for_dataset(plan.dataset()).unwrap();
    let totals = Totals::new(columns.iter().map(|column| column.to_vec()).collect());
    let table = match Noise::of(&plan, 4) {
        Some(noise) => protect_noised(&plan, &noise, 5, totals).unwrap(),
        None => protect(&plan, &policy, totals).unwrap(),
    };
    let all = SUPPLIERS.map(supplier);
    let round = RoundFacts {
        query: QueryId::from_bytes([0xab; 32]),
        edition: "2024-12".parse().unwrap(),
        purpose: "monitor".to_owned(),
        asked_at: Timestamp::from_millis(1_735_689_599_250),
        released_at: Timestamp::from_millis(1_735_689_659_250),
        asked: all.iter().cloned().collect(),
        taking_part: all.iter().take(5).cloned().collect(),
        absences: vec![(supplier("youth-care"), Absence::Refused { code: "outside-period".to_owned() })],
    };
    Release::new(&codebook, &plan, &policy, round, table).unwrap()
}
