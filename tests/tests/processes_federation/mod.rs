//! A federation of real processes in a temporary folder: coordinator and nodes, each to be killed and started again.
// Each of the tests that share it uses a part.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod door;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use door::Door;

use optelsom_codebook::{Codebook, Hash256, Query, SupplierId};
use optelsom_coordinator::{Authority, clock};
use optelsom_disclosure::Policy;
use optelsom_ledger::entry::ApprovalRule;
use optelsom_ledger::note::{Committee, Cosigner, KeyName, LogVerifier};
use optelsom_ledger::{Member, QueryEntry, Requester, Roster, Trust};
use optelsom_proto::key_file::write_identity;
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::bureau_service_client::BureauServiceClient;
use optelsom_proto::v1::ledger_service_client::LedgerServiceClient;
use optelsom_proto::wire::Asked;
use optelsom_proto::{Credentials, Role, Target, dial, v1};
use optelsom_tests::daemons::{CODEBOOK, EDITION, agreement_toml, binary, identity, node_toml, seed, witness_name};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::Channel;

pub const SUPPLIERS: [&str; 5] = ["border", "labour", "police", "shelters", "youth"];
const COORDINATOR: &str = "coordinator";
const COORDINATOR_TOML: &str = r#"
listen = "127.0.0.1:0"
codebook = "codebook.toml"
roster = "roster.toml"
credentials = { certificate = "coordinator.pem", key = "coordinator.key", authority = "authority.pem" }
store = { sqlite = "coordinator.sqlite" }
ledger = { key = "ledger.key", trust = "trust.toml" }
round = { phase_timeout_ms = 20000, resend_ms = 200 }
"#;
/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often a process is asked for what it tells only when asked.
pub const ASK_AGAIN: Duration = Duration::from_millis(20);

/// All suppliers witness the log, and one of them may lie.
pub fn trust() -> Trust {
    let name = |text: &str| KeyName::try_from(text).unwrap();
    let cosigner =
        |supplier| Cosigner::new(name(&format!("test/log/{supplier}")), identity(&witness_name(supplier)).public());
    let committee = Committee::new(SUPPLIERS.map(cosigner).to_vec(), 1, 1).unwrap();
    Trust::new(LogVerifier::new(name("test/log"), identity("ledger").public()), committee, ApprovalRule::OnePerson)
}

/// The federation, with those of its processes that run.
pub struct Federation {
    folder: TempDir,
    door: Door,
    codebook: Codebook,
    roster: Roster,
    processes: BTreeMap<String, Process>,
}

/// A process, and the word that it is gone.
struct Process {
    child: Child,
    gone: oneshot::Receiver<()>,
}

