//! Single names and figures: whatever is read is written as it was, or at least reads back as the same.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use optelsom_codebook::{
    EditionId, Epsilon, Hash256, QueryId, RefusalReason, SupplierId, Timestamp, format_decimal, parse_decimal,
};
use optelsom_disclosure::Decimal;
use optelsom_ledger::PublicIdentity;
use optelsom_ledger::entry::ReasonCode;
use optelsom_ledger::note::{Cosigner, KeyName, LogVerifier};
use optelsom_ledger::tiles::TilePath;
use optelsom_proto::{PartyName, ProxyAddress, Role, Target};

use super::sample::{cosigners, key, log_key};
use super::text;

/// Reads a text that has a form of its own: no other text reads as the same.
fn one_form<T: Display, E>(bytes: &[u8], read: impl Fn(&str) -> Result<T, E>) -> bool {
    let Some((text, value)) = text(bytes).and_then(|text| Some((text, read(text).ok()?))) else { return false };
    assert_eq!(value.to_string(), text, "is written otherwise than it was read");
    true
}

/// Reads a text of which there may be several that say the same.
fn reads_back<T: FromStr + Display + Debug + PartialEq>(bytes: &[u8]) -> bool {
    let Some(value) = text(bytes).and_then(|text| text.parse::<T>().ok()) else { return false };
    let written = value.to_string();
    assert_eq!(written.parse::<T>().ok(), Some(value), "`{written}` does not read back");
    true
}

fn texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Vec<Vec<u8>> {
    texts.into_iter().map(|text| text.as_ref().to_vec()).collect()
}

/// The name of a supplier.
pub fn supplier_id(bytes: &[u8]) -> bool {
    one_form(bytes, SupplierId::from_str)
}

pub(super) fn supplier_ids() -> Vec<Vec<u8>> {
    texts(["police", "labour-inspectorate", "0"])
}

/// The name of an edition, which is that of a folder, too.
pub fn edition_id(bytes: &[u8]) -> bool {
    let read = one_form(bytes, EditionId::from_str);
    let leads_out = text(bytes).is_some_and(|text| text.contains(['/', '.', '\0']));
    assert!(!(read && leads_out), "the name of an edition leads out of its folder");
    read
}

pub(super) fn edition_ids() -> Vec<Vec<u8>> {
    texts(["2024-12", "A", "2024-12-31T235959Z"])
}

/// A digest as people write it: the name of a query, of a document.
pub fn digest(bytes: &[u8]) -> bool {
    assert_eq!(reads_back::<Hash256>(bytes), reads_back::<QueryId>(bytes), "digests are of one form");
    reads_back::<Hash256>(bytes)
}

pub(super) fn digests() -> Vec<Vec<u8>> {
    texts([Hash256::of(b"a").to_string(), Hash256::of(b"a").to_string().to_uppercase()])
}

/// A moment in RFC 3339.
pub fn moment(bytes: &[u8]) -> bool {
    reads_back::<Timestamp>(bytes)
}

pub(super) fn moments() -> Vec<Vec<u8>> {
    texts(["2024-12-31T23:59:59Z", "1970-01-01T00:00:00.001+00:00", "9999-12-30T22:00:00Z"])
}

/// The ε of a question.
pub fn epsilon(bytes: &[u8]) -> bool {
    reads_back::<Epsilon>(bytes)
}

pub(super) fn epsilons() -> Vec<Vec<u8>> {
    texts(["0.001", "10", "0.50"])
}

/// A figure of a release, and one of a measure.
pub fn decimal(bytes: &[u8]) -> bool {
    for decimals in 0..=6 {
        if let Some(value) = text(bytes).and_then(|text| parse_decimal(text, decimals).ok()) {
            assert_eq!(parse_decimal(&format_decimal(value, decimals), decimals), Ok(value));
        }
    }
    reads_back::<Decimal>(bytes)
}

pub(super) fn decimals() -> Vec<Vec<u8>> {
    texts(["0", "-12.50", "9223372036854775807", "-0.000000000000000001"])
}

/// The role in a certificate.
pub fn role(bytes: &[u8]) -> bool {
    one_form(bytes, Role::from_str)
}

pub(super) fn roles() -> Vec<Vec<u8>> {
    let roles = ["node:police", "analyst:analyst-1", "operator:duty", "auditor:dpa", "coordinator"];
    texts(roles.map(|role| format!("optelsom:{role}")))
}

/// The name of an analyst or an operator.
pub fn party_name(bytes: &[u8]) -> bool {
    one_form(bytes, |text| PartyName::try_from(text))
}

pub(super) fn party_names() -> Vec<Vec<u8>> {
    texts(["analyst-1", "duty"])
}

/// Why something happened, as the log says it, and as a node does.
pub fn reason(bytes: &[u8]) -> bool {
    if let Some(reason) = text(bytes).and_then(|text| text.parse::<RefusalReason>().ok()) {
        assert_eq!(reason.code().as_bytes(), bytes);
        assert!(ReasonCode::try_from(reason.code()).is_ok(), "a node's reason cannot be logged");
    }
    one_form(bytes, |text| ReasonCode::try_from(text))
}

pub(super) fn reasons() -> Vec<Vec<u8>> {
    texts(RefusalReason::ALL.iter().map(|reason| reason.code()))
}

/// The name of a key of log or witness.
pub fn key_name(bytes: &[u8]) -> bool {
    one_form(bytes, |text| KeyName::try_from(text))
}

pub(super) fn key_names() -> Vec<Vec<u8>> {
    texts(["optelsom.example/bureau/police", "é"])
}

/// What a log's checkpoints are checked with.
pub fn log_verifier(bytes: &[u8]) -> bool {
    one_form(bytes, LogVerifier::from_str)
}

pub(super) fn log_verifiers() -> Vec<Vec<u8>> {
    texts([log_key().verifier().to_string()])
}

/// What a witness's cosignatures are checked with.
pub fn cosigner(bytes: &[u8]) -> bool {
    one_form(bytes, Cosigner::from_str)
}

pub(super) fn cosigner_keys() -> Vec<Vec<u8>> {
    texts(cosigners().iter().map(|key| key.verifier().to_string()))
}

/// The public key of a supplier or a person.
pub fn public_identity(bytes: &[u8]) -> bool {
    let read = |text: &str| PublicIdentity::try_from(text.to_owned());
    let Some(identity) = text(bytes).and_then(|text| read(text).ok()) else { return false };
    assert_eq!(read(&identity.to_string()), Ok(identity));
    assert_eq!(PublicIdentity::from_bytes(*identity.as_bytes()), Ok(identity));
    true
}

pub(super) fn public_identities() -> Vec<Vec<u8>> {
    texts([key(1).public().to_string(), format!(" {}\n", key(2).public())])
}

/// Where a tile lies.
pub fn tile_path(bytes: &[u8]) -> bool {
    one_form(bytes, TilePath::from_str)
}

pub(super) fn tile_paths() -> Vec<Vec<u8>> {
    texts(["tile/0/x001/067", "tile/entries/000.p/5", "tile/5/000"])
}

/// Where coordinator and proxy are.
pub fn address(bytes: &[u8]) -> bool {
    let Some(address) = text(bytes) else { return false };
    if let Ok(target) = Target::new(address, None, None) {
        assert!(Target::new(target.address(), None, None).is_ok(), "`{}` is no address", target.address());
    }
    reads_back::<ProxyAddress>(bytes)
}

pub(super) fn addresses() -> Vec<Vec<u8>> {
    texts(["coordinator.example.nl:8443", "http://proxy:3128/", "[::1]:443", "127.0.0.1:1"])
}
