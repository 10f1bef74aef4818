//! What a coordinator may try, each to be refused.

use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

use super::super::witness::Opening;
use super::*;

const FAILS: Result<(), ProofError> = Err(ProofError::Fails { column: 0 });

/// The proof that a prover without scruples makes of a statement that is not true: with these values in place of what is
/// hidden, and this blinding.
fn forge(world: &World, statement: &Statement, hidden: &[i64], blinding: Scalar) -> ReleaseProof {
    let opening = Opening { hidden: Zeroizing::new(hidden.to_vec()), blinding: Zeroizing::new(blinding) };
    let bases = world.generators.first(statement.claims().len());
    opening.answer(statement, &bases, &Entropy::new([8; 32])).unwrap()
}

fn true_blinding(world: &World) -> Scalar {
    Scalar::from_canonical_bytes(world.blindings[0]).unwrap()
}

#[test]
fn a_shown_cell_altered_by_one() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    for cell in [0, 2, 4, 5] {
        for by in [-1, 1] {
            let mut altered = claims.clone();
            altered[cell] = match altered[cell] {
                CellClaim::Shown(total) => CellClaim::Shown(total + by),
                CellClaim::Rounded { value } => CellClaim::Rounded { value: value + by },
                other => other,
            };
            assert_eq!(world.verify(&world.statement(0, &altered), &proof), FAILS, "cell {cell}");
        }
    }
}

#[test]
fn an_altered_cell_is_not_proved_and_cannot_be_forged() {
    let (world, mut claims) = table();
    claims[0] = CellClaim::Shown(121);
    let statement = world.statement(0, &claims);
    assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Claim { column: 0, cell: 0 });
    // The difference put into a hidden cell, or into the blinding.
    for hidden in [[3, 17, 1, 0, 4, i64::MAX], [3, 16, 1, 0, 4, i64::MAX]] {
        for blinding in [true_blinding(&world), true_blinding(&world) - Scalar::ONE] {
            assert_eq!(world.verify(&statement, &forge(&world, &statement, &hidden, blinding)), FAILS);
        }
    }
}

#[test]
fn a_forger_that_keeps_to_the_truth_is_believed() {
    let (world, claims) = table();
    let statement = world.statement(0, &claims);
    let proof = forge(&world, &statement, &[3, 17, 1, 0, 4, i64::MAX], true_blinding(&world));
    assert_eq!(world.verify(&statement, &proof), Ok(()));
}

#[test]
fn cells_in_another_order() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    for (one, other) in [(0, 2), (0, 1), (4, 5), (3, 1), (6, 7)] {
        let mut swapped = claims.clone();
        swapped.swap(one, other);
        assert_eq!(world.verify(&world.statement(0, &swapped), &proof), FAILS, "{one} and {other}");
    }
    let mut swapped = proof.clone();
    swapped.responses.swap(0, 5);
    assert_eq!(world.verify(&world.statement(0, &claims), &swapped), FAILS);
}

#[test]
fn the_proof_of_another_column() {
    let (mut world, claims) = table();
    let first = world.prove(&world.statement(0, &claims)).unwrap();
    assert_eq!(world.verify(&world.statement(1, &claims), &first), Err(ProofError::Fails { column: 1 }));
    // Even where both columns are the same, commitments included.
    world.commitments.iter_mut().for_each(|columns| columns[1] = columns[0]);
    assert_eq!(world.verify(&world.statement(1, &claims), &first), Err(ProofError::Fails { column: 1 }));
    assert_eq!(world.verify(&world.statement(0, &claims), &first), Ok(()));
}

