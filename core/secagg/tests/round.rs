//! Whole rounds in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use federation::{Event, Federation, name};
use optelsom_secagg::combiner::{AbandonReason, Outcome};
use optelsom_secagg::messages::{CoordinatorMessage, SupplierMessage};
use proptest::prelude::*;

#[test]
fn opens_the_sum() {
    let mut federation = Federation::new(5, 2, 20, 1);
    assert_eq!(federation.run(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    assert_eq!(federation.faults, vec![]);
    assert_eq!(federation.opened[0].headers.len(), 5);
    assert!(federation.nodes.values().all(|node| node.machine.as_ref().unwrap().ended()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn opens_the_sum_of_any_tables_in_any_order(n in 4_usize..9, columns in 1_usize..4, cells in 0_usize..24, seed: u64) {
        let mut federation = Federation::new(n, columns, cells, seed);
        federation.disorder = true;
        prop_assert_eq!(federation.run(), Some(Outcome::Opened));
        federation.opened_the_right_total();
        prop_assert_eq!(federation.opened[0].headers.len(), n);
    }
}

/// Which step a message that goes to the combiner belongs to.
fn step_of(event: &Event) -> Option<usize> {
    let Event::ToCombiner(_, message) = event else { return None };
    match message {
        SupplierMessage::Ready { .. } => Some(0),
        SupplierMessage::Card { .. } => Some(1),
        SupplierMessage::Encapsulations { .. } => Some(2),
        SupplierMessage::Submission { .. } | SupplierMessage::Chunk(_) => Some(3),
        SupplierMessage::Prepared { .. } => Some(4),
        SupplierMessage::Final { .. } => Some(5),
        SupplierMessage::Opening { .. } => Some(6),
        _ => None,
    }
}

/// Runs until the first message of this step is about to be delivered from this supplier.
fn run_until(federation: &mut Federation, step: usize, from: usize) {
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        if step_of(&event) == Some(step) && matches!(&event, Event::ToCombiner(id, _) if *id == name(from)) {
            federation.queue.push_front(event);
            return;
        }
        federation.deliver(event);
    }
    panic!("step {step} was never reached");
}

/// Loses whatever one supplier has under way.
fn lose_from(federation: &mut Federation, from: usize) {
    federation.queue.retain(|event| !matches!(event, Event::ToCombiner(id, _) if *id == name(from)));
}

#[test]
fn a_supplier_that_vanishes_at_any_step_for_good_does_not_stop_the_others() {
    for step in 0..=6 {
        let mut federation = Federation::new(6, 2, 9, step as u64);
        run_until(&mut federation, step, 2);
        lose_from(&mut federation, 2);
        federation.kill(&name(2));
        assert_eq!(federation.go_on(), Some(Outcome::Opened), "step {step}");
        federation.opened_the_right_total();
        let participants = federation.opened[0].headers.len();
        assert_eq!(participants, if step < 5 { 5 } else { 6 }, "step {step}");
    }
}

#[test]
fn a_third_of_the_suppliers_may_vanish_after_the_vote() {
    let mut federation = Federation::new(7, 1, 5, 3);
    run_until(&mut federation, 6, 0);
    for gone in [0, 4] {
        lose_from(&mut federation, gone);
        federation.kill(&name(gone));
    }
    assert_eq!(federation.go_on(), Some(Outcome::Opened));
    federation.opened_the_right_total();
    assert_eq!(federation.opened[0].headers.len(), 7);
}

#[test]
fn a_node_that_restarts_at_any_step_is_in_the_total() {
    for step in 0..=6 {
        let mut federation = Federation::new(5, 1, 4, 10 + step as u64);
        run_until(&mut federation, step, 3);
        lose_from(&mut federation, 3);
        federation.restart(&name(3));
        assert_eq!(federation.go_on(), Some(Outcome::Opened), "step {step}");
        federation.opened_the_right_total();
        assert_eq!(federation.opened[0].headers.len(), 5, "step {step}");
    }
}

#[test]
fn a_coordinator_that_restarts_at_any_step_opens_once() {
    for step in 1..=6 {
        let mut federation = Federation::new(5, 2, 4, 20 + step as u64);
        run_until(&mut federation, step, 1);
        federation.restart_combiner();
        assert_eq!(federation.go_on(), Some(Outcome::Opened), "step {step}");
        federation.opened_the_right_total();
        // Started again from the end, it says that it has ended, and opens nothing.
        federation.restart_combiner();
        assert_eq!(federation.go_on(), Some(Outcome::Opened));
        assert_eq!(federation.opened.len(), 1);
    }
}

#[test]
fn one_that_refuses_its_data_votes_all_the_same() {
    // Of seven, two may collude; with one that refuses and one that is down, five votes of six are still needed.
    let mut federation = Federation::new(7, 1, 3, 30);
    federation.nodes.get_mut(&name(6)).unwrap().columns = None;
    let voted = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = voted.clone();
    federation.filter = Box::new(move |event| {
        if matches!(event, Event::ToCombiner(id, SupplierMessage::Final { .. }) if *id == name(6)) {
            seen.set(true);
        }
        true
    });
    assert_eq!(federation.run(), Some(Outcome::Opened));
    assert_eq!(federation.opened[0].headers.len(), 6);
    assert!(voted.get());
}

#[test]
fn too_few_that_are_ready_end_in_an_abandonment_that_says_so() {
    let mut federation = Federation::new(4, 1, 3, 40);
    for refusing in [1, 2] {
        federation.nodes.get_mut(&name(refusing)).unwrap().columns = None;
    }
    let Some(Outcome::Abandoned { reason: AbandonReason::TooFewSuppliers { ready, needed } }) = federation.run() else {
        panic!("{:?}", federation.ended);
    };
    assert!(ready < needed && needed == 4);
    assert!(federation.opened.is_empty());
}

#[test]
fn a_certified_query_can_be_declared_void_while_no_final_is_signed() {
    let mut federation = Federation::new(5, 1, 3, 50);
    federation.filter = Box::new(|event| !matches!(event, Event::ToSupplier(_, CoordinatorMessage::Finalise { .. })));
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        federation.deliver(event);
    }
    federation.filter = Box::new(|_| true);
    federation.combine(optelsom_secagg::combiner::Input::AskVoid);
    assert!(matches!(federation.go_on(), Some(Outcome::Void { .. })));
    assert!(federation.opened.is_empty());
}

#[test]
fn no_machine_ever_prints_what_was_counted() {
    let figure = 424_242_424_242;
    let mut federation = Federation::new(4, 1, 2, 60);
    federation.nodes.values_mut().for_each(|node| node.columns = Some(vec![vec![figure, figure]]));
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        federation.deliver(event);
        let printed = format!("{:?} {:?}", federation.nodes[&name(1)].machine, federation.combiner);
        for figure in [figure, 4 * figure] {
            assert!(!printed.contains(&figure.to_string()));
        }
        assert!(!printed.contains("seed") && !printed.contains("words: ["));
    }
    federation.opened_the_right_total();
}
