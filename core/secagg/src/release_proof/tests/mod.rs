#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod bytes;
mod simulator;

use curve25519_dalek::Scalar;
use optelsom_codebook::{Hash256, QueryId, SupplierId};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::commitment::{blind, sum_of_multiples};
use crate::messages::{Attempt, Participants};
use crate::{Entropy, Generators, Round};

const PLAN: Hash256 = Hash256::from_bytes([4; 32]);

/// What was committed to, and what opens it.
#[derive(Clone)]
struct World {
    round: Round,
    participants: Participants,
    commitments: Vec<Vec<[u8; 32]>>,
    totals: Vec<Vec<i64>>,
    blindings: Vec<[u8; 32]>,
    generators: Generators,
    protection: Protection,
}

fn participants(names: &[&str]) -> Participants {
    let card = |name: &str| Hash256::of(name.as_bytes());
    Participants::new(names.iter().map(|name| (SupplierId::try_from(*name).unwrap(), card(name))).collect()).unwrap()
}

fn scalar(rng: &mut ChaCha20Rng) -> Scalar {
    let mut wide = [0; 64];
    rng.fill_bytes(&mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

impl World {
    /// Three suppliers whose tables add up to these totals; k is 5, and figures are rounded to multiples of 4.
    fn new(totals: Vec<Vec<i64>>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(17);
        let generators = Generators::with_capacity(totals.iter().map(Vec::len).max().unwrap_or(0));
        let mut commitments = vec![Vec::new(); 3];
        let mut blindings = Vec::new();
        for column in &totals {
            let bases = generators.first(column.len());
            let one: Vec<i64> = column.iter().map(|_| i64::from(rng.next_u32() % 1000)).collect();
            let other: Vec<i64> = column.iter().map(|total| total / 2).collect();
            let rest = column.iter().zip(one.iter().zip(&other)).map(|(total, (one, other))| total - other - one);
            let mut sum = Scalar::ZERO;
            for (row, table) in [one.clone(), other.clone(), rest.collect()].iter().enumerate() {
                let blinding = scalar(&mut rng);
                sum += blinding;
                commitments[row].push(blind(&sum_of_multiples(table, &bases), &blinding).compress().to_bytes());
            }
            blindings.push(sum.to_bytes());
        }
        let (query, roster) = (QueryId::from_bytes([1; 32]), Hash256::from_bytes([2; 32]));
        Self {
            round: Round { query, attempt: Attempt::FIRST, roster },
            participants: participants(&["east", "north", "west"]),
            commitments,
            totals,
            blindings,
            generators,
            protection: Protection::new(5).with_rounding(Rounding::new(vec![-2, -1, 0, 1]).unwrap()),
        }
    }

    fn signed(&self) -> SignedCommitments {
        SignedCommitments::of_nobody(self.round, self.participants.clone(), self.commitments.clone())
    }

    fn statement(&self, column: usize, claims: &[CellClaim]) -> Statement {
        Statement::new(&self.signed(), &PLAN, &self.protection, column, claims.to_vec()).unwrap()
    }

    fn witness(&self) -> ProofWitness {
        ProofWitness::new(self.totals.clone(), self.blindings.clone())
    }

    fn prove(&self, statement: &Statement) -> Result<ReleaseProof, ProveError> {
        self.witness().prove(statement, &self.generators, &Entropy::new([6; 32]))
    }

    fn verify(&self, statement: &Statement, proof: &ReleaseProof) -> Result<(), ProofError> {
        verify(statement, proof, &self.generators)
    }
}

/// One cell of each kind.
fn table() -> (World, Vec<CellClaim>) {
    use CellClaim::{Hidden, Rounded, Shown, TooFew};
    let totals = vec![120, 3, 0, 17, 41, -8, 4, i64::MAX];
    let claims =
        vec![Shown(120), TooFew, Shown(0), Hidden, Rounded { value: 40 }, Rounded { value: -8 }, TooFew, Hidden];
    (World::new(vec![totals, vec![9, 9, 9, 9, 9, 9, 9, 9]]), claims)
}

#[test]
fn a_true_table_is_proved() {
    let (world, claims) = table();
    let statement = world.statement(0, &claims);
    let proof = world.prove(&statement).unwrap();
    assert_eq!(world.verify(&statement, &proof), Ok(()));
    let read = ReleaseProof::from_bytes(&proof.to_bytes()).unwrap();
    assert!(read == proof);
    assert_eq!(world.verify(&statement, &read), Ok(()));
}

#[test]
fn tables_without_cells_all_shown_and_all_hidden_are_proved() {
    use CellClaim::{Hidden, Shown, TooFew};
    for (totals, claims) in [
        (vec![], vec![]),
        (vec![i64::MIN + 2000, i64::MAX, 0], vec![Shown(i64::MIN + 2000), Shown(i64::MAX), Shown(0)]),
        (vec![i64::MIN + 2000, i64::MAX, 0], vec![Hidden, Hidden, Hidden]),
        (vec![1, 4, 2], vec![TooFew, TooFew, TooFew]),
        (vec![0, 0], vec![Shown(0), Hidden]),
    ] {
        let world = World::new(vec![totals]);
        let statement = world.statement(0, &claims);
        let proof = world.prove(&statement).unwrap();
        assert_eq!(world.verify(&statement, &proof), Ok(()), "{claims:?}");
    }
}

#[test]
fn what_opens_the_commitments_is_not_printed() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    assert_eq!(format!("{:?} {proof:?}", world.witness()), "ProofWitness(2 columns, secret) ReleaseProof(6 responses)");
}

#[test]
fn no_nonce_serves_two_statements_even_where_the_entropy_repeats() {
    let (world, mut claims) = table();
    let first = world.prove(&world.statement(0, &claims)).unwrap();
    assert!(first == world.prove(&world.statement(0, &claims)).unwrap());
    claims[0] = CellClaim::Hidden;
    let second = world.prove(&world.statement(0, &claims)).unwrap();
    assert!(first.announcement != second.announcement);
    assert!(first.memberships[0] != second.memberships[0]);
    let other = world.witness().prove(&world.statement(0, &claims), &world.generators, &Entropy::new([7; 32]));
    assert!(second.announcement != other.unwrap().announcement);
}

#[test]
fn rules_that_cannot_be_proved_are_refused() {
    assert_eq!(Rounding::new(vec![]), Err(RoundingError::Count(0)));
    assert_eq!(Rounding::new((0..257).collect()), Err(RoundingError::Count(257)));
    for bad in [vec![1, 0], vec![1, 1], vec![i64::MIN, 0], vec![0, 1 << 33]] {
        assert_eq!(Rounding::new(bad), Err(RoundingError::Order));
    }
    let (world, claims) = table();
    let refused =
        |k| Statement::new(&world.signed(), &PLAN, &Protection::new(k), 0, vec![CellClaim::TooFew]).unwrap_err();
    for k in [0, 1, 258, u64::MAX] {
        assert_eq!(refused(k), StatementError::TooFew(k));
    }
    let refused = Statement::new(&world.signed(), &PLAN, &Protection::new(5), 0, claims.clone()).unwrap_err();
    assert_eq!(refused, StatementError::Rounded);
    let refused = Statement::new(&world.signed(), &PLAN, &world.protection, 2, claims).unwrap_err();
    assert_eq!(refused, StatementError::Column { column: 2, of: 2 });
}

/// A total with a claim that is true of it.
fn cell() -> impl Strategy<Value = (i64, CellClaim)> {
    let figure = prop_oneof![0_i64..200, -200_i64..0, (i64::MIN / 4)..(i64::MAX / 4)];
    (figure, 0..4_u8, 1_i64..5, -2_i64..2).prop_map(|(total, kind, few, error)| match kind {
        0 => (total, CellClaim::Shown(total)),
        1 => (total, CellClaim::Hidden),
        2 => (few, CellClaim::TooFew),
        _ => (total + error, CellClaim::Rounded { value: total }),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_tables_are_proved_and_none_of_their_changes(
        cells in prop::collection::vec(cell(), 1..24), entropy in any::<[u8; 32]>(), at in any::<prop::sample::Index>(),
        by in prop_oneof![Just(1_i64), Just(-1), any::<i64>()].prop_filter("a change", |by| *by != 0),
    ) {
        let (totals, mut claims): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
        let world = World::new(vec![totals]);
        let statement = world.statement(0, &claims);
        let proof = world.witness().prove(&statement, &world.generators, &Entropy::new(entropy)).unwrap();
        let read = ReleaseProof::from_bytes(&proof.to_bytes()).unwrap();
        prop_assert_eq!(world.verify(&statement, &read), Ok(()));
        let claim = &mut claims[at.index(statement.claims().len())];
        *claim = match *claim {
            CellClaim::Shown(total) => CellClaim::Shown(total.wrapping_add(by)),
            CellClaim::Rounded { value } => CellClaim::Rounded { value: value.wrapping_add(by) },
            CellClaim::TooFew => CellClaim::Hidden,
            CellClaim::Hidden => CellClaim::Shown(by),
        };
        prop_assert!(world.verify(&world.statement(0, &claims), &read).is_err());
    }
}
