//! Random sequences of releases, and an attacker that shares no code with what protects them.

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::*;

/// An attacker that knows nothing of regions, classes or what was worked out before: one unknown for each supplier, year,
/// sex and place, and one equation for each cell that was ever shown.
pub(super) struct Crude<'o> {
    office: &'o Office,
    releases: Vec<(Release, Plan)>,
}

impl<'o> Crude<'o> {
    pub(super) fn new(office: &'o Office) -> Self {
        let read = |document: &Vec<u8>| {
            let release = Release::from_json(document).unwrap();
            let plan = office.plan(release.question()).unwrap();
            (release, plan)
        };
        Self { office, releases: office.released.iter().map(read).collect() }
    }

    fn atoms() -> Vec<Record> {
        let of = |at: u16| Record {
            supplier: usize::from(at / 27),
            year: at / 9 % 3,
            sex: at / 3 % 3,
            place: at % 3,
            form: 1,
            age: 0,
            days: None,
        };
        (0..108).map(of).collect()
    }

    /// The atoms that a row of a release counts.
    fn counted(release: &Release, plan: &Plan, cell: usize) -> Vec<usize> {
        let atoms = Self::atoms().into_iter().enumerate();
        let counted = atoms.filter(|(_, atom)| {
            release.suppliers_taking_part().contains(&name(atom.supplier)) && Office::holds(plan, cell, atom)
        });
        counted.map(|(at, _)| at).collect()
    }

    /// The least and the most that these atoms can count.
    fn interval(&self, wanted: &[usize]) -> (f64, f64) {
        let k = self.office.k as f64;
        let extreme = |direction| {
            let mut problem = Problem::new(direction);
            let variables: Vec<_> = (0..108)
                .map(|at| problem.add_var(f64::from(u8::from(wanted.contains(&at))), (0.0, f64::INFINITY)))
                .collect();
            for (release, plan) in &self.releases {
                for (cell, row) in release.table().rows().iter().enumerate() {
                    let terms: Vec<_> =
                        Self::counted(release, plan, cell).into_iter().map(|at| (variables[at], 1.0)).collect();
                    match row.figures()[0] {
                        CellValue::HiddenTooFew => {
                            problem.add_constraint(terms.as_slice(), ComparisonOp::Ge, 1.0);
                            problem.add_constraint(terms.as_slice(), ComparisonOp::Le, k - 1.0);
                        }
                        CellValue::HiddenTooFewSuppliers => {
                            problem.add_constraint(terms.as_slice(), ComparisonOp::Ge, 1.0);
                        }
                        CellValue::HiddenProtectsOthers | CellValue::HiddenUnchecked => {}
                        shown => {
                            let value = shown.value().unwrap().scaled() as f64;
                            problem.add_constraint(terms.as_slice(), ComparisonOp::Eq, value);
                        }
                    }
                }
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().unwrap().objective(),
                Err(microlp::Error::Unbounded) => f64::INFINITY,
                Err(cause) => panic!("{cause}"),
            }
        };
        (extreme(OptimizationDirection::Minimize), extreme(OptimizationDirection::Maximize))
    }

    /// Hidden cells that are known to within fewer than `width`.
    pub(super) fn opened(&self, width: f64) -> Vec<String> {
        let mut opened = Vec::new();
        for (number, (release, plan)) in self.releases.iter().enumerate() {
            for (cell, row) in release.table().rows().iter().enumerate() {
                let hidden = [CellValue::HiddenTooFew, CellValue::HiddenTooFewSuppliers];
                if hidden.contains(&row.figures()[0]) {
                    let (least, most) = self.interval(&Self::counted(release, plan, cell));
                    if (most + 1e-5).floor() - (least - 1e-5).ceil() < width {
                        opened
                            .push(format!("release {number}, cell {cell}: {least} to {most}: {}", release.question()));
                    }
                }
            }
        }
        opened
    }
}

