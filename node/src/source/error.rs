//! What can be wrong with a source. All of it is the supplier's own to mend; none of it ever leaves the node.

use std::fmt;
use std::io;
use std::path::PathBuf;

use optelsom_proto::key_file::KeyFileError;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {cause}. See that the path in node.toml is right and that this program may read it", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A bound column is not there.
    #[error(
        "the source has no column `{column}`{}; its columns are: {}. Correct the column's name in node.toml",
        Suggested(suggestion),
        Listed(columns)
    )]
    MissingColumn {
        /// The column as bound.
        column: String,
        /// A column that is much like it.
        suggestion: Option<String>,
        /// All the columns.
        columns: Vec<String>,
    },
    /// The whole head of a CSV file is one column, since its values are separated by something else.
    #[error(
        "{}: its head is one column by the delimiter {named:?}, and has {found:?} in it: set `delimiter = {found:?}` in node.toml",
        path.display()
    )]
    OtherDelimiter {
        /// The file.
        path: PathBuf,
        /// What seems to separate the values.
        found: String,
        /// What the configuration says.
        named: String,
    },
    /// A bound column is there more than once.
    #[error(
        "the source has more than one column `{column}`: give each its own name, so that it is clear which is meant"
    )]
    RepeatedColumn {
        /// The column as bound.
        column: String,
    },
    /// A CSV file breaks its own rules.
    #[error("{}, record starting on line {line}: {problem}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The line on which the broken record starts, from 1.
        line: u64,
        /// What is wrong.
        problem: CsvProblem,
    },
    /// Bytes that the named encoding does not have.
    #[error(
        "{}, line {line}, byte {offset}: not {encoding} text. Set the file's real `encoding` in node.toml, often \
         \"windows-1252\" or \"utf-8\"",
        path.display()
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The encoding that was named.
        encoding: &'static str,
        /// The offset of the first such byte in the file, from 0.
        offset: u64,
        /// Its line, from 1.
        line: u64,
    },
    /// The file's byte order mark contradicts the named encoding.
    #[error("{} begins with the mark of {marked}, but node.toml says {named}: set `encoding = \"{marked}\"`", path.display())]
    OtherEncoding {
        /// The file.
        path: PathBuf,
        /// The encoding of the mark.
        marked: &'static str,
        /// The encoding in the configuration.
        named: &'static str,
    },
    /// A Parquet file is broken.
    #[error("{}: not a whole Parquet file ({cause}). It may have been cut short: copy or export it again", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        cause: String,
    },
    /// A Parquet column holds lists or structures.
    #[error(
        "{}, column `{column}`: {kind} is not a single value. Export it as text; several values go in one text with a \
         `separator`",
        path.display()
    )]
    Nested {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        kind: &'static str,
    },
    /// A folder has no Parquet file.
    #[error("{} holds no file whose name ends in .parquet", path.display())]
    NoParquet {
        /// The folder.
        path: PathBuf,
    },
    /// One of several files is wrong.
    #[error("{}: {cause}", path.display())]
    InFile {
        /// The file among several.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<SourceError>,
    },
    /// A spreadsheet is broken.
    #[error("{}: cannot be read as a spreadsheet ({cause}). Open it in the program that made it and save it again", path.display())]
    Spreadsheet {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        cause: String,
    },
    /// A spreadsheet would take too much memory.
    #[error(
        "{}: too large for a spreadsheet: {what} (at most {limit}). It is refused before it fills the memory; export \
         the sheet as CSV and bind that",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        what: String,
        /// How much there may be.
        limit: String,
    },
    /// A spreadsheet has no such sheet.
    #[error("{} has no sheet `{sheet}`{}; its sheets are: {}", path.display(), Suggested(suggestion), Listed(sheets))]
    NoSheet {
        /// The file.
        path: PathBuf,
        /// The sheet as bound.
        sheet: String,
        /// A sheet that is much like it.
        suggestion: Option<String>,
        /// All the sheets.
        sheets: Vec<String>,
    },
    /// A spreadsheet's formula has never been computed, so nobody knows what stands in the cell.
    #[error(
        "{}, sheet `{sheet}`, row {row}, column {column}: a formula without its value. Open the file and save it in a \
         program that computes it, such as Excel or LibreOffice",
        path.display()
    )]
    NotComputed {
        /// The file.
        path: PathBuf,
        /// The sheet.
        sheet: String,
        /// The row, as the margin shows it.
        row: u64,
        /// The column, as the head of the sheet shows it: `C`.
        column: String,
    },
    /// A file's kind cannot be read.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is and what to do.
        what: &'static str,
    },
    /// A file with a password in it that others can read.
    #[error(
        "{} holds a password and is open to others (mode {mode:04o}). Make it the owner's alone: chmod 600 {}",
        path.display(),
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file with a password in it is something else.
    #[error("{0}")]
    Secret(KeyFileError),
    /// The database does not answer, or not as it should.
    #[error("the database {database}: {doing} failed: {cause}. {mend}")]
    Database {
        /// The database, without its password.
        database: String,
        /// What was being done.
        doing: &'static str,
        /// What the database or its driver said.
        cause: String,
        /// What to look at.
        mend: &'static str,
    },
}

/// What is wrong with one CSV record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvProblem {
    /// The file ends inside quotes.
    #[error(
        "a quoted value is never closed before the end of the file. Close the quote, or set `quote = false` if quotes mean nothing in this file"
    )]
    Unclosed,
    /// A quote stands in the middle of a value.
    #[error(
        "a quote stands inside a value that does not start with one. Put the value in quotes and double the quotes inside it, or set `quote = false`"
    )]
    StrayQuote,
    /// Something follows a closing quote.
    #[error("text follows a closing quote. Double the quotes inside a quoted value, or set `quote = false`")]
    AfterQuote,
    /// Not as many values as the head has.
    #[error("{found} values where there are {expected} columns. Look for a missing or unquoted delimiter")]
    Values {
        /// How many values the record has.
        found: usize,
        /// How many columns the head has.
        expected: usize,
    },
    /// A record that does not end.
    #[error("the record is longer than {limit} bytes: is a quote not closed?")]
    TooLong {
        /// The most bytes of a record.
        limit: usize,
    },
    /// A carriage return without a line feed.
    #[error("a carriage return without a line feed. Save the file with ordinary line ends")]
    LoneReturn,
    /// Not even a head.
    #[error(
        "no line with the columns' names: the file is empty. Export it again, with its head even if it has no rows"
    )]
    NoHead,
}

struct Suggested<'a>(&'a Option<String>);

impl fmt::Display for Suggested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 60;
        for (position, name) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{}", name.escape_debug())?;
        }
        if self.0.len() > SHOWN { write!(f, " and {} more", self.0.len() - SHOWN) } else { Ok(()) }
    }
}
