//! The log's one writer before a store that fails: every write is tried as lost, as persisted but not acknowledged, and
//! as arriving late; the machine is killed before and after it. The log never forks, and nothing that was acknowledged is
//! lost.

use std::collections::BTreeMap;

use optelsom_ledger::appender::{Appender, Effect, Fatal, Input, Rejection, StartError, Stored, Survey, Ticket};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Cosignature, SignedCheckpoint};
use optelsom_ledger::proof::TreeHead;
use optelsom_ledger::tiles::{Edge, TilePath, Tiles, prove_consistency, read_bundle, tiles_for_consistency};
use optelsom_ledger::witness::{WitnessRecord, cosign};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::fixture::{Federation, NOW};

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing is written, and that is reported.
    Lost,
    /// It is written, and reported as failed or unknown.
    Unacknowledged,
    /// Reported as failed or unknown, it is written when the next write comes, unless the store refuses it then.
    Late,
    /// The machine is killed before it.
    KilledBefore,
    /// The machine is killed after it.
    KilledAfter,
    /// Of several tiles only the first half is written, and the machine is killed.
    Torn,
}

const FAULTS: [Fault; 6] =
    [Fault::Lost, Fault::Unacknowledged, Fault::Late, Fault::KilledBefore, Fault::KilledAfter, Fault::Torn];

/// What is on the disk.
#[derive(Clone, Default)]
struct Store {
    register: Option<Vec<u8>>,
    staged: BTreeMap<String, Vec<u8>>,
    tiles: Tiles,
    published: Option<Vec<u8>>,
    late: Vec<Effect>,
}

impl Store {
    /// Performs a write; says whether the register was swapped, or the write done.
    fn write(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Stage { name, bytes } => drop(self.staged.insert(name.clone(), bytes.clone())),
            Effect::Swap { expected, replacement } => {
                if self.register != *expected {
                    return false;
                }
                self.register = Some(replacement.clone());
            }
            Effect::Apply(tiles) => {
                for (path, tile) in tiles {
                    let before = self.tiles.insert(*path, tile.clone());
                    assert!(before.is_none_or(|before| before == *tile), "{path} was written over");
                }
            }
            Effect::Publish(bytes) => self.published = Some(bytes.clone()),
            Effect::Discard { name } => drop(self.staged.remove(name)),
            other => panic!("no write: {other:?}"),
        }
        true
    }

    fn tear(&mut self, effect: &Effect) {
        match effect {
            Effect::Apply(tiles) => {
                let half = tiles.iter().take(tiles.len() / 2).map(|(path, tile)| (*path, tile.clone())).collect();
                self.write(&Effect::Apply(half));
            }
            Effect::Stage { name, bytes } => {
                drop(self.staged.insert(name.clone(), bytes[..bytes.len() / 2].to_vec()));
            }
            // A register is swapped whole or not at all; a checkpoint is published by a rename.
            _ => {}
        }
    }
}

struct World {
    federation: Federation,
    store: Store,
    appender: Option<Appender>,
    witnesses: Vec<WitnessRecord>,
    /// The largest checkpoint that each witness can show.
    shown: Vec<Option<SignedCheckpoint>>,
    acknowledged: BTreeMap<Ticket, u64>,
    appended: BTreeMap<Ticket, Leaf>,
    /// Every head that ever stood in the register.
    heads: Vec<TreeHead>,
    writes: usize,
    faults: BTreeMap<usize, Fault>,
    restarts: usize,
}

impl World {
    fn new(faults: BTreeMap<usize, Fault>) -> Self {
        let federation = Federation::new(5, 1);
        let record = WitnessRecord::fresh(federation.log.verifier());
        let count = federation.cosigners.len();
        let mut world = Self {
            store: Store::default(),
            appender: None,
            witnesses: vec![record; count],
            shown: vec![None; count],
            acknowledged: BTreeMap::new(),
            appended: BTreeMap::new(),
            heads: Vec::new(),
            writes: 0,
            faults,
            restarts: 0,
            federation,
        };
        world.create();
        world
    }

    /// An operator begins the log, and begins again until there is one.
    fn create(&mut self) {
        while self.store.register.is_none() {
            let (log, committee) = (self.federation.log.clone(), self.federation.committee.clone());
            let (appender, effects) = Appender::create(log, committee).unwrap();
            self.appender = Some(appender);
            self.perform(effects);
        }
        if self.appender.is_none() {
            self.restart();
        }
    }

