//! A conversation with a database, held on a thread and runtime of its own, so that reading may be called from anywhere.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use super::super::{Place, Progress, SourceError};
use super::{Identifier, View};

/// Rows passed on together.
const BATCH_ROWS: usize = 2048;
/// Batches that may wait to be taken.
const BATCHES: usize = 4;

/// Values of some rows, one behind the other.
#[derive(Default)]
pub(super) struct Batch {
    rows: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Runs a conversation to its end.
pub(super) fn converse<T: Send>(
    database: &str,
    conversation: impl Future<Output = Result<T, SourceError>> + Send,
) -> Result<T, SourceError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("source".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| not_started(database, error.to_string()))?.block_on(conversation)
        });
        let thread = thread.map_err(|error| not_started(database, error.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(not_started(database, "the driver gave up".to_owned())))
    })
}

fn not_started(database: &str, cause: String) -> SourceError {
    let mend = "Look at this machine's memory and limits";
    SourceError::Database { database: database.to_owned(), doing: "holding the conversation", cause, mend }
}

/// Runs a conversation that sends batches of `width` values a row, and gives each row as it comes.
pub(super) fn give_rows<E, F>(
    database: &str,
    width: usize,
    conversation: impl FnOnce(SyncSender<Batch>) -> F,
    progress: &mut dyn FnMut(Progress),
    row: &mut impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<SourceError>,
    F: Future<Output = Result<(), SourceError>> + Send,
{
    let (sender, receiver) = sync_channel(BATCHES);
    let conversation = conversation(sender);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| converse(database, conversation));
        // The receiver goes with this call: if a row fails, the conversation finds nobody listening and ends.
        let given = take_all(receiver, width, progress, row);
        let held = thread.join().unwrap_or_else(|_| Err(not_started(database, "the driver gave up".to_owned())));
        given?;
        Ok(held?)
    })
}

fn take_all<E>(
    receiver: Receiver<Batch>,
    width: usize,
    progress: &mut dyn FnMut(Progress),
    row: &mut impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut so_far = Progress::default();
    for batch in receiver {
        let starts = std::iter::once(0).chain(batch.ends.iter().copied());
        let mut all = starts.zip(&batch.ends).map(|(start, &end)| batch.bytes.get(start..end).unwrap_or_default());
        let mut values: Vec<&[u8]> = Vec::with_capacity(width);
        for _ in 0..batch.rows {
            values.clear();
            values.extend(all.by_ref().take(width));
            so_far.rows += 1;
            row(Place::Row(so_far.rows), &values)?;
        }
        so_far.bytes += batch.bytes.len() as u64;
        progress(so_far);
    }
    Ok(())
}

/// Sends on a stream of rows whose first `width` columns are text.
pub(super) async fn send_rows<R>(
    rows: impl Stream<Item = Result<R, sqlx::Error>>,
    width: usize,
    sender: SyncSender<Batch>,
) -> Result<(), sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Option<&'r str>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    let mut rows = pin!(rows);
    let mut batch = Batch::default();
    while let Some(row) = rows.try_next().await? {
        for column in 0..width {
            let text: Option<&str> = row.try_get(column)?;
            batch.bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
            batch.ends.push(batch.bytes.len());
        }
        batch.rows += 1;
        // Nobody listens any more when a row was refused; who refused it says why.
        if batch.rows == BATCH_ROWS && sender.send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    let _ = sender.send(batch);
    Ok(())
}

/// The one statement that reads a source. `text` turns a column into an expression that yields it as text.
pub(super) fn select(columns: &[String], view: &View, text: fn(&Identifier) -> String) -> Result<String, SourceError> {
    let mut expressions = Vec::with_capacity(columns.len());
    for column in columns {
        let column = Identifier::new(column, "column").map_err(|error| SourceError::Database {
            database: view.to_string(),
            doing: "naming the columns",
            cause: error.to_string(),
            mend: "Correct node.toml",
        })?;
        expressions.push(text(&column));
    }
    // Where every variable is constant, rows are still to be counted.
    let expressions = if expressions.is_empty() { "NULL".to_owned() } else { expressions.join(", ") };
    Ok(format!("SELECT {expressions} FROM {view}"))
}
