#![allow(clippy::unwrap_used)]

use optelsom_codebook::Timestamp;

use super::*;
use crate::asking::{Wishes, read};
use crate::federation::{Catalogue, SupplierFacts};
use crate::fixture::{AGREEMENT, catalogue, catalogue_with, facts};

fn federation() -> Vec<SupplierFacts> {
    let named = |name: &str| AGREEMENT.replace("police", name);
    let of = |name: &str, change: fn(String) -> String| facts(name, Some(&change(named(name))));
    let mut suppliers = vec![
        of("border-police", |agreement| agreement.replace("\"monitor\"", "\"inspection\"")),
        of("labour", |agreement| format!("{agreement}every_query_waits_for_approval = true\n")),
        of("police", |agreement| agreement),
        facts("prosecution", None),
        of("shelters", |agreement| agreement),
        of("youth-care", |agreement| agreement.replace("version", "vision")),
    ];
    if let Some(prosecution) = suppliers.get_mut(3) {
        prosecution.out_of_step = true;
    }
    if let Some(shelters) = suppliers.get_mut(4) {
        shelters.attending = false;
        if let Some(holding) = &mut shelters.holding {
            holding.variables.retain(|variable| variable != "form");
            holding.editions.clear();
        }
    }
    suppliers
}

const SQL: &str =
    "SELECT year, form, COUNT(*), AVG(duration) FROM victims WHERE year IN (2023, 2024) GROUP BY year, form";

fn explained(lang: Lang, wishes: Wishes<'_>) -> String {
    explained_of(SQL, lang, wishes)
}

