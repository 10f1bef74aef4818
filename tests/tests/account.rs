//! The random adversary against the account: with all rules it never learns a sum that it must not know; with a rule
//! taken away it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use optelsom_secagg::{Rule, Rules};
use optelsom_tests::adversary::purposeful::{self, Voided};
use optelsom_tests::adversary::search::Finding;
use optelsom_tests::adversary::{campaign, search};
use optelsom_tests::seeds::run_seeds;
use optelsom_tests::world::gatekeeper::HostRule;

/// As many runs as this find nothing where all rules are whole, and open enough for that to mean something.
fn finds_nothing(test: &str, runs: u64, run: impl Fn(u64) -> Finding + Sync) {
    let findings = run_seeds("account", test, runs, |seed| {
        let finding = run(seed);
        match (&finding.secrecy, finding.broken.as_slice()) {
            (Some(violation), _) => Err(format!("the adversary can compute {violation}")),
            (None, []) => Ok(finding),
            (None, broken) => Err(format!("an honest supplier {}", broken.join(", "))),
        }
    });
    let opened = findings.values().filter(|finding| finding.opened).count();
    println!("{} runs, {opened} with enough opened, no violation", findings.len());
    assert!(
        findings.len() < 100 || opened * 20 > findings.len(),
        "only {opened} runs opened enough: too tame a search"
    );
}

#[test]
fn with_all_rules_no_run_finds_anything() {
    finds_nothing("with_all_rules_no_run_finds_anything", 800, |seed| search::run(seed, Rules::all()));
}

#[test]
fn with_all_rules_no_run_over_several_queries_finds_anything() {
    let test = "with_all_rules_no_run_over_several_queries_finds_anything";
    finds_nothing(test, 300, |seed| campaign::run(seed, None));
}

/// By what the lack of a rule shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// The adversary computes a sum over a part of the honest suppliers.
    Secrecy,
    /// An honest supplier breaks a promise; other rules still stand between that and a secret.
    Promise,
}

/// The rules of a node that random runs are to miss. Where they show a promise alone, other rules still keep the secret:
///
/// - few participants ([`Rule::ScopeSize`], [`Rule::LeastParticipants`]): [`Rule::AcceptedPeers`] and the guard; without all
///   three a total of one supplier is opened, see below;
/// - void and final at once ([`Rule::VoidExcludesFinal`], [`Rule::FinalExcludesVoid`]): nothing within one query; over several
///   the guard forgets what was opened, see below. [`Rule::VoidExcludesOpening`] stands behind these two;
/// - several joins, lists or submissions under one number, and certificates of other submissions or not of all
///   ([`Rule::JoinsOncePerAttempt`], [`Rule::OneParticipantListPerAttempt`], [`Rule::SubmitsOncePerAttempt`],
///   [`Rule::DigestsAsSent`], [`Rule::CertificateOfAll`], [`Rule::ParticipantsIncludeSelf`]): pairwise masks are bound to the
///   list, so that of differing views no masks cancel, and one self-mask is opened at most ([`Rule::OneFinalPerQuery`],
///   [`Rule::OpenOnlyThatAttempt`]);
/// - other ground ([`Rule::SameCheckpointAndEdition`]): what is summed is another edition's, and nobody's alone.
const RULES: [(Rule, Shows); 22] = [
    (Rule::ScopeSize, Shows::Promise),
    (Rule::CollusionFloor, Shows::Secrecy),
    (Rule::AcceptedPeers, Shows::Secrecy),
    (Rule::JoinsOncePerAttempt, Shows::Promise),
    (Rule::FreshKeysPerAttempt, Shows::Secrecy),
    (Rule::ParticipantsIncludeSelf, Shows::Promise),
    (Rule::LeastParticipants, Shows::Promise),
    (Rule::OneParticipantListPerAttempt, Shows::Promise),
    (Rule::SameCheckpointAndEdition, Shows::Promise),
    (Rule::KeyPerStream, Shows::Secrecy),
    (Rule::SubmitsOncePerAttempt, Shows::Promise),
    (Rule::DigestsAsSent, Shows::Promise),
    (Rule::CertificateOfAll, Shows::Promise),
    (Rule::OneFinalPerQuery, Shows::Secrecy),
    (Rule::VoidExcludesFinal, Shows::Promise),
    (Rule::FinalExcludesVoid, Shows::Promise),
    (Rule::VoidExcludesOpening, Shows::Promise),
    (Rule::OpenOnlyWithFinalCertificate, Shows::Secrecy),
    (Rule::Quorum, Shows::Secrecy),
    (Rule::OpenOnlyThatAttempt, Shows::Secrecy),
    (Rule::Signatures, Shows::Secrecy),
    (Rule::RoundInSignatures, Shows::Secrecy),
];

/// The rules that guard the truth of a total, or that a round can end: `truth.rs` takes each of them away.
const OF_TRUTH: [Rule; 4] = [Rule::Bound, Rule::ShareCommitments, Rule::SelfMaskCommitments, Rule::CommitmentCheck];

