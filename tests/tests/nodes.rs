//! What a supplier's operator and an analyst do by hand, over real processes: approve and deny, check the connection, and be
//! told plainly who refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use optelsom_codebook::QueryId;
use optelsom_coordinator::{Authority, clock};
use optelsom_disclosure::{CellValue, Release};
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use optelsom_tests::daemons::binary;
use processes_federation::{Federation, PATIENCE, truth};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tonic::Streaming;

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";
const CHECK_FAILED: i32 = 4;
/// `police:s3cret`, by the Basic scheme.
const AUTHORISATION: &str = "proxy-authorization: basic cg9sawnlonmzy3jlda==";

/// Runs a command to its end; its exit code, and all that it says.
async fn run(command: &mut Command) -> (i32, String) {
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

async fn node(configuration: &Path, arguments: &[&str]) -> (i32, String) {
    run(Command::new(binary("optelsom-node")).arg("--configuration").arg(configuration).args(arguments)).await
}

/// Where the coordinator listens.
fn address(federation: &Federation) -> String {
    let text = fs::read_to_string(federation.folder().join("coordinator.toml")).unwrap();
    text.split('"').find(|part| part.starts_with("127.0.0.1:")).unwrap().to_owned()
}

/// A query's end, and its release if there is one.
async fn follow(mut events: Streaming<v1::QueryEvent>) -> (v1::Outcome, Option<Release>) {
    let mut release = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        match event.event.unwrap() {
            Event::Accepted(_) | Event::Progress(_) => {}
            Event::Release(part) => release.extend(part),
            Event::End(end) => {
                let release = (!release.is_empty()).then(|| Release::from_json(&release).unwrap());
                return (end.outcome(), release);
            }
        }
    }
    panic!("the stream ended before the query did");
}

/// Waits until the police's node lists this query, and gives what it says of it.
async fn until_pending(federation: &Federation, id: &QueryId) -> String {
    let configuration = federation.folder().join("police.toml");
    let waiting = async {
        loop {
            let (code, said) = node(&configuration, &["pending"]).await;
            assert_eq!(code, 0, "{said}");
            if said.contains(&id.short()) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("nothing waits at the police\n{}", federation.logs()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_or_denies() {
    let mut federation = Federation::start();
    let agreement = federation.folder().join("police.agreement.toml");
    let text = fs::read_to_string(&agreement).unwrap();
    fs::write(&agreement, text + "every_query_waits_for_approval = true\n").unwrap();
    federation.kill_and_restart("police");
    federation.announce().await;
    let configuration = federation.folder().join("police.toml");
    assert!(node(&configuration, &["pending"]).await.1.contains("No query waits for a person."));
    let mut analyst = federation.analyst().await;
    for (nonce, approve) in [(1, true), (2, false)] {
        let asked = federation.question(QUESTION, nonce);
        let id = asked.query().entry.id();
        let events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
        let said = until_pending(&federation, &id).await;
        assert!(said.contains("SELECT sex, COUNT(*) FROM victims") && said.contains("purpose monitor"), "{said}");
        // Whoever restarts a node has not decided anything.
        federation.kill_and_restart("police");
        assert_eq!(until_pending(&federation, &id).await, said);
        let (verb, done) = if approve { ("approve", "approved") } else { ("deny", "denied") };
        let (code, said) = node(&configuration, &[verb, &id.short()]).await;
        assert!(code == 0 && said.contains(&format!("is {done}")), "{said}");
        let ended = tokio::time::timeout(PATIENCE, follow(events)).await;
        let (outcome, release) = ended.unwrap_or_else(|_| panic!("{verb}: no end\n{}", federation.logs()));
        if approve {
            let release = release.unwrap();
            let shown = release.table().rows().iter().map(|row| match row.figures()[0] {
                CellValue::Shown(figure) => figure.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(shown.collect::<Vec<_>>(), truth());
        } else {
            assert!(outcome == v1::Outcome::Abandoned && release.is_none(), "{outcome:?}");
            let (_, journal) = node(&configuration, &["journal", &id.short()]).await;
            assert!(journal.contains("by a person here: denied") && journal.contains("refused: denied"), "{journal}");
        }
        let (code, said) = node(&configuration, &["approve", &id.short()]).await;
        assert!(code == 1 && said.contains(&format!("it was {done} before")), "{said}");
    }
}

/// A proxy for HTTP CONNECT that wants a name and a password.
async fn proxy() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                if !head.contains(AUTHORISATION) {
                    return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
                }
                let target = head.split(' ').nth(1).unwrap_or_default();
                let mut server = tokio::net::TcpStream::connect(target).await?;
                client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
                copy_bidirectional(&mut client, &mut server).await.map(|_| ())
            });
        }
    });
    address
}

