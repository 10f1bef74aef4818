//! Accepted queries and what became of them.

use optelsom_codebook::{QueryId, SupplierId, Timestamp};
use optelsom_disclosure::Policy;
use optelsom_ledger::{QueryEntry, Signature, SignedQuery};
use optelsom_secagg::CombinerRecord;
use optelsom_secagg::combiner::Sum;
use optelsom_secagg::messages::RoundOutcome;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError, from_column, to_column};

/// A query at the moment of its acceptance.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The entry with its signature.
    pub question: SignedQuery,
    /// The canonical query document.
    pub document: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// The policy that its total will be protected by.
    pub policy: Policy,
}

/// A query that has not ended, as it is gone on with after a restart.
#[derive(Clone, Debug)]
pub struct StoredQuery {
    /// As it was accepted.
    pub accepted: Accepted,
    /// The combiner's last record, if there was one.
    pub record: Option<CombinerRecord>,
}

/// How a query ended, in numbers that stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// How.
    pub outcome: RoundOutcome,
    /// Why, in words, where it is not opened.
    pub reason: String,
}

/// What is stored when a query ends.
#[derive(Clone, Debug)]
pub struct Ending<'a> {
    /// How it ended.
    pub outcome: StoredOutcome,
    /// When.
    pub at: Timestamp,
    /// The combiner's record that says so.
    pub record: Option<&'a CombinerRecord>,
    /// The release, a JSON document.
    pub release: Option<&'a [u8]>,
    /// The entries that the query owes the log by it, in their order.
    pub owed: Vec<Vec<u8>>,
    /// What goes with the release, by file name.
    pub files: Vec<(&'static str, &'a [u8])>,
}

impl Ending<'_> {
    /// An end without a release, which the machine's last record says already.
    pub fn without_release(outcome: StoredOutcome, at: Timestamp, owed: Vec<Vec<u8>>) -> Self {
        Self { outcome, at, record: None, release: None, owed, files: Vec::new() }
    }
}

/// One line of a list of queries.
#[derive(Clone, Debug)]
pub struct Summary {
    /// λ.
    pub id: QueryId,
    /// What was asked.
    pub entry: QueryEntry,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How it ended, unless it goes on.
    pub outcome: Option<StoredOutcome>,
}

/// What the first digits of an id stand for.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    None,
    /// This query.
    One(Box<Summary>),
    /// More than one.
    Several,
}

