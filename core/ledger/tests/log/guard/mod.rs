//! The guard against differencing: its examples, its exceptions, and an oracle by linear algebra.

mod oracle;
mod twins;

use std::collections::BTreeSet;

use optelsom_codebook::SupplierId;
use optelsom_ledger::entry::{Entry, ParticipantsEntry, Votes};
use optelsom_ledger::guard::{About, Differencing, GuardRefusal, History, Known, Period};
use proptest::prelude::*;

use crate::fixture::{Federation, Log, supplier};
use oracle::isolates;

const YEARS: (i32, i32) = (2020, 2024);

fn years(first: i32, last: i32) -> About {
    About::Known { dataset: "victims".to_owned(), period: Period::new(first, last).unwrap() }
}

/// A log, and what the guard remembers of it.
struct Scene {
    federation: Federation,
    log: Log,
    history: History,
    asked: u8,
    waived: BTreeSet<SupplierId>,
}

impl Scene {
    fn new(suppliers: usize, collusion: usize) -> Self {
        let federation = Federation::new(suppliers, collusion);
        Self { federation, log: Log::default(), history: History::new(), asked: 0, waived: BTreeSet::new() }
    }

    fn push(&mut self, entry: &Entry, known: Option<Known>) -> u64 {
        let at = self.log.push(entry);
        let read = Entry::from_bytes(self.log.leaves[at as usize].as_bytes()).unwrap();
        self.history.observe(at, &read, |_| known.unwrap());
        at
    }

    /// Logs a query about these years.
    fn ask(&mut self, about: About) -> u64 {
        self.asked += 1;
        let query = Entry::Query(self.federation.query(self.asked));
        let scope = Some(self.federation.scope());
        self.push(&query, Some(Known { about, scope }))
    }

    fn list(&mut self, query: u64, attempt: u32, suppliers: &[usize]) -> u64 {
        let participants = suppliers.iter().copied().map(supplier).collect();
        let entry = self.federation.participants(query, attempt, participants);
        self.push(&Entry::Participants(entry), None)
    }

    /// Logs a query about the same years, with these participants.
    fn asked_of(&mut self, suppliers: &[usize]) -> u64 {
        let query = self.ask(years(YEARS.0, YEARS.1));
        self.list(query, 1, suppliers)
    }

    fn entry<T>(&self, at: u64, read: impl Fn(Entry) -> Option<T>) -> T {
        read(Entry::from_bytes(self.log.leaves[at as usize].as_bytes()).unwrap()).unwrap()
    }

    fn attempt(&self, at: u64) -> ParticipantsEntry {
        self.entry(at, |entry| if let Entry::Participants(entry) = entry { Some(entry) } else { None })
    }

    fn lambda(&self, query: u64) -> optelsom_codebook::QueryId {
        self.entry(query, |entry| if let Entry::Query(query) = entry { Some(query.id()) } else { None })
    }

    fn finish(&mut self, at: u64) {
        let attempt = self.attempt(at);
        let entry = self.federation.finality(self.lambda(attempt.query), at, &attempt);
        self.push(&Entry::Final(entry), None);
    }

    fn void(&mut self, at: u64) {
        let query = self.attempt(at).query;
        let entry = self.federation.void(self.lambda(query), query);
        self.push(&Entry::Void(entry), None);
    }

    fn judge(&self, at: u64) -> Result<(), GuardRefusal> {
        self.history.judge(at, &self.waived)
    }

    fn gives_away(&self, at: u64) -> Differencing {
        match self.judge(at) {
            Err(GuardRefusal::Differencing(differencing)) => differencing,
            other => panic!("{other:?}"),
        }
    }
}

fn all(suppliers: usize) -> Vec<usize> {
    (0..suppliers).collect()
}

#[test]
fn the_same_set_again_is_harmless() {
    let mut scene = Scene::new(9, 1);
    for _ in 0..3 {
        let at = scene.asked_of(&all(9));
        assert_eq!(scene.judge(at), Ok(()));
    }
}

#[test]
fn one_supplier_fewer_is_refused() {
    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.judge(whole), Ok(()));
    let given_away = scene.gives_away(fewer);
    assert_eq!((given_away.part, given_away.unwaived, given_away.wanted), (vec![supplier(8)], 1, 3));
    assert_eq!(given_away.with.unwrap().at, whole);
    // Two fewer may be one honest one and a colluder; three are enough.
    let two = scene.ask(years(2020, 2020));
    let ask = |scene: &mut Scene, n| {
        scene.history.foresee(two, &all(n).into_iter().map(supplier).collect::<Vec<_>>(), &BTreeSet::new())
    };
    scene.void(fewer);
    assert!(ask(&mut scene, 7).is_err());
    assert!(ask(&mut scene, 6).is_ok());
}

