//! The store that fails, the witnesses, and the host that performs what the machine wants.

use std::collections::BTreeMap;

use optelsom_ledger::appender::{Appender, Effect, Fatal, Input, StartError, Stored, Survey, Ticket};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{Cosignature, SignedCheckpoint};
use optelsom_ledger::proof::TreeHead;
use optelsom_ledger::tiles::{Edge, TilePath, Tiles, prove_consistency, read_bundle, tiles_for_consistency};
use optelsom_ledger::witness::{WitnessRecord, cosign};

use crate::fixture::{Federation, NOW};

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and that is reported.
    Failed,
    /// Nothing is written, and it is reported as unknown.
    Lost,
    /// It is written, and reported as unknown.
    Unacknowledged,
    /// Reported as unknown, it is written when the next write comes, unless the store refuses it then.
    Late,
    /// The machine is killed before it.
    KilledBefore,
    /// The machine is killed after it.
    KilledAfter,
}

pub const FAULTS: [Fault; 6] =
    [Fault::Failed, Fault::Lost, Fault::Unacknowledged, Fault::Late, Fault::KilledBefore, Fault::KilledAfter];

/// What is on the disk.
#[derive(Clone, Default)]
pub struct Store {
    pub register: Option<Vec<u8>>,
    pub tiles: Tiles,
    pub published: Option<Vec<u8>>,
    pub late: Vec<Effect>,
}

impl Store {
    /// Performs a write; says whether it was done, or refused.
    pub fn write(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Commit { expected, replacement, tiles } => {
                if self.register != *expected {
                    return false;
                }
                self.register = Some(replacement.clone());
                for (path, tile) in tiles {
                    let before = self.tiles.insert(*path, tile.clone());
                    assert!(before.is_none_or(|before| before == *tile), "{path} was written over");
                }
            }
            Effect::Publish(witnessed) => self.published = Some(witnessed.checkpoint().to_bytes()),
            other => panic!("no write: {other:?}"),
        }
        true
    }
}

pub struct World {
    pub federation: Federation,
    pub store: Store,
    pub appender: Option<Appender>,
    pub witnesses: Vec<WitnessRecord>,
    /// The largest checkpoint that each witness can show.
    pub shown: Vec<Option<SignedCheckpoint>>,
    pub acknowledged: BTreeMap<Ticket, u64>,
    pub appended: BTreeMap<Ticket, Leaf>,
    /// Every head that ever stood in the register.
    pub heads: Vec<TreeHead>,
    pub writes: usize,
    pub faults: BTreeMap<usize, Fault>,
    pub restarts: usize,
}

impl World {
    pub fn new(faults: BTreeMap<usize, Fault>) -> Self {
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

    pub fn open(&self) -> Result<(Appender, Vec<Effect>), StartError> {
        let log = self.federation.log.verifier();
        let survey = Survey::of(self.store.register.as_deref(), log)?;
        let tiles = survey.tiles().into_iter().filter_map(|path| Some((path, self.store.tiles.get(&path)?.clone())));
        let stored = Stored { tiles: tiles.collect(), published: self.store.published.clone() };
        let shown: Vec<_> = self.shown.iter().flatten().cloned().collect();
        Appender::open(survey, stored, &shown, self.federation.log.clone(), self.federation.committee.clone())
    }

    pub fn restart(&mut self) {
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

    pub fn append(&mut self, ticket: Ticket) {
        let leaf = Leaf::new(format!("entry {}", ticket.0).into_bytes()).unwrap();
        self.appended.insert(ticket, leaf.clone());
        if self.appender.is_none() {
            self.restart();
        }
        self.handle(Input::Append(vec![(ticket, leaf.into())]));
        if self.appender.is_none() {
            self.restart();
        }
    }

    pub fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Acknowledge { ticket, index, .. } => {
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
    pub fn cosign(&mut self, nth: usize, checkpoint: &SignedCheckpoint) -> Cosignature {
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
    pub fn write(&mut self, effect: Effect) -> bool {
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
            Some(Fault::Failed | Fault::Lost | Fault::KilledBefore) => false,
        };
        self.note_head();
        if let Some(Fault::KilledBefore | Fault::KilledAfter) = fault {
            return false;
        }
        self.report(&effect, done, fault);
        true
    }

    fn report(&mut self, effect: &Effect, done: bool, fault: Option<Fault>) {
        let input = match (effect, fault) {
            (Effect::Commit { .. }, None) if done => Input::Committed,
            (Effect::Commit { .. }, None) => Input::CommitRefused,
            (Effect::Commit { .. }, Some(Fault::Failed)) => Input::CommitFailed,
            (Effect::Commit { .. }, Some(_)) => Input::CommitUnknown,
            (_, None) => Input::Published,
            (_, Some(_)) => Input::PublishFailed,
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
    pub fn check(&self) {
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