impl Federation {
    /// Writes everything and starts all processes.
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let member = |name| Member { supplier: SupplierId::try_from(name).unwrap(), identity: identity(name).public() };
        let requester = Requester { key_id: "analyst-1".to_owned(), identity: identity("analyst-1").public() };
        let roster = Roster::new(SUPPLIERS.map(member).to_vec(), vec![requester], Some(1)).unwrap();
        let codebook = Codebook::parse(CODEBOOK).unwrap();
        let mut federation = Self { folder, door: Door::open(), codebook, roster, processes: BTreeMap::new() };
        federation.write();
        let created = Command::new(binary("optelsom-coordinator"))
            .args(["create-log", "--config"])
            .arg(federation.path("coordinator.toml"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(created.success());
        for name in [COORDINATOR].into_iter().chain(SUPPLIERS) {
            federation.spawn(name);
        }
        federation
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self) {
        let authority = Authority::new("test authority", clock::now(), 2).unwrap();
        authority.write(self.folder.path()).unwrap();
        let host = ["127.0.0.1".to_owned()];
        let issue = |role: &str, hosts: &[String], name: &str| {
            let role: Role = role.parse().unwrap();
            authority.issue(&role, hosts, clock::now(), 1).unwrap().write(self.folder.path(), name).unwrap();
        };
        issue("optelsom:coordinator", &host, COORDINATOR);
        issue("optelsom:operator:duty", &[], "duty");
        issue("optelsom:analyst:analyst-1", &[], "analyst-1");
        fs::write(self.path("codebook.toml"), CODEBOOK).unwrap();
        fs::write(self.path("roster.toml"), self.roster.to_toml()).unwrap();
        fs::write(self.path("coordinator.toml"), COORDINATOR_TOML).unwrap();
        fs::write(self.path("trust.toml"), trust().to_toml()).unwrap();
        write_identity(&self.path("ledger.key"), &seed("ledger")).unwrap();
        for (number, name) in SUPPLIERS.into_iter().enumerate() {
            issue(&format!("optelsom:node:{name}"), &[], name);
            write_identity(&self.path(&format!("{name}.identity")), &seed(name)).unwrap();
            write_identity(&self.path(&format!("{name}.witness")), &seed(&witness_name(name))).unwrap();
            fs::write(self.path(&format!("{name}.csv")), records(number)).unwrap();
            fs::write(self.path(&format!("{name}.agreement.toml")), agreement_toml(name)).unwrap();
            fs::write(self.path(&format!("{name}.toml")), node_toml(name, self.door.port())).unwrap();
        }
    }

    pub fn spawn(&mut self, name: &str) {
        let log = File::options().create(true).append(true).open(self.path(&format!("{name}.log"))).unwrap();
        let mut command = if name == COORDINATOR {
            let mut command = Command::new(binary("optelsom-coordinator"));
            command.arg("run").arg("--config").arg(self.path("coordinator.toml"));
            command
        } else {
            let mut command = Command::new(binary("optelsom-node"));
            command.arg("--configuration").arg(self.path(&format!("{name}.toml"))).arg("run");
            command
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let gone = self.listen(child.stdout.take().unwrap());
        self.processes.insert(name.to_owned(), Process { child, gone });
    }

    /// Hears where a process listens, and when it is gone.
    fn listen(&self, said: ChildStdout) -> oneshot::Receiver<()> {
        let (end, gone) = oneshot::channel();
        let behind = self.door.leads_to();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ") {
                    behind.send_replace(Some(address.parse().unwrap()));
                }
            }
            let _ = end.send(());
        });
        gone
    }

    /// kill -9.
    pub fn kill(&mut self, name: &str) {
        let mut child = self.removed(name).child;
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn removed(&mut self, name: &str) -> Process {
        if name == COORDINATOR {
            self.door.leads_nowhere();
        }
        self.processes.remove(name).unwrap()
    }

    /// kill -9, and a fresh process in its place.
    pub fn kill_and_restart(&mut self, name: &str) {
        self.kill(name);
        self.spawn(name);
    }

    /// Waits until a process has ended of itself.
    pub async fn ended(&mut self, name: &str) -> ExitStatus {
        let gone = &mut self.processes.get_mut(name).unwrap().gone;
        if tokio::time::timeout(PATIENCE, gone).await.is_err() {
            panic!("{name} goes on\n{}", self.logs());
        }
        self.removed(name).child.wait().unwrap()
    }

    /// Where the coordinator is dialled.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.door.port())
    }

    /// All logs, for the one who looks into a failure.
    pub fn logs(&self) -> String {
        let log = |name: &str| {
            let text = fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<_> = text.lines().rev().take(40).collect();
            format!("--- {name}\n{}\n", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        [COORDINATOR].into_iter().chain(SUPPLIERS).map(log).collect()
    }

    async fn channel(&self, party: &str) -> Option<Channel> {
        let at = |suffix: &str| self.path(&format!("{party}.{suffix}"));
        let credentials = Credentials::read(&at("pem"), &at("key"), &self.path("authority.pem")).unwrap();
        let target = Target::new(&self.address(), None, None).unwrap();
        dial(&credentials, &target).await.ok().map(|connection| connection.channel)
    }

    /// Tries until it succeeds: the coordinator may be killed while it is dialled. Where there is none, dialling waits for one.
    async fn connected(&self, party: &str) -> Channel {
        let begin = Instant::now();
        loop {
            if let Some(channel) = self.channel(party).await {
                return channel;
            }
            assert!(begin.elapsed() < PATIENCE, "the coordinator cannot be reached\n{}", self.logs());
        }
    }

    pub async fn ledger(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.connected("analyst-1").await)
    }

    pub async fn analyst(&self) -> AnalystServiceClient<Channel> {
        AnalystServiceClient::new(self.connected("analyst-1").await)
    }

    /// Announces the edition, and asks until every node has frozen it: nobody else is told of that.
    pub async fn announce(&self) {
        let mut bureau = BureauServiceClient::new(self.connected("duty").await);
        let request = v1::AnnounceEditionRequest { dataset: "victims".to_owned(), edition: EDITION.to_owned() };
        bureau.announce_edition(request).await.unwrap();
        let begin = Instant::now();
        loop {
            let status = bureau.status(v1::StatusRequest {}).await.unwrap().into_inner();
            let frozen = |node: &v1::NodeStatus| node.holdings.iter().any(|h| h.editions.iter().any(|e| e == EDITION));
            if status.nodes.iter().filter(|node| frozen(node)).count() == SUPPLIERS.len() {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "not all nodes have frozen the edition\n{}", self.logs());
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// A signed question about all suppliers; the nonce tells them apart.
    pub fn question(&self, sql: &str, nonce: u8) -> Asked {
        let query = Query::from_sql(&self.codebook, sql).unwrap().with_edition(EDITION.parse().unwrap());
        let document = query.canonical_bytes();
        let entry = QueryEntry {
            query: Hash256::of(&document),
            dataset: "victims".to_owned(),
            edition: EDITION.parse().unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: self.codebook.hash(),
            roster: self.roster.hash(),
            disclosure_policy: Policy::for_dataset(query.dataset()).unwrap().hash(),
            scope: SUPPLIERS.map(|name| SupplierId::try_from(name).unwrap()).to_vec(),
            collusion: 1,
            min_suppliers: 5,
            asked_at: clock::now(),
            expires_at: clock::now() + Duration::from_secs(600),
            nonce: [nonce; 16],
        };
        Asked::new(entry.sign(&identity("analyst-1")), document).unwrap()
    }

    /// Writes `analyst.toml` beside the other files, for `optelsom --config`.
    pub fn write_analyst(&self) {
        let text = format!(
            r#"
coordinator = "{}"
certificate = "analyst-1.pem"
key = "analyst-1.key"
identity = "analyst-1.identity"
authority = "authority.pem"
trust = "trust.toml"
purpose = "monitor"
"#,
            self.address()
        );
        fs::write(self.path("analyst.toml"), text).unwrap();
        write_identity(&self.path("analyst-1.identity"), &seed("analyst-1")).unwrap();
    }

    /// The folder, to look at what processes have left.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Federation {
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

/// Supplier `number` has 10 + number reports of women and 5 of men, all of 2021.
fn records(number: usize) -> String {
    let women = "2021,F\n".repeat(10 + number);
    format!("year,sex\n{women}{}", "2021,M\n".repeat(5))
}

/// What the records of all suppliers come to: women, men.
pub fn truth() -> [String; 2] {
    let women: usize = (0..SUPPLIERS.len()).map(|number| 10 + number).sum();
    [women.to_string(), (5 * SUPPLIERS.len()).to_string()]
}

/// Runs a program in a folder to its end.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(binary(program)).current_dir(folder).args(arguments).output().unwrap()
}

/// All that it has said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What it has said, if it has ended with this code.
pub fn ends_with(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    said(output)
}
