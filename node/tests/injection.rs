//! Text that is meant to be read as SQL, in every string of a configuration, of a supplier's records, of a question in the
//! journal and of a command line: it is refused, or kept and given back as the same text, and no table is harmed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/shared/hostile.rs"]
mod hostile;
#[path = "../../tests/shared/postgresql.rs"]
mod postgresql;
#[path = "../../tests/shared/skip.rs"]
mod skip;
mod supplier;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use hostile::{HOSTILE, with_each_string_as};
use optelsom_codebook::{QueryId, Timestamp};
use optelsom_node::daemon::store::{Decision, Question, Store};
use postgresql::Postgresql;
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};
use supplier::Supplier;

/// What a supplier's database holds: a row for each hostile text, and one whose text is a plain one.
async fn fill(url: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    connection.execute("CREATE TABLE queries (year INTEGER, sex TEXT, form TEXT, days INTEGER)").await.unwrap();
    connection.execute("CREATE VIEW reports AS SELECT * FROM queries").await.unwrap();
    for text in HOSTILE.into_iter().chain(["vrouw"]) {
        let insert = sqlx::query("INSERT INTO queries VALUES (2024, $1, $2, 7)").bind(text).bind(text);
        insert.execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// All that stands there, and what the table is made of.
async fn content(url: &str, tables: &'static str) -> Vec<String> {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let mut content = Vec::new();
    for statement in ["SELECT sex FROM queries ORDER BY sex", tables] {
        let rows = sqlx::query(statement).fetch_all(&mut connection).await.unwrap();
        content.extend(rows.iter().map(|row| row.try_get::<String, _>(0).unwrap()));
    }
    connection.close().await.unwrap();
    content
}

/// Every hostile text stands for men, and in the other variable for labour.
fn configuration(source: &str) -> String {
    let map = |code: &str| {
        let map = HOSTILE.into_iter().map(|text| format!("{} = \"{code}\"", Value::from(text)));
        map.collect::<Vec<_>>().join(", ")
    };
    format!(
        r#"
supplier = "police"
codebook = "codebook.toml"
agreement = "agreement.toml"
identity = {{ file = "identity.key" }}
coordinator = {{ address = "bureau.example:8443", server_name = "bureau", certificate = "c", key = "k", authority = "a" }}
[datasets.victims]
source = {{ {source} }}
[datasets.victims.variables.year]
column = "year"
[datasets.victims.variables.sex]
column = "sex"
map = {{ {}, vrouw = "F" }}
[datasets.victims.variables.age_group]
constant = "18+"
[datasets.victims.variables.form]
column = "form"
map = {{ {} }}
otherwise = "sexual"
[datasets.victims.measures.days]
column = "days"
"#,
        map("M"),
        map("labour")
    )
}

/// Freezes with the configuration as it is, and with each string of it exchanged.
fn every_string_of_a_configuration(supplier: &Supplier, source: &str, url: &str, tables: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fill(url));
    let before = runtime.block_on(content(url, tables));
    let text = configuration(source);
    let manifest = supplier.freeze_document(&text, "1").unwrap();
    assert_eq!(manifest.summary().rows, HOSTILE.len() as u64 + 1);
    let hostile = i64::try_from(HOSTILE.len()).unwrap();
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1, hostile, 0]);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [1, hostile, 0, 0]);

    let document: Value = toml::from_str(&text).unwrap();
    let (mut frozen, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (at, hostile) in HOSTILE.into_iter().enumerate() {
        // The maps are long, and of each the names are as good as any other: two of them suffice.
        let changed = with_each_string_as(&document, hostile);
        let changed = changed.into_iter().filter(|(place, _)| !place.contains("map") || place.ends_with("vrouw"));
        for ((place, changed), number) in changed.zip(0..) {
            let (text, edition) = (toml::to_string(&changed).unwrap(), format!("e{at}x{number}"));
            let done = supplier.freeze_document(&text, &edition);
            (if done.is_ok() { &mut frozen } else { &mut refused }).insert(place);
        }
    }
    assert_eq!(runtime.block_on(content(url, tables)), before);
    // What reaches a statement, or has to be a name, never passes.
    let columns = ["year", "sex", "form"].map(|name| format!("/datasets/victims/variables/{name}/column"));
    let mut never = vec!["/supplier".to_owned(), "/datasets/victims/measures/days/column".to_owned()];
    never.extend(columns);
    let view = refused.iter().find(|place| place.ends_with("/view")).unwrap();
    never.push(view.clone());
    for place in never {
        assert!(refused.contains(&place) && !frozen.contains(&place), "{place}: {frozen:?}");
    }
    assert!(refused.len() > 15, "{refused:?}");
}

