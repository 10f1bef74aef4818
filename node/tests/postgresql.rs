//! Freezing from PostgreSQL: one read-only `SELECT` with a time limit, and what it says when that cannot be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/shared/postgresql.rs"]
mod postgresql;
#[path = "../../tests/shared/skip.rs"]
mod skip;
mod supplier;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use optelsom_node::source::{PostgresqlSource, Source, SourceError, View};
use postgresql::Postgresql;
use sqlx::{Connection as _, Executor as _};
use supplier::Supplier;

const BINDINGS: &str = r#"
[datasets.victims]
source = { postgresql = { url_file = "url", view = "optelsom.meldingen", time_limit_seconds = 30 } }
[datasets.victims.variables.year]
column = "datum"
transform = { year_of_date = {} }
[datasets.victims.variables.sex]
column = "Geslacht"
[datasets.victims.variables.form]
column = "vorm"
separator = "|"
[datasets.victims.measures.damages]
column = "schade"
"#;

#[test]
fn a_view_is_frozen_and_nothing_can_be_written() {
    let Some(server) = Postgresql::start() else { return };
    let supplier = Supplier::new();
    supplier.write_secret("url", server.url() + "\n");
    tell(
        &server,
        "CREATE SCHEMA optelsom; CREATE TABLE touched (at int);
        CREATE TABLE records (datum date, geslacht text, vorm text, schade numeric, naam text);
        INSERT INTO records SELECT date '2019-01-01' + (i % 2000), CASE i % 3 WHEN 0 THEN 'f' WHEN 1 THEN 'M' END,
            CASE WHEN i % 2 = 0 THEN 'labour|criminal' END, i / 100.0, 'x' FROM generate_series(0, 4999) i;
        CREATE VIEW optelsom.meldingen AS SELECT datum, geslacht AS \"Geslacht\", vorm, schade, naam FROM records;
        ALTER DATABASE postgres SET datestyle = 'German';",
    );
    let manifest = supplier.freeze(BINDINGS).unwrap();
    assert_eq!(manifest.summary().rows, 5000);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY sex"), [1667, 1667, 1666]);
    assert_eq!(supplier.counts("SELECT COUNT(*) FROM victims GROUP BY form"), [0, 2500, 2500, 2500]);
    let sum: i64 = (0..5000).sum();
    assert_eq!(supplier.count("SELECT SUM(damages) FROM victims").unwrap().columns()[1], [sum]);

    let fail = |bindings: &str| supplier.freeze_as(bindings, "2").unwrap_err().to_string();
    let message = fail(&BINDINGS.replace("\"vorm\"", "\"vormen\""));
    assert!(message.contains("no column `vormen` (did you mean `vorm`?)"), "{message}");
    let message = fail(&BINDINGS.replace("optelsom.meldingen", "optelsom.missing"));
    assert!(message.contains("finding the view failed"), "{message}");

    tell(
        &server,
        "CREATE FUNCTION slow() RETURNS date LANGUAGE sql AS $$ SELECT pg_sleep(60); SELECT current_date $$;
        CREATE FUNCTION touch() RETURNS date LANGUAGE sql AS $$ INSERT INTO touched VALUES (1); SELECT current_date $$;
        CREATE VIEW slow_view AS SELECT slow() AS datum, geslacht AS \"Geslacht\", vorm, schade FROM records;
        CREATE VIEW sly_view AS SELECT touch() AS datum, geslacht AS \"Geslacht\", vorm, schade FROM records;",
    );
    let limited = BINDINGS
        .replace("optelsom.meldingen", "slow_view")
        .replace("time_limit_seconds = 30", "time_limit_seconds = 1");
    let message = fail(&limited);
    assert!(message.contains("The time limit was reached"), "{message}");
    let message = fail(&BINDINGS.replace("optelsom.meldingen", "sly_view"));
    assert!(message.contains("read-only transaction"), "{message}");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let supplier = Supplier::new();
    supplier.write_secret("url", "postgresql://reader:s3cret@127.0.0.1:1/records");
    let message = supplier.complaint(BINDINGS);
    assert!(message.contains("the database 127.0.0.1:1/records: connecting failed"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    supplier.write_secret("url", "postgresql//reader:s3cret@nowhere");
    let message = supplier.complaint(BINDINGS);
    assert!(message.contains("not a PostgreSQL URL") && !message.contains("s3cret"), "{message}");
}

#[test]
fn a_password_that_others_can_read_is_refused() {
    let supplier = Supplier::new();
    supplier.write_secret("url", "postgresql://reader:s3cret@127.0.0.1:1/records");
    for mode in [0o644, 0o640, 0o604] {
        supplier.set_mode("url", mode);
        let message = supplier.complaint(BINDINGS);
        let wanted = format!(
            "…/url holds a password and is open to others (mode {mode:04o}). Make it the owner's alone: chmod 600 …/url"
        );
        assert_eq!(message, wanted);
    }
    supplier.set_mode("url", 0o400);
    assert!(supplier.complaint(BINDINGS).contains("connecting failed"));
}

/// A server that lets anybody in, and from then on says nothing.
fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut length = [0; 4];
            client.read_exact(&mut length).unwrap();
            let mut startup = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
            client.read_exact(&mut startup).unwrap();
            // AuthenticationOk, ReadyForQuery.
            client.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
            kept.push(client);
        }
    });
    format!("postgresql://reader:s3cret@{address}/records?sslmode=disable")
}

#[test]
fn a_database_that_falls_silent_is_given_up() {
    let supplier = Supplier::new();
    supplier.write_secret("url", silent_server());
    let (url_file, view) = (supplier.path("url"), View::new("meldingen").unwrap());
    let source = Source::Postgresql(PostgresqlSource { url_file, view, time_limit: Duration::from_millis(50) });
    let read = source.read(&["datum".to_owned()], &mut |_| {}, |_, _| Ok::<_, SourceError>(()));
    for message in [read.unwrap_err().to_string(), source.columns().unwrap_err().to_string()] {
        assert!(message.contains("The time limit was reached: raise `time_limit_seconds`"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}

fn tell(server: &Postgresql, statements: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server.url()).await.unwrap();
        connection.execute(sqlx::raw_sql(statements)).await.unwrap();
    });
}
