#![allow(clippy::unwrap_used)]

use super::*;
use crate::audit::arguments::TrustArguments;
use crate::fixture::release;

fn rendered(release: &Release, lang: Lang, format: Format) -> String {
    String::from_utf8(render(release, lang, format, false).unwrap()).unwrap()
}

fn counts() -> Release {
    let sql = "SELECT year, form, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY ROLLUP(year, form)";
    release(sql, &[&[1049, 9, 0, 700, 200, 12, 1050, 900, 1950]])
}

#[test]
fn a_table_in_english() {
    insta::assert_snapshot!(rendered(&counts(), Lang::En, Format::Table), @r"
    Reports of victims
    ────────────────────────────────────────────────
     year    form of exploitation            number
    ────────────────────────────────────────────────
     2023    sexual exploitation              1,049
     2023    labour exploitation            too few
     2023    unknown                supplier absent
     2024    sexual exploitation                700
     2024    labour exploitation                200
     2024    unknown                             12
     2023    total                            1,050
     2024    total                              900
     total   total                            1,950
    ────────────────────────────────────────────────
    Unit:         reports, not persons
    Suppliers:    5 of 6 (border-police, labour, police, prosecution, shelters)
    Hidden:       cells under 10: “too few”, never 0
    Edition:      2024-12
    Codebook:     Trafficking (trial), version 2024.1 (4104ff21fc49)
    Query:        abababababab, asked 2024-12-31 23:59Z, purpose: monitor
    - One row may have several values of “form of exploitation”: its counts do not add up to the total.
    - Incomplete: 5 of the 6 suppliers asked took part.
    - Supplier youth-care refused: the question asks years outside the agreement.
    ");
}

#[test]
fn a_table_in_dutch() {
    insta::assert_snapshot!(rendered(&counts(), Lang::Nl, Format::Table), @r"
    Meldingen van slachtoffers
    ────────────────────────────────────────────────────
     jaar     vorm van uitbuiting                aantal
    ────────────────────────────────────────────────────
     2023     seksuele uitbuiting                 1.049
     2023     arbeidsuitbuiting               te weinig
     2023     onbekend              leverancier afwezig
     2024     seksuele uitbuiting                   700
     2024     arbeidsuitbuiting                     200
     2024     onbekend                               12
     2023     totaal                              1.050
     2024     totaal                                900
     totaal   totaal                              1.950
    ────────────────────────────────────────────────────
    Eenheid:      meldingen, geen personen
    Leveranciers: 5 van 6 (border-police, labour, police, prosecution, shelters)
    Verborgen:    cellen onder 10: “te weinig”, nooit 0
    Editie:       2024-12
    Codeboek:     Mensenhandel (proef), versie 2024.1 (4104ff21fc49)
    Vraag:        abababababab, gesteld 2024-12-31 23:59Z, doel: monitor
    - Een rij kan meer waarden van “vorm van uitbuiting” hebben: de aantallen tellen niet op tot het totaal.
    - Onvolledig: 5 van de 6 gevraagde leveranciers deden mee.
    - Leverancier youth-care weigerde: de vraag gaat over jaren buiten de overeenkomst.
    ");
}

#[test]
fn csv_has_a_status_beside_every_figure_and_says_what_it_is_of() {
    let text = rendered(&counts(), Lang::En, Format::Csv);
    assert!(text.ends_with("\r\n") && text.matches("\r\n").count() == text.matches('\n').count());
    let (table, of): (Vec<&str>, Vec<&str>) =
        text.lines().map(|line| line.split_once(",title").or(line.split_once(",\"Reports")).unwrap()).unzip();
    insta::assert_snapshot!(table.join("\n"), @r"
    year,year label,form,form label,count,count status
    2023,2023,sexual,sexual exploitation,1049,shown
    2023,2023,labour,labour exploitation,,hidden-too-few
    2023,2023,unknown,unknown,,supplier-absent
    2024,2024,sexual,sexual exploitation,700,shown
    2024,2024,labour,labour exploitation,200,shown
    2024,2024,unknown,unknown,12,shown
    2023,2023,,total,1050,shown
    2024,2024,,total,900,shown
    ,total,,total,1950,shown
    ");
    assert!(of.iter().skip(2).all(|line| Some(line) == of.get(1)), "the same in every row");
    insta::assert_snapshot!(of.iter().take(2).copied().collect::<Vec<_>>().join("\n"), @r#"
    ,selection,unit,dataset,edition,codebook,query,suppliers_taking_part,suppliers_asked,minimum_frequency,released,notes,citation
     of victims, by year and form of exploitation","year: 2023, 2024",report,victims,2024-12,2024.1,abababababababababababababababababababababababababababababababab,5,6,10,2025-01-01,incomplete-total multiple-valued supplier-absent,"Trafficking (trial). Reports of victims, by year and form of exploitation (year: 2023, 2024). Edition 2024-12, codebook 2024.1, 5 of 6 suppliers. Released on 2025-01-01. Query abababababababababababababababababababababababababababababababab."
    "#);
}

#[test]
fn figures_of_measures_and_quantiles() {
    let sql = "SELECT sex, AVG(duration), QUANTILE(duration, 0.5, 0, 100, 1000) FROM victims GROUP BY sex";
    // Bins below 0, 0 to 100, 100 to 1000, 1000 and more, missing: for women, men; then women, men.
    let count = [0, 40, 20, 0, 5, 0, 0, 3, 0, 12, 65, 15];
    let sum = [0, 2000, 4000, 0, 0, 0, 0, 600, 0, 0, 6000, 600];
    let present = [0, 40, 20, 0, 0, 0, 0, 3, 0, 0, 60, 3];
    let release = release(sql, &[&count, &sum, &present]);
    insta::assert_snapshot!(rendered(&release, Lang::En, Format::Table).lines().take(6).collect::<Vec<_>>().join("\n"), @r"
    Reports of victims
    ───────────────────────────────────────────────────────────────────
     sex     mean of duration (days)   quantile 0.5 of duration (days)
    ───────────────────────────────────────────────────────────────────
     woman                    100.00                         0 – < 100
     man                     too few                           too few
    ");
    let lines = rendered(&release, Lang::En, Format::Csv).replace("\r\n", "\n");
    let figures = |line: &str| {
        line.split(",title,").next().unwrap_or_default().split(",\"Reports").next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(lines.lines().map(figures).collect::<Vec<_>>().join("\n"), @r"
    sex,sex label,mean_duration,mean_duration status,quantile_0.5_duration lower,quantile_0.5_duration upper,quantile_0.5_duration status
    F,woman,100.00,shown,0,100,shown
    M,man,,hidden-too-few,,,hidden-too-few
    ");
}

#[test]
fn json_reads_back() {
    let release = counts();
    let json = rendered(&release, Lang::En, Format::Json);
    assert_eq!(Release::from_json(json.as_bytes()).unwrap(), release);
}

#[test]
fn files_are_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.json");
    fs::write(&path, "old").unwrap();
    write(&counts(), Lang::En, Format::Json, &path).unwrap();
    assert!(Release::from_json(&fs::read(&path).unwrap()).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("no/table.json");
    assert_eq!(write(&counts(), Lang::En, Format::Json, &nowhere).unwrap_err().code(), 6);
    // Found before a query is spent on it.
    assert_eq!(Destination::File(Format::Json, &nowhere).check_writable().unwrap_err().code(), 6);
    assert_eq!(Destination::Bundle(&nowhere).check_writable().unwrap_err().code(), 6);
    assert!(Destination::File(Format::Json, &path).check_writable().is_ok());
    assert!(Destination::File(Format::Json, Path::new("/dev/null")).check_writable().is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_takes_a_bundle_and_a_file_has_a_format() {
    let folder = tempfile::tempdir().unwrap();
    let destination = |path: &str, format| {
        let output = Some(folder.path().join(path));
        let trust = TrustArguments { trust: None, roster: Vec::new() };
        let arguments = OutputArguments { format, output, trust };
        match Destination::of(&arguments) {
            Ok(Destination::Bundle(_)) => "bundle",
            Ok(Destination::File(..)) => "file",
            Ok(Destination::Output(_)) => "output",
            Err(failure) => {
                assert_eq!(failure.code(), 2);
                "refused"
            }
        }
    };
    assert_eq!(destination("release", None), "bundle");
    assert_eq!(destination("release.csv/", None), "bundle");
    assert_eq!(destination("release.csv", None), "refused");
    assert_eq!(destination("release.csv", Some(Format::Csv)), "file");
    assert_eq!(destination("release/", Some(Format::Csv)), "refused");
    assert_eq!(destination("", Some(Format::Csv)), "refused");
}

fn with_noise(group_by: &str) -> Release {
    let sql = format!("SELECT {group_by}, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY {group_by}");
    release(&format!("{sql} SETTINGS epsilon = 0.5"), &[&[1049, -3]])
}

#[test]
fn figures_with_noise_have_their_interval_beside_them_in_every_format() {
    let noised = with_noise("sex");
    let text = rendered(&noised, Lang::En, Format::Table);
    assert!(text.contains("1,049 (1,042 … 1,056)") && text.contains("-3 (-10 … 4)"), "{text}");
    for told in ["Noise:", "ε = 0.5", "standard deviation 3.1", "95 % interval ± 7", "differential privacy"] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
    assert!(!text.contains("too few"), "{text}");
    assert!(rendered(&noised, Lang::Nl, Format::Table).contains("95 %-interval ± 7"));
    let csv = rendered(&noised, Lang::En, Format::Csv);
    assert!(csv.starts_with("sex,sex label,count,count lower,count upper,count status,title"), "{csv}");
    assert!(
        csv.contains("M,man,-3,-10,4,noised,") && csv.contains(",epsilon\r\n") && csv.contains(",0.5\r\n"),
        "{csv}"
    );
    let sdmx = rendered(&noised, Lang::En, Format::SdmxCsv);
    for told in ["COUNT,number,-3,,E,Estimated value,F,Free,noised", "COUNT_LOWER", "COUNT_UPPER"] {
        assert!(sdmx.contains(told), "{told} is not in\n{sdmx}");
    }
    let html = rendered(&noised, Lang::Nl, Format::Html);
    assert!(html.contains("data-status=\"noised\"") && html.contains("met ruis") && html.contains("<svg"), "{html}");
    for format in [Format::Xlsx, Format::Parquet] {
        assert!(!render(&noised, Lang::En, format, false).unwrap().is_empty());
    }
    let json = rendered(&noised, Lang::En, Format::Json);
    assert_eq!(Release::from_json(json.as_bytes()).unwrap(), noised);
}

/// Besides axes and grid there is a line from end to end of each interval, with a stroke across both ends.
#[test]
fn intervals_are_drawn() {
    let lines = |release: &Release| rendered(release, Lang::En, Format::Svg).matches("<line").count();
    let exact = |by: &str| {
        let sql = format!("SELECT {by}, COUNT(*) FROM victims WHERE year BETWEEN 2023 AND 2024 GROUP BY {by}");
        release(&sql, &[&[1049, 300]])
    };
    for by in ["sex", "year"] {
        let (with, without) = (lines(&with_noise(by)), lines(&exact(by)));
        assert!(with >= without + 6, "{by}: {with} lines with intervals, {without} without");
    }
}