    fn open(&self) -> Result<(Appender, Vec<Effect>), StartError> {
        let log = self.federation.log.verifier();
        let survey = Survey::of(self.store.register.as_deref(), log)?;
        let tiles = survey.tiles().into_iter().filter_map(|path| Some((path, self.store.tiles.get(&path)?.clone())));
        let stored = Stored {
            staged: self.store.staged.get(&survey.staged()).cloned(),
            tiles: tiles.collect(),
            published: self.store.published.clone(),
        };
        let shown: Vec<_> = self.shown.iter().flatten().cloned().collect();
        Appender::open(survey, stored, &shown, self.federation.log.clone(), self.federation.committee.clone())
    }

    fn restart(&mut self) {
        self.restarts += 1;
        assert!(self.restarts < 200, "the log does not come to rest");
        let (appender, effects) = self.open().expect("the store is as it was left");
        self.appender = Some(appender);
        self.perform(effects);
    }

    fn handle(&mut self, input: Input) {
        let Some(appender) = self.appender.take() else { return };
        let (appender, effects) = appender.handle(input);
        self.appender = Some(appender);
        self.perform(effects);
    }

    fn append(&mut self, ticket: Ticket) {
        let leaf = Leaf::new(format!("entry {}", ticket.0).into_bytes()).unwrap();
        self.appended.insert(ticket, leaf.clone());
        if self.appender.is_none() {
            self.restart();
        }
        self.handle(Input::Append(ticket, leaf));
        if self.appender.is_none() {
            self.restart();
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Acknowledge { ticket, index } => {
                    assert!(self.acknowledged.insert(ticket, index).is_none(), "{ticket:?} acknowledged twice");
                }
                Effect::Reject { .. } => {}
                Effect::AskWitnesses(checkpoint) => {
                    // One of the four is away; the three others suffice.
                    for nth in 0..3 {
                        let cosignature = self.cosign(nth, &checkpoint);
                        self.handle(Input::Cosigned(cosignature));
                    }
                }
                Effect::Blame { witness, cause } => panic!("{witness}: {cause}"),
                Effect::Stop(fatal) => {
                    assert_ne!(fatal, Fatal::OutOfStep);
                    self.appender = None;
                    return;
                }
                write => {
                    if !self.write(write) {
                        self.appender = None;
                        return;
                    }
                }
            }
        }
    }

    /// A witness that sees a fork panics here.
    fn cosign(&mut self, nth: usize, checkpoint: &SignedCheckpoint) -> Cosignature {
        let record = &self.witnesses[nth];
        let paths = tiles_for_consistency(checkpoint.head(), record.head().size()).unwrap();
        let tiles = paths.iter().map(|path| (*path, self.store.tiles[path].clone())).collect();
        let proof = prove_consistency(checkpoint.head(), record.head().size(), &tiles).unwrap();
        let log = self.federation.log.verifier();
        let bytes = checkpoint.to_bytes();
        let cosigning = cosign(record, &bytes, &proof, log, &self.federation.cosigners[nth], NOW);
        let (record, cosignature) = cosigning.expect("the log forked").stored();
        self.witnesses[nth] = record;
        self.shown[nth] = Some(checkpoint.clone());
        cosignature
    }

    /// Performs one write as the faults have it; says whether the machine lives on.
    fn write(&mut self, effect: Effect) -> bool {
        let late = std::mem::take(&mut self.store.late);
        let fault = self.faults.get(&self.writes).copied();
        self.writes += 1;
        for late in late {
            self.store.write(&late);
        }
        self.note_head();
        let done = match fault {
            None | Some(Fault::Unacknowledged | Fault::KilledAfter) => self.store.write(&effect),
            Some(Fault::Late) => {
                self.store.late.push(effect.clone());
                false
            }
            Some(Fault::Torn) => {
                self.store.tear(&effect);
                false
            }
            Some(Fault::Lost | Fault::KilledBefore) => false,
        };
        self.note_head();
        match fault {
            Some(Fault::KilledBefore | Fault::KilledAfter | Fault::Torn) => false,
            None => {
                self.report(&effect, done, !done);
                true
            }
            Some(_) => {
                self.report(&effect, false, false);
                true
            }
        }
    }

    fn report(&mut self, effect: &Effect, done: bool, refused: bool) {
        let input = match effect {
            Effect::Stage { .. } if done => Input::Staged,
            Effect::Stage { .. } => Input::StagingFailed,
            Effect::Swap { .. } if done => Input::Swapped,
            Effect::Swap { .. } if refused => Input::SwapRefused,
            Effect::Swap { .. } => Input::SwapUnknown,
            Effect::Apply(_) if done => Input::Applied,
            Effect::Publish(_) if done => Input::Published,
            Effect::Apply(_) | Effect::Publish(_) => Input::WriteFailed,
            _ => return,
        };
        self.handle(input);
    }

    fn note_head(&mut self) {
        let Some(register) = &self.store.register else { return };
        let head = *SignedCheckpoint::parse(register, self.federation.log.verifier()).unwrap().head();
        if self.heads.last() != Some(&head) {
            self.heads.push(head);
        }
    }

    /// The entries that stand in the log, read from its files at the published checkpoint.
    fn entries(&self) -> (TreeHead, Vec<Leaf>) {
        let Some(published) = &self.store.published else { return (TreeHead::EMPTY, Vec::new()) };
        let published = SignedCheckpoint::parse(published, self.federation.log.verifier()).unwrap();
        assert!(self.federation.committee.check(&published).is_ok());
        let head = *published.head();
        let bundles = TilePath::all(head.size()).filter(|path| path.level().is_none());
        let leaves = bundles.flat_map(|path| read_bundle(&self.store.tiles[&path], path.width()).unwrap()).collect();
        (head, leaves)
    }

    /// What must hold when all has come to rest.
    fn check(&self) {
        let (published, leaves) = self.entries();
        assert_eq!(Some(&published), self.heads.last(), "what stands in the register is not published");
        let mut heads = vec![TreeHead::EMPTY];
        let mut edge = Edge::new();
        for leaf in &leaves {
            edge = edge.extend(std::slice::from_ref(leaf)).unwrap().edge;
            heads.push(edge.head().unwrap());
        }
        for head in &self.heads {
            assert_eq!(heads.get(head.size() as usize), Some(head), "the log forked");
        }
        assert!(self.heads.windows(2).all(|pair| pair[0].size() < pair[1].size()), "the log shrank");
        for (ticket, index) in &self.acknowledged {
            assert_eq!(leaves.get(*index as usize), self.appended.get(ticket), "{ticket:?} was lost");
        }
        for path in TilePath::all(published.size()) {
            assert!(self.store.tiles.contains_key(&path), "{path} is missing");
        }
    }
}