/// A new rule is tried without here or there, or this fails.
#[test]
fn every_rule_is_taken_away_in_some_test() {
    let declared = include_str!("../../core/secagg/src/rules.rs").split("pub enum Rule {").nth(1).unwrap();
    let declared = declared.split('}').next().unwrap().lines().map(str::trim);
    let declared: BTreeSet<_> =
        declared.filter(|line| line.ends_with(',')).map(|line| line.trim_end_matches(',').to_owned()).collect();
    let named = |rules: &[Rule]| rules.iter().map(|rule| format!("{rule:?}")).collect::<BTreeSet<_>>();
    assert_eq!(named(&Rule::ALL), declared, "`Rule::ALL` is not all of them");
    let searched: Vec<_> = RULES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(named(&[&searched[..], &OF_TRUTH].concat()), declared, "a rule that no test takes away");
    for rule in OF_TRUTH {
        assert!(include_str!("truth.rs").contains(&format!("Rules::without(Rule::{rule:?})")), "{rule:?}");
    }
}

#[test]
fn without_three_rules_that_back_each_other_up_a_total_of_one_honest_supplier_is_opened() {
    let (least, accepted) = (Rules::without(Rule::LeastParticipants), Rules::without(Rule::AcceptedPeers));
    let neither = least.and_without(Rule::AcceptedPeers);
    for (rules, host_rule) in [
        (Rules::all(), None),
        (least, Some(HostRule::Guard)),
        (accepted, Some(HostRule::Guard)),
        (neither, None),
        (Rules::all(), Some(HostRule::Guard)),
    ] {
        let finding = purposeful::alone(rules, host_rule);
        assert_eq!((finding.secrecy, finding.opened), (None, false), "{rules:?} {host_rule:?}");
    }
    let secret = purposeful::alone(neither, Some(HostRule::Guard)).secrecy;
    assert!(secret.is_some_and(|secret| secret.contains("supplier-001")));
}

#[test]
fn without_the_rules_between_void_and_final_the_guard_forgets_what_was_opened() {
    for (rule, voided) in [(Rule::VoidExcludesFinal, Voided::First), (Rule::FinalExcludesVoid, Voided::Last)] {
        for other in [Rule::VoidExcludesOpening, rule] {
            let finding = purposeful::forgotten(Rules::without(other), voided);
            assert_eq!(finding.secrecy.is_some(), other == rule, "without {other:?}, void {voided:?}: {finding:?}");
        }
        assert_eq!(purposeful::forgotten(Rules::all(), voided).secrecy, None);
    }
}

impl Shows {
    fn is_in(self, finding: &Finding) -> bool {
        finding.secrecy.is_some() || (self == Self::Promise && !finding.broken.is_empty())
    }
}

/// When a rule is missed often enough, unless more runs are asked for by `OPTELSOM_SEEDS`.
const ENOUGH: usize = 8;

/// Prints what the runs without a rule found; false if it was not what it should be.
fn finds<R: std::fmt::Debug>(
    test: &str,
    runs: u64,
    rule: R,
    shows: Shows,
    run: impl Fn(u64) -> Finding + Sync,
) -> bool {
    let found = AtomicUsize::new(0);
    let most = if std::env::var_os("OPTELSOM_SEEDS").is_some() { usize::MAX } else { ENOUGH };
    let findings = run_seeds("account", test, runs, |seed| {
        if found.load(Ordering::Relaxed) >= most {
            return Ok(None);
        }
        let finding = run(seed);
        found.fetch_add(usize::from(shows.is_in(&finding)), Ordering::Relaxed);
        Ok(Some(finding))
    });
    let findings: Vec<_> = findings.into_values().flatten().collect();
    let secrecy = findings.iter().filter(|finding| finding.secrecy.is_some()).count();
    let promises = findings.iter().filter(|finding| !finding.broken.is_empty()).count();
    println!("{:30} {:>6} {secrecy:>9} {promises:>9}", format!("{rule:?}"), findings.len());
    found.into_inner() > 0
}

#[test]
fn without_a_rule_the_search_finds_what_it_prevents() {
    let test = "without_a_rule_the_search_finds_what_it_prevents";
    println!("{:30} {:>6} {:>9} {:>9}", "rule taken away", "runs", "secrecy", "promises");
    let mut unfound = RULES.to_vec();
    unfound.retain(|(rule, shows)| !finds(test, 300, rule, *shows, |seed| search::run(seed, Rules::without(*rule))));
    assert!(unfound.is_empty(), "taken away, and no run found anything: {unfound:?}");
}

#[test]
fn without_a_rule_of_the_hosts_several_queries_find_what_it_prevents() {
    let test = "without_a_rule_of_the_hosts_several_queries_find_what_it_prevents";
    println!("{:30} {:>6} {:>9} {:>9}", "rule taken away", "runs", "secrecy", "promises");
    let mut unfound = HostRule::ALL.to_vec();
    unfound.retain(|rule| {
        // That a question is logged is what the other rules go by; by itself it is a promise.
        let shows = if *rule == HostRule::QueryLogged { Shows::Promise } else { Shows::Secrecy };
        !finds(test, 200, rule, shows, |seed| campaign::run(seed, Some(*rule)))
    });
    assert!(unfound.is_empty(), "taken away, and no run found anything: {unfound:?}");
}
