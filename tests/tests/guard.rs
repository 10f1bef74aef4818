//! The table of cheats, row by row, for totals that give somebody away together: the adversary writes the log, the real
//! machines answer behind the guard. Without the rule in question, the account finds what it prevents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::RangeInclusive;

use optelsom_codebook::{QueryId, SupplierId};
use optelsom_ledger::entry::{Entry, FinalEntry, ReasonCode, VoidEntry, Vote, Votes};
use optelsom_ledger::guard::GuardRefusal;
use optelsom_secagg::messages::{Attempt, CoordinatorMessage, SupplierMessage};
use optelsom_tests::adversary::branch::Branch;
use optelsom_tests::adversary::stage::{Cast, Stage};
use optelsom_tests::dice::Dice;
use optelsom_tests::federation::{Federation, Size, edition_of, supplier};
use optelsom_tests::questions::Question;
use optelsom_tests::world::gatekeeper::{HostRule, Shut};

/// Supplier 4 belongs to neither half; supplier 7 is in league with the coordinator.
const NORTH: RangeInclusive<usize> = 1..=3;
const SOUTH: RangeInclusive<usize> = 5..=7;
const WHOLE: RangeInclusive<usize> = 1..=7;

fn those(numbers: impl IntoIterator<Item = usize>) -> Vec<SupplierId> {
    numbers.into_iter().map(supplier).collect()
}

fn but(left_out: usize) -> Vec<SupplierId> {
    those(WHOLE.filter(|number| *number != left_out))
}

/// A question, its scope, and who is in the sum.
#[derive(Clone)]
struct Asked {
    question: Question,
    edition: u8,
    scope: Vec<SupplierId>,
    listed: Vec<SupplierId>,
}

impl Asked {
    fn of(listed: Vec<SupplierId>) -> Self {
        Self { question: Question::VictimsByYear, edition: 12, scope: those(WHOLE), listed }
    }
}

struct Scene {
    stage: Stage,
    asked: u8,
}

impl Scene {
    fn without(rule: Option<HostRule>) -> Self {
        Self::with_collusion(rule, 1, &[7])
    }

    fn with_collusion(rule: Option<HostRule>, collusion: usize, colluders: &[usize]) -> Self {
        let size = Size { suppliers: 7, collusion, min_suppliers: None, columns: 1, cells: 2 };
        let mut dice = Dice::new(3);
        let federation = Federation::new(&mut dice, size);
        let colluders = those(colluders.iter().copied()).into_iter().collect();
        let cast = Cast { colluders, floor: Some(1), ..Cast::default() };
        Self { stage: Stage::without_host_rule(federation, cast, rule, dice.fork()), asked: 0 }
    }

    /// Has this certified by all who are listed.
    fn certified(&mut self, asked: &Asked) -> Branch {
        self.asked += 1;
        let federation = &self.stage.federation;
        let least = federation.roster.select(&asked.scope).unwrap().least_participants();
        let query = federation.put(asked.question, edition_of(asked.edition), self.asked, &asked.scope, least);
        let id = self.stage.ask(&query).unwrap();
        self.certify(id, &asked.listed)
    }

    fn certify(&mut self, query: QueryId, listed: &[SupplierId]) -> Branch {
        let colludes = |name: &SupplierId| self.stage.cast.colluders.contains(name);
        let (puppets, honest): (Vec<_>, Vec<_>) = listed.iter().cloned().partition(colludes);
        let places: Vec<_> = honest.iter().map(|name| self.stage.join(query, Attempt::FIRST, name).unwrap()).collect();
        let mut branch = Branch::new(&mut self.stage, query, Attempt::FIRST, places, &puppets);
        branch.pair(&mut self.stage, &honest);
        branch.exchange(&mut self.stage, &honest);
        branch.certify(&mut self.stage, &honest);
        assert!(branch.is_certified());
        branch
    }

    /// Asks everybody for the final vote; yields why they refuse, or opens the total.
    fn open(&mut self, mut branch: Branch) -> Result<Branch, Shut> {
        let honest = self.stage.honest();
        let answers = branch.finalise(&mut self.stage, &honest);
        self.opened(branch, answers.into_iter().filter_map(|answer| answer.shut).collect())
    }

    fn opened(&mut self, mut branch: Branch, shut: Vec<Shut>) -> Result<Branch, Shut> {
        let members = branch.honest();
        let before = self.stage.wiretap.account.size();
        branch.open(&mut self.stage, &members);
        let opened = self.stage.wiretap.account.size() != before;
        match shut.into_iter().next() {
            Some(shut) if !opened => Err(shut),
            _ if opened => Ok(branch),
            _ => panic!("nobody refused, and nothing was opened"),
        }
    }