/// Appends so many entries, then lets all come to rest without further faults.
fn run(entries: u64, faults: BTreeMap<usize, Fault>) -> World {
    let mut world = World::new(faults);
    for ticket in 0..entries {
        world.append(Ticket(ticket));
    }
    world.faults.clear();
    world.restart();
    // A swap that arrives late may stop the machine once more.
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
    assert!(writes > 15);
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
    // The first is staged at once, the others wait for it.
    let (mut appender, mut effects) = appender.handle(Input::Append(Ticket(0), leaf(0)));
    for n in 1..700 {
        let more;
        (appender, more) = appender.handle(Input::Append(Ticket(n), leaf(n)));
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
    world.appender.clone().unwrap().handle(Input::Append(Ticket(n), leaf))
}

/// Nothing is acknowledged, applied, shown or published before the swap.
#[test]
fn the_order_of_writing() {
    let world = World::new(BTreeMap::new());
    let (appender, effects) = first_effects(&world, 0);
    assert!(matches!(effects.as_slice(), [Effect::Stage { .. }]));
    let (appender, effects) = appender.handle(Input::Staged);
    assert!(matches!(effects.as_slice(), [Effect::Swap { expected: Some(_), .. }]));
    let (appender, effects) = appender.handle(Input::Swapped);
    assert!(matches!(effects.as_slice(), [Effect::Acknowledge { index: 0, .. }, Effect::Apply(_)]));
    let (appender, effects) = appender.handle(Input::Applied);
    assert!(matches!(effects.as_slice(), [Effect::Discard { .. }, Effect::AskWitnesses(_)]));
    assert_eq!(appender.checkpoint().head().size(), 1);
}

#[test]
fn a_failed_staging_costs_the_batch_only() {
    let world = World::new(BTreeMap::new());
    let (appender, _) = first_effects(&world, 7);
    let (appender, effects) = appender.handle(Input::StagingFailed);
    assert_eq!(effects, vec![Effect::Reject { ticket: Ticket(7), cause: Rejection::Staging }]);
    let (_, effects) = appender.handle(Input::Append(Ticket(8), Leaf::new(vec![2]).unwrap()));
    assert!(matches!(effects.as_slice(), [Effect::Stage { .. }]));
}

#[test]
fn any_doubt_from_the_swap_on_is_fatal() {
    let world = World::new(BTreeMap::new());
    let swapping = first_effects(&world, 7).0.handle(Input::Staged).0;
    let applying = swapping.clone().handle(Input::Swapped).0;
    for (state, input, fatal) in [
        (&swapping, Input::SwapUnknown, Fatal::SwapInDoubt),
        (&swapping, Input::SwapRefused, Fatal::SomebodyElse),
        (&swapping, Input::Applied, Fatal::OutOfStep),
        (&applying, Input::WriteFailed, Fatal::WriteInDoubt),
    ] {
        let (stopped, effects) = state.clone().handle(input);
        assert_eq!(effects, vec![Effect::Stop(fatal)]);
        // Once stopped, it takes nothing and does nothing.
        let (stopped, effects) = stopped.handle(Input::Append(Ticket(9), Leaf::new(vec![3]).unwrap()));
        assert_eq!(effects, vec![Effect::Reject { ticket: Ticket(9), cause: Rejection::Stopped }]);
        assert_eq!(stopped.handle(Input::Swapped).1, vec![]);
    }
}

#[test]
fn two_coordinators_cannot_both_write() {
    let mut world = World::new(BTreeMap::new());
    world.append(Ticket(0));
    let twin = world.open().unwrap().0;
    world.append(Ticket(1));
    let (twin, effects) = twin.handle(Input::Append(Ticket(2), Leaf::new(vec![9]).unwrap()));
    let [stage] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(world.store.write(stage));
    let (twin, effects) = twin.handle(Input::Staged);
    let [swap] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!world.store.write(swap), "the register had moved on");
    assert_eq!(twin.handle(Input::SwapRefused).1, vec![Effect::Stop(Fatal::SomebodyElse)]);
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
    let [swap] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!world.store.write(swap));
    assert_eq!(appender.handle(Input::SwapRefused).1, vec![Effect::Stop(Fatal::SomebodyElse)]);
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

