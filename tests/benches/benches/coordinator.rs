//! What the coordinator's process spends on one query of ten suppliers × 100,000 cells, over real gRPC and TLS: until the total is
//! opened and checked, on protecting, writing and proving the release, and on storing, logging and sending it. Beside it a server
//! that sums the same tables in the clear over the same connections: once the sum alone, and once with the same release made of it
//! and sent to whoever asked, which somebody has to do in either case.
//!
//! `cargo bench -p optelsom-benches --bench coordinator`
#![allow(missing_docs, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use curve25519_dalek::traits::VartimeMultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use optelsom_benches::federation::{self, Size, YEARS};
use optelsom_benches::machine::{least_processor_time, processor_time};
use optelsom_benches::process::{Started, asked_for, be_coordinator_if_asked, listens};
use optelsom_benches::report::Report;
use optelsom_benches::round;
use optelsom_codebook::{Codebook, Column, EditionId, Plan, Query, QueryId, SupplierId, Timestamp};
use optelsom_coordinator::Configuration;
use optelsom_disclosure::{Policy, Release, RoundFacts, Totals, protect};
use optelsom_proto::limits::{PART_WORDS, RELEASE_PART_BYTES};
use optelsom_proto::listen::incoming;
use optelsom_proto::v1;
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::analyst_service_server::{AnalystService, AnalystServiceServer};
use optelsom_proto::v1::node_service_client::NodeServiceClient;
use optelsom_proto::v1::node_service_server::{NodeService, NodeServiceServer};
use optelsom_proto::wire::table_part;
use optelsom_proto::{Credentials, Target, dial};
use optelsom_sandbox::federation::{Federation, Folder};
use optelsom_sandbox::session::Session;
use optelsom_secagg::Generators;
use optelsom_secagg::commitment::{sum_of_multiples, sums_of_multiples};
use optelsom_secagg::messages::{Attempt, TableChunk};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

const SIZE: Size = Size { suppliers: 10, places: 1000, rows: 200_000 };
const CELLS: usize = SIZE.places * YEARS;
const QUERIES: u32 = 20;
/// How long the coordinator has for what it still does after a query.
const SETTLING: Duration = Duration::from_millis(300);
const CLEAR: &str = "--in-the-clear";
const SQL: &str = "SELECT place, year, COUNT(*) FROM visits GROUP BY place, year";

#[tokio::main]
async fn main() {
    tokio::task::spawn_blocking(be_coordinator_if_asked).await.expect("no panic");
    if let Some(folder) = asked_for(CLEAR) {
        return sum_in_the_clear(&folder).await;
    }
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = federation::write(place.path(), SIZE);
    let (protocol, plan) = ask(&folder).await;
    let clear = in_the_clear(&folder, &plan).await;
    let generators = Generators::with_capacity(CELLS);
    let total: Vec<i64> = (0..CELLS).map(|cell| i64::try_from(cell % 40).unwrap_or(0)).collect();
    let [check, together] = multiplications(&columns(&plan, &total, SIZE.suppliers), &generators);
    let by_library = by_library(&columns(&plan, &total, SIZE.suppliers), &generators);
    let machine = round::run(SIZE.suppliers, &total, &generators).combiner;
    let release = release(&folder, &plan, &total);
    let mut report = Report::new();
    let what =
        format!("coordinator, {} suppliers × {CELLS} cells, until the total is opened and checked", SIZE.suppliers);
    let summed = protocol.opened.saturating_sub(check);
    report.ratio(&format!("{what}, less the multiplications"), summed, ("the sum in the clear,", clear.summed), 3.0);
    let rest = protocol.opened.saturating_sub(together);
    report.ratio("the same, less only what they take together", rest, ("the sum in the clear,", clear.summed), 3.0);
    let both = clear.summed * 3 + by_library;
    report.ratio("the same, whole", protocol.opened, ("3 × the clear sum + curve25519-dalek's own,", both), 1.0);
    let (less, delivered) = (protocol.whole().saturating_sub(check), ("the same, and the release,", clear.delivered));
    report.ratio("the whole query, less the multiplications", less, delivered, 3.0);
    report.figure("until the total is opened and checked", format!("{:.1?}", protocol.opened));
    report.figure("protecting, writing and proving the release", format!("{:.1?}", protocol.made));
    report.figure("storing, logging and sending it", format!("{:.1?}", protocol.delivered));
    report.figure(
        &format!("the multi-scalar multiplication of each of {} columns", plan.columns().len()),
        format!("{check:.1?}"),
    );
    report.figure("the same columns together, as the coordinator does them", format!("{together:.1?}"));
    report.figure("the same columns as curve25519-dalek's own does them", format!("{by_library:.1?}"));
    report.figure("the combiner's machine, multiplication included", format!("{machine:.1?}"));
    report.figure(&format!("protecting and writing the release of {CELLS} cells"), format!("{release:.1?}"));
    report.print();
}

