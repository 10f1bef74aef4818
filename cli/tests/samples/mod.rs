//! Releases of many kinds, for tests of what is made of them.
#![allow(clippy::unwrap_used, dead_code)]

use optelsom_codebook::{Codebook, Plan, Query, QueryId, SupplierId, Timestamp};
use optelsom_disclosure::{Absence, Noise, Policy, Release, RoundFacts, Totals, protect, protect_noised};
use serde_json::{Value, json};

const CODEBOOK: &str = r#"
version = "2025.1"
name = { nl = "Mensenhandel in Nederland", en = "Trafficking in human beings in the Netherlands" }
[lists.years]
years = [2010, 2030]
[lists.form]
codes = [
    { code = "sexual-domestic", nl = "binnenlandse seksuele uitbuiting", en = "domestic sexual exploitation" },
    { code = "sexual-cross-border", nl = "grensoverschrijdende seksuele uitbuiting", en = "cross-border sexual exploitation" },
    { code = "labour", nl = "arbeidsuitbuiting en gedwongen dienstverlening", en = "labour exploitation and forced services" },
    { code = "criminal", nl = "criminele uitbuiting, waaronder gedwongen bedelarij", en = "criminal exploitation, including forced begging" },
    { code = "organ-removal", nl = "gedwongen orgaanverwijdering", en = "forced organ removal" },
    { code = "recruitment-sub-3", nl = "grensoverschrijdende werving voor prostitutie (sub 3)", en = "cross-border recruitment for prostitution (sub 3)" },
    { code = "unknown", nl = "onbekend of nog niet uitgebuit", en = "unknown, or not exploited yet" },
]
missing = "unknown"
[lists.sex]
codes = [
    { code = "F", nl = "vrouw", en = "female" },
    { code = "M", nl = "man", en = "male" },
    { code = "U", nl = "onbekend", en = "unknown" },
]
[lists.province]
codes = [
    { code = "NL-DR", nl = "Drenthe", en = "Drenthe" },
    { code = "NL-FL", nl = "Flevoland", en = "Flevoland" },
    { code = "NL-FR", nl = "Fryslân", en = "Friesland" },
    { code = "NL-GE", nl = "Gelderland", en = "Gelderland" },
    { code = "NL-GR", nl = "Groningen", en = "Groningen" },
    { code = "NL-LI", nl = "Limburg", en = "Limburg" },
    { code = "NL-NB", nl = "Noord-Brabant", en = "North Brabant" },
    { code = "NL-NH", nl = "Noord-Holland", en = "North Holland" },
    { code = "NL-OV", nl = "Overijssel", en = "Overijssel" },
    { code = "NL-ZH", nl = "'s-Gravenhage en omgeving", en = "The Hague and surroundings" },
]
[datasets.victims]
label = { nl = "Meldingen van vermoedelijke slachtoffers", en = "Reports of presumed victims" }
unit = "report"
period = "year"
minimum_frequency = 10
minimum_suppliers = 1
[datasets.victims.variables.year]
label = { nl = "jaar van melding", en = "year of the report" }
list = "years"
[datasets.victims.variables.form]
label = { nl = "vorm van uitbuiting", en = "form of exploitation" }
list = "form"
multiple = true
[datasets.victims.variables.sex]
label = { nl = "geslacht", en = "sex" }
list = "sex"
[datasets.victims.variables.province]
label = { nl = "provincie", en = "province" }
list = "province"
[datasets.victims.measures.duration]
label = { nl = "duur", en = "duration" }
unit = "days"
decimals = 0
minimum = 0
maximum = 20000
optional = true
"#;

/// Whom the samples are of.
pub const SUPPLIERS: [&str; 6] = ["border-police", "labour", "police", "prosecution", "shelters", "youth-care"];

/// The release of this question, with totals given per column.
pub fn release(sql: &str, columns: Vec<Vec<i64>>) -> Release {
    release_by(&Codebook::parse(CODEBOOK).unwrap(), sql, columns, Absence::NoAnswer)
}

/// The release of a question by this codebook, without the last of the suppliers for this reason.
pub fn release_by(codebook: &Codebook, sql: &str, columns: Vec<Vec<i64>>, absence: Absence) -> Release {
    let plan = Plan::new(codebook, &Query::from_sql(codebook, sql).unwrap()).unwrap();
    let policy = Policy::for_dataset(plan.dataset()).unwrap();
    let totals = Totals::new(columns);
    let table = match Noise::of(&plan, 4) {
        Some(noise) => protect_noised(&plan, &noise, 5, totals).unwrap(),
        None => protect(&plan, &policy, totals).unwrap(),
    };
    let all = SUPPLIERS.map(|name| SupplierId::try_from(name).unwrap());
    let round = RoundFacts {
        query: QueryId::from_bytes([0xab; 32]),
        edition: "2024-12".parse().unwrap(),
        purpose: "monitor".to_owned(),
        asked_at: Timestamp::from_millis(1_735_689_599_250),
        released_at: Timestamp::from_millis(1_735_689_659_250),
        asked: all.iter().cloned().collect(),
        taking_part: all.iter().take(5).cloned().collect(),
        absences: vec![(all.last().unwrap().clone(), absence)],
    };
    Release::new(codebook, &plan, &policy, round, table).unwrap()
}

