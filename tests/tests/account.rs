//! The random adversary against the account: with all rules it never learns a sum that it must not know; with a rule
//! taken away it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};

use optelsom_secagg::Rule;
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
    finds_nothing("with_all_rules_no_run_finds_anything", 800, |seed| search::run(seed, None));
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

/// The rules of a node that random runs are to miss. The others guard the truth of a total: see `truth.rs`.
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
    unfound.retain(|(rule, shows)| !finds(test, 300, rule, *shows, |seed| search::run(seed, Some(*rule))));
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
