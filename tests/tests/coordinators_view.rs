//! Everything that the coordinator ever receives or stores of a query looks the same whatever a supplier counted, as long
//! as the total is the same.
//!
//! A supplier holds one table or another, and a second one the rest of a total that stays. Of many rounds of each kind,
//! with other keys and masks every time, every bit of the coordinator's view has to be set as often in the one kind as in
//! the other; and so has every bit of what can be computed from the masked words with what it is told at the end. Where a
//! mask is missing the same comparison finds it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_proto::wire::answer;
use optelsom_secagg::combiner::Outcome;
use optelsom_secagg::commitment::sum_of_multiples;
use optelsom_secagg::mask::{Context, MaskSeed, Sign, mask_column};
use optelsom_secagg::messages::SupplierMessage;
use optelsom_secagg::{Round, Rule, Rules};
use optelsom_tests::dice::Dice;
use optelsom_tests::federation::{Size, supplier};
use optelsom_tests::world::node::{GENERATORS, Holding};
use optelsom_tests::world::run::World;
use optelsom_tests::world::weather::Weather;
use prost::Message;

const SIZE: Size = Size { suppliers: 4, collusion: 1, min_suppliers: Some(4), columns: 2, cells: CELLS };
const CELLS: usize = 4;
/// Rounds of each kind.
const ROUNDS: u64 = 250;
/// How many standard deviations two kinds may differ in a bit: chance alone does it in one of 10^10 bits.
const FURTHEST: f64 = 6.5;

type Table = Vec<Vec<i64>>;

/// Whose table is one of two, and who holds what is left of the total.
fn watched() -> (SupplierId, SupplierId) {
    (supplier(2), supplier(4))
}

fn tables() -> [Table; 2] {
    [vec![vec![0; CELLS]; 2], vec![vec![1, 70_000, 1 << 39, -3], vec![5, 0, 12, 1 << 20]]]
}

fn rest_of(table: &Table) -> Table {
    table.iter().map(|column| column.iter().map(|figure| (1 << 40) - figure).collect()).collect()
}

/// How a supplier's host is spoilt, for the comparison to find it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoilt {
    Nothing,
    /// It sends its table as it counted it.
    MasksOff,
    /// Both columns go under the same stream.
    OneStream,
    /// Its commitments carry no blinding.
    BlindingOff,
}

/// What the coordinator has of one round, by what it is: who sent it, and as what; or what it wrote itself.
type View = BTreeMap<(String, &'static str), Vec<u8>>;

fn view(seed: u64, table: &Table, spoilt: Spoilt) -> View {
    let mut dice = Dice::new(seed);
    let weather = Weather::calm(&mut dice);
    let rules = if spoilt == Spoilt::OneStream { Rules::without(Rule::KeyPerStream) } else { Rules::all() };
    let (watched, other) = watched();
    let mut world = World::with_rules(&mut dice, SIZE, weather, rules, rules)
        .with_holding(&watched, Holding::Table(table.clone()))
        .with_holding(&other, Holding::Table(rest_of(table)))
        .keep_received();
    if matches!(spoilt, Spoilt::MasksOff | Spoilt::BlindingOff) {
        let (table, bases) = (table.clone(), GENERATORS.first(CELLS));
        world = world.with_cheat([watched.clone()], move |from, mut message| {
            match &mut message {
                SupplierMessage::Chunk(chunk) if *from == watched && spoilt == Spoilt::MasksOff => {
                    let plain = table.iter().flatten().skip(usize::try_from(chunk.offset).unwrap());
                    chunk.words = plain.take(chunk.words.len()).map(|figure| figure.cast_unsigned()).collect();
                }
                SupplierMessage::Submission { header, .. } if *from == watched && spoilt == Spoilt::BlindingOff => {
                    for (column, figures) in header.columns.iter_mut().zip(&table) {
                        column.commitment = sum_of_multiples(figures, &bases).compress().to_bytes();
                    }
                }
                _ => {}
            }
            vec![(from.clone(), message)]
        });
    }
    let ended = world.run_at_most(5_000);
    // Spoilt, a round may end otherwise: the view up to there counts.
    assert!(spoilt != Spoilt::Nothing || ended == Ok(Outcome::Opened), "seed {seed}: {ended:?}");
    seen(&world)
}

fn seen(world: &World) -> View {
    let (id, mut view): (QueryId, _) = (world.query.entry.id(), View::new());
    let mut words: BTreeMap<&SupplierId, Vec<u64>> = BTreeMap::new();
    for (from, message) in &world.received {
        match message {
            SupplierMessage::Chunk(chunk) => {
                let words = words.entry(from).or_insert_with(|| vec![0; CELLS * 2]);
                let at = usize::try_from(chunk.offset).unwrap();
                words[at..at + chunk.words.len()].copy_from_slice(&chunk.words);
            }
            other => {
                view.insert((from.to_string(), kind(other)), answer(&id, other).unwrap().encode_to_vec());
            }
        }
    }
    for (from, words) in &words {
        let (counts, others) = words.split_at(CELLS);
        let between = |pairs: Vec<(u64, u64)>| bytes(pairs.iter().map(|(one, other)| one.wrapping_sub(*other)));
        view.insert((from.to_string(), "words"), bytes(words.iter().copied()));
        let columns = counts.iter().copied().zip(others.iter().copied()).collect();
        view.insert((from.to_string(), "between columns"), between(columns));
        let cells = words.iter().copied().zip(words.iter().copied().skip(1)).collect();
        view.insert((from.to_string(), "between cells"), between(cells));
    }
    let sum = |cell| words.values().fold(0_u64, |sum, words| sum.wrapping_add(words[cell]));
    view.insert(("all".to_owned(), "sum"), bytes((0..CELLS * 2).map(sum)));
    for (from, message) in &world.received {
        if let (SupplierMessage::Opening { attempt, self_mask }, Some(words)) = (message, words.get_mut(from)) {
            let round = Round { query: id, attempt: *attempt, roster: world.federation.roster.hash() };
            let context = Context { round: &round, rules: Rules::all() };
            let seed = MaskSeed::new(*self_mask.as_bytes(), Sign::Minus);
            for (column, words) in words.chunks_mut(CELLS).enumerate() {
                mask_column(&context, std::slice::from_ref(&seed), column, words).unwrap();
            }
            view.insert((from.to_string(), "words without self-mask"), bytes(words.iter().copied()));
        }
    }
    for (nth, written) in world.desk.written().iter().enumerate() {
        view.insert((format!("write {nth:02}"), "disk"), written.to_vec());
    }
    view
}

fn bytes(words: impl Iterator<Item = u64>) -> Vec<u8> {
    words.flat_map(u64::to_le_bytes).collect()
}

fn kind(message: &SupplierMessage) -> &'static str {
    match message {
        SupplierMessage::Ready { .. } => "ready",
        SupplierMessage::Refused { .. } => "refused",
        SupplierMessage::Card { .. } => "card",
        SupplierMessage::Encapsulations { .. } => "encapsulations",
        SupplierMessage::Submission { .. } => "submission",
        SupplierMessage::Chunk(_) => "chunk",
        SupplierMessage::Prepared { .. } => "prepared",
        SupplierMessage::Final { .. } => "final",
        SupplierMessage::Opening { .. } => "opening",
        SupplierMessage::RecoveredShares { .. } => "recovered shares",
        SupplierMessage::Void { .. } => "void",
        SupplierMessage::CannotContinue { .. } => "cannot continue",
    }
}

