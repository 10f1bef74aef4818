//! What the report says, in two languages and three formats, and what a search finds.

use std::fs;

use serde_json::Value;

use crate::{audit, exported, told};

fn report(words: &[&str]) -> String {
    let folder = exported();
    let (code, text) = told(&audit(folder.path(), &[&["report", "export"], words].concat()));
    assert_eq!(code, Some(0), "{text}");
    text
}

/// The indexes of the queries that a search finds.
fn found(words: &[&str]) -> Vec<u64> {
    let report: Value = serde_json::from_str(&report(&[&["--format", "json"], words].concat())).unwrap();
    report["queries"].as_array().unwrap().iter().map(|query| query["index"].as_u64().unwrap()).collect()
}

#[test]
fn the_report_in_english() {
    insta::assert_snapshot!(report(&[]), @r"
    In order: nothing in this log was altered, removed or moved, and every signature holds.

    31 entries, root 98139b3013b1381813b18889b75b0d448602728f85bcc3c46ffa48303ae8c936
    seen by optelsom.example/bureau/border-police (2026-11-02T18:30:00Z)
    seen by optelsom.example/bureau/labour (2026-11-02T18:30:00Z)
    seen by optelsom.example/bureau/police (2026-11-02T18:30:00Z)
    seen by optelsom.example/bureau/prosecution (2026-11-02T18:30:00Z)
    seen by optelsom.example/bureau/shelters (2026-11-02T18:30:00Z)
    seen by optelsom.example/bureau/youth-care (2026-11-02T18:30:00Z)
    7 queries: 2 released, 1 refused, 1 abandoned, 1 void, 1 spent, 1 not ended

    #4 2026-11-02T10:30:00Z analyst-1
      Question: Reports of victims: number, by year and sex
      Only: year: 2020–2024
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT year, sex, COUNT(*) FROM victims WHERE year IN ('2020', '2021', '2022', '2023', '2024') GROUP BY year, sex
      Purpose: monitor
      Asked by: analyst-1 (#5)
      Approved by: analyst-2
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Answered by: border-police, labour, police, prosecution, shelters, youth-care (6, #6)
      Outcome: table released, of all that were asked (#8)
      Hidden: 1 cell (protects others), 3 cells (too few)
      Identifier: dfd1185837d1024d24cde207c15553927572df7b915c863c4008d2217a11f418

    #9 2026-11-02T11:30:00Z analyst-1
      Question: Reports of victims: number, by form of exploitation
      Only: year: 2015 and form of exploitation: sexual exploitation, labour exploitation
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT form, COUNT(*) FROM victims WHERE year = '2015' AND form IN ('sexual', 'labour') GROUP BY form
      Purpose: monitor
      Asked by: analyst-1 (#10)
      Approved by: nobody else
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Answered by: border-police, labour, police, prosecution, shelters (5, #12)
      Refused by: youth-care: the question asks years outside the agreement [outside-period] (#11)
      Outcome: table released, not of all that were asked (#14)
      Hidden: no cells
      Identifier: 27c692c44260bfe174a2abfd50a563b8d672056ac746365b2c4dae78b07b1161

    #15 2026-11-02T12:30:00Z analyst-1
      Question: Reports of victims: number, by sex
      Only: year: 2024
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT sex, COUNT(*) FROM victims WHERE year = '2024' GROUP BY sex
      Purpose: monitor
      Asked by: analyst-1 (#16)
      Approved by: nobody else
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Outcome: abandoned: the sum would have fewer suppliers than was agreed [too-few-suppliers] (#17)
      Identifier: 7e596340f337127ddc3b2de03fa06067618c075a14c7bb629690b7f9d510955b

    #18 2026-11-02T13:30:00Z analyst-1
      Question: Reports of victims: number
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT COUNT(*) FROM victims
      Purpose: monitor
      Asked by: analyst-1 (#19)
      Approved by: nobody else
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Outcome: refused: the question breaks a rule of the supplier [policy] (#20)
      Identifier: 09ca9a7bdf8041c8d24e52cffb1cf3749e9289bd6c526307814fc352abe18b8d

    #21 2026-11-02T14:30:00Z analyst-1
      Question: Reports of victims: number, by year
      Only: year: 2019
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT year, COUNT(*) FROM victims WHERE year = '2019' GROUP BY year
      Purpose: monitor
      Asked by: analyst-1 (#22)
      Approved by: nobody else
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Outcome: declared void: voters-gone (#23)
      Identifier: f23919ed9c781713834627c5cb5d0fcc3fd5c0672d3cda8e6bb4cb34bc4eaad3

    #24 2026-11-02T15:30:00Z analyst-1
      Question: Reports of victims: number, by year
      Only: year: 2018
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT year, COUNT(*) FROM victims WHERE year = '2018' GROUP BY year
      Purpose: monitor
      Asked by: analyst-1 (#25)
      Approved by: nobody else
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Answered by: border-police, labour, police, prosecution, shelters, youth-care (6, #26)
      Outcome: spent, nothing released: the total did not fit what the suppliers had committed to [sum-mismatch] (#28)
      Identifier: b8200755bfe13747c17d342b74ceb234e713d1729c1413b2bb894170f177e401

    #29 2026-11-02T16:30:00Z analyst-1
      Question: Reports of victims: number, by year and form of exploitation
      Data: victims (reports, not persons); edition 2024-12
      As SQL: SELECT year, form, COUNT(*) FROM victims GROUP BY year, form
      Purpose: monitor
      Asked by: analyst-1 (#30)
      Approved by: analyst-2
      Put to: border-police, labour, police, prosecution, shelters, youth-care (6)
      Outcome: not ended; asked at 2026-11-02T16:30:00Z
      Identifier: aff4c7d6d60d60003db41920a385237e553231d6e3f3077b48f6cea3b73f9c22

    What everybody goes by, and its changes
      #0 roster
      #1 codebook
      #2 policy

    Editions
      #3 victims 2024-12 (2026-11-02T09:30:00Z)
    ");
}

#[test]
fn the_report_in_dutch() {
    insta::assert_snapshot!(report(&["--lang", "nl", "--to", "2026-11-02"]), @r"
    In orde: niets in dit logboek is veranderd, weggehaald of verschoven, en elke handtekening klopt.

    31 posten, wortel 98139b3013b1381813b18889b75b0d448602728f85bcc3c46ffa48303ae8c936
    gezien door optelsom.example/bureau/border-police (2026-11-02T18:30:00Z)
    gezien door optelsom.example/bureau/labour (2026-11-02T18:30:00Z)
    gezien door optelsom.example/bureau/police (2026-11-02T18:30:00Z)
    gezien door optelsom.example/bureau/prosecution (2026-11-02T18:30:00Z)
    gezien door optelsom.example/bureau/shelters (2026-11-02T18:30:00Z)
    gezien door optelsom.example/bureau/youth-care (2026-11-02T18:30:00Z)
    7 vragen: 2 vrijgegeven, 1 geweigerd, 1 afgebroken, 1 nietig, 1 vervallen, 1 niet beëindigd
    Getoond: 7 (--to 2026-11-02T23:59:59.999Z)

    #4 2026-11-02T10:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar jaar en geslacht
      Alleen: jaar: 2020–2024
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT year, sex, COUNT(*) FROM victims WHERE year IN ('2020', '2021', '2022', '2023', '2024') GROUP BY year, sex
      Doel: monitor
      Gesteld door: analyst-1 (#5)
      Goedgekeurd door: analyst-2
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Beantwoord door: border-police, labour, police, prosecution, shelters, youth-care (6, #6)
      Uitkomst: tabel vrijgegeven, van allen die gevraagd zijn (#8)
      Verborgen: 1 cel (beschermt andere), 3 cellen (te weinig)
      Kenmerk: dfd1185837d1024d24cde207c15553927572df7b915c863c4008d2217a11f418

    #9 2026-11-02T11:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar vorm van uitbuiting
      Alleen: jaar: 2015 en vorm van uitbuiting: seksuele uitbuiting, arbeidsuitbuiting
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT form, COUNT(*) FROM victims WHERE year = '2015' AND form IN ('sexual', 'labour') GROUP BY form
      Doel: monitor
      Gesteld door: analyst-1 (#10)
      Goedgekeurd door: niemand anders
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Beantwoord door: border-police, labour, police, prosecution, shelters (5, #12)
      Geweigerd door: youth-care: de vraag gaat over jaren buiten de overeenkomst [outside-period] (#11)
      Uitkomst: tabel vrijgegeven, niet van allen die gevraagd zijn (#14)
      Verborgen: geen cellen
      Kenmerk: 27c692c44260bfe174a2abfd50a563b8d672056ac746365b2c4dae78b07b1161

    #15 2026-11-02T12:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar geslacht
      Alleen: jaar: 2024
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT sex, COUNT(*) FROM victims WHERE year = '2024' GROUP BY sex
      Doel: monitor
      Gesteld door: analyst-1 (#16)
      Goedgekeurd door: niemand anders
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Uitkomst: afgebroken: de som zou over minder leveranciers gaan dan is overeengekomen [too-few-suppliers] (#17)
      Kenmerk: 7e596340f337127ddc3b2de03fa06067618c075a14c7bb629690b7f9d510955b

    #18 2026-11-02T13:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT COUNT(*) FROM victims
      Doel: monitor
      Gesteld door: analyst-1 (#19)
      Goedgekeurd door: niemand anders
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Uitkomst: geweigerd: de vraag strookt niet met de regels van de leverancier [policy] (#20)
      Kenmerk: 09ca9a7bdf8041c8d24e52cffb1cf3749e9289bd6c526307814fc352abe18b8d

    #21 2026-11-02T14:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar jaar
      Alleen: jaar: 2019
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT year, COUNT(*) FROM victims WHERE year = '2019' GROUP BY year
      Doel: monitor
      Gesteld door: analyst-1 (#22)
      Goedgekeurd door: niemand anders
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Uitkomst: nietig verklaard: voters-gone (#23)
      Kenmerk: f23919ed9c781713834627c5cb5d0fcc3fd5c0672d3cda8e6bb4cb34bc4eaad3

    #24 2026-11-02T15:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar jaar
      Alleen: jaar: 2018
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT year, COUNT(*) FROM victims WHERE year = '2018' GROUP BY year
      Doel: monitor
      Gesteld door: analyst-1 (#25)
      Goedgekeurd door: niemand anders
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Beantwoord door: border-police, labour, police, prosecution, shelters, youth-care (6, #26)
      Uitkomst: vervallen, niets vrijgegeven: het totaal paste niet bij de toezeggingen van de leveranciers [sum-mismatch] (#28)
      Kenmerk: b8200755bfe13747c17d342b74ceb234e713d1729c1413b2bb894170f177e401

    #29 2026-11-02T16:30:00Z analyst-1
      Vraag: Meldingen van slachtoffers: aantal, naar jaar en vorm van uitbuiting
      Gegevens: victims (meldingen, geen personen); editie 2024-12
      Als SQL: SELECT year, form, COUNT(*) FROM victims GROUP BY year, form
      Doel: monitor
      Gesteld door: analyst-1 (#30)
      Goedgekeurd door: analyst-2
      Gevraagd aan: border-police, labour, police, prosecution, shelters, youth-care (6)
      Uitkomst: niet beëindigd; gesteld op 2026-11-02T16:30:00Z
      Kenmerk: aff4c7d6d60d60003db41920a385237e553231d6e3f3077b48f6cea3b73f9c22
    ");
}

#[test]
fn searches() {
    let all = found(&[]);
    assert_eq!(all.len(), 7);
    assert_eq!(found(&["--person", "analyst-1"]), all);
    assert_eq!(found(&["--person", "analyst-2"]), vec![all[0], all[6]]);
    assert_eq!(found(&["--person", "analyst-3"]), Vec::<u64>::new());
    assert_eq!(found(&["--supplier", "police"]), all);
    assert_eq!(found(&["--supplier", "nobody"]), Vec::<u64>::new());
    assert_eq!(found(&["--variable", "sex"]), vec![all[0], all[2]]);
    assert_eq!(found(&["--variable", "form", "--person", "analyst-2"]), vec![all[6]]);
    assert_eq!(found(&["--from", "2026-11-02T12:00:00Z"]), all[2..]);
    assert_eq!(found(&["--to", "2026-11-02T12:00:00Z"]), all[..2]);
    assert_eq!(found(&["--from", "2026-11-03"]), Vec::<u64>::new());
    let folder = exported();
    assert_eq!(audit(folder.path(), &["report", "export", "--from", "yesterday"]).status.code(), Some(2));
    // A misspelt name finds nothing either: what there is to find is said.
    let said = |words: &[&str]| told(&audit(folder.path(), &[&["report", "export"], words].concat())).1;
    let (person, variable) = (said(&["--person", "analyst-3"]), said(&["--variable", "sexx"]));
    assert!(
        person.contains("no query is asked or approved by analyst-3; they are by analyst-1, analyst-2"),
        "{person}"
    );
    assert!(variable.contains("no query looks at sexx; they look at "), "{variable}");
    assert!(!said(&["--variable", "sex"]).contains("they look at"));
}

#[test]
fn json_has_a_proof_for_every_entry_that_it_names() {
    let report: Value = serde_json::from_str(&report(&["--format", "json"])).unwrap();
    assert_eq!(report["verdict"]["passed"], true);
    let proofs = report["proofs"].as_object().unwrap();
    for query in report["queries"].as_array().unwrap() {
        for index in query["entries"].as_array().unwrap() {
            assert!(proofs.contains_key(&index.to_string()), "{index}");
        }
    }
    assert_eq!(report["counts"]["unended"], 1);
}

#[test]
fn a_report_on_a_damaged_log_says_so_first() {
    let folder = exported();
    fs::write(folder.path().join("export/notes.txt"), "<script>").unwrap();
    let output = audit(folder.path(), &["report", "export", "--format", "html", "-o", "report.html"]);
    assert_eq!(told(&output), (Some(11), String::new()));
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let verdict = page.find("Not in order: 1 finding.").unwrap();
    assert!(verdict < page.find("Summary").unwrap());
    assert!(!page.contains("<script"));
}
