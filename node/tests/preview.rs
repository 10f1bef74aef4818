//! What `preview` shows is what would be sent: form and size, and no figure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod supplier;

use std::net::TcpListener;
use std::process::Command;

use optelsom_codebook::{Hash256, SupplierId};
use optelsom_ledger::{IdentityKey, Member, Roster};
use optelsom_proto::v1;
use optelsom_proto::v1::answer::Answer;
use optelsom_proto::v1::node_message::Message as Up;
use optelsom_proto::wire;
use optelsom_secagg::messages::TableChunk;
use prost::Message;
use supplier::{CSV, Supplier, csv};

const QUESTION: &str = "SELECT year, COUNT(*), SUM(damages) FROM victims GROUP BY ROLLUP(year)";
/// Six years and their total.
const CELLS: usize = 7;

const AGREEMENT: &str = r#"
supplier = "police"
version = "1"
valid = { from = "2020-01-01", until = "2099-12-31" }
[[datasets]]
name = "victims"
variables = "all"
measures = "all"
purposes = ["monitor"]
minimum_suppliers = 3
maximum_cells = 1000
queries_per_day = 10
"#;

fn member(name: &str) -> Member {
    let identity = IdentityKey::from_seed(Hash256::of(name.as_bytes()).as_bytes()).public();
    Member { supplier: SupplierId::try_from(name).unwrap(), identity }
}

fn roster(names: &[&str]) -> String {
    Roster::new(names.iter().map(|name| member(name)).collect(), Vec::new(), Some(1)).unwrap().to_toml()
}

/// A supplier with two records frozen, and a coordinator configured at this address.
fn ready(coordinator: &str) -> Supplier {
    let supplier = Supplier::new();
    let connection =
        format!("[coordinator]\naddress = \"{coordinator}\"\ncertificate = \"c\"\nkey = \"k\"\nauthority = \"a\"\n");
    supplier
        .write("node.toml", format!("supplier = \"police\"\n{CSV}\n{connection}"))
        .write("agreement.toml", AGREEMENT)
        .write("roster.toml", roster(&["border", "labour", "police", "shelters"]))
        .write("data.csv", csv(&["vrouw;;31-01-2024;seksueel;12;1.234,50", "man;;01-01-2023;;;0"]));
    supplier.freeze_as(CSV, "2024-12").unwrap();
    supplier
}

fn preview(supplier: &Supplier, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_optelsom-node"));
    command.arg("--configuration").arg(supplier.path("node.toml")).args(["preview", QUESTION]).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes| supplier.without_folder(&String::from_utf8(bytes).unwrap());
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Takes gRPC messages apart.
fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let [0, length @ ..] = head else { panic!("compressed") };
        let (frame, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        frames.push(frame.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    frames
}

/// The words of the table in these bytes, after everything about them was checked.
fn words(bytes: &[u8]) -> Vec<u64> {
    let frames = frames(bytes);
    let [submission, part] = frames.as_slice() else { panic!("{} messages", frames.len()) };
    let Some(Up::Answer(answer)) = v1::NodeMessage::decode(submission.as_slice()).unwrap().message else { panic!() };
    // The coordinator's own reading of it.
    wire::Answer::try_from(answer.clone()).unwrap();
    let Some(Answer::Submission(submission)) = answer.answer else { panic!() };
    let header = submission.header.unwrap();
    assert_eq!((header.supplier.as_str(), submission.shares.len()), ("police", 3));
    let part = v1::TablePart::decode(part.as_slice()).unwrap();
    assert_eq!(part.query, answer.query);
    let words = TableChunk::try_from(&part).unwrap().words;
    assert_eq!(words.len(), CELLS * header.columns.len());
    words
}

#[test]
fn the_bytes_are_those_of_a_submission_and_hide_every_figure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let supplier = ready(&listener.local_addr().unwrap().to_string());
    let mut seen = Vec::new();
    for name in ["first.bin", "second.bin"] {
        let path = supplier.path(name);
        let (done, out, err) = preview(&supplier, &["--bytes", "-o", path.to_str().unwrap()]);
        assert!(done, "{err}");
        let bytes = std::fs::read(path).unwrap();
        let printed: String = out.lines().filter(|line| line.bytes().all(|b| b.is_ascii_hexdigit())).collect();
        assert_eq!(printed, hex::encode(&bytes));
        assert!(out.contains(&format!("together    {} bytes, sha256 {}", bytes.len(), Hash256::of(&bytes))), "{out}");
        let words = words(&bytes);
        // Most cells are zero and the others small: no masked word is, but for a chance of 2^-30 or so.
        assert!(words.iter().all(|word| *word > 1 << 30 && *word < u64::MAX - (1 << 30)), "{words:?}");
        seen.push((bytes.len(), words));
    }
    let [first, second] = seen.as_slice() else { panic!() };
    assert_eq!(first.0, second.0, "the size is that of every such submission");
    assert!(first.1.iter().zip(&second.1).all(|(one, other)| one != other), "masks are never drawn twice");
    assert!(listener.accept().is_err(), "nothing may be connected to");
}

#[test]
fn it_says_what_would_be_sent_and_where_the_bytes_can_be_had() {
    let supplier = ready("127.0.0.1:1");
    let (done, out, err) = preview(&supplier, &[]);
    assert!(done, "{err}");
    let sent = out.split_once("\n\n").unwrap().1;
    // How many and which: the test above counts.
    let numbers = |word: &str| {
        if word.starts_with(|first: char| first.is_ascii_digit()) || word.len() == 64 {
            "#".to_owned()
        } else {
            word.to_owned()
        }
    };
    let shown = sent.lines().map(|line| line.split(' ').map(numbers).collect::<Vec<_>>().join(" ") + "\n");
    insta::assert_snapshot!(shown.collect::<String>(), @r"
    what would be sent, were the # suppliers of the roster asked:
      submission  # bytes in # message: per column a commitment; # sealed shares
      table       # bytes in # message
                  # cells × # columns × # bytes, all of them masked
      together    # bytes, sha256 #
      they begin  #
      --bytes prints them, -o FILE writes them: gRPC messages, as they travel within TLS
    masks, keys and the query's name are drawn afresh each time, here too, and thrown away again: a real
    submission has this form and size, and other bytes wherever something is masked, sealed or signed.
    No seed is kept, so nobody can take the mask off these bytes again, and neither can this supplier
    besides these a node sends, for one query: that it is ready, or why it refuses; keys for this query
    alone; its signatures; at the end a self-mask. None of them is made from what was counted
    ");
}

#[test]
fn a_file_is_never_replaced_and_bytes_need_a_roster() {
    let supplier = ready("127.0.0.1:1");
    let path = supplier.write("taken", "mine").path("taken");
    let (done, _, err) = preview(&supplier, &["-o", path.to_str().unwrap()]);
    assert!(!done && err.contains("none is replaced"), "{err}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
    supplier.write("roster.toml", roster(&["border", "labour", "shelters", "youth"]));
    let (done, out, _) = preview(&supplier, &[]);
    assert!(done && out.contains("supplier `police` is not a member of the roster"), "{out}");
    let (done, _, err) = preview(&supplier, &["--bytes"]);
    assert!(!done && err.contains("supplier `police` is not a member of the roster"), "{err}");
}