    fn ask(&mut self, asked: &Asked) -> Result<Branch, Shut> {
        let branch = self.certified(asked);
        self.open(branch)
    }

    fn gives_away(&self) -> Option<String> {
        self.stage.wiretap.account.violation().map(|violation| violation.to_string())
    }

    /// A final certificate without votes, for an attempt that never was.
    fn claim_another_final(&mut self, branch: &Branch) {
        let query = self.stage.log.index_of(&branch.query).unwrap();
        let participants = self.stage.log.entries().len() as u64;
        self.stage.log.push(Entry::Final(FinalEntry { query, participants, votes: Votes::new(Vec::new()) }));
    }

    /// A void certificate with the votes of these.
    fn claim_void(&mut self, branch: &Branch, voters: &[SupplierId]) {
        let query = self.stage.log.index_of(&branch.query).unwrap();
        let mut votes = Vec::new();
        for voter in voters {
            for message in self.stage.say(branch.query, voter, CoordinatorMessage::Void).messages {
                if let SupplierMessage::Void { vote } = message {
                    votes.push(Vote { supplier: vote.supplier, signature: vote.signature });
                }
            }
        }
        let (reason, votes) = (ReasonCode::try_from("operators-decided").unwrap(), Votes::new(votes));
        self.stage.log.push(Entry::Void(VoidEntry { query, reason, votes }));
    }
}

/// That the guard refuses, naming these.
fn refused(by: &Result<Branch, Shut>, given_away: &[SupplierId]) {
    match by {
        Err(Shut::Guard(GuardRefusal::Differencing(cause))) => assert_eq!(cause.part, given_away),
        other => panic!("{:?}", other.as_ref().err()),
    }
}

/// Opens the first; the second is refused by the guard, and without the rule gives supplier 4 away.
fn the_second_is_refused(rule: HostRule, first: &Asked, second: &Asked) {
    let mut scene = Scene::without(None);
    assert!(scene.ask(first).is_ok());
    refused(&scene.ask(second), &those([4]));
    assert_eq!(scene.gives_away(), None);

    let mut scene = Scene::without(Some(rule));
    assert!(scene.ask(first).is_ok());
    assert!(scene.ask(second).is_ok());
    assert!(scene.gives_away().unwrap().contains("supplier-004"));
}

#[test]
fn the_same_question_logged_twice_is_answered_twice() {
    let mut scene = Scene::without(None);
    for _ in 0..2 {
        assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
    }
    assert_eq!(scene.gives_away(), None);
}

#[test]
fn the_same_question_logged_twice_with_one_supplier_fewer() {
    the_second_is_refused(HostRule::Guard, &Asked::of(those(WHOLE)), &Asked::of(but(4)));
    the_second_is_refused(HostRule::Guard, &Asked::of(but(4)), &Asked::of(those(WHOLE)));
}

#[test]
fn the_same_question_with_one_supplier_fewer_by_another_scope() {
    let fewer = Asked { scope: but(4), ..Asked::of(but(4)) };
    the_second_is_refused(HostRule::ComparesScopes, &Asked::of(those(WHOLE)), &fewer);
}

#[test]
fn another_breakdown_with_one_supplier_fewer() {
    let by_sex = Asked { question: Question::VictimsBySex, ..Asked::of(but(4)) };
    the_second_is_refused(HostRule::ComparesQuestions, &Asked::of(those(WHOLE)), &by_sex);
}

#[test]
fn another_edition_with_one_supplier_fewer() {
    let earlier = Asked { edition: 6, ..Asked::of(but(4)) };
    the_second_is_refused(HostRule::ComparesQuestions, &Asked::of(those(WHOLE)), &earlier);
}

#[test]
fn a_part_of_the_period_with_one_supplier_fewer() {
    let of_2024 = Asked { question: Question::VictimsOf2024, ..Asked::of(but(4)) };
    the_second_is_refused(HostRule::Guard, &Asked::of(those(WHOLE)), &of_2024);
}

#[test]
fn another_dataset_or_period_with_one_supplier_fewer_gives_nobody_away() {
    let mut scene = Scene::without(None);
    let ask = |question, listed| Asked { question, ..Asked::of(listed) };
    assert!(scene.ask(&ask(Question::VictimsOf2023, those(WHOLE))).is_ok());
    assert!(scene.ask(&ask(Question::VictimsOf2024, but(4))).is_ok());
    assert!(scene.ask(&ask(Question::Suspects, but(5))).is_ok());
    assert_eq!(scene.gives_away(), None);
}

/// The halves by scopes of their own, so that hardly anybody has seen both.
fn halves() -> [Asked; 3] {
    let half =
        |listed: RangeInclusive<usize>| Asked { scope: those(listed.clone().chain([4])), ..Asked::of(those(listed)) };
    [half(NORTH), half(SOUTH), Asked::of(those(WHOLE))]
}

