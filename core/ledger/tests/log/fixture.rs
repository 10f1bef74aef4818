//! A federation with all its keys, and a log that entries are put into.

use optelsom_codebook::{Codebook, EditionId, Hash256, Query, QueryId, SupplierId, Timestamp};
use optelsom_ledger::entry::signing::{final_bytes, void_bytes};
use optelsom_ledger::entry::{
    AuthorisationEntry, DocumentChange, DocumentEntry, Entry, FinalEntry, ParticipantsEntry, ReasonCode, Subject,
    VoidEntry, Vote, Votes,
};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Committee, Cosignature, CosignerKey, KeyName, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, TreeHead};
use optelsom_ledger::tiles::{Edge, Tiles};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster, Scope, SignedQuery};

pub const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.year]
years = [2018, 2024]
[datasets.victims]
unit = "report"
label = { nl = "meldingen", en = "reports" }
period = "year"
[datasets.victims.variables]
year = { list = "year", label = { nl = "jaar", en = "year" } }
"#;

pub const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);

pub fn key(number: u8) -> IdentityKey {
    IdentityKey::from_seed(&[number; 32])
}

pub fn supplier(number: usize) -> SupplierId {
    SupplierId::try_from(format!("s{number:02}")).unwrap()
}

pub fn name(text: &str) -> KeyName {
    KeyName::try_from(text).unwrap()
}

pub fn reason(text: &str) -> ReasonCode {
    ReasonCode::try_from(text).unwrap()
}

/// Suppliers `s00`, `s01`, …, of whom `collusion` may collude; requesters `analyst-1` and `analyst-2`.
pub struct Federation {
    pub suppliers: usize,
    pub roster: Roster,
    pub log: LogKey,
    pub operator: IdentityKey,
    pub cosigners: Vec<CosignerKey>,
    pub committee: Committee,
}

impl Federation {
    pub fn new(suppliers: usize, collusion: usize) -> Self {
        let member = |n| Member { supplier: supplier(n), identity: supplier_key(n).public() };
        let requester = |n: u8| Requester { key_id: format!("analyst-{n}"), identity: key(200 + n).public() };
        let roster =
            Roster::new((0..suppliers).map(member).collect(), vec![requester(1), requester(2)], Some(collusion))
                .unwrap();
        let cosigners: Vec<_> =
            (0..4).map(|n| CosignerKey::new(name(&format!("s{n:02}.example/witness")), key(100 + n))).collect();
        let public = cosigners.iter().map(|cosigner| cosigner.verifier().clone()).collect();
        Self {
            suppliers,
            roster,
            log: LogKey::new(name("bureau.example/optelsom"), key(250)),
            operator: key(251),
            committee: Committee::new(public, 1, collusion.min(1)).unwrap(),
            cosigners,
        }
    }

    pub fn scope(&self) -> Scope {
        let all: Vec<_> = (0..self.suppliers).map(supplier).collect();
        self.roster.scope(&all).unwrap()
    }

    /// A query over all suppliers; the seed tells one from another.
    pub fn query(&self, seed: u8) -> QueryEntry {
        QueryEntry {
            query: Hash256::of(&self.document(seed)),
            dataset: "victims".to_owned(),
            edition: EditionId::try_from("2024-12").unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst-1".to_owned(),
            codebook: Codebook::parse(CODEBOOK).unwrap().hash(),
            roster: self.roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: (0..self.suppliers).map(supplier).collect(),
            collusion: self.roster.collusion() as u64,
            min_suppliers: (self.roster.collusion() + 3) as u64,
            asked_at: NOW,
            expires_at: NOW.plus_millis(3_600_000),
            nonce: [seed; 16],
        }
    }

    /// The query's document: from 2018 on, so that all overlap; the seed tells for how long.
    pub fn document(&self, seed: u8) -> Vec<u8> {
        let codebook = Codebook::parse(CODEBOOK).unwrap();
        let sql = format!(
            "SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2018 AND {} GROUP BY year",
            2018 + u16::from(seed % 6)
        );
        Query::from_sql(&codebook, &sql).unwrap().canonical_bytes()
    }

