//! The random adversary against the account: with all rules it never learns a sum that it must not know; with a rule
//! taken away it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use optelsom_secagg::Rule;
use optelsom_tests::adversary::search;
use optelsom_tests::seeds::run_seeds;

#[test]
fn with_all_rules_no_run_finds_anything() {
    let findings = run_seeds("account", "with_all_rules_no_run_finds_anything", 1200, |seed| {
        let finding = search::run(seed, None);
        match (&finding.secrecy, finding.broken.as_slice()) {
            (Some(violation), _) => Err(format!("the adversary can compute {violation}")),
            (None, []) => Ok(finding),
            (None, broken) => Err(format!("an honest supplier {}", broken.join(", "))),
        }
    });
    let opened = findings.values().filter(|finding| finding.opened).count();
    println!("{} runs, {opened} with a total opened, no violation", findings.len());
    assert!(
        findings.len() < 500 || opened * 20 > findings.len(),
        "only {opened} runs opened anything: too tame a search"
    );
}

/// By what the lack of a rule shows.
#[derive(Clone, Copy, PartialEq, Eq)]
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

#[test]
fn without_a_rule_the_search_finds_what_it_prevents() {
    println!("{:30} {:>6} {:>9} {:>9}", "rule taken away", "runs", "secrecy", "promises");
    let mut unfound = Vec::new();
    for (rule, shows) in RULES {
        let findings = run_seeds("account", "without_a_rule_the_search_finds_what_it_prevents", 300, |seed| {
            Ok(search::run(seed, Some(rule)))
        });
        let secrecy = findings.values().filter(|finding| finding.secrecy.is_some()).count();
        let promises = findings.values().filter(|finding| !finding.broken.is_empty()).count();
        println!("{:30} {:>6} {secrecy:>9} {promises:>9}", format!("{rule:?}"), findings.len());
        let found = if shows == Shows::Secrecy { secrecy } else { secrecy + promises };
        if found == 0 {
            unfound.push(rule);
        }
    }
    assert!(unfound.is_empty(), "taken away, and no run found anything: {unfound:?}");
}
