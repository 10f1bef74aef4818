#![allow(clippy::unwrap_used)]

use optelsom_codebook::{Codebook, Query};

use super::*;
use crate::Status;
use crate::history::History;
use crate::noise::Noise;
use crate::protect::{protect, protect_noised};
use crate::totals::Totals;

const CODEBOOK: &str = r#"
version = "2"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2020, 2021]
[datasets.d]
label = { nl = "Gegevens", en = "Data" }
unit = "report"
period = "year"
minimum_frequency = 5
minimum_suppliers = 1
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
"#;

fn suppliers(names: &[&str]) -> BTreeSet<SupplierId> {
    names.iter().map(|name| SupplierId::try_from(*name).unwrap()).collect()
}

fn release(taking_part: &[&str], k: u64) -> Result<Release, ReleaseError> {
    released([7, 4], "SELECT year, COUNT(*) FROM d GROUP BY year", taking_part, k)
}

fn released(counts: [i64; 2], sql: &str, taking_part: &[&str], k: u64) -> Result<Release, ReleaseError> {
    let codebook = Codebook::parse(CODEBOOK).unwrap();
    let query = Query::from_sql(&codebook, sql).unwrap();
    let plan = Plan::new(&codebook, &query).unwrap();
    let policy = Policy::for_dataset(plan.dataset()).unwrap().stricter(Some(k));
    let totals = Totals::new(vec![counts.to_vec()]);
    let table = match Noise::of(&plan, 2) {
        Some(noise) => protect_noised(&plan, &noise, taking_part.len() as u64, totals).unwrap(),
        None => protect(&plan, &policy, totals).unwrap(),
    };
    let round = RoundFacts {
        query: QueryId::from_bytes([1; 32]),
        edition: EditionId::try_from("2024-12").unwrap(),
        purpose: "monitor".to_owned(),
        asked_at: Timestamp::from_millis(1_735_689_599_250),
        released_at: Timestamp::from_millis(1_735_689_600_000),
        asked: suppliers(&["a", "b", "c"]),
        taking_part: suppliers(taking_part),
        absences: vec![(SupplierId::try_from("b").unwrap(), Absence::Refused { code: "denied".to_owned() })],
    };
    Release::new(&codebook, &plan, &policy, round, table)
}

