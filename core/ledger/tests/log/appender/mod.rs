//! The log's one writer before a store that fails: every write is tried as lost, as persisted but not acknowledged, and
//! as arriving late; the machine is killed before and after it. The log never forks, and nothing that was acknowledged is
//! lost.

mod world;

use std::collections::BTreeMap;

use optelsom_ledger::appender::{Appender, Draft, Effect, Fatal, Input, Rejection, StartError, Ticket};
use optelsom_ledger::entry::Entry;
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::SignedCheckpoint;
use optelsom_ledger::proof::TreeHead;
use optelsom_ledger::tiles::Edge;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use world::{FAULTS, Fault, Store, World};

/// Appends so many entries, then lets all come to rest without further faults.
fn run(entries: u64, faults: BTreeMap<usize, Fault>) -> World {
    let mut world = World::new(faults);
    for ticket in 0..entries {
        world.append(Ticket(ticket));
    }
    world.faults.clear();
    world.restart();
    // A write that arrives late may stop the machine once more.
    let mut ticket = Ticket(entries);
    world.append(ticket);
    if !world.acknowledged.contains_key(&ticket) {
        ticket = Ticket(entries + 1);
        world.append(ticket);
    }
    world.check();
    assert!(world.acknowledged.contains_key(&ticket), "the log takes no entries any more");
    world
}

#[test]
fn without_faults_everything_is_acknowledged_in_order() {
    let world = run(5, BTreeMap::new());
    let acknowledged: Vec<_> = world.acknowledged.iter().map(|(ticket, index)| (ticket.0, *index)).collect();
    assert_eq!(acknowledged, (0..6).map(|n| (n, n)).collect::<Vec<_>>());
    assert_eq!(world.restarts, 1);
}

#[test]
fn every_write_may_fail_in_every_way() {
    let writes = run(3, BTreeMap::new()).writes;
    assert_eq!(writes, 1 + 4 * 2);
    for nth in 0..writes {
        for fault in FAULTS {
            run(3, BTreeMap::from([(nth, fault)]));
        }
    }
}

#[test]
fn every_two_writes_may_fail_in_every_way() {
    let writes = run(1, BTreeMap::new()).writes;
    for first in 0..writes {
        for second in first + 1..=writes {
            for fault in FAULTS {
                for other in FAULTS {
                    run(1, BTreeMap::from([(first, fault), (second, other)]));
                }
            }
        }
    }
}

/// `LEDGER_SEEDS` runs more of them.
#[test]
fn any_writes_may_fail() {
    let seeds = std::env::var("LEDGER_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60_u64);
    for seed in 0..seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut faults = BTreeMap::new();
        for nth in 0..150 {
            if random.next_u32() % 4 == 0 {
                faults.insert(nth, FAULTS[random.next_u32() as usize % FAULTS.len()]);
            }
        }
        println!("seed {seed}: {faults:?}");
        run(8, faults);
    }
}

/// Over several tiles and levels, in large and small batches.
#[test]
fn a_batch_may_fill_several_tiles() {
    let mut world = World::new(BTreeMap::new());
    let appender = world.appender.take().unwrap();
    let leaf = |n: u64| Leaf::new(n.to_be_bytes().to_vec()).unwrap();
    // The first is written at once, the others wait for it.
    let (mut appender, mut effects) = appender.handle(Input::Append(vec![(Ticket(0), leaf(0).into())]));
    for n in 1..700 {
        let more;
        (appender, more) = appender.handle(Input::Append(vec![(Ticket(n), leaf(n).into())]));
        assert_eq!(more, []);
    }
    world.appended.extend((0..700).map(|n| (Ticket(n), leaf(n))));
    world.appender = Some(appender);
    world.perform(std::mem::take(&mut effects));
    world.check();
    assert_eq!(world.acknowledged.len(), 700);
    assert_eq!(world.heads.iter().map(TreeHead::size).collect::<Vec<_>>(), vec![0, 1, 700]);
    world.restart();
    world.append(Ticket(700));
    world.check();
}

fn first_effects(world: &World, n: u64) -> (Appender, Vec<Effect>) {
    let leaf = Leaf::new(vec![1]).unwrap();
    world.appender.clone().unwrap().handle(Input::Append(vec![(Ticket(n), leaf.into())]))
}

