//! Whether the agreement lets a question be counted: its number a day, and a person's approval where one is wanted.

use std::time::Duration;

use optelsom_codebook::{Admission, Admitted, Agreement, Plan, ProtectionRules, QueryId, Request, Timestamp};
use optelsom_ledger::QueryEntry;
use tokio::sync::Mutex;

use super::clock;
use super::desk::CountError;
use super::store::{Decision, Store};

/// How often a waiting query looks whether a person has decided.
const DECISION_INTERVAL: Duration = Duration::from_secs(1);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A question that the agreement is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) query: QueryId,
    pub(super) entry: &'a QueryEntry,
    pub(super) plan: &'a Plan,
    /// What the entry promises, together with the codebook's.
    pub(super) rules: ProtectionRules,
}

/// Admits questions, one at a time.
#[derive(Debug)]
pub(super) struct Admissions {
    store: Store,
    now: fn() -> Timestamp,
    interval: Duration,
    /// Held from counting the day's questions until the next one is noted: else all that come at once would see the same
    /// number.
    turn: Mutex<()>,
}

impl Admissions {
    pub(super) fn new(store: Store) -> Self {
        Self { store, now: clock::now, interval: DECISION_INTERVAL, turn: Mutex::new(()) }
    }

    /// Admits a question and counts it among the day's, once a person has approved it where the agreement wants that.
    pub(super) async fn admit(&self, agreement: &Agreement, asked: &Asked<'_>) -> Result<Admitted, CountError> {
        loop {
            if let Some(admitted) = self.judge(agreement, asked).await? {
                return Ok(admitted);
            }
            // Days may pass here, in which the agreement ends or others take the day's places: so it is judged once more.
            self.wait_for_decision(&asked.query, asked.entry.expires_at).await?;
        }
    }

    /// None where a person has still to approve it; it has no place among the day's questions then.
    async fn judge(&self, agreement: &Agreement, asked: &Asked<'_>) -> Result<Option<Admitted>, CountError> {
        let Asked { query, entry, plan, rules } = asked;
        let _turn = self.turn.lock().await;
        let now = (self.now)();
        let midnight = Timestamp::from_millis(now.as_millis() / DAY_MS * DAY_MS);
        let request = Request {
            plan,
            purpose: &entry.purpose,
            now,
            min_suppliers: usize::try_from(entry.min_suppliers).unwrap_or(usize::MAX),
            rules: *rules,
            queries_today: self.store.admitted_since(&entry.dataset, midnight, query).await?,
        };
        let admitted = match agreement.admit(&request).map_err(CountError::Agreement)? {
            Admission::Admitted(admitted) => admitted,
            Admission::NeedsApproval(pending) => match self.store.decision(query).await? {
                Some(Decision::Approved) => pending.approve(),
                _ => return Ok(None),
            },
        };
        self.store.note_admitted(query, now).await?;
        Ok(Some(admitted))
    }