impl Store {
    /// Keeps an accepted query. False if it was there before.
    ///
    /// # Errors
    /// When it could not be stored; then it is not accepted.
    pub async fn accept(&self, accepted: &Accepted) -> Result<bool, StoreError> {
        let entry = &accepted.question.entry;
        let done = sqlx::query(
            "INSERT INTO queries (id, entry, signature, document, requester, dataset, accepted_at, policy) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        )
        .bind(entry.id().as_bytes().to_vec())
        .bind(entry.to_bytes())
        .bind(accepted.question.signature.as_bytes().to_vec())
        .bind(accepted.document.clone())
        .bind(entry.requester.clone())
        .bind(entry.dataset.clone())
        .bind(to_column(accepted.at))
        .bind(accepted.policy.canonical_bytes())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Replaces the combiner's record of a query that has not ended.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn keep_record(&self, id: &QueryId, record: &CombinerRecord) -> Result<(), StoreError> {
        // What is written once and is megabytes stands apart, and goes when the query ends.
        let Sum::New(mut words) = record.sum() else {
            write_record(&self.pool, id, record).await?;
            return Ok(());
        };
        let mut transaction = self.pool.begin().await?;
        if write_record(&mut *transaction, id, record).await? {
            let insert = "INSERT INTO sums (query, words) VALUES ($1, $2) \
                          ON CONFLICT (query) DO UPDATE SET words = excluded.words";
            sqlx::query(insert)
                .bind(id.as_bytes().to_vec())
                .bind(std::mem::take(&mut *words))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps how a query ended, with record and release in one transaction. What ended once does not end again: then
    /// false, and nothing is changed.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn end(&self, id: &QueryId, ending: Ending<'_>) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if let Some(record) = ending.record {
            write_record(&mut *transaction, id, record).await?;
        }
        let done = sqlx::query(
            "UPDATE queries SET outcome = $1, reason = $2, ended_at = $3, release = $4 WHERE id = $5 AND outcome IS NULL",
        )
        .bind(outcome_number(ending.outcome.outcome))
        .bind(ending.outcome.reason)
        .bind(to_column(ending.at))
        .bind(ending.release)
        .bind(id.as_bytes().to_vec())
        .execute(&mut *transaction)
        .await?;
        let first = done.rows_affected() > 0;
        if first {
            sqlx::query("DELETE FROM sums WHERE query = $1")
                .bind(id.as_bytes().to_vec())
                .execute(&mut *transaction)
                .await?;
        }
        for (entry, place) in ending.owed.into_iter().zip(0_i64..).filter(|_| first) {
            sqlx::query("INSERT INTO ledger_owed (query, place, entry) VALUES ($1, $2, $3)")
                .bind(id.as_bytes().to_vec())
                .bind(place)
                .bind(entry)
                .execute(&mut *transaction)
                .await?;
        }
        for (file, bytes) in ending.files.into_iter().filter(|_| first) {
            sqlx::query("INSERT INTO release_files (query, file, bytes) VALUES ($1, $2, $3)")
                .bind(id.as_bytes().to_vec())
                .bind(file)
                .bind(bytes)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(first)
    }

    /// All queries that have not ended, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<StoredQuery>, StoreError> {
        let rows = sqlx::query(
            "SELECT entry, signature, document, accepted_at, policy, record, words FROM queries \
             LEFT JOIN sums ON sums.query = queries.id WHERE outcome IS NULL ORDER BY accepted_at",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_query).collect()
    }

    /// One query, unless it has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished_query(&self, id: &QueryId) -> Result<Option<StoredQuery>, StoreError> {
        let row = sqlx::query(
            "SELECT entry, signature, document, accepted_at, policy, record, words FROM queries \
             LEFT JOIN sums ON sums.query = queries.id WHERE outcome IS NULL AND id = $1",
        )
        .bind(id.as_bytes().to_vec())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read_query).transpose()
    }

    /// One query, with how it ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn summary(&self, id: &QueryId) -> Result<Option<Summary>, StoreError> {
        let row = sqlx::query("SELECT id, entry, accepted_at, outcome, reason FROM queries WHERE id = $1")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_summary).transpose()
    }

    /// The query whose id begins with these hexadecimal digits, of one requester or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, prefix: &str, requester: Option<&str>) -> Result<Found, StoreError> {
        let mut found = None;
        // Few enough to look through, and both databases write bytes as digits in ways of their own.
        for summary in self.list(requester, 10_000).await? {
            if summary.id.to_string().starts_with(prefix) && found.replace(summary).is_some() {
                return Ok(Found::Several);
            }
        }
        Ok(found.map_or(Found::None, |summary| Found::One(Box::new(summary))))
    }

    /// The latest queries of one requester, or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, requester: Option<&str>, most: u32) -> Result<Vec<Summary>, StoreError> {
        const OF_ONE: &str = "SELECT id, entry, accepted_at, outcome, reason FROM queries WHERE requester = $2 \
                              ORDER BY accepted_at DESC LIMIT $1";
        const OF_ALL: &str =
            "SELECT id, entry, accepted_at, outcome, reason FROM queries ORDER BY accepted_at DESC LIMIT $1";
        let query = sqlx::query(if requester.is_some() { OF_ONE } else { OF_ALL }).bind(i64::from(most));
        let query = match requester {
            Some(name) => query.bind(name.to_owned()),
            None => query,
        };
        query.fetch_all(&self.pool).await?.iter().map(read_summary).collect()
    }

    /// The release of a query that ended in one, once it owes the log nothing: nobody gets it sooner.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn release(&self, id: &QueryId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(
            "SELECT release FROM queries WHERE id = $1 AND release IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM ledger_owed WHERE ledger_owed.query = queries.id)",
        )
        .bind(id.as_bytes().to_vec())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The releases about a dataset, in the order in which they were made.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn releases(&self, dataset: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows =
            sqlx::query("SELECT release FROM queries WHERE dataset = $1 AND release IS NOT NULL ORDER BY ended_at, id")
                .bind(dataset.to_owned())
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Notes something that happened to a query; `supplier` is empty where it is about none.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn note(
        &self,
        id: &QueryId,
        at: Timestamp,
        supplier: &str,
        kind: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO events (query, at, supplier, kind, detail) VALUES ($1, $2, $3, $4, $5)")
            .bind(id.as_bytes().to_vec())
            .bind(to_column(at))
            .bind(supplier.to_owned())
            .bind(kind.to_owned())
            .bind(detail.to_owned())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Who refused a query, with the reason codes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refusals(&self, id: &QueryId) -> Result<Vec<(SupplierId, String)>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT supplier, detail FROM events WHERE query = $1 AND kind = 'refused'")
            .bind(id.as_bytes().to_vec())
            .fetch_all(&self.pool)
            .await?;
        let mut refusals = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get(0)?;
            let supplier =
                SupplierId::try_from(name.as_str()).map_err(|cause| StoreError::Unreadable(cause.to_string()))?;
            refusals.push((supplier, row.try_get(1)?));
        }
        Ok(refusals)
    }
}

