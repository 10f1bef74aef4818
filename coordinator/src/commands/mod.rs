//! The command line.

mod authority;
mod bureau;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use optelsom_coordinator::{AuthorityError, Configuration, ConfigurationError, StartError, create_log};
use optelsom_ledger::note::{KeyError, KeyName, LogVerifier};
use optelsom_proto::dial::explain;
use optelsom_proto::key_file::{KeyFileError, new_identity};
use optelsom_proto::output::{OutputError, print_line};
use optelsom_proto::{CredentialsError, DialError, ProxyAddress, RoleError};
use thiserror::Error;
use tonic::{Code, Status};

/// The bureau's daemon of Optelsom: takes questions, runs their secure sums, releases protected tables.
///
/// Exit codes: 0 done, also if nobody reads the output any more; 2 usage, configuration or files, standard output too; 3 not authorised; 4 the coordinator cannot be reached;
/// 5 it refuses; 6 the daemon could not start; 7 the log cannot be gone on with as it is: the message says what to
/// restore.
#[derive(Debug, Parser)]
#[command(name = "optelsom-coordinator", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the coordinator until it is told to stop (SIGTERM or Ctrl-C).
    Run {
        /// The configuration.
        #[arg(long, env = "OPTELSOM_COORDINATOR_CONFIG", default_value = "coordinator.toml")]
        config: PathBuf,
    },
    /// The federation's own certificate authority. Keep its folder offline.
    #[command(subcommand)]
    Authority(authority::Command),
    /// Begins the log of a federation that has never had one. Where there is one, nothing is changed.
    CreateLog {
        /// The configuration.
        #[arg(long, env = "OPTELSOM_COORDINATOR_CONFIG", default_value = "coordinator.toml")]
        config: PathBuf,
    },
    /// Makes the log's key; prints the line for trust.toml.
    LogKey {
        /// The key file to write, mode 0600; never replaced.
        file: PathBuf,
        /// The log's name, as in optelsom.example.nl/log; it stays for ever.
        #[arg(long)]
        name: String,
    },
    /// Makes an identity key for one who asks; prints the public identity for the roster.
    Identity {
        /// The key file to write, mode 0600; never replaced.
        file: PathBuf,
    },
    /// Announces the moment at which all suppliers freeze a dataset.
    Announce {
        /// The dataset.
        dataset: String,
        /// The edition's name, as in 2024-12.
        edition: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Gives a query up: abandons it before it is certified, asks the voters to declare it void after.
    Cancel {
        /// The query's id, or its first digits (6 or more).
        query: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Asks the voters to declare a certified query void, for ever.
    Void {
        /// The query's id, or its first digits (6 or more).
        query: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Shows nodes and running queries.
    Status {
        #[command(flatten)]
        connection: Connection,
    },
}

/// How an operator reaches the coordinator.
#[derive(Debug, Args)]
struct Connection {
    /// The coordinator, host:port.
    #[arg(long, env = "OPTELSOM_COORDINATOR")]
    coordinator: String,
    /// The name in the coordinator's certificate, if it is another than the host.
    #[arg(long, env = "OPTELSOM_SERVER_NAME")]
    server_name: Option<String>,
    /// An HTTP CONNECT proxy, http://host:port.
    #[arg(long, env = "OPTELSOM_PROXY")]
    proxy: Option<ProxyAddress>,
    /// The operator's certificate.
    #[arg(long, env = "OPTELSOM_CERTIFICATE")]
    certificate: PathBuf,
    /// Its private key, mode 0600.
    #[arg(long, env = "OPTELSOM_KEY")]
    key: PathBuf,
    /// The certificate of the federation's authority.
    #[arg(long, env = "OPTELSOM_AUTHORITY")]
    authority: PathBuf,
}

/// Why a command fails.
#[derive(Debug, Error)]
pub enum Failure {
    /// `coordinator.toml`.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The daemon.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A name that no key can have.
    #[error(transparent)]
    KeyName(#[from] KeyError),
    /// A role that is none.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Certificate, key, authority.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The coordinator refuses, or the connection breaks.
    #[error("{}", call_failed(.0))]
    Call(Box<Status>),
    /// The runtime or a signal.
    #[error("this machine gives no {what}: {cause}")]
    System {
        /// What was wanted of it.
        what: &'static str,
        /// What it says.
        cause: std::io::Error,
    },
    /// The server has ended of itself.
    #[error("the coordinator has stopped; its log says why")]
    Ended,
    /// The log must not be written any more.
    #[error("the coordinator has stopped; {0}")]
    Log(String),
}

fn call_failed(status: &Status) -> String {
    match status.code() {
        Code::Unknown | Code::Unavailable if std::error::Error::source(status).is_some() => explain(status),
        _ => status.message().to_owned(),
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}

impl Failure {
    /// The code that the help promises.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Configuration(_)
            | Self::Authority(_)
            | Self::KeyFile(_)
            | Self::Output(_)
            | Self::KeyName(_)
            | Self::Role(_)
            | Self::Credentials(_) => 2,
            Self::Call(status) => match status.code() {
                Code::PermissionDenied | Code::Unauthenticated => 3,
                Code::Unavailable | Code::Unknown => 4,
                _ => 5,
            },
            Self::Dial(_) => 4,
            Self::Start(StartError::Ledger(_)) | Self::Log(_) => 7,
            Self::Start(_) | Self::System { .. } | Self::Ended => 6,
        })
    }
}

impl Arguments {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Typed by what stands in the way.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Authority(command) => command.run(),
            Command::Identity { file } => {
                print_line(new_identity(&file)?.public())?;
                Ok(())
            }
            Command::CreateLog { config } => {
                runtime()?.block_on(create_log(&Configuration::read(&config)?))?;
                print_line("the log is begun; start the coordinator")?;
                Ok(())
            }
            Command::LogKey { file, name } => {
                let name = KeyName::try_from(name.as_str())?;
                print_line(LogVerifier::new(name, new_identity(&file)?.public()))?;
                Ok(())
            }
            Command::Run { config } => runtime()?.block_on(run::run(&config)),
            Command::Announce { dataset, edition, connection } => {
                runtime()?.block_on(bureau::announce(&connection, dataset, edition))
            }
            Command::Cancel { query, connection } => runtime()?.block_on(bureau::cancel(&connection, query)),
            Command::Void { query, connection } => runtime()?.block_on(bureau::void(&connection, query)),
            Command::Status { connection } => runtime()?.block_on(bureau::status(&connection)),
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new().map_err(|cause| Failure::System { what: "threads", cause })
}
