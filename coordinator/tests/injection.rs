//! Text that is meant to be read as SQL, in every string that a question, its signed entry, a name or a node's words carry,
//! over the wire and over both stores: it is refused, or kept and given back as the same text, and the store is whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;
#[path = "../../tests/shared/hostile.rs"]
mod hostile;
#[path = "../../tests/shared/postgresql.rs"]
mod postgresql;
#[path = "../../tests/shared/skip.rs"]
mod skip;

use std::collections::BTreeSet;

use federation::node::{attend, hello, hello_with};
use federation::{Analyst, CODEBOOK, EDITION, Federation, SUPPLIERS, identity, trust};
use hostile::{HOSTILE, with_each_string_as};
use optelsom_codebook::{Codebook, Hash256};
use optelsom_coordinator::Running;
use optelsom_coordinator::store::Store;
use optelsom_ledger::entry::{Approval, ApprovalRule};
use optelsom_ledger::{QueryEntry, Trust};
use optelsom_proto::v1;
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::bureau_service_client::BureauServiceClient;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::v1::query_name::Name;
use postgresql::Postgresql;
use serde_json::Value;
use sqlx::{AnyConnection, Connection, Row};
use tonic::transport::Channel;
use tonic::{Code, Request};

const QUESTION: &str = "SELECT year, COUNT(*) FROM victims WHERE edition = '2022-12' AND sex = 'F' GROUP BY year";

/// The usual codebook, with a variable whose codes are all hostile: as literals of questions they are in order.
fn codebook() -> String {
    let code = |text: &str| format!("    {{ code = {}, nl = \"x\", en = \"x\" }},\n", Value::from(text));
    let codes: String = HOSTILE.into_iter().filter(|text| can_be_a_code(text)).map(code).collect();
    let variable = "[datasets.victims.variables.kind]\nlist = \"kinds\"\nlabel = { nl = \"x\", en = \"x\" }\n";
    let measure = "[datasets.victims.measures.days]\nlabel = { nl = \"x\", en = \"x\" }\nunit = \"days\"\ndecimals = 0\n\
                   minimum = 0\nmaximum = 100\n";
    format!("{CODEBOOK}[lists.kinds]\ncodes = [\n{codes}]\n{variable}{measure}")
}

