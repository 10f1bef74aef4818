//! What a supplier's operator and an analyst do by hand, over real processes: approve and deny, check the connection, and be
//! told plainly who refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use optelsom_codebook::QueryId;
use optelsom_coordinator::{Authority, clock};
use optelsom_disclosure::{CellValue, Release};
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use optelsom_tests::daemons::binary;
use processes_federation::{ASK_AGAIN, Federation, PATIENCE, truth};
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
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("nothing waits at the police\n{}", federation.logs()))
}

/// A federation whose police answer nothing that no person has approved.
async fn where_the_police_approve() -> Federation {
    let mut federation = Federation::start();
    let agreement = federation.folder().join("police.agreement.toml");
    let text = fs::read_to_string(&agreement).unwrap();
    fs::write(&agreement, text + "every_query_waits_for_approval = true\n").unwrap();
    federation.kill_and_restart("police");
    federation.announce().await;
    federation
}

/// The bureau gives the query up, and the analyst hears of it.
async fn cancelled(federation: &Federation, id: &QueryId, events: Streaming<v1::QueryEvent>) {
    let mut cancel = Command::new(binary("optelsom-coordinator"));
    cancel.current_dir(federation.folder()).args(["cancel", &id.to_string(), "--coordinator", &federation.address()]);
    cancel.args(["--certificate", "duty.pem", "--key", "duty.key", "--authority", "authority.pem"]);
    let (code, said) = run(&mut cancel).await;
    assert_eq!(code, 0, "{said}");
    let ended = tokio::time::timeout(PATIENCE, follow(events)).await;
    let (outcome, _) = ended.unwrap_or_else(|_| panic!("no end\n{}", federation.logs()));
    assert_eq!(outcome, v1::Outcome::Abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_ends_while_it_waits_is_over_and_not_denied() {
    let mut federation = where_the_police_approve().await;
    let configuration = federation.folder().join("police.toml");
    let mut analyst = federation.analyst().await;
    for (nonce, away) in [(1, false), (2, true)] {
        let asked = federation.question(QUESTION, nonce);
        let id = asked.query().entry.id();
        let events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
        until_pending(&federation, &id).await;
        if away {
            federation.kill("police");
        }
        cancelled(&federation, &id, events).await;
        if away {
            federation.spawn("police");
        }
        let over = async {
            while node(&configuration, &["pending"]).await.1.contains(&id.short()) {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let over = tokio::time::timeout(PATIENCE, over).await;
        over.unwrap_or_else(|_| panic!("it waits for ever\n{}", federation.logs()));
        for verb in ["approve", "deny"] {
            let (code, said) = node(&configuration, &[verb, &id.short()]).await;
            assert!(code == 1 && said.contains("it is over: it ended before anybody had decided"), "{said}");
        }
        let (_, journal) = node(&configuration, &["journal", &id.short()]).await;
        assert!(journal.contains("by a person here: over") && !journal.contains("denied"), "{journal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_or_denies() {
    let mut federation = where_the_police_approve().await;
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

/// A proxy for HTTP CONNECT that wants a name and a password: its address, and how many connections it has let through.
async fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let let_through = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&let_through);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
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
                counted.fetch_add(1, Ordering::Relaxed);
                copy_bidirectional(&mut client, &mut server).await.map(|_| ())
            });
        }
    });
    (address, let_through)
}

/// `police.toml` by way of this proxy.
fn by_proxy(federation: &Federation, proxy: &str) -> String {
    let secret = federation.folder().join("proxy.secret");
    fs::write(&secret, "police:s3cret\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(federation.folder().join("police.toml")).unwrap();
    let lines = format!("[coordinator]\nproxy = \"{proxy}\"\nproxy_credentials = \"proxy.secret\"\n");
    assert!(text.contains("[coordinator]\n"), "{text}");
    text.replace("[coordinator]\n", &lines)
}

/// A page of the police's node as it runs now: its log says where.
async fn page(federation: &Federation, page: &str) -> String {
    let begin = Instant::now();
    let address = loop {
        let log = fs::read_to_string(federation.folder().join("police.log")).unwrap();
        let running = log.rsplit_once("health=http://").and_then(|(_, rest)| rest.split_once("/readyz"));
        if let Some((address, _)) = running {
            break address.to_owned();
        }
        assert!(begin.elapsed() < PATIENCE, "the police's node does not run\n{}", federation.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until `/readyz` of the police's node has this status and says this.
async fn until_ready_is(federation: &Federation, status: &str, wanted: &str) {
    let begin = Instant::now();
    loop {
        let answer = page(federation, "/readyz").await;
        if answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(wanted) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{answer}\n{}", federation.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_behind_a_proxy_answers_and_its_pages_say_how_it_is() {
    let mut federation = Federation::start();
    let (through, let_through) = proxy().await;
    federation.kill("police");
    fs::remove_file(federation.folder().join("police.log")).unwrap();
    fs::write(federation.folder().join("police.toml"), by_proxy(&federation, &through)).unwrap();
    federation.spawn("police");
    federation.announce().await;
    until_ready_is(&federation, "200", "ready").await;
    assert!(page(&federation, "/healthz").await.ends_with("alive\n"));
    let asked = federation.question(QUESTION, 1);
    let mut analyst = federation.analyst().await;
    let events = analyst.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    let ended = tokio::time::timeout(PATIENCE, follow(events)).await;
    let (outcome, release) = ended.unwrap_or_else(|_| panic!("no end\n{}", federation.logs()));
    assert!(release.is_some(), "{outcome:?}");
    assert!(let_through.load(Ordering::Relaxed) > 0, "the node has gone round the proxy");
    let metrics = page(&federation, "/metrics").await;
    for wanted in ["optelsom_node_connected 1", "optelsom_node_submissions_total 1", "answer=\"ready\""] {
        assert!(metrics.contains(wanted), "{wanted}\n{metrics}");
    }
    federation.kill("coordinator");
    until_ready_is(&federation, "503", "not ready: ").await;
    assert!(page(&federation, "/healthz").await.ends_with("alive\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_shows_its_pages_to_its_own_machine_alone() {
    let federation = Federation::start();
    let text = fs::read_to_string(federation.folder().join("police.toml")).unwrap();
    let exposed = federation.folder().join("exposed.toml");
    let text = text.replace("\"police.state\"", "\"exposed.state\"") + "[health]\nlisten = \"0.0.0.0:0\"\n";
    fs::write(&exposed, text).unwrap();
    let (code, said) = node(&exposed, &["run"]).await;
    assert!(code == 1 && said.contains("0.0.0.0:0 is not on loopback, use 127.0.0.1"), "{code} {said}");
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
    let here = federation.address();
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (through, _) = proxy().await;
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
    let here = federation.address();
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