/// Nothing is acknowledged, shown or published before the checkpoint stands in the register with its tiles.
#[test]
fn the_order_of_writing() {
    let world = World::new(BTreeMap::new());
    let (appender, effects) = first_effects(&world, 0);
    let [Effect::Commit { expected: Some(_), tiles, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(*tiles, Edge::new().extend(&[Leaf::new(vec![1]).unwrap()]).unwrap().tiles);
    let (appender, effects) = appender.handle(Input::Committed);
    assert!(matches!(effects.as_slice(), [Effect::Acknowledge { index: 0, .. }, Effect::AskWitnesses(_)]));
    assert_eq!(appender.checkpoint().head().size(), 1);
}

#[test]
fn a_failed_write_costs_the_batch_only() {
    let world = World::new(BTreeMap::new());
    let (appender, _) = first_effects(&world, 7);
    let (appender, effects) = appender.handle(Input::CommitFailed);
    assert_eq!(effects, vec![Effect::Reject { ticket: Ticket(7), cause: Rejection::Store }]);
    let (_, effects) = appender.handle(Input::Append(vec![(Ticket(8), Leaf::new(vec![2]).unwrap().into())]));
    assert!(matches!(effects.as_slice(), [Effect::Commit { .. }]));
}

#[test]
fn any_doubt_about_a_write_is_fatal() {
    let world = World::new(BTreeMap::new());
    let committing = first_effects(&world, 7).0;
    let cosigning = committing.clone().handle(Input::Committed).0;
    for (state, input, fatal) in [
        (&committing, Input::CommitUnknown, Fatal::CommitInDoubt),
        (&committing, Input::CommitRefused, Fatal::SomebodyElse),
        (&committing, Input::Published, Fatal::OutOfStep),
        (&cosigning, Input::Committed, Fatal::OutOfStep),
    ] {
        let (stopped, effects) = state.clone().handle(input);
        assert_eq!(effects, vec![Effect::Stop(fatal)]);
        // Once stopped, it takes nothing and does nothing.
        let (stopped, effects) = stopped.handle(Input::Append(vec![(Ticket(9), Leaf::new(vec![3]).unwrap().into())]));
        assert_eq!(effects, vec![Effect::Reject { ticket: Ticket(9), cause: Rejection::Stopped }]);
        assert_eq!(stopped.handle(Input::Committed).1, vec![]);
    }
}

#[test]
fn two_coordinators_cannot_both_write() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    let twin = world.open().unwrap().0;
    world.append(Ticket(1));
    let (twin, effects) = twin.handle(Input::Append(vec![(Ticket(2), Leaf::new(vec![9]).unwrap().into())]));
    let [commit] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!world.store.write(commit), "the register had moved on");
    assert_eq!(twin.handle(Input::CommitRefused).1, vec![Effect::Stop(Fatal::SomebodyElse)]);
}

#[test]
fn a_missing_store_is_not_begun_anew() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    world.store = Store::default();
    let refused = world.open().unwrap_err();
    assert_eq!(refused, StartError::Missing);
    assert!(refused.to_string().contains("restore the newest backup"), "{refused}");
}

#[test]
fn a_log_that_exists_is_not_created_again() {
    let mut world = World::new(BTreeMap::new());
    let (log, committee) = (world.federation.log.clone(), world.federation.committee.clone());
    let (appender, effects) = Appender::create(log, committee).unwrap();
    let [commit] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!world.store.write(commit));
    assert_eq!(appender.handle(Input::CommitRefused).1, vec![Effect::Stop(Fatal::SomebodyElse)]);
}

#[test]
fn a_store_put_back_to_last_week_is_refused() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    let last_week = world.store.clone();
    world.append(Ticket(1));
    let published = world.store.published.clone();

    world.store = last_week.clone();
    let older = StartError::Older { stored: 1, seen: 2, by: "a witness" };
    assert_eq!(world.open().unwrap_err(), older);
    assert!(older.to_string().contains("Restore the newest backup"), "{older}");

    // Where no witness answers, the published checkpoint may still tell.
    world.shown = vec![None; 4];
    world.store.published = published;
    let older = StartError::Older { stored: 1, seen: 2, by: "the published checkpoint" };
    assert_eq!(world.open().unwrap_err(), older);
}

#[test]
fn a_store_on_another_branch_is_refused() {
    let mut one = World::new(BTreeMap::new());
    one.append(Ticket(0));
    let mut other = World::new(BTreeMap::new());
    other.append(Ticket(1));
    one.shown = other.shown;
    assert_eq!(one.open().unwrap_err(), StartError::Forked { size: 1, by: "a witness" });
}

