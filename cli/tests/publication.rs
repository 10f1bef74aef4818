//! What releases become in each format.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod samples;

use std::collections::BTreeSet;

use optelsom_cli::arguments::Format;
use optelsom_cli::publication::render;
use optelsom_codebook::Lang;
use optelsom_disclosure::Release;
use proptest::prelude::*;
use samples::{HOSTILE, STATUSES};

fn text(release: &Release, lang: Lang, format: Format) -> String {
    String::from_utf8(render(release, lang, format, false).unwrap()).unwrap()
}

fn records(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The fields of the columns with these names, line by line.
fn columns(text: &str, delimiter: u8, names: &[&str]) -> String {
    let records = records(text, delimiter);
    let (heading, rows) = records.split_first().unwrap();
    let places: Vec<usize> = names.iter().map(|name| heading.iter().position(|field| field == name).unwrap()).collect();
    let line = |row: &Vec<String>| places.iter().map(|&place| row[place].clone()).collect::<Vec<_>>().join(" | ");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn csv_has_numbers_or_nothing_and_always_a_status() {
    let csv = text(&samples::statuses(), Lang::En, Format::Csv);
    insta::assert_snapshot!(columns(&csv, b',', &["province", "province label", "count", "count status"]), @r"
    NL-DR | Drenthe | 1200 | shown
    NL-FL | Flevoland | 0 | true-zero
    NL-FR | Friesland | 15 | rounded
    NL-GE | Gelderland |  | hidden-too-few
    NL-GR | Groningen |  | hidden-too-few-suppliers
    NL-LI | Limburg |  | hidden-dominance
    NL-NB | North Brabant |  | hidden-protects-others
    NL-NH | North Holland |  | not-collected
    NL-OV | Overijssel |  | supplier-absent
    NL-ZH | The Hague and surroundings |  | not-applicable
    ");
}

#[test]
fn a_dutch_spreadsheet_gets_words_where_there_is_no_number() {
    let csv = text(&samples::statuses(), Lang::Nl, Format::CsvNl);
    assert!(csv.starts_with('\u{feff}'));
    insta::assert_snapshot!(columns(&csv, b';', &["province label", "count", "count status"]), @r"
    Drenthe | 1200 | shown
    Flevoland | 0 | true-zero
    Fryslân | 15 | rounded
    Gelderland | te weinig | hidden-too-few
    Groningen | te weinig leveranciers | hidden-too-few-suppliers
    Limburg | overheersing | hidden-dominance
    Noord-Brabant | beschermt andere | hidden-protects-others
    Noord-Holland | niet bijgehouden | not-collected
    Overijssel | leverancier afwezig | supplier-absent
    's-Gravenhage en omgeving | n.v.t. | not-applicable
    ");
    let csv = text(&samples::figures(), Lang::Nl, Format::CsvNl);
    insta::assert_snapshot!(csv.lines().next().unwrap_or_default().replace(';', "\n"), @r"
    ﻿sex
    sex label
    mean_duration
    mean_duration status
    quantile_0.5_duration lower
    quantile_0.5_duration upper
    quantile_0.5_duration status
    title
    selection
    unit
    dataset
    edition
    codebook
    query
    suppliers_taking_part
    suppliers_asked
    minimum_frequency
    released
    notes
    citation
    ");
    let names = ["sex label", "mean_duration", "quantile_0.5_duration lower", "quantile_0.5_duration upper"];
    insta::assert_snapshot!(columns(&csv, b';', &names), @r"
    vrouw | 100,00 | 0 | 100
    man | te weinig | te weinig | te weinig
    ");
}

#[test]
fn sdmx_has_codes_of_its_own_lists() {
    let csv = text(&samples::statuses(), Lang::En, Format::SdmxCsv);
    let names = ["PROVINCE", "FIGURE", "OBS_VALUE", "OBS_STATUS", "CONF_STATUS", "Confidentiality status", "STATUS"];
    insta::assert_snapshot!(columns(&csv, b',', &names), @r"
    NL-DR | COUNT | 1200 | A | F | Free | shown
    NL-FL | COUNT | 0 | A | F | Free | true-zero
    NL-FR | COUNT | 15 | A | F | Free | rounded
    NL-GE | COUNT | NaN | Q | A | Primary confidentiality due to small counts | hidden-too-few
    NL-GR | COUNT | NaN | Q | A | Primary confidentiality due to small counts | hidden-too-few-suppliers
    NL-LI | COUNT | NaN | Q | G | Primary confidentiality due to dominance by one or two units | hidden-dominance
    NL-NB | COUNT | NaN | Q | D | Secondary confidentiality set by the sender, not for publication | hidden-protects-others
    NL-NH | COUNT | NaN | L | F | Free | not-collected
    NL-OV | COUNT | NaN | O | F | Free | supplier-absent
    NL-ZH | COUNT | NaN | M | F | Free | not-applicable
    ");
    let csv = text(&samples::years(), Lang::Nl, Format::SdmxCsv);
    let lines: Vec<String> = records(&csv, b',').into_iter().take(2).map(|record| record.join("\n")).collect();
    insta::assert_snapshot!(lines.join("\n--\n"), @r"
    STRUCTURE
    STRUCTURE_ID
    STRUCTURE_NAME
    ACTION
    TIME_PERIOD
    jaar van melding
    FIGURE
    Cijfer
    OBS_VALUE
    Waarde
    OBS_STATUS
    Status van de waarneming
    CONF_STATUS
    Vertrouwelijkheid
    STATUS
    Status in de tabel
    DECIMALS
    Decimalen
    UNIT_MEASURE
    Eenheid
    TITLE
    Titel
    SELECTION
    Selectie
    QUERY
    Vraagnummer
    EDITION
    Editie
    CODEBOOK
    Codeboek
    SUPPLIERS_TAKING_PART
    Leveranciers in de som
    SUPPLIERS_ASKED
    Leveranciers gevraagd
    RULES
    Regels
    RELEASED
    Vrijgegeven op
    COMMENT
    Opmerkingen
    CITATION
    Verwijzing
    --
    dataflow
    OPTELSOM:VICTIMS(2025.1)
    Meldingen van vermoedelijke slachtoffers
    I
    2014
    2014
    COUNT
    aantal
    1153

    A
    Normale waarde
    F
    Vrij
    shown
    getoond
    0

    REPORT

    Meldingen van vermoedelijke slachtoffers, naar jaar van melding

    jaar van melding: 2014–2024; sex: F

    abababababababababababababababababababababababababababababababab

    2024-12

    2025.1

    5

    6

    Verborgen zijn cellen die er minder dan 10 tellen (“te weinig”); en cellen die een verborgen cel zouden prijsgeven (“beschermt andere”). Verborgen is nooit 0.

    2025-01-01

    Onvolledig: 5 van de 6 gevraagde leveranciers deden mee. Leverancier youth-care antwoordde niet op tijd.

    Mensenhandel in Nederland. Meldingen van vermoedelijke slachtoffers, naar jaar van melding (jaar van melding: 2014–2024; sex: F). Editie 2024-12, codeboek 2025.1, 5 van 6 leveranciers. Vrijgegeven op 2025-01-01. Vraag abababababababababababababababababababababababababababababababab.
    ");
}

#[test]
fn a_quantile_is_two_observations() {
    let csv = text(&samples::figures(), Lang::En, Format::SdmxCsv);
    insta::assert_snapshot!(columns(&csv, b',', &["SEX", "FIGURE", "Figure", "OBS_VALUE", "OBS_STATUS"]), @r"
    F | MEAN_DURATION | mean of duration (days) | 100.00 | A
    F | QUANTILE_0_5_DURATION_LOWER | quantile 0.5 of duration (days), lower bound | 0 | A
    F | QUANTILE_0_5_DURATION_UPPER | quantile 0.5 of duration (days), upper bound | 100 | A
    M | MEAN_DURATION | mean of duration (days) | NaN | Q
    M | QUANTILE_0_5_DURATION_LOWER | quantile 0.5 of duration (days), lower bound | NaN | Q
    M | QUANTILE_0_5_DURATION_UPPER | quantile 0.5 of duration (days), upper bound | NaN | Q
    ");
}

#[test]
fn titles_and_selections_are_in_the_readers_language() {
    let facts = |release: &Release, lang| {
        let page = text(release, lang, Format::Html);
        let (_, rest) = page.split_once("<h1>").unwrap();
        rest.lines().take(3).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(facts(&samples::bars(), Lang::Nl), @r"
    Meldingen van vermoedelijke slachtoffers, naar geslacht en vorm van uitbuiting</h1>
    <p>year: 2020–2024; geslacht: vrouw, man</p>
    <p>Eenheid: meldingen, geen personen. Leveranciers: 5 van 6.</p>
    ");
    insta::assert_snapshot!(facts(&samples::years(), Lang::En), @r"
    Reports of presumed victims, by year of the report</h1>
    <p>year of the report: 2014–2024; sex: F</p>
    <p>Unit: reports, not persons. Suppliers: 5 of 6.</p>
    ");
}

#[test]
fn a_chart_says_in_words_what_it_shows() {
    let description = |release: &Release| {
        let svg = text(release, Lang::Nl, Format::Svg);
        let (_, rest) = svg.split_once("<desc id=\"chart-description\">").unwrap();
        rest.split_once("</desc>").unwrap().0.to_owned()
    };
    insta::assert_snapshot!(description(&samples::years()), @"aantal. 2014 1.153; 2015 1.089; 2016 976; 2017 897; 2018 leverancier afwezig; 2019 1.334; 2020 984; 2021 te weinig; 2022 812; 2023 868; 2024 1.049.");
    insta::assert_snapshot!(description(&samples::statuses()), @"aantal. Drenthe 1.200; Flevoland 0; Fryslân 15; Gelderland te weinig; Groningen te weinig leveranciers; Limburg overheersing; Noord-Brabant beschermt andere; Noord-Holland niet bijgehouden; Overijssel leverancier afwezig; &#39;s-Gravenhage en omgeving n.v.t..");
    insta::assert_snapshot!(description(&samples::figures()), @"gemiddelde van duur (days). vrouw 100,00; man te weinig. kwantiel 0.5 van duur (days). vrouw 0 – &lt; 100; man te weinig.");
}

/// Zero, hidden, absent and not collected are told apart everywhere, and no two statuses look the same.
#[test]
fn no_two_statuses_look_the_same() {
    let release = samples::statuses();
    for lang in [Lang::Nl, Lang::En] {
        let status_and_value = |format, delimiter, names: &[&str]| {
            let table = columns(&text(&release, lang, format), delimiter, names);
            let lines: BTreeSet<String> = table.lines().map(str::to_owned).collect();
            assert_eq!(lines.len(), STATUSES.len(), "{table}");
            let zeros = table.lines().filter(|line| line.ends_with("| 0")).count();
            assert_eq!(zeros, 1, "{table}");
        };
        status_and_value(Format::Csv, b',', &["count status", "count"]);
        status_and_value(Format::CsvNl, b';', &["count status", "count"]);
        status_and_value(Format::SdmxCsv, b',', &["STATUS", "OBS_VALUE"]);
        let page = text(&release, lang, Format::Html);
        for (status, _) in STATUSES {
            assert_eq!(page.matches(&format!("data-status=\"{status}\"")).count(), 1, "{status}");
        }
    }
}

#[test]
fn each_format_carries_what_belongs_to_the_figures() {
    let release = samples::bars();
    for format in [Format::Csv, Format::CsvNl, Format::SdmxCsv, Format::Html, Format::Svg] {
        let text = text(&release, Lang::En, format);
        for fact in ["Reports of presumed victims, by sex and form of exploitation", "2025.1", "2025-01-01"] {
            assert!(text.contains(fact), "{format:?} has no {fact}");
        }
        assert!(text.contains(&release.query().to_string()), "{format:?}");
        assert!(text.contains("5 of 6 suppliers"), "{format:?}");
        assert!(text.contains("multiple-valued") || text.contains("do not add up to the total"), "{format:?}");
    }
}

#[test]
fn labels_never_become_formulas_or_markup() {
    let release = samples::hostile();
    for lang in [Lang::Nl, Lang::En] {
        for (format, delimiter) in [(Format::Csv, b','), (Format::CsvNl, b';'), (Format::SdmxCsv, b',')] {
            for field in records(&text(&release, lang, format), delimiter).concat() {
                assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{format:?}: {field:?}");
            }
        }
        for format in [Format::Html, Format::Svg] {
            let text = text(&release, lang, format);
            assert!(!text.contains("<script"), "{format:?}");
            assert!(!text.contains("]]>"), "{format:?}");
        }
    }
}

#[test]
fn pages_and_pictures_ask_for_nothing_from_elsewhere() {
    for (name, release) in samples::all() {
        for format in [Format::Html, Format::Svg] {
            let Ok(bytes) = render(&release, Lang::Nl, format, false) else {
                assert_eq!((name, format), ("many", Format::Svg));
                continue;
            };
            let text = String::from_utf8(bytes).unwrap();
            for reference in ["src=", "href=", "@import", "url(http", "<script", "<link"] {
                assert!(!text.contains(reference), "{name} {format:?} has {reference}");
            }
        }
    }
}

#[test]
fn a_chart_that_nobody_could_read_is_refused() {
    let failure = render(&samples::many(), Lang::En, Format::Svg, false).unwrap_err();
    insta::assert_snapshot!(failure, @"210 bars or lines in one chart cannot be read, at most 120 can: group by fewer codes, or take --format html, which has the table without a chart");
    assert_eq!(failure.code(), 2);
    assert!(text(&samples::many(), Lang::En, Format::Html).contains("There is no chart"));
}

#[test]
fn the_same_release_gives_the_same_bytes() {
    let release = samples::bars();
    for format in [Format::Xlsx, Format::Parquet, Format::Html] {
        let render = || render(&release, Lang::Nl, format, false).unwrap();
        assert_eq!(render(), render(), "{format:?}");
    }
}

/// What a reader does with a text cell to have the text back, as docs/reading-releases.md says.
fn plain(cell: &str) -> &str {
    let guarded = |text: &str| {
        text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
    };
    cell.strip_prefix('\'').filter(|text| guarded(text)).unwrap_or(cell)
}

fn any_cell() -> impl Strategy<Value = (String, Option<String>)> {
    let number = any::<i64>().prop_map(|number| number.to_string());
    prop_oneof![
        number.prop_map(|number| ("shown".to_owned(), Some(number))),
        Just(("true-zero".to_owned(), Some("0".to_owned()))),
        (3..STATUSES.len()).prop_map(|at| (STATUSES[at].0.to_owned(), None)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn csv_reads_back(
        names in proptest::collection::btree_set("[ -~éß\t\r\n=+@'\",;-]{1,12}", 10),
        cells in proptest::collection::vec(any_cell(), 10),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let release = samples::changed(&samples::statuses(), |document| {
            samples::rename(document, &names);
            for (row, (status, value)) in cells.iter().enumerate() {
                let mut cell = serde_json::json!({ "status": status });
                if let Some(value) = value {
                    cell["value"] = serde_json::json!(value);
                }
                document["table"]["rows"][row]["figures"] = serde_json::json!([cell]);
            }
        });
        for (format, delimiter) in [(Format::Csv, b','), (Format::CsvNl, b';')] {
            let records = records(&text(&release, Lang::Nl, format), delimiter);
            prop_assert_eq!(records.len(), 11);
            for ((record, name), (status, value)) in records[1..].iter().zip(&names).zip(&cells) {
                prop_assert_eq!(plain(&record[0]), *name);
                prop_assert_eq!(plain(&record[1]), *name);
                match value {
                    Some(value) => prop_assert_eq!(&record[2], value),
                    None => prop_assert!(record[2].parse::<f64>().is_err()),
                }
                prop_assert_eq!(&record[3], status);
            }
        }
    }
}

#[test]
fn hostile_labels_are_all_there() {
    let csv = records(&text(&samples::hostile(), Lang::En, Format::Csv), b',');
    let codes: Vec<&str> = csv[1..].iter().map(|record| plain(&record[0])).collect();
    assert_eq!(codes, HOSTILE);
}
