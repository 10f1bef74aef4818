//! What noised answers are charged to: a budget per dataset, over all its editions, since the same people stand in them.
//!
//! A charge is durable before anything noised leaves the node, and stands for ever, whatever becomes of the query. With it
//! stands the seed of the node's noise until the query has ended here: asked again, the node answers the same.

use optelsom_codebook::{Epsilon, PrivacyBudget, QueryId, Timestamp};
use optelsom_disclosure::NoiseSeed;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use zeroize::Zeroizing;

use super::store::{Store, StoreError, query_id, signed, timestamp};

/// The table. A charge without a seed is that of a query that has ended, or that was found in the log after the store had
/// been put back.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS noise_charges (
    query BLOB PRIMARY KEY, dataset TEXT NOT NULL, thousandths INTEGER NOT NULL, at INTEGER NOT NULL, seed BLOB)
    WITHOUT ROWID";

/// One query that was charged to the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// λ.
    pub query: QueryId,
    /// The dataset whose budget it was charged to.
    pub dataset: String,
    /// ε in thousandths.
    pub thousandths: u64,
    /// When.
    pub at: Timestamp,
}

/// What came of charging a query.
#[derive(Debug)]
pub(super) enum Charged {
    /// It stands, now or since it was asked first; with this seed.
    Stands(NoiseSeed),
    /// It stands, and its seed is gone: no noised table is made of it again.
    Over,
    /// It would go beyond the budget.
    Beyond,
    /// The query has ended before it was charged, so it is not.
    Ended,
}

impl Store {
    /// Charges a query, once; `fresh` becomes its seed if this is the first time.
    ///
    /// # Errors
    /// When the charge is not on the disk.
    pub(super) async fn charge_noise(
        &self,
        (query, dataset): (&QueryId, &str),
        (epsilon, budget): (Epsilon, PrivacyBudget),
        fresh: &NoiseSeed,
        at: Timestamp,
    ) -> Result<Charged, StoreError> {
        // One statement: whatever else is charged at the same time, the sum stays within the budget.
        sqlx::query(
            "INSERT INTO noise_charges (query, dataset, thousandths, at, seed)
             SELECT $1, $2, $3, $4, $5 WHERE $3 + (
                 SELECT COALESCE(SUM(thousandths), 0) FROM noise_charges WHERE dataset = $2 AND query <> $1) <= $6
                 AND NOT EXISTS (SELECT 1 FROM records WHERE query = $1 AND ended = 1)
             ON CONFLICT (query) DO NOTHING",
        )
        .bind(query.as_bytes().as_slice())
        .bind(dataset)
        .bind(i64::from(epsilon.thousandths()))
        .bind(signed(at))
        .bind(fresh.as_bytes().as_slice())
        .bind(i64::from(budget.thousandths()))
        .execute(self.pool())
        .await
        .map_err(|cause| self.failed(cause))?;
        let row = sqlx::query("SELECT seed FROM noise_charges WHERE query = $1")
            .bind(query.as_bytes().as_slice())
            .fetch_optional(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        let Some(row) = row else {
            return Ok(if self.has_ended(query).await? { Charged::Ended } else { Charged::Beyond });
        };
        let seed = row.try_get::<Option<Vec<u8>>, _>(0).map_err(|cause| self.failed(cause))?.map(Zeroizing::new);
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok());
        Ok(seed.map_or(Charged::Over, |seed| Charged::Stands(NoiseSeed::new(seed))))
    }

