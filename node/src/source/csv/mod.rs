//! CSV after RFC 4180: any one-byte delimiter, any encoding, quotes doubled inside quotes. What breaks the rules is an
//! error with its line, since a file that is half understood gives numbers that are silently wrong.

mod input;
mod split;

use std::path::PathBuf;

use encoding_rs::{Encoding, UTF_8};

use super::{CsvProblem, PROGRESS_ROWS, Place, Progress, SourceError, locate};
use input::Input;
use split::{Split, Splitter, Value};

/// The longest record, in bytes. A longer one means a quote that is never closed.
const MAX_RECORD: usize = 1 << 20;

/// A CSV file and how to read it.
#[derive(Clone, Debug)]
pub struct CsvSource {
    /// The file.
    pub path: PathBuf,
    /// The byte between values.
    pub delimiter: u8,
    /// Whether quotes hold values together; otherwise they are ordinary characters.
    pub quote: bool,
    /// The encoding of the text.
    pub encoding: &'static Encoding,
    /// Whether the first record names the columns; otherwise they are called `1`, `2`, …
    pub header: bool,
}

impl CsvSource {
    /// The encoding of the values that reading yields: the file's own where a byte of it can be recognised by itself.
    pub(super) fn yields(&self) -> &'static Encoding {
        if self.encoding.is_single_byte() { self.encoding } else { UTF_8 }
    }

    pub(super) fn columns(&self) -> Result<Vec<String>, SourceError> {
        Records::open(self)?.head()
    }

    /// The position of each wanted column among those of the head, which says so if its delimiter is another.
    pub(super) fn locate(&self, wanted: &[String], present: &[String]) -> Result<Vec<usize>, SourceError> {
        locate(wanted, present).map_err(|cause| match (&cause, present) {
            (SourceError::MissingColumn { .. }, [head]) if self.header => self.other_delimiter(head).unwrap_or(cause),
            _ => cause,
        })
    }

    fn other_delimiter(&self, head: &str) -> Option<SourceError> {
        let often = |mark: &char| head.matches(*mark).count();
        let found = [';', '\t', ',', '|'].into_iter().filter(|mark| often(mark) > 0).max_by_key(often)?;
        let named = char::from(self.delimiter).to_string();
        Some(SourceError::OtherDelimiter { path: self.path.clone(), found: found.to_string(), named })
    }

    pub(super) fn read<E: From<SourceError>>(
        &self,
        columns: &[String],
        progress: &mut dyn FnMut(Progress),
        mut row: impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut records = Records::open(self)?;
        let present = records.head()?;
        let mut slots = vec![None; present.len()];
        for (slot, column) in self.locate(columns, &present)?.into_iter().enumerate() {
            if let Some(place) = slots.get_mut(column) {
                *place = Some(slot);
            }
        }
        let mut values = vec![Value::default(); columns.len()];
        let mut told = 0;
        loop {
            records.batch(&slots, &mut values, &mut row)?;
            if records.rows >= told + PROGRESS_ROWS || records.finished {
                told = records.rows;
                progress(records.progress());
            }
            if records.finished {
                return Ok(());
            }
            records.fill()?;
        }
    }
}

/// A file being read, record by record.
struct Records<'a> {
    source: &'a CsvSource,
    splitter: Splitter,
    input: Input,
    buffer: Vec<u8>,
    /// Where the next record starts in the buffer.
    at: usize,
    /// The line on which it starts, from 1.
    line: u64,
    rows: u64,
    /// Nothing is left after what is in the buffer.
    last: bool,
    finished: bool,
}

impl<'a> Records<'a> {
    fn open(source: &'a CsvSource) -> Result<Self, SourceError> {
        let mut records = Self {
            source,
            splitter: Splitter::new(source.delimiter, source.quote),
            input: Input::open(&source.path, source.encoding)?,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            rows: 0,
            last: false,
            finished: false,
        };
        records.fill()?;
        Ok(records)
    }

    /// The columns' names; moves past the head if there is one.
    fn head(&mut self) -> Result<Vec<String>, SourceError> {
        loop {
            let mut found = Vec::new();
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match self.splitter.record(rest, self.last, |_, value| found.push(value)) {
                Split::Record { used, newlines, .. } => {
                    let names = if self.source.header {
                        self.at += used;
                        self.line += newlines;
                        found.iter().map(|value| self.name(&value.of(rest))).collect()
                    } else {
                        (1..=found.len()).map(|number| number.to_string()).collect()
                    };
                    self.splitter.expect(found.len());
                    return Ok(names);
                }
                Split::More => self.fill()?,
                Split::Bad(problem) => return Err(self.broken(problem)),
                Split::End => return Err(self.broken(CsvProblem::NoHead)),
                Split::Blank { used } => {
                    self.at += used;
                    self.line += 1;
                }
            }
        }
    }

    fn name(&self, bytes: &[u8]) -> String {
        self.source.yields().decode_without_bom_handling(bytes).0.trim().to_owned()
    }

    /// Gives every record that is wholly in the buffer.
    fn batch<E: From<SourceError>>(
        &mut self,
        slots: &[Option<usize>],
        values: &mut [Value],
        row: &mut impl FnMut(Place, &[&[u8]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut fields: Vec<&[u8]> = Vec::with_capacity(values.len());
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let mut escaped = false;
            let split = self.splitter.record(rest, self.last, |column, value| {
                if let Some(place) = slots.get(column).copied().flatten().and_then(|slot| values.get_mut(slot)) {
                    escaped |= value.escaped;
                    *place = value;
                }
            });
            match split {
                Split::Record { used, newlines } => {
                    let place = Place::Line(self.line);
                    if escaped {
                        let owned: Vec<_> = values.iter().map(|value| value.of(rest)).collect();
                        let borrowed: Vec<&[u8]> = owned.iter().map(AsRef::as_ref).collect();
                        row(place, &borrowed)?;
                    } else {
                        fields.clear();
                        fields.extend(values.iter().map(|value| rest.get(value.range()).unwrap_or_default()));
                        row(place, &fields)?;
                    }
                    self.rows += 1;
                    self.at += used;
                    self.line += newlines;
                }
                Split::Blank { used } => {
                    self.at += used;
                    self.line += 1;
                }
                Split::More => return Ok(()),
                Split::Bad(problem) => return Err(self.broken(problem).into()),
                Split::End => {
                    self.finished = true;
                    return Ok(());
                }
            }
        }
    }

    /// Reads on behind what is not yet used.
    fn fill(&mut self) -> Result<(), SourceError> {
        self.buffer.drain(..self.at.min(self.buffer.len()));
        self.at = 0;
        if self.buffer.len() > MAX_RECORD {
            return Err(self.broken(CsvProblem::TooLong { limit: MAX_RECORD }));
        }
        self.last = !self.input.fill(&mut self.buffer)?;
        Ok(())
    }

    fn broken(&self, problem: CsvProblem) -> SourceError {
        SourceError::Csv { path: self.source.path.clone(), line: self.line, problem }
    }

    fn progress(&self) -> Progress {
        Progress { rows: self.rows, bytes: self.input.offset(), total_bytes: Some(self.input.size()) }
    }
}
