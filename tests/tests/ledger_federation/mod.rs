//! Real node daemons in this process, before a coordinator that does as the test says: it may cheat.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod log;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use optelsom_codebook::{Codebook, Hash256, Query, QueryId, SupplierId, Timestamp};
use optelsom_coordinator::Authority;
use optelsom_disclosure::Policy;
use optelsom_ledger::entry::{Approval, ApprovalRule};
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogKey};
use optelsom_ledger::{Member, QueryEntry, Requester, Roster, Trust};
use optelsom_node::configuration::Configuration;
use optelsom_node::daemon::store::Store;
use optelsom_node::daemon::{Running, Settings, StartError, clock, reconcile, start};
use optelsom_proto::key_file::write_identity;
use optelsom_proto::listen::{Peer, incoming};
use optelsom_proto::v1::answer::Answer;
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::v1::node_service_server::{NodeService, NodeServiceServer};
use optelsom_proto::wire::{Asked, Documents, Evidence, request};
use optelsom_proto::{Credentials, Role, SOFTWARE, v1};
use optelsom_secagg::messages::CoordinatorMessage;
pub use optelsom_tests::daemons::{CODEBOOK, EDITION, identity};
use optelsom_tests::daemons::{agreement_toml, node_toml, seed, witness_name};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

pub const SUPPLIERS: [&str; 4] = ["border", "labour", "police", "shelters"];
/// The supplier whose agreement is stricter than the codebook.
pub const STRICT: &str = "labour";
pub const MINIMUM_FREQUENCY: u64 = 3;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// By which every table would be protected, unless a test says otherwise: as strict as the strictest agreement.
pub fn policy() -> Policy {
    Policy::new("victims", MINIMUM_FREQUENCY).unwrap().with(3, None, Some(5)).unwrap()
}

pub fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

fn key_name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

/// The key with which this supplier's node witnesses the log. That the tests hold it too makes it easy to lie.
pub fn witness(name: &str) -> CosignerKey {
    CosignerKey::new(key_name(&format!("test/log/{name}")), identity(&witness_name(name)))
}

pub fn log_key() -> LogKey {
    LogKey::new(key_name("test/log"), identity("ledger"))
}

/// A roster of these suppliers, with two who may ask.
pub fn roster(suppliers: &[&str]) -> Roster {
    let member = |name: &&str| Member { supplier: supplier(name), identity: identity(name).public() };
    let requester = |name: &str| Requester { key_id: name.to_owned(), identity: identity(name).public() };
    let requesters = vec![requester("analyst-1"), requester("analyst-2")];
    Roster::new(suppliers.iter().map(member).collect(), requesters, Some(1)).unwrap()
}

/// All suppliers witness the log, of whom one may lie: three cosignatures are wanted.
fn trust(rule: ApprovalRule) -> Trust {
    let cosigners = SUPPLIERS.map(|name| witness(name).verifier().clone());
    let committee = Committee::new(cosigners.to_vec(), 1, 1).unwrap();
    Trust::new(log_key().verifier().clone(), committee, rule)
}

/// Everything that the nodes read, and the coordinator that they dial.
pub struct World {
    folder: TempDir,
    address: SocketAddr,
    pub codebook: Codebook,
    pub roster: Roster,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    stop: CancellationToken,
}

/// A node that dials in.
struct Arrival {
    supplier: SupplierId,
    down: mpsc::Sender<Result<v1::CoordinatorMessage, Status>>,
    up: Streaming<v1::NodeMessage>,
}

struct Server(mpsc::UnboundedSender<Arrival>);

#[tonic::async_trait]
impl NodeService for Server {
    type AttendStream = Pin<Box<dyn Stream<Item = Result<v1::CoordinatorMessage, Status>> + Send>>;