#[test]
fn a_damaged_store_is_refused() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    let good = world.store.clone();
    for path in good.tiles.keys() {
        world.store = good.clone();
        world.store.tiles.get_mut(path).unwrap()[0] ^= 1;
        assert!(matches!(world.open().unwrap_err(), StartError::Tiles(_)), "{path}");
        world.store.tiles.remove(path);
        assert!(matches!(world.open().unwrap_err(), StartError::Tiles(_)), "{path}");
    }
    world.store = good;
    let last = world.store.register.as_mut().unwrap().len() - 5;
    world.store.register.as_mut().unwrap()[last] ^= 1;
    assert!(matches!(world.open().unwrap_err(), StartError::Checkpoint(_)));
}

/// What stands in the register, but is not yet published, is published after the restart.
#[test]
fn an_unpublished_checkpoint_is_published_after_the_restart() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    let before = world.store.published.take();
    world.restart();
    assert_eq!(world.store.published, before);
    world.check();
}

/// While the witnesses are silent nothing is published; what is appended then is published with what comes after.
#[test]
fn silent_witnesses_do_not_stop_the_log() {
    let mut world = World::new(BTreeMap::new());
    let leaf = |n: u8| Leaf::new(vec![n]).unwrap();
    let (appender, effects) = first_effects(&world, 0).0.handle(Input::Committed);
    let [_, Effect::AskWitnesses(first)] = effects.as_slice() else { panic!("{effects:?}") };
    // It waits for the witnesses first, then goes on without them.
    let (appender, effects) = appender.handle(Input::Append(vec![(Ticket(1), leaf(2).into())]));
    assert_eq!(effects, []);
    let (appender, effects) = appender.handle(Input::WitnessesSilent);
    assert!(matches!(effects.as_slice(), [Effect::Commit { .. }]));
    // A late cosignature of the overtaken checkpoint changes nothing.
    world.store.tiles = Edge::new().extend(&[leaf(1)]).unwrap().tiles;
    let late = world.cosign(0, first);
    assert_eq!(appender.handle(Input::Cosigned(late)).1, []);
}

#[test]
fn cosignatures_that_do_not_fit_are_blamed_and_not_counted() {
    let mut world = World::new(BTreeMap::new());
    world.store.tiles = Edge::new().extend(&[Leaf::new(vec![1]).unwrap()]).unwrap().tiles;
    let (appender, effects) = first_effects(&world, 0).0.handle(Input::Committed);
    let [_, Effect::AskWitnesses(checkpoint)] = effects.as_slice() else { panic!("{effects:?}") };
    let empty = SignedCheckpoint::sign(TreeHead::EMPTY, &world.federation.log).unwrap();
    let replayed = {
        let mut before = World::new(BTreeMap::new());
        before.cosign(0, &empty)
    };
    let (appender, effects) = appender.handle(Input::Cosigned(replayed));
    assert!(matches!(effects.as_slice(), [Effect::Blame { .. }]));
    let good: Vec<_> = (0..3).map(|nth| world.cosign(nth, checkpoint)).collect();
    let (appender, effects) = appender.handle(Input::Cosigned(good[0].clone()));
    assert_eq!(effects, []);
    let (appender, effects) = appender.handle(Input::Cosigned(good[0].clone()));
    assert_eq!(effects, []);
    let (appender, effects) = appender.handle(Input::Cosigned(good[1].clone()));
    assert_eq!(effects, []);
    let (_, effects) = appender.handle(Input::Cosigned(good[2].clone()));
    assert!(matches!(effects.as_slice(), [Effect::Publish(_)]));
}

/// A query and the signatures on it go into the log together, and the one names the other's index, whatever came before.
#[test]
fn an_authorisation_speaks_of_the_query_before_it() {
    let world = run(1, BTreeMap::new());
    let signature = optelsom_ledger::Signature::from_bytes([7; 64]);
    let authorisation = Draft::Authorisation { requester: signature, approval: None };
    let appender = world.appender.clone().unwrap();
    let query = Leaf::new(vec![2]).unwrap();
    let together = vec![(Ticket(50), query.clone().into()), (Ticket(51), authorisation)];
    let (_, effects) = appender.handle(Input::Append(together));
    let [Effect::Commit { tiles, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let bundle = tiles.iter().find(|(path, _)| path.level().is_none()).unwrap();
    let leaves = optelsom_ledger::tiles::read_bundle(bundle.1, bundle.0.width()).unwrap();
    let [.., before, after] = leaves.as_slice() else { panic!("two entries at least") };
    assert_eq!(*before, query);
    let Entry::Authorisation(entry) = Entry::from_bytes(after.as_bytes()).unwrap() else { panic!("an authorisation") };
    assert_eq!(entry.query, leaves.len() as u64 - 2);
}
