//! A coordinator in this process, with credentials for everybody, and nodes that speak the wire but count nothing.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod node;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use optelsom_codebook::{Codebook, Hash256, Query, SupplierId, Timestamp};
use optelsom_coordinator::configuration::{
    Configuration, CredentialFiles, Health, LedgerFiles, Limits, Round, StoreLocation,
};
use optelsom_coordinator::{Authority, Running, clock, create_log, start};
use optelsom_disclosure::{Policy, Release};
use optelsom_ledger::entry::ApprovalRule;
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogVerifier};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, Trust};
use optelsom_proto::dial::Connection;
use optelsom_proto::key_file::{write_identity, write_secret};
use optelsom_proto::v1::query_event::Event;
use optelsom_proto::wire::Asked;
use optelsom_proto::{Credentials, Role, Target, dial, v1};
use tempfile::TempDir;
use tonic::Streaming;

pub const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.year]
years = [2020, 2022]
[lists.sex]
codes = [ { code = "F", nl = "vrouw", en = "female" }, { code = "M", nl = "man", en = "male" } ]
[datasets.victims]
unit = "report"
label = { nl = "Slachtoffers", en = "Victims" }
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.victims.variables.year]
list = "year"
label = { nl = "jaar", en = "year" }
[datasets.victims.variables.sex]
list = "sex"
label = { nl = "geslacht", en = "sex" }
[datasets.suspects]
unit = "person"
label = { nl = "Verdachten", en = "Suspects" }
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.suspects.variables.year]
list = "year"
label = { nl = "jaar", en = "year" }
"#;

pub const SUPPLIERS: [&str; 4] = ["border", "labour", "police", "shelters"];
pub const EDITION: &str = "2022-12";

pub fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

/// Identity keys are as fixed as the names: nothing here is secret.
pub fn identity(name: &str) -> IdentityKey {
    IdentityKey::from_seed(Hash256::of(name.as_bytes()).as_bytes())
}

pub fn roster() -> Roster {
    let members = SUPPLIERS.map(|name| Member { supplier: supplier(name), identity: identity(name).public() });
    let requesters =
        ["analyst-1", "analyst-2"].map(|name| Requester { key_id: name.to_owned(), identity: identity(name).public() });
    Roster::new(members.to_vec(), requesters.to_vec(), Some(1)).unwrap()
}

fn key_name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

/// The key that a supplier's node witnesses the log with.
pub fn witness(name: &str) -> CosignerKey {
    CosignerKey::new(key_name(&format!("test/log/{name}")), identity(&format!("witness of {name}")))
}

/// All suppliers witness the log, and one of them may lie.
pub fn trust() -> Trust {
    let cosigners = SUPPLIERS.map(|name| witness(name).verifier().clone());
    let committee = Committee::new(cosigners.to_vec(), 1, 1).unwrap();
    Trust::new(LogVerifier::new(key_name("test/log"), identity("ledger").public()), committee, ApprovalRule::OnePerson)
}

/// Everything but the coordinator itself, which may come and go.
pub struct Federation {
    pub folder: TempDir,
    pub authority: Authority,
    pub codebook: Codebook,
    pub roster: Roster,
    pub configuration: Configuration,
    begun: AtomicBool,
}