#[test]
fn the_proof_of_another_query_attempt_roster_plan_or_rule() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    let with = |change: &dyn Fn(&mut World)| {
        let mut other = world.clone();
        change(&mut other);
        other.verify(&other.statement(0, &claims), &proof)
    };
    assert_eq!(with(&|_| {}), Ok(()));
    assert_eq!(with(&|w| w.round.query = QueryId::from_bytes([9; 32])), FAILS);
    assert_eq!(with(&|w| w.round.attempt = Attempt::new(2).unwrap()), FAILS);
    assert_eq!(with(&|w| w.round.roster = Hash256::from_bytes([9; 32])), FAILS);
    let rounding = |errors: &[i64]| Rounding::new(errors.to_vec()).unwrap();
    assert_eq!(with(&|w| w.protection = w.protection.clone().with_rounding(rounding(&[-1, 0, 1, 2]))), FAILS);
    let weaker = |w: &mut World| w.protection = Protection::new(6).with_rounding(rounding(&[-2, -1, 0, 1]));
    assert_eq!(with(&weaker), Err(ProofError::Form { column: 0, what: "the cells with too few" }));
    let plan = Hash256::from_bytes([5; 32]);
    let statement = Statement::new(&world.signed(), &plan, &world.protection, 0, claims.clone()).unwrap();
    assert_eq!(world.verify(&statement, &proof), FAILS);
}

#[test]
fn another_list_of_participants() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    let among = |names: &[&str], rows: &[usize]| {
        let commitments = rows.iter().map(|row| world.commitments[*row].clone()).collect();
        let other = World { participants: participants(names), commitments, ..world.clone() };
        other.verify(&other.statement(0, &claims), &proof)
    };
    assert_eq!(among(&["east", "north", "west"], &[0, 1, 2]), Ok(()));
    assert_eq!(among(&["east", "north", "south"], &[0, 1, 2]), FAILS, "a name exchanged");
    assert_eq!(among(&["east", "north", "west"], &[1, 0, 2]), FAILS, "commitments exchanged, their sum the same");
    assert_eq!(among(&["east", "north"], &[0, 1]), FAILS, "one removed");
    assert_eq!(among(&["east", "north", "south", "west"], &[0, 1, 1, 2]), FAILS, "one added");
    let mut recarded: Vec<_> = world.participants.entries().to_vec();
    recarded[0].1 = Hash256::from_bytes([0; 32]);
    let other = World { participants: Participants::new(recarded).unwrap(), ..world.clone() };
    assert_eq!(other.verify(&other.statement(0, &claims), &proof), FAILS, "another card");
}

#[test]
fn a_commitment_removed_or_exchanged() {
    let (world, claims) = table();
    let proof = world.prove(&world.statement(0, &claims)).unwrap();
    let other = blind(&world.generators.first(1)[0], &Scalar::ONE).compress().to_bytes();
    for commitment in [[0; 32], world.commitments[1][0], world.commitments[0][1], other] {
        let mut changed = world.clone();
        changed.commitments[0][0] = commitment;
        assert_eq!(changed.verify(&changed.statement(0, &claims), &proof), FAILS);
    }
    // Nor does a second one that takes the first away again help.
    let mut changed = world.clone();
    let point = |bytes: [u8; 32]| curve25519_dalek::ristretto::CompressedRistretto(bytes).decompress().unwrap();
    changed.commitments[0][0] = (point(world.commitments[0][0]) + point(other)).compress().to_bytes();
    changed.commitments[1][0] = (point(world.commitments[1][0]) - point(other)).compress().to_bytes();
    assert_eq!(changed.verify(&changed.statement(0, &claims), &proof), FAILS);
}

#[test]
fn a_commitment_that_is_no_point() {
    let (world, claims) = table();
    for bad in super::bytes::NO_POINTS {
        let mut changed = world.clone();
        changed.commitments[1][0] = bad;
        let refused = Statement::new(&changed.signed(), &PLAN, &changed.protection, 0, claims.clone()).unwrap_err();
        assert_eq!(refused, StatementError::Point(SupplierId::try_from("north").unwrap()));
    }
}

#[test]
fn too_few_that_is_none_or_k_or_more_or_less_than_none() {
    let (_, claims) = table();
    for total in [0, 5, 6, 100, -1, -4, i64::MAX, i64::MIN / 2] {
        let mut world = World::new(vec![vec![120, total, 0, 17, 41, -8, 4, i64::MAX]]);
        world.protection = Protection::new(5).with_rounding(Rounding::new(vec![-2, -1, 0, 1]).unwrap());
        let statement = world.statement(0, &claims);
        assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Claim { column: 0, cell: 1 }, "{total}");
        // Neither the truth nor a lie within the range is believed.
        for said in [total, 1, 3, 4] {
            let proof = forge(&world, &statement, &[said, 17, 1, 0, 4, i64::MAX], true_blinding(&world));
            assert_eq!(world.verify(&statement, &proof), FAILS, "{said} for {total}");
        }
    }
}

