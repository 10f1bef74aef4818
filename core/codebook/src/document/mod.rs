//! Reading TOML documents so that every mistake is found at once, each with its line and how to mend it.

mod codebook;
mod dataset;
mod hierarchy;
mod section;

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

pub(crate) use codebook::read_codebook;
pub(crate) use section::{Found, Section};

/// The longest codebook, agreement or roster, in bytes: each travels whole beside an entry of the log, and no node takes
/// a longer document.
pub const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// One mistake in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, "; {}", self.mend) }
    }
}

/// Writes problems one to a line.
pub(crate) fn write_problems(f: &mut fmt::Formatter<'_>, what: &str, problems: &[Problem]) -> fmt::Result {
    let count = problems.len();
    write!(f, "{what} has {count} {}", if count == 1 { "mistake" } else { "mistakes" })?;
    problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
}

/// Where in the text something stands, in bytes.
pub(crate) type Place = Range<usize>;

/// Collects the problems of one document.
pub(crate) struct Reader {
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
}

impl Reader {
    /// Parses the text and hands its top level to `read`. Gives what was read if there was no problem at all.
    ///
    /// Mistakes of syntax are reported alone: what follows from them would only confuse.
    pub(crate) fn read<T>(
        text: &str,
        read: impl FnOnce(&mut Self, &Section<'_>) -> Option<T>,
    ) -> Result<T, Vec<Problem>> {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut reader = Self { line_starts, problems: Vec::new() };
        if text.len() > MAX_TEXT_BYTES {
            let message =
                format!("{} bytes; no document beside the log may have more than {MAX_TEXT_BYTES}", text.len());
            reader.report(&(0..0), message, "leave out what is not asked for, or shorten the labels");
            return Err(reader.into_problems());
        }
        let (table, errors): (Spanned<DeTable<'_>>, _) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().unwrap_or(0..0);
            reader.report(&place, format!("not TOML: {}", error.message()), "correct the syntax");
        }
        if !reader.problems.is_empty() {
            return Err(reader.into_problems());
        }
        let top = Section::top(&table);
        match read(&mut reader, &top) {
            Some(value) if reader.problems.is_empty() => Ok(value),
            _ => Err(reader.into_problems()),
        }
    }

    /// Notes a problem at this place.
    pub(crate) fn report(&mut self, place: &Place, message: impl Into<String>, mend: impl Into<String>) {
        let line = self.line_starts.partition_point(|&start| start <= place.start);
        self.problems.push(Problem { line: line.max(1), message: message.into(), mend: mend.into() });
    }

    fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }
}
