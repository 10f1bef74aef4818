//! The nine steps: each refuses by itself, and of two that would the earlier does.

use std::cell::Cell;

use optelsom_codebook::{Hash256, QueryId};
use optelsom_ledger::entry::{Approval, ApprovalRule, AuthorisationError, Entry, ReasonCode, SigningError};
use optelsom_ledger::gate::{
    Binding, Entered, Evidence, GateError, HistoryError, Memory, Over, QuestionError, RoundError, Trust, pass,
};
use optelsom_ledger::leaf::Leaf;
use optelsom_ledger::note::{CheckpointError, CommitteeError, LogKey, SignedCheckpoint};
use optelsom_ledger::proof::{ConsistencyProof, InclusionProof, ProofError};
use optelsom_ledger::tiles::{prove_consistency, prove_inclusion};
use optelsom_ledger::witness::WitnessRecord;
use optelsom_ledger::{EntryError, Signature, SignedQuery};

use crate::fixture::{Federation, NOW, key, name, numbered, reason};

/// All that the gate looks at, to be spoilt.
struct Case {
    federation: Federation,
    lambda: QueryId,
    document: Vec<u8>,
    query: SignedQuery,
    approval: Option<Approval>,
    approvals: ApprovalRule,
    index: u64,
    inclusion: InclusionProof,
    checkpoint: Vec<u8>,
    consistency: ConsistencyProof,
    round: Binding,
    record: WitnessRecord,
    over: Option<Over>,
    agreement: Result<&'static str, ReasonCode>,
    now: optelsom_codebook::Timestamp,
}

/// A query as the 13th entry of a log of 20, of which the node has seen ten.
fn good() -> Case {
    let federation = Federation::new(5, 1);
    let query = federation.signed(1);
    let mut log = numbered(10);
    let record = WitnessRecord::fresh(federation.log.verifier())
        .advance(&log.checkpoint(&federation), &ConsistencyProof::empty())
        .unwrap();
    let stranger = |n: u8| Leaf::new(vec![n]).unwrap();
    for n in 10..12 {
        log.push_leaf(stranger(n));
    }
    let index = log.push(&Entry::Query(query.entry.clone()));
    for n in 13..20 {
        log.push_leaf(stranger(n));
    }
    let checkpoint = federation.cosigned(&log);
    let lambda = query.entry.id();
    Case {
        document: federation.document(1),
        approval: None,
        approvals: ApprovalRule::OnePerson,
        inclusion: prove_inclusion(&log.head(), index, &log.tiles).unwrap(),
        consistency: prove_consistency(&log.head(), 10, &log.tiles).unwrap(),
        round: Binding { query: lambda, roster: federation.roster.hash(), checkpoint: checkpoint.digest() },
        checkpoint: checkpoint.to_bytes(),
        over: None,
        agreement: Ok("admitted"),
        now: NOW.plus_millis(1000),
        federation,
        lambda,
        query,
        index,
        record,
    }
}

impl Case {
    fn pass(&self) -> Result<Entered<&'static str>, GateError> {
        self.pass_with(|| ())
    }

    fn pass_with(&self, asked: impl Fn()) -> Result<Entered<&'static str>, GateError> {
        let evidence = Evidence {
            lambda: self.lambda,
            document: &self.document,
            query: &self.query,
            approval: self.approval.as_ref(),
            index: self.index,
            inclusion: &self.inclusion,
            checkpoint: &self.checkpoint,
            consistency: &self.consistency,
            round: self.round,
        };
        let trust = Trust {
            roster: &self.federation.roster,
            approvals: self.approvals,
            log: self.federation.log.verifier(),
            committee: &self.federation.committee,
        };
        let memory = Memory { record: &self.record, over: self.over };
        let agreement = |_: &_, _: &_| {
            asked();
            self.agreement.clone()
        };
        let passed = pass(&evidence, &trust, &memory, self.now, agreement)?;
        assert_eq!(passed.record().head().size(), 20);
        Ok(passed.stored())
    }

    fn refused(&self) -> GateError {
        self.pass().unwrap_err()
    }

    fn parsed(&self) -> SignedCheckpoint {
        SignedCheckpoint::parse(&self.checkpoint, self.federation.log.verifier()).unwrap()
    }
}

/// For each step, how to spoil it and no other.
const SPOIL: [fn(&mut Case); 9] = [
    |case| case.document.push(b' '),
    |case| case.query.signature = Signature::from_bytes([0; 64]),
    |case| {
        // The same text and cosignatures, under the signature of another key of the same name.
        let cosignatures = case.parsed().cosignatures();
        let impostor = LogKey::new(name("bureau.example/optelsom"), key(1));
        let forged = SignedCheckpoint::sign(*case.parsed().head(), &impostor).unwrap();
        case.checkpoint = forged.with_cosignatures(&cosignatures).unwrap().to_bytes();
    },
    |case| case.index += 1,
    |case| {
        // Taking lines away leaves the log's signature as it is; where step 3 is spoilt too, that stays spoilt.
        let text = String::from_utf8(case.checkpoint.clone()).unwrap();
        let kept: Vec<_> = text.lines().filter(|line| !line.contains("/witness ")).collect();
        case.checkpoint = (kept.join("\n") + "\n").into_bytes();
    },
    |case| {
        let mut fork = numbered(9);
        fork.push_leaf(Leaf::new(b"another tenth".to_vec()).unwrap());
        let checkpoint = fork.checkpoint(&case.federation);
        let fresh = WitnessRecord::fresh(case.federation.log.verifier());
        case.record = fresh.advance(&checkpoint, &ConsistencyProof::empty()).unwrap();
    },
    |case| case.over = Some(Over::Final),
    |case| case.agreement = Err(reason("outside-period")),
    |case| case.round.query = QueryId::from_bytes([7; 32]),
];

