//! A log with every kind of ending, as a bureau would have it after a few days, and the folder that it exports to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use optelsom_codebook::{Codebook, EditionId, Hash256, Query, QueryId, SupplierId, Timestamp};
use optelsom_ledger::audit::{CHECKPOINT, Files, RELEASE_FILES, document_path, release_folder};
use optelsom_ledger::entry::signing::{final_bytes, refused_bytes, void_bytes};
use optelsom_ledger::entry::{
    AbandonmentEntry, Approval, ApprovalRule, AuthorisationEntry, DocumentChange, DocumentEntry, EditionEntry, Entry,
    FinalEntry, Outcome, ParticipantsEntry, ReasonCode, RefusalEntry, RefusedBy, ReleaseEntry, SpentEntry, Subject,
    VoidEntry, Vote, Votes, salted_digest,
};
use optelsom_ledger::note::{Committee, CosignerKey, KeyName, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::{Edge, TilePath, Tiles};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, Trust};

pub const CODEBOOK: &str = include_str!("../samples/codebook.toml");

pub const SUPPLIERS: [&str; 6] = ["border-police", "labour", "police", "prosecution", "shelters", "youth-care"];

/// 2026-11-02T09:30:00Z.
const MONDAY: Timestamp = Timestamp::from_millis(1_793_611_800_000);
const HOUR: u64 = 3_600_000;

pub fn supplier(name: &str) -> SupplierId {
    SupplierId::try_from(name).unwrap()
}

fn reason(code: &str) -> ReasonCode {
    ReasonCode::try_from(code).unwrap()
}

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

fn supplier_key(name: &str) -> IdentityKey {
    let place = SUPPLIERS.iter().position(|other| *other == name).unwrap();
    key(u8::try_from(place).unwrap() + 1)
}

fn key_name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

/// The log while it is being written.
pub struct Sample {
    codebook: Codebook,
    pub roster: Roster,
    log: LogKey,
    edge: Edge,
    tiles: Tiles,
    documents: BTreeMap<Hash256, Vec<u8>>,
    queries: BTreeMap<u64, QueryId>,
    releases: Files,
    now: Timestamp,
}

impl Sample {
    /// A log with its documents, and no query yet: entries 0 to 3.
    pub fn opened() -> Self {
        let member = |name: &str| Member { supplier: supplier(name), identity: supplier_key(name).public() };
        let person = |key_id: &str, seed: u8| Requester { key_id: key_id.to_owned(), identity: key(seed).public() };
        let persons = vec![person("analyst-1", 101), person("analyst-2", 102)];
        let mut sample = Self {
            codebook: Codebook::parse(CODEBOOK).unwrap(),
            roster: Roster::new(SUPPLIERS.map(member).to_vec(), persons, Some(1)).unwrap(),
            log: LogKey::new(key_name("optelsom.example/bureau"), key(100)),
            edge: Edge::new(),
            tiles: Tiles::new(),
            documents: BTreeMap::new(),
            queries: BTreeMap::new(),
            releases: Files::new(),
            now: MONDAY,
        };
        let (roster, codebook) = (sample.roster.clone(), sample.codebook.hash());
        sample.document(Subject::Roster, &roster.to_toml(), roster.hash(), None);
        sample.document(Subject::Codebook, CODEBOOK, codebook, None);
        sample.document(Subject::Policy, "minimum_frequency = 10\n", Hash256::of(b"policy"), None);
        let edition = EditionId::try_from("2024-12").unwrap();
        sample.push(&Entry::Edition(EditionEntry::sign("victims".to_owned(), edition, MONDAY, &key(100))));
        sample
    }

