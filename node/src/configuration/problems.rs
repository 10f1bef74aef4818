//! Every mistake of a document, not only the first.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use optelsom_codebook::Problem;

/// Collects the mistakes of one document.
pub(super) struct Problems {
    line_starts: Vec<usize>,
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn of(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { line_starts, found: Vec::new() }
    }

    /// Notes a mistake at this place, in bytes.
    pub(super) fn report(&mut self, place: Range<usize>, message: impl Into<String>, mend: impl Into<String>) {
        let line = self.line_starts.partition_point(|&start| start <= place.start).max(1);
        self.found.push(Problem { line, message: message.into(), mend: mend.into() });
    }

    /// What was made, if there was nothing to report.
    pub(super) fn settle<T>(mut self, path: &Path, made: Option<T>) -> Result<T, ConfigurationError> {
        match made {
            Some(made) if self.found.is_empty() => Ok(made),
            _ => {
                self.found.sort();
                self.found.dedup();
                Err(ConfigurationError::Mistakes { path: path.to_owned(), problems: self.found })
            }
        }
    }
}

/// Why the configuration cannot be used. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}. See that the path is right and that this program may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// `node.toml` has mistakes.
    #[error("{}{}", path.display(), Listed(problems))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them, by line.
        problems: Vec<Problem>,
    },
    /// The codebook has mistakes.
    #[error("{}: {cause}", path.display())]
    Codebook {
        /// The file.
        path: PathBuf,
        /// All of them.
        cause: optelsom_codebook::CodebookErrors,
    },
    /// The agreement has mistakes.
    #[error("{}: {cause}", path.display())]
    Agreement {
        /// The file.
        path: PathBuf,
        /// All of them.
        cause: optelsom_codebook::AgreementErrors,
    },
    /// The agreement is another supplier's.
    #[error("{} is the agreement of `{found}`, but this node is `{expected}`: take the right file", path.display())]
    OtherSupplier {
        /// The file.
        path: PathBuf,
        /// Whose agreement it is.
        found: String,
        /// Whose node this is.
        expected: String,
    },
    /// A dataset is not bound.
    #[error("node.toml binds no dataset `{dataset}`; it binds: {}. Add [datasets.{dataset}] or name one of these", bound.join(", "))]
    NotBound {
        /// The dataset asked for.
        dataset: String,
        /// The datasets that are bound.
        bound: Vec<String>,
    },
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, " has {count} {}", if count == 1 { "mistake" } else { "mistakes" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