#[test]
fn two_cells_out_of_range_that_cancel_each_other() {
    // Whatever is off in one cell's polynomial must not be made good by another's: each has its own generator.
    let (_, claims) = table();
    let world = World::new(vec![vec![120, 0, 0, 17, 41, -8, 5, i64::MAX]]);
    let statement = world.statement(0, &claims);
    let proof = forge(&world, &statement, &[0, 17, 1, 0, 5, i64::MAX], true_blinding(&world));
    assert_eq!(world.verify(&statement, &proof), FAILS);
}

#[test]
fn a_rounding_error_out_of_range() {
    let (_, claims) = table();
    for (total, error) in [(42, 2), (37, -3), (0, -40)] {
        let world = World::new(vec![vec![120, 3, 0, 17, total, -8, 4, i64::MAX]]);
        let statement = world.statement(0, &claims);
        assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Claim { column: 0, cell: 4 });
        let proof = forge(&world, &statement, &[3, 17, error, 0, 4, i64::MAX], true_blinding(&world));
        assert_eq!(world.verify(&statement, &proof), FAILS);
    }
}

#[test]
fn a_cell_of_one_set_passed_off_as_one_of_the_other() {
    // Cell 4 is off by −2, which is a rounding error but is not *too few*.
    let mut claims = table().1;
    let world = World::new(vec![vec![120, -2, 0, 17, 41, -8, 4, i64::MAX]]);
    claims[4] = CellClaim::Rounded { value: 40 };
    let statement = world.statement(0, &claims);
    let mut proof = forge(&world, &statement, &[-2, 17, 1, 0, 4, i64::MAX], true_blinding(&world));
    assert_eq!(world.verify(&statement, &proof), FAILS);
    proof.memberships.swap(0, 1);
    assert_eq!(world.verify(&statement, &proof), FAILS);
}

#[test]
fn proofs_of_another_form() {
    let (world, claims) = table();
    let statement = world.statement(0, &claims);
    let proof = world.prove(&statement).unwrap();
    let form = |what| Err(ProofError::Form { column: 0, what });
    let with = |change: &dyn Fn(&mut ReleaseProof)| {
        let mut other = proof.clone();
        change(&mut other);
        world.verify(&statement, &other)
    };
    let cells = "the number of cells that are not shown";
    assert_eq!(with(&|p| p.responses.truncate(5)), form(cells));
    assert_eq!(with(&|p| p.responses.push(Scalar::ZERO)), form(cells));
    assert_eq!(with(&|p| p.memberships[0] = None), form("the cells with too few"));
    assert_eq!(with(&|p| p.memberships[1] = None), form("the rounded cells"));
    assert_eq!(with(&|p| p.memberships[1].as_mut().unwrap().coefficients.truncate(3)), form("the rounded cells"));
    assert_eq!(with(&|p| p.memberships.swap(0, 1)), FAILS);
    assert_eq!(with(&|p| p.memberships[0].as_mut().unwrap().coefficients.swap(0, 1)), FAILS);
    assert_eq!(with(&|p| p.blinding += Scalar::ONE), FAILS);
    // What one set's cells owe cannot be paid by the other's, nor by the representation.
    let shift = |p: &mut ReleaseProof| {
        p.memberships[0].as_mut().unwrap().blinding += Scalar::ONE;
        p.memberships[1].as_mut().unwrap().blinding -= Scalar::ONE;
    };
    assert_eq!(with(&shift), FAILS);
    // A proof of a statement with fewer secrets, for one with more.
    let mut fewer = claims;
    fewer[7] = CellClaim::Shown(i64::MAX);
    assert_eq!(world.verify(&world.statement(0, &fewer), &proof), form(cells));
}

#[test]
fn totals_that_do_not_open_the_commitments_give_no_proof() {
    let (mut world, claims) = table();
    world.totals[0][3] += 1;
    let statement = world.statement(0, &claims);
    assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Commitments { column: 0 });
    world.totals[0].pop();
    assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Form { column: 0 });
    world.totals.clear();
    assert_eq!(world.prove(&statement).unwrap_err(), ProveError::Form { column: 0 });
}
