//! A release that holds, and every way to cheat with one: by whoever hands it on, and by a bureau that logs its own cheat.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sample;

use std::collections::BTreeSet;

use optelsom_cli::bundle::words::told;
use optelsom_cli::bundle::{Fault, verify};
use optelsom_codebook::{Hash256, Lang};
use optelsom_ledger::audit::Files;
use optelsom_secagg::release_proof::{ProofError, ReleaseProof};
use sample::{Answer, bundle, roster, seal, trust};

fn fault(files: &Files) -> Fault {
    verify(files, &trust(), &BTreeSet::new()).unwrap_err()
}

/// What a bureau's own cheat comes to: log, witnesses and manifest all fit it.
fn cheated(cheat: impl FnOnce(&mut Answer, &Answer)) -> Fault {
    fault(&bundle(cheat))
}

#[test]
fn an_honest_release_holds_and_says_what_it_proves() {
    let files = bundle(|_, _| {});
    let verified = verify(&files, &trust(), &BTreeSet::from([roster().hash()])).unwrap();
    insta::assert_snapshot!(told(&verified, Lang::En), @r"
    This release holds. Query 7334fe3d02b30b3870b79fc529b03b318e8d0214d479b3d2c3a57b3b4b7ad91e
    It proves:
    - analyst-1 asked the question on 2026-11-02T09:30:00Z for `monitor`, and signed it.
    - Question and release are entries 0 and 4 of the log's 10, seen by
      test/log/east, test/log/north, test/log/south, test/log/west.
    - What they committed to is signed by east, north, south, west,
      and was made final by a quorum of those asked.
    - Shown counts and sums that are exactly the sum of what these committed to: 5.
    - Counts hidden as too few that are more than 0 and less than 5: 1.
    - Nothing here tells more of what is hidden than the table does. Hidden: 2.
    It does not prove:
    - that the suppliers counted rightly: it is the sum of what they committed to, no more;
    - that hiding what is hidden for the sake of other cells was needed;
    - why suppliers were absent, and when the table was made: that is the bureau's word.
    ");
    let dutch = told(&verify(&files, &trust(), &BTreeSet::new()).unwrap(), Lang::Nl);
    insta::assert_snapshot!(dutch.replace(&roster().hash().to_string(), "[roster]"), @r"
    Deze publicatie klopt. Vraag 7334fe3d02b30b3870b79fc529b03b318e8d0214d479b3d2c3a57b3b4b7ad91e
    Ze bewijst:
    - analyst-1 stelde de vraag op 2026-11-02T09:30:00Z voor `monitor`, en tekende ervoor.
    - Vraag en publicatie zijn post 0 en 4 van de 10 in het logboek, gezien door
      test/log/east, test/log/north, test/log/south, test/log/west.
    - Wat ze vastlegden is getekend door east, north, south, west,
      en definitief gemaakt door een quorum van de gevraagden.
    - Getoonde aantallen en sommen die precies de som zijn van wat zij vastlegden: 5.
    - Als te klein verborgen aantallen van meer dan 0 en minder dan 5: 1.
    - Niets hier zegt meer over wat verborgen is dan de tabel. Verborgen: 2.
    Ze bewijst niet:
    - dat de leveranciers goed telden: het is de som van wat ze vastlegden, niet meer;
    - dat verbergen omwille van andere cellen nodig was;
    - dat de leveranciers zijn wie u kent: noem uw eigen deelnemerslijst met --roster. Deze is
      [roster];
    - waarom leveranciers afwezig waren, en wanneer de tabel gemaakt is: dat zegt het bureau.
    ");
    let stranger = verify(&files, &trust(), &BTreeSet::from([Hash256::of(b"other")])).unwrap_err();
    assert!(matches!(stranger, Fault::Roster(_)) && stranger.code() == 15, "{stranger}");
}

#[test]
fn a_shown_cell_altered_by_one_is_refused() {
    for to in ["\"57\"", "\"55\""] {
        let logged = cheated(|answer, _| answer.alter("\"56\"", to));
        assert!(matches!(logged, Fault::Proof(ProofError::Fails { column: 0 })) && logged.code() == 17, "{logged}");
    }
    let mut files = bundle(|_, _| {});
    let table = String::from_utf8(files["release.json"].clone()).unwrap().replacen("\"56\"", "\"57\"", 1);
    files.insert("release.json".to_owned(), table.into_bytes());
    assert!(matches!(fault(&files), Fault::Altered(name) if name == "release.json"));
    seal(&mut files);
    assert!(matches!(fault(&files), Fault::NotReleased(_)));
}

#[test]
fn another_querys_table_is_refused() {
    let table = cheated(|answer, other| answer.table.clone_from(&other.table));
    assert!(matches!(table, Fault::Says("which query it answers")), "{table}");
    let all = cheated(|answer, other| {
        answer.table.clone_from(&other.table);
        answer.proof.clone_from(&other.proof);
        answer.commitments.clone_from(&other.commitments);
    });
    assert!(matches!(all, Fault::Participants("another certificate was logged")), "{all}");
    let signed = cheated(|answer, other| {
        answer.table.clone_from(&other.table);
        answer.proof.clone_from(&other.proof);
        answer.commitments.clone_from(&other.commitments);
        answer.submissions = other.submissions;
        answer.certificate = other.certificate;
        answer.votes.clone_from(&other.votes);
    });
    assert!(matches!(signed, Fault::Votes(_)) && signed.code() == 14, "{signed}");
}

#[test]
fn a_changed_list_of_participants_is_refused() {
    let in_the_log = cheated(|answer, _| drop(answer.participants.pop()));
    // The votes are about the names, too.
    assert!(matches!(in_the_log, Fault::Votes(_)), "{in_the_log}");
    let in_the_table = cheated(|answer, _| {
        answer.alter("\"suppliers_taking_part\":[\"east\",", "\"suppliers_taking_part\":[");
    });
    assert!(matches!(in_the_table, Fault::Participants("the table names others")), "{in_the_table}");
    let signers = cheated(|answer, _| answer.drop_signer("west"));
    assert!(matches!(signers, Fault::Participants("others were logged")), "{signers}");
    let both = cheated(|answer, _| {
        answer.drop_signer("west");
        drop(answer.participants.pop());
    });
    assert!(matches!(both, Fault::Votes(_)), "{both}");
}

#[test]
fn an_altered_claim_of_too_few_is_refused() {
    let hidden_for_others = cheated(|answer, _| answer.alter("hidden-too-few", "hidden-protects-others"));
    assert!(matches!(hidden_for_others, Fault::Proof(_)), "{hidden_for_others}");
    let too_few = cheated(|answer, _| answer.alter("hidden-protects-others", "hidden-too-few"));
    assert!(matches!(too_few, Fault::Proof(_)), "{too_few}");
}

#[test]
fn the_proof_of_another_query_is_refused() {
    let logged = cheated(|answer, other| answer.proof.clone_from(&other.proof));
    assert!(matches!(logged, Fault::Proof(_)) && logged.code() == 17, "{logged}");
    let mut files = bundle(|_, _| {});
    files.insert("proof".to_owned(), bundle(|answer, other| answer.proof.clone_from(&other.proof))["proof"].clone());
    seal(&mut files);
    assert!(matches!(fault(&files), Fault::NotReleased("the proof")));
}

#[test]
fn a_proof_that_was_taken_away_is_refused() {
    let none = cheated(|answer, _| answer.proof = ReleaseProof::file(&[None, None]));
    assert!(matches!(none, Fault::Proof(ProofError::Form { column: 0, .. })) && none.code() == 17, "{none}");
    // The number of suppliers is never shown: a proof about it is none of this release's.
    let too_many = cheated(|answer, _| {
        let columns = ReleaseProof::split_file(&answer.proof, 2).unwrap();
        let proof = ReleaseProof::from_bytes(columns[0].unwrap()).unwrap();
        answer.proof = ReleaseProof::file(&[Some(proof.clone()), Some(proof)]);
    });
    assert!(matches!(too_many, Fault::Proof(ProofError::Form { column: 1, .. })), "{too_many}");
}

#[test]
fn any_single_bit_flipped_is_refused_and_its_file_named() {
    let good = bundle(|_, _| {});
    for (name, bytes) in &good {
        let mut files = good.clone();
        for bit in 0..bytes.len() * 8 {
            files.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let fault = fault(&files);
            if name != "manifest" {
                assert!(matches!(&fault, Fault::Altered(named) if named == name), "{name}, bit {bit}: {fault}");
            }
            files.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A manifest proves nothing by itself: who changes a file can change it too.
#[test]
fn a_bit_flipped_under_a_manifest_that_fits_is_refused_too() {
    let good = bundle(|_, _| {});
    for (name, bytes) in good.iter().filter(|(name, _)| *name != "manifest") {
        for at in (0..bytes.len()).step_by(13).chain([bytes.len() - 1]) {
            let mut files = good.clone();
            files.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            seal(&mut files);
            let refused = verify(&files, &trust(), &BTreeSet::new());
            assert!(refused.is_err(), "{name}, byte {at}");
        }
    }
}

#[test]
fn files_that_are_missing_or_do_not_belong_are_named() {
    let good = bundle(|_, _| {});
    for name in good.keys() {
        let mut files = good.clone();
        files.remove(name);
        assert!(matches!(fault(&files), Fault::Missing(missing) if missing == *name));
    }
    let mut files = good;
    files.insert("note".to_owned(), Vec::new());
    let refused = fault(&files);
    assert!(matches!(&refused, Fault::Unexpected(name) if name == "note") && refused.code() == 11);
}
