//! What `audit verify` says, and with which exit code.

use std::fs;

use optelsom_cli::audit::examine::examine_export;
use optelsom_cli::audit::folder::Export;
use optelsom_cli::audit::verdict::code;
use optelsom_codebook::Hash256;
use optelsom_ledger::audit::{Files, Place, document_path};
use optelsom_ledger::entry::{Entry, Outcome, ParticipantsEntry, Subject};
use optelsom_ledger::{Member, Roster};

use crate::sample::{SUPPLIERS, Sample, write};
use crate::{accepted, audit, exported, told};

/// Exit code of a sample with these files.
fn code_of(files: &Files) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("export"), files);
    fs::write(folder.path().join("trust.toml"), Sample::trust().to_toml()).unwrap();
    told(&audit(folder.path(), &["verify", "export"])).0
}

#[test]
fn a_good_export_is_in_order() {
    let folder = exported();
    let (code, text) = told(&audit(folder.path(), &["verify", "export"]));
    insta::assert_snapshot!(text, @r"
    In order: nothing in this log was altered, removed or moved, and every signature holds.
    31 entries, 6 witnesses
    ");
    assert_eq!(code, Some(0));
}

#[test]
fn each_kind_of_finding_has_its_exit_code() {
    let sample = Sample::good();
    let files = sample.files();
    let roster = document_path(&Hash256::of(sample.roster.to_toml().as_bytes()));
    let mut damaged = files.clone();
    damaged.get_mut(&roster).unwrap()[3] ^= 1;
    assert_eq!(code_of(&damaged), Some(10));
    let mut incomplete = files.clone();
    incomplete.remove(&roster);
    assert_eq!(code_of(&incomplete), Some(11));
    let mut unseen = files.clone();
    let checkpoint = String::from_utf8(unseen["checkpoint"].clone()).unwrap();
    let few: Vec<&str> = checkpoint.split_inclusive('\n').take(7).collect();
    unseen.insert("checkpoint".to_owned(), few.concat().into_bytes());
    assert_eq!(code_of(&unseen), Some(12));

    let mut unsigned = Sample::good();
    let (query, id) = unsigned.ask("SELECT COUNT(*) FROM victims WHERE year = 2017", None);
    let refusal = unsigned.refuse(query, id, "police", "policy");
    assert!(refusal > query);
    assert_eq!(code_of(&unsigned.files()), Some(0));
    let (other, _) = unsigned.ask("SELECT COUNT(*) FROM victims WHERE year = 2016", None);
    unsigned.refuse(other, id, "police", "policy");
    assert_eq!(code_of(&unsigned.files()), Some(14));

    let mut contradictory = Sample::good();
    contradictory.release(4, Outcome::Complete, &[]);
    assert_eq!(code_of(&contradictory.files()), Some(15));

    let mut differencing = Sample::good();
    let (query, id) = differencing.ask("SELECT COUNT(*) FROM victims WHERE year = 2021", None);
    differencing.total(query, id, &SUPPLIERS[1..]);
    assert_eq!(code_of(&differencing.files()), Some(16));
}

#[test]
fn what_is_found_is_told_with_its_place() {
    let mut sample = Sample::good();
    let (query, id) = sample.ask("SELECT COUNT(*) FROM victims WHERE year = 2021", None);
    sample.total(query, id, &SUPPLIERS[1..]);
    let folder = tempfile::tempdir().unwrap();
    sample.write(folder.path(), "export");
    fs::write(folder.path().join("export/notes.txt"), "mine").unwrap();
    let (code, text) = told(&audit(folder.path(), &["verify", "export"]));
    assert_eq!(code, Some(11));
    insta::assert_snapshot!(text, @r"
    Not in order: 2 findings.

    missing or foreign file (11)
      file notes.txt does not belong to the log

    total gives a supplier away (16)
      entry 34 makes the participants of entry 33 final, but with the set at entry 6 of the log the total would tell 1 supplier without a waiver apart from the rest (border-police); at least 3 must stay together
    35 entries, 6 witnesses
    ");
    let dutch = audit(folder.path(), &["verify", "export", "--lang", "nl"]);
    insta::assert_snapshot!(told(&dutch).1, @r"
    Niet in orde: 2 bevindingen.

    ontbrekend of vreemd bestand (11)
      bestand notes.txt hoort niet bij het logboek

    totaal verraadt een leverancier (16)
      post 34 maakt de deelnemers van post 33 definitief, maar dat totaal maakt samen met de deelnemers van post 6 1 leverancier zonder afstandsverklaring te onderscheiden (border-police); ten minste 3 moeten bijeen blijven
    35 posten, 6 getuigen
    ");
}

#[test]
fn one_attempt_in_two_ways_is_told_in_both_languages() {
    let mut sample = Sample::good();
    let (query, id) = sample.ask("SELECT COUNT(*) FROM victims WHERE year = 2021", None);
    sample.total(query, id, &SUPPLIERS);
    sample.push(&Entry::Participants(Sample::attempt(query, id, &SUPPLIERS[1..])));
    let other = ParticipantsEntry { submissions: Hash256::of(b"others"), ..Sample::attempt(query, id, &SUPPLIERS) };
    sample.push(&Entry::Participants(other));
    let folder = tempfile::tempdir().unwrap();
    sample.write(folder.path(), "export");
    let (code, text) = told(&audit(folder.path(), &["verify", "export"]));
    assert_eq!(code, Some(15));
    insta::assert_snapshot!(text, @r"
    Not in order: 2 findings.

    entries contradict each other (15)
      entry 35 names other suppliers than entry 33 for one and the same attempt (1) at query 31, with the very same submissions: at least one of the two lists is false; whoever writes the log may want it forgotten who was in that total
      entry 36 lists attempt 1 at query 31 with other submissions than entry 33: a supplier that keeps to the rules takes part in an attempt once, so at least one of the two never was
    37 entries, 6 witnesses
    ");
    let dutch = audit(folder.path(), &["verify", "export", "--lang", "nl"]);
    insta::assert_snapshot!(told(&dutch).1, @r"
    Niet in orde: 2 bevindingen.

    posten spreken elkaar tegen (15)
      post 35 noemt andere leveranciers dan post 33 voor een en dezelfde poging (1) bij vraag 31, met precies dezelfde inzendingen: ten minste een van beide lijsten is vals; wie het logboek schrijft, wil misschien doen vergeten wie er in dat totaal zat
      post 36 noemt poging 1 bij vraag 31 met andere inzendingen dan post 33: een leverancier die zich aan de regels houdt, doet aan een poging eenmaal mee; ten minste een van beide heeft nooit bestaan
    37 posten, 6 getuigen
    ");
}

#[test]
fn two_forks_are_found_and_a_longer_export_is_not_one() {
    let folder = exported();
    let mut longer = Sample::good();
    let (query, _) = longer.ask("SELECT COUNT(*) FROM victims WHERE year = 2017", None);
    longer.write(folder.path(), "longer");
    let (code, text) = told(&audit(folder.path(), &["verify", "export", "--against", "longer"]));
    assert_eq!(code, Some(0));
    assert!(text.contains("The other export goes on from this one: 2 entries more."), "{text}");
    let mut other = Sample::good();
    other.ask("SELECT COUNT(*) FROM victims WHERE year = 2016", None);
    other.write(folder.path(), "other");
    let (code, text) = told(&audit(folder.path(), &["verify", "longer", "--against", "other"]));
    assert_eq!(code, Some(13));
    assert!(text.contains(&format!("differ from entry {query} on")), "{text}");
}

#[test]
fn a_roster_that_quietly_grew_is_found_by_whoever_accepted_the_old_one() {
    let mut sample = Sample::good();
    let mut members = sample.roster.members().to_vec();
    let stranger = optelsom_ledger::IdentityKey::from_seed(&[77; 32]).public();
    members.push(Member { supplier: crate::sample::supplier("invented"), identity: stranger });
    let grown = Roster::new(members, sample.roster.requesters().to_vec(), Some(1)).unwrap();
    sample.document(Subject::Roster, &grown.to_toml(), grown.hash(), Some(0));
    let folder = tempfile::tempdir().unwrap();
    sample.write(folder.path(), "export");
    assert_eq!(told(&audit(folder.path(), &["verify", "export"])).0, Some(0));
    fs::write(folder.path().join("roster.toml"), sample.roster.to_toml()).unwrap();
    let (code, text) = told(&audit(folder.path(), &["verify", "export", "--roster", "roster.toml"]));
    assert_eq!(code, Some(15));
    assert!(text.contains("which is none of those that you accept"), "{text}");
}

#[test]
fn the_trust_file_of_an_export_is_not_gone_by() {
    let folder = exported();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_optelsom"))
        .args(["audit", "verify", "export"])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("whom do you trust?"));
    // A copy of another one in the folder is found: most likely one's own is another log's, or an old one.
    fs::write(folder.path().join("export/trust.toml"), Sample::trust().to_toml()).unwrap();
    assert_eq!(told(&audit(folder.path(), &["verify", "export"])).0, Some(12));
}

#[test]
fn what_is_no_export_ends_with_6() {
    let folder = exported();
    assert_eq!(audit(folder.path(), &["verify", "nowhere"]).status.code(), Some(6));
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(audit(folder.path(), &["verify", "empty"]).status.code(), Some(6));
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("export/link")).unwrap();
    assert_eq!(audit(folder.path(), &["verify", "export"]).status.code(), Some(6));
}

/// An export of one query from asking to release.
fn small() -> Sample {
    let mut sample = Sample::opened();
    let (query, id) = sample.ask("SELECT COUNT(*) FROM victims WHERE year = 2021", None);
    sample.total(query, id, &SUPPLIERS);
    sample.release(query, Outcome::Complete, &[("hidden-too-few", 2)]);
    sample
}

/// Bits of the files that are hashed as a whole are all found by one comparison; they are flipped a byte's worth apart.
/// Every single bit of a log is flipped in `optelsom-ledger`'s own tests.
#[test]
fn flipped_bits_are_found_and_named() {
    let (sample, accepted) = (small(), accepted());
    let mut files = sample.files();
    files.insert("trust.toml".to_owned(), accepted.copy().into_bytes());
    let check = |files: &Files| {
        let mut files = files.clone();
        let trust = files.remove("trust.toml");
        examine_export(Export { files, trust }, &accepted).report.findings
    };
    assert_eq!(check(&files), vec![]);
    let paths: Vec<String> = files.keys().cloned().collect();
    for path in paths {
        for bit in (0..files[&path].len() * 8).step_by(59) {
            files.get_mut(&path).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let findings = check(&files);
            let named = findings.iter().any(|finding| match finding.place() {
                Place::File(file) => file == path,
                Place::Entry(_) => path.starts_with("tile/entries/"),
                Place::Log => false,
            });
            assert!(named, "{path}, bit {bit}: {findings:?}");
            assert!(findings.iter().all(|finding| code(finding.kind()) >= 10));
            files.get_mut(&path).unwrap()[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn entries_removed_reordered_or_changed_are_found() {
    let sample = small();
    let files = sample.files();
    let path = format!("tile/entries/000.p/{}", sample.size());
    let leaves = optelsom_ledger::tiles::read_bundle(&files[&path], u16::try_from(sample.size()).unwrap()).unwrap();
    let bundled = |leaves: &[&[u8]]| -> Vec<u8> {
        let length = |leaf: &&[u8]| u16::try_from(leaf.len()).unwrap().to_be_bytes();
        leaves.iter().flat_map(|leaf| [&length(leaf), *leaf].concat()).collect()
    };
    let all: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.as_bytes()).collect();
    let found = |leaves: &[&[u8]]| {
        let mut altered = files.clone();
        altered.insert(path.clone(), bundled(leaves));
        code_of(&altered)
    };
    assert_eq!(found(&all), Some(0));
    let mut removed = all.clone();
    removed.remove(5);
    assert_eq!(found(&removed), Some(10));
    let mut reordered = all.clone();
    reordered.swap(6, 7);
    assert_eq!(found(&reordered), Some(10));
    let Entry::Query(mut query) = Entry::from_bytes(all[4]).unwrap() else { panic!("a query stands there") };
    query.asked_at = optelsom_codebook::Timestamp::from_millis(query.asked_at.as_millis() - 86_400_000);
    let dated = query.to_bytes();
    let mut back_dated = all.clone();
    back_dated[4] = &dated;
    assert_eq!(found(&back_dated), Some(10));
}