/// The record of a query that has not ended. False where it has.
async fn write_record<'c>(
    executor: impl sqlx::AnyExecutor<'c>,
    id: &QueryId,
    record: &CombinerRecord,
) -> Result<bool, sqlx::Error> {
    let written = sqlx::query("UPDATE queries SET record = $1 WHERE id = $2 AND outcome IS NULL")
        .bind(std::mem::take(&mut *record.to_bytes()))
        .bind(id.as_bytes().to_vec())
        .execute(executor)
        .await?;
    Ok(written.rows_affected() > 0)
}

fn read_query(row: &AnyRow) -> Result<StoredQuery, StoreError> {
    let signature: Vec<u8> = row.try_get(1)?;
    let signature = signature.try_into().map_err(|_| StoreError::Unreadable("a query's signature".to_owned()))?;
    let question = SignedQuery { entry: read_entry(row, 0)?, signature: Signature::from_bytes(signature) };
    let (record, sum): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.try_get(5)?, row.try_get(6)?);
    let record = record
        .map(|bytes| CombinerRecord::from_bytes(&bytes, sum.as_deref()))
        .transpose()
        .map_err(|cause| StoreError::Unreadable(format!("the record of query {}: {cause}", question.entry.id())))?;
    let policy = Policy::from_canonical(&row.try_get::<Vec<u8>, _>(4)?)
        .map_err(|cause| StoreError::Unreadable(format!("the policy of query {}: {cause}", question.entry.id())))?;
    let accepted = Accepted { question, document: row.try_get(2)?, at: from_column(row.try_get(3)?), policy };
    Ok(StoredQuery { accepted, record })
}

fn read_summary(row: &AnyRow) -> Result<Summary, StoreError> {
    let id: Vec<u8> = row.try_get(0)?;
    let outcome = match row.try_get::<Option<i64>, _>(3)? {
        None => None,
        Some(number) => Some(StoredOutcome {
            outcome: read_outcome(number)?,
            reason: row.try_get::<Option<String>, _>(4)?.unwrap_or_default(),
        }),
    };
    Ok(Summary {
        id: QueryId::try_from(id.as_slice()).map_err(|cause| StoreError::Unreadable(cause.to_string()))?,
        entry: read_entry(row, 1)?,
        accepted_at: from_column(row.try_get(2)?),
        outcome,
    })
}

fn read_entry(row: &AnyRow, column: usize) -> Result<QueryEntry, StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    QueryEntry::from_bytes(&bytes).map_err(|cause| StoreError::Unreadable(cause.to_string()))
}

fn outcome_number(outcome: RoundOutcome) -> i64 {
    match outcome {
        RoundOutcome::Opened => 1,
        RoundOutcome::Abandoned => 2,
        RoundOutcome::Void => 3,
        RoundOutcome::Spent => 4,
    }
}

fn read_outcome(number: i64) -> Result<RoundOutcome, StoreError> {
    match number {
        1 => Ok(RoundOutcome::Opened),
        2 => Ok(RoundOutcome::Abandoned),
        3 => Ok(RoundOutcome::Void),
        4 => Ok(RoundOutcome::Spent),
        other => Err(StoreError::Unreadable(format!("the outcome {other}"))),
    }
}
