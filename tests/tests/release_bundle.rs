//! A release of a real federation, fetched with all its proofs, verified offline, and refused once anything is altered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use std::fs;
use std::path::Path;

use optelsom_codebook::{Hash256, QueryId};
use optelsom_proto::v1;
use optelsom_proto::v1::query_event::Event;
use processes_federation::{Federation, PATIENCE, ends_with, run, truth};

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";

async fn answered(federation: &Federation, nonce: u8) -> QueryId {
    let asked = federation.question(QUESTION, nonce);
    let mut events = federation.analyst().await.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    while let Some(event) = events.message().await.unwrap() {
        if let Event::End(end) = event.event.unwrap() {
            assert_eq!(end.outcome(), v1::Outcome::Opened, "{}", end.reason);
            return asked.query().entry.id();
        }
    }
    panic!("no end\n{}", federation.logs());
}

fn seal(bundle: &Path) {
    let mut names: Vec<_> =
        fs::read_dir(bundle).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "manifest");
    names.sort();
    let line = |name: &String| format!("{}  {name}\n", Hash256::of(&fs::read(bundle.join(name)).unwrap()));
    fs::write(bundle.join("manifest"), names.iter().map(line).collect::<String>()).unwrap();
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetched_release_holds_offline_and_an_altered_one_does_not() {
    let mut federation = Federation::start();
    federation.announce().await;
    let id = tokio::time::timeout(PATIENCE, answered(&federation, 1)).await.unwrap();
    let other = tokio::time::timeout(PATIENCE, answered(&federation, 2)).await.unwrap();
    let folder = federation.folder().to_owned();
    federation.write_analyst();
    let cli = |arguments: &[&str]| run(&folder, "optelsom", &[&["--config", "analyst.toml"], arguments].concat());
    let fetched = ends_with(0, &cli(&["fetch", &id.to_string(), "-o", "bundle"]));
    assert!(fetched.contains(&truth()[0]) && fetched.contains("This release holds"), "{fetched}");
    let exported = ends_with(0, &cli(&["audit", "export", "-o", "export"]));
    assert!(!exported.contains("missing"), "{exported}");
    ends_with(0, &cli(&["audit", "verify", "export"]));

    // The supplier finds what it sent; and nobody needs the coordinator for any of what follows.
    for name in ["coordinator", "police"] {
        federation.kill(name);
    }
    let journal_of = |id: &QueryId, more: &[&str]| {
        let id = id.to_string();
        run(&folder, "optelsom-node", &[&["--configuration", "police.toml", "journal", id.as_str()], more].concat())
    };
    let journal = |more: &[&str]| journal_of(&id, more);
    // Nobody has cheated who brings the wrong folder.
    let confused = ends_with(4, &journal_of(&other, &["--release", "bundle"]));
    assert!(
        confused.contains(&format!("this release is of query {id}, and the journal was asked about {other}")),
        "{confused}"
    );
    let found = ends_with(0, &journal(&["--release", "bundle", "--table"]));
    for told in ["passed the gate", "passed the guard", "submitted to attempt", "the log names it"] {
        assert!(found.contains(told), "{told} is not in\n{found}");
    }
    let verify = || run(&folder, "optelsom", &["verify", "bundle", "--trust", "trust.toml", "--roster", "roster.toml"]);
    assert!(ends_with(0, &verify()).contains("exactly the sum"));

    let bundle = folder.join("bundle");
    let good = fs::read(bundle.join("release.json")).unwrap();
    let one_more = (truth()[0].parse::<u64>().unwrap() + 1).to_string();
    replace(&bundle.join("release.json"), &format!("\"{}\"", truth()[0]), &format!("\"{one_more}\""));
    assert!(ends_with(10, &verify()).contains("release.json is not as the manifest has it"));
    seal(&bundle);
    assert!(ends_with(10, &verify()).contains("is not what the log says was released"));
    fs::write(bundle.join("release.json"), good).unwrap();
    seal(&bundle);
    ends_with(0, &verify());

    let mut commitments = fs::read(bundle.join("commitments")).unwrap();
    *commitments.last_mut().unwrap() ^= 1;
    fs::write(bundle.join("commitments"), &commitments).unwrap();
    assert!(ends_with(4, &journal(&["--release", "bundle"])).contains("commitments"));
    seal(&bundle);
    ends_with(10, &verify());
    let line = ends_with(0, &journal(&["--format", "json"]));
    let statement = format!("\"query\":\"{id}\"");
    assert!(line.contains(&statement) && line.contains("\"submission\":\""), "{line}");
    let all = run(&folder, "optelsom-node", &["--configuration", "police.toml", "journal", "--format", "json"]);
    fs::write(folder.join("journal.jsonl"), ends_with(0, &all)).unwrap();
    ends_with(0, &cli(&["audit", "compare", "journal.jsonl", "export"]));
}