#[test]
fn sqlite() {
    let supplier = Supplier::new();
    let url = format!("sqlite:{}?mode=rwc", supplier.path("records.sqlite").display());
    let source = "sqlite = { path = \"records.sqlite\", view = \"reports\" }";
    every_string_of_a_configuration(&supplier, source, &url, "SELECT sql FROM sqlite_master ORDER BY sql");
}

#[test]
fn postgresql() {
    let Some(server) = Postgresql::start() else { return };
    let supplier = Supplier::new();
    supplier.write_secret("url", server.url());
    let source = "postgresql = { url_file = \"url\", view = \"reports\", time_limit_seconds = 30 }";
    let tables = "SELECT (table_name || '.' || column_name)::text FROM information_schema.columns \
                  WHERE table_schema = 'public' ORDER BY 1";
    every_string_of_a_configuration(&supplier, source, &server.url(), tables);
}

/// A question each string of which is this text.
fn question(text: &str, number: u8) -> Question {
    let text = || text.to_owned();
    Question {
        query: QueryId::from_bytes([number; 32]),
        received_at: Timestamp::from_millis(1_735_689_600_000 + u64::from(number)),
        dataset: text(),
        edition: text(),
        purpose: text(),
        requester: text(),
        document: text(),
        decision: Some(Decision::Waiting),
    }
}

async fn tables(state: &Path) -> Vec<String> {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}", state.join("node.sqlite").display());
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let rows = sqlx::query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

#[tokio::test]
async fn questions_in_the_journal_and_words_of_a_command_line() {
    let supplier = Supplier::new();
    supplier.write("node.toml", format!("supplier = \"police\"\n{}", supplier::CSV));
    let state = supplier.path("state");
    let store = Store::open(&state).await.unwrap();
    let mut asked: Vec<_> = HOSTILE.into_iter().zip(1..).map(|(text, number)| question(text, number)).collect();
    for question in &asked {
        store.note_question(question).await.unwrap();
        store.await_decision(&question.query).await.unwrap();
        store.note_admitted(&question.query, question.received_at).await.unwrap();
    }
    // Latest first, as the store gives them.
    asked.reverse();
    let before = tables(&state).await;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom-node"));
        command.arg("--configuration").arg(supplier.path("node.toml")).args(arguments);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for hostile in HOSTILE {
        assert_eq!(
            store.admitted_since(hostile, Timestamp::from_millis(0), &QueryId::from_bytes([0; 32])).await.unwrap(),
            1
        );
        let after_digits = format!("0101{hostile}");
        for digits in [hostile, &after_digits] {
            for command in ["approve", "deny", "journal"] {
                assert_eq!(run(&[command, digits]).0, 1, "{command} {digits}");
            }
        }
        let edition = format!("--edition={hostile}");
        assert_ne!(run(&["freeze", hostile, "--edition=1"]).0, 0, "{hostile}");
        assert_ne!(run(&["freeze", "victims", &edition]).0, 0, "{hostile}");
        assert_ne!(run(&["preview", hostile]).0, 0, "{hostile}");
    }
    assert_eq!(store.questions("").await.unwrap(), asked);
    assert_eq!(tables(&state).await, before);
    let (code, journal) = run(&["journal", "--format", "json"]);
    assert_eq!(code, 0);
    for (line, question) in journal.lines().zip(&asked) {
        let line: Value = serde_json::from_str(line).unwrap();
        for field in ["dataset", "edition", "purpose", "requester", "document"] {
            assert_eq!(line[field], question.purpose.as_str(), "{field}");
        }
    }
    assert_eq!(journal.lines().count(), asked.len());
}