#[test]
fn a_complete_release_needs_no_notes() {
    let release = release(&["a", "b", "c"], 5).unwrap();
    assert_eq!(release.notes(), []);
    let json = String::from_utf8(release.to_json().unwrap()).unwrap();
    let json = json.replace(&release.codebook().hash.to_string(), "…").replace(&release.document().to_string(), "{…}");
    insta::assert_snapshot!(json.replace("],\"", "],\n\""), @r##"
    {"format":"optelsom-release/1","query":"0101010101010101010101010101010101010101010101010101010101010101","question":"SELECT year, COUNT(*) FROM d GROUP BY year","document":{…},"dataset":"d","dataset_label":{"nl":"Gegevens","en":"Data"},"unit":"report","codebook":{"name":{"nl":"Proef","en":"Trial"},"version":"2","hash":"…"},"edition":"2024-12","purpose":"monitor","asked_at":"2024-12-31T23:59:59.25Z","released_at":"2025-01-01T00:00:00Z","suppliers_asked":["a","b","c"],
    "suppliers_taking_part":["a","b","c"],
    "minimum_frequency":5,"disclosure_policy":"e2e9059cb4fadde3d556a83726025eeda3e36388de3b365871b53e536ebb7589","notes":[],
    "table":{"axes":[{"name":"year","label":{"nl":"jaar","en":"year"},"multiple":false,"places":[{"code":"2020","label":{"nl":"2020","en":"2020"}},{"code":"2021","label":{"nl":"2021","en":"2021"}}]}],
    "figures":[{"name":"count","kind":"count","label":{"nl":"aantal","en":"number"},"unit":{"nl":"meldingen","en":"reports"},"decimals":0}],
    "rows":[{"codes":["2020"],
    "figures":[{"status":"shown","value":"7"}]},{"codes":["2021"],
    "figures":[{"status":"hidden-too-few"}]}]}}
    "##);
}

#[test]
fn who_was_absent_and_why_is_said() {
    let release = release(&["a"], 7).unwrap();
    let notes: Vec<String> = release.notes().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @r"
    Cells under 7 are hidden, as a supplier's agreement asks (codebook: 5).
    Incomplete: 1 of the 3 suppliers asked took part.
    Supplier b refused: the supplier's operator denied the question.
    Supplier c gave no answer in time.
    ");
    let notes: Vec<String> = release.notes().iter().map(|note| note.text(Lang::Nl)).collect();
    insta::assert_snapshot!(notes.join("\n"), @r"
    Cellen onder 7 zijn verborgen, zoals de overeenkomst van een leverancier vraagt (codeboek: 5).
    Onvolledig: 1 van de 3 gevraagde leveranciers deden mee.
    Leverancier b weigerde: de beheerder van de leverancier heeft de vraag afgewezen.
    Leverancier c antwoordde niet op tijd.
    ");
}

#[test]
fn a_nought_is_a_true_one_only_where_all_that_were_asked_took_part() {
    let statuses = |counts, taking_part: &[&str]| {
        let release = released(counts, "SELECT year, COUNT(*) FROM d GROUP BY year", taking_part, 5).unwrap();
        // It reads back, and later tables are protected as before: the figure is still nought.
        assert_eq!(Release::from_json(&release.to_json().unwrap()).unwrap(), release);
        let statuses = release.table().rows().iter().map(|row| row.figures()[0].status());
        (statuses.collect::<Vec<_>>(), release.notes().contains(&Note::NothingCounted))
    };
    assert_eq!(statuses([7, 0], &["a", "b", "c"]), (vec![Status::Shown, Status::TrueZero], false));
    assert_eq!(statuses([7, 0], &["a", "b"]), (vec![Status::Shown, Status::SupplierAbsent], false));
    assert_eq!(statuses([4, 0], &["a", "b"]), (vec![Status::HiddenTooFew, Status::SupplierAbsent], false));
    assert_eq!(statuses([0, 0], &["a"]), (vec![Status::SupplierAbsent; 2], true));
}

#[test]
fn nobody_takes_part_unasked() {
    assert!(matches!(release(&["a", "d"], 5), Err(ReleaseError::NotAsked(stranger)) if stranger.as_str() == "d"));
}

#[test]
fn reads_back_strictly() {
    let release = release(&["a", "c"], 5).unwrap();
    let json = release.to_json().unwrap();
    assert_eq!(Release::from_json(&json).unwrap(), release);
    let text = String::from_utf8(json).unwrap();
    for (from, to) in [
        ("optelsom-release/1", "optelsom-release/2"),
        ("\"purpose\"", "\"porpoise\""),
        ("\"codes\":[\"2020\"]", "\"codes\":[\"1999\"]"),
        ("\"codes\":[\"2020\"]", "\"codes\":[]"),
        ("\"value\":\"7\"", "\"value\":\"7.0\""),
        ("\"suppliers_taking_part\":[\"a\"", "\"suppliers_taking_part\":[\"x\""),
        ("\"hidden-too-few\"", "\"shown\""),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert!(Release::from_json(changed.as_bytes()).is_err(), "{from} -> {to}");
    }
}

#[test]
fn a_release_with_noise_says_so_and_is_no_part_of_the_history() {
    let sql = "SELECT year, COUNT(*) FROM d GROUP BY year SETTINGS epsilon = 0.5";
    let (noised, exact) = (released([7, 4], sql, &["a", "b", "c"], 5).unwrap(), release(&["a", "b", "c"], 5).unwrap());
    assert!(noised.is_noised() && !exact.is_noised());
    assert_eq!(noised.notes(), [Note::Noised { epsilon: "0.5".to_owned(), unit: "report".to_owned() }]);
    assert_eq!(Release::from_json(&noised.to_json().unwrap()).unwrap(), noised);
    let codebook = Codebook::parse(CODEBOOK).unwrap();
    let earlier = [noised.to_json().unwrap(), exact.to_json().unwrap()];
    let history = History::read(&codebook, "d", noised.edition(), suppliers(&["a"]), earlier).unwrap();
    assert_eq!(history.len(), 1);
}
