//! A node that hosts the real supplier's machine, and answers every question with the same figures.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use optelsom_codebook::{Codebook, Hash256, Plan, Query, QueryId};
use optelsom_coordinator::{Running, clock};
use optelsom_ledger::entry::{DocumentChange, Subject};
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::Edge;
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::wire::{
    AgreementSigned, Hello, Holdings, LedgerUpdate, Request, SignedAgreement, answer, table_part,
};
use optelsom_proto::{Credentials, Target, dial, v1};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use optelsom_secagg::supplier::{Effect, Input};
use optelsom_secagg::{
    Bound, Entropy, Generators, LocalTable, PreparedTable, Supplier, SupplierConfig, SupplierRecord,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::{CODEBOOK, identity, roster, supplier, target, trust, witness};

/// What a node keeps on its disk.
pub type Disk = Arc<Mutex<HashMap<QueryId, Vec<u8>>>>;

/// What a node keeps of the log.
pub type Seen = Arc<Mutex<Copy>>;

/// A copy of the log, as far as a witness needs it.
pub struct Copy {
    edge: Edge,
    record: WitnessRecord,
    checkpoint: Vec<u8>,
}

/// What a test wants to see of, or do to, the messages that a node gets: false loses one.
pub type Watch = Arc<dyn Fn(&CoordinatorMessage) -> bool + Send + Sync>;

pub const AGREEMENT: &str = "version = \"1\"";

pub fn hello(name: &str) -> Hello {
    hello_with(name, AGREEMENT)
}

pub fn hello_with(name: &str, agreement: &str) -> Hello {
    let (supplier, key) = (supplier(name), identity(name));
    Hello {
        software: "test node".to_owned(),
        clock: clock::now(),
        roster: roster().hash(),
        codebook: Codebook::parse(CODEBOOK).unwrap().hash(),
        agreement: SignedAgreement::sign(agreement.to_owned(), &supplier, &key),
        holdings: Holdings::default(),
        unfinished: Vec::new(),
    }
}

/// Opens the standing connection and says this Hello.
pub async fn attend(
    credentials: &Credentials,
    running: &Running,
    hello: Hello,
) -> Result<(NodeServiceClient<Channel>, mpsc::Sender<v1::NodeMessage>, Streaming<v1::CoordinatorMessage>), Status> {
    attend_at(credentials, &target(running), hello).await
}

async fn attend_at(
    credentials: &Credentials,
    target: &Target,
    hello: Hello,
) -> Result<(NodeServiceClient<Channel>, mpsc::Sender<v1::NodeMessage>, Streaming<v1::CoordinatorMessage>), Status> {
    let connection = dial(credentials, target).await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut client = NodeServiceClient::new(connection.channel);
    let (sender, outgoing) = mpsc::channel(64);
    sender.send(v1::NodeMessage { message: Some(Up::Hello(hello.into())) }).await.unwrap();
    let incoming = client.attend(ReceiverStream::new(outgoing)).await?.into_inner();
    Ok((client, sender, incoming))
}

pub struct TestNode {
    name: String,
    figures: Vec<i64>,
    credentials: Credentials,
    disk: Disk,
    seen: Seen,
    watch: Watch,
    /// Its agreement, and whether it signs the change to it.
    agreement: (String, bool),
    /// While this is set, nobody hears of its cosignatures.
    mute: Arc<AtomicBool>,
}

impl TestNode {
    pub fn new(name: &str, figures: &[i64], credentials: Credentials) -> Self {
        Self {
            name: name.to_owned(),
            figures: figures.to_vec(),
            credentials,
            disk: Disk::default(),
            seen: Arc::new(Mutex::new(Copy {
                edge: Edge::new(),
                record: WitnessRecord::fresh(trust().log()),
                checkpoint: Vec::new(),
            })),
            watch: Arc::new(|_| true),
            agreement: (AGREEMENT.to_owned(), false),
            mute: Arc::default(),
        }
    }

    /// While this is set, nobody hears of its cosignatures.
    pub fn muted_by(mut self, mute: &Arc<AtomicBool>) -> Self {
        self.mute = Arc::clone(mute);
        self
    }

    /// With this agreement, which it has the log take up.
    pub fn agreeing(mut self, agreement: &str) -> Self {
        self.agreement = (agreement.to_owned(), true);
        self
    }

    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// Attends until the connection ends. What it has promised stays on its disk.
    pub async fn run(&self, running: &Running) -> Result<(), Status> {
        self.run_at(&target(running)).await
    }

    /// The same, by the coordinator's address alone.
    pub async fn run_at(&self, target: &Target) -> Result<(), Status> {
        let (client, sender, mut incoming) =
            attend_at(&self.credentials, target, hello_with(&self.name, &self.agreement.0)).await?;
        let state = state(&self.seen.lock().unwrap());
        let _ = sender.send(v1::NodeMessage { message: Some(state) }).await;
        let mut machines = HashMap::new();
        let mut documents = HashMap::new();
        while let Some(message) = incoming.message().await? {
            let wire = match message.message {
                Some(Down::Request(wire)) => wire,
                Some(Down::LedgerUpdate(update)) => {
                    self.cosign(update, &sender).await;
                    continue;
                }
                _ => continue,
            };
            let request = Request::try_from(wire).unwrap();
            if !(self.watch)(&request.message) {
                continue;
            }
            if let Some(document) = request.document {
                documents.insert(request.query, document);
            }
            let machine = machines.remove(&request.query).unwrap_or_else(|| self.machine(&request.query));
            let mut entropy = [0; 32];
            getrandom::fill(&mut entropy).unwrap();
            let input = Input::Message { message: request.message, entropy: Entropy::new(entropy) };
            let document = documents.get(&request.query).cloned().unwrap_or_default();
            let machine = self.step(machine, input, request.query, &document, &client, &sender).await;
            machines.insert(request.query, machine);
        }
        Ok(())
    }

    /// Witnesses what continues the log that it has seen.
    async fn cosign(&self, update: v1::LedgerUpdate, sender: &mpsc::Sender<v1::NodeMessage>) {
        for answer in self.answers(LedgerUpdate::try_from(update).unwrap()) {
            let _ = sender.send(v1::NodeMessage { message: Some(answer) }).await;
        }
    }

    fn answers(&self, update: LedgerUpdate) -> Vec<Up> {
        let mut seen = self.seen.lock().unwrap();
        let log = trust().log().clone();
        if update.first != seen.edge.size() {
            return vec![state(&seen)];
        }
        let extension = seen.edge.extend(&update.leaves).unwrap();
        let checkpoint = SignedCheckpoint::parse(&update.checkpoint, &log).unwrap();
        update.consistency.verify(&extension.head, checkpoint.head()).unwrap();
        seen.edge = extension.edge;
        seen.record = seen.record.earlier(extension.head);
        if extension.head != *checkpoint.head() {
            return vec![state(&seen)];
        }
        let (note, proof) = (update.checkpoint, ConsistencyProof::empty());
        let cosigning = cosign(&seen.record, &note, &proof, &log, &witness(&self.name), clock::now()).unwrap();
        let line = cosigning.stored().1.to_text().unwrap();
        seen.checkpoint = note;
        let cosigned = (!self.mute.load(Ordering::SeqCst)).then_some(Up::Cosigned(v1::Cosigned { line }));
        cosigned.into_iter().chain(self.agreement.1.then(|| self.signed_agreement())).collect()
    }

    /// As the first one in the log, or another time over: what is there already stays.
    fn signed_agreement(&self) -> Up {
        let supplier = supplier(&self.name);
        let document = Hash256::of(self.agreement.0.as_bytes());
        let subject = Subject::Agreement(supplier);
        let change = DocumentChange { subject, document, named: document, predecessor: None };
        let signature = change.sign(&identity(&self.name));
        Up::Agreement(AgreementSigned { predecessor: None, signature }.into())
    }

    fn machine(&self, id: &QueryId) -> Supplier {
        let config = SupplierConfig::new(supplier(&self.name), identity(&self.name), Arc::new(roster()));
        match self.disk.lock().unwrap().get(id) {
            Some(bytes) => Supplier::restore(Arc::new(config), SupplierRecord::from_bytes(bytes).unwrap()).unwrap(),
            None => Supplier::new(Arc::new(config)),
        }
    }

    fn table(&self, document: &[u8]) -> PreparedTable {
        let codebook = Codebook::parse(CODEBOOK).unwrap();
        let query = Query::from_json(&codebook, std::str::from_utf8(document).unwrap()).unwrap();
        let plan = Plan::new(&codebook, &query).unwrap();
        let columns =
            plan.columns().iter().map(|_| self.figures.iter().copied().cycle().take(plan.cell_count()).collect());
        let table = LocalTable::new(plan.cell_count(), columns.collect(), Bound::for_suppliers(4)).unwrap();
        PreparedTable::new(table, &Generators::default())
    }

    async fn step(
        &self,
        machine: Supplier,
        input: Input,
        id: QueryId,
        document: &[u8],
        client: &NodeServiceClient<Channel>,
        sender: &mpsc::Sender<v1::NodeMessage>,
    ) -> Supplier {
        let mut machine = machine;
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let (next, effects) = machine.handle(clock::now(), input);
            machine = next;
            for effect in effects {
                match effect {
                    Effect::Compute(_) => inputs.push_back(Input::TableReady(self.table(document))),
                    Effect::Persist(record) => {
                        self.disk.lock().unwrap().insert(id, record.to_bytes().to_vec());
                        inputs.push_back(Input::Persisted);
                    }
                    Effect::Send(message) => send(&id, &message, sender).await,
                    Effect::SendTable { table, .. } => {
                        // One word a part: even a small table travels in several.
                        let parts: Vec<_> = table.chunks(0, 1).map(|chunk| table_part(&id, &chunk)).collect();
                        let mut client = client.clone();
                        tokio::spawn(async move { client.submit(tokio_stream::iter(parts)).await });
                    }
                    Effect::Reject(fault) => panic!("{} refuses: {fault}", self.name),
                }
            }
        }
        machine
    }
}

fn state(seen: &Copy) -> Up {
    Up::LedgerState(v1::LedgerState { size: seen.edge.size(), checkpoint: seen.checkpoint.clone() })
}

async fn send(id: &QueryId, message: &SupplierMessage, sender: &mpsc::Sender<v1::NodeMessage>) {
    let wire = answer(id, message).unwrap();
    // A connection that has ended loses it; the coordinator asks again.
    let _ = sender.send(v1::NodeMessage { message: Some(Up::Answer(wire)) }).await;
}
