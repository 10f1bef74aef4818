//! The documents that everybody goes by.

use optelsom_codebook::{Agreement, BUILTIN_TOML, Codebook, Dataset, Query};
use optelsom_disclosure::Policy;
use optelsom_ledger::{Roster, Trust};

use super::questions::check_query;
use super::sample::{self, CODEBOOK, CODEBOOK_TEXT, good, there};
use super::text;

/// `codebook.toml`.
pub fn codebook(bytes: &[u8]) -> bool {
    let Some((text, codebook)) = text(bytes).and_then(|text| Some((text, Codebook::parse(text).ok()?))) else {
        return false;
    };
    assert_eq!(good(Codebook::parse(text)).hash(), codebook.hash());
    for dataset in codebook.datasets() {
        check_dataset(&codebook, dataset);
    }
    true
}

/// Its tables can be protected, and it can be asked about, each of its variables and measures.
fn check_dataset(codebook: &Codebook, dataset: &Dataset) {
    let policy = good(Policy::for_dataset(dataset));
    assert_eq!(policy.with_codebook(dataset), Ok(policy.clone()));
    let name = dataset.name();
    let variables = dataset.variables().iter().map(|variable| variable.name());
    let grouped = variables.map(|variable| format!("SELECT {variable}, COUNT(*) FROM {name} GROUP BY {variable}"));
    let measures = dataset.measures().iter().map(|measure| format!("SELECT AVG({}) FROM {name}", measure.name()));
    for sql in grouped.chain(measures).chain([format!("SELECT COUNT(*) FROM {name}")]) {
        check_query(codebook, &good(Query::from_sql(codebook, &sql)));
    }
}

pub(super) fn codebooks() -> Vec<Vec<u8>> {
    [CODEBOOK_TEXT, BUILTIN_TOML].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// `agreement.toml`, read with the samples' codebook.
pub fn agreement(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(agreement) = Agreement::parse(text, &CODEBOOK) else { return false };
    assert_eq!(Agreement::parse(text, &CODEBOOK), Ok(agreement.clone()));
    for (name, terms) in agreement.datasets() {
        let dataset = there(CODEBOOK.dataset(name));
        let policy = good(Policy::for_dataset(dataset));
        let stricter = good(policy.with_terms(dataset, terms));
        assert!(stricter.minimum_frequency() >= policy.minimum_frequency(), "an agreement makes a policy weaker");
        let together = good(policy.with_agreements(dataset, [&agreement]));
        assert_eq!(together, stricter);
    }
    true
}

pub(super) fn agreements() -> Vec<Vec<u8>> {
    let plain = "supplier = \"east\"\nversion = \"2\"\nvalid = { from = \"2024-02-29\", until = \"2024-02-29\" }\n\
                 [[datasets]]\nname = \"d\"\nvariables = [\"year\"]\npurposes = [\"a\", \"b\"]\nqueries_per_day = 1\n";
    [sample::agreement("police"), plain.to_owned()].map(String::into_bytes).to_vec()
}

/// `roster.toml`.
pub fn roster(bytes: &[u8]) -> bool {
    let Some(roster) = text(bytes).and_then(|text| Roster::parse(text).ok()) else { return false };
    let again = good(Roster::parse(&roster.to_toml()));
    assert!(again == roster && again.hash() == roster.hash(), "a roster does not read back");
    let names: Vec<_> = roster.members().iter().map(|member| member.supplier.clone()).collect();
    let scope = good(roster.scope(&names));
    assert!(2 * scope.quorum() > scope.members().len() + scope.collusion(), "two quorums may share colluders alone");
    assert!(scope.least_participants() <= names.len(), "nobody could ever be asked");
    true
}

pub(super) fn rosters() -> Vec<Vec<u8>> {
    let roster = sample::roster();
    let fewer = good(Roster::new(roster.members().to_vec(), Vec::new(), None));
    vec![roster.to_toml().into_bytes(), fewer.to_toml().into_bytes()]
}

/// `trust.toml`, for a federation in which one supplier may collude.
pub fn trust(bytes: &[u8]) -> bool {
    let Some(trust) = text(bytes).and_then(|text| Trust::parse(text, 1).ok()) else { return false };
    assert_eq!(Trust::parse(&trust.to_toml(), 1), Ok(trust.clone()));
    let committee = trust.committee();
    let (witnesses, wanted) = (committee.cosigners().len(), committee.wanted());
    assert!(wanted <= witnesses && 2 * wanted > witnesses + committee.faulty(), "a fork could pass the committee");
    for supplier in sample::suppliers() {
        trust.witness_of(&supplier);
    }
    true
}

pub(super) fn trusts() -> Vec<Vec<u8>> {
    let text = sample::trust().to_toml();
    let two = text.replace("one-person", "two-persons");
    vec![text.into_bytes(), two.into_bytes()]
}

/// A disclosure policy in its canonical bytes.
pub fn policy(bytes: &[u8]) -> bool {
    let Ok(policy) = Policy::from_canonical(bytes) else { return false };
    assert_eq!(policy.canonical_bytes(), bytes, "two documents say the same");
    for dataset in CODEBOOK.datasets() {
        if let Ok(stricter) = policy.with_codebook(dataset) {
            assert_eq!(Policy::from_canonical(&stricter.canonical_bytes()), Ok(stricter));
        }
    }
    true
}

pub(super) fn policies() -> Vec<Vec<u8>> {
    CODEBOOK.datasets().map(|dataset| good(Policy::for_dataset(dataset)).canonical_bytes()).collect()
}
