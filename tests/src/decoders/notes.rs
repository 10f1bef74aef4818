//! Checkpoints and cosignatures.

use optelsom_ledger::note::{Cosignature, SignedCheckpoint};

use super::sample::log::Writing;
use super::sample::{ASKED, cosigners, good, log_key, trust};
use super::text;

/// A checkpoint with whatever cosignatures, held against the log's key and the committee.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let log = log_key();
    let Ok(checkpoint) = SignedCheckpoint::parse(bytes, log.verifier()) else { return false };
    let written = checkpoint.to_bytes();
    let again = good(SignedCheckpoint::parse(&written, log.verifier()));
    assert_eq!((again.body(), again.head()), (checkpoint.body(), checkpoint.head()));
    assert_eq!(again.to_bytes(), written, "a checkpoint does not read back");
    let (trust, cosignatures) = (trust(), checkpoint.cosignatures());
    let committee = trust.committee();
    if let Ok(witnessed) = committee.check(&checkpoint) {
        assert!(witnessed.by().len() >= committee.wanted(), "too few have seen it");
        assert!(committee.check(&good(checkpoint.with_cosignatures(&cosignatures))).is_ok());
    }
    assert!(committee.strangers(&checkpoint) <= checkpoint.other_signatures());
    true
}

pub(super) fn checkpoints() -> Vec<Vec<u8>> {
    let (none, some) = (Writing::default(), Writing::of(300));
    [none.unseen(), some.unseen(), some.checkpoint(ASKED)].map(|checkpoint| checkpoint.to_bytes()).to_vec()
}

/// A witness's line.
pub fn cosignature(bytes: &[u8]) -> bool {
    let Some(cosignature) = text(bytes).and_then(|text| Cosignature::parse(text).ok()) else { return false };
    let written = good(cosignature.to_text());
    assert_eq!(good(Cosignature::parse(&written)), cosignature);
    let checkpoint = Writing::of(3).unseen();
    for cosigner in cosigners() {
        cosigner.verifier().verify(&checkpoint, &cosignature).err();
    }
    good(checkpoint.with_cosignatures(&[cosignature])).cosignatures();
    true
}

pub(super) fn cosignatures() -> Vec<Vec<u8>> {
    Writing::of(3).cosignatures(ASKED).iter().map(|line| good(line.to_text()).into_bytes()).collect()
}