#[test]
fn north_then_south_then_whole() {
    let mut scene = Scene::new(9, 1);
    let north = scene.asked_of(&[0, 1, 2, 3]);
    let south = scene.asked_of(&[5, 6, 7, 8]);
    assert_eq!((scene.judge(north), scene.judge(south)), (Ok(()), Ok(())));
    let whole = scene.asked_of(&all(9));
    let given_away = scene.gives_away(whole);
    assert_eq!(given_away.part, vec![supplier(4)]);
    assert_eq!(given_away.with.unwrap().at, south);
    assert!(given_away.to_string().contains("s04"), "{given_away}");
}

#[test]
fn a_set_that_is_too_small_by_itself_is_refused() {
    let mut scene = Scene::new(9, 1);
    let two = scene.asked_of(&[0, 1]);
    assert_eq!(scene.gives_away(two).with, None);
    let three = Scene::new(9, 1).asked_of(&[0, 1, 2]);
    assert_eq!(three, 1);
}

#[test]
fn who_has_waived_does_not_count() {
    let mut scene = Scene::new(9, 1);
    scene.asked_of(&all(9));
    scene.waived.insert(supplier(8));
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.judge(fewer), Ok(()));
    // One that has not waived is not hidden by one that has.
    scene.void(fewer);
    let without_both = scene.asked_of(&all(7));
    let given_away = scene.gives_away(without_both);
    assert_eq!((given_away.part.len(), given_away.unwaived), (2, 1));
}

#[test]
fn other_years_and_datasets_do_not_touch() {
    let mut scene = Scene::new(9, 1);
    scene.asked_of(&all(9));
    let later = scene.ask(years(2025, 2026));
    let later = scene.list(later, 1, &all(8));
    assert_eq!(scene.judge(later), Ok(()));
    let suspects = About::Known { dataset: "suspects".to_owned(), period: Period::new(2020, 2024).unwrap() };
    let other = scene.ask(suspects);
    let other = scene.list(other, 1, &all(8));
    assert_eq!(scene.judge(other), Ok(()));
    // One year in common suffices.
    let touching = scene.ask(years(2024, 2024));
    let touching = scene.list(touching, 1, &all(8));
    assert!(scene.judge(touching).is_err());
    assert_eq!(Period::new(2024, 2020), None);
}

/// Its total has noise in it: it is charged to budgets instead.
#[test]
fn a_set_of_a_noised_query_is_neither_judged_nor_compared_with() {
    let noised = || About::Noised { dataset: "victims".to_owned(), epsilon: "0.5".parse().unwrap() };
    let mut scene = Scene::new(9, 1);
    scene.asked_of(&all(9));
    let fewer = scene.ask(noised());
    let fewer = scene.list(fewer, 1, &all(8));
    assert_eq!(scene.judge(fewer), Ok(()));
    let without_noise = scene.asked_of(&all(8));
    assert_ne!(scene.gives_away(without_noise).with.unwrap().at, fewer);
    // After noised ones alone nothing stands in the way.
    let mut scene = Scene::new(9, 1);
    for suppliers in [9, 8, 7] {
        let query = scene.ask(noised());
        scene.list(query, 1, &all(suppliers));
    }
    let exact = scene.asked_of(&all(8));
    assert_eq!(scene.judge(exact), Ok(()));
}

#[test]
fn what_cannot_be_read_counts_as_on_the_same() {
    let mut scene = Scene::new(9, 1);
    let hidden = scene.ask(About::Unreadable);
    let hidden = scene.list(hidden, 1, &all(9));
    assert_eq!(scene.judge(hidden), Err(GuardRefusal::Unreadable));
    let fewer = scene.ask(years(2030, 2030));
    let fewer = scene.list(fewer, 1, &all(8));
    assert_eq!(scene.gives_away(fewer).with.unwrap().at, hidden);
}

/// A list of participants that names no query at all must not slip past the guard's memory.
#[test]
fn a_list_without_a_query_counts_too() {
    let mut scene = Scene::new(9, 1);
    let stray = scene.list(77, 1, &all(9));
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.gives_away(fewer).with.unwrap().at, stray);
    assert_eq!(scene.judge(stray), Err(GuardRefusal::NotLogged(77)));
    assert_eq!(scene.judge(99), Err(GuardRefusal::NotLogged(99)));
}

