//! The whole disclosure policy travels to real node daemons: each compares every rule with its own agreement.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ledger_federation;

use ledger_federation::log::Log;
use ledger_federation::{MINIMUM_FREQUENCY, STRICT, SUPPLIERS, World, policy};
use optelsom_disclosure::Policy;
use optelsom_ledger::entry::ApprovalRule;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_only_what_promises_each_rule_of_its_agreement() {
    let mut world = World::new(ApprovalRule::OnePerson).await;
    let least = Policy::new("victims", MINIMUM_FREQUENCY).unwrap();
    let promised = |suppliers, base| least.clone().with(suppliers, None, Some(base)).unwrap();
    let other = Policy::new("suspects", MINIMUM_FREQUENCY).unwrap().with(3, None, Some(5)).unwrap();
    let uncounted = least.clone().with(3, Some(50), Some(5)).unwrap();
    // Promised by the entry, sent beside it, and whether the strict supplier and the others answer.
    let (strict, few) = (policy().canonical_bytes(), vec![0; 8]);
    let rows: Vec<(Policy, Vec<u8>, bool, bool)> = vec![
        (least.clone(), least.canonical_bytes(), false, true),
        (promised(3, 1), promised(3, 1).canonical_bytes(), false, true),
        (promised(2, 5), promised(2, 5).canonical_bytes(), false, true),
        (policy(), strict.clone(), true, true),
        (promised(4, 6), promised(4, 6).canonical_bytes(), true, true),
        // The entry promises less than what is sent, or what is sent is none, another dataset's, or cannot be kept.
        (least.clone(), strict.clone(), false, false),
        (policy(), few, false, false),
        (other.clone(), other.canonical_bytes(), false, false),
        (uncounted.clone(), uncounted.canonical_bytes(), false, false),
    ];
    let mut log = Log::begun(&world.roster);
    let mut questions = Vec::new();
    for (nonce, (promised, ..)) in (1..).zip(&rows) {
        let asked = world.question_with(nonce, |entry| entry.disclosure_policy = promised.hash());
        questions.push((log.query(&asked), asked));
    }
    for name in [STRICT, "police"] {
        let mut node = world.node(name).await;
        node.update(log.update(0)).await;
        for ((index, asked), (promised, sent, by_strict, by_others)) in questions.iter().zip(&rows) {
            let refused = node.refusal(asked, log.evidence(*index, &SUPPLIERS), sent.clone()).await;
            let answers = if name == STRICT { *by_strict } else { *by_others };
            assert_eq!(refused.as_deref(), (!answers).then_some("policy"), "{name}: {promised:?}");
        }
    }
}
