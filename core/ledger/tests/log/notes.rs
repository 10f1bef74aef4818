//! Checkpoints, cosignatures and committees in the public formats.

use ed25519_dalek::{Signer, SigningKey};
use optelsom_codebook::{Hash256, Timestamp};
use optelsom_ledger::note::{
    CheckpointError, Committee, CommitteeError, Cosignature, CosignatureError, Cosigner, CosignerKey, KeyError,
    KeyName, LogKey, LogVerifier, SignedCheckpoint,
};
use optelsom_ledger::proof::{ConsistencyProof, TreeHead};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use sha2::{Digest, Sha256};

use crate::fixture::{Federation, NOW, key, name, numbered};

/// The checkpoint that C2SP tlog-checkpoint prints as its example.
const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

#[test]
fn the_published_example_has_this_form() {
    let body = EXAMPLE.split("\n\n").next().unwrap().to_owned() + "\n";
    let root: Hash256 = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62".parse().unwrap();
    let mine = LogKey::new(name("example.com/behind-the-sofa"), key(9));
    let signed = SignedCheckpoint::sign(TreeHead::new(20_852_163, root).unwrap(), &mine).unwrap();
    assert_eq!(signed.body(), body.as_bytes());
    // Its key is not published, so that to anybody here it is unsigned; that it is well formed shows in which error it is.
    let refused = SignedCheckpoint::parse(EXAMPLE.as_bytes(), mine.verifier()).unwrap_err();
    assert_eq!(refused, CheckpointError::Unsigned(name("example.com/behind-the-sofa")));
    assert_eq!(SignedCheckpoint::parse(body.as_bytes(), mine.verifier()), Err(CheckpointError::Note));
}

/// The note that C2SP signed-note prints as its example: its signature line has a key id and 64 bytes.
#[test]
fn the_published_note_is_no_checkpoint() {
    let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let parsed = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(parsed.to_bytes(), note.as_bytes());
    let verifier = LogVerifier::new(name("quasimodo.example/salvatore"), key(9).public());
    assert_eq!(SignedCheckpoint::parse(note.as_bytes(), &verifier), Err(CheckpointError::Body));
}

/// A published verifier key, of the format's first implementation.
#[test]
fn verifier_keys_read_as_they_are_written() {
    let published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let verifier: LogVerifier = published.parse().unwrap();
    assert_eq!((verifier.key_id(), verifier.to_string().as_str()), (0xc74f_20a3, published));
    let cosigner = Cosigner::new(name("s01.example/witness"), key(3).public());
    assert_eq!(cosigner.to_string().parse::<Cosigner>().unwrap(), cosigner);
    // One key, two purposes, two ids: neither passes for the other.
    assert_ne!(cosigner.key_id(), LogVerifier::new(name("s01.example/witness"), key(3).public()).key_id());
    assert!(matches!(cosigner.to_string().parse::<LogVerifier>(), Err(KeyError::Key(..))));
    assert!(matches!(published.replace("c74f20a3", "c74f20a4").parse::<LogVerifier>(), Err(KeyError::Id(_))));
    assert!(matches!(published.replace("c74f20a3", "C74F20A3").parse::<LogVerifier>(), Err(KeyError::Id(_))));
    assert!(matches!("PeterNeumann+c74f20a3".parse::<LogVerifier>(), Err(KeyError::Form)));
    for bad in ["", "a b", "a+b", "a\nb", "a\u{7f}b", "a\u{a0}b", &"a".repeat(201)] {
        assert_eq!(KeyName::try_from(bad), Err(KeyError::Name));
    }
}

