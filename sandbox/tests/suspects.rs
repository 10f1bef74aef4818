//! Suspects by stage and outcome, of those suppliers that hold any: enough for a sum, and exact.
#![allow(clippy::unwrap_used, clippy::panic)]

use optelsom_codebook::EditionId;
use optelsom_disclosure::CellValue;
use optelsom_sandbox::data::suspects::{by_stage_and_outcome, suspects};
use optelsom_sandbox::federation::{Federation, Folder, Listening, SEED, generate};
use optelsom_sandbox::session::{Session, now};

const QUESTION: &str = "SELECT stage, outcome, COUNT(*), AVG(sentence_days) FROM suspects \
                        WHERE year BETWEEN 2015 AND 2024 GROUP BY stage, outcome";

#[tokio::test(flavor = "multi_thread")]
async fn stage_and_outcome_can_be_asked_and_are_exact() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(&place.path().join("federation")).unwrap();
    generate(&folder, &[]).await.unwrap();
    let auditor = folder.auditor().join("auditor-here.toml");
    let federation = Federation::start(folder, Listening::AnyPort, now().unwrap()).await.unwrap();
    let holders = federation.announce("suspects", &EditionId::try_from("2024-12").unwrap()).await.unwrap();
    assert_eq!(holders, 4);
    let mut session = Session::open(&federation.analyst().unwrap()).await.unwrap();
    // On a port that nobody configured the auditor is told where, too.
    let told = std::fs::read_to_string(auditor).unwrap();
    assert!(told.contains(&federation.address().to_string()), "{told}");
    let asking = session.prepare(QUESTION, "monitor").await.unwrap();
    let release = session.ask(&asking, |_| ()).await.unwrap();
    assert_eq!(release.suppliers_taking_part().len(), 4);
    let asked: Vec<_> = suspects(SEED).into_iter().filter(|suspect| suspect.year >= 2015).collect();
    let truth = by_stage_and_outcome(&asked);
    let mut shown = 0;
    for row in release.table().rows() {
        let codes: Vec<&str> = release.table().places(row).flatten().map(|place| place.code.as_str()).collect();
        let [stage, outcome] = codes[..] else { panic!("{codes:?}") };
        if let CellValue::Shown(value) = row.figures()[0] {
            let count = truth.iter().find(|((s, o), _)| (*s, *o) == (stage, outcome)).map_or(0, |(_, count)| *count);
            assert_eq!(value.to_string(), count.to_string(), "{stage}, {outcome}");
            shown += 1;
        }
    }
    assert!(shown >= 5, "only {shown} cells are shown");
    federation.stop().await;
}
