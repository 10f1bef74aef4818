#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use optelsom_codebook::{Hash256, QueryId, SupplierId};

use super::{Account, SharedKey, Submission};
use crate::questions::Figure;

fn victims(year: u16) -> Figure {
    Figure { dataset: "victims", year }
}

fn name(index: usize) -> SupplierId {
    SupplierId::try_from(format!("s{index}")).unwrap()
}

fn self_mask(attempt: &str, index: usize) -> Hash256 {
    Hash256::of(format!("b {attempt} {index}").as_bytes())
}

/// Supplier `own` of those in `list`, of whom `colluders` collude.
fn submission(attempt: &str, own: usize, list: &[usize], colluders: &[usize]) -> Submission {
    let key = |peer: usize| SharedKey {
        peer: name(peer),
        name: Hash256::of(format!("{attempt} {} {}", own.min(peer), own.max(peer)).as_bytes()),
        known: colluders.contains(&peer),
    };
    Submission {
        query: QueryId::from_bytes([7; 32]),
        supplier: name(own),
        self_mask: self_mask(attempt, own),
        participants: Hash256::of(format!("{attempt} {list:?}").as_bytes()),
        sums: vec![vec![victims(2024)]],
        honest: list.iter().filter(|i| !colluders.contains(i)).map(|i| name(*i)).collect::<BTreeSet<_>>(),
        keys: list.iter().filter(|peer| **peer != own).map(|peer| key(*peer)).collect(),
        threshold: 2,
    }
}

fn submit_all(account: &mut Account, attempt: &str, list: &[usize], colluders: &[usize]) {
    for own in list.iter().filter(|own| !colluders.contains(own)) {
        account.learn_submission(submission(attempt, *own, list, colluders));
    }
}

#[test]
fn one_opened_total_is_no_violation() {
    let mut account = Account::new(2, true);
    submit_all(&mut account, "1", &[1, 2, 3, 4], &[4]);
    assert!(!account.knows_a_sum());
    for own in [1, 2, 3] {
        account.learn_self_mask(self_mask("1", own));
    }
    assert!(account.knows_a_sum());
    assert_eq!(account.violation(), None);
}

#[test]
fn two_totals_that_differ_by_one_supplier_are_a_violation() {
    let mut account = Account::new(1, true);
    submit_all(&mut account, "1", &[1, 2, 3, 4, 5], &[5]);
    submit_all(&mut account, "2", &[1, 2, 3, 5], &[5]);
    for own in [1, 2, 3, 4] {
        account.learn_self_mask(self_mask("1", own));
    }
    assert_eq!(account.violation(), None);
    for own in [1, 2] {
        account.learn_self_mask(self_mask("2", own));
    }
    assert_eq!(account.violation(), None);
    account.learn_self_mask(self_mask("2", 3));
    assert!(account.violation().is_some());
}

#[test]
fn shares_open_a_self_mask_once_there_are_enough() {
    let mut account = Account::new(1, true);
    submit_all(&mut account, "1", &[1, 2, 3], &[3]);
    account.learn_self_mask(self_mask("1", 1));
    account.learn_share(self_mask("1", 2), name(3));
    assert!(!account.knows_a_sum());
    account.learn_share(self_mask("1", 2), name(1));
    assert!(account.knows_a_sum());
}

#[test]
fn a_single_honest_participant_among_colluders_is_a_violation() {
    let mut account = Account::new(1, true);
    submit_all(&mut account, "1", &[1, 2, 3], &[2, 3]);
    account.learn_self_mask(self_mask("1", 1));
    assert!(account.violation().is_some());
}

#[test]
fn two_columns_under_one_stream_give_away_their_difference() {
    let mut account = Account::new(2, false);
    submit_all(&mut account, "1", &[1, 2, 3], &[]);
    assert!(account.violation().is_some());
}

/// All of a list submit for another query with these sums, and it is opened.
fn open_another(account: &mut Account, query: u8, list: &[usize], sums: &[Vec<Figure>]) {
    let name = format!("query {query}");
    for own in list.iter().filter(|own| **own != 9) {
        let query = QueryId::from_bytes([query; 32]);
        account.learn_submission(Submission { query, sums: sums.to_vec(), ..submission(&name, *own, list, &[9]) });
        account.learn_self_mask(self_mask(&name, *own));
    }
}

#[test]
fn north_south_and_whole_give_away_whom_neither_half_has() {
    let mut account = Account::new(1, true);
    open_another(&mut account, 1, &[1, 2, 3], &[vec![victims(2024)]]);
    open_another(&mut account, 2, &[4, 5, 6, 9], &[vec![victims(2024)]]);
    assert_eq!(account.violation(), None);
    open_another(&mut account, 3, &[1, 2, 3, 4, 5, 6, 7, 9], &[vec![victims(2024)]]);
    assert!(account.violation().unwrap().to_string().contains("s7"));
    account.waive(name(7));
    assert_eq!(account.violation(), None);
}

#[test]
fn another_breakdown_has_the_same_grand_total() {
    let both = || vec![victims(2023), victims(2024)];
    let by_year = [vec![victims(2023)], vec![victims(2024)]];
    let mut account = Account::new(1, true);
    open_another(&mut account, 1, &[1, 2, 3, 4, 9], &by_year);
    open_another(&mut account, 2, &[1, 2, 3, 9], &[vec![Figure { dataset: "suspects", year: 2024 }]]);
    assert_eq!(account.violation(), None);
    open_another(&mut account, 3, &[1, 2, 3, 9], &[both()]);
    assert!(account.violation().is_some());
}

#[test]
fn the_difference_of_two_totals_may_be_about_two() {
    let mut account = Account::new(1, true);
    open_another(&mut account, 1, &[1, 2, 3, 4, 9], &[vec![victims(2024)]]);
    open_another(&mut account, 2, &[1, 2, 9], &[vec![victims(2024)]]);
    assert_eq!(account.violation(), None);
}