    async fn has_ended(&self, query: &QueryId) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT 1 FROM records WHERE query = $1 AND ended = 1")
            .bind(query.as_bytes().as_slice())
            .fetch_optional(self.pool())
            .await;
        found.map(|row| row.is_some()).map_err(|cause| self.failed(cause))
    }

    /// Charges what this node may have answered before its store was put back, as far as it does not know of it: so a
    /// backup gives nothing of the budget back.
    pub(super) async fn charge_again(
        &self,
        noised: &[(QueryId, String, Epsilon)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for (query, dataset, epsilon) in noised {
            sqlx::query(
                "INSERT INTO noise_charges (query, dataset, thousandths, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (query) DO NOTHING",
            )
            .bind(query.as_bytes().as_slice())
            .bind(dataset)
            .bind(i64::from(epsilon.thousandths()))
            .bind(signed(at))
            .execute(self.pool())
            .await
            .map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Everything that was charged, in the order in which it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn noise_charges(&self) -> Result<Vec<Charge>, StoreError> {
        let select = "SELECT query, dataset, thousandths, at FROM noise_charges ORDER BY at, query";
        let rows = sqlx::query(select).fetch_all(self.pool()).await.map_err(|cause| self.failed(cause))?;
        let charge = |row: &SqliteRow| {
            let thousandths: i64 = row.try_get(2)?;
            Ok(Charge {
                query: query_id(row)?,
                dataset: row.try_get(1)?,
                thousandths: u64::try_from(thousandths).unwrap_or(0),
                at: timestamp(row.try_get(3)?),
            })
        };
        rows.iter().map(|row| charge(row).map_err(|cause| self.failed(cause))).collect()
    }
}

/// Forgets the seed of a query that has ended; its charge stays.
pub(super) async fn forget_seed(connection: &mut SqliteConnection, query: &QueryId) -> Result<(), sqlx::Error> {
    let update = "UPDATE noise_charges SET seed = NULL WHERE query = $1 AND seed IS NOT NULL";
    sqlx::query(update).bind(query.as_bytes().as_slice()).execute(connection).await.map(drop)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use optelsom_codebook::{Agreement, Codebook};

    use super::*;

    pub(in super::super) fn budget(text: &str) -> PrivacyBudget {
        let codebook = Codebook::builtin().unwrap();
        let agreement = format!(
            "supplier = \"police\"\nversion = \"1\"\nvalid = {{ from = \"2024-01-01\", until = \"2028-12-31\" }}\n\
             [[datasets]]\nname = \"victims\"\nvariables = \"all\"\npurposes = [\"monitor\"]\nqueries_per_day = 9\n\
             privacy_budget = {text}\n"
        );
        let agreement = Agreement::parse(&agreement, &codebook).unwrap();
        agreement.dataset("victims").unwrap().privacy_budget().unwrap()
    }

    fn query(number: u8) -> QueryId {
        QueryId::from_bytes([number; 32])
    }

    async fn charge(store: &Store, number: u8, dataset: &str, epsilon: &str, seed: u8) -> Option<[u8; 32]> {
        let amounts = (epsilon.parse().unwrap(), budget("1"));
        let seed = NoiseSeed::new([seed; 32]);
        match store.charge_noise((&query(number), dataset), amounts, &seed, Timestamp::from_millis(1)).await.unwrap() {
            Charged::Stands(seed) => Some(*seed.as_bytes()),
            Charged::Beyond => None,
            Charged::Over | Charged::Ended => panic!("the seed is gone"),
        }
    }

    #[tokio::test]
    async fn a_query_is_charged_once_and_never_beyond_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        assert_eq!(charge(&store, 1, "victims", "0.6", 1).await, Some([1; 32]));
        // Asked again, also after a restart, it is the same noise and no further charge.
        drop(store);
        let store = Store::open(folder.path()).await.unwrap();
        assert_eq!(charge(&store, 1, "victims", "0.6", 2).await, Some([1; 32]));
        assert_eq!(charge(&store, 2, "victims", "0.401", 3).await, None);
        assert_eq!(charge(&store, 3, "victims", "0.4", 4).await, Some([4; 32]));
        assert_eq!(charge(&store, 4, "victims", "0.001", 5).await, None);
        assert_eq!(charge(&store, 1, "victims", "0.6", 6).await, Some([1; 32]));
        // Each dataset has a budget of its own.
        assert_eq!(charge(&store, 5, "suspects", "1", 7).await, Some([7; 32]));
        let charged: u64 = store.noise_charges().await.unwrap().iter().map(|charge| charge.thousandths).sum();
        assert_eq!(charged, 2000);
    }

    #[tokio::test]
    async fn many_at_once_stay_within_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let each = (1..=20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { charge(&store, number, "victims", "0.3", number).await.is_some() })
        });
        let mut passed = 0;
        for each in each.collect::<Vec<_>>() {
            passed += u32::from(each.await.unwrap());
        }
        assert_eq!(passed, 3);
    }

    #[tokio::test]
    async fn a_query_that_has_ended_keeps_its_charge_and_loses_its_seed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        charge(&store, 1, "victims", "0.6", 1).await;
        store.keep(&query(1), b"ended", true, Timestamp::from_millis(1)).await.unwrap();
        let amounts = ("0.6".parse().unwrap(), budget("1"));
        let (first, other) = (query(1), NoiseSeed::new([2; 32]));
        let again = store.charge_noise((&first, "victims"), amounts, &other, Timestamp::from_millis(1)).await.unwrap();
        assert!(matches!(again, Charged::Over));
        assert_eq!(charge(&store, 2, "victims", "0.5", 2).await, None);
    }

    #[tokio::test]
    async fn what_the_log_has_is_charged_to_a_store_that_was_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        charge(&store, 1, "victims", "0.2", 1).await;
        let victims = |number, epsilon: &str| (query(number), "victims".to_owned(), epsilon.parse().unwrap());
        let logged = [victims(1, "0.2"), victims(2, "0.5")];
        store.charge_again(&logged, Timestamp::from_millis(2)).await.unwrap();
        store.charge_again(&logged, Timestamp::from_millis(3)).await.unwrap();
        assert_eq!(charge(&store, 3, "victims", "0.301", 3).await, None);
        assert_eq!(charge(&store, 3, "victims", "0.3", 3).await, Some([3; 32]));
    }
}
