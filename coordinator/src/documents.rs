//! What everybody goes by, in the log: roster, codebook, software, editions. And what ended queries still owe it.

use std::sync::Arc;

use optelsom_codebook::Hash256;
use optelsom_ledger::entry::Subject;
use optelsom_proto::SOFTWARE;

use crate::driver::{end_all_given_up, settle, until_done};
use crate::ledger::LedgerError;
use crate::shared::Shared;
use crate::store::StoreError;

/// Logs what is in force and does not stand in the log yet, then lets queries follow.
pub async fn log_all(shared: Arc<Shared>) {
    let done = until_done(&shared, "what is in force", || log(&shared)).await;
    if done.is_none() {
        return;
    }
    shared.ledger.documented();
    let Some(owing) = until_done(&shared, "what is owed", || shared.store.owed_entries()).await else {
        return;
    };
    for id in owing {
        // One that cannot be settled keeps no other waiting.
        let settling = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            until_done(&settling, "the end of a query", || settle(&settling, &id)).await;
        });
    }
    until_done(&shared, "the ends of queries that were given up", || end_all_given_up(&shared)).await;
}

#[derive(Debug, thiserror::Error)]
enum NotLogged {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn log(shared: &Shared) -> Result<(), NotLogged> {
    let ledger = &shared.ledger;
    let mut standing = ledger.follow();
    standing.wait_for(|standing| standing.awaits.is_none()).await.map_err(|_| LedgerError::Closed)?;
    ledger.document(Subject::Roster, shared.roster.to_toml().as_bytes(), shared.roster.hash()).await?;
    ledger.document(Subject::Codebook, shared.codebook_text.as_bytes(), shared.codebook.hash()).await?;
    ledger.document(Subject::Software, SOFTWARE.as_bytes(), Hash256::of(SOFTWARE.as_bytes())).await?;
    for announced in shared.store.editions().await? {
        ledger.edition(&announced).await?;
    }
    Ok(())
}