    async fn wait_for_decision(&self, query: &QueryId, expires_at: Timestamp) -> Result<(), CountError> {
        self.store.await_decision(query).await?;
        let mut told = false;
        loop {
            match self.store.decision(query).await? {
                Some(Decision::Approved) => return Ok(()),
                Some(Decision::Denied) => return Err(CountError::Denied),
                Some(Decision::Over) | None => return Err(CountError::Over),
                Some(Decision::Waiting) => {}
            }
            let now = (self.now)();
            if now >= expires_at {
                // Read again rather than taken for granted: a person may have decided in this very moment.
                self.store.stop_waiting(query, now).await?;
                continue;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(
                    query = %query.short(), until = %expires_at,
                    "waits for a person: optelsom-node approve {0} or optelsom-node deny {0}", query.short()
                );
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use optelsom_codebook::{Codebook, Hash256, Query, RefusalReason};
    use optelsom_disclosure::Policy;
    use tempfile::TempDir;

    use super::super::store::Question;
    use super::*;

    const DAY: u64 = 20_000 * DAY_MS;
    /// The moment in the tests that let it pass; one for each test.
    static WHEN_IT_ENDS: AtomicU64 = AtomicU64::new(DAY);
    static OVER_MIDNIGHT: AtomicU64 = AtomicU64::new(DAY);
    static WHEN_IT_EXPIRES: AtomicU64 = AtomicU64::new(DAY);

    struct Node {
        _state: TempDir,
        admissions: Admissions,
        agreement: Agreement,
        plan: Plan,
    }

    impl Node {
        /// A node that answers so many questions a day, up to and including day 20,001 after 1970.
        async fn answering(queries_per_day: u32, approval: bool, now: fn() -> Timestamp) -> Arc<Self> {
            let state = TempDir::new().unwrap();
            let store = Store::open(state.path()).await.unwrap();
            let codebook = Codebook::builtin().unwrap();
            let agreement = format!(
                "supplier = \"police\"\nversion = \"1\"\nvalid = {{ from = \"2024-01-01\", until = \"2024-10-05\" }}\n\
                 [[datasets]]\nname = \"victims\"\nvariables = \"all\"\npurposes = [\"monitor\"]\n\
                 queries_per_day = {queries_per_day}\nevery_query_waits_for_approval = {approval}\n"
            );
            let agreement = Agreement::parse(&agreement, &codebook).unwrap();
            let query = Query::from_sql(&codebook, "SELECT COUNT(*) FROM victims").unwrap();
            let plan = Plan::new(&codebook, &query).unwrap();
            let admissions = Admissions { now, interval: Duration::from_millis(1), ..Admissions::new(store) };
            Arc::new(Self { _state: state, admissions, agreement, plan })
        }

        /// Asks question `number`, as the desk does.
        async fn ask(&self, number: u8) -> Result<(), Option<RefusalReason>> {
            let query = QueryId::from_bytes([number; 32]);
            self.note(query).await;
            let entry = QueryEntry {
                query: Hash256::of(&[number]),
                dataset: "victims".to_owned(),
                edition: "1".parse().unwrap(),
                purpose: "monitor".to_owned(),
                requester: "analyst".to_owned(),
                codebook: self.plan.query().codebook(),
                roster: Hash256::of(b"roster"),
                disclosure_policy: Hash256::of(b"policy"),
                scope: Vec::new(),
                collusion: 1,
                min_suppliers: 4,
                asked_at: Timestamp::from_millis(DAY),
                expires_at: Timestamp::from_millis(DAY + 30 * DAY_MS),
                nonce: [number; 16],
            };
            let rules = Policy::for_dataset(self.plan.dataset()).unwrap().rules();
            let asked = Asked { query, entry: &entry, plan: &self.plan, rules };
            let admitted = self.admissions.admit(&self.agreement, &asked).await;
            admitted.map(drop).map_err(|error| error.reason())
        }

        async fn note(&self, query: QueryId) {
            let question = Question::example(query, (self.admissions.now)());
            self.admissions.store.note_question(&question).await.unwrap();
        }

        async fn until_waiting(&self, number: u8) {
            let query = QueryId::from_bytes([number; 32]);
            while self.admissions.store.decision(&query).await.unwrap() != Some(Decision::Waiting) {
                tokio::task::yield_now().await;
            }
        }

        async fn approve(&self, number: u8) {
            assert!(self.admissions.store.decide(&QueryId::from_bytes([number; 32]), true).await.unwrap());
        }
    }

    fn asking(node: &Arc<Node>, number: u8) -> tokio::task::JoinHandle<Result<(), Option<RefusalReason>>> {
        let node = Arc::clone(node);
        tokio::spawn(async move { node.ask(number).await })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn as_many_as_were_agreed_pass_of_all_that_come_at_once() {
        let node = Node::answering(3, false, || Timestamp::from_millis(DAY)).await;
        let asked: Vec<_> = (1..=20).map(|number| asking(&node, number)).collect();
        let mut passed = Vec::new();
        for (number, asked) in (1..).zip(asked) {
            match asked.await.unwrap() {
                Ok(()) => passed.push(number),
                Err(reason) => assert_eq!(reason, Some(RefusalReason::TooManyQueriesToday)),
            }
        }
        assert_eq!(passed.len(), 3, "{passed:?}");
        // Asked again, each keeps its place.
        for number in passed {
            assert_eq!(node.ask(number).await, Ok(()));
        }
        assert_eq!(node.ask(21).await, Err(Some(RefusalReason::TooManyQueriesToday)));
    }

    #[tokio::test]
    async fn what_waited_takes_a_place_when_it_is_approved() {
        let node = Node::answering(1, true, || Timestamp::from_millis(DAY)).await;
        let (first, second) = (asking(&node, 1), asking(&node, 2));
        node.until_waiting(1).await;
        node.until_waiting(2).await;
        node.approve(2).await;
        assert_eq!(second.await.unwrap(), Ok(()));
        node.approve(1).await;
        assert_eq!(first.await.unwrap(), Err(Some(RefusalReason::TooManyQueriesToday)));
    }

    #[tokio::test]
    async fn an_approval_does_not_outlast_the_agreement() {
        let node = Node::answering(9, true, || Timestamp::from_millis(WHEN_IT_ENDS.load(Ordering::Relaxed))).await;
        let asked = asking(&node, 1);
        node.until_waiting(1).await;
        WHEN_IT_ENDS.store(DAY + 2 * DAY_MS, Ordering::Relaxed);
        node.approve(1).await;
        assert_eq!(asked.await.unwrap(), Err(Some(RefusalReason::AgreementNotInForce)));
    }

    /// What the store has of question 1 once it is over: what a person may still say, and the journal's lines.
    async fn left_of_the_first(node: &Node) -> (Option<Decision>, bool, Vec<String>) {
        let query = QueryId::from_bytes([1; 32]);
        let store = &node.admissions.store;
        let late = store.decide(&query, false).await.unwrap();
        let events = store.events(&query).await.unwrap().into_iter().map(|event| event.event).collect();
        (store.decision(&query).await.unwrap(), late, events)
    }

    #[tokio::test]
    async fn a_query_that_ends_while_it_waits_is_over_and_nobody_has_denied_it() {
        let node = Node::answering(9, true, || Timestamp::from_millis(DAY)).await;
        let asked = asking(&node, 1);
        node.until_waiting(1).await;
        let query = QueryId::from_bytes([1; 32]);
        for _ in 0..2 {
            node.admissions.store.stop_waiting(&query, Timestamp::from_millis(DAY)).await.unwrap();
        }
        assert_eq!(asked.await.unwrap(), Err(None), "the coordinator is told no reason");
        let once = vec!["over before a person here had decided".to_owned()];
        assert_eq!(left_of_the_first(&node).await, (Some(Decision::Over), false, once));
        assert_eq!(node.ask(1).await, Err(None), "nor when it is asked again");
    }

    #[tokio::test]
    async fn a_query_that_expires_while_it_waits_is_over_too() {
        let node = Node::answering(9, true, || Timestamp::from_millis(WHEN_IT_EXPIRES.load(Ordering::Relaxed))).await;
        let asked = asking(&node, 1);
        node.until_waiting(1).await;
        WHEN_IT_EXPIRES.store(DAY + 30 * DAY_MS, Ordering::Relaxed);
        assert_eq!(asked.await.unwrap(), Err(None));
        assert_eq!(left_of_the_first(&node).await.0, Some(Decision::Over));
    }

    #[tokio::test]
    async fn what_a_person_has_decided_stands_when_the_query_ends() {
        let node = Node::answering(9, true, || Timestamp::from_millis(DAY)).await;
        let query = QueryId::from_bytes([1; 32]);
        node.note(query).await;
        let store = &node.admissions.store;
        store.await_decision(&query).await.unwrap();
        assert!(store.decide(&query, false).await.unwrap());
        store.stop_waiting(&query, Timestamp::from_millis(DAY)).await.unwrap();
        assert_eq!(left_of_the_first(&node).await, (Some(Decision::Denied), false, Vec::new()));
    }

    #[tokio::test]
    async fn a_place_is_one_of_the_day_of_admission() {
        let node = Node::answering(1, true, || Timestamp::from_millis(OVER_MIDNIGHT.load(Ordering::Relaxed))).await;
        let (first, second) = (asking(&node, 1), asking(&node, 2));
        node.until_waiting(1).await;
        node.until_waiting(2).await;
        OVER_MIDNIGHT.store(DAY + DAY_MS / 2, Ordering::Relaxed);
        node.approve(1).await;
        assert_eq!(first.await.unwrap(), Ok(()));
        OVER_MIDNIGHT.store(DAY + DAY_MS, Ordering::Relaxed);
        node.approve(2).await;
        assert_eq!(second.await.unwrap(), Ok(()), "the first has its place in the day before");
        assert_eq!(node.ask(3).await, Err(Some(RefusalReason::TooManyQueriesToday)));
    }
}
