//! Where everybody goes by two persons, a question waits for the second one, who signs for exactly what was asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod federation;

use federation::node::TestNode;
use federation::{Federation, SUPPLIERS, follow, identity, trust};
use optelsom_ledger::Trust;
use optelsom_ledger::entry::{Approval, ApprovalRule};
use optelsom_proto::v1;
use optelsom_proto::v1::analyst_service_client::AnalystServiceClient;
use optelsom_proto::v1::query_event::Event;
use tonic::Code;
use tonic::transport::Channel;

const QUESTION: &str = "SELECT sex, COUNT(*) FROM victims GROUP BY sex";

async fn analyst(
    federation: &Federation,
    running: &optelsom_coordinator::Running,
    name: &str,
) -> AnalystServiceClient<Channel> {
    let role = format!("optelsom:analyst:{name}");
    AnalystServiceClient::new(federation.connect(running, &role).await.channel)
}

#[tokio::test]
async fn a_question_waits_for_a_second_person_and_for_nobody_else() {
    let federation = Federation::new();
    let two = Trust::new(trust().log().clone(), trust().committee().clone(), ApprovalRule::TwoPersons);
    std::fs::write(federation.path().join("trust.toml"), two.to_toml()).unwrap();
    let running = std::sync::Arc::new(federation.start().await);
    federation.announce(&running).await;
    for name in SUPPLIERS {
        let node = TestNode::new(name, &[20, 30], federation.credentials(&format!("optelsom:node:{name}")));
        let running = std::sync::Arc::clone(&running);
        tokio::spawn(async move { node.run(&running).await });
    }
    let (mut first, mut second) =
        (analyst(&federation, &running, "analyst-1").await, analyst(&federation, &running, "analyst-2").await);
    let asked = federation.question(QUESTION, 1);
    let id = asked.query().entry.id();
    let mut events = first.ask(v1::AskRequest::from(&asked)).await.unwrap().into_inner();
    loop {
        let Some(Event::Progress(progress)) = events.message().await.unwrap().unwrap().event else { continue };
        assert_eq!(progress.stage(), v1::Stage::WaitingForApproval);
        break;
    }
    // Whoever asked sees nothing to approve; the other sees the very bytes.
    assert!(first.pending(v1::PendingRequest {}).await.unwrap().into_inner().queries.is_empty());
    let waiting = second.pending(v1::PendingRequest {}).await.unwrap().into_inner().queries;
    assert_eq!(waiting, [v1::AskRequest::from(&asked)]);
    let approve =
        |approval: Approval| v1::ApproveRequest { query: id.as_bytes().to_vec(), approval: Some((&approval).into()) };
    let own = Approval::sign(&identity("analyst-1"), "analyst-1", &id);
    assert_eq!(first.approve(approve(own)).await.unwrap_err().code(), Code::PermissionDenied);
    let other = federation.question(QUESTION, 2).query().entry.id();
    let for_other_bytes = Approval::sign(&identity("analyst-2"), "analyst-2", &other);
    assert_eq!(second.approve(approve(for_other_bytes)).await.unwrap_err().code(), Code::PermissionDenied);
    let in_anothers_name = Approval::sign(&identity("analyst-1"), "analyst-2", &id);
    assert_eq!(second.approve(approve(in_anothers_name)).await.unwrap_err().code(), Code::PermissionDenied);
    let right = Approval::sign(&identity("analyst-2"), "analyst-2", &id);
    second.approve(approve(right.clone())).await.unwrap();
    let end = follow(&mut events).await.unwrap();
    assert_eq!(end.outcome, v1::Outcome::Opened, "{}", end.reason);
    let again = second.approve(approve(right)).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
}
