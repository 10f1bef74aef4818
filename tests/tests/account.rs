//! The random adversary against the account: with all rules it never learns a sum that it must not know; with a rule
//! taken away it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use optelsom_tests::adversary::search;
use optelsom_tests::seeds::run_seeds;

#[test]
fn with_all_rules_no_run_finds_anything() {
    let findings = run_seeds("account", "with_all_rules_no_run_finds_anything", 1500, |seed| {
        let finding = search::run(seed, None);
        match (&finding.secrecy, finding.broken.as_slice()) {
            (Some(violation), _) => Err(format!("the adversary can compute {violation}")),
            (None, []) => Ok(finding),
            (None, broken) => Err(format!("an honest supplier {}", broken.join(", "))),
        }
    });
    let opened = findings.values().filter(|finding| finding.opened).count();
    println!("{} runs, {opened} with a total opened, no violation", findings.len());
    assert!(findings.len() < 500 || opened * 20 > findings.len(), "only {opened} runs opened anything: too tame a search");
}