#[test]
fn a_logged_query_passes() {
    let case = good();
    let entered = case.pass().unwrap();
    assert_eq!((entered.index, entered.admitted), (12, "admitted"));
    assert_eq!(entered.binding, case.round);
    assert_eq!(entered.scope, case.federation.scope());
}

#[test]
fn each_step_refuses_by_itself() {
    for (spoil, step) in SPOIL.iter().zip(1..) {
        let mut case = good();
        spoil(&mut case);
        assert_eq!(case.refused().step(), step, "{}", case.refused());
    }
}

#[test]
fn of_two_steps_that_would_refuse_the_earlier_does() {
    for (first, step) in SPOIL.iter().zip(1..) {
        for second in &SPOIL[usize::from(step)..] {
            let mut case = good();
            // The later one first: some need what the earlier one spoils.
            second(&mut case);
            first(&mut case);
            assert_eq!(case.refused().step(), step, "{}", case.refused());
        }
    }
}

/// The agreement may wait for a person or count queries: it is asked only about what is otherwise in order.
#[test]
fn the_agreement_is_asked_after_all_that_comes_before() {
    for (spoil, step) in SPOIL.iter().zip(1..) {
        let mut case = good();
        spoil(&mut case);
        let asked = Cell::new(false);
        assert!(case.pass_with(|| asked.set(true)).is_err());
        assert_eq!(asked.get(), step >= 8, "step {step}");
    }
}

fn spoilt(spoil: impl FnOnce(&mut Case)) -> GateError {
    let mut case = good();
    spoil(&mut case);
    case.refused()
}

#[test]
fn what_each_step_says() {
    let other = QueryId::from_bytes([7; 32]);
    let leaf = spoilt(|case| case.lambda = other);
    assert!(matches!(leaf, GateError::Question(QuestionError::Leaf { named, .. }) if named == other));
    let entry = spoilt(|case| case.query.entry.min_suppliers = 5);
    assert!(matches!(entry, GateError::Question(QuestionError::Leaf { .. })));

    let late = spoilt(|case| case.now = NOW.plus_millis(3_600_000));
    assert!(matches!(late, GateError::Word(AuthorisationError::Query(EntryError::Expired(_)))));
    let alone = spoilt(|case| case.approvals = ApprovalRule::TwoPersons);
    assert_eq!(alone, GateError::Word(AuthorisationError::Approval(SigningError::NotApproved)));
    let mut approved = good();
    approved.approvals = ApprovalRule::TwoPersons;
    approved.approval = Some(Approval::sign(&key(202), "analyst-2", &approved.lambda));
    assert!(approved.pass().is_ok());
    approved.approval = Some(Approval::sign(&key(202), "analyst-2", &other));
    assert!(matches!(approved.refused(), GateError::Word(AuthorisationError::Approval(SigningError::Person(_)))));

    let elsewhere = spoilt(|case| {
        let key = LogKey::new(name("elsewhere.example/log"), key(250));
        case.checkpoint = SignedCheckpoint::sign(*case.parsed().head(), &key).unwrap().to_bytes();
    });
    assert!(matches!(elsewhere, GateError::Log(CheckpointError::Origin { .. })));

    let absent = spoilt(|case| case.inclusion = InclusionProof::new(vec![Hash256::of(b"x"); 5]).unwrap());
    assert_eq!(absent, GateError::Inclusion(ProofError::Inclusion { index: 12, size: 20 }));

    let two = spoilt(|case| {
        let two = &case.parsed().cosignatures()[..2];
        case.checkpoint = case.parsed().with_cosignatures(two).unwrap().to_bytes();
    });
    assert_eq!(two, GateError::Witnesses(CommitteeError::TooFew { found: 2, wanted: 3 }));

    let unproved = spoilt(|case| case.consistency = ConsistencyProof::empty());
    let fork = HistoryError::Fork(ProofError::Consistency { from: 10, to: 20 });
    assert_eq!(unproved, GateError::History(fork));
    let shrunk = spoilt(|case| {
        let fresh = WitnessRecord::fresh(case.federation.log.verifier());
        let larger = numbered(21).checkpoint(&case.federation);
        case.record = fresh.advance(&larger, &ConsistencyProof::empty()).unwrap();
    });
    assert_eq!(shrunk, GateError::History(HistoryError::Fork(ProofError::Shrunk { from: 21, to: 20 })));
    let other_log = spoilt(|case| {
        let other = LogKey::new(name("elsewhere.example/log"), key(250));
        case.record = WitnessRecord::fresh(other.verifier());
    });
    assert!(matches!(other_log, GateError::History(HistoryError::OtherLog(_))));

    assert_eq!(spoilt(|case| case.over = Some(Over::Void)), GateError::Over(Over::Void));
    let disagreed = spoilt(|case| case.agreement = Err(reason("not-held")));
    assert_eq!(disagreed, GateError::Agreement(reason("not-held")));

    let hash = Hash256::of(b"other");
    assert_eq!(spoilt(|case| case.round.roster = hash), GateError::Round(RoundError::Roster(hash)));
    assert_eq!(spoilt(|case| case.round.checkpoint = hash), GateError::Round(RoundError::Checkpoint(hash)));
}

#[test]
fn a_query_that_is_not_logged_gets_no_answer() {
    let case = good();
    let unlogged = spoilt(|case| {
        case.query = case.federation.signed(2);
        case.document = case.federation.document(2);
        case.lambda = case.query.entry.id();
        case.round.query = case.lambda;
    });
    assert_eq!(unlogged.step(), 4);
    assert_ne!(case.lambda, case.federation.query(2).id());
}