    /// One of everything: released whole and in part, refused, given up, void, spent, and one that goes on.
    pub fn good() -> Self {
        let mut sample = Self::opened();
        let all = SUPPLIERS;
        let (first, id) = sample.ask(
            "SELECT year, sex, COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2024 GROUP BY year, sex",
            Some("analyst-2"),
        );
        sample.total(first, id, &all);
        sample.release(first, Outcome::Complete, &[("hidden-protects-others", 1), ("hidden-too-few", 3)]);
        let (second, id) = sample.ask(
            "SELECT form, COUNT(*) FROM victims WHERE year = 2015 AND form IN ('sexual', 'labour') GROUP BY form",
            None,
        );
        sample.refuse(second, id, "youth-care", "outside-period");
        sample.total(second, id, &all[..5]);
        sample.release(second, Outcome::Incomplete, &[]);
        let (third, _) = sample.ask("SELECT sex, COUNT(*) FROM victims WHERE year = 2024 GROUP BY sex", None);
        sample.push(&Entry::Abandonment(AbandonmentEntry::sign(third, reason("too-few-suppliers"), &key(100))));
        let (fourth, _) = sample.ask("SELECT COUNT(*) FROM victims", None);
        sample.push(&Entry::Refusal(RefusalEntry::of_query(fourth, reason("policy"), &key(100))));
        let (fifth, id) = sample.ask("SELECT year, COUNT(*) FROM victims WHERE year = 2019 GROUP BY year", None);
        sample.void(fifth, id);
        let (sixth, id) = sample.ask("SELECT year, COUNT(*) FROM victims WHERE year = 2018 GROUP BY year", None);
        sample.total(sixth, id, &all);
        sample.push(&Entry::Spent(SpentEntry::sign(sixth, reason("sum-mismatch"), &key(100))));
        sample.ask("SELECT year, form, COUNT(*) FROM victims GROUP BY year, form", Some("analyst-2"));
        sample
    }

    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    pub fn push(&mut self, entry: &Entry) -> u64 {
        let extension = self.edge.extend(&[entry.to_leaf().unwrap()]).unwrap();
        self.tiles.extend(extension.tiles);
        self.edge = extension.edge;
        self.edge.size() - 1
    }

    fn keep(&mut self, document: &[u8]) -> Hash256 {
        let hash = Hash256::of(document);
        self.documents.insert(hash, document.to_vec());
        hash
    }

    pub fn document(&mut self, subject: Subject, text: &str, named: Hash256, predecessor: Option<u64>) -> u64 {
        let change = DocumentChange { subject, document: self.keep(text.as_bytes()), named, predecessor };
        let signature = change.sign(&key(100));
        self.push(&Entry::Document(DocumentEntry::new(change, signature).unwrap()))
    }

    fn entry(&mut self, sql: &str) -> QueryEntry {
        let query = Query::from_sql(&self.codebook, sql).unwrap();
        self.now = self.now.plus_millis(HOUR);
        QueryEntry {
            query: self.keep(&query.canonical_bytes()),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: self.codebook.hash(),
            roster: self.roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: SUPPLIERS.map(supplier).to_vec(),
            collusion: 1,
            min_suppliers: 5,
            asked_at: self.now,
            expires_at: self.now.plus_millis(HOUR / 6),
            nonce: [7; 16],
        }
    }

    /// A signed query: its index, and λ.
    pub fn ask(&mut self, sql: &str, approver: Option<&str>) -> (u64, QueryId) {
        let signed = self.entry(sql).sign(&key(101));
        let id = signed.entry.id();
        let query = self.push(&Entry::Query(signed.entry));
        self.queries.insert(query, id);
        let approval = approver.map(|approver| Approval::sign(&key(102), approver, &id));
        self.push(&Entry::Authorisation(AuthorisationEntry { query, requester: signed.signature, approval }));
        (query, id)
    }

    fn votes(&self, statement: &[u8]) -> Votes {
        Votes::new(
            SUPPLIERS.iter().take(4).map(|name| Vote::sign(&supplier_key(name), supplier(name), statement)).collect(),
        )
    }

    /// An attempt of these suppliers.
    pub fn attempt(query: u64, id: QueryId, names: &[&str]) -> ParticipantsEntry {
        let certificate = Hash256::of(format!("certificate of {id}").as_bytes());
        let submissions = Hash256::of(format!("submissions to {id}").as_bytes());
        let participants = names.iter().map(|name| supplier(name)).collect();
        ParticipantsEntry { query, attempt: 1, participants, submissions, certificate }
    }

