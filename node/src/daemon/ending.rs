//! How a query ends in the store: what was secret of it goes at once, and leaves nothing on the disk.

use optelsom_codebook::{QueryId, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::budget::forget_seed;
use super::decision::stop_waiting;
use super::store::{Store, StoreError, signed};

/// The journal's line of a query's end.
const ENDED: &str = "ended; its secrets are gone";

impl Store {
    /// Makes a record's bytes durable, in place of those before. With the record of a query that has ended all goes that
    /// was kept for its sake, in one transaction: a crash between the two would leave a seed that nobody forgets.
    pub(super) async fn keep(
        &self,
        query: &QueryId,
        record: &[u8],
        ended: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = async {
            let mut transaction = self.pool().begin().await?;
            if ended {
                end(&mut transaction, query, at).await?;
            }
            sqlx::query(
                "INSERT INTO records (query, record, ended) VALUES ($1, $2, $3)
                 ON CONFLICT (query) DO UPDATE SET record = excluded.record, ended = excluded.ended",
            )
            .bind(query.as_bytes().as_slice())
            .bind(record)
            .bind(ended)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        };
        kept.await.map_err(|cause| self.failed(cause))?;
        if ended {
            self.leave_no_trace().await;
        }
        Ok(())
    }

    /// Empties the log of writes, in which earlier contents of the database stand in the clear until then. It has ended
    /// already, so that this fails undoes nothing; the next end or start does it again.
    pub(super) async fn leave_no_trace(&self) {
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(self.pool()).await;
        match emptied.and_then(|row| row.try_get::<i64, _>(0)) {
            Ok(0) => {}
            Ok(_) => tracing::warn!(
                "node.sqlite-wal is read by another program, so secrets of queries that have ended stay in it for a while"
            ),
            Err(cause) => tracing::error!(
                %cause, "node.sqlite-wal cannot be emptied, so secrets of queries that have ended stay in it; is the disk full?"
            ),
        }
    }
}

/// Said once of each query, however often its end is told.
async fn end(connection: &mut SqliteConnection, query: &QueryId, at: Timestamp) -> Result<(), sqlx::Error> {
    stop_waiting(connection, query, at).await?;
    forget_seed(connection, query).await?;
    sqlx::query(
        "INSERT INTO events (query, at, event) SELECT $1, $2, $3 WHERE NOT EXISTS (
             SELECT 1 FROM records WHERE query = $1 AND ended = 1)",
    )
    .bind(query.as_bytes().as_slice())
    .bind(signed(at))
    .bind(ENDED)
    .execute(connection)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use optelsom_codebook::{Epsilon, PrivacyBudget};
    use optelsom_disclosure::NoiseSeed;
    use tempfile::TempDir;

    use super::super::budget::{Charged, tests::budget};
    use super::*;

    const SEED: [u8; 32] = [0xA7; 32];
    /// Long enough that a shorter record does not happen to cover it.
    const SECRET: &[u8] = &[0xB9; 3000];
    const AT: Timestamp = Timestamp::from_millis(7);

    fn query() -> QueryId {
        QueryId::from_bytes([1; 32])
    }

    fn amounts() -> (Epsilon, PrivacyBudget) {
        ("0.5".parse().unwrap(), budget("1"))
    }

    /// A store in which a query runs that has a secret record and a seed.
    async fn running() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let charged = store.charge_noise((&query(), "victims"), amounts(), &NoiseSeed::new(SEED), AT).await.unwrap();
        assert!(matches!(charged, Charged::Stands(_)));
        store.keep(&query(), SECRET, false, AT).await.unwrap();
        (folder, store)
    }

    /// What of the secrets can be found in the files of the store.
    fn found(folder: &TempDir) -> (bool, bool) {
        let read = |name| std::fs::read(folder.path().join(name)).unwrap_or_default();
        let files = [read("node.sqlite"), read("node.sqlite-wal")];
        let holds = |wanted: &[u8]| files.iter().any(|file| file.windows(wanted.len()).any(|bytes| bytes == wanted));
        (holds(&SEED), holds(&SECRET[..64]))
    }

    async fn events(store: &Store) -> Vec<String> {
        store.events(&query()).await.unwrap().into_iter().map(|event| event.event).collect()
    }

    #[tokio::test]
    async fn nothing_secret_is_left_on_the_disk_of_a_query_that_has_ended() {
        let (folder, store) = running().await;
        assert_eq!(found(&folder), (true, true));
        // So that the secrets are not only in the log of writes.
        store.leave_no_trace().await;
        assert_eq!(found(&folder), (true, true));
        store.keep(&query(), b"ended", true, AT).await.unwrap();
        store.keep(&query(), b"ended", true, AT).await.unwrap();
        assert_eq!(found(&folder), (false, false));
        assert_eq!(events(&store).await, [ENDED]);
    }

    #[tokio::test]
    async fn a_record_has_ended_and_its_seed_is_forgotten_or_neither() {
        let (_folder, store) = running().await;
        let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'no'); END";
        sqlx::query(refuse).execute(store.pool()).await.unwrap();
        assert!(store.keep(&query(), b"ended", true, AT).await.is_err());
        let charged = store.charge_noise((&query(), "victims"), amounts(), &NoiseSeed::new([1; 32]), AT).await.unwrap();
        assert!(matches!(charged, Charged::Stands(seed) if *seed.as_bytes() == SEED), "the seed is gone");
        assert_eq!(events(&store).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_query_that_has_ended_gets_no_seed_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.keep(&query(), b"ended", true, AT).await.unwrap();
        let charged = store.charge_noise((&query(), "victims"), amounts(), &NoiseSeed::new(SEED), AT).await.unwrap();
        assert!(matches!(charged, Charged::Ended));
        assert!(store.noise_charges().await.unwrap().is_empty());
        assert!(!found(&folder).0);
    }
}