impl Federation {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("test authority", clock::now(), 30).unwrap();
        authority.write(folder.path()).unwrap();
        std::fs::write(folder.path().join("codebook.toml"), CODEBOOK).unwrap();
        std::fs::write(folder.path().join("roster.toml"), roster().to_toml()).unwrap();
        std::fs::write(folder.path().join("trust.toml"), trust().to_toml()).unwrap();
        write_identity(&folder.path().join("ledger.key"), Hash256::of(b"ledger").as_bytes()).unwrap();
        let configuration = Configuration {
            listen: "127.0.0.1:0".parse().unwrap(),
            codebook: folder.path().join("codebook.toml"),
            roster: folder.path().join("roster.toml"),
            credentials: CredentialFiles {
                certificate: folder.path().join("coordinator.pem"),
                key: folder.path().join("coordinator.key"),
                authority: folder.path().join("authority.pem"),
            },
            store: StoreLocation::Sqlite(folder.path().join("coordinator.sqlite")),
            ledger: LedgerFiles {
                key: folder.path().join("ledger.key"),
                trust: folder.path().join("trust.toml"),
                publish: None,
            },
            health: Some(Health { listen: "127.0.0.1:0".parse().unwrap() }),
            limits: Limits::default(),
            round: Round { phase_timeout_ms: 10_000, resend_ms: 200 },
            minimum_frequency: BTreeMap::new(),
        };
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        authority
            .issue(&Role::Coordinator, &hosts, clock::now(), 5)
            .unwrap()
            .write(folder.path(), "coordinator")
            .unwrap();
        let (codebook, begun) = (Codebook::parse(CODEBOOK).unwrap(), AtomicBool::new(false));
        Self { folder, authority, codebook, roster: roster(), configuration, begun }
    }

    /// Keeps everything in this database instead.
    pub fn store_at(&mut self, url: &str) {
        self.configuration.store = url_file(self.path(), url);
    }

    /// Begins the log, unless it was begun.
    pub async fn begin(&self) {
        if !self.begun.swap(true, Ordering::SeqCst) {
            create_log(&self.configuration).await.unwrap();
        }
    }

    pub async fn start(&self) -> Running {
        self.begin().await;
        start(self.configuration.clone()).await.unwrap()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Credentials of this role, valid around now.
    pub fn credentials(&self, role: &str) -> Credentials {
        self.credentials_from(&self.authority, role, clock::now(), 5)
    }

    pub fn credentials_from(&self, authority: &Authority, role: &str, from: Timestamp, days: u32) -> Credentials {
        let folder = TempDir::new_in(self.path()).unwrap().keep();
        let role: Role = role.parse().unwrap();
        let hosts = if role == Role::Coordinator { vec!["localhost".to_owned()] } else { Vec::new() };
        authority.issue(&role, &hosts, from, days).unwrap().write(&folder, "party").unwrap();
        let at = |name: &str| -> PathBuf { folder.join(name) };
        Credentials::read(&at("party.pem"), &at("party.key"), &self.path().join("authority.pem")).unwrap()
    }

    pub async fn connect(&self, running: &Running, role: &str) -> Connection {
        dial(&self.credentials(role), &target(running)).await.unwrap()
    }

    pub async fn announce(&self, running: &Running) {
        let channel = self.connect(running, "optelsom:operator:duty").await.channel;
        let mut bureau = v1::bureau_service_client::BureauServiceClient::new(channel);
        for dataset in ["victims", "suspects"] {
            let request = v1::AnnounceEditionRequest { dataset: dataset.to_owned(), edition: EDITION.to_owned() };
            bureau.announce_edition(request).await.unwrap();
        }
    }

    /// A question of analyst-1 about all suppliers.
    pub fn question(&self, sql: &str, nonce: u8) -> Asked {
        self.question_with(sql, nonce, |_| {})
    }

    pub fn question_with(&self, sql: &str, nonce: u8, change: impl FnOnce(&mut QueryEntry)) -> Asked {
        let query = Query::from_sql(&self.codebook, sql).unwrap();
        let dataset = query.dataset().name().to_owned();
        let now = clock::now();
        let document = query.canonical_bytes();
        let mut entry = QueryEntry {
            query: Hash256::of(&document),
            edition: EDITION.parse().unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: self.codebook.hash(),
            roster: self.roster.hash(),
            disclosure_policy: Policy::for_dataset(query.dataset()).unwrap().hash(),
            scope: SUPPLIERS.map(supplier).to_vec(),
            collusion: 1,
            min_suppliers: 4,
            asked_at: now,
            expires_at: now + Duration::from_secs(300),
            nonce: [nonce; 16],
            dataset,
        };
        change(&mut entry);
        let signer = identity(&entry.requester);
        Asked::new(entry.sign(&signer), document).unwrap()
    }

    pub async fn analyst(&self, running: &Running) -> Analyst {
        let channel = self.connect(running, "optelsom:analyst:analyst-1").await.channel;
        v1::analyst_service_client::AnalystServiceClient::new(channel)
    }
}

pub type Analyst = v1::analyst_service_client::AnalystServiceClient<tonic::transport::Channel>;

pub fn target(running: &Running) -> Target {
    Target::new(&running.address().to_string(), Some("localhost"), None).unwrap()
}

/// A PostgreSQL store, by a file with its URL.
pub fn url_file(folder: &Path, url: &str) -> StoreLocation {
    let path = folder.join("url");
    write_secret(&path, url.as_bytes()).unwrap();
    StoreLocation::PostgresqlUrlFile(path)
}

/// How a followed query ended.
#[derive(Debug)]
pub struct End {
    pub outcome: v1::Outcome,
    pub reason: String,
    pub release: Option<Release>,
}

/// Follows a query to its end.
pub async fn follow(events: &mut Streaming<v1::QueryEvent>) -> Result<End, tonic::Status> {
    let mut release = Vec::new();
    while let Some(event) = events.message().await? {
        match event.event.unwrap() {
            Event::Accepted(_) | Event::Progress(_) => {}
            Event::Release(part) => release.extend(part),
            Event::End(end) => {
                let release = if release.is_empty() { None } else { Some(Release::from_json(&release).unwrap()) };
                return Ok(End { outcome: end.outcome(), reason: end.reason, release });
            }
        }
    }
    panic!("the stream ended before the query did");
}
