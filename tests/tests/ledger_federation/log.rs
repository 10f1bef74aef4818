//! A log that its writer may rewrite as it pleases.

use optelsom_codebook::{Codebook, Hash256, Timestamp};
use optelsom_ledger::Roster;
use optelsom_ledger::entry::{DocumentChange, DocumentEntry, EditionEntry, Entry, Subject};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Cosignature, SignedCheckpoint};
use optelsom_ledger::proof::ConsistencyProof;
use optelsom_ledger::tiles::{Edge, Extension, prove_consistency, prove_inclusion};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use optelsom_node::daemon::clock;
use optelsom_proto::v1;
use optelsom_proto::wire::{Asked, Evidence};

use super::{CODEBOOK, EDITION, identity, log_key, witness};

#[derive(Clone)]
pub struct Log {
    pub leaves: Vec<Leaf>,
    documents: Vec<Vec<u8>>,
}

impl Log {
    /// A log with this roster and the codebook, as every log begins.
    pub fn begun(roster: &Roster) -> Self {
        let mut log = Self { leaves: Vec::new(), documents: Vec::new() };
        log.document(Subject::Roster, roster.to_toml().into_bytes(), roster.hash());
        log.document(Subject::Codebook, CODEBOOK.as_bytes().to_vec(), Codebook::parse(CODEBOOK).unwrap().hash());
        log.edition(clock::now());
        log
    }

    pub fn document(&mut self, subject: Subject, document: Vec<u8>, named: Hash256) -> u64 {
        let change = DocumentChange { subject, document: Hash256::of(&document), named, predecessor: None };
        let signature = change.sign(&identity("ledger"));
        self.documents.push(document);
        self.push(&Entry::Document(DocumentEntry::new(change, signature).unwrap()))
    }

    pub fn edition(&mut self, frozen_at: Timestamp) -> u64 {
        let edition = EDITION.parse().unwrap();
        self.push(&Entry::Edition(EditionEntry::sign("victims".to_owned(), edition, frozen_at, &identity("ledger"))))
    }

    pub fn query(&mut self, asked: &Asked) -> u64 {
        self.documents.push(asked.document().to_vec());
        self.push(&Entry::Query(asked.query().entry.clone()))
    }

    pub fn push(&mut self, entry: &Entry) -> u64 {
        self.leaves.push(entry.to_leaf().unwrap());
        self.size() - 1
    }

    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn extension(&self) -> Extension {
        Edge::new().extend(&self.leaves).unwrap()
    }

    /// With the log's signature and no other.
    pub fn checkpoint(&self) -> SignedCheckpoint {
        SignedCheckpoint::sign(self.extension().head, &log_key()).unwrap()
    }

    /// What an honest coordinator sends to a node that has so many entries.
    pub fn update(&self, from: u64) -> v1::LedgerUpdate {
        self.piece(from, self.size())
    }

    /// The same, up to this size only.
    pub fn piece(&self, from: u64, to: u64) -> v1::LedgerUpdate {
        let extension = self.extension();
        let proof = prove_consistency(&extension.head, to, &extension.tiles).unwrap();
        let [from_place, to_place] = [from, to].map(|place| usize::try_from(place).unwrap());
        v1::LedgerUpdate {
            checkpoint: self.checkpoint().to_bytes(),
            first: from,
            leaves: self.leaves[from_place..to_place].iter().map(|leaf| leaf.as_bytes().to_vec()).collect(),
            documents: self.documents.clone(),
            consistency: proof.hashes().iter().map(|hash| hash.as_bytes().to_vec()).collect(),
        }
    }

    /// The newest checkpoint with the cosignatures of these witnesses, whatever else they have signed.
    pub fn cosigned(&self, by: &[&str]) -> SignedCheckpoint {
        let lines: Vec<_> = by.iter().map(|name| cosignature(name, &self.checkpoint())).collect();
        self.checkpoint().with_cosignatures(&lines).unwrap()
    }

    /// That the entry at this index stands in the log, under a checkpoint that these have cosigned.
    pub fn evidence(&self, index: u64, by: &[&str]) -> Evidence {
        self.evidence_under(index, &self.cosigned(by))
    }

    /// The same under a checkpoint of this size with whatever signatures it has.
    pub fn evidence_under(&self, index: u64, checkpoint: &SignedCheckpoint) -> Evidence {
        let extension = self.extension();
        let inclusion = prove_inclusion(&extension.head, index, &extension.tiles).unwrap();
        Evidence { index, checkpoint: checkpoint.to_bytes(), inclusion, approval: None }
    }
}

/// A cosignature by a witness that remembers nothing.
pub fn cosignature(name: &str, checkpoint: &SignedCheckpoint) -> Cosignature {
    cosignature_at(name, checkpoint, clock::now())
}

/// The same, dated as one likes.
pub fn cosignature_at(name: &str, checkpoint: &SignedCheckpoint, at: Timestamp) -> Cosignature {
    let (log, key) = (log_key(), witness(name));
    let fresh = WitnessRecord::fresh(log.verifier());
    let note = checkpoint.to_bytes();
    cosign(&fresh, &note, &ConsistencyProof::empty(), log.verifier(), &key, at).unwrap().stored().1
}