/// Questions that overlap in all ways, and who is asked.
pub(super) fn questions() -> impl Strategy<Value = Vec<(String, usize)>> {
    let group = prop::sample::select(vec![
        "",
        "sex",
        "place",
        "year",
        "sex, place",
        "ROLLUP(sex)",
        "ROLLUP(place, sex)",
        "CUBE(year, sex)",
        "ROLLUP(year)",
        "LEVEL(place, 1)",
        "ROLLUP(LEVEL(place, 1), sex)",
        "ROLLUP(LEVEL(place, 1), place)",
        "CUBE(sex), ROLLUP(LEVEL(place, 1), place)",
        "GROUPING SETS ((place), (LEVEL(place, 1), sex))",
    ]);
    let filter = prop::sample::select(vec![
        "",
        "",
        "",
        "sex = 'F'",
        "sex IN ('F', 'M')",
        "place <> 'a'",
        "place = 'ab'",
        "place = 'b' AND sex <> 'U'",
        "year = 2020",
        "year IN (2020, 2021)",
        "(sex = 'F' OR place = 'a')",
        "year = 2021 AND place IN ('a', 'c')",
    ]);
    let question = (group, filter, 0_usize..6).prop_map(|(group, filter, suppliers)| {
        let axes: String = group.chars().filter(|c| !"ROLUPCBE()".contains(*c)).collect();
        let axes = if group.contains("LEVEL") { String::new() } else { axes };
        let mut sql = String::from("SELECT COUNT(*)");
        if !axes.is_empty() {
            sql += &format!(", {axes}");
        }
        sql += " FROM d";
        if !filter.is_empty() {
            sql += &format!(" WHERE {filter}");
        }
        if !group.is_empty() {
            sql += &format!(" GROUP BY {group}");
        }
        (sql, suppliers)
    });
    prop::collection::vec(question, 2..6)
}

pub(super) fn populations() -> impl Strategy<Value = Vec<Record>> {
    let count = prop_oneof![2 => Just(0_usize), 3 => 1_usize..9, 4 => 10_usize..60];
    prop::collection::vec(count, 27).prop_map(|counts| {
        let kinds = counts.into_iter().zip(0_u16..);
        let kinds: Vec<_> = kinds.map(|(count, at)| (count, at / 9, at / 3 % 3, at % 3)).collect();
        records(&kinds)
    })
}

#[test]
fn nothing_hidden_is_opened_by_any_sequence_of_releases() {
    let (sum, bitten) = (std::cell::Cell::new((0, 0, 0)), std::cell::Cell::new(0));
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&(populations(), questions()), |(records, questions)| {
            let mut office = Office::new(records);
            for (sql, suppliers) in &questions {
                let suppliers: &[usize] = if *suppliers == 0 {
                    &[0, 1]
                } else if *suppliers == 1 {
                    &[1, 2, 3]
                } else {
                    ALL
                };
                // Some question may be about no row, or ask too much.
                if office.plan(sql).is_none() {
                    continue;
                }
                let answered = office.ask(sql, suppliers);
                let (asked, refused, hidden) = sum.get();
                let protects = answered.as_ref().map_or(0, |release| {
                    let cells = release.table().rows().iter();
                    cells.filter(|row| row.figures()[0] == CellValue::HiddenProtectsOthers).count()
                });
                sum.set((asked + 1, refused + usize::from(answered.is_err()), hidden + protects));
                prop_assert!(
                    !matches!(
                        answered,
                        Err(ProtectError::ContradictsBefore | ProtectError::Unsafe | ProtectError::Shape)
                    ),
                    "{answered:?}"
                );
            }
            let opened = Crude::new(&office).opened(4.0);
            prop_assert!(opened.is_empty(), "{opened:#?}");
            let mut forgetful = Office { released: Vec::new(), forgets: true, ..office };
            for (sql, _) in questions.iter().filter(|(sql, _)| Office::new(Vec::new()).plan(sql).is_some()) {
                let _ = forgetful.ask(sql, ALL);
            }
            bitten.set(bitten.get() + usize::from(!Crude::new(&forgetful).opened(4.0).is_empty()));
            Ok(())
        })
        .unwrap();
    let (asked, refused, hidden) = sum.get();
    println!(
        "{asked} questions, {refused} refused, {hidden} cells hidden for others; {} sequences open without history",
        bitten.get()
    );
    assert!(refused * 10 < asked && bitten.get() > 15);
}
