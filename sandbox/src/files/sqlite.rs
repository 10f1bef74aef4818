//! An SQLite file with one table and the view that the supplier made for its node.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection};

use super::{Rows, WriteError};

/// Writes the rows into a table of the same columns and lays the view over it. An empty value is NULL.
///
/// # Errors
/// The file could not be written.
pub async fn write(path: &Path, rows: &Rows, table: &'static str, view: &'static str) -> Result<(), WriteError> {
    let outcome = write_to(path, rows, table, view).await;
    outcome.map_err(|cause| WriteError::Sqlite { path: path.display().to_string(), cause })
}

async fn write_to(path: &Path, rows: &Rows, table: &'static str, view: &'static str) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let columns = rows.columns().join(", ");
    let marks = vec!["?"; rows.columns().len()].join(", ");
    let insert = format!("INSERT INTO {table} ({columns}) VALUES ({marks})");
    let mut transaction = connection.begin().await?;
    // Names are constants of this package; the values are bound.
    sqlx::query(AssertSqlSafe(format!("CREATE TABLE {table} ({columns})"))).execute(&mut *transaction).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE VIEW {view} AS SELECT * FROM {table}")))
        .execute(&mut *transaction)
        .await?;
    for row in rows.rows() {
        let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
        for value in row {
            query = query.bind(Some(value.as_str()).filter(|value| !value.is_empty()));
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await
}
