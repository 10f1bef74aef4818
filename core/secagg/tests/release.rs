//! From opened totals through disclosure control to a proof of what the table shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use curve25519_dalek::Scalar;
use optelsom_codebook::{Codebook, Hash256, Plan, Query, QueryId, SupplierId};
use optelsom_disclosure::{Noise, Policy, ProtectedTable, Totals, protect, protect_noised};
use optelsom_ledger::{IdentityKey, Member, Requester, Roster, Scope, Signature};
use optelsom_secagg::commitment::{blind, sum_of_multiples};
use optelsom_secagg::fault::FaultKind;
use optelsom_secagg::messages::{
    Attempt, Certificate, ColumnHeader, FinalCertificate, FinalVote, Participants, RelayedHeader,
    Statement as Attempted,
};
use optelsom_secagg::release_proof::{
    CellClaim, ClaimsError, CommitmentsError, ProofError, ProofWitness, Protection, ReleaseProof, SignedCommitments,
    SignedSubmissions, Statement, claims, verify,
};
use optelsom_secagg::{Entropy, Generators, Rules, Verifier};

const CODEBOOK: &str = r#"
version = "1"
name = { nl = "Proef", en = "Trial" }
[lists.years]
years = [2023, 2024]
[lists.region]
codes = [
    { code = "n", nl = "noord", en = "north", parent = "north" },
    { code = "north", nl = "het noorden", en = "the north" },
    { code = "s", nl = "zuid", en = "south" },
]
[datasets.d]
label = { nl = "d", en = "d" }
unit = "report"
period = "year"
minimum_frequency = 5
[datasets.d.variables.year]
label = { nl = "jaar", en = "year" }
list = "years"
[datasets.d.variables.region]
label = { nl = "regio", en = "region" }
list = "region"
"#;

fn key(seed: u8) -> IdentityKey {
    IdentityKey::from_seed(&[seed; 32])
}

/// Four suppliers' signed commitments, and what opens them.
struct Round {
    roster: Roster,
    certificate: FinalCertificate,
    headers: Vec<RelayedHeader>,
    witness: ProofWitness,
    generators: Generators,
}

impl Round {
    fn of(columns: &[Vec<i64>]) -> Self {
        let names = ["east", "north", "south", "west"].map(|name| SupplierId::try_from(name).unwrap());
        let keys: Vec<_> = (1..5).map(key).collect();
        let member = |(supplier, key): (&SupplierId, &IdentityKey)| Member {
            supplier: supplier.clone(),
            identity: key.public(),
        };
        let requester = Requester { key_id: "analyst".into(), identity: key(9).public() };
        let roster = Roster::new(names.iter().zip(&keys).map(member).collect(), vec![requester], None).unwrap();
        let scope = roster.scope(&names).unwrap();
        let verifier = verifier(&scope);
        let round = verifier.round();
        let participants = names.iter().map(|name| (name.clone(), Hash256::of(name.as_str().as_bytes()))).collect();
        let participants = Participants::new(participants).unwrap();
        let generators = Generators::default();
        // The first supplier counted everything; the others have committed to nothing but a blinding.
        let commit = |supplier: u64, cells: &Vec<i64>| {
            let figures: Vec<i64> = if supplier == 0 { cells.clone() } else { Vec::new() };
            let bases = generators.first(cells.len());
            blind(&sum_of_multiples(&figures, &bases), &Scalar::from(supplier + 11)).compress().to_bytes()
        };
        let header = |(at, name): (u64, &SupplierId)| {
            let column = |cells| ColumnHeader { masked_blinding: [0; 32], commitment: commit(at, cells) };
            let header = RelayedHeader {
                supplier: name.clone(),
                participants: participants.hash(),
                table_digest: Hash256::of(b"table"),
                columns: columns.iter().map(column).collect(),
                self_mask_commitment: Hash256::of(b"mask"),
                dealt: Hash256::of(b"shares"),
                signature: Signature::from_bytes([0; 64]),
            };
            header.sign(&keys[usize::try_from(at).unwrap()], round)
        };
        let headers: Vec<_> = (0..).zip(&names).map(header).collect();
        let digests: Vec<_> = headers.iter().map(|header| (header.supplier.clone(), header.digest(round))).collect();
        let attempted = Attempted { participants: participants.clone(), digests: digests.clone() };
        let signers = || names.iter().zip(&keys);
        let signatures = signers().map(|(name, key)| attempted.sign_prepared(key, round, name.clone())).collect();
        let digest = attempted.digest(round);
        let votes = signers().map(|(name, key)| FinalVote::sign(key, round, &digest, name.clone())).collect();
        let certificate = Certificate { attempt: Attempt::FIRST, participants, digests, signatures };
        let blinding = Scalar::from(11 + 12 + 13 + 14_u64).to_bytes();
        let witness = ProofWitness::new(columns.to_vec(), vec![blinding; columns.len()]);
        Self {
            certificate: FinalCertificate { certificate: Arc::new(certificate), votes },
            headers,
            witness,
            generators,
            roster,
        }
    }