fn can_be_a_code(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// A federation in which every question waits for a second person, so that none goes away.
fn federation() -> Federation {
    let mut federation = Federation::new();
    let text = codebook();
    std::fs::write(federation.path().join("codebook.toml"), &text).unwrap();
    federation.codebook = Codebook::parse(&text).unwrap();
    let two = Trust::new(trust().log().clone(), trust().committee().clone(), ApprovalRule::TwoPersons);
    std::fs::write(federation.path().join("trust.toml"), two.to_toml()).unwrap();
    federation
}

/// Everybody that talks to one coordinator.
struct Parties<'a> {
    federation: &'a Federation,
    running: &'a Running,
    first: Analyst,
    second: Analyst,
    bureau: BureauServiceClient<Channel>,
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let federation = federation();
    let url = format!("sqlite:{}", federation.path().join("coordinator.sqlite").display());
    every_string(&federation, &url, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    let Some(server) = Postgresql::start() else { return };
    let mut federation = federation();
    federation.store_at(&server.url());
    let columns = "SELECT (table_name || '.' || column_name || ' ' || data_type)::text FROM information_schema.columns \
                   WHERE table_schema = 'public' ORDER BY 1";
    every_string(&federation, &server.url(), columns).await;
}

/// What the database says of its tables.
async fn schema(url: &str, statement: &'static str) -> Vec<String> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let rows = sqlx::query(statement).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

async fn every_string(federation: &Federation, url: &str, statement: &'static str) {
    let running = federation.start().await;
    let channel = async |role: &str| federation.connect(&running, role).await.channel;
    let mut parties = Parties {
        federation,
        running: &running,
        first: AnalystServiceClient::new(channel("optelsom:analyst:analyst-1").await),
        second: AnalystServiceClient::new(channel("optelsom:analyst:analyst-2").await),
        bureau: BureauServiceClient::new(channel("optelsom:operator:duty").await),
    };
    federation.announce(&running).await;
    let before = schema(url, statement).await;
    assert!(before.len() > 5, "{before:?}");

    let asked = parties.literals_and_purposes_are_kept().await;
    parties.documents_are_refused().await;
    parties.entries_are_refused().await;
    parties.names_are_refused(&asked).await;
    parties.words_of_nodes_are_kept_or_refused().await;

    parties.only_these_are_there(&asked).await;
    assert_eq!(schema(url, statement).await, before);
    drop(parties);
    running.shutdown().await;
    // And so they stand in the store itself.
    let store = Store::open(&federation.configuration.store).await.unwrap();
    let kept = store.unfinished().await.unwrap().into_iter();
    let kept: Vec<_> = kept.map(|query| (query.accepted.question.entry.purpose, query.accepted.document)).collect();
    for question in &asked {
        assert!(
            kept.contains(&(question.purpose.to_owned(), question.request.document.clone())),
            "{}",
            question.purpose
        );
    }
    assert_eq!(kept.len(), asked.len());
}

/// A question that was accepted.
struct Question {
    purpose: &'static str,
    request: v1::AskRequest,
}

impl Parties<'_> {
    /// A code and a purpose may be any text.
    async fn literals_and_purposes_are_kept(&mut self) -> Vec<Question> {
        let mut asked = Vec::new();
        for (purpose, nonce) in HOSTILE.into_iter().zip(0..) {
            let code = if can_be_a_code(purpose) { purpose } else { "%" };
            let sql = format!("SELECT COUNT(*) FROM victims WHERE kind = '{}'", code.replace('\'', "''"));
            let question = self.federation.question_with(&sql, nonce, |entry| entry.purpose = purpose.to_owned());
            let request = v1::AskRequest::from(&question);
            let accepted = self.first.ask(request.clone()).await;
            accepted.unwrap_or_else(|status| panic!("{purpose}: {status}"));
            asked.push(Question { purpose, request });
        }
        asked
    }

    /// Every string of a query document but its literal may be one of a few, and so may that literal.
    async fn documents_are_refused(&mut self) {
        for sql in [
            QUESTION,
            "SELECT year, AVG(days), HISTOGRAM(days, 0, 10) FROM victims GROUP BY year, HISTOGRAM(days, 0, 10)",
        ] {
            let question = self.federation.question(sql, 100);
            let document: Value = serde_json::from_slice(question.document()).unwrap();
            let mut tried = BTreeSet::new();
            for hostile in HOSTILE {
                for (place, changed) in with_each_string_as(&document, hostile) {
                    let document = serde_json::to_vec(&changed).unwrap();
                    let mut entry = question.query().entry.clone();
                    entry.query = Hash256::of(&document);
                    self.is_refused(&format!("{place}: {hostile}"), &entry, document).await;
                    tried.insert(place);
                }
            }
            assert!(tried.len() > 5, "{tried:?}");
        }
    }

    /// The same for the strings of the signed entry beside its purpose.
    async fn entries_are_refused(&mut self) {
        let question = self.federation.question(QUESTION, 101);
        type Change = fn(&mut QueryEntry, &str);
        let changes: [(&str, Change); 2] = [
            ("dataset", |entry, text| entry.dataset = text.to_owned()),
            ("requester", |entry, text| entry.requester = text.to_owned()),
        ];
        for hostile in HOSTILE {
            for (place, change) in changes {
                let mut entry = question.query().entry.clone();
                change(&mut entry, hostile);
                self.is_refused(&format!("{place}: {hostile}"), &entry, question.document().to_vec()).await;
            }
            // Types do not let these be written: so by hand, as whoever does not use ours.
            for text in [EDITION, SUPPLIERS[0]] {
                let mut request = v1::AskRequest::from(&question);
                let query = request.query.as_mut().unwrap();
                query.entry = replaced(&query.entry, text, hostile);
                query.signature = identity("analyst-1").sign(&query.entry).as_bytes().to_vec();
                let refused = self.first.ask(request).await.unwrap_err();
                assert_eq!(refused.code(), Code::InvalidArgument, "{text}: {hostile}: {refused}");
            }
        }
    }

    async fn is_refused(&mut self, what: &str, entry: &QueryEntry, document: Vec<u8>) {
        let signed = entry.clone().sign(&identity("analyst-1"));
        let request = v1::AskRequest { query: Some((&signed).into()), document };
        let code = self.first.ask(request).await.map(drop).unwrap_err().code();
        let refused = [Code::InvalidArgument, Code::FailedPrecondition, Code::PermissionDenied];
        assert!(refused.contains(&code), "{what}: {code}");
    }

    /// What stands for a query, a dataset, an edition, a person or a file in a call.
    async fn names_are_refused(&mut self, asked: &[Question]) {
        for hostile in HOSTILE {
            // By itself, and after digits that are one query's.
            let id = hex(asked.first().unwrap());
            for prefix in [hostile.to_owned(), format!("{}{hostile}", &id[..12])] {
                let name = v1::QueryName { name: Some(Name::Prefix(prefix)) };
                let codes = [
                    self.first.watch(name.clone()).await.map(drop).unwrap_err().code(),
                    self.first.fetch(name.clone()).await.map(drop).unwrap_err().code(),
                    self.bureau.cancel_query(name.clone()).await.map(drop).unwrap_err().code(),
                    self.bureau.void_query(name).await.map(drop).unwrap_err().code(),
                ];
                assert_eq!(codes, [Code::InvalidArgument; 4], "{hostile}");
            }
            let name = v1::QueryName { name: Some(Name::Query(hostile.as_bytes().to_vec())) };
            assert_eq!(self.first.watch(name).await.map(drop).unwrap_err().code(), Code::InvalidArgument, "{hostile}");
            for (dataset, edition) in [("victims", hostile), (hostile, EDITION)] {
                let announced = v1::AnnounceEditionRequest { dataset: dataset.to_owned(), edition: edition.to_owned() };
                let refused = self.bureau.announce_edition(announced).await.unwrap_err();
                assert_eq!(refused.code(), Code::InvalidArgument, "{hostile}");
            }
            let approval = Approval::sign(
                &identity("analyst-2"),
                hostile,
                &self.federation.question(QUESTION, 1).query().entry.id(),
            );
            let query = asked.first().unwrap().id().to_vec();
            let approval = v1::ApproveRequest { query, approval: Some((&approval).into()) };
            let refused = self.second.approve(approval).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{hostile}: {refused}");
            // Nobody holds such a dataset, and no such file is in the log.
            let explain = v1::ExplainRequest { dataset: hostile.to_owned(), document: Vec::new(), scope: Vec::new() };
            let told = self.first.explain(explain).await.unwrap().into_inner();
            assert!(told.suppliers.iter().all(|supplier| supplier.holding.is_none()), "{hostile}");
            let channel = self.federation.connect(self.running, "optelsom:auditor:dpa").await.channel;
            let mut files = v1::ledger_service_client::LedgerServiceClient::new(channel);
            for path in [hostile.to_owned(), format!("tile/{hostile}"), format!("documents/{hostile}")] {
                assert!(files.read(v1::ReadRequest { path }).await.is_err(), "{hostile}");
            }
        }
    }

    /// Version and agreement are free text; what a node holds has names.
    async fn words_of_nodes_are_kept_or_refused(&mut self) {
        let credentials = self.federation.credentials("optelsom:node:police");
        for hostile in HOSTILE {
            let mut words = hello_with("police", hostile);
            words.codebook = self.federation.codebook.hash();
            words.software = hostile.to_owned();
            let (_client, _sender, mut incoming) = attend(&credentials, self.running, words).await.unwrap();
            incoming.message().await.unwrap();
            let status = self.bureau.status(v1::StatusRequest {}).await.unwrap().into_inner();
            assert_eq!(status.nodes.iter().find(|node| node.supplier == "police").unwrap().software, hostile);
            let explain = v1::ExplainRequest { dataset: "victims".to_owned(), document: Vec::new(), scope: Vec::new() };
            let told = self.first.explain(explain).await.unwrap().into_inner().suppliers;
            assert_eq!(told.iter().find(|node| node.supplier == "police").unwrap().agreement, hostile);
            for place in 0..4 {
                let names = |at: usize, usual: &str| vec![(if place == at { hostile } else { usual }).to_owned()];
                let holding = v1::Holding {
                    dataset: names(0, "victims").remove(0),
                    variables: names(1, "sex"),
                    measures: names(2, "days"),
                    editions: names(3, EDITION),
                    first_year: 2020,
                    last_year: 2022,
                };
                let mut words = v1::Hello::from(hello("police"));
                words.holdings = Some(v1::Holdings { datasets: vec![holding] });
                let first = v1::NodeMessage { message: Some(Up::Hello(words)) };
                let channel = self.federation.connect(self.running, "optelsom:node:police").await.channel;
                let mut node = v1::node_service_client::NodeServiceClient::new(channel);
                let refused = node.attend(Request::new(tokio_stream::iter([first]))).await.unwrap_err();
                assert!(refused.message().contains("holding."), "{place}: {hostile}: {refused}");
            }
        }
    }

    /// What was accepted is there as it was asked, for the one who asked and for the one who is to approve; nothing else is.
    async fn only_these_are_there(&mut self, asked: &[Question]) {
        let listed = self.first.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries;
        let listed: BTreeSet<_> = listed.into_iter().map(|query| query.purpose).collect();
        assert_eq!(listed, HOSTILE.map(str::to_owned).into());
        let mut pending = self.second.pending(v1::PendingRequest {}).await.unwrap().into_inner().queries;
        assert_eq!(pending.len(), asked.len());
        pending.retain(|waiting| !asked.iter().any(|question| question.request == *waiting));
        assert!(pending.is_empty(), "{pending:?}");
        assert!(self.second.list(v1::ListRequest { most: 0 }).await.unwrap().into_inner().queries.is_empty());
    }
}

impl Question {
    fn id(&self) -> [u8; 32] {
        let entry = QueryEntry::from_bytes(&self.request.query.as_ref().unwrap().entry).unwrap();
        *entry.id().as_bytes()
    }
}

fn hex(question: &Question) -> String {
    optelsom_codebook::QueryId::from_bytes(question.id()).to_string()
}

/// Canonical bytes with this text in place of another; each is led by its length.
fn replaced(canonical: &[u8], text: &str, by: &str) -> Vec<u8> {
    let field = |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let old = field(text);
    let at = canonical.windows(old.len()).position(|window| window == old).expect("the field");
    [&canonical[..at], &field(by), &canonical[at + old.len()..]].concat()
}
