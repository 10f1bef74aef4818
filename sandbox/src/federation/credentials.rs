//! Keys and certificates for a federation on one machine: made where they are missing, never replaced.
//!
//! In a real federation each party makes its own keys on its own machine, and the bureau's authority issues certificates; here one
//! process does it for all of them.

use std::path::Path;

use optelsom_codebook::{SupplierId, Timestamp};
use optelsom_coordinator::authority::{AUTHORITY_CERTIFICATE, Authority};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster};
use optelsom_proto::key_file::{new_identity, read_identity};
use optelsom_proto::{PartyName, Role};

use super::{Folder, FolderError, write};

/// How long the certificates are valid, in days.
const VALID_DAYS: u32 = 365;
/// The analyst's key id.
const ANALYST: &str = "analyst-1";
/// The operator's name.
const OPERATOR: &str = "operator-1";

const COORDINATOR_TOML: &str = r#"# The coordinator of this federation.
listen = "127.0.0.1:7443"
codebook = "codebook.toml"
roster = "roster.toml"
credentials = { certificate = "coordinator/coordinator.pem", key = "coordinator/coordinator.key", authority = "authority/authority.pem" }
store = { sqlite = "coordinator/coordinator.sqlite" }
health = { listen = "127.0.0.1:0" }
"#;

const ANALYST_TOML: &str = r#"# Who asks, and where. Point `optelsom` at this file with --config or OPTELSOM_CONFIG.
coordinator = "127.0.0.1:7443"
certificate = "analyst.pem"
key = "analyst.key"
authority = "../authority/authority.pem"
identity = "identity.key"
purpose = "monitor"
"#;

/// Adds what a federation needs beyond codebook and suppliers, where it is missing. The roster is made anew from the
/// suppliers' folders; a `collusion` that stands in it is kept.
///
/// # Errors
/// The folder is no federation, too few suppliers are in it, or it cannot be written to.
pub fn prepare(folder: &Folder, now: Timestamp) -> Result<Roster, FolderError> {
    if !folder.codebook().is_file() {
        return Err(FolderError::Missing(folder.codebook()));
    }
    let suppliers = folder.supplier_names()?;
    let authority = authority(&folder.authority(), now)?;
    issue(&authority, &folder.coordinator(), "coordinator", &Role::Coordinator, now)?;
    issue(&authority, &folder.analyst(), "analyst", &Role::Analyst(PartyName::try_from(ANALYST)?), now)?;
    issue(&authority, &folder.operator(), "operator", &Role::Operator(PartyName::try_from(OPERATOR)?), now)?;
    for supplier in &suppliers {
        issue(&authority, &folder.supplier(supplier.as_str()), "node", &Role::Node(supplier.clone()), now)?;
    }
    write_missing(&folder.coordinator_configuration(), COORDINATOR_TOML)?;
    write_missing(&folder.analyst_configuration(), ANALYST_TOML)?;
    let roster = roster(folder, suppliers)?;
    write(&folder.roster(), &roster.to_toml())?;
    Ok(roster)
}

fn authority(folder: &Path, now: Timestamp) -> Result<Authority, FolderError> {
    if !folder.join(AUTHORITY_CERTIFICATE).is_file() {
        Authority::new("authority of a sandbox", now, VALID_DAYS)?.write(folder)?;
    }
    Ok(Authority::read(folder)?)
}

fn issue(authority: &Authority, folder: &Path, name: &str, role: &Role, now: Timestamp) -> Result<(), FolderError> {
    if folder.join(format!("{name}.pem")).is_file() {
        return Ok(());
    }
    let hosts = match role {
        Role::Coordinator => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        _ => Vec::new(),
    };
    Ok(authority.issue(role, &hosts, now, VALID_DAYS)?.write(folder, name)?)
}

fn write_missing(path: &Path, text: &str) -> Result<(), FolderError> {
    if path.is_file() { Ok(()) } else { write(path, text) }
}

fn roster(folder: &Folder, suppliers: Vec<SupplierId>) -> Result<Roster, FolderError> {
    let collusion = match std::fs::read_to_string(folder.roster()) {
        Ok(text) => Some(Roster::parse(&text)?.collusion()),
        Err(_) => None,
    };
    let member = |supplier: SupplierId| {
        let identity = identity(&folder.supplier(supplier.as_str()))?.public();
        Ok(Member { supplier, identity })
    };
    let members = suppliers.into_iter().map(member).collect::<Result<_, FolderError>>()?;
    let requester = Requester { key_id: ANALYST.to_owned(), identity: identity(&folder.analyst())?.public() };
    Ok(Roster::new(members, vec![requester], collusion)?)
}

fn identity(folder: &Path) -> Result<IdentityKey, FolderError> {
    let path = folder.join("identity.key");
    Ok(if path.is_file() { read_identity(&path)? } else { new_identity(&path)? })
}
