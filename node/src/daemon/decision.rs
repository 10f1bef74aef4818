//! What a person says to a query that waits for one; and that some are over before anybody has said anything.

use optelsom_codebook::{QueryId, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::store::{Store, StoreError, query_id, signed};

/// What a person says to a query that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nobody has said anything yet.
    Waiting,
    /// The node may answer.
    Approved,
    /// It may not.
    Denied,
    /// The query ended while it waited. Nobody has said anything, and nobody can any more.
    Over,
}

impl Decision {
    pub(super) fn from_text(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Approved, Self::Denied, Self::Over].into_iter().find(|decision| decision.as_str() == text)
    }

    /// As it stands in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Over => "over",
        }
    }

    /// As people read it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Over => "over: the query ended before anybody had decided",
            Self::Waiting | Self::Approved | Self::Denied => self.as_str(),
        }
    }
}

/// The journal's line of a query that nobody decided about in time.
const NOBODY_DECIDED: &str = "over before a person here had decided";

impl Store {
    /// What a person decided about this query; none if nobody was asked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn decision(&self, query: &QueryId) -> Result<Option<Decision>, StoreError> {
        let row = sqlx::query("SELECT decision FROM questions WHERE query = $1")
            .bind(query.as_bytes().as_slice())
            .fetch_optional(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        let text: Option<String> = match row {
            Some(row) => row.try_get(0).map_err(|cause| self.failed(cause))?,
            None => None,
        };
        Ok(text.as_deref().and_then(Decision::from_text))
    }

    /// Puts a query before a person, unless one has decided already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn await_decision(&self, query: &QueryId) -> Result<(), StoreError> {
        let only_new = "UPDATE questions SET decision = $2 WHERE query = $1 AND decision IS NULL";
        self.set_decision(only_new, query, Decision::Waiting).await.map(|_| ())
    }

    /// Notes a person's decision on a query that waits for one. False if it does not wait.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn decide(&self, query: &QueryId, approved: bool) -> Result<bool, StoreError> {
        let decision = if approved { Decision::Approved } else { Decision::Denied };
        let only_waiting = "UPDATE questions SET decision = $2 WHERE query = $1 AND decision = 'waiting'";
        self.set_decision(only_waiting, query, decision).await
    }

    async fn set_decision(
        &self,
        statement: &'static str,
        query: &QueryId,
        decision: Decision,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(statement)
            .bind(query.as_bytes().as_slice())
            .bind(decision.as_str())
            .execute(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a query is over, if it still waits for a person. What a person has decided stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stop_waiting(&self, query: &QueryId, at: Timestamp) -> Result<(), StoreError> {
        let stopped = async {
            let mut transaction = self.pool().begin().await?;
            stop_waiting(&mut transaction, query, at).await?;
            transaction.commit().await
        };
        stopped.await.map_err(|cause| self.failed(cause))
    }

    /// Notes of every query that still waits for a person and is over by now that it is: those that ended or expired while
    /// no node ran.
    ///
    /// # Errors
    /// When the store fails, or the record of such a query is damaged.
    pub async fn stop_waiting_for_what_is_over(&self, now: Timestamp) -> Result<(), StoreError> {
        let waiting = sqlx::query("SELECT query FROM questions WHERE decision = 'waiting'")
            .fetch_all(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        for row in &waiting {
            let query = query_id(row).map_err(|cause| self.failed(cause))?;
            let record = self.record(&query).await?;
            if record.is_some_and(|record| record.ended() || now >= record.question().entry.expires_at) {
                self.stop_waiting(&query, now).await?;
            }
        }
        Ok(())
    }
}

/// As [`Store::stop_waiting`], within a transaction.
pub(super) async fn stop_waiting(
    connection: &mut SqliteConnection,
    query: &QueryId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let stopped = sqlx::query("UPDATE questions SET decision = $2 WHERE query = $1 AND decision = 'waiting'")
        .bind(query.as_bytes().as_slice())
        .bind(Decision::Over.as_str())
        .execute(&mut *connection)
        .await?;
    if stopped.rows_affected() == 1 {
        sqlx::query("INSERT INTO events (query, at, event) VALUES ($1, $2, $3)")
            .bind(query.as_bytes().as_slice())
            .bind(signed(at))
            .bind(NOBODY_DECIDED)
            .execute(connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::sync::Arc;

    use optelsom_codebook::{Hash256, SupplierId};
    use optelsom_ledger::{IdentityKey, Member, QueryEntry, Requester, Roster};
    use optelsom_secagg::messages::CoordinatorMessage;
    use optelsom_secagg::supplier::{Effect, Input, SupplierRecord};
    use optelsom_secagg::{Entropy, Supplier, SupplierConfig};

    use super::super::store::Question;
    use super::*;

    const ASKED: Timestamp = Timestamp::from_millis(1_000_000);
    const EXPIRES: Timestamp = Timestamp::from_millis(2_000_000);

    /// What a machine makes durable when it is asked.
    fn asked() -> (QueryId, SupplierRecord) {
        let key = IdentityKey::from_seed(&[1; 32]);
        let names: Vec<SupplierId> = ["a", "b", "c", "d"].map(|name| name.parse().unwrap()).to_vec();
        let seeds = names.iter().zip(2..).map(|(name, seed)| (name, IdentityKey::from_seed(&[seed; 32])));
        let members = seeds.map(|(name, key)| Member { supplier: name.clone(), identity: key.public() });
        let requesters = vec![Requester { key_id: "analyst".to_owned(), identity: key.public() }];
        let roster = Arc::new(Roster::new(members.collect(), requesters, Some(1)).unwrap());
        let entry = QueryEntry {
            query: Hash256::of(b"query"),
            dataset: "victims".to_owned(),
            edition: "1".parse().unwrap(),
            purpose: "monitor".to_owned(),
            requester: "analyst".to_owned(),
            codebook: Hash256::of(b"codebook"),
            roster: roster.hash(),
            disclosure_policy: Hash256::of(b"policy"),
            scope: names.clone(),
            collusion: 1,
            min_suppliers: 3,
            asked_at: ASKED,
            expires_at: EXPIRES,
            nonce: [1; 16],
        };
        let config = SupplierConfig::new(names[0].clone(), IdentityKey::from_seed(&[2; 32]), roster);
        let message = CoordinatorMessage::Ask { query: entry.sign(&key) };
        let input = Input::Message { message, entropy: Entropy::new([7; 32]) };
        let (_, effects) = Supplier::new(Arc::new(config)).handle(ASKED, input);
        match effects.into_iter().next() {
            Some(Effect::Persist(record)) => (record.question().entry.id(), record),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_expires_while_no_node_runs_is_over_when_somebody_looks() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let (query, record) = asked();
        store.note_question(&Question::example(query, ASKED)).await.unwrap();
        store.save(&query, &record, ASKED).await.unwrap();
        store.await_decision(&query).await.unwrap();
        store.stop_waiting_for_what_is_over(Timestamp::from_millis(EXPIRES.as_millis() - 1)).await.unwrap();
        assert_eq!(store.decision(&query).await.unwrap(), Some(Decision::Waiting));
        store.stop_waiting_for_what_is_over(EXPIRES).await.unwrap();
        assert_eq!(store.decision(&query).await.unwrap(), Some(Decision::Over));
        assert!(!store.decide(&query, true).await.unwrap());
    }
}
