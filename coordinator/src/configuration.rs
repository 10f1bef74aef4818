//! `coordinator.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// Why a configuration is refused. For the operator to mend.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// A file cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A key is unknown, missing, or of another form; the text names line and column.
    #[error("{path}: {cause}")]
    Document {
        /// Which.
        path: PathBuf,
        /// What and where.
        cause: Box<toml::de::Error>,
    },
    /// A value out of its range.
    #[error("{path}: {key} = {value} is out of range; between {least} and {most} is possible")]
    Range {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
        /// What it says.
        value: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
}

/// Everything that a coordinator is told. Relative paths are taken from the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where nodes, analysts and operators connect, `0.0.0.0:8443` for instance; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The codebook's file.
    pub codebook: PathBuf,
    /// The roster's file.
    pub roster: PathBuf,
    /// Certificate, key and authority.
    pub credentials: CredentialFiles,
    /// Where accepted queries, releases and the log are kept.
    pub store: StoreLocation,
    /// The log's key, and whom everybody trusts with it.
    pub ledger: LedgerFiles,
    /// Health pages; none without it.
    pub health: Option<Health>,
    /// What is taken from analysts.
    #[serde(default)]
    pub limits: Limits,
    /// How long the steps of a round wait.
    #[serde(default)]
    pub round: Round,
    /// By dataset: a minimum frequency stricter than the codebook's.
    #[serde(default)]
    pub minimum_frequency: BTreeMap<String, u64>,
}

/// The log's key, and whom everybody trusts with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFiles {
    /// The key that checkpoints and entries are signed with: 32 bytes in hexadecimal, mode 0600.
    pub key: PathBuf,
    /// `trust.toml`: the log's public key and its witnesses.
    pub trust: PathBuf,
    /// Where the log is served to everybody, over HTTPS with this coordinator's certificate; nowhere without it.
    pub publish: Option<SocketAddr>,
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialFiles {
    /// The certificate, chain included.
    pub certificate: PathBuf,
    /// Its private key, mode 0600.
    pub key: PathBuf,
    /// The certificate of the federation's authority.
    pub authority: PathBuf,
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StoreLocation {
    /// A SQLite file, made when it is not there.
    Sqlite(PathBuf),
    /// A file (mode 0600, since it holds a password) with the URL of a PostgreSQL database.
    PostgresqlUrlFile(PathBuf),
}

/// Where `/healthz`, `/readyz` and `/metrics` are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// On loopback only.
    pub listen: SocketAddr,
}

/// What is taken from analysts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Cells times columns of one query.
    pub words: u64,
    /// The longest that a query may wait for its suppliers, in minutes.
    pub deadline_minutes: u64,
    /// Queries that go on at once.
    pub queries: u64,
    /// Of these, those of one requester: each may last for days, and the others have to find a place.
    pub queries_per_requester: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { words: 4_000_000, deadline_minutes: 14 * 24 * 60, queries: 200, queries_per_requester: 50 }
    }
}

/// How long the steps of a round wait.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Round {
    /// Until a silent supplier counts as gone, in milliseconds.
    pub phase_timeout_ms: u64,
    /// Until an unanswered request is made again, in milliseconds.
    pub resend_ms: u64,
}

impl Default for Round {
    fn default() -> Self {
        Self { phase_timeout_ms: 60_000, resend_ms: 5_000 }
    }
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, a key is unknown or missing, or a value is out of its range.
    pub fn read(path: &Path) -> Result<Self, ConfigurationError> {
        let text =
            fs::read_to_string(path).map_err(|cause| ConfigurationError::File { path: path.to_owned(), cause })?;
        let mut configuration: Self = toml::from_str(&text)
            .map_err(|cause| ConfigurationError::Document { path: path.to_owned(), cause: Box::new(cause) })?;
        configuration.check(path)?;
        configuration.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(configuration)
    }

    fn check(&self, path: &Path) -> Result<(), ConfigurationError> {
        let ranges = [
            ("limits.words", self.limits.words, 1, 1 << 28),
            ("limits.deadline_minutes", self.limits.deadline_minutes, 1, 366 * 24 * 60),
            ("limits.queries", self.limits.queries, 1, 10_000),
            ("limits.queries_per_requester", self.limits.queries_per_requester, 1, 10_000),
            ("round.phase_timeout_ms", self.round.phase_timeout_ms, 100, 24 * 60 * 60 * 1000),
            ("round.resend_ms", self.round.resend_ms, 50, 60 * 60 * 1000),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| value < least || value > most) {
            Some((key, value, least, most)) => {
                Err(ConfigurationError::Range { path: path.to_owned(), key, value, least, most })
            }
            None => Ok(()),
        }
    }

    fn resolve(&mut self, folder: &Path) {
        let credentials = &mut self.credentials;
        let store = match &mut self.store {
            StoreLocation::Sqlite(path) | StoreLocation::PostgresqlUrlFile(path) => path,
        };
        let credentials = [&mut credentials.certificate, &mut credentials.key, &mut credentials.authority];
        let ledger = [&mut self.ledger.key, &mut self.ledger.trust];
        for path in [&mut self.codebook, &mut self.roster, store].into_iter().chain(credentials).chain(ledger) {
            *path = folder.join(&*path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WHOLE: &str = r#"
        listen = "127.0.0.1:0"
        codebook = "codebook.toml"
        roster = "roster.toml"
        credentials = { certificate = "c.pem", key = "c.key", authority = "/etc/authority.pem" }
        store = { sqlite = "state/coordinator.sqlite" }
        ledger = { key = "ledger.key", trust = "trust.toml" }
        minimum_frequency = { victims = 12 }
    "#;

    fn read(text: &str) -> Result<Configuration, ConfigurationError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coordinator.toml");
        fs::write(&path, text).unwrap();
        Configuration::read(&path)
    }

    #[test]
    fn paths_are_taken_from_the_files_folder() {
        let configuration = read(WHOLE).unwrap();
        assert!(configuration.roster.is_absolute());
        assert_eq!(configuration.credentials.authority, Path::new("/etc/authority.pem"));
        assert_eq!(configuration.limits, Limits::default());
    }

    #[test]
    fn errors_name_file_and_place() {
        let unknown = read(&format!("{WHOLE}\nlisten_on = 1")).unwrap_err().to_string();
        assert!(unknown.contains("coordinator.toml") && unknown.contains("listen_on"), "{unknown}");
        let range = read(&format!("{WHOLE}\nround = {{ resend_ms = 1 }}")).unwrap_err().to_string();
        assert!(range.contains("round.resend_ms = 1"), "{range}");
    }
}