    fn scope(&self) -> Scope {
        let names: Vec<_> = self.roster.members().iter().map(|member| member.supplier.clone()).collect();
        self.roster.scope(&names).unwrap()
    }

    fn signed(&self) -> Result<SignedCommitments, CommitmentsError> {
        SignedCommitments::verify(&verifier(&self.scope()), &self.certificate, &self.headers)
    }
}

fn changed(certificate: &mut FinalCertificate) -> &mut Certificate {
    Arc::make_mut(&mut certificate.certificate)
}

fn verifier(scope: &Scope) -> Verifier<'_> {
    Verifier::new(QueryId::from_bytes([1; 32]), Attempt::FIRST, scope, Rules::all())
}

fn plan() -> Plan {
    plan_of("SELECT year, region, COUNT(*) FROM d GROUP BY ROLLUP (year, region)")
}

fn plan_of(sql: &str) -> Plan {
    let codebook = Codebook::parse(CODEBOOK).unwrap();
    Plan::new(&codebook, &Query::from_sql(&codebook, sql).unwrap()).unwrap()
}

/// Counts of all cells: two years by two regions, the years, the whole; one holds too few. And how many suppliers have
/// any, which is never shown.
fn columns() -> Vec<Vec<i64>> {
    vec![vec![3, 40, 25, 31, 43, 56, 99], vec![3, 4, 4, 4, 4, 4, 4]]
}

fn shown(plan: &Plan) -> ProtectedTable {
    protect(plan, &Policy::new("d", 5).unwrap(), Totals::new(columns())).unwrap()
}

/// The table with one text in its file replaced by another.
fn altered(table: &ProtectedTable, from: &str, to: &str) -> ProtectedTable {
    let json = serde_json::to_string(table).unwrap();
    assert!(json.contains(from), "{json}");
    serde_json::from_str(&json.replacen(from, to, 1)).unwrap()
}

#[test]
fn what_a_protected_table_shows_is_proved_and_what_it_does_not_is_not() {
    let (plan, protection, round) = (plan(), Protection::new(5), Round::of(&columns()));
    let table = shown(&plan);
    let claimed = claims(&plan, &protection, &table).unwrap();
    assert!(claimed.len() == 2 && claimed[1].iter().all(|claim| *claim == CellClaim::Hidden));
    assert_eq!(claimed[0][0], CellClaim::TooFew);
    assert!(claimed[0].contains(&CellClaim::Hidden) && claimed[0].contains(&CellClaim::Shown(56)), "{claimed:?}");
    let signed = round.signed().unwrap();
    let state = |table: &ProtectedTable| {
        let claimed = claims(&plan, &protection, table).unwrap().remove(0);
        Statement::new(&signed, &plan.hash(), &protection, 0, claimed).unwrap()
    };
    let proof = round.witness.prove(&state(&table), &round.generators, &Entropy::new([3; 32])).unwrap();
    let proof = ReleaseProof::from_bytes(&proof.to_bytes()).unwrap();
    assert_eq!(verify(&state(&table), &proof, &round.generators), Ok(()));
    for (from, to) in [("\"56\"", "\"57\""), ("\"56\"", "\"55\"")] {
        let refused = verify(&state(&altered(&table, from, to)), &proof, &round.generators);
        assert_eq!(refused, Err(ProofError::Fails { column: 0 }));
    }
}

