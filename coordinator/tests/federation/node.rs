//! A node that hosts the real supplier's machine, and answers every question with the same figures.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use optelsom_codebook::{Codebook, Plan, Query, QueryId};
use optelsom_coordinator::{Running, clock};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_proto::v1::coordinator_message::Message as Down;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::wire::{Hello, Holdings, LedgerUpdate, Request, SignedAgreement, answer, table_part};
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

/// What a node keeps of the log: its record, and the checkpoint that it is of.
pub type Seen = Arc<Mutex<(WitnessRecord, Vec<u8>)>>;

/// What a test wants to see of, or do to, the messages that a node gets: false loses one.
pub type Watch = Arc<dyn Fn(&CoordinatorMessage) -> bool + Send + Sync>;

pub fn hello(name: &str) -> Hello {
    let (supplier, key) = (supplier(name), identity(name));
    Hello {
        software: "test node".to_owned(),
        clock: clock::now(),
        roster: roster().hash(),
        codebook: Codebook::parse(CODEBOOK).unwrap().hash(),
        agreement: SignedAgreement::sign("version = \"1\"".to_owned(), &supplier, &key),
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
}

impl TestNode {
    pub fn new(name: &str, figures: &[i64], credentials: Credentials) -> Self {
        Self {
            name: name.to_owned(),
            figures: figures.to_vec(),
            credentials,
            disk: Disk::default(),
            seen: Arc::new(Mutex::new((WitnessRecord::fresh(trust().log()), Vec::new()))),
            watch: Arc::new(|_| true),
        }
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
        let (client, sender, mut incoming) = attend_at(&self.credentials, target, hello(&self.name)).await?;
        let state = {
            let seen = self.seen.lock().unwrap();
            v1::LedgerState { size: seen.0.head().size(), checkpoint: seen.1.clone() }
        };
        let _ = sender.send(v1::NodeMessage { message: Some(Up::LedgerState(state)) }).await;
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
        let Some((note, proof)) = LedgerUpdate::try_from(update).unwrap().end else { return };
        let line = {
            let mut seen = self.seen.lock().unwrap();
            let log = trust().log().clone();
            let cosigning = cosign(&seen.0, &note, &proof, &log, &witness(&self.name), clock::now()).unwrap();
            let (record, cosignature) = cosigning.stored();
            *seen = (record, note);
            cosignature.to_text().unwrap()
        };
        let _ = sender.send(v1::NodeMessage { message: Some(Up::Cosigned(v1::Cosigned { line })) }).await;
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

async fn send(id: &QueryId, message: &SupplierMessage, sender: &mpsc::Sender<v1::NodeMessage>) {
    let wire = answer(id, message).unwrap();
    // A connection that has ended loses it; the coordinator asks again.
    let _ = sender.send(v1::NodeMessage { message: Some(Up::Answer(wire)) }).await;
}