fn explained_of(sql: &str, lang: Lang, wishes: Wishes<'_>) -> String {
    let catalogue = catalogue();
    let facts = federation();
    let asking = Asking::prepare(&catalogue, read(&catalogue, sql).unwrap(), &facts, wishes).unwrap();
    let now = Timestamp::from_millis(1_735_689_599_250);
    let suppliers = suppliers(&catalogue.codebook, &asking, &facts, now);
    let mut out = Vec::new();
    write_plan(&mut out, &asking.plan, &asking.policy, lang).unwrap();
    write_suppliers(&mut out, &asking, &suppliers, lang).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn explains_in_english() {
    let wishes = Wishes { purpose: Some("monitor"), scope: &[], at_least: None };
    insta::assert_snapshot!(explained(Lang::En, wishes), @r#"
    Question
      SELECT year, form, COUNT(*), AVG(duration) FROM victims WHERE edition = '2024-12' AND year IN ('2023', '2024') GROUP BY year, form

    Document (what is logged)
      {
        "dataset": "victims",
        "edition": "2024-12",
        "select": [
          {
            "figure": "count"
          },
          {
            "figure": "mean",
            "measure": "duration"
          }
        ],
        "group_by": {
          "axes": [
            {
              "variable": "year"
            },
            {
              "variable": "form"
            }
          ]
        },
        "where": {
          "variable": "year",
          "in": [
            "2023",
            "2024"
          ]
        }
      }

    Unit: reports, not persons
    Cells: 6 (blocks: 1); added up in each cell: count, sum(duration), present(duration)
    Cells under 10 will be hidden.

    Axes
      year  year                  2023, 2024
      form  form of exploitation  sexual, labour, unknown; several per row, does not add up

    Figures
      count          number            reports
      mean_duration  mean of duration  days

    Edition: 2024-12
    Purpose: monitor

    Suppliers
                     connected             holds                    edition    agreement
      border-police  yes                   2010–2024                ready      no: the purpose is not in the agreement (monitor)
      labour         yes                   2010–2024                ready      yes, once a person there approves
      police         yes                   2010–2024                ready      yes
      prosecution    yes                   2010–2024                ready      has another codebook or roster
      shelters       no, since 2024-12-31  2010–2024, without form  not ready  yes
      youth-care     yes                   2010–2024                ready      does not fit this codebook

    6 are asked; at least 6 have to take part.
    As things stand 2 would: the query would be abandoned.
    An incomplete total (--at-least N) would bind `victims` (2023–2024) to the suppliers that are in it: a later total with a few more or fewer of them, in any breakdown or edition, would give those few away, so nodes may refuse it for good. What the absent ones hold is then missing from these years.
    "#);
}

/// The codebook says 10. An agreement or the operator may ask for more; what counts is what the table is protected by.
#[test]
fn cells_are_hidden_under_the_strictest_minimum_of_all() {
    let query = |catalogue: &Catalogue| read(catalogue, "SELECT year, COUNT(*) FROM victims GROUP BY year").unwrap();
    let hidden = |catalogue: &Catalogue, facts: &[SupplierFacts]| {
        let wishes = Wishes { purpose: Some("monitor"), scope: &[], at_least: None };
        let asking = Asking::prepare(catalogue, query(catalogue), facts, wishes).unwrap();
        let mut out = Vec::new();
        write_plan(&mut out, &asking.plan, &asking.policy, Lang::En).unwrap();
        let told = String::from_utf8(out).unwrap();
        told.lines().find(|line| line.starts_with("Cells under")).unwrap().to_owned()
    };
    let agreed = |k: u64| {
        let mut facts = federation();
        facts[2].agreement = Some(format!("{AGREEMENT}minimum_frequency = {k}\n"));
        facts
    };
    let (codebook, operator) = (catalogue(), catalogue_with(15));
    assert_eq!(hidden(&codebook, &federation()), "Cells under 10 will be hidden.");
    assert_eq!(hidden(&codebook, &agreed(12)), "Cells under 12 will be hidden.");
    assert_eq!(hidden(&operator, &agreed(12)), "Cells under 15 will be hidden.");
    assert_eq!(hidden(&operator, &agreed(25)), "Cells under 25 will be hidden.");
}

#[test]
fn years_that_a_supplier_does_not_keep_are_named() {
    let wishes = Wishes { purpose: Some("monitor"), scope: &[], at_least: None };
    let told = explained_of("SELECT COUNT(*) FROM victims WHERE NOT year IN (2024, 2027)", Lang::En, wishes);
    assert!(told.contains("2010–2024, without 2025–2026, 2028–2030 "), "{told}");
    assert!(told.contains("As things stand 0 would"), "{told}");
}

#[test]
fn explains_in_dutch() {
    let wishes = Wishes { purpose: None, scope: &[], at_least: Some(4) };
    insta::assert_snapshot!(explained(Lang::Nl, wishes), @r#"
    Vraag
      SELECT year, form, COUNT(*), AVG(duration) FROM victims WHERE edition = '2024-12' AND year IN ('2023', '2024') GROUP BY year, form

    Document (wat wordt vastgelegd)
      {
        "dataset": "victims",
        "edition": "2024-12",
        "select": [
          {
            "figure": "count"
          },
          {
            "figure": "mean",
            "measure": "duration"
          }
        ],
        "group_by": {
          "axes": [
            {
              "variable": "year"
            },
            {
              "variable": "form"
            }
          ]
        },
        "where": {
          "variable": "year",
          "in": [
            "2023",
            "2024"
          ]
        }
      }

    Eenheid: meldingen, geen personen
    Cellen: 6 (blokken: 1); opgeteld wordt per cel: count, sum(duration), present(duration)
    Cellen onder 10 worden verborgen.

    Assen
      year  jaar                 2023, 2024
      form  vorm van uitbuiting  sexual, labour, unknown; meer per rij, telt niet op

    Cijfers
      count          aantal               meldingen
      mean_duration  gemiddelde van duur  days

    Editie: 2024-12

    Leveranciers
                     verbonden              heeft                   editie       overeenkomst
      border-police  ja                     2010–2024               gereed       hangt af van --purpose
      labour         ja                     2010–2024               gereed       hangt af van --purpose
      police         ja                     2010–2024               gereed       hangt af van --purpose
      prosecution    ja                     2010–2024               gereed       heeft een ander codeboek of een andere lijst
      shelters       nee, sinds 2024-12-31  2010–2024, zonder form  niet gereed  hangt af van --purpose
      youth-care     ja                     2010–2024               gereed       past niet bij dit codeboek

    Gevraagd worden er 6; ten minste 4 moeten meedoen.
    Zoals het nu staat doen er 3 mee: de vraag zou worden afgebroken.
    Een totaal van 4 van de 6 leveranciers zou volstaan. Het bindt `victims` (2023–2024) aan de leveranciers die erin zitten: een later totaal met enkele meer of minder, in welke uitsplitsing of editie ook, zou die enkele verraden, dus kunnen nodes het voorgoed weigeren. Wat de afwezigen hebben, ontbreekt dan in deze jaren.
    "#);
}