#[test]
fn north_south_and_then_the_whole() {
    for rule in [None, Some(HostRule::ReadsTheLog), Some(HostRule::Guard)] {
        let mut scene = Scene::without(rule);
        let [north, south, whole] = halves();
        assert!(scene.ask(&north).is_ok() && scene.ask(&south).is_ok());
        assert_eq!(scene.gives_away(), None);
        let last = scene.ask(&whole);
        if rule.is_none() {
            refused(&last, &those([4]));
        }
        assert_eq!(scene.gives_away().is_some(), rule.is_some(), "{rule:?}");
    }
}

#[test]
fn the_whole_and_then_its_halves() {
    let mut scene = Scene::without(None);
    let [north, south, whole] = halves();
    assert!(scene.ask(&whole).is_ok() && scene.ask(&north).is_ok());
    refused(&scene.ask(&south), &those([4]));
    assert_eq!(scene.gives_away(), None);
}

#[test]
fn sets_that_are_not_logged_are_not_made_final() {
    for rule in [None, Some(HostRule::ParticipantsLogged)] {
        let mut scene = Scene::without(rule);
        for listed in [those(WHOLE), but(4)] {
            let mut branch = scene.certified(&Asked::of(listed));
            let honest = scene.stage.honest();
            let answers = branch.finalise_unlogged(&mut scene.stage, &honest);
            let shut: Vec<_> = answers.into_iter().filter_map(|answer| answer.shut).collect();
            if rule.is_none() {
                assert_eq!(scene.opened(branch, shut).err(), Some(Shut::ParticipantsNotLogged));
            } else {
                assert!(scene.opened(branch, shut).is_ok());
            }
        }
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

/// Both are certified before either is logged, and logged before either is voted on.
#[test]
fn of_two_sets_under_way_at_once_the_one_logged_later_is_refused() {
    let mut scene = Scene::without(None);
    let (whole, fewer) = (scene.certified(&Asked::of(those(WHOLE))), scene.certified(&Asked::of(but(4))));
    whole.log(&mut scene.stage, &[]);
    fewer.log(&mut scene.stage, &[]);
    refused(&scene.open(fewer), &those([4]));
    assert!(scene.open(whole).is_ok());
    assert_eq!(scene.gives_away(), None);
}

/// Each half is asked a question of its own, which the other half never gets to see: the sets count all the same.
#[test]
fn sets_whose_questions_are_withheld_from_some_nodes_count_there_too() {
    for rule in [None, Some(HostRule::CountsUnreadable)] {
        let mut scene = Scene::without(rule);
        let [mut north, mut south, whole] = halves();
        north.question = Question::VictimsByBoth;
        south.question = Question::VictimsBySex;
        SOUTH.for_each(|number| scene.stage.log.withhold(north.question.hash(), &supplier(number)));
        NORTH.for_each(|number| scene.stage.log.withhold(south.question.hash(), &supplier(number)));
        assert!(scene.ask(&north).is_ok() && scene.ask(&south).is_ok());
        let last = scene.ask(&whole);
        if rule.is_none() {
            refused(&last, &those([4]));
        }
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

#[test]
fn a_question_that_a_node_cannot_read_gets_no_vote_from_it() {
    let mut scene = Scene::without(None);
    WHOLE.for_each(|number| scene.stage.log.withhold(Question::VictimsByYear.hash(), &supplier(number)));
    let unread = scene.ask(&Asked::of(those(WHOLE)));
    assert!(matches!(unread, Err(Shut::Guard(GuardRefusal::Unreadable))));
}

#[test]
fn a_set_without_a_final_certificate_counts() {
    the_second_is_refused(HostRule::CountsUnfinished, &Asked::of(those(WHOLE)), &Asked::of(but(4)));
}

#[test]
fn a_void_certificate_without_a_quorum_makes_nothing_forgotten() {
    for rule in [None, Some(HostRule::ProvedCertificates)] {
        let mut scene = Scene::without(rule);
        let first = scene.ask(&Asked::of(those(WHOLE))).unwrap_or_else(|shut| panic!("{shut:?}"));
        scene.claim_void(&first, &scene.stage.honest());
        assert_eq!(scene.ask(&Asked::of(but(4))).is_ok(), rule.is_some());
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

#[test]
fn a_final_certificate_for_an_attempt_that_never_was_makes_nothing_forgotten() {
    for rule in [None, Some(HostRule::ProvedCertificates)] {
        let mut scene = Scene::without(rule);
        let first = scene.ask(&Asked::of(those(WHOLE))).unwrap_or_else(|shut| panic!("{shut:?}"));
        scene.claim_another_final(&first);
        assert_eq!(scene.ask(&Asked::of(but(4))).is_ok(), rule.is_some());
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

/// What was opened is logged once more, without supplier 4 or with it, and the real votes are pointed at that: then the set
/// that those names stand for would be the one that the guard remembers.
#[test]
fn real_votes_pointed_at_other_names_make_nothing_forgotten() {
    for rule in [None, Some(HostRule::VotedNames)] {
        for (first, second) in [(those(WHOLE), but(4)), (but(4), those(WHOLE))] {
            let mut scene = Scene::without(rule);
            let opened = scene.ask(&Asked::of(first)).unwrap_or_else(|shut| panic!("{shut:?}"));
            opened.log_final_under(&mut scene.stage, &second);
            let last = scene.ask(&Asked::of(second));
            if rule.is_none() {
                refused(&last, &those([4]));
            }
            assert_eq!(scene.gives_away().is_some(), rule.is_some());
        }
    }
}

#[test]
fn a_query_that_a_quorum_declared_void_is_left_out() {
    let mut scene = Scene::without(None);
    let first = scene.certified(&Asked::of(those(WHOLE)));
    first.log(&mut scene.stage, &[]);
    scene.claim_void(&first, &scene.stage.honest());
    assert!(scene.ask(&Asked::of(but(4))).is_ok());
    // And nobody makes it final any more.
    let mut first = first;
    let honest = scene.stage.honest();
    let answers = first.finalise(&mut scene.stage, &honest);
    let votes = answers.iter().flat_map(|answer| &answer.messages);
    assert!(!votes.into_iter().any(|message| matches!(message, SupplierMessage::Final { .. })));
    assert_eq!(scene.gives_away(), None);
}

#[test]
fn a_supplier_that_waives_for_itself_lets_it_pass() {
    let mut scene = Scene::without(None);
    scene.stage.waive(&supplier(4));
    assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
    assert!(scene.ask(&Asked::of(but(4))).is_ok());
    // Its own figure may become known, and that of nobody else.
    assert_eq!(scene.gives_away(), None);
    refused(&scene.ask(&Asked::of(but(5))), &those([5]));
}

#[test]
fn a_waiver_in_another_suppliers_name_waives_nothing() {
    for rule in [None, Some(HostRule::SignedWaivers)] {
        let mut scene = Scene::without(rule);
        let colluder = scene.stage.federation.keys[&supplier(7)].clone();
        scene.stage.log.agreement(&supplier(4), true, &colluder);
        assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
        assert_eq!(scene.ask(&Asked::of(but(4))).is_ok(), rule.is_some());
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

#[test]
fn a_waiver_that_was_withdrawn_is_not_brought_back_by_logging_it_again() {
    let mut scene = Scene::without(None);
    let own = scene.stage.federation.keys[&supplier(4)].clone();
    let waived = scene.stage.log.agreement(&supplier(4), true, &own);
    scene.stage.log.agreement(&supplier(4), false, &own);
    let again = scene.stage.log.entries()[usize::try_from(waived).unwrap()].clone();
    scene.stage.log.push(again);
    assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
    refused(&scene.ask(&Asked::of(but(4))), &those([4]));
}

/// Two colluders were allowed for when the whole was asked. One has left since, and the roster allows for one; but what
/// both told the coordinator of that first total is not forgotten.
#[test]
fn a_change_of_roster_does_not_make_the_parts_smaller() {
    for rule in [None, Some(HostRule::LargestCollusion)] {
        let mut scene = Scene::with_collusion(rule, 2, &[6, 7]);
        assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
        scene.stage.change_roster(&those([6]), 1);
        let last = scene.ask(&Asked { scope: but(6), ..Asked::of(those([1, 2, 3, 5])) });
        if rule.is_none() {
            refused(&last, &those([4, 6, 7]));
        }
        assert_eq!(scene.gives_away().is_some(), rule.is_some());
    }
}

#[test]
fn a_change_of_roster_makes_nothing_forgotten() {
    let mut scene = Scene::without(None);
    assert!(scene.ask(&Asked::of(those(WHOLE))).is_ok());
    scene.stage.change_roster(&[], 2);
    refused(&scene.ask(&Asked::of(but(4))), &those([4]));
}

#[test]
fn a_question_that_is_not_logged_is_not_answered() {
    for rule in [None, Some(HostRule::QueryLogged)] {
        let mut scene = Scene::without(rule);
        let query = scene.stage.federation.put(Question::Suspects, edition_of(12), 1, &those(WHOLE), 3);
        let id = scene.stage.ask_unlogged(&query).unwrap();
        let joined = scene.stage.join(id, Attempt::FIRST, &supplier(1));
        assert_eq!(joined.is_some(), rule.is_some());
        assert_eq!(scene.stage.wiretap.broken_promises().is_empty(), rule.is_none());
    }
}
