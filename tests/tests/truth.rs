//! Cheating and vanishing suppliers against the real machines at both ends: what is opened is the truth, or nothing is.
//! The rules that guard the truth are taken away here one by one, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use curve25519_dalek::ristretto::CompressedRistretto;
use optelsom_codebook::{Hash256, RefusalReason, SupplierId};
use optelsom_secagg::combiner::{AbandonReason, Outcome, SpentReason};
use optelsom_secagg::messages::{SelfMask, Share, SubmissionHeader, SupplierMessage};
use optelsom_secagg::{FaultKind, Party, Rule, Rules};
use optelsom_tests::adversary::forger::Forger;
use optelsom_tests::dice::Dice;
use optelsom_tests::federation::{Size, supplier};
use optelsom_tests::world::node::{GENERATORS, Holding};
use optelsom_tests::world::run::{Moment, World};
use optelsom_tests::world::weather::Weather;

const SIZE: Size = Size { suppliers: 7, collusion: 2, min_suppliers: Some(5), columns: 2, cells: 4 };

fn world_under(seed: u64, rules: Rules, desk_rules: Rules) -> World {
    let mut dice = Dice::new(seed);
    let weather = Weather::calm(&mut dice);
    World::with_rules(&mut dice, SIZE, weather, rules, desk_rules)
}

fn world(seed: u64) -> World {
    world_under(seed, Rules::all(), Rules::all())
}

fn opened_over(world: &mut World, participants: usize) {
    assert_eq!(world.run(), Ok(Outcome::Opened));
    assert_eq!(world.judge(), Ok(()));
    assert_eq!(world.desk.releases()[0].participants.len(), participants);
}

fn named(world: &World, by: &SupplierId, what: impl Fn(&FaultKind) -> bool) -> bool {
    world.faults.iter().any(|fault| fault.party == Party::Supplier(by.clone()) && what(&fault.what))
}

fn forging(world: World, forger: &SupplierId, change: fn(&mut SubmissionHeader)) -> World {
    let cheats = forger.clone();
    let mut forger = Forger::new(&world.federation, &world.query, forger, change).unwrap();
    world.with_cheat([cheats], move |from, message| forger.pass(from, message))
}

#[test]
fn a_supplier_that_vanishes_at_any_step_is_done_without_or_opened_from_shares() {
    for (seed, at) in (1..).zip(Moment::ALL) {
        let mut world = world(seed).with_vanishing(supplier(3), at);
        opened_over(&mut world, if at < Moment::Finalise { 6 } else { 7 });
    }
}

#[test]
fn a_third_of_the_suppliers_that_vanish_at_once_are_done_without_or_opened_from_shares() {
    for (seed, at) in (1..).zip(Moment::ALL) {
        let mut world = world(seed).with_vanishing(supplier(2), at).with_vanishing(supplier(6), at);
        opened_over(&mut world, if at < Moment::Finalise { 5 } else { 7 });
    }
}

#[test]
fn colluders_that_certify_and_fall_silent_block_nothing_even_where_honest_ones_restart() {
    for (seed, at) in [(1, Moment::Finalise), (2, Moment::Open)] {
        let mut world = world(seed).with_vanishing(supplier(1), at).with_vanishing(supplier(7), at);
        for honest in 2..=6 {
            world = world.with_restart(supplier(honest), at);
        }
        opened_over(&mut world, 7);
    }
}

/// Supplier 4 gives wrong shares of what supplier 2 would have opened.
fn with_wrong_shares(seed: u64) -> World {
    world(seed).with_vanishing(supplier(2), Moment::Open).with_cheat([supplier(4)], |from, message| match message {
        SupplierMessage::RecoveredShares { attempt, shares } if *from == supplier(4) => {
            let wrong = shares.into_iter().map(|(dealer, _)| (dealer, Share::from_bytes([1; 32]))).collect();
            vec![(from.clone(), SupplierMessage::RecoveredShares { attempt, shares: wrong })]
        }
        other => vec![(from.clone(), other)],
    })
}

#[test]
fn a_wrong_share_is_refused_and_t_right_ones_open() {
    let convicted = (1..=12).filter(|seed| {
        let mut world = with_wrong_shares(*seed);
        opened_over(&mut world, 7);
        named(&world, &supplier(4), |what| *what == FaultKind::Share(supplier(2)))
    });
    // Where t right ones came first, nobody looks at the wrong one any more.
    assert!(convicted.count() > 0, "in none of the runs did the wrong shares come in time");
}

fn with_wrong_self_mask(world: World) -> World {
    world.with_cheat([supplier(4)], move |from, message| match message {
        SupplierMessage::Opening { attempt, .. } if *from == supplier(4) => {
            vec![(from.clone(), SupplierMessage::Opening { attempt, self_mask: SelfMask::from_bytes([1; 32]) })]
        }
        other => vec![(from.clone(), other)],
    })
}

#[test]
fn a_wrong_self_mask_is_refused_and_brought_back_from_shares() {
    let mut world = with_wrong_self_mask(world(2));
    opened_over(&mut world, 7);
    assert!(named(&world, &supplier(4), |what| *what == FaultKind::SelfMask));
}

#[test]
fn without_self_mask_commitments_a_wrong_self_mask_blocks_an_honest_round() {
    let rules = Rules::without(Rule::SelfMaskCommitments);
    let mut world = with_wrong_self_mask(world_under(2, rules, rules));
    assert_eq!(world.run(), Ok(Outcome::Spent { reason: SpentReason::SumMismatch }));
}

