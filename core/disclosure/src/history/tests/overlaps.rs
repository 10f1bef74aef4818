//! What is told of earlier releases before anything is counted.

use super::*;

#[test]
fn overlaps_are_told_without_any_figure() {
    let mut office = Office::new(records(&[(40, 0, 0, 0), (30, 0, 1, 0), (20, 0, 2, 0), (60, 1, 2, 1)]));
    office.show("SELECT COUNT(*) FROM d WHERE year = 2020", ALL);
    office.show("SELECT HISTOGRAM(age, 0, 18), COUNT(*) FROM d WHERE year = 2021", ALL);
    let told = |sql: &str, suppliers: &[usize]| {
        let edition = EditionId::try_from("1").unwrap();
        let asked = suppliers.iter().map(|&supplier| name(supplier)).collect();
        let history = History::read(&office.codebook, "d", &edition, asked, &office.released).unwrap();
        let overlaps = history.overlaps(&office.plan(sql).unwrap()).unwrap();
        overlaps.iter().map(|overlap| (overlap.query.as_bytes()[0], overlap.kind)).collect::<Vec<_>>()
    };
    let differences = |cells, other_suppliers| OverlapKind::Differences { cells, other_suppliers };
    assert_eq!(told("SELECT COUNT(*) FROM d WHERE year = 2020", ALL), [(0, OverlapKind::Same)]);
    // A part of a total; a total and what was left out of it; one supplier fewer; another coding.
    let women = "SELECT COUNT(*) FROM d WHERE year = 2020 AND sex = 'F'";
    assert_eq!(told(women, ALL), [(0, differences(1, false))]);
    let both = "SELECT COUNT(*) FROM d WHERE year IN (2020, 2022)";
    assert_eq!(told(both, ALL), [(0, differences(1, false))]);
    assert_eq!(told("SELECT COUNT(*) FROM d WHERE year = 2020", &[0, 1, 2]), [(0, differences(1, true))]);
    let coding = told("SELECT HISTOGRAM(age, 0, 21), COUNT(*) FROM d WHERE year = 2021", ALL);
    assert!(matches!(coding[..], [(1, OverlapKind::Differences { cells: 1.., .. })]), "{coding:?}");
    // What has nothing in common is not named.
    assert_eq!(told("SELECT COUNT(*) FROM d WHERE year = 2022", ALL), []);
}