#[test]
fn a_void_query_is_left_out_and_an_unproved_one_is_not() {
    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    let query = scene.attempt(whole).query;
    let mut forged = scene.federation.void(scene.lambda(query), query);
    forged.votes = Votes::new(forged.votes.as_slice()[1..].to_vec());
    scene.push(&Entry::Void(forged), None);
    let fewer = scene.asked_of(&all(8));
    assert!(scene.judge(fewer).is_err());

    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    scene.void(whole);
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.judge(fewer), Ok(()));
}

#[test]
fn the_attempts_that_a_final_one_excludes_are_left_out() {
    let mut scene = Scene::new(9, 1);
    let first = scene.asked_of(&all(9));
    let query = scene.attempt(first).query;
    let second = scene.list(query, 2, &all(8));
    // Of one query only one attempt is ever opened: its attempts are not held against each other.
    assert_eq!((scene.judge(first), scene.judge(second)), (Ok(()), Ok(())));
    // But either may be, so another query is held against both.
    let eight = scene.asked_of(&all(8));
    assert!(scene.judge(eight).is_err());
    scene.void(eight);
    scene.finish(second);
    let eight = scene.asked_of(&all(8));
    assert_eq!(scene.judge(eight), Ok(()));
    let nine = scene.asked_of(&all(9));
    assert!(scene.judge(nine).is_err());
}

#[test]
fn a_final_certificate_that_does_not_hold_excludes_nothing() {
    let mut scene = Scene::new(9, 1);
    let first = scene.asked_of(&all(9));
    let second = scene.list(scene.attempt(first).query, 2, &all(8));
    let attempt = scene.attempt(second);
    let mut forged = scene.federation.finality(scene.lambda(attempt.query), second, &attempt);
    forged.votes = Votes::new(forged.votes.as_slice()[1..].to_vec());
    scene.push(&Entry::Final(forged.clone()), None);
    // Nor one that is about another attempt than it says.
    let real = scene.federation.finality(scene.lambda(attempt.query), second, &attempt);
    scene.push(&Entry::Final(optelsom_ledger::entry::FinalEntry { participants: first, ..real }), None);
    let eight = scene.asked_of(&all(8));
    assert!(scene.judge(eight).is_err());
}

/// All voters read the log as it stood before the first entry of the attempt, whenever they come to it.
#[test]
fn the_verdict_does_not_change_with_what_is_logged_later() {
    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    let fewer = scene.asked_of(&all(8));
    let before = scene.judge(fewer);
    assert!(before.is_err());
    scene.void(whole);
    assert_eq!(scene.judge(fewer), before);
    assert_eq!(scene.judge(whole), Ok(()));
    // Logged once more, it is read as of its first entry.
    let query = scene.attempt(fewer).query;
    let again = scene.list(query, 1, &all(8));
    assert_eq!(scene.judge(again), before);
    // Nor with a final certificate that comes later.
    let mut finished = Scene::new(9, 1);
    let nine = finished.asked_of(&all(9));
    let eight = finished.list(finished.attempt(nine).query, 2, &all(8));
    let other = finished.asked_of(&all(8));
    let verdict = finished.judge(other);
    finished.finish(eight);
    assert_eq!((finished.judge(other).is_err(), finished.judge(other)), (true, verdict));
    // Another attempt is read as of its own.
    let next = scene.list(query, 2, &all(8));
    assert_eq!(scene.judge(next), Ok(()));
}

/// c is the largest of the rosters of all sets compared.
#[test]
fn the_largest_collusion_counts() {
    let mut scene = Scene::new(12, 1);
    let twelve = Federation::new(12, 3).scope();
    scene.asked += 1;
    let query = Entry::Query(scene.federation.query(scene.asked));
    let known = Known { about: years(2020, 2024), scope: Some(twelve) };
    let at = scene.push(&query, Some(known));
    scene.list(at, 1, &all(12));
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.gives_away(fewer).wanted, 5);
    scene.void(fewer);
    let fewer = scene.asked_of(&all(7));
    assert_eq!(scene.judge(fewer), Ok(()));
}