/// The coordinator's processor time for one query, by what it was spent on.
#[derive(Default)]
struct Spent {
    /// Until the total is opened and checked.
    opened: Duration,
    /// Protecting, writing and proving the release.
    made: Duration,
    /// Storing, logging and sending it.
    delivered: Duration,
}

impl Spent {
    fn whole(&self) -> Duration {
        self.opened + self.made + self.delivered
    }
}

/// The coordinator's processor time for one query, once it is warm.
async fn ask(folder: &Folder) -> (Spent, Plan) {
    let coordinator = Started::coordinator(folder.path());
    let nodes = Federation::attend(folder.clone()).await.expect("nodes");
    nodes.announce("visits", &EditionId::try_from("1").expect("an edition")).await.expect("a frozen edition");
    let mut session = Session::open(&folder.analyst_configuration()).await.expect("an analyst");
    let asking = session.prepare(SQL, "bench").await.expect("a question");
    assert_eq!(asking.plan.cell_count(), CELLS);
    let mut spent = Spent::default();
    let mut before = Duration::ZERO;
    for round in 0..=QUERIES {
        session.ask(&asking, |_| ()).await.expect("a table");
        let (opened, made) = (coordinator.reaches("opened"), coordinator.reaches("made"));
        // What the coordinator still does when the analyst has its table belongs to this query.
        tokio::time::sleep(SETTLING).await;
        let after = processor_time(coordinator.id());
        // The first round is for warming up.
        if round > 0 {
            spent.opened += (opened - before) / QUERIES;
            spent.made += (made - opened) / QUERIES;
            spent.delivered += (after - made) / QUERIES;
        }
        before = after;
    }
    nodes.stop().await;
    (spent, asking.plan)
}

fn codebook(folder: &Folder) -> Codebook {
    Codebook::parse(&std::fs::read_to_string(folder.codebook()).expect("a codebook")).expect("a codebook")
}

/// What becomes of the total: disclosure control, and the document that is stored and sent.
fn release(folder: &Folder, plan: &Plan, total: &[i64]) -> Duration {
    let maker = Maker::new(folder);
    least_processor_time(3, || maker.release(plan, total))
}

/// Makes releases of totals.
struct Maker {
    codebook: Codebook,
    suppliers: BTreeSet<SupplierId>,
}

impl Maker {
    fn new(folder: &Folder) -> Self {
        let suppliers = folder.supplier_names().expect("suppliers").into_iter().collect();
        Self { codebook: codebook(folder), suppliers }
    }

    fn release(&self, plan: &Plan, total: &[i64]) -> Vec<u8> {
        let policy = Policy::for_dataset(plan.dataset()).expect("a policy");
        let round = RoundFacts {
            query: QueryId::from_bytes([0; 32]),
            edition: EditionId::try_from("1").expect("an edition"),
            purpose: "bench".to_owned(),
            asked_at: Timestamp::from_millis(0),
            released_at: Timestamp::from_millis(0),
            asked: self.suppliers.clone(),
            taking_part: self.suppliers.clone(),
            absences: Vec::new(),
        };
        let columns = columns(plan, total, self.suppliers.len());
        let table = protect(plan, &policy, Totals::new(columns)).expect("a protected table");
        Release::new(&self.codebook, plan, &policy, round, table).expect("a release").to_json().expect("a document")
    }
}

/// The total of each column of the plan.
fn columns(plan: &Plan, total: &[i64], suppliers: usize) -> Vec<Vec<i64>> {
    let column = |column: &Column| match column {
        Column::Suppliers { .. } => total.iter().map(|&count| count.min(suppliers as i64)).collect(),
        _ => total.to_vec(),
    };
    plan.columns().iter().map(column).collect()
}

