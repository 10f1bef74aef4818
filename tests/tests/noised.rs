//! Questions that ask for noise, over real processes: asked, released, verified offline, charged once whoever is killed, and
//! refused beyond the budget.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod processes_federation;

use std::fs;
use std::path::Path;
use std::process::Command;

use optelsom_disclosure::{CellValue, Release};
use optelsom_tests::daemons::binary;
use processes_federation::{Federation, SUPPLIERS, ends_with, run, said, truth};

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";
/// Every supplier's.
const BUDGET: &str = "privacy_budget = 0.502\n";

/// A federation in which every supplier has a budget, and an analyst with a configuration.
async fn with_budgets() -> Federation {
    let mut federation = Federation::start();
    for name in SUPPLIERS {
        let agreement = federation.folder().join(format!("{name}.agreement.toml"));
        let text = fs::read_to_string(&agreement).unwrap();
        fs::write(&agreement, text + BUDGET).unwrap();
        federation.kill_and_restart(name);
    }
    federation.announce().await;
    federation.write_analyst();
    federation
}

fn figures(folder: &Path, bundle: &str) -> Vec<i64> {
    let release = Release::from_json(&fs::read(folder.join(bundle).join("release.json")).unwrap()).unwrap();
    assert!(release.is_noised());
    let figure = |cell: &CellValue| match cell {
        CellValue::Noised(estimate) => i64::try_from(estimate.value().scaled()).unwrap(),
        other => panic!("{other:?} has no noise"),
    };
    release.table().rows().iter().flat_map(|row| row.figures()).map(figure).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_noised_question_from_asking_to_the_audit_and_no_further_than_the_budget() {
    let mut federation = with_budgets().await;
    let folder = federation.folder().to_owned();
    let cli = |arguments: &[&str]| run(&folder, "optelsom", &[&["--config", "analyst.toml"], arguments].concat());
    let budget = |name: &str| {
        ends_with(0, &run(&folder, "optelsom-node", &["--configuration", &format!("{name}.toml"), "budget"]))
    };

    let explained = ends_with(0, &cli(&["explain", "--epsilon", "0.002", QUESTION]));
    assert!(explained.contains("do not stand in its way") && !explained.contains("No earlier release"), "{explained}");
    for told in
        ["ε = 0.002", "Δ = 1:", "standard deviation 790.5", "the shares of 4 suffice", "SETTINGS epsilon = 0.002"]
    {
        assert!(explained.contains(told), "{told} is not in\n{explained}");
    }
    assert!(budget("police").contains("ε 0.000 spent of 0.502, 0.502 left"), "{}", budget("police"));

    let asked = ends_with(0, &cli(&["query", "--epsilon", "0.002", QUESTION, "-o", "bundle/"]));
    assert!(asked.contains("ε = 0.002") && asked.contains("This release holds"), "{asked}");
    let off: Vec<i64> = figures(&folder, "bundle")
        .into_iter()
        .zip(truth())
        .map(|(figure, truth)| figure - truth.parse::<i64>().unwrap())
        .collect();
    // Fifty standard deviations; and noise there is, but once in a million runs.
    assert!(off.iter().all(|off| off.abs() < 40_000) && off.iter().any(|off| *off != 0), "{off:?}");
    ends_with(0, &run(&folder, "optelsom", &["verify", "bundle", "--trust", "trust.toml", "--roster", "roster.toml"]));
    for name in SUPPLIERS {
        assert!(budget(name).contains("ε 0.002 spent of 0.502, 0.500 left"), "{name}: {}", budget(name));
    }

    // The same question is another answer; what is killed on the way charges it once.
    let child = Command::new(binary("optelsom"))
        .current_dir(&folder)
        .args([
            "--config",
            "analyst.toml",
            "query",
            "--epsilon",
            "0.25",
            QUESTION,
            "--format",
            "csv",
            "-o",
            "table.csv",
        ])
        .spawn()
        .unwrap();
    federation.kill_and_restart("police");
    federation.kill_and_restart("youth");
    let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    assert!(output.status.success(), "{}\n{}", said(&output), federation.logs());
    let csv = fs::read_to_string(folder.join("table.csv")).unwrap();
    assert!(csv.contains("count,count lower,count upper,count status") && csv.contains("noised"), "{csv}");
    for name in SUPPLIERS {
        assert!(budget(name).contains("ε 0.252 spent of 0.502, 0.250 left"), "{name}: {}", budget(name));
    }

    // Beyond the budget, also after a restart; the last thousandth can be had.
    federation.kill_and_restart("labour");
    let refused = said(&cli(&["query", "--epsilon", "0.251", QUESTION]));
    assert!(refused.contains("budget for answers with noise is spent"), "{refused}");
    ends_with(0, &cli(&["query", "--epsilon", "0.25", QUESTION]));
    let refused = said(&cli(&["query", "--epsilon", "0.001", QUESTION]));
    assert!(refused.contains("budget for answers with noise is spent"), "{refused}");

    // Exact tables are what they were.
    let exact = ends_with(0, &cli(&["query", QUESTION]));
    assert!(truth().iter().all(|figure| exact.contains(figure)), "{exact}");
    ends_with(0, &cli(&["audit", "export", "-o", "export"]));
    ends_with(0, &cli(&["audit", "verify", "export"]));
    let report = ends_with(0, &cli(&["audit", "report", "export"]));
    assert!(report.contains("with noise in place of hiding, ε = 0.002"), "{report}");
}
