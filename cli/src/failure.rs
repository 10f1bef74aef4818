//! Why a command failed: who can mend it, and the exit code that scripts go by.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use optelsom_codebook::{AgreementErrors, CodebookErrors, PlanError, QueryError};
use optelsom_disclosure::{PolicyError, ReleaseError};
use optelsom_ledger::RosterError;
use optelsom_proto::key_file::KeyFileError;
use optelsom_proto::{CredentialsError, DialError};
use thiserror::Error;
use tonic::{Code, Status};

use crate::bundle::Fault;

/// Exit codes, as `optelsom --help` lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  unexpected: the coordinator's answer cannot be right, or this program is at fault
  2  the question or the command line has to be changed; the message says how
  3  not authorised: certificate, key or identity, or not allowed to this role
  4  the coordinator cannot be reached, or was lost; an accepted query goes on without you
  5  the query was refused, or ended without a table; the message says why
  6  a local file cannot be read or written, or does not hold what it should
  10 to 19  an audit, or `optelsom verify`, found something; their --help lists the kinds";

/// Why a command failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The analyst has to ask otherwise.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The analyst has to ask for fewer cells.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The analyst has to say something else on the command line.
    #[error("{0}")]
    Usage(String),
    /// The analyst's credentials are wrong or don't allow this.
    #[error("not authorised: {0}")]
    NotAuthorised(String),
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The coordinator cannot be reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection was lost, or the coordinator is down.
    #[error("the coordinator cannot be reached now: {0}; try again, or ask its operator")]
    Unavailable(String),
    /// The coordinator refused the query, or it ended without a table.
    #[error("{0}")]
    NotAnswered(String),
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {cause}")]
    Contents {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and how to mend it.
        cause: String,
    },
    /// An audit found something; it has been told.
    #[error("not in order; findings: {findings}")]
    Found {
        /// The exit code of the gravest.
        code: u8,
        /// How many there are.
        findings: usize,
    },
    /// A release that cannot be relied on.
    #[error("{path}: this release does not hold: {cause}")]
    Unproved {
        /// Its bundle.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<Fault>,
    },
    /// Standard output is gone.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// What the coordinator sent cannot be right.
    #[error("the coordinator's answer cannot be used: {0}; its operator should look into it")]
    Answer(String),
    /// The machine gives no random bytes or no sensible time.
    #[error("this machine: {0}")]
    Machine(String),
}

impl Failure {
    /// A file that cannot be read or written.
    pub fn file(path: &Path, cause: io::Error) -> Self {
        Self::File { path: path.to_owned(), cause }
    }

    /// A file that does not hold what it should.
    pub fn contents(path: &Path, cause: impl ToString) -> Self {
        Self::Contents { path: path.to_owned(), cause: cause.to_string() }
    }

    /// Whether it is the way to the coordinator that is broken, which may be whole again in a while.
    pub fn is_passing(&self) -> bool {
        self.code() == 4
    }

    /// What is the matter, without the advice.
    pub fn cause(&self) -> String {
        match self {
            Self::Unavailable(cause) => cause.clone(),
            other => other.to_string(),
        }
    }

    /// The exit code, from [`EXIT_CODES`].
    pub fn code(&self) -> u8 {
        match self {
            Self::Answer(_) | Self::Machine(_) => 1,
            Self::Query(_) | Self::Plan(_) | Self::Usage(_) => 2,
            Self::NotAuthorised(_) | Self::Credentials(_) | Self::KeyFile(_) => 3,
            Self::Dial(DialError::Handshake { .. } | DialError::NotACoordinator { .. } | DialError::Credentials(_)) => {
                3
            }
            Self::Dial(_) | Self::Unavailable(_) => 4,
            Self::NotAnswered(_) => 5,
            Self::Found { code, .. } => *code,
            Self::Unproved { cause, .. } => cause.code(),
            Self::File { .. } | Self::Contents { .. } | Self::Output(_) => 6,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let text = printable(status.message());
        // Of this side's own making: the connection has broken off, and nobody has answered.
        if std::error::Error::source(&status).is_some() {
            return Self::Unavailable(text);
        }
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Self::NotAuthorised(text),
            Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => Self::Unavailable(text),
            Code::InvalidArgument | Code::FailedPrecondition | Code::ResourceExhausted | Code::NotFound => {
                Self::NotAnswered(format!("the coordinator refuses: {text}"))
            }
            code => Self::Answer(format!("{code:?}: {text}")),
        }
    }
}

macro_rules! wrong_answer {
    ($($error:ty => $what:literal),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Answer(format!(concat!($what, ": {}"), error))
            }
        })*
    };
}

wrong_answer! {
    CodebookErrors => "its codebook",
    AgreementErrors => "an agreement",
    RosterError => "its roster",
    PolicyError => "its disclosure policy",
    ReleaseError => "its release",
    optelsom_proto::WireError => "a message",
}

/// Text from elsewhere, safe for a terminal: control characters are written out.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control() && character != '\n';
            escaped.then(|| character.escape_default()).into_iter().flatten().chain((!escaped).then_some(character))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_commanded_from_elsewhere() {
        assert_eq!(printable("a\u{1b}[2Jb\nü"), "a\\u{1b}[2Jb\nü");
    }

    #[test]
    fn statuses_become_exit_codes() {
        let code = |status: Status| Failure::from(status).code();
        assert_eq!(code(Status::permission_denied("x")), 3);
        assert_eq!(code(Status::unavailable("x")), 4);
        assert_eq!(code(Status::invalid_argument("x")), 5);
        assert_eq!(code(Status::internal("x")), 1);
    }
}