#[test]
fn what_is_said_to_be_missing_is_proved_to_be_nought() {
    let (plan, protection, round) = (plan(), Protection::new(5), Round::of(&columns()));
    let signed = round.signed().unwrap();
    for (shown_as, count) in [("supplier-absent", 56), ("not-collected", 56), ("supplier-absent", 99)] {
        let (from, to) =
            (format!("{{\"status\":\"shown\",\"value\":\"{count}\"}}"), format!("{{\"status\":\"{shown_as}\"}}"));
        let claimed = claims(&plan, &protection, &altered(&shown(&plan), &from, &to)).unwrap().remove(0);
        assert!(claimed.contains(&CellClaim::Shown(0)), "{claimed:?}");
        let statement = Statement::new(&signed, &plan.hash(), &protection, 0, claimed).unwrap();
        let proof = round.witness.prove(&statement, &round.generators, &Entropy::new([3; 32]));
        let holds = proof.is_ok_and(|proof| verify(&statement, &proof, &round.generators).is_ok());
        assert!(!holds, "{count} rows pass for {shown_as}");
    }
}

#[test]
fn headings_and_rows_are_those_of_the_plan() {
    let plan = plan();
    let table = shown(&plan);
    let refused = |from: &str, to: &str| claims(&plan, &Protection::new(5), &altered(&table, from, to)).unwrap_err();
    assert_eq!(refused("\"noord\"", "\"zuid\""), ClaimsError::Axes);
    assert_eq!(refused("\"region\"", "\"place\""), ClaimsError::Axes);
    assert_eq!(refused("\"name\":\"count\"", "\"name\":\"total\""), ClaimsError::Figures);
    assert_eq!(refused("\"kind\":\"count\"", "\"kind\":\"sum\""), ClaimsError::Figures);
    assert_eq!(refused("\"codes\":[\"2023\",\"n\"]", "\"codes\":[\"2023\",\"s\"]"), ClaimsError::Row(1));
    let levels = plan_of("SELECT COUNT(*) FROM d GROUP BY ROLLUP(LEVEL(region, 1), region)");
    let counts = Totals::new(vec![vec![0; levels.cell_count()]; 2]);
    let table = protect(&levels, &Policy::new("d", 5).unwrap(), counts).unwrap();
    let refused_of_levels =
        |from: &str, to: &str| claims(&levels, &Protection::new(5), &altered(&table, from, to)).unwrap_err();
    assert!(claims(&levels, &Protection::new(5), &table).is_ok());
    assert_eq!(refused_of_levels("\"parent\":\"north\"", "\"parent\":\"s\""), ClaimsError::Axes);
    assert_eq!(refused_of_levels("\"codes\":[\"north\",\"n\"]", "\"codes\":[\"s\",\"n\"]"), ClaimsError::Row(1));
    let figure = ClaimsError::Figure { row: 6, figure: "count".to_owned() };
    assert_eq!(refused("\"56\"", "\"9223372036854775808\""), figure);
}

#[test]
fn rounded_counts_are_proved_to_be_roundings() {
    let (plan, round) = (plan(), Round::of(&columns()));
    let policy = |base| Policy::new("d", 5).unwrap().with(1, None, base).unwrap();
    let table = protect(&plan, &policy(Some(5)), Totals::new(columns())).unwrap();
    let signed = round.signed().unwrap();
    let state = |base| {
        let protection = Protection::of(&policy(Some(base)));
        let claimed = claims(&plan, &protection, &table).unwrap().remove(0);
        assert!(claimed.contains(&CellClaim::Rounded { value: 55 }), "{claimed:?}");
        Statement::new(&signed, &plan.hash(), &protection, 0, claimed).unwrap()
    };
    let prove = |base| round.witness.prove(&state(base), &round.generators, &Entropy::new([3; 32]));
    assert_eq!(verify(&state(5), &prove(5).unwrap(), &round.generators), Ok(()));
    assert!(prove(2).is_err(), "more was rounded away than this rule does");
    let claimed = claims(&plan, &Protection::of(&policy(None)), &table).unwrap();
    assert!(!claimed[0].contains(&CellClaim::Rounded { value: 55 }), "no rule, no claim");
}