/// What the check takes at the least: a multi-scalar multiplication of the total of each column, and all of them as the
/// coordinator does them, which is quicker.
fn multiplications(columns: &[Vec<i64>], generators: &Generators) -> [Duration; 2] {
    let bases = generators.first(CELLS);
    let columns: Vec<&[i64]> = columns.iter().map(Vec::as_slice).collect();
    let each =
        least_processor_time(5, || columns.iter().map(|column| sum_of_multiples(column, &bases)).collect::<Vec<_>>());
    [each, least_processor_time(5, || sums_of_multiples(&columns, &bases))]
}

/// The multiplication of each column as the library does it, which takes any scalars.
fn by_library(columns: &[Vec<i64>], generators: &Generators) -> Duration {
    let scalar = |count: &i64| Scalar::from(count.unsigned_abs());
    let columns: Vec<Vec<Scalar>> = columns.iter().map(|column| column.iter().map(scalar).collect()).collect();
    let bases = generators.first(CELLS);
    let each = |column: &Vec<Scalar>| RistrettoPoint::vartime_multiscalar_mul(column, bases.iter());
    least_processor_time(3, || columns.iter().map(each).collect::<Vec<_>>())
}

/// The peer: takes tables as the coordinator does, adds them up as they are, and gives the total out as a release.
#[derive(Clone)]
struct InTheClear {
    total: Arc<Mutex<Total>>,
    maker: Arc<Maker>,
}

/// The sum so far, column by column as long as the tables that came.
type Total = Vec<u64>;

impl InTheClear {
    fn release(&self, document: &[u8]) -> Option<Vec<u8>> {
        let query = Query::from_json(&self.maker.codebook, std::str::from_utf8(document).ok()?).ok()?;
        let plan = Plan::new(&self.maker.codebook, &query).ok()?;
        let total = std::mem::take(&mut *self.total.lock().ok()?);
        let total: Vec<i64> = total.into_iter().take(CELLS).map(u64::cast_signed).collect();
        Some(self.maker.release(&plan, &total))
    }
}

#[tonic::async_trait]
impl AnalystService for InTheClear {
    type AskStream = Events;
    type WatchStream = Events;
    type FetchStream = Events;