    async fn attend(
        &self,
        request: Request<Streaming<v1::NodeMessage>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let Role::Node(supplier) = request.extensions().get::<Peer>().unwrap().role.clone() else { panic!("no node") };
        let (down, receiver) = mpsc::channel(64);
        let _ = self.0.send(Arrival { supplier, down, up: request.into_inner() });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn submit(&self, request: Request<Streaming<v1::TablePart>>) -> Result<Response<v1::SubmitReply>, Status> {
        let mut parts = request.into_inner();
        while parts.message().await?.is_some() {}
        Ok(Response::new(v1::SubmitReply { words: 0 }))
    }
}

impl World {
    pub async fn new(rule: ApprovalRule) -> Self {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        let authority = Authority::new("test authority", clock::now(), 2).unwrap();
        authority.write(folder.path()).unwrap();
        let issue = |role: &str, hosts: &[String], name: &str| {
            let role: Role = role.parse().unwrap();
            authority.issue(&role, hosts, clock::now(), 1).unwrap().write(folder.path(), name).unwrap();
        };
        issue("optelsom:coordinator", &["127.0.0.1".to_owned()], "coordinator");
        let roster = roster(&SUPPLIERS);
        fs::write(at("codebook.toml"), CODEBOOK).unwrap();
        fs::write(at("roster.toml"), roster.to_toml()).unwrap();
        fs::write(at("trust.toml"), trust(rule).to_toml()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for name in SUPPLIERS {
            issue(&format!("optelsom:node:{name}"), &[], name);
            write_identity(&at(&format!("{name}.identity")), &seed(name)).unwrap();
            write_identity(&at(&format!("{name}.witness")), &seed(&witness_name(name))).unwrap();
            fs::write(at(&format!("{name}.csv")), "year,sex\n2021,F\n2021,F\n2021,M\n").unwrap();
            fs::write(at(&format!("{name}.agreement.toml")), agreement(name)).unwrap();
            fs::write(at(&format!("{name}.toml")), node_toml(name, address.port())).unwrap();
        }
        let credentials =
            Credentials::read(&at("coordinator.pem"), &at("coordinator.key"), &at("authority.pem")).unwrap();
        let (sender, arrivals) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let connections = incoming(listener, credentials.server_config().unwrap(), stop.clone());
        let router = tonic::transport::Server::builder().add_service(NodeServiceServer::new(Server(sender)));
        tokio::spawn(router.serve_with_incoming(connections));
        Self { folder, address, codebook: Codebook::parse(CODEBOOK).unwrap(), roster, arrivals, stop }
    }

    /// Starts the real daemon of this supplier, and waits until it has frozen the edition.
    pub async fn node(&mut self, name: &str) -> Node {
        let running = self.start(name).await.unwrap();
        let state = self.folder.path().join(format!("{name}.state"));
        let mut node = Node { name: name.to_owned(), running: Some(running), state, link: self.arrival(name).await };
        node.welcome(self).await;
        node
    }

    /// Starts the real daemon of this supplier.
    pub async fn start(&self, name: &str) -> Result<Running, StartError> {
        let path = self.folder.path().join(format!("{name}.toml"));
        start(Settings::load(Configuration::load(&path, &|_| None).unwrap()).unwrap()).await
    }

    /// An operator's word that a node's store that was put back is to be gone on with.
    pub async fn reconcile(&self, name: &str) {
        let path = self.folder.path().join(format!("{name}.toml"));
        let configuration = Configuration::load(&path, &|_| None).unwrap();
        let store = Store::open(configuration.state()).await.unwrap();
        reconcile(&store, configuration.incarnation()).await.unwrap();
    }

    /// The node's state folder, and the file beside it that backups leave out.
    pub fn state(&self, name: &str) -> (PathBuf, PathBuf) {
        let at = |suffix: &str| self.folder.path().join(format!("{name}.{suffix}"));
        (at("state"), at("incarnation"))
    }

    async fn arrival(&mut self, name: &str) -> Link {
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await.unwrap().unwrap();
        assert_eq!(arrival.supplier.as_str(), name);
        Link { down: arrival.down, up: arrival.up, seen: Vec::new() }
    }

    /// A signed question about all suppliers; the nonce tells them apart.
    pub fn question(&self, nonce: u8) -> Asked {
        self.question_with(nonce, |_| {})
    }

    pub fn question_with(&self, nonce: u8, change: impl FnOnce(&mut QueryEntry)) -> Asked {
        let sql = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";
        let query = Query::from_sql(&self.codebook, sql).unwrap().with_edition(EDITION.parse().unwrap());
        let document = query.canonical_bytes();
        let mut entry = QueryEntry {
            query: Hash256::of(&document),
            dataset: "victims".to_owned(),
            edition: EDITION.parse().unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: self.codebook.hash(),
            roster: self.roster.hash(),
            disclosure_policy: policy().hash(),
            scope: SUPPLIERS.map(supplier).to_vec(),
            collusion: 1,
            min_suppliers: 4,
            asked_at: clock::now(),
            expires_at: clock::now() + Duration::from_secs(600),
            nonce: [nonce; 16],
        };
        change(&mut entry);
        Asked::new(entry.sign(&identity("analyst-1")), document).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One connection of a node, from the coordinator's end.
pub struct Link {
    down: mpsc::Sender<Result<v1::CoordinatorMessage, Status>>,
    up: Streaming<v1::NodeMessage>,
    /// All that has come, in order.
    pub seen: Vec<Up>,
}

impl Link {
    pub async fn send(&self, message: Down) {
        self.down.send(Ok(v1::CoordinatorMessage { message: Some(message) })).await.unwrap();
    }

    /// Reads until something is picked; the rest is kept in `seen`.
    pub async fn until<T>(&mut self, what: &str, pick: impl Fn(&Up) -> Option<T>) -> T {
        loop {
            let read = tokio::time::timeout(PATIENCE, self.up.message()).await;
            let read = read.unwrap_or_else(|_| panic!("{what} has not come; what has: {:?}", self.seen));
            let message = read.unwrap().unwrap_or_else(|| panic!("the node has gone before {what}")).message.unwrap();
            let picked = pick(&message);
            self.seen.push(message);
            if let Some(picked) = picked {
                return picked;
            }
        }
    }
}

/// A node daemon with its connection.
pub struct Node {
    pub name: String,
    running: Option<Running>,
    state: PathBuf,
    pub link: Link,
}

fn ready(message: &Up) -> Option<()> {
    matches!(message, Up::Answer(v1::Answer { answer: Some(Answer::Ready(_)), .. })).then_some(())
}

fn refused(message: &Up) -> Option<String> {
    match message {
        Up::Answer(v1::Answer { answer: Some(Answer::Refused(refused)), .. }) => Some(refused.reason.clone()),
        _ => None,
    }
}

fn state(message: &Up) -> Option<v1::LedgerState> {
    if let Up::LedgerState(state) = message { Some(state.clone()) } else { None }
}

impl Node {
    async fn welcome(&mut self, world: &World) {
        let edition = v1::Edition {
            dataset: "victims".to_owned(),
            edition: EDITION.to_owned(),
            announced_at: clock::now().as_millis(),
        };
        let welcome = v1::Welcome {
            software: SOFTWARE.to_owned(),
            clock: clock::now().as_millis(),
            roster: world.roster.hash().as_bytes().to_vec(),
            codebook: world.codebook.hash().as_bytes().to_vec(),
            editions: vec![edition],
        };
        self.link.send(Down::Welcome(welcome)).await;
        self.link.until("LedgerState", state).await;
        let frozen = |holdings: &v1::Holdings| holdings.datasets.iter().any(|held| held.editions == [EDITION]);
        let already = self
            .link
            .seen
            .iter()
            .any(|up| matches!(up, Up::Hello(hello) if hello.holdings.as_ref().is_some_and(frozen)));
        if !already {
            self.link
                .until("the edition", |up| matches!(up, Up::Holdings(holdings) if frozen(holdings)).then_some(()))
                .await;
        }
    }

    /// Stops the daemon and starts it again on what it has stored.
    pub async fn restart(self, world: &mut World) -> Self {
        let name = self.name.clone();
        self.stop().await;
        world.node(&name).await
    }

    pub async fn stop(mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// What the node says it has, once it has worked through all that it was sent of the log.
    pub async fn has(&mut self) -> v1::LedgerState {
        let unfit = v1::LedgerUpdate { first: u64::MAX, checkpoint: vec![0], ..v1::LedgerUpdate::default() };
        self.link.send(Down::LedgerUpdate(unfit)).await;
        self.link.until("LedgerState", state).await
    }

    /// Sends an update; yields the cosignature, if there is one, and what the node has then.
    pub async fn update(&mut self, update: v1::LedgerUpdate) -> (Option<String>, v1::LedgerState) {
        let before = self.link.seen.len();
        self.link.send(Down::LedgerUpdate(update)).await;
        let has = self.has().await;
        let cosigned = self.link.seen[before..].iter().find_map(|up| match up {
            Up::Cosigned(cosigned) => Some(cosigned.line.clone()),
            _ => None,
        });
        (cosigned, has)
    }

    pub async fn ask(&self, asked: &Asked, evidence: Option<Evidence>) {
        self.ask_promising(asked, evidence, policy().canonical_bytes()).await;
    }

    /// Asks with the document of another policy.
    pub async fn ask_promising(&self, asked: &Asked, evidence: Option<Evidence>, policy: Vec<u8>) {
        let id = asked.query().entry.id();
        let documents = Documents { query: asked.document().to_vec(), policy, evidence };
        let ask = CoordinatorMessage::Ask { query: asked.query().clone() };
        self.link.send(Down::Request(request(&ask, &id, &documents))).await;
    }

    /// Asks, and sees that this gets no answer but a refusal (where `told`), and that the gate stays shut.
    pub async fn must_not_answer(&mut self, asked: &Asked, evidence: Option<Evidence>, told: bool) {
        self.ask(asked, evidence.clone()).await;
        if told {
            assert_eq!(self.link.until("a refusal", refused).await, "policy");
        }
        // The same with another's signature is refused aloud: what was sent before has been dealt with by then.
        let mut forged = asked.query().clone();
        forged.signature = identity("nobody").sign(b"nothing");
        let forged = Asked::new(forged, asked.document().to_vec()).unwrap();
        let any = evidence.unwrap_or_else(|| Evidence {
            index: 0,
            checkpoint: Vec::new(),
            inclusion: optelsom_ledger::proof::InclusionProof::new(Vec::new()).unwrap(),
            approval: None,
        });
        // At a size that any node has: whatever else is wrong with it, the signature is looked at first.
        self.ask(&forged, Some(Evidence { checkpoint: Vec::new(), index: u64::MAX, ..any })).await;
        self.link.until("a refusal", refused).await;
        assert!(!self.has_said_anything_about(asked).await, "{:?}", self.link.seen);
    }

    /// Whether the gate has let this query pass, or anything but a refusal was said about it.
    pub async fn has_said_anything_about(&self, asked: &Asked) -> bool {
        let id = asked.query().entry.id();
        self.has_passed(&id).await || self.link.seen.iter().any(|up| answers(up, &id))
    }

    /// Asks, and gets an answer.
    pub async fn must_answer(&mut self, asked: &Asked, evidence: Evidence) {
        self.ask(asked, Some(evidence)).await;
        self.link.until("Ready", ready).await;
        assert!(self.has_passed(&asked.query().entry.id()).await);
    }

    /// Asks with the document of this policy; yields why the node refuses, if it does.
    pub async fn refusal(&mut self, asked: &Asked, evidence: Evidence, policy: Vec<u8>) -> Option<String> {
        self.ask_promising(asked, Some(evidence), policy).await;
        let id = asked.query().entry.id();
        let verdict = |message: &Up| {
            let is_about = matches!(message, Up::Answer(answer) if answer.query == id.as_bytes());
            if !is_about {
                None
            } else {
                Some(refused(message)).filter(|why| why.is_some() || ready(message).is_some())
            }
        };
        self.link.until("a verdict", verdict).await
    }

    /// Whether the node's gate has let the query pass, as its store has it.
    pub async fn has_passed(&self, id: &QueryId) -> bool {
        let store = Store::open(&self.state).await.unwrap();
        store.passed(id).await.unwrap().is_some()
    }

    pub fn folder(&self) -> &Path {
        &self.state
    }
}

/// Anything about this query but a refusal.
fn answers(message: &Up, id: &QueryId) -> bool {
    matches!(message, Up::Answer(answer) if answer.query == id.as_bytes()) && refused(message).is_none()
}

pub fn approval(by: &str, id: &QueryId) -> Approval {
    Approval::sign(&identity(by), by, id)
}

pub fn moment(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn agreement(name: &str) -> String {
    // One of them wants more than the codebook.
    let stricter = if name == STRICT { "minimum_suppliers_per_cell = 3\nrounding_base = 5\n" } else { "" };
    agreement_toml(name) + stricter
}