#[test]
fn headers_and_certificate_are_those_that_were_signed() {
    let good = || Round::of(&columns());
    assert_eq!(good().signed().unwrap().columns(), 2);
    let refused = |change: &dyn Fn(&mut Round)| {
        let mut round = good();
        change(&mut round);
        round.signed().unwrap_err()
    };
    let north = || SupplierId::try_from("north").unwrap();
    let signature = CommitmentsError::Header {
        supplier: north(),
        cause: FaultKind::Signature { statement: "submission", of: north() },
    };
    let other = [9; 32];
    assert_eq!(refused(&|round| round.headers[1].columns[0].commitment = other), signature);
    assert!(refused(&|round| round.headers[0].columns.swap(0, 1)).to_string().contains("east"));
    // Signed anew by its supplier, but not what was certified.
    let resign = |round: &mut Round| {
        let scope = round.scope();
        let mut header = round.headers[1].clone();
        header.columns[0].commitment = other;
        round.headers[1] = header.sign(&key(2), verifier(&scope).round());
    };
    assert_eq!(refused(&resign), CommitmentsError::NotCertified(north()));
    assert_eq!(refused(&|round| drop(round.headers.remove(1))), CommitmentsError::NotTheParticipants);
    assert_eq!(refused(&|round| round.headers.swap(0, 1)), CommitmentsError::NotTheParticipants);
    let certificate = |change: &dyn Fn(&mut FinalCertificate)| refused(&|round| change(&mut round.certificate));
    let is_certificate = |refused| assert!(matches!(refused, CommitmentsError::Certificate(_)), "{refused:?}");
    is_certificate(certificate(&|certificate| certificate.votes.truncate(2)));
    is_certificate(certificate(&|certificate| drop(changed(certificate).signatures.pop())));
    is_certificate(certificate(&|certificate| changed(certificate).digests[0].1 = Hash256::of(b"other")));
}

/// The bytes of what was signed, and how they are read and checked.
fn of_bytes(round: &Round, bytes: &[u8]) -> Option<SignedCommitments> {
    let scope = round.scope();
    let read = SignedSubmissions::from_bytes(bytes, QueryId::from_bytes([1; 32]), round.roster.hash()).ok()?;
    let attempt = read.certificate().certificate.attempt;
    let verifier = Verifier::new(QueryId::from_bytes([1; 32]), attempt, &scope, Rules::all());
    assert_eq!(read.to_bytes(), bytes, "one content, one form");
    read.verify(&verifier).ok()
}

#[test]
fn what_was_signed_is_read_back_and_no_bit_of_it_can_be_changed() {
    let round = Round::of(&columns());
    let signed = SignedSubmissions::new(round.certificate.clone(), round.headers.clone());
    let bytes = signed.to_bytes();
    let read = SignedSubmissions::from_bytes(&bytes, QueryId::from_bytes([1; 32]), round.roster.hash());
    assert_eq!(read.as_ref(), Ok(&signed));
    assert_eq!(of_bytes(&round, &bytes), round.signed().ok());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert_eq!(of_bytes(&round, &flipped), None, "byte {at}");
        assert!(
            SignedSubmissions::from_bytes(&bytes[..at], QueryId::from_bytes([1; 32]), round.roster.hash()).is_err()
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(of_bytes(&round, &longer), None);
}

/// Every figure with noise, also one below nought, is proved to be the sum of what was committed to; and noise is claimed
/// where it was asked for, and nowhere else.
#[test]
fn a_table_with_noise_is_proved_cell_by_cell() {
    let sql = "SELECT year, region, COUNT(*) FROM d GROUP BY ROLLUP (year, region)";
    let (plain, noised) = (plan(), plan_of(&format!("{sql} SETTINGS epsilon = 0.5")));
    let columns = vec![vec![-7, 40, 25, 31, 50, -1, 99]];
    let round = Round::of(&columns);
    let noise = Noise::of(&noised, 3).unwrap();
    let table = protect_noised(&noised, &noise, 4, Totals::new(columns.clone())).unwrap();
    let protection = Protection::new(5);
    let claimed = claims(&noised, &protection, &table).unwrap();
    assert_eq!(claimed, [columns[0].iter().map(|total| CellClaim::Shown(*total)).collect::<Vec<_>>()]);
    let commitments = round.signed().unwrap();
    let statement = |claims| Statement::new(&commitments, &noised.hash(), &protection, 0, claims).unwrap();
    let right = statement(claimed[0].clone());
    let proof = round.witness.prove(&right, &round.generators, &Entropy::new([3; 32])).unwrap();
    verify(&right, &proof, &round.generators).unwrap();
    let mut other = claimed[0].clone();
    other[0] = CellClaim::Shown(7);
    assert!(verify(&statement(other), &proof, &round.generators).is_err());
    // A table without noise is none of a question that asks for it, and the other way round.
    let exact = protect(&plain, &Policy::new("d", 5).unwrap(), Totals::new(self::columns())).unwrap();
    assert!(matches!(claims(&noised, &protection, &exact), Err(ClaimsError::Figure { .. })));
    assert!(matches!(claims(&plain, &protection, &table), Err(ClaimsError::Figure { .. })));
}
