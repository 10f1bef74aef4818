//! The analyst of a federation, with its own keys and connection, asking as `optelsom query` does.

use std::path::Path;

use optelsom_cli::Failure;
use optelsom_cli::asking::{self, Asking, Wishes};
use optelsom_cli::clock::{self, random};
use optelsom_cli::configuration::Configuration;
use optelsom_cli::federation::{Catalogue, Federation, Moment, Wanted};
use optelsom_codebook::{Lang, Timestamp};
use optelsom_disclosure::Release;
use optelsom_ledger::IdentityKey;
use optelsom_proto::key_file::{KeyFileError, read_identity};
use optelsom_proto::wire::{Asked, WireError};
use thiserror::Error;

/// How long a question waits for its suppliers, which are all on this machine.
const DEADLINE: &str = "1h";

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum SessionError {
    /// What `optelsom` would say.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The analyst's key.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A bug: what is asked does not fit the wire.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A bug: what stands here in this program cannot be read.
    #[error("{0}")]
    Machine(String),
}

/// An analyst that is connected.
pub struct Session {
    configuration: Configuration,
    federation: Federation,
    catalogue: Catalogue,
    key: IdentityKey,
}

impl Session {
    /// Connects as the analyst of this configuration.
    ///
    /// # Errors
    /// When a file is missing or wrong, or the coordinator cannot be reached.
    pub async fn open(configuration: &Path) -> Result<Self, SessionError> {
        let configuration = Configuration::load(Some(configuration))?;
        let key = read_identity(&configuration.identity)?;
        let mut federation = Federation::open(&configuration).await?;
        let catalogue = federation.catalogue().await?;
        Ok(Self { configuration, federation, catalogue, key })
    }

    /// Reads a question, to be asked of all who hold its dataset.
    ///
    /// # Errors
    /// When it cannot be answered.
    pub async fn prepare(&mut self, sql: &str, purpose: &str) -> Result<Asking, SessionError> {
        let query = asking::read(&self.catalogue, sql)?;
        let facts = self.federation.facts(&self.catalogue, query.dataset().name()).await?;
        let wishes = Wishes { purpose: Some(purpose), scope: &[], at_least: None };
        Ok(Asking::prepare(&self.catalogue, query, &facts, wishes)?)
    }

    /// Signs a question, asks it and waits for its table. `tell` hears what happens on the way.
    ///
    /// # Errors
    /// When it ends without a table.
    pub async fn ask(&mut self, asking: &Asking, tell: impl FnMut(&Moment)) -> Result<Release, SessionError> {
        let deadline = DEADLINE.parse().map_err(SessionError::Machine)?;
        let signed = asking.sign(&self.catalogue, &self.key, deadline, now()?, random()?)?;
        let asked = Asked::new(signed, asking.query.canonical_bytes())?;
        Ok(self.federation.see_through(&self.configuration, Wanted::Asked(&asked), Lang::En, tell).await?)
    }
}

/// This machine's clock.
///
/// # Errors
/// When it stands before 1970.
pub fn now() -> Result<Timestamp, SessionError> {
    Ok(clock::now()?)
}
