//! Whole rounds in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use federation::{Event, Federation, name};
use optelsom_secagg::combiner::{AbandonReason, Absence, Outcome, VoidReason};
use optelsom_secagg::messages::{AttemptFault, CoordinatorMessage, SupplierMessage};
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
    let Some(Outcome::Abandoned { reason }) = federation.run() else { panic!("{:?}", federation.ended) };
    let AbandonReason::TooFewSuppliers { ready, needed, missing } = reason else { panic!("{reason:?}") };
    assert!(ready < needed && needed == 4 && ready + missing.len() == 4);
    let refuses = |(_, absence): &&(_, Absence)| matches!(absence, Absence::Refused(_));
    assert!(missing.iter().filter(refuses).count() > 0);
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

/// Takes it as far as the vote: of six, of whom one may collude, a quorum is four. The first ones vote, if their guards
/// pass it; those after them refuse; the rest hears nothing.
fn guards(passing: usize, refusing: usize, seed: u64) -> Federation {
    let mut federation = Federation::new(6, 1, 3, seed);
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        match event {
            Event::ToSupplier(id, CoordinatorMessage::Finalise { .. }) if id >= name(passing + refusing) => {}
            Event::ToSupplier(id, CoordinatorMessage::Finalise { certificate }) if id >= name(passing) => {
                let (attempt, cause) = (certificate.attempt, AttemptFault::GuardRefuses);
                let message = SupplierMessage::CannotContinue { attempt, cause };
                // Said twice it counts once.
                for event in [Event::ToCombiner(id.clone(), message.clone()), Event::ToCombiner(id, message)] {
                    federation.queue.push_back(event);
                }
            }
            event => federation.deliver(event),
        }
    }
    federation
}

#[test]
fn a_set_that_so_many_guards_refuse_that_no_quorum_can_come_is_declared_void_at_once() {
    let federation = guards(0, 2, 51);
    assert!(federation.ended.is_empty(), "four could still vote for it");
    let federation = guards(0, 3, 52);
    assert!(matches!(federation.ended[..], [Outcome::Void { why: VoidReason::Guard, .. }]), "{:?}", federation.ended);
    assert!(federation.opened.is_empty());
    assert_eq!(VoidReason::Guard.code(), "differencing");
}

#[test]
fn a_set_that_guards_refuse_after_somebody_has_voted_for_it_is_given_up() {
    let federation = guards(2, 3, 53);
    let [Outcome::Abandoned { reason: AbandonReason::Guard { why } }] = &federation.ended[..] else {
        panic!("{:?}", federation.ended);
    };
    assert!(why.contains("supplier-02, supplier-03, supplier-04"), "{why}");
    assert!(federation.opened.is_empty());
}

#[test]
fn a_query_whose_participants_the_log_does_not_take_ends_when_it_expires() {
    let mut federation = Federation::new(5, 1, 3, 54);
    federation.logs = false;
    assert_eq!(federation.run(), Some(Outcome::Abandoned { reason: AbandonReason::NotLogged }));
    assert!(federation.now >= federation.query.entry.expires_at && federation.opened.is_empty());
    // Started again after that, there is time for one more step, and no longer.
    let mut federation = Federation::new(5, 1, 3, 55);
    federation.logs = false;
    federation.combine(optelsom_secagg::combiner::Input::Started);
    while let Some(event) = federation.queue.pop_front() {
        federation.deliver(event);
    }
    federation.now = federation.query.entry.expires_at;
    federation.wakes.clear();
    federation.restart_combiner();
    assert!(federation.ended.is_empty());
    assert_eq!(federation.go_on(), Some(Outcome::Abandoned { reason: AbandonReason::NotLogged }));
    assert_eq!(federation.now, federation.query.entry.expires_at.plus_millis(10_000));
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
