//! What becomes of a table that is too much to be checked beside earlier ones.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::random::{Crude, populations, questions};
use super::*;

#[test]
fn what_is_too_much_to_check_loses_its_largest_groupings_and_nothing_is_opened() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (30, 0, 0, 1), (4, 0, 0, 2), (50, 0, 1, 0), (3, 0, 1, 1)]));
    office.show("SELECT year, sex, COUNT(*) FROM d GROUP BY CUBE(year, sex)", ALL);
    // By sex and place there are too many atoms; by place alone there are not.
    office.limits = Limits { atoms: 14, ..Limits::USUAL };
    let sql = "SELECT sex, place, COUNT(*) FROM d GROUP BY CUBE(sex, place)";
    let release = office.ask(sql, ALL).unwrap();
    let unchecked = |row: &crate::Row| row.figures()[0] == CellValue::HiddenUnchecked;
    let (withheld, rest): (Vec<_>, Vec<_>) = release.table().rows().iter().partition(|row| unchecked(row));
    assert!(withheld.len() >= 9 && !rest.is_empty(), "{withheld:?}");
    assert!(withheld.iter().any(|row| row.places().iter().all(Option::is_some)), "the largest first");
    assert!(release.notes().contains(&crate::Note::GroupingsWithheld));
    // The same again is the same, whatever could be checked by now.
    office.limits = Limits::USUAL;
    assert_eq!(office.ask(sql, ALL).unwrap().table(), release.table());
    // Where nothing can be checked nothing is shown.
    office.limits = Limits { atoms: 1, ..Limits::USUAL };
    let refused = office.ask("SELECT sex, place, year, COUNT(*) FROM d GROUP BY CUBE(sex, place, year)", ALL);
    assert!(matches!(refused, Err(ProtectError::TooMuchBefore(_))), "{refused:?}");
}

#[test]
fn nothing_hidden_is_opened_where_little_can_be_checked_at_once() {
    let sum = std::cell::Cell::new((0, 0, 0));
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&(populations(), questions(), 2_usize..9, 20_usize..200), |(records, questions, unknowns, atoms)| {
            let mut office = Office { limits: Limits { atoms, unknowns, ..Limits::USUAL }, ..Office::new(records) };
            for (sql, _) in &questions {
                if office.plan(sql).is_none() {
                    continue;
                }
                let answered = office.ask(sql, ALL);
                let is_withheld = |release: &Release| release.notes().contains(&crate::Note::GroupingsWithheld);
                let too_much = matches!(answered, Err(ProtectError::TooMuchBefore(_)));
                let (asked, withheld, refused) = sum.get();
                let now = usize::from(answered.as_ref().is_ok_and(is_withheld));
                sum.set((asked + 1, withheld + now, refused + usize::from(too_much)));
            }
            let opened = Crude::new(&office).opened(4.0);
            prop_assert!(opened.is_empty(), "{opened:#?}");
            Ok(())
        })
        .unwrap();
    let (asked, withheld, refused) = sum.get();
    println!("{asked} questions; {withheld} lost groupings, {refused} were refused as too large");
    assert!(withheld > 10);
}