/// Credentials of this role by another authority than the federation's.
fn foreign(federation: &Federation, role: &str) {
    let authority = Authority::new("another authority", clock::now(), 2).unwrap();
    let issued = authority.issue(&role.parse().unwrap(), &[], clock::now(), 1).unwrap();
    issued.write(federation.folder(), "foreign").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_wrong_with_a_connection() {
    let federation = Federation::start();
    federation.analyst().await;
    let here = address(&federation);
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let through = proxy().await;
    foreign(&federation, "optelsom:node:police");
    let secret = federation.folder().join("proxy.secret");
    fs::write(&secret, "police:s3cret\n").unwrap();
    let check = async |changes: &[(&str, &str)]| {
        let path = federation.folder().join("checked.toml");
        let mut text = fs::read_to_string(federation.folder().join("police.toml")).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        fs::write(&path, text).unwrap();
        node(&path, &["check", "--quick"]).await
    };
    let (code, said) = check(&[]).await;
    assert!(code == 0 && said.contains(&format!("connection: {here} answers, by X25519MLKEM768")), "{said}");
    let failed = async |changes: &[(&str, &str)], wanted: &str| {
        let (code, said) = check(changes).await;
        assert!(code == CHECK_FAILED && said.contains("FAILED  ") && said.contains(wanted), "{wanted}\n{said}");
    };
    failed(&[(&here, &nowhere)], &format!("{nowhere} cannot be reached")).await;
    let other = [("\"police.pem\"", "\"border.pem\""), ("\"police.key\"", "\"border.key\"")];
    failed(&other, "the certificate is that of optelsom:node:border").await;
    let own = [("\"police.pem\"", "\"foreign.pem\""), ("\"police.key\"", "\"foreign.key\"")];
    failed(&own, "does not accept this side's certificate; was it issued by the federation's authority?").await;
    let proxied = format!("address = \"{here}\"\nproxy = \"{through}\"");
    let plain = format!("address = \"{here}\"");
    failed(&[(&plain, &proxied)], "a 407 wants proxy_credentials").await;
    let with_secret = format!("{proxied}\nproxy_credentials = \"proxy.secret\"");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    failed(&[(&plain, &with_secret)], "chmod 600").await;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (code, said) = check(&[(&plain, &with_secret)]).await;
    assert!(code == 0 && said.contains(&format!("connection: {here} answers")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_certificate_is_exit_code_3_each_time() {
    let federation = Federation::start();
    federation.analyst().await;
    foreign(&federation, "optelsom:analyst:analyst-1");
    let here = address(&federation);
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let list = async |party: &str, coordinator: &str| {
        let path = federation.folder().join("analyst.toml");
        let text = format!(
            "coordinator = \"{coordinator}\"\ncertificate = \"{party}.pem\"\nkey = \"{party}.key\"\nauthority = \"authority.pem\"\nidentity = \"none\"\n"
        );
        fs::write(&path, text).unwrap();
        run(Command::new(binary("optelsom")).arg("--config").arg(&path).arg("list")).await
    };
    assert_eq!(list("analyst-1", &here).await.0, 0);
    assert_eq!(list("analyst-1", &nowhere).await.0, 4);
    // Somebody who hangs up has refused nothing.
    let hangs_up = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = hangs_up.local_addr().unwrap().to_string();
    let hanging_up = tokio::spawn(async move { while hangs_up.accept().await.is_ok() {} });
    assert_eq!(list("analyst-1", &mute).await.0, 4);
    hanging_up.abort();
    for round in 0..20 {
        let (code, said) = list("foreign", &here).await;
        assert!(code == 3 && said.contains("does not accept this side's certificate"), "{round}: {code} {said}");
    }
    // A node's certificate is good, and still no analyst's.
    assert_eq!(list("police", &here).await.0, 3);
}