/// Ten thousand sets of a hundred suppliers are judged at once, and none of them is overlooked.
#[test]
fn many_sets_of_many_suppliers() {
    let mut scene = Scene::new(100, 33);
    let scope = scene.federation.scope();
    let entry = scene.federation.query(1);
    let known = Known { about: years(2020, 2024), scope: Some(scope) };
    scene.history.observe(0, &Entry::Query(entry), |_| known.clone());
    let mut at = 1;
    for n in 0..10_000_u64 {
        let suppliers = if n == 7_777 { (0..50).collect() } else { all(100) };
        let participants = suppliers.into_iter().map(supplier).collect();
        // Each with a query of its own.
        let mut query = scene.federation.query(2);
        query.nonce[..8].copy_from_slice(&n.to_be_bytes());
        scene.history.observe(at, &Entry::Query(query), |_| known.clone());
        let list = scene.federation.participants(at, 1, participants);
        scene.history.observe(at + 1, &Entry::Participants(list), |_| known.clone());
        at += 2;
    }
    let judged = scene.history.judge(at - 1, &BTreeSet::new());
    assert_eq!(judged, Ok(()));
    let few: Vec<_> = (0..49).map(supplier).collect();
    let refused = scene.history.foresee(0, &few, &BTreeSet::new());
    let Err(GuardRefusal::Differencing(given_away)) = refused else { panic!("{refused:?}") };
    assert_eq!(given_away.part, vec![supplier(49)]);
}

#[test]
fn the_oracle_knows_the_examples() {
    assert!(!isolates(&[0b1111_1111], 8, 0, 1));
    assert!(isolates(&[0b1111_1111, 0b0111_1111], 8, 0, 1));
    assert!(!isolates(&[0b1111_1111, 0b0111_1111], 8, 0b1000_0000, 1));
    assert!(isolates(&[0b1_1111_1111, 0b0_0000_1111, 0b1_1110_0000], 9, 0, 0));
    assert!(!isolates(&[0b111, 0b111_000, 0b111_111], 6, 0, 1));
    // No difference of two is small, but a combination of three is.
    assert!(isolates(&[0b0_0111, 0b1_1100, 0b1_1011], 5, 0, 0));
}

fn members(set: u32, suppliers: usize) -> Vec<usize> {
    (0..suppliers).filter(|n| set >> n & 1 == 1).collect()
}

/// Opens what the guard lets through and has the rest declared void; yields what was opened, and whether each passed.
fn opened(sets: &[u32], suppliers: usize, waived: u32, collusion: usize) -> (Vec<u32>, Vec<bool>) {
    let mut scene = Scene::new(suppliers, collusion);
    scene.waived = members(waived, suppliers).into_iter().map(supplier).collect();
    let mut open = Vec::new();
    let mut passed = Vec::new();
    for set in sets {
        let at = scene.asked_of(&members(*set, suppliers));
        passed.push(scene.judge(at).is_ok());
        if scene.judge(at).is_ok() {
            scene.finish(at);
            open.push(*set);
        } else {
            scene.void(at);
        }
    }
    (open, passed)
}

/// Sets of which any two are apart or one within the other: there the guard is not only safe but exact.
fn nested() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec((0_u32..8, 1_u32..=8), 1..6).prop_map(|ranges| {
        let mut sets: Vec<u32> = Vec::new();
        for (start, length) in ranges {
            let set = (0..8).filter(|n| (start..start + length).contains(n)).fold(0_u32, |set, n| set | 1 << n);
            if sets.iter().all(|other| set & other == 0 || set & other == set || set & other == *other) {
                sets.push(set);
            }
        }
        sets
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_was_opened_isolates_anybody(
        sets in proptest::collection::vec(1_u32..256, 1..8),
        waived in prop_oneof![Just(0_u32), 0_u32..256],
        collusion in 0_usize..=2,
    ) {
        let (open, _) = opened(&sets, 8, waived, collusion);
        prop_assert!(!isolates(&open, 8, waived, collusion), "{open:?}");
    }

    /// Large sets with few suppliers left out: where the guard has most to do.
    #[test]
    fn nothing_that_was_opened_with_few_absent_isolates_anybody(
        absent in proptest::collection::vec((0_u32..9, 0_u32..9), 1..8),
        collusion in 0_usize..=1,
    ) {
        let sets: Vec<u32> = absent.iter().map(|(a, b)| 0x1ff & !(1 << a) & !(1 << b)).collect();
        let (open, _) = opened(&sets, 9, 0, collusion);
        prop_assert!(!open.is_empty());
        prop_assert!(!isolates(&open, 9, 0, collusion), "{open:?}");
    }

    #[test]
    fn of_nested_sets_none_is_refused_without_need(
        sets in nested(),
        waived in prop_oneof![Just(0_u32), 0_u32..256],
        collusion in 0_usize..=2,
    ) {
        let mut before: Vec<u32> = Vec::new();
        let (_, passed) = opened(&sets, 8, waived, collusion);
        for (set, passed) in sets.iter().zip(passed) {
            before.push(*set);
            prop_assert_eq!(!passed, isolates(&before, 8, waived, collusion), "{:?}", before);
            if !passed {
                before.pop();
            }
        }
    }
}