/// While the witnesses are silent nothing is published; what is appended then is published with what comes after.
#[test]
fn silent_witnesses_do_not_stop_the_log() {
    let mut world = World::new(BTreeMap::new());
    let leaf = |n: u8| Leaf::new(vec![n]).unwrap();
    let mut appender = first_effects(&world, 0).0;
    for input in [Input::Staged, Input::Swapped] {
        appender = appender.handle(input).0;
    }
    let (appender, effects) = appender.handle(Input::Applied);
    let [_, Effect::AskWitnesses(first)] = effects.as_slice() else { panic!("{effects:?}") };
    // It waits for the witnesses first, then goes on without them.
    let (appender, effects) = appender.handle(Input::Append(Ticket(1), leaf(2)));
    assert_eq!(effects, []);
    let (appender, effects) = appender.handle(Input::WitnessesSilent);
    assert!(matches!(effects.as_slice(), [Effect::Stage { .. }]));
    // A late cosignature of the overtaken checkpoint changes nothing.
    world.store.tiles = Edge::new().extend(&[leaf(1)]).unwrap().tiles;
    let late = world.cosign(0, first);
    assert_eq!(appender.handle(Input::Cosigned(late)).1, []);
}

#[test]
fn cosignatures_that_do_not_fit_are_blamed_and_not_counted() {
    let mut world = World::new(BTreeMap::new());
    world.store.tiles = Edge::new().extend(&[Leaf::new(vec![1]).unwrap()]).unwrap().tiles;
    let mut appender = first_effects(&world, 0).0;
    for input in [Input::Staged, Input::Swapped] {
        appender = appender.handle(input).0;
    }
    let (appender, effects) = appender.handle(Input::Applied);
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
