//! A witness cosigns what continues its own record, and nothing else.

use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{CheckpointError, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, ProofError};
use optelsom_ledger::tiles::prove_consistency;
use optelsom_ledger::witness::{WitnessRecord, WitnessRefusal, cosign};

use crate::fixture::{Federation, Log, NOW, key, name, numbered};

struct Scene {
    federation: Federation,
    record: WitnessRecord,
}

impl Scene {
    /// A witness that has stored the log of ten entries.
    fn new() -> Self {
        let federation = Federation::new(5, 1);
        let mut scene = Self { record: WitnessRecord::fresh(federation.log.verifier()), federation };
        let first = numbered(10).checkpoint(&scene.federation).to_bytes();
        scene.record = scene.ask(&first, &ConsistencyProof::empty()).unwrap();
        scene
    }

    fn ask(&self, checkpoint: &[u8], proof: &ConsistencyProof) -> Result<WitnessRecord, WitnessRefusal> {
        let log = self.federation.log.verifier();
        let cosigner = &self.federation.cosigners[0];
        let cosigning = cosign(&self.record, checkpoint, proof, log, cosigner, NOW)?;
        let record = cosigning.record().clone();
        let (stored, cosignature) = cosigning.stored();
        assert_eq!(record, stored);
        let checkpoint = SignedCheckpoint::parse(checkpoint, log).unwrap();
        assert!(cosigner.verifier().verify(&checkpoint, &cosignature).is_ok());
        assert_eq!(record.head(), checkpoint.head());
        Ok(record)
    }

    fn ask_about(&self, log: &Log) -> Result<WitnessRecord, WitnessRefusal> {
        let head = log.head();
        let proof = prove_consistency(&head, self.record.head().size().min(head.size()), &log.tiles).unwrap();
        self.ask(&log.checkpoint(&self.federation).to_bytes(), &proof)
    }
}

#[test]
fn what_continues_is_cosigned_and_remembered() {
    let scene = Scene::new();
    assert_eq!(scene.record.head().size(), 10);
    assert_eq!(scene.ask_about(&numbered(10)).unwrap(), scene.record);
    let grown = scene.ask_about(&numbered(300)).unwrap();
    assert_eq!(grown.head(), &numbered(300).head());
    assert_eq!(WitnessRecord::from_bytes(&grown.to_bytes()).unwrap(), grown);
}

#[test]
fn a_smaller_log_is_refused() {
    let refused = Scene::new().ask_about(&numbered(9)).unwrap_err();
    assert_eq!(refused, WitnessRefusal::Fork(ProofError::Shrunk { from: 10, to: 9 }));
}

#[test]
fn a_forked_log_is_refused() {
    let mut fork = numbered(9);
    fork.push_leaf(Leaf::new(b"something else".to_vec()).unwrap());
    let scene = Scene::new();
    let same_size = scene.ask_about(&fork).unwrap_err();
    assert_eq!(same_size, WitnessRefusal::Fork(ProofError::Consistency { from: 10, to: 10 }));
    fork.push_leaf(Leaf::new(b"and more".to_vec()).unwrap());
    let larger = scene.ask_about(&fork).unwrap_err();
    assert_eq!(larger, WitnessRefusal::Fork(ProofError::Consistency { from: 10, to: 11 }));
}

#[test]
fn growth_without_proof_is_refused() {
    let scene = Scene::new();
    let checkpoint = numbered(11).checkpoint(&scene.federation).to_bytes();
    let refused = scene.ask(&checkpoint, &ConsistencyProof::empty()).unwrap_err();
    assert_eq!(refused, WitnessRefusal::Fork(ProofError::Consistency { from: 10, to: 11 }));
}

#[test]
fn another_log_or_an_unsigned_one_is_refused() {
    let scene = Scene::new();
    let log = numbered(11);
    let proof = prove_consistency(&log.head(), 10, &log.tiles).unwrap();
    let sign = |key: &LogKey| SignedCheckpoint::sign(log.head(), key).unwrap().to_bytes();
    let elsewhere = LogKey::new(name("elsewhere.example/log"), key(250));
    let refused = scene.ask(&sign(&elsewhere), &proof).unwrap_err();
    assert!(matches!(refused, WitnessRefusal::Checkpoint(CheckpointError::Origin { .. })));
    let impostor = LogKey::new(name("bureau.example/optelsom"), key(1));
    let refused = scene.ask(&sign(&impostor), &proof).unwrap_err();
    assert!(matches!(refused, WitnessRefusal::Checkpoint(CheckpointError::Unsigned(_))));
    let refused = cosign(
        &WitnessRecord::fresh(elsewhere.verifier()),
        &sign(&scene.federation.log),
        &proof,
        scene.federation.log.verifier(),
        &scene.federation.cosigners[0],
        NOW,
    );
    assert!(matches!(refused, Err(WitnessRefusal::OtherLog { .. })));
}

#[test]
fn a_damaged_record_is_refused() {
    let bytes = Scene::new().record.to_bytes();
    for length in 0..bytes.len() {
        assert!(WitnessRecord::from_bytes(&bytes[..length]).is_err());
    }
    assert!(WitnessRecord::from_bytes(&[bytes, vec![0]].concat()).is_err());
}