    pub fn signed(&self, seed: u8) -> SignedQuery {
        self.query(seed).sign(&key(201))
    }

    /// Signs as everybody of a scope.
    pub fn votes(&self, voters: usize, statement: &[u8]) -> Votes {
        Votes::new((0..voters).map(|n| Vote::sign(&supplier_key(n), supplier(n), statement)).collect())
    }

    pub fn authorisation(&self, at: u64, seed: u8) -> Entry {
        let requester = self.signed(seed).signature;
        Entry::Authorisation(AuthorisationEntry { query: at, requester, approval: None })
    }

    pub fn participants(&self, query: u64, attempt: u32, participants: Vec<SupplierId>) -> ParticipantsEntry {
        let submissions = Hash256::of(format!("{query} {attempt} {participants:?}").as_bytes());
        let certificate = Hash256::of(b"certificate");
        ParticipantsEntry { query, attempt, participants, submissions, certificate }
    }

    pub fn finality(&self, id: QueryId, at: u64, attempt: &ParticipantsEntry) -> FinalEntry {
        let scope = self.scope();
        let statement = final_bytes(&id, attempt.attempt, &scope.roster(), &attempt.statement());
        FinalEntry { query: attempt.query, participants: at, votes: self.votes(scope.quorum(), &statement) }
    }

    pub fn void(&self, id: QueryId, query: u64) -> VoidEntry {
        let scope = self.scope();
        let votes = self.votes(scope.quorum(), &void_bytes(&id, &scope.roster()));
        VoidEntry { query, reason: reason("operators-decided"), votes }
    }

    pub fn document_entry(&self, subject: Subject, document: &[u8], named: Hash256, after: Option<u64>) -> Entry {
        let change = DocumentChange { subject, document: Hash256::of(document), named, predecessor: after };
        let signature = change.sign(&self.operator);
        Entry::Document(DocumentEntry::new(change, signature).unwrap())
    }

    /// Has everybody cosign, each from nothing.
    pub fn cosigned(&self, log: &Log) -> SignedCheckpoint {
        self.cosigned_at(log, NOW)
    }

    /// Has everybody cosign at this moment.
    pub fn cosigned_at(&self, log: &Log, now: Timestamp) -> SignedCheckpoint {
        let checkpoint = log.checkpoint(self);
        let cosignatures: Vec<Cosignature> = self
            .cosigners
            .iter()
            .map(|cosigner| {
                let record = WitnessRecord::fresh(self.log.verifier());
                let (bytes, proof) = (checkpoint.to_bytes(), ConsistencyProof::empty());
                cosign(&record, &bytes, &proof, self.log.verifier(), cosigner, now).unwrap().stored().1
            })
            .collect();
        checkpoint.with_cosignatures(&cosignatures).unwrap()
    }
}

pub fn supplier_key(number: usize) -> IdentityKey {
    key(u8::try_from(number).unwrap())
}

/// A log in memory.
#[derive(Default)]
pub struct Log {
    pub edge: Edge,
    pub tiles: Tiles,
    pub leaves: Vec<Leaf>,
}

impl Log {
    /// Puts an entry in; yields its index.
    pub fn push(&mut self, entry: &Entry) -> u64 {
        self.push_leaf(entry.to_leaf().unwrap())
    }

    pub fn push_leaf(&mut self, leaf: Leaf) -> u64 {
        let extension = self.edge.extend(std::slice::from_ref(&leaf)).unwrap();
        self.tiles.extend(extension.tiles);
        self.edge = extension.edge;
        self.leaves.push(leaf);
        self.edge.size() - 1
    }

    pub fn head(&self) -> TreeHead {
        self.edge.head().unwrap()
    }

    pub fn checkpoint(&self, federation: &Federation) -> SignedCheckpoint {
        SignedCheckpoint::sign(self.head(), &federation.log).unwrap()
    }
}

/// A log of so many entries that mean nothing.
pub fn numbered(entries: u64) -> Log {
    let mut log = Log::default();
    for n in 0..entries {
        log.push_leaf(Leaf::new(format!("entry {n}").into_bytes()).unwrap());
    }
    log
}