/// After the final certificate there is no next attempt. The dealer alone could still open it, and is given the time that
/// the query has; silence of another one in league with it makes no difference.
#[test]
fn shares_that_fit_their_commitments_but_give_another_self_mask_convict_their_dealer_and_spend_the_query() {
    let other_mask: fn(&mut SubmissionHeader) = |header| header.self_mask_commitment = Hash256::of(b"another");
    for (seed, silent) in [(3, None), (4, Some(supplier(7)))] {
        let dealer = supplier(5);
        let mut world = forging(world(seed), &dealer, other_mask).with_vanishing(dealer.clone(), Moment::Open);
        if let Some(silent) = silent {
            world = world.with_vanishing(silent, Moment::Open);
        }
        let reason = SpentReason::SelfMasksLost { of: vec![dealer.clone()] };
        assert_eq!(world.run(), Ok(Outcome::Spent { reason }));
        assert_eq!(world.judge(), Ok(()));
        assert!(named(&world, &dealer, |what| *what == FaultKind::InconsistentDealing));
        assert!(world.desk.releases().is_empty());
        let (now, expiry) = (world.now().as_millis(), world.query.entry.expires_at.as_millis());
        assert!((expiry..expiry + 10_000).contains(&now), "ended {now}, expired {expiry}");
    }
}

/// A dealer whose shares fit nothing: with the rule the next attempt is made without it.
fn with_uncommitted_shares(world: World) -> World {
    let garbled: fn(&mut SubmissionHeader) = |header| {
        header
            .share_commitments
            .iter_mut()
            .for_each(|(_, commitment)| *commitment = Hash256::of(commitment.as_bytes()));
    };
    forging(world, &supplier(5), garbled)
}

#[test]
fn shares_that_do_not_fit_their_commitments_lead_to_an_attempt_without_their_dealer() {
    let mut world = with_uncommitted_shares(world(4));
    opened_over(&mut world, 6);
}

#[test]
fn without_share_commitments_at_the_nodes_a_dealer_blocks_an_honest_round() {
    let mut world = with_uncommitted_shares(world_under(4, Rules::without(Rule::ShareCommitments), Rules::all()));
    assert!(world.run_at_most(5_000).is_err(), "certified with shares that open nothing");
    assert!(world.desk.releases().is_empty());
}

/// Supplier 5 commits to what the oracle believes of it, and masks a table with one less in the first cell.
fn with_another_table_than_committed(rules: Rules) -> World {
    let mut world = world_under(5, rules, rules);
    let liar = supplier(5);
    let mut masked = world.federation.tables[&liar].clone();
    masked[0][0] = 41;
    world = world.with_holding(&liar, Holding::Table(masked.clone()));
    masked[0][0] = 42;
    world.federation.tables.insert(liar.clone(), masked);
    forging(world, &liar, |header| {
        let commitment = CompressedRistretto(header.columns[0].commitment).decompress().unwrap();
        header.columns[0].commitment = (commitment + GENERATORS.first(1)[0]).compress().to_bytes();
    })
}

#[test]
fn who_commits_to_one_table_and_masks_another_has_nothing_released() {
    let mut world = with_another_table_than_committed(Rules::all());
    assert_eq!(world.run(), Ok(Outcome::Spent { reason: SpentReason::SumMismatch }));
    assert_eq!(world.judge(), Ok(()));
    let unattributable = world.faults.iter().any(|fault| matches!(fault.party, Party::Unattributable { .. }));
    assert!(unattributable, "nobody can be named: {:?}", world.faults);
}

#[test]
fn without_the_commitment_check_an_untrue_total_is_opened() {
    let mut world = with_another_table_than_committed(Rules::without(Rule::CommitmentCheck));
    assert_eq!(world.run(), Ok(Outcome::Opened));
    assert_eq!(world.judge(), Err("the opened total is not the true one".to_owned()));
}

fn table_of(value: i64) -> Vec<Vec<i64>> {
    vec![vec![value; SIZE.cells]; SIZE.columns]
}

#[test]
fn a_figure_out_of_bounds_is_a_local_error_before_anything_is_masked() {
    let (large, held) = (supplier(2), table_of(i64::MAX / 6));
    let mut world = world(6).with_holding(&large, Holding::Table(held)).keep_received();
    opened_over(&mut world, 6);
    let of_large: Vec<_> =
        world.received.iter().filter(|(from, _)| *from == large).map(|(_, message)| message).collect();
    let refused =
        |m: &&SupplierMessage| matches!(m, SupplierMessage::Refused { reason: RefusalReason::OutOfBounds, .. });
    assert!(of_large.iter().any(refused));
    let masked = |m: &&SupplierMessage| matches!(m, SupplierMessage::Chunk(_) | SupplierMessage::Submission { .. });
    assert!(!of_large.iter().any(masked));
}

/// Every host forgot how many suppliers there are, and the sum of what they hold wraps.
fn unbounded(rules: Rules) -> World {
    let mut world = world_under(7, rules, rules);
    for number in 1..=SIZE.suppliers {
        let held = table_of(i64::MAX / 3);
        world = world.with_holding(&supplier(number), Holding::Unbounded(held.clone()));
        world.federation.tables.insert(supplier(number), held);
    }
    world
}

#[test]
fn a_sum_that_could_wrap_is_not_begun() {
    let mut world = unbounded(Rules::all());
    let Ok(Outcome::Abandoned { reason }) = world.run() else { panic!("begun") };
    assert!(matches!(reason, AbandonReason::TooFewSuppliers { ready: 0, needed: 5, .. }), "{reason:?}");
    assert_eq!(world.judge(), Ok(()));
}

#[test]
fn without_the_bound_a_sum_wraps_and_the_query_is_spent_on_it() {
    // Commitments do not wrap, so the untruth is found out; the honest round is lost all the same.
    let mut world = unbounded(Rules::without(Rule::Bound));
    assert_eq!(world.run(), Ok(Outcome::Spent { reason: SpentReason::SumMismatch }));
}
