#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::codebook;

fn shown(lang: Lang, dataset: Option<&str>, name: Option<&str>) -> String {
    let mut text = Vec::new();
    match browse(&mut text, &codebook(), Some(&(2010..=2024)), lang, (dataset, name)) {
        Ok(()) => String::from_utf8(text).unwrap().replace(&codebook().hash().short(), "[hash]"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn the_codebook() {
    insta::assert_snapshot!(shown(Lang::En, None, None), @r"
    Trafficking (trial), version 2024.1 ([hash])

      victims  Reports of victims  reports  variables: 3, measures: 1

    More: optelsom codebook DATASET
    ");
    insta::assert_snapshot!(shown(Lang::Nl, None, None), @r"
    Mensenhandel (proef), versie 2024.1 ([hash])

      victims  Meldingen van slachtoffers  meldingen  variabelen: 3, maten: 1

    Meer: optelsom codebook DATASET
    ");
}

#[test]
fn the_example_asks_years_that_are_held() {
    let asks = |held| {
        let mut text = Vec::new();
        browse(&mut text, &codebook(), held, Lang::En, (Some("victims"), None)).unwrap();
        String::from_utf8(text)
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .replace("Ask for instance: SELECT year, COUNT(*) FROM victims", "")
    };
    assert_eq!(asks(None), " GROUP BY year");
    assert_eq!(asks(Some(&(2015..=2015))), " WHERE year = 2015 GROUP BY year");
    assert_eq!(asks(Some(&(2022..=2024))), " WHERE year BETWEEN 2022 AND 2024 GROUP BY year");
    // No year that all of them hold.
    #[expect(clippy::reversed_empty_ranges)]
    let none = 2016..=2015;
    assert_eq!(asks(Some(&none)), " GROUP BY year");
}

#[test]
fn a_dataset() {
    insta::assert_snapshot!(shown(Lang::En, Some("victims"), None), @r"
    victims: Reports of victims
    Unit: reports, not persons
    Cells under 10 are hidden. Year of a row: year.

    Variables
      year  year                  2010 … 2030
      form  form of exploitation  3 codes, several per row
      sex   sex                   2 codes

    Measures
      duration  duration  0 to 20,000 days, may be missing

    Ask for instance: SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2024 GROUP BY year
    ");
    insta::assert_snapshot!(shown(Lang::Nl, Some("victims"), None), @r"
    victims: Meldingen van slachtoffers
    Eenheid: meldingen, geen personen
    Cellen onder 10 worden verborgen. Jaar van een rij: year.

    Variabelen
      year  jaar                 2010 … 2030
      form  vorm van uitbuiting  3 codes, meer per rij
      sex   geslacht             2 codes

    Maten
      duration  duur  0 tot 20.000 days, mag ontbreken

    Vraag bijvoorbeeld: SELECT year, COUNT(*) FROM victims WHERE year BETWEEN 2020 AND 2024 GROUP BY year
    ");
}

#[test]
fn a_variable() {
    insta::assert_snapshot!(shown(Lang::En, Some("Victims"), Some("FORM")), @r"
    victims.form: form of exploitation
    One row may have several values: its counts do not add up to the total.

      sexual   sexual exploitation
      labour   labour exploitation
      unknown                       (not known)

    Use: GROUP BY form, WHERE form = 'sexual'
    ");
    insta::assert_snapshot!(shown(Lang::Nl, Some("victims"), Some("form")), @r"
    victims.form: vorm van uitbuiting
    Een rij kan meer waarden hebben: de aantallen tellen niet op tot het totaal.

      sexual   seksuele uitbuiting
      labour   arbeidsuitbuiting
      unknown  onbekend             (onbekend)

    Gebruik: GROUP BY form, WHERE form = 'sexual'
    ");
}

#[test]
fn a_measure() {
    insta::assert_snapshot!(shown(Lang::En, Some("victims"), Some("duration")), @r"
    victims.duration: duration
    0 to 20,000 days, may be missing
    Digits after the point: 0

    Use: SUM(duration), AVG(duration), VAR(duration), STDDEV(duration),
      HISTOGRAM(duration, 0, 10, 100), QUANTILE(duration, 0.5, 0, 10, 100)
    ");
    insta::assert_snapshot!(shown(Lang::Nl, Some("victims"), Some("duration")), @r"
    victims.duration: duur
    0 tot 20.000 days, mag ontbreken
    Cijfers achter de komma: 0

    Gebruik: SUM(duration), AVG(duration), VAR(duration), STDDEV(duration),
      HISTOGRAM(duration, 0, 10, 100), QUANTILE(duration, 0.5, 0, 10, 100)
    ");
}

#[test]
fn what_is_not_there() {
    insta::assert_snapshot!(shown(Lang::En, Some("offenders"), None), @"no dataset `offenders`; there is victims");
    insta::assert_snapshot!(shown(Lang::En, Some("victims"), Some("vorm\u{1b}[31m")), @r"no variable or measure `vorm\u{1b}[31m`; there is year, form, sex, duration");
}
