//! Whoever writes the log can put other names beside the submissions that were voted on. Nothing is forgotten for it.

use proptest::prelude::*;

use super::oracle::isolates;
use super::*;

impl Scene {
    /// An entry for the same attempt and the same submissions, with other names.
    fn twin_of(&mut self, real: &ParticipantsEntry, suppliers: &[usize]) -> u64 {
        let participants = suppliers.iter().copied().map(supplier).collect();
        self.push(&Entry::Participants(ParticipantsEntry { participants, ..real.clone() }), None)
    }

    /// The final certificate with the votes for one entry, pointed at another.
    fn point(&mut self, votes_for: &ParticipantsEntry, at: u64) -> u64 {
        let entry = self.federation.finality(self.lambda(votes_for.query), at, votes_for);
        self.push(&Entry::Final(entry), None)
    }
}

/// What was possible: the whole is opened; its votes are then put under a list without supplier 8, so that the guard
/// held that list, and not the whole, against the question that leaves supplier 8 out.
#[test]
fn a_final_certificate_that_is_pointed_at_other_names_makes_nothing_forgotten() {
    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    assert_eq!(scene.judge(whole), Ok(()));
    let real = scene.attempt(whole);
    let twin = scene.twin_of(&real, &all(8));
    let pointed = scene.point(&real, twin);
    assert!(!scene.history.certified(real.query, pointed));
    let fewer = scene.asked_of(&all(8));
    let given_away = scene.gives_away(fewer);
    assert_eq!((given_away.part, given_away.with.unwrap().at), (vec![supplier(8)], whole));
}

/// Before or after the real entry, with the certificate at either or at both in either order.
#[test]
fn one_and_the_same_submissions_count_under_each_list_of_names() {
    for first in [true, false] {
        for pointed in [&[][..], &["twin"], &["real"], &["twin", "real"], &["real", "twin"]] {
            let mut scene = Scene::new(9, 1);
            let query = scene.ask(years(2020, 2024));
            let names = all(9).into_iter().map(supplier).collect();
            let real = scene.federation.participants(query, 1, names);
            let twin = first.then(|| scene.twin_of(&real, &all(8)));
            let at = scene.push(&Entry::Participants(real.clone()), None);
            assert_eq!(scene.judge(at), Ok(()), "its own twin is no other query's set");
            let twin = twin.unwrap_or_else(|| scene.twin_of(&real, &all(8)));
            for at_which in pointed {
                let certificate = scene.point(&real, if *at_which == "real" { at } else { twin });
                assert_eq!(scene.history.certified(query, certificate), *at_which == "real");
            }
            // All of them, or all but one: one of the two lists is in the way of each.
            for suppliers in [8, 9] {
                let next = scene.asked_of(&all(suppliers));
                assert_eq!(scene.gives_away(next).part, vec![supplier(8)], "{first} {pointed:?} {suppliers}");
                scene.void(next);
            }
        }
    }
}

/// A set is judged by the log as it stood before the first entry of its own names: sets that came between were held against
/// the other names only.
#[test]
fn an_entry_with_other_names_keeps_no_place_for_a_set() {
    let mut scene = Scene::new(9, 1);
    let query = scene.ask(years(2020, 2024));
    let real = scene.federation.participants(query, 1, all(8).into_iter().map(supplier).collect());
    scene.twin_of(&real, &all(9));
    let between = scene.asked_of(&all(9));
    assert_eq!(scene.judge(between), Ok(()));
    scene.finish(between);
    let at = scene.push(&Entry::Participants(real), None);
    assert_eq!(scene.gives_away(at).with.unwrap().at, between);
}

#[test]
fn votes_for_one_attempt_are_none_for_another_of_the_same_submissions() {
    let mut scene = Scene::new(9, 1);
    let whole = scene.asked_of(&all(9));
    let real = scene.attempt(whole);
    let second = ParticipantsEntry { attempt: 2, ..real.clone() };
    let second = scene.push(&Entry::Participants(second), None);
    scene.point(&real, second);
    let fewer = scene.asked_of(&all(8));
    assert_eq!(scene.gives_away(fewer).with.unwrap().at, whole);
}

/// One query of a log whose writer does as it likes.
#[derive(Clone, Debug)]
struct Written {
    set: u32,
    /// The twins before and after the real entry.
    before: Option<u32>,
    after: Option<u32>,
    /// At which of the entries that there are the votes are pointed, one certificate after the other.
    pointed: Vec<prop::sample::Index>,
}

fn written() -> impl Strategy<Value = Written> {
    let large = || (0_u32..9, 0_u32..9).prop_map(|(one, other)| 0x1ff & !(1 << one) & !(1 << other));
    let pointed = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (large(), prop::option::of(large()), prop::option::of(large()), pointed)
        .prop_map(|(set, before, after, pointed)| Written { set, before, after, pointed })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn wherever_votes_are_pointed_nothing_that_was_opened_isolates_anybody(
        log in prop::collection::vec(written(), 1..7),
    ) {
        let mut scene = Scene::new(9, 1);
        let mut open = Vec::new();
        for Written { set, before, after, pointed } in &log {
            let query = scene.ask(years(2020, 2024));
            let names = members(*set, 9).into_iter().map(supplier).collect();
            let real = scene.federation.participants(query, 1, names);
            let mut entries: Vec<u64> = before.iter().map(|twin| scene.twin_of(&real, &members(*twin, 9))).collect();
            let at = scene.push(&Entry::Participants(real.clone()), None);
            let passed = scene.judge(at).is_ok();
            entries.push(at);
            entries.extend(after.iter().map(|twin| scene.twin_of(&real, &members(*twin, 9))).collect::<Vec<_>>());
            // Votes there are for what passed; the rest is declared void.
            if passed {
                open.push(*set);
                pointed.iter().for_each(|index| _ = scene.point(&real, *index.get(&entries)));
            } else {
                scene.void(at);
            }
        }
        prop_assert!(!isolates(&open, 9, 0, 1), "{open:?}");
    }
}