/// The same release with another document, as one that came from elsewhere.
pub fn changed(release: &Release, change: impl FnOnce(&mut Value)) -> Release {
    let mut document = serde_json::from_slice(&release.to_json().unwrap()).unwrap();
    change(&mut document);
    Release::from_json(&serde_json::to_vec(&document).unwrap()).unwrap()
}

/// A line over eleven years, with a zero and a hidden cell.
pub fn years() -> Release {
    let sql = "SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2014 AND 2024 AND sex = 'F' GROUP BY year";
    release(sql, vec![vec![1153, 1089, 976, 897, 0, 1334, 984, 7, 812, 868, 1049]])
}

/// A panel per form of exploitation.
pub fn panels() -> Release {
    let sql = "SELECT year, form, COUNT(*) FROM victims WHERE year BETWEEN 2015 AND 2024 GROUP BY year, form";
    let count = |cell: i64| match cell % 7 {
        0 => 300 + (cell * 37) % 190,
        1 => 180 + (cell * 53) % 150,
        2 => 90 + (cell * 29) % 120,
        3 => 12 + (cell * 17) % 90,
        4 => (cell / 7) % 4,
        5 => 5 + (cell * 11) % 40,
        _ => 60 + (cell * 13) % 80,
    };
    release(sql, vec![(0..70).map(count).collect()])
}

/// Two groups of bars with long names.
pub fn bars() -> Release {
    let sql = "SELECT sex, form, COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2024 AND sex IN ('F', 'M') \
               GROUP BY sex, form";
    release(sql, vec![vec![1049, 811, 212, 43, 0, 12, 4, 96, 30, 655, 240, 3, 0, 18]])
}

/// One number.
pub fn total() -> Release {
    release("SELECT COUNT(*) FROM victims WHERE year = 2024", vec![vec![4321]])
}

/// More cells than a chart can show.
pub fn many() -> Release {
    let sql = "SELECT province, form, sex, COUNT(*) FROM victims GROUP BY province, form, sex";
    release(sql, vec![(0..210).map(|cell| 100 + cell).collect()])
}

/// A mean and a quantile, hidden for men.
pub fn figures() -> Release {
    let sql = "SELECT sex, AVG(duration), QUANTILE(duration, 0.5, 0, 100, 1000) FROM victims WHERE sex IN ('F', 'M') \
               GROUP BY sex";
    // Bins below 0, 0 to 100, 100 to 1000, 1000 and more, missing: for women, men; then women, men.
    let count = vec![0, 40, 20, 0, 5, 0, 0, 3, 0, 12, 65, 15];
    let sum = vec![0, 2000, 4000, 0, 0, 0, 0, 600, 0, 0, 6000, 600];
    let present = vec![0, 40, 20, 0, 0, 0, 0, 3, 0, 0, 60, 3];
    release(sql, vec![count, sum, present])
}

/// Every status that there is, each once.
pub const STATUSES: [(&str, Option<&str>); 10] = [
    ("shown", Some("1200")),
    ("true-zero", Some("0")),
    ("rounded", Some("15")),
    ("hidden-too-few", None),
    ("hidden-too-few-suppliers", None),
    ("hidden-dominance", None),
    ("hidden-protects-others", None),
    ("not-collected", None),
    ("supplier-absent", None),
    ("not-applicable", None),
];

/// A province per status.
pub fn statuses() -> Release {
    let sql = "SELECT province, COUNT(*) FROM victims WHERE year = 2024 GROUP BY province";
    changed(&release(sql, vec![vec![100; 10]]), |document| {
        let rows = document["table"]["rows"].as_array_mut().unwrap();
        for (row, (status, value)) in rows.iter_mut().zip(STATUSES) {
            row["figures"] = match value {
                Some(value) => json!([{ "status": status, "value": value }]),
                None => json!([{ "status": status }]),
            };
        }
    })
}

/// Labels and codes that a program might take for something else than text.
pub const HOSTILE: [&str; 10] = [
    "=HYPERLINK(\"http://example.org\",\"y\")",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "a\"b,c;d",
    "two\nlines",
    "<script>alert(1)</script>&amp;]]>",
    "'s-Gravenhage",
];

/// All of them in one table.
pub fn hostile() -> Release {
    let sql = "SELECT province, COUNT(*) FROM victims WHERE year = 2024 GROUP BY province";
    let plain = release(sql, vec![(0..10).map(|cell| 100 + cell).collect()]);
    changed(&plain, |document| {
        document["dataset_label"] = json!({ "nl": HOSTILE[0], "en": HOSTILE[8] });
        document["codebook"]["name"] = json!({ "nl": HOSTILE[8], "en": HOSTILE[1] });
        document["table"]["axes"][0]["label"] = json!({ "nl": HOSTILE[8], "en": HOSTILE[3] });
        rename(document, &HOSTILE);
    })
}

/// Gives the places of the only axis these codes, which are labels too.
pub fn rename(document: &mut Value, names: &[&str]) {
    for (place, name) in names.iter().enumerate() {
        document["table"]["axes"][0]["places"][place] = json!({ "code": name, "label": { "nl": name, "en": name } });
        document["table"]["rows"][place]["codes"] = json!([name]);
    }
}

/// Every sample with its name.
pub fn all() -> Vec<(&'static str, Release)> {
    vec![
        ("years", years()),
        ("panels", panels()),
        ("bars", bars()),
        ("total", total()),
        ("many", many()),
        ("figures", figures()),
        ("statuses", statuses()),
        ("hostile", hostile()),
    ]
}