/// How often each bit was set, in how many rounds.
#[derive(Default)]
struct Counted {
    rounds: u32,
    set: Vec<u32>,
}

impl Counted {
    fn add(&mut self, bytes: &[u8]) {
        self.rounds += 1;
        self.set.resize(self.set.len().max(bytes.len() * 8), 0);
        for (bit, set) in self.set.iter_mut().enumerate() {
            *set += u32::from(bytes.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1));
        }
    }

    /// By how many standard deviations the bit that differs most differs.
    fn furthest(&self, other: &Self) -> f64 {
        let bits = self.set.len().max(other.set.len());
        let share = |counted: &Self, bit| f64::from(*counted.set.get(bit).unwrap_or(&0)) / f64::from(counted.rounds);
        let distance = |bit| {
            let (one, two) = (share(self, bit), share(other, bit));
            let (n, m) = (f64::from(self.rounds), f64::from(other.rounds));
            let both = (one * n + two * m) / (n + m);
            let deviation = (both * (1.0 - both) * (1.0 / n + 1.0 / m)).sqrt();
            if deviation > 0.0 { (one - two).abs() / deviation } else { 0.0 }
        };
        (0..bits).map(distance).fold(0.0, f64::max)
    }
}

/// What of the coordinator's view tells the two tables apart, with by how much.
fn tells_apart(rounds: u64, spoilt: Spoilt) -> Vec<(String, &'static str, f64)> {
    let mut counted: [BTreeMap<_, Counted>; 2] = [BTreeMap::new(), BTreeMap::new()];
    for ((kind, table), counted) in (1..).zip(tables()).zip(&mut counted) {
        for round in 0..rounds {
            for (what, bytes) in view(kind * 1_000_000 + round, &table, spoilt) {
                counted.entry(what).or_default().add(&bytes);
            }
        }
    }
    let [mut one, mut other] = counted;
    let all: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).cloned().collect();
    let compare = |what: (String, &'static str)| {
        let (one, other) = (one.remove(&what).unwrap_or_default(), other.remove(&what).unwrap_or_default());
        // What came too late in nearly all rounds is too rare to compare.
        let enough = u64::from(one.rounds.min(other.rounds)) * 4 >= rounds;
        let furthest = if enough { one.furthest(&other) } else { 0.0 };
        (furthest > FURTHEST).then_some((what.0, what.1, furthest))
    };
    all.into_iter().filter_map(compare).collect()
}

#[test]
fn nothing_that_the_coordinator_receives_or_stores_tells_one_table_from_another() {
    assert_eq!(tells_apart(ROUNDS, Spoilt::Nothing), []);
}

#[test]
fn the_view_has_all_that_a_round_consists_of() {
    let view = view(1, &tables()[0], Spoilt::Nothing);
    for of in 1..=4 {
        for what in ["ready", "card", "submission", "words", "words without self-mask", "prepared", "opening"] {
            assert!(view.contains_key(&(supplier(of).to_string(), what)), "{what} of {of}");
        }
    }
    // Begun, certified with its sum, final, ended.
    assert_eq!(view.keys().filter(|(_, what)| *what == "disk").count(), 5);
}

#[test]
fn a_table_without_masks_is_found() {
    let found = tells_apart(40, Spoilt::MasksOff);
    assert!(found.iter().any(|(of, what, _)| *of == watched().0.to_string() && *what == "words"), "{found:?}");
}

#[test]
fn two_columns_under_one_stream_are_found() {
    let found = tells_apart(40, Spoilt::OneStream);
    assert!(found.iter().any(|(_, what, _)| *what == "between columns"), "{found:?}");
}

#[test]
fn a_commitment_without_blinding_is_found() {
    let found = tells_apart(40, Spoilt::BlindingOff);
    assert!(found.iter().any(|(of, what, _)| *of == watched().0.to_string() && *what == "submission"), "{found:?}");
}
