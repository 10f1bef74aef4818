//! The audit of a log of 100,000 entries, beside bare hashing of the same bytes and checking of the same signatures.
//!
//! `cargo bench -p optelsom-ledger --bench audit`; prints one ratio of one run, and how much memory the audit took.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation, missing_docs)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use optelsom_codebook::{Codebook, EditionId, Hash256, Query, SupplierId, Timestamp};
use optelsom_ledger::audit::{CHECKPOINT, Files, Policy, RELEASE_FILES, audit, document_path, release_folder};
use optelsom_ledger::entry::signing::final_bytes;
use optelsom_ledger::entry::{
    ApprovalRule, AuthorisationEntry, DocumentChange, DocumentEntry, Entry, FinalEntry, Outcome, ParticipantsEntry,
    ReasonCode, ReleaseEntry, Subject, Vote, Votes, salted_digest,
};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::{Edge, TilePath, Tiles, read_bundle};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_ledger::{IdentityKey, Member, PublicIdentity, QueryEntry, Requester, Roster, Signature};
use sha2::{Digest, Sha256};

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.year]
years = [2000, 2024]
[datasets.victims]
unit = "report"
label = { nl = "meldingen", en = "reports" }
period = "year"
[datasets.victims.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
"#;

/// Five entries each: query, its signature, participants, final, release.
const QUERIES: u64 = 20_000;
const SUPPLIERS: u8 = 12;
const COLLUSION: usize = 3;

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

fn name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

fn supplier(number: u8) -> SupplierId {
    SupplierId::try_from(format!("supplier-{number:02}")).unwrap()
}

/// What was signed, to be checked bare.
type Signed = (PublicIdentity, Vec<u8>, Signature);

struct Bench {
    files: Files,
    policy: Policy,
    signed: Vec<Signed>,
}

struct Writing {
    leaves: Vec<Leaf>,
    files: Files,
    signed: Vec<Signed>,
    roster: Roster,
    codebook: Codebook,
}

impl Writing {
    fn push(&mut self, entry: &Entry) -> u64 {
        self.leaves.push(entry.to_leaf().unwrap());
        self.leaves.len() as u64 - 1
    }

    fn keep(&mut self, document: &[u8]) -> Hash256 {
        let hash = Hash256::of(document);
        self.files.insert(document_path(&hash), document.to_vec());
        hash
    }

    fn sign(&mut self, seed: u8, message: &[u8]) -> Signature {
        let signature = key(seed).sign(message);
        self.signed.push((key(seed).public(), message.to_vec(), signature));
        signature
    }

    fn document(&mut self, subject: Subject, text: &str, named: Hash256) {
        let change = DocumentChange { subject, document: self.keep(text.as_bytes()), named, predecessor: None };
        let signature = change.sign(&key(250));
        self.push(&Entry::Document(DocumentEntry::new(change, signature).unwrap()));
    }

    fn query(&mut self, number: u64) {
        // Half of them over one year, half over two: as many periods as a monitor of years has.
        let first = 2000 + number % 24;
        let sql = format!("SELECT COUNT(*) FROM victims WHERE year BETWEEN {first} AND {}", first + number / 24 % 2);
        let document = Query::from_sql(&self.codebook, &sql).unwrap().canonical_bytes();
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        let asked_at = Timestamp::from_millis(1_750_000_000_000 + 60_000 * number);
        let entry = QueryEntry {
            query: self.keep(&document),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: self.codebook.hash(),
            roster: self.roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: (0..SUPPLIERS).map(supplier).collect(),
            collusion: COLLUSION as u64,
            min_suppliers: 7,
            asked_at,
            expires_at: asked_at.plus_millis(600_000),
            nonce,
        };
        let id = entry.id();
        let requester = entry.clone().sign(&key(200)).signature;
        let message = optelsom_ledger::canonical::Writer::new("requester").bytes(id.as_bytes()).finish();
        self.signed.push((key(200).public(), message, requester));
        let query = self.push(&Entry::Query(entry));
        self.push(&Entry::Authorisation(AuthorisationEntry { query, requester, approval: None }));
        let list = ParticipantsEntry {
            query,
            attempt: 1,
            participants: (0..SUPPLIERS).map(supplier).collect(),
            submissions: Hash256::of(&number.to_be_bytes()),
            certificate: Hash256::of(b"certificate"),
        };
        let statement = list.statement();
        let participants = self.push(&Entry::Participants(list));
        let message = final_bytes(&id, 1, &self.roster.hash(), &statement);
        let quorum = (SUPPLIERS as usize + COLLUSION) / 2 + 1;
        let voters = 0..u8::try_from(quorum).unwrap();
        let votes = voters.map(|n| Vote { supplier: supplier(n), signature: self.sign(n + 1, &message) }).collect();
        self.push(&Entry::Final(FinalEntry { query, participants, votes: Votes::new(votes) }));
        let hidden = vec![(ReasonCode::try_from("hidden-too-few").unwrap(), 3)];
        let (salt, table, proof, commitments) = ([9; 32], number.to_be_bytes(), b"proof", b"commitments");
        for (name, bytes) in RELEASE_FILES.into_iter().zip([&table[..], &salt, proof, commitments]) {
            self.files.insert(format!("{}{name}", release_folder(&id)), bytes.to_vec());
        }
        let (table, proof, participants) = (salted_digest(&salt, &table), Hash256::of(proof), Hash256::of(commitments));
        self.push(&Entry::Release(ReleaseEntry {
            query,
            outcome: Outcome::Complete,
            table,
            hidden,
            participants,
            proof,
        }));
    }
}

fn bench() -> Bench {
    let member = |n: u8| Member { supplier: supplier(n), identity: key(n + 1).public() };
    let analyst = Requester { key_id: "analyst-1".to_owned(), identity: key(200).public() };
    let mut writing = Writing {
        leaves: Vec::new(),
        files: Files::new(),
        signed: Vec::new(),
        roster: Roster::new((0..SUPPLIERS).map(member).collect(), vec![analyst], Some(COLLUSION)).unwrap(),
        codebook: Codebook::parse(CODEBOOK).unwrap(),
    };
    let (roster, codebook) = (writing.roster.clone(), writing.codebook.hash());
    writing.document(Subject::Roster, &roster.to_toml(), roster.hash());
    writing.document(Subject::Codebook, CODEBOOK, codebook);
    writing.document(Subject::Policy, "policy", Hash256::of(b"policy"));
    (0..QUERIES).for_each(|number| writing.query(number));
    let extension = Edge::new().extend(&writing.leaves).unwrap();
    let tiles: Tiles = extension.tiles;
    writing.files.extend(TilePath::all(extension.edge.size()).map(|path| (path.to_string(), tiles[&path].clone())));
    let log = LogKey::new(name("bureau.example/optelsom"), key(250));
    let checkpoint = SignedCheckpoint::sign(extension.head, &log).unwrap();
    let cosigners: Vec<CosignerKey> =
        (0..SUPPLIERS).map(|n| CosignerKey::new(name(&format!("w{n}.example")), key(100 + n))).collect();
    let now = Timestamp::from_millis(1_750_000_000_000 + 60_000 * QUERIES);
    let (fresh, empty) = (WitnessRecord::fresh(log.verifier()), ConsistencyProof::empty());
    let one = |key: &CosignerKey| {
        cosign(&fresh, &checkpoint.to_bytes(), &empty, log.verifier(), key, now).unwrap().stored().1
    };
    let cosignatures: Vec<_> = cosigners.iter().map(one).collect();
    let cosigned = checkpoint.with_cosignatures(&cosignatures).unwrap();
    writing.files.insert(CHECKPOINT.to_owned(), cosigned.to_bytes());
    let public = cosigners.iter().map(|cosigner| cosigner.verifier().clone()).collect();
    let policy = Policy {
        log: log.verifier().clone(),
        committee: Committee::new(public, COLLUSION, COLLUSION).unwrap(),
        operator: key(250).public(),
        approvals: ApprovalRule::OnePerson,
        rosters: BTreeSet::new(),
    };
    Bench { files: writing.files, policy, signed: writing.signed }
}

/// The hashes that any check of these files needs: of documents, of entries, and of the tree over them.
fn bare_hashes(files: &Files) -> [u8; 32] {
    let mut last = [0; 32];
    for bytes in files.iter().filter(|(path, _)| !path.starts_with("tile/")).map(|(_, bytes)| bytes) {
        last = Sha256::digest(bytes).into();
    }
    let mut row: Vec<[u8; 32]> = Vec::new();
    for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("tile/entries/")) {
        let width = path.parse::<TilePath>().unwrap().width();
        let leaves = read_bundle(bytes, width).unwrap();
        row.extend(leaves.iter().map(|leaf| *leaf.hash().as_bytes()));
    }
    while row.len() > 1 {
        let node = |pair: &[[u8; 32]]| match pair {
            [one] => *one,
            pair => Sha256::new().chain_update([1]).chain_update(pair.concat()).finalize().into(),
        };
        row = row.chunks(2).map(node).collect();
    }
    row.first().map_or(last, |root| *root)
}

/// The largest amount of memory that this process has had so far, in MB, as Linux tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn main() {
    let Bench { files, policy, signed } = bench();
    let megabytes = files.values().map(Vec::len).sum::<usize>() as f64 / 1e6;
    let before = peak_memory();
    println!("{} entries, {megabytes:.0} MB, {} signatures", 5 * QUERIES + 3, signed.len());
    let (_, hashing) = timed(|| black_box(bare_hashes(&files)));
    let (valid, checking) =
        timed(|| signed.iter().all(|(key, message, signature)| key.verify(message, signature).is_ok()));
    assert!(valid);
    let (report, whole) = timed(|| audit(&files, &policy));
    assert_eq!(report.findings, vec![]);
    let bare = hashing + checking;
    println!("bare: hashing {hashing:.2?}, signatures {checking:.2?}");
    println!("audit {whole:.2?}: {:.2} times bare", whole.as_secs_f64() / bare.as_secs_f64());
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        println!("memory: {before} MB with the files, {after} MB at the most during the audit");
    }
}