    /// An attempt of these suppliers, made final.
    pub fn total(&mut self, query: u64, id: QueryId, names: &[&str]) -> u64 {
        let entry = Self::attempt(query, id, names);
        let statement = entry.statement();
        let participants = self.push(&Entry::Participants(entry));
        let votes = self.votes(&final_bytes(&id, 1, &self.roster.hash(), &statement));
        self.push(&Entry::Final(FinalEntry { query, participants, votes }))
    }

    pub fn release(&mut self, query: u64, outcome: Outcome, hidden: &[(&str, u64)]) -> u64 {
        let salt = [u8::try_from(query).unwrap(); 32];
        let (table, proof) = (format!("{{\"table\":{query}}}").into_bytes(), format!("proof of {query}").into_bytes());
        let commitments = format!("commitments of {query}").into_bytes();
        let (digests, participants) = ((salted_digest(&salt, &table), Hash256::of(&proof)), Hash256::of(&commitments));
        let folder = release_folder(&self.queries[&query]);
        for (name, bytes) in RELEASE_FILES.into_iter().zip([table, salt.to_vec(), proof, commitments]) {
            self.releases.insert(format!("{folder}{name}"), bytes);
        }
        let hidden = hidden.iter().map(|(rule, cells)| (reason(rule), *cells)).collect();
        let (table, proof) = digests;
        self.push(&Entry::Release(ReleaseEntry { query, outcome, table, hidden, participants, proof }))
    }

    pub fn refuse(&mut self, query: u64, id: QueryId, name: &str, why: &str) -> u64 {
        let statement = refused_bytes(&id, &self.roster.hash(), &supplier(name), &reason(why));
        let signature = supplier_key(name).sign(&statement);
        let by = RefusedBy::Supplier(supplier(name));
        self.push(&Entry::Refusal(RefusalEntry { query, reason: reason(why), by, signature }))
    }

    fn void(&mut self, query: u64, id: QueryId) {
        let votes = self.votes(&void_bytes(&id, &self.roster.hash()));
        self.push(&Entry::Void(VoidEntry { query, reason: reason("voters-gone"), votes }));
    }

    fn cosigners() -> Vec<CosignerKey> {
        let name = |name: &str| key_name(&format!("optelsom.example/bureau/{name}"));
        (201..).zip(SUPPLIERS).map(|(seed, supplier)| CosignerKey::new(name(supplier), key(seed))).collect()
    }

    /// The file that the auditor trusts.
    pub fn trust() -> Trust {
        let cosigners = Self::cosigners().iter().map(|cosigner| cosigner.verifier().clone()).collect();
        let log = LogKey::new(key_name("optelsom.example/bureau"), key(100)).verifier().clone();
        Trust::new(log, Committee::new(cosigners, 1, 1).unwrap(), ApprovalRule::OnePerson)
    }

    /// A checkpoint that all witnesses have cosigned a few hours after the last query.
    pub fn checkpoint(&self) -> Vec<u8> {
        let checkpoint = SignedCheckpoint::sign(self.edge.head().unwrap(), &self.log).unwrap();
        let (fresh, empty) = (WitnessRecord::fresh(self.log.verifier()), ConsistencyProof::empty());
        let (bytes, now) = (checkpoint.to_bytes(), self.now.plus_millis(2 * HOUR));
        let one = |key: &CosignerKey| cosign(&fresh, &bytes, &empty, self.log.verifier(), key, now).unwrap().stored().1;
        let all: Vec<_> = Self::cosigners().iter().map(one).collect();
        checkpoint.with_cosignatures(&all).unwrap().to_bytes()
    }

    pub fn files(&self) -> Files {
        let mut files = Files::from([(CHECKPOINT.to_owned(), self.checkpoint())]);
        files.extend(TilePath::all(self.edge.size()).map(|path| (path.to_string(), self.tiles[&path].clone())));
        files.extend(self.releases.clone());
        files.extend(self.documents.iter().map(|(hash, bytes)| (document_path(hash), bytes.clone())));
        files
    }

    /// Writes the export, and beside it the auditor's own `trust.toml`.
    pub fn write(&self, folder: &Path, name: &str) {
        write(&folder.join(name), &self.files());
        fs::write(folder.join("trust.toml"), Self::trust().to_toml()).unwrap();
    }
}

pub fn write(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
