//! Keys and certificates for a federation on one machine: made where they are missing, never replaced.
//!
//! In a real federation each party makes its own keys on its own machine, and the bureau's authority issues certificates; here one
//! process does it for all of them.

use std::path::Path;

use optelsom_codebook::{SupplierId, Timestamp};
use optelsom_coordinator::authority::{AUTHORITY_CERTIFICATE, Authority};
use optelsom_ledger::entry::ApprovalRule;
use optelsom_ledger::note::{Committee, Cosigner, KeyName, LogVerifier};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster, Trust};
use optelsom_proto::key_file::{new_identity, read_identity};
use optelsom_proto::{PartyName, Role};

use super::{Folder, FolderError, write};

/// How long the certificates are valid, in days.
const VALID_DAYS: u32 = 365;
/// The analyst's key id.
const ANALYST: &str = "analyst-1";
/// The operator's name.
const OPERATOR: &str = "operator-1";
/// The auditor's name.
const AUDITOR: &str = "auditor-1";
/// The log's name.
const LOG: &str = "optelsom.example/sandbox";
/// A signed note takes the log's signature and fifteen more (C2SP signed-note).
const MOST_WITNESSES: usize = 15;

const COORDINATOR_TOML: &str = r#"# The coordinator of this federation.
listen = "127.0.0.1:7443"
codebook = "codebook.toml"
roster = "roster.toml"
credentials = { certificate = "coordinator/coordinator.pem", key = "coordinator/coordinator.key", authority = "authority/authority.pem" }
store = { sqlite = "coordinator/coordinator.sqlite" }
ledger = { key = "coordinator/ledger.key", trust = "trust.toml" }
health = { listen = "127.0.0.1:0" }
"#;

const ANALYST_TOML: &str = r#"# Who asks, and where. Point `optelsom` at this file with --config or OPTELSOM_CONFIG.
coordinator = "127.0.0.1:7443"
certificate = "analyst.pem"
key = "analyst.key"
authority = "../authority/authority.pem"
identity = "identity.key"
purpose = "monitor"
trust = "../trust.toml"
"#;

const AUDITOR_TOML: &str = r#"# Who checks. Point `optelsom audit` at this file with --config or OPTELSOM_CONFIG.
coordinator = "127.0.0.1:7443"
certificate = "auditor.pem"
key = "auditor.key"
authority = "../authority/authority.pem"
trust = "../trust.toml"
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
    issue(&authority, &folder.auditor(), "auditor", &Role::Auditor(PartyName::try_from(AUDITOR)?), now)?;
    for supplier in &suppliers {
        issue(&authority, &folder.supplier(supplier.as_str()), "node", &Role::Node(supplier.clone()), now)?;
    }
    write_missing(&folder.coordinator_configuration(), COORDINATOR_TOML)?;
    write_missing(&folder.analyst_configuration(), ANALYST_TOML)?;
    write_missing(&folder.auditor().join("auditor.toml"), AUDITOR_TOML)?;
    let roster = roster(folder, suppliers.clone())?;
    write(&folder.roster(), &roster.to_toml())?;
    let trust = trust(folder, &suppliers, &roster)?.to_toml();
    write(&folder.trust(), &trust)?;
    // Each operator has accepted it by putting it beside its own configuration.
    for supplier in &suppliers {
        write(&folder.supplier(supplier.as_str()).join("trust.toml"), &trust)?;
    }
    Ok(roster)
}

/// The log's public key, and those of its witnesses: all suppliers, or as many of them as a signed note has room for.
fn trust(folder: &Folder, suppliers: &[SupplierId], roster: &Roster) -> Result<Trust, FolderError> {
    let key = |folder: &Path, name: &str| kept(&folder.join(name)).map(|key| key.public());
    let log = LogVerifier::new(KeyName::try_from(LOG)?, key(&folder.coordinator(), "ledger.key")?);
    let witness = |supplier: &SupplierId| {
        let public = key(&folder.supplier(supplier.as_str()), "witness.key")?;
        Ok(Cosigner::new(KeyName::try_from(format!("{LOG}/{supplier}").as_str())?, public))
    };
    let witnesses = suppliers.iter().take(MOST_WITNESSES).map(witness).collect::<Result<_, FolderError>>()?;
    let committee = Committee::new(witnesses, roster.collusion(), roster.collusion())?;
    Ok(Trust::new(log, committee, ApprovalRule::OnePerson))
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
        // The committee of a long roster has fifteen witnesses all the same; with this, twelve of them suffice.
        Err(_) => (suppliers.len() > 3 * MOST_WITNESSES).then_some(MOST_WITNESSES / 2),
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
    kept(&folder.join("identity.key"))
}

fn kept(path: &Path) -> Result<IdentityKey, FolderError> {
    Ok(if path.is_file() { read_identity(path)? } else { new_identity(path)? })
}