#[test]
fn a_checkpoint_is_taken_from_its_log_only() {
    let federation = Federation::new(5, 1);
    let checkpoint = numbered(3).checkpoint(&federation);
    let log = federation.log.verifier();
    assert_eq!(SignedCheckpoint::parse(&checkpoint.to_bytes(), log).unwrap(), checkpoint);

    let elsewhere = LogVerifier::new(name("elsewhere.example/log"), *log.identity());
    assert!(matches!(SignedCheckpoint::parse(&checkpoint.to_bytes(), &elsewhere), Err(CheckpointError::Origin { .. })));
    let other_key = LogVerifier::new(log.name().clone(), key(8).public());
    assert!(matches!(SignedCheckpoint::parse(&checkpoint.to_bytes(), &other_key), Err(CheckpointError::Unsigned(_))));
    let text = String::from_utf8(checkpoint.to_bytes()).unwrap();
    for (from, to, wanted) in [
        ("\n3\n", "\n4\n", "unsigned"),
        ("\n3\n", "\n03\n", "body"),
        ("\n3\n", "\n3\nextension\n", "body"),
        ("\n\n", "\n", "note"),
        ("— ", "- ", "note"),
    ] {
        let found = match SignedCheckpoint::parse(text.replacen(from, to, 1).as_bytes(), log) {
            Err(CheckpointError::Unsigned(_)) => "unsigned",
            Err(CheckpointError::Body) => "body",
            Err(CheckpointError::Note) => "note",
            other => panic!("{from:?} to {to:?}: {other:?}"),
        };
        // An extension changes the text and would be unsigned too; the form is looked at first.
        assert_eq!(found, wanted, "{from:?} to {to:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_signed_checkpoint_is_refused() {
    let federation = Federation::new(5, 1);
    let bytes = numbered(3).checkpoint(&federation).to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(SignedCheckpoint::parse(&other, federation.log.verifier()).is_err(), "bit {bit}");
    }
}

fn cosignature(federation: &Federation, checkpoint: &SignedCheckpoint, nth: usize) -> Cosignature {
    let log = federation.log.verifier();
    let record = WitnessRecord::fresh(log);
    let proof = ConsistencyProof::empty();
    cosign(&record, &checkpoint.to_bytes(), &proof, log, &federation.cosigners[nth], NOW).unwrap().stored().1
}

/// Made again from the text of C2SP tlog-cosignature, with nothing of ours.
#[test]
fn a_cosignature_is_what_the_format_says() {
    let federation = Federation::new(5, 1);
    let checkpoint = numbered(3).checkpoint(&federation);
    let line = cosignature(&federation, &checkpoint, 0).to_text().unwrap();

    let secret = SigningKey::from_bytes(&[100; 32]);
    let seconds = NOW.as_millis() / 1000;
    let mut message = format!("cosignature/v1\ntime {seconds}\n").into_bytes();
    message.extend_from_slice(checkpoint.body());
    let id = Sha256::new()
        .chain_update(b"s00.example/witness\n")
        .chain_update([4])
        .chain_update(secret.verifying_key().as_bytes())
        .finalize();
    let mut bytes = id[..4].to_vec();
    bytes.extend_from_slice(&seconds.to_be_bytes());
    bytes.extend_from_slice(&secret.sign(&message).to_bytes());
    use base64::Engine as _;
    let wanted = format!("— s00.example/witness {}", base64::engine::general_purpose::STANDARD.encode(bytes));
    assert_eq!(line, wanted);
    assert_eq!(Cosignature::parse(&line).unwrap(), cosignature(&federation, &checkpoint, 0));
}

#[test]
fn a_cosignature_holds_for_its_checkpoint_and_time_only() {
    let federation = Federation::new(5, 1);
    let (one, other) = (numbered(3).checkpoint(&federation), numbered(4).checkpoint(&federation));
    let cosigner = federation.cosigners[0].verifier();
    let good = cosignature(&federation, &one, 0);
    assert_eq!(cosigner.verify(&one, &good), Ok(Timestamp::from_millis(NOW.as_millis() / 1000 * 1000)));
    assert!(matches!(cosigner.verify(&other, &good), Err(CosignatureError::Signature(_))));
    let stranger = federation.cosigners[1].verifier();
    assert!(matches!(stranger.verify(&one, &good), Err(CosignatureError::OtherKey(_))));
    // The eight bytes of the time follow the four of the key id.
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let line = good.to_text().unwrap();
    let (head, tail) = line.rsplit_once(' ').unwrap();
    let mut bytes = engine.decode(tail).unwrap();
    bytes[11] ^= 1;
    let later = Cosignature::parse(&format!("{head} {}", engine.encode(&bytes))).unwrap();
    assert!(matches!(cosigner.verify(&one, &later), Err(CosignatureError::Signature(_))));
    for bad in ["", "— s00.example/witness", "— s00.example/witness AAAA", &format!("{head} AAAAAAAAAAAAAAAAAAAAAA==")]
    {
        assert_eq!(Cosignature::parse(bad), Err(CheckpointError::Note), "{bad}");
    }
}

fn cosigners(count: u8) -> Vec<CosignerKey> {
    (0..count).map(|n| CosignerKey::new(name(&format!("w{n}.example")), key(n))).collect()
}

fn public(keys: &[CosignerKey]) -> Vec<Cosigner> {
    keys.iter().map(|key| key.verifier().clone()).collect()
}

#[test]
fn two_forks_never_both_have_enough_cosignatures() {
    for witnesses in 1..=15_u8 {
        for faulty in 0..usize::from(witnesses) {
            let committee = Committee::new(public(&cosigners(witnesses)), faulty, 0).unwrap();
            let (w, wanted) = (usize::from(witnesses), committee.wanted());
            assert_eq!(wanted, (w + faulty + 1).div_ceil(2));
            assert!(wanted <= w);
            // Whatever two sets of that size there are, they share more than the liars.
            assert!(2 * wanted - w > faulty, "{w} witnesses, {faulty} lie");
            // And with one fewer they would not.
            assert!(2 * (wanted - 1) <= w + faulty, "{w} witnesses, {faulty} lie: more is asked than needed");
        }
    }
}

#[test]
fn committees_that_cannot_be_trusted_are_refused() {
    let keys = public(&cosigners(16));
    assert_eq!(Committee::new(keys.clone(), 1, 1), Err(CommitteeError::TooMany(16)));
    assert!(Committee::new(keys[..15].to_vec(), 1, 1).is_ok());
    let too_trusting = CommitteeError::TooTrusting { faulty: 0, collusion: 1 };
    assert_eq!(Committee::new(keys[..4].to_vec(), 0, 1), Err(too_trusting));
    let unreachable = CommitteeError::Unreachable { witnesses: 2, faulty: 2 };
    assert_eq!(Committee::new(keys[..2].to_vec(), 2, 1), Err(unreachable));
    let same_key = Cosigner::new(name("other.example"), *keys[0].identity());
    let twice = vec![keys[0].clone(), same_key];
    assert_eq!(Committee::new(twice, 0, 0), Err(CommitteeError::Twice(name("other.example"))));
    let same_name = Cosigner::new(keys[0].name().clone(), *keys[1].identity());
    assert!(matches!(Committee::new(vec![keys[0].clone(), same_name], 0, 0), Err(CommitteeError::Twice(_))));
}

#[test]
fn a_committee_counts_each_witness_once() {
    // Four witnesses of which one may lie: three are wanted.
    let federation = Federation::new(5, 1);
    let checkpoint = numbered(3).checkpoint(&federation);
    let sign = |nth: usize| cosignature(&federation, &checkpoint, nth);
    let check = |lines: &[Cosignature]| {
        let bytes = checkpoint.with_cosignatures(lines).unwrap().to_bytes();
        let parsed = SignedCheckpoint::parse(&bytes, federation.log.verifier()).unwrap();
        federation.committee.check(&parsed).map(|witnessed| witnessed.by().len())
    };
    assert_eq!(check(&[sign(0), sign(1), sign(2)]), Ok(3));
    assert_eq!(check(&[sign(0), sign(1), sign(2), sign(3)]), Ok(4));
    assert_eq!(check(&[sign(0), sign(1)]), Err(CommitteeError::TooFew { found: 2, wanted: 3 }));
    assert_eq!(check(&[sign(0), sign(1), sign(1)]), Err(CommitteeError::TooFew { found: 2, wanted: 3 }));
    // Of the same name and key at another moment: still one witness.
    let again = {
        let log = federation.log.verifier();
        let (record, proof) = (WitnessRecord::fresh(log), ConsistencyProof::empty());
        let later = NOW.plus_millis(5000);
        cosign(&record, &checkpoint.to_bytes(), &proof, log, &federation.cosigners[1], later).unwrap().stored().1
    };
    assert_eq!(check(&[sign(0), sign(1), again]), Err(CommitteeError::TooFew { found: 2, wanted: 3 }));
    // A stranger counts for nothing; a line that does not fit condemns the note.
    let stranger = {
        let log = federation.log.verifier();
        let (record, proof) = (WitnessRecord::fresh(log), ConsistencyProof::empty());
        let key = CosignerKey::new(name("stranger.example"), key(77));
        cosign(&record, &checkpoint.to_bytes(), &proof, log, &key, NOW).unwrap().stored().1
    };
    assert_eq!(check(&[sign(0), sign(1), stranger]), Err(CommitteeError::TooFew { found: 2, wanted: 3 }));
    let replayed = cosignature(&federation, &numbered(4).checkpoint(&federation), 3);
    assert!(matches!(check(&[sign(0), sign(1), sign(2), replayed]), Err(CommitteeError::Cosignature(_))));
}

#[test]
fn a_note_carries_sixteen_signatures_at_most() {
    let federation = Federation::new(5, 1);
    let checkpoint = numbered(3).checkpoint(&federation);
    let log = federation.log.verifier();
    let (record, proof) = (WitnessRecord::fresh(log), ConsistencyProof::empty());
    let lines: Vec<_> = cosigners(16)
        .iter()
        .map(|key| cosign(&record, &checkpoint.to_bytes(), &proof, log, key, NOW).unwrap().stored().1)
        .collect();
    assert!(checkpoint.with_cosignatures(&lines[..15]).is_ok());
    assert_eq!(checkpoint.with_cosignatures(&lines), Err(CheckpointError::TooManySignatures(17)));
    let mut bytes = checkpoint.with_cosignatures(&lines[..15]).unwrap().to_bytes();
    assert!(SignedCheckpoint::parse(&bytes, log).is_ok());
    bytes.extend(format!("{}\n", lines[15].to_text().unwrap()).into_bytes());
    assert_eq!(SignedCheckpoint::parse(&bytes, log), Err(CheckpointError::TooManySignatures(17)));
}