    async fn ask(&self, request: Request<v1::AskRequest>) -> Result<Response<Events>, Status> {
        let document = request.into_inner().document;
        let release = self.release(&document).ok_or_else(|| Status::invalid_argument("no question"))?;
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            for part in release.chunks(RELEASE_PART_BYTES) {
                let event = v1::QueryEvent { event: Some(v1::query_event::Event::Release(part.to_vec().into())) };
                if sender.send(Ok(event)).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn watch(&self, _: Request<v1::QueryName>) -> Result<Response<Events>, Status> {
        Err(only_asks())
    }

    async fn fetch(&self, _: Request<v1::QueryName>) -> Result<Response<Events>, Status> {
        Err(only_asks())
    }

    async fn pending(&self, _: Request<v1::PendingRequest>) -> Result<Response<v1::PendingReply>, Status> {
        Err(only_asks())
    }

    async fn approve(&self, _: Request<v1::ApproveRequest>) -> Result<Response<v1::QuerySummary>, Status> {
        Err(only_asks())
    }

    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListReply>, Status> {
        Err(only_asks())
    }

    async fn catalogue(&self, _: Request<v1::CatalogueRequest>) -> Result<Response<v1::CatalogueReply>, Status> {
        Err(only_asks())
    }

    async fn explain(&self, _: Request<v1::ExplainRequest>) -> Result<Response<v1::ExplainReply>, Status> {
        Err(only_asks())
    }
}

type Events = ReceiverStream<Result<v1::QueryEvent, Status>>;

fn only_asks() -> Status {
    Status::unimplemented("this server only sums and gives out the sum")
}

#[tonic::async_trait]
impl NodeService for InTheClear {
    type AttendStream = ReceiverStream<Result<v1::CoordinatorMessage, Status>>;

    async fn attend(&self, _: Request<Streaming<v1::NodeMessage>>) -> Result<Response<Self::AttendStream>, Status> {
        Err(Status::unimplemented("this server only sums"))
    }

    async fn submit(&self, request: Request<Streaming<v1::TablePart>>) -> Result<Response<v1::SubmitReply>, Status> {
        let mut parts = request.into_inner();
        let mut words = 0;
        while let Some(part) = parts.message().await? {
            let chunk = TableChunk::try_from(&part)?;
            let mut total = self.total.lock().map_err(|_| Status::internal("a thread has panicked"))?;
            let from = usize::try_from(chunk.offset).unwrap_or(usize::MAX);
            let length = total.len().max(from.saturating_add(chunk.words.len()));
            total.resize(length, 0);
            for (cell, word) in total.iter_mut().skip(from).zip(&chunk.words) {
                *cell = cell.wrapping_add(*word);
            }
            words += chunk.words.len() as u64;
        }
        Ok(Response::new(v1::SubmitReply { words }))
    }
}

async fn sum_in_the_clear(folder: &Path) {
    let configuration = Configuration::read(&folder.join("coordinator.toml")).expect("a configuration");
    let files = &configuration.credentials;
    let credentials = Credentials::read(&files.certificate, &files.key, &files.authority).expect("credentials");
    let listener = tokio::net::TcpListener::bind(configuration.listen).await.expect("a free address");
    let connections =
        incoming(listener, credentials.server_config().expect("a TLS configuration"), CancellationToken::new());
    listens();
    let maker = Arc::new(Maker::new(&Folder::at(folder).expect("a folder")));
    let server = InTheClear { total: Arc::new(Mutex::new(Vec::new())), maker };
    tonic::transport::Server::builder()
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(2 * 1024 * 1024)
        .add_service(NodeServiceServer::new(server.clone()))
        .add_service(AnalystServiceServer::new(server))
        .serve_with_incoming(connections)
        .await
        .expect("a server");
}

/// The clear server's processor time for one table of each supplier.
struct Clear {
    /// Adding up alone.
    summed: Duration,
    /// With the release made and sent.
    delivered: Duration,
}

async fn in_the_clear(folder: &Folder, plan: &Plan) -> Clear {
    let server = Started::in_role(CLEAR, folder.path());
    let configuration = Configuration::read(&folder.coordinator_configuration()).expect("a configuration");
    let target = Target::new(&configuration.listen.to_string(), Some("localhost"), None).expect("a target");
    let authority = folder.authority().join(optelsom_coordinator::authority::AUTHORITY_CERTIFICATE);
    let mut clients = Vec::new();
    for supplier in folder.supplier_names().expect("suppliers") {
        let own = folder.supplier(supplier.as_str());
        let credentials =
            Credentials::read(&own.join("node.pem"), &own.join("node.key"), &authority).expect("credentials");
        let channel = dial(&credentials, &target).await.expect("a connection").channel;
        clients.push((NodeServiceClient::new(channel.clone()), AnalystServiceClient::new(channel)));
    }
    let document = plan.query().canonical_bytes();
    let words = plan.columns().len() * CELLS;
    let mut spent = [false, true].map(|_| Duration::ZERO);
    for (spent, deliver) in spent.iter_mut().zip([false, true]) {
        // The first round is for warming up.
        let mut before = processor_time(server.id());
        for round in 0..=QUERIES {
            let all: Vec<_> = clients.iter().map(|(client, _)| tokio::spawn(submit(client.clone(), words))).collect();
            for one in all {
                one.await.expect("no panic");
            }
            if deliver {
                fetch(clients[0].1.clone(), document.to_vec()).await;
            }
            if round == 0 {
                before = processor_time(server.id());
            }
        }
        *spent = (processor_time(server.id()) - before) / QUERIES;
    }
    let [summed, delivered] = spent;
    Clear { summed, delivered }
}

async fn fetch(mut client: AnalystServiceClient<Channel>, document: Vec<u8>) {
    let asked = client.ask(v1::AskRequest { query: None, document }).await.expect("an answer");
    let mut events = asked.into_inner();
    let mut bytes = 0;
    while let Some(event) = events.message().await.expect("an event") {
        if let Some(v1::query_event::Event::Release(part)) = event.event {
            bytes += part.len();
        }
    }
    assert!(bytes > CELLS);
}

/// Sends a table as long as a supplier's: every column of the plan, that of the number of suppliers among them.
async fn submit(mut client: NodeServiceClient<Channel>, words: usize) {
    let query = QueryId::from_bytes([0; 32]);
    let parts = (0..words).step_by(PART_WORDS).map(move |offset| {
        let part = (0..PART_WORDS.min(words - offset)).map(|cell| cell as u64 % 40).collect();
        table_part(&query, &TableChunk { attempt: Attempt::FIRST, offset: offset as u64, words: part })
    });
    let reply = client.submit(tokio_stream::iter(parts)).await.expect("a taken table");
    assert_eq!(reply.into_inner().words, words as u64);
}
