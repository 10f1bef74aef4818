//! PostgreSQL: a transaction that can only read, with a time limit.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use optelsom_proto::key_file::{KeyFileError, read_secret};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _, Statement as _,
};

use super::conversation::{Batch, converse, give_rows, select, send_rows};
use super::{TIME_LIMIT_REACHED, View};
use crate::source::{Place, Progress, SourceError, locate};

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// The server ends a `SELECT` at its limit; so much of that limit later its silence is taken for an end.
const TENTH: u32 = 10;

/// A view of a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresqlSource {
    /// The file whose one line is the database's URL, password included.
    pub url_file: PathBuf,
    /// The view.
    pub view: View,
    /// How long the `SELECT` may take. Not 0, which PostgreSQL takes for no limit.
    pub time_limit: Duration,
}

impl PostgresqlSource {
    pub(in crate::source) fn columns(&self) -> Result<Vec<String>, SourceError> {
        let options = &self.options()?;
        converse(&named(options), async {
            let mut connection = connect(options).await?;
            let found = self.limited(options, async move {
                self.begin(&mut connection, options).await?;
                let columns = self.present(&mut connection, options).await?;
                connection.close().await.map_err(|error| failed(options, "parting", &error))?;
                Ok(columns)
            });
            found.await
        })
    }

    pub(in crate::source) fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        mut row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let options = self.options()?;
        let conversation = |sender| self.stream(&options, columns, sender);
        give_rows(&named(&options), columns.len(), conversation, progress, &mut row)
    }

    async fn stream(
        &self,
        options: &PgConnectOptions,
        columns: &[String],
        sender: SyncSender<Batch>,
    ) -> Result<(), SourceError> {
        let mut connection = connect(options).await?;
        let read = self.limited(options, async {
            self.begin(&mut connection, options).await?;
            locate(columns, &self.present(&mut connection, options).await?)?;
            let statement = select(columns, &self.view, |column| format!("{column}::text"))?;
            let rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut connection);
            let sent = send_rows(rows, columns.len(), sender).await;
            sent.map_err(|error| failed(options, "reading the view", &error))
        });
        read.await
    }

    /// A conversation that ends even if the server falls silent.
    async fn limited<T>(
        &self,
        options: &PgConnectOptions,
        conversation: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let patience = self.time_limit + self.time_limit / TENTH;
        let ended = tokio::time::timeout(patience, conversation).await;
        ended.unwrap_or_else(|_| {
            Err(SourceError::Database {
                database: named(options),
                doing: "reading the view",
                cause: format!("no end within {} seconds, nor did the server itself end it", patience.as_secs_f32()),
                mend: TIME_LIMIT_REACHED,
            })
        })
    }

    /// Begins the transaction, ended by parting. Dates come in ISO 8601 whatever the database's own habit is.
    async fn begin(&self, connection: &mut PgConnection, options: &PgConnectOptions) -> Result<(), SourceError> {
        let failed = |error: sqlx::Error| failed(options, "beginning to read", &error);
        connection.execute("BEGIN READ ONLY").await.map_err(failed)?;
        let limit = self.time_limit.as_millis().to_string();
        let settings = "SELECT set_config('statement_timeout', $1, true), set_config('datestyle', 'ISO, YMD', true)";
        sqlx::query(settings).bind(limit).execute(connection).await.map_err(failed)?;
        Ok(())
    }

    async fn present(
        &self,
        connection: &mut PgConnection,
        options: &PgConnectOptions,
    ) -> Result<Vec<String>, SourceError> {
        let statement = AssertSqlSafe(format!("SELECT * FROM {}", self.view)).into_sql_str();
        let prepared =
            connection.prepare(statement).await.map_err(|error| failed(options, "finding the view", &error))?;
        Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    fn options(&self) -> Result<PgConnectOptions, SourceError> {
        let secret = read_secret(&self.url_file).map_err(|error| match error {
            KeyFileError::File { path, cause } => SourceError::Unreadable { path, cause },
            KeyFileError::TooWide { path, mode } => SourceError::OpenToOthers { path, mode },
            other => SourceError::Secret(other),
        })?;
        let url = std::str::from_utf8(&secret).ok().and_then(|url| PgConnectOptions::from_str(url.trim()).ok());
        // What cannot be read is not repeated: it may be a password.
        let options = url.ok_or_else(|| SourceError::Database {
            database: self.url_file.display().to_string(),
            doing: "reading its URL",
            cause: "not a PostgreSQL URL".to_owned(),
            mend: "Write one line like postgresql://reader:password@host:5432/database",
        })?;
        Ok(options.application_name("optelsom-node"))
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, SourceError> {
    match tokio::time::timeout(CONNECT_LIMIT, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(failed(options, "connecting", &error)),
        Err(_) => Err(SourceError::Database {
            database: named(options),
            doing: "connecting",
            cause: format!("no answer within {} seconds", CONNECT_LIMIT.as_secs()),
            mend: "See that the host and port are right and that no firewall stands between",
        }),
    }
}

/// The database as people may see it.
fn named(options: &PgConnectOptions) -> String {
    format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or_default())
}

fn failed(options: &PgConnectOptions, doing: &'static str, error: &sqlx::Error) -> SourceError {
    let mend = match error {
        sqlx::Error::Io(_) => "See that the database runs, and that host and port in the URL are right",
        sqlx::Error::Tls(_) => "See that the database offers TLS, or set sslmode in the URL",
        sqlx::Error::Database(error) if error.code().as_deref() == Some("57014") => TIME_LIMIT_REACHED,
        _ => "See that the user in the URL may read the view, and that the view's name is right",
    };
    SourceError::Database { database: named(options), doing, cause: error.to_string(), mend }
}
